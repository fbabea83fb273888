"""Routing files: what is read, and what is said of files that make no sense."""

from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.files import parse_routing, read_routing
from tesuji.domains.logistics.routing.fleet import check_fleet
from tesuji.domains.logistics.routing.generate import random_cvrp, random_pairs, random_vrptw
from tesuji.domains.logistics.routing.instance import (
    RoutingError,
    RoutingInstance,
    make_instance,
)

CVRP = """NAME : small
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 3 4
3 0 8
4 1 1
DEMAND_SECTION
1 0
2 4
3 5
4 6
DEPOT_SECTION
1
-1
EOF
"""

MATRIX = """NAME : lower
DIMENSION : 3
CAPACITY : 9
EDGE_WEIGHT_TYPE : EXPLICIT
EDGE_WEIGHT_FORMAT : LOWER_ROW
EDGE_WEIGHT_SECTION
7
8 9
DEMAND_SECTION
1 0
2 4
3 5
DEPOT_SECTION
1
-1
"""

SOLOMON = """S3

VEHICLE
NUMBER     CAPACITY
  2         20

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE TIME

    0      0          0          0          0       100          0
    1      1          1          5         10        20          3
    2      0          3          5          0        30          3
"""

PAIRS = """2 10 1
0 0 0 0 0 100 0 0 0
1 3 4 5 0 50 1 0 2
2 0 8 -5 0 60 1 1 0
"""


def test_rounded_distances_of_cvrplib() -> None:
    instance = parse_routing(CVRP)
    assert instance.distance.tolist() == [[0, 5, 8, 1], [5, 0, 5, 4], [8, 5, 0, 7], [1, 4, 7, 0]]
    assert instance.demand.tolist() == [0, 4, 5, 6]
    assert (instance.capacity, instance.labels) == (10, (1, 2, 3, 4))


def test_a_depot_that_is_not_the_first_node_comes_first() -> None:
    text = CVRP.replace("1 0\n2 4", "1 4\n2 0").replace("SECTION\n1\n-1", "SECTION\n2\n-1")
    instance = parse_routing(text)
    assert instance.labels == (2, 1, 3, 4)
    assert instance.distance[0].tolist() == [0, 5, 5, 4]


def test_explicit_distances() -> None:
    assert parse_routing(MATRIX).distance.tolist() == [[0, 7, 8], [7, 0, 9], [8, 9, 0]]


def test_tenths_of_solomon_are_cut_off() -> None:
    instance = parse_routing(SOLOMON)
    assert instance.distance.tolist() == [[0, 14, 30], [14, 0, 22], [30, 22, 0]]
    assert instance.latest.tolist() == [1000, 200, 300]
    assert (instance.num_vehicles, instance.scale, instance.has_windows) == (2, 10, True)


def test_pairs_of_li_and_lim() -> None:
    instance = parse_routing(PAIRS)
    assert instance.delivery.tolist() == [0, 2, 0]
    assert instance.distance[1].tolist() == [5000, 0, 5000]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CVRP.replace("2 4\n3", "2 -4\n3"), "x:13: node 2 has the negative demand -4"),
        (CVRP.replace("2 4\n3", "2 14\n3"), "x: customer 2 wants 14, but a vehicle carries 10"),
        (CVRP.replace("SECTION\n1\n-1", "SECTION\n-1"), "x:17: there must be one depot, got 0"),
        (CVRP.replace("SECTION\n1\n-1", "SECTION\n9\n-1"), "one of the nodes 1 to 4, got 9"),
        (CVRP[: CVRP.index("DEPOT")], "x:15: the file has no DEPOT_SECTION; is it truncated?"),
        (CVRP[: CVRP.index("3 5")], "x:13: the file ends before line 3 of 4 of DEMAND_SECTION"),
        (CVRP.replace("CAPACITY : 10\n", ""), "the file has no CAPACITY"),
        (CVRP.replace("EUC_2D", "GEO"), "EDGE_WEIGHT_TYPE GEO is not one of EUC_2D, EXPLICIT"),
        (CVRP.replace("3 4\n", "3 x\n"), "x:8: expected a node and its two coordinates"),
        (CVRP.replace("3 0 8", "2 0 8"), "x:9: node 2 stands there twice"),
        (CVRP.replace("1 0\n2 4", "1 3\n2 4"), "the depot wants nothing"),
        (CVRP.replace(": 4\n", ": many\n"), "expected a number as DIMENSION, got 'many'"),
        (MATRIX.replace("8 9\n", "8\n"), "x:9: expected distances, got 'DEMAND_SECTION'"),
        (
            SOLOMON.replace("10        20", "30        20"),
            "customer 1 opens at 30 and closes at 20",
        ),
        (SOLOMON.replace("0        30", "0         2"), "customer 2 closes at 2, but no vehicle"),
        (SOLOMON.replace("0       100", "0        12"), "customer 1 is back at 14.4"),
        (SOLOMON.replace("1          1          5", "1  1  -5"), "customer 1 has the negative"),
        (SOLOMON.replace("  2         20", "  1          6"), "want 10 in all, but 1 vehicles"),
        (SOLOMON[: SOLOMON.index("CUSTOMER")], "x:5: the file ends before CUSTOMER"),
        (PAIRS.replace("1 1 0", "1 0 0"), "x:3: customer 1 needs one partner that names it back"),
        (PAIRS.replace("-5", "-4"), "customer 1 gives 5, but its delivery 2 takes 4"),
        (
            SOLOMON.replace("  2         20", "  1         20")
            .replace("10        20", "0   2")
            .replace("0        30", "0    5"),
            "x: customers 1, 2 need a vehicle each (no two are in time on one route), "
            "but there is 1 vehicle",
        ),
        ("hello\n", "x is no routing file"),
    ],
)
def test_one_line_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(RoutingError) as raised:
        parse_routing(text, "x")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RoutingError, match=r"cannot read .*none\.vrp: No such file"):
        read_routing(tmp_path / "none.vrp")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(RoutingError, match="is not text"):
        read_routing(tmp_path / "bytes")


def test_no_prefix_of_a_file_raises_anything_else() -> None:
    for text in (CVRP, MATRIX, SOLOMON, PAIRS):
        for end in range(len(text)):
            try:
                parse_routing(text[:end])
            except RoutingError:
                continue


@pytest.mark.parametrize(
    ("text", "routes", "fault"),
    [
        (CVRP, [[1, 2], [3]], None),
        (CVRP, [[1, 2, 3]], "route 1: 15 on board, but a vehicle carries 10"),
        (CVRP, [[1], [3]], "customer 3 is visited 0 times"),
        (CVRP, [[1, 2], [3, 3]], "customer 4 is visited 2 times"),
        (CVRP, [[1, 2], [3], [7]], "route 3 visits what is no customer"),
        (SOLOMON, [[1, 2]], None),
        (SOLOMON.replace("0        30", "0        10"), [[1, 2]], "customer 2 at 15.2, closed"),
        (SOLOMON, [[0, 1], [2]], "route 1 visits what is no customer"),
        (PAIRS, [[1, 2]], None),
        (PAIRS, [[2, 1]], "customer 2 comes before its pick-up"),
        (PAIRS, [[1], [2]], "customer 1's goods are not delivered"),
    ],
)
def test_the_checker_finds_faults(text: str, routes: list[list[int]], fault: str | None) -> None:
    found = check_routes(parse_routing(text), routes).faults
    assert any(fault in line for line in found) if fault else found == ()


@pytest.mark.parametrize("make", [random_cvrp, random_vrptw, random_pairs])
def test_random_instances_can_be_driven(
    make: object,
) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        instance: RoutingInstance = make(12, rng)  # type: ignore[operator]
        alone = [[n] for n in range(1, instance.num_nodes)]
        if instance.has_pairs:
            alone = [[int(p), int(d)] for p, d in enumerate(instance.delivery) if d]
        checked = check_routes(instance, alone)
        assert checked.faults == ()
        assert checked.cost == instance.cost(alone)


def test_a_fleet_too_small_is_blamed_on_fewest_customers() -> None:
    distance = np.abs(np.subtract.outer([0, 1, 2, 3, 4], [0, 1, 2, 3, 4]))
    for demand, names in (((6, 6, 6, 1), "1, 2, 3"), ((1, 6, 5, 5), None), ((6, 5, 5, 4), None)):
        instance = make_instance("line", distance, np.array([0, *demand]), 10, num_vehicles=2)
        if names is None:
            check_fleet(instance)
            continue
        with pytest.raises(RoutingError, match=f"customers {names} need a vehicle each"):
            check_fleet(instance)


def test_ways_by_other_customers_count_before_a_fleet_is_blamed() -> None:
    # From 1 to 2 directly is far, by 3 it is near: one vehicle is enough.
    distance = np.array([[0, 1, 9, 9], [9, 0, 50, 1], [1, 50, 0, 50], [9, 9, 1, 0]])
    windows = (np.zeros(4, int), np.array([90, 1, 3, 2]), np.zeros(4, int))
    far = np.full((4, 4), 50) * (1 - np.eye(4, dtype=int))
    far[0], far[:, 0] = 1, 1
    demand = np.array([0, 1, 1, 1])
    late = (windows[0], np.array([90, 40, 40, 40]), windows[2])
    distance[0, 2] = distance[0, 3] = 2
    check_fleet(make_instance("x", distance, demand, 3, num_vehicles=1, windows=windows))
    with pytest.raises(RoutingError, match="customers 1, 2 need a vehicle each"):
        check_fleet(make_instance("x", far, demand, 3, num_vehicles=1, windows=late))

"""Side constraints of routes: kernels against the exact twin, plans that keep them, and proofs."""

import numpy as np
import pytest
import z3

from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.generate import random_cvrp, random_pairs, random_vrptw
from tesuji.domains.logistics.routing.instance import RoutingInstance, make_instance
from tesuji.search.routing.anneal import Annealing
from tesuji.search.routing.refute import Refuter
from tesuji.search.routing.rules import NUMBERS, broken_rules, row_dtype
from tesuji.search.routing.side_constraints import SideConstraints, route_symbols
from tesuji.search.symbolic.model import ConstraintError

FAMILIES = [random_cvrp, random_vrptw, random_pairs]
TEXTS = (
    "apart: visits[3] + visits[7] < 2",
    "order: implies(visits[1] + visits[2] == 2, place[1] < place[2])",
    "stops: stops <= 6",
    "shift: duration <= 4000 * unit",
    "breaks: unbroken <= 1400 * unit",
    "not there: implies(vehicle == 1, visits[5] == 0)",
)


def made(make: object, size: int = 20, seed: int = 0) -> RoutingInstance:
    return make(size, np.random.default_rng(seed))  # type: ignore[operator,no-any-return]


def driven(side: SideConstraints, iterations: int = 3000) -> Annealing:
    annealing = Annealing(side.instance, 0, side.forbidden, (), side.rules)
    annealing.run(iterations, 0.0, 1.0)
    return annealing


@pytest.mark.parametrize("make", FAMILIES)
def test_kernels_count_what_the_exact_check_finds(make: object) -> None:
    instance, rng = made(make), np.random.default_rng(1)
    side = SideConstraints(instance, TEXTS, rest=15)
    data = (instance.distance.astype(np.int32), instance.demand, instance.earliest)
    counts = set()
    for _ in range(300):
        route = rng.permutation(np.arange(1, instance.num_nodes))[: rng.integers(1, 10)]
        vehicle = int(rng.integers(3))
        side.rules.way[: len(route)] = route
        count = broken_rules(side.rules, *data, instance.service, len(route), vehicle)
        broken = set(side.broken(route.tolist(), vehicle)) - {"apart"}  # a pair, not a rule
        assert count == len(broken)
        counts.add(count)
    assert not side.rules.row[:, 8 * len(NUMBERS) :].any()  # left clear
    assert len(counts) > 2


@pytest.mark.parametrize("make", FAMILIES)
def test_every_plan_keeps_the_constraints(make: object) -> None:
    for seed in range(2):
        instance = made(make, 30, seed)
        free = Annealing(instance, 0)
        free.run(2000, 0.0, 1.0)
        apart = [f"apart {a}: visits[{a}] + visits[{b}] < 2" for a, b, *_ in free.routes[:2]]
        if instance.has_pairs:
            apart = []
        side = SideConstraints(instance, [*apart, *TEXTS[2:4], TEXTS[5]])
        annealing = driven(side)
        assert annealing.is_feasible
        assert check_routes(instance, annealing.routes) == (annealing.cost, ())
        assert side.faults(annealing.routes) == ()
        assert annealing.cost >= free.cost


def test_customers_that_only_go_together_are_brought_together() -> None:
    instance = made(random_cvrp, 25)
    side = SideConstraints(instance, ["a: visits[4] == visits[20]", "b: place[9] <= 1"])
    annealing = driven(side)
    route = next(route for route in annealing.routes if 4 in route)
    assert 20 in route
    assert any(route[0] == 9 for route in annealing.routes)
    assert side.faults(annealing.routes) == ()


def test_a_forbidden_pair_is_known_by_what_it_says() -> None:
    instance = made(random_cvrp)
    x = route_symbols(instance).state
    ways = {
        "sum": x.visits[3] + x.visits[7] <= 1,
        "implication": z3.Implies(x.visits[3] == 1, x.visits[7] != 1),
        "less": x.visits[3] * x.visits[7] == 0,
        "something else": x.visits[3] + x.visits[7] <= 2,
        "one": x.visits[3] + x.visits[7] == 1,
    }
    side = SideConstraints(instance, ways)
    assert side.forbidden == [(3, 7)] * 3
    assert len(side.rules.holds) == 2


def test_vehicles_have_numbers_where_constraints_name_them() -> None:
    instance = made(random_cvrp, 16)
    texts = [f"only 2 visits {n}: implies(visits[{n}] == 1, vehicle == 2)" for n in (1, 2)]
    side = SideConstraints(instance, [*texts, "one rests: implies(vehicle == 1, stops == 0)"])
    annealing = driven(side)
    assert annealing.is_feasible
    assert annealing.routes[0] == []
    assert {1, 2} <= set(annealing.routes[1])
    again = Annealing(instance, 1, side.forbidden, annealing.routes, side.rules)
    assert again.routes == annealing.routes


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("short: length <= 17", ("short", "the way to customer 2 and back (18)")),
        ("no: visits[2] == 0", ("no",)),
        ("heavy: load >= 11", ("heavy", "the capacity (10)")),
        ("both: implies(visits[2] == 1, visits[1] == 1 and stops == 1)", ("both",)),
        ("third: implies(visits[2] == 1, place[2] >= 3)", ()),  # 3 and 1 before it
    ],
)
def test_customers_that_no_route_may_visit_are_refuted(text: str, reasons: tuple[str]) -> None:
    distance = np.abs(np.subtract.outer([0, 1, 9, 2], [0, 1, 9, 2]))
    instance = make_instance("line", distance, np.array([0, 3, 4, 3]), 10)
    assert Refuter(SideConstraints(instance, [text])).reasons(2) == reasons


def test_a_window_is_a_reason() -> None:
    distance = np.abs(np.subtract.outer([0, 5], [0, 5]))
    windows = (np.array([0, 40]), np.array([100, 50]), np.array([0, 2]))
    instance = make_instance("late", distance, np.array([0, 1]), 1, windows=windows)
    side = SideConstraints(instance, ["early: back <= 46"])
    found = Refuter(side).reasons(1)
    assert found == ("early", "the window of customer 1", "the way home from customer 1")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["x: lenght < 3"], "did you mean 'length'"),
        (["x: visits[99] == 0"], "constraint 'x': visits\\[99\\] is no customer"),
        (["x: place[0] == 0"], "constraint 'x': place\\[0\\] is no customer"),
        (["x: action == 0"], "constraint 'x': a route has no action"),
        (["x: stops < 3", "x: stops < 4"], "two constraints are called 'x'"),
        (["x: stops"], "'x'"),
        ([f"{i}: stops < 3" for i in range(65)], "at most 64 constraints, got 65"),
    ],
)
def test_one_line_says_what_is_wrong(texts: list[str], message: str) -> None:
    with pytest.raises(ConstraintError, match=message):
        SideConstraints(made(random_cvrp), texts)


def test_rests_end_a_stretch_of_driving() -> None:
    distance = np.abs(np.subtract.outer([0, 7, -2], [0, 7, -2]))
    windows = (np.array([0, 0, 27]), np.array([99, 99, 99]), np.array([0, 5, 0]))
    instance = make_instance("line", distance, np.array([0, 1, 1]), 2, windows=windows)
    for rest, unbroken in ((None, 18), (7, 18), (6, 16), (5, 9)):
        side = SideConstraints(instance, ["x: stops < 9"], rest=rest)
        found = side.quantities([1, 2])
        # 7 driven, service until 12, 9 driven, 6 waited until 27, 2 home.
        assert (found["length"], found["waiting"], found["back"]) == (18, 6, 29)
        assert found["unbroken"] == unbroken


def test_a_row_begins_with_the_numbers() -> None:
    assert row_dtype(5).names == (*NUMBERS, "place", "begin", "visits")

"""Road networks: shortest ways, streets of routes, and what is said of files that make no sense."""

import json
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from tesuji.domains.logistics.routing.instance import RoutingError
from tesuji.domains.logistics.routing.road_files import read_roads
from tesuji.domains.logistics.routing.roads import Order, routing_from_graph

CSV = "node,demand,latest,capacity,vehicles\na,0,,5,2\nc,3,60,,\nd,4,,,\n"


def square() -> nx.Graph:
    """Return   a - b - c   with a way back from c to a by d.
    \\- d -/
    """
    graph = nx.Graph()
    for node, place in {"a": (0, 0), "b": (5, 0), "c": (9, 0), "d": (5, -3)}.items():
        graph.add_node(node, x=place[0], y=place[1])
    for one, other, length in (("a", "b", 5), ("b", "c", 4), ("c", "d", 7), ("d", "a", 6)):
        graph.add_edge(one, other, length=length)
    return graph


def test_ways_are_shortest_and_routes_follow_the_streets() -> None:
    network = routing_from_graph(square(), "a", [Order("c", 3), Order("d", 2)], capacity=5)
    assert network.instance.distance.tolist() == [[0, 9, 6], [9, 0, 7], [6, 7, 0]]
    assert network.streets([1, 2]) == ["a", "b", "c", "d", "a"]
    assert network.streets([1]) == ["a", "b", "c", "b", "a"]
    assert network.instance.coordinates is not None
    assert network.instance.coordinates.tolist() == [[0, 0], [9, 0], [5, -3]]


def test_distances_are_those_of_networkx() -> None:
    rng = np.random.default_rng(0)
    graph = nx.gnm_random_graph(40, 160, seed=1, directed=True)
    for edge in graph.edges.values():
        edge["travel_time"] = float(rng.uniform(1, 9))
    stops = sorted(max(nx.strongly_connected_components(graph), key=len))[:8]
    orders = [Order(node, 1) for node in stops[1:]]
    instance = routing_from_graph(graph, stops[0], orders, capacity=9).instance
    for a, one in enumerate(stops):
        for b, other in enumerate(stops):
            exact = nx.dijkstra_path_length(graph, one, other, "travel_time")
            assert abs(instance.distance[a, b] / instance.scale - exact) < 1e-3


def test_parallel_edges_one_way_streets_and_two_orders_at_a_place() -> None:
    graph = nx.MultiDiGraph()
    graph.add_edge(1, 2, length="8")  # as OSMnx writes them
    graph.add_edge(1, 2, length="3")
    graph.add_edge(2, 3, length="4")
    graph.add_edge(3, 1, length="5")
    network = routing_from_graph(graph, 1, [Order(2, 1), Order(2, 1), Order(3, 1)], capacity=3)
    assert network.instance.distance[0].tolist() == [0, 3, 3, 7]
    assert network.streets([1, 2, 3]) == [1, 2, 3, 1]
    assert network.streets([3, 1]) == [1, 2, 3, 1, 2, 3, 1]


@pytest.mark.parametrize("kind", ["graphml", "json", "links"])
@pytest.mark.parametrize("orders", ["csv", "json"])
def test_files_say_the_same(tmp_path: Path, kind: str, orders: str) -> None:
    graph = tmp_path / ("city.graphml" if kind == "graphml" else "city.json")
    if kind == "graphml":
        nx.write_graphml(square(), graph)
    else:
        edges = "edges" if kind == "json" else "links"
        graph.write_text(json.dumps(nx.node_link_data(square(), edges=edges)))
    file = tmp_path / f"orders.{orders}"
    rows = [{"node": "c", "demand": 3, "latest": 60}, {"node": "d", "demand": 4}]
    task = {"depot": "a", "capacity": 5, "vehicles": 2, "orders": rows}
    file.write_text(CSV if orders == "csv" else json.dumps(task))
    instance = read_roads(graph, file).instance
    assert instance.distance.tolist() == [[0, 9, 6], [9, 0, 7], [6, 7, 0]]
    assert (instance.capacity, instance.num_vehicles, instance.name) == (5, 2, "orders")
    assert instance.demand.tolist() == [0, 3, 4]
    assert instance.latest[1] == 60


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CSV.replace("a,0", "z,0"), "the depot is at 'z', which is no node of the network"),
        (CSV.replace("c,3", "y,3"), "order 1 is at 'y', which is no node of the network"),
        (CSV.replace("c,3", "c,-3"), "line 3: the demand -3 is negative"),
        (CSV.replace("c,3", "c,x"), "line 3: demand must be a number, got 'x'"),
        (CSV.replace("c,3", "c,9"), "customer 1 wants 9, but a vehicle carries 5"),
        (CSV.replace("3,60", "3,8"), "customer 1 closes at 8, but no vehicle is there before 9"),
        (CSV.replace("a,0,,5,2", "a,0,,5,1"), "want 7 in all, but 1 vehicles carry 5"),
        (CSV.replace("a,0,,5,2", ",0,,5,2"), "there is no depot"),
        (CSV.replace("a,0,,5,2", "a,0,,,2"), "capacity must be a number, got None"),
        (CSV.replace("latest", "late"), "the column 'late' is not known"),
        ("node\na\n", "expected columns node and demand, and the depot first"),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    nx.write_graphml(square(), tmp_path / "city.graphml")
    (tmp_path / "orders.csv").write_text(text)
    with pytest.raises(RoutingError) as raised:
        read_roads(tmp_path / "city.graphml", tmp_path / "orders.csv")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_places_out_of_reach_and_edges_without_length_are_named(tmp_path: Path) -> None:
    graph = nx.DiGraph([("a", "b", {"length": 1}), ("c", "a", {"length": 1})])
    with pytest.raises(RoutingError, match="order 1, at 'b', has no way to the depot, at 'a'"):
        routing_from_graph(graph, "a", [Order("b", 1)], capacity=1)
    with pytest.raises(RoutingError, match="order 1, at 'c', has no way from the depot"):
        routing_from_graph(graph, "a", [Order("c", 1)], capacity=1)
    with pytest.raises(RoutingError, match=r"from 'a' to 'b' needs a length .*, got none"):
        routing_from_graph(nx.Graph([("a", "b")]), "a", [Order("b", 1)], capacity=1)
    for text in ("{}", "[]", "<", '{"nodes": [1], "edges": 3}'):
        for name in ("x.json", "x.graphml"):
            (tmp_path / name).write_text(text)
            (tmp_path / "orders.csv").write_text(CSV)
            with pytest.raises(RoutingError, match="is no road network"):
                read_roads(tmp_path / name, tmp_path / "orders.csv")

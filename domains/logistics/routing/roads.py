"""Routing on a road network: a networkx graph, a depot and orders at its nodes.

    network = routing_from_graph(graph, "depot", [Order("a", 3), Order("b", 2)], capacity=10)
    answer = solve_routing(network.instance)
    streets = [network.streets(route) for route in answer.routes]

Ways are shortest by one attribute of the edges, which is cost and time at once. Customers have the
numbers of their orders, from 1.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx
import numpy as np

from tesuji.domains.logistics.routing.fleet import check_fleet
from tesuji.domains.logistics.routing.instance import (
    FOREVER,
    MAX_NODES,
    Floats,
    RoutingError,
    RoutingInstance,
    make_instance,
)

Node = Hashable
WEIGHTS = ("length", "weight", "travel_time")  # the first that an edge has
_FRACTIONS = 1000  # units of a length where some are no whole numbers
_PLACES = (("x", "y"), ("lon", "lat"))


@dataclass(frozen=True)
class Order:
    """What is wanted at a node of the network.

    Attributes:
        node: where.
        demand: how much.
        earliest: when service may begin.
        latest: until when; None for always.
        service: how long it takes.
    """

    node: Node
    demand: int
    earliest: float = 0.0
    latest: float | None = None
    service: float = 0.0


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """A routing instance whose ways are streets.

    Attributes:
        graph: the network.
        instance: what has to be driven.
        stops: the node of each order, the depot first.
        parents: for each stop, of each node that a shortest way comes by, the node before it.
    """

    graph: nx.Graph
    instance: RoutingInstance
    stops: tuple[Node, ...]
    parents: Sequence[dict[Node, Node]] = field(repr=False)

    def streets(self, route: Sequence[int]) -> list[Node]:
        """Return the nodes of the network that a route comes by, from depot to depot."""
        found = [self.stops[0]]
        for a, b in pairwise([0, *route, 0]):
            way = [self.stops[b]]
            while way[-1] != self.stops[a]:
                way.append(self.parents[a][way[-1]])
            found += way[-2::-1]
        return found

    def place(self, node: Node) -> tuple[float, float] | None:
        """Return where a node lies; None where the network does not say."""
        return _place(self.graph, node)


def routing_from_graph(
    graph: nx.Graph,
    depot: Node,
    orders: Sequence[Order],
    *,
    capacity: int,
    num_vehicles: int | None = None,
    weight: str | None = None,
    shift: tuple[float, float | None] = (0.0, None),
    name: str = "roads",
) -> RoadNetwork:
    """Return the routing instance of a road network.

    Args:
        graph: the network, directed or not, with or without parallel edges.
        depot: the node where vehicles start and end.
        orders: what is wanted.
        capacity: of each vehicle.
        num_vehicles: at most so many; one for each order where it is None.
        weight: the attribute of edges that is cost and time; the first of `WEIGHTS` that an edge
            has where it is None.
        shift: when the depot opens and closes.
        name: of the instance.

    Raises:
        RoutingError: a node is not in the network or cannot be reached, an edge has no length, or
            the instance makes no sense.
    """
    stops = (depot, *(order.node for order in orders))
    if len(stops) > MAX_NODES:
        raise RoutingError(f"there must be at most {MAX_NODES - 1} orders, got {len(orders)}")
    for what, node in zip(_names(len(orders)), stops, strict=True):
        if node not in graph:
            raise RoutingError(f"{what} is at {node!r}, which is no node of the network")
    lengths = _lengths(graph, weight)
    ways = [_shortest(lengths, stop, set(stops)) for stop in stops]
    for what, node, (reached, _) in zip(_names(len(orders)), stops, ways, strict=True):
        for direction, there in (("from", node in ways[0][0]), ("to", depot in reached)):
            if not there:
                raise RoutingError(
                    f"{what}, at {node!r}, has no way {direction} the depot, at {depot!r}"
                )
    exact = np.array([[ways[a][0][node] for node in stops] for a in range(len(stops))])
    times = [order.earliest for order in orders] + [order.service for order in orders]
    whole = all(float(value).is_integer() for value in (*exact.flat, *times))
    scale = 1 if whole else _FRACTIONS
    instance = make_instance(
        name, np.rint(exact * scale).astype(np.int64),
        np.array([0, *(order.demand for order in orders)]), capacity,
        coordinates=_coordinates(graph, stops), windows=_windows(orders, shift, scale),
        num_vehicles=num_vehicles, scale=scale,
    )  # fmt: skip
    check_fleet(instance)
    return RoadNetwork(graph, instance, stops, [parents for _, parents in ways])


def _names(count: int) -> list[str]:
    return ["the depot", *(f"order {number}" for number in range(1, count + 1))]


def _lengths(graph: nx.Graph, weight: str | None) -> dict[Node, dict[Node, float]]:
    # Of each node its neighbours, with the length of the shortest edge there.
    lengths: dict[Node, dict[Node, float]] = {node: {} for node in graph}
    for a, b, attributes in graph.edges(data=True):
        names = WEIGHTS if weight is None else (weight,)
        found = next((attributes[name] for name in names if name in attributes), None)
        try:
            length = float(found) if found is not None else -1.0
        except (TypeError, ValueError):
            length = -1.0
        if not 0 <= length < FOREVER:
            said = "none" if found is None else repr(found)
            raise RoutingError(
                f"the edge from {a!r} to {b!r} needs a length of at least 0 "
                f"({' or '.join(names)}), got {said}"
            )
        for one, other in ((a, b),) if graph.is_directed() else ((a, b), (b, a)):
            lengths[one][other] = min(length, lengths[one].get(other, length))
    return lengths


def _shortest(
    lengths: dict[Node, dict[Node, float]], start: Node, wanted: set[Node]
) -> tuple[dict[Node, float], dict[Node, Node]]:
    # Dijkstra's algorithm (1959) until all that are wanted are reached.
    done: dict[Node, float] = {}
    parents: dict[Node, Node] = {}
    best, left, count = {start: 0.0}, set(wanted), 0
    queue: list[tuple[float, int, Node]] = [(0.0, 0, start)]
    while queue and left:
        length, _, node = heapq.heappop(queue)
        if node in done:
            continue
        done[node] = length
        left.discard(node)
        for other, more in lengths[node].items():
            if other not in done and length + more < best.get(other, np.inf):
                best[other] = length + more
                parents[other] = node
                count += 1  # nodes need not have an order
                heapq.heappush(queue, (length + more, count, other))
    return done, parents


def _windows(
    orders: Sequence[Order], shift: tuple[float, float | None], scale: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    ends = [shift[1], *(order.latest for order in orders)]
    begins = [shift[0], *(order.earliest for order in orders)]
    services = [0.0, *(order.service for order in orders)]
    if all(end is None for end in ends) and not any(begins) and not any(services):
        return None
    latest = [FOREVER if end is None else round(end * scale) for end in ends]
    earliest, service = (np.rint(np.array(v) * scale) for v in (begins, services))
    return earliest.astype(np.int64), np.array(latest), service.astype(np.int64)


def _coordinates(graph: nx.Graph, stops: Sequence[Node]) -> Floats | None:
    places = [_place(graph, node) for node in stops]
    return None if None in places else np.array(places, np.float64)


def _place(graph: nx.Graph, node: Node) -> tuple[float, float] | None:
    attributes = graph.nodes[node]
    for x, y in _PLACES:
        if x in attributes and y in attributes:
            try:
                return float(attributes[x]), float(attributes[y])
            except (TypeError, ValueError):
                return None
    return None

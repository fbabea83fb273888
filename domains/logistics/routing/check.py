"""An independent checker of routes, in plain Python; it shares nothing with a solver."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from tesuji.domains.logistics.routing.instance import RoutingInstance


class RouteCheck(NamedTuple):
    """What the checker found: the cost, and every rule that is broken, in words."""

    cost: int
    faults: tuple[str, ...]


def check_routes(instance: RoutingInstance, routes: Sequence[Sequence[int]]) -> RouteCheck:
    """Return what the routes cost and what is wrong with them.

    Args:
        instance: what has to be driven.
        routes: the customers of each vehicle, in order, without the depot.
    """
    faults: list[str] = []
    cost = 0
    visits: dict[int, int] = {}
    for number, route in enumerate(routes, 1):
        if not all(0 < node < instance.num_nodes for node in route):
            faults.append(f"route {number} visits what is no customer")
            continue
        for node in route:
            visits[node] = visits.get(node, 0) + 1
        way = [0, *route, 0]
        cost += sum(int(instance.distance[a, b]) for a, b in pairwise(way))
        faults += [f"route {number}: {fault}" for fault in _route_faults(instance, way)]
    for node in range(1, instance.num_nodes):
        if visits.get(node, 0) != 1:
            count = visits.get(node, 0)
            faults.append(f"customer {instance.labels[node]} is visited {count} times")
    used = sum(1 for route in routes if len(route))
    if used > instance.num_vehicles:
        faults.append(f"{used} vehicles drive, but there are {instance.num_vehicles}")
    return RouteCheck(cost, tuple(faults))


def _route_faults(instance: RoutingInstance, way: list[int]) -> list[str]:
    label = instance.labels
    deliveries = {int(d): p for p, d in enumerate(instance.delivery.tolist()) if d}
    # Where there are no pairs, all goods are on board at the start.
    load = 0 if deliveries else sum(int(instance.demand[node]) for node in way)
    faults = []
    if load > instance.capacity:
        faults.append(f"{load} on board, but a vehicle carries {instance.capacity}")
    clock = int(instance.earliest[0])
    aboard: set[int] = set()
    for before, node in pairwise(way):
        clock += int(instance.distance[before, node])
        if clock > instance.latest[node]:
            where = f"customer {label[node]}" if node else "the depot"
            faults.append(
                f"at {where} at {clock / instance.scale:g}, "
                f"closed since {int(instance.latest[node]) / instance.scale:g}"
            )
        clock = max(clock, int(instance.earliest[node])) + int(instance.service[node])
        if deliveries:
            load += int(instance.demand[node])
            if load > instance.capacity:
                faults.append(f"{load} on board after customer {label[node]}")
            if node in deliveries and deliveries[node] not in aboard:
                faults.append(f"customer {label[node]} comes before its pick-up")
            aboard.add(node)
    for pickup, delivery in enumerate(instance.delivery.tolist()):
        if delivery and pickup in aboard and delivery not in aboard:
            faults.append(f"customer {label[pickup]}'s goods are not delivered")
    return faults

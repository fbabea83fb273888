"""Routes by PyVRP, for comparison and as a start (Wouda, Lan & Kool 2024); the extra `pyvrp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyvrp

from tesuji.domains.logistics.routing.instance import RoutingInstance


def routes_by_pyvrp(
    instance: RoutingInstance, is_over: Callable[[], bool], seed: int = 0
) -> list[list[int]] | None:
    """Return the best routes that PyVRP finds; None where it finds none that are allowed.

    Args:
        instance: what has to be driven.
        is_over: asked after each of its iterations whether to stop.
        seed: of what it draws at random.
    """
    # Shipments are numbered apart from clients.
    pairs = [(node, other) for node, other in enumerate(instance.delivery.tolist()) if other]
    paired = {node for pair in pairs for node in pair}
    clients = [node for node in range(1, instance.num_nodes) if node not in paired]
    data = _problem(instance, clients, pairs)
    # It takes seeds of 32 bits.
    result = pyvrp.solve(data, lambda _: is_over(), seed % 2**32, collect_stats=False)
    if not result.is_feasible():
        return None

    def node(step: pyvrp.ScheduledActivity) -> int:
        if step.is_client():
            return clients[int(step.idx)]
        return pairs[int(step.idx)][1 if step.is_delivery() else 0]

    return [
        [node(step) for step in route.schedule() if not step.is_depot()]
        for route in result.best.routes()
    ]


def _problem(
    instance: RoutingInstance, clients: Sequence[int], pairs: Sequence[tuple[int, int]]
) -> pyvrp.ProblemData:
    points = instance.coordinates
    if points is None:
        points = np.zeros((instance.num_nodes, 2))
    early, late = instance.earliest.tolist(), instance.latest.tolist()
    service, demand = instance.service.tolist(), instance.demand.tolist()
    # Where there are pairs, what a single customer has is fetched; else all is brought.
    loads = [([], [demand[node]]) if pairs else ([demand[node]], []) for node in clients]
    return pyvrp.ProblemData(
        [pyvrp.Location(float(x), float(y)) for x, y in points],
        [
            pyvrp.Client(node, *load, service[node], early[node], late[node])
            for node, load in zip(clients, loads, strict=True)
        ],
        [pyvrp.Depot(0, early[0], late[0])],
        [pyvrp.VehicleType(instance.num_vehicles, [instance.capacity])],
        [instance.distance],
        [instance.distance if instance.has_windows else np.zeros_like(instance.distance)],
        shipments=[
            pyvrp.Shipment(
                a, b, early[a], late[a], service[a], early[b], late[b], service[b], [demand[a]]
            )
            for a, b in pairs
        ],
    )

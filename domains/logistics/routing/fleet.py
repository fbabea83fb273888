"""Customers that need a vehicle each: why a fleet is too small, in few words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.routing.instance import RoutingError, RoutingInstance

_MOST_NODES = 600  # of an instance whose shortest ways are computed for this


def check_fleet(instance: RoutingInstance) -> None:
    """Look for more customers than vehicles, no two of which one vehicle can serve.

    Raises:
        RoutingError: there are; it names a smallest such set: without any one of them the reason
            is gone.
    """
    fleet = instance.num_vehicles
    if fleet >= instance.num_nodes - 1 or instance.num_nodes > _MOST_NODES:
        return
    late, heavy = _late(instance), _heavy(instance)
    apart = late | heavy
    order = np.argsort(-apart.sum(axis=1), kind="stable").tolist()
    for first in order[: fleet + 1]:
        alone = [first]
        for node in order:
            if apart[node, alone].all():
                alone.append(node)
        if len(alone) > fleet:
            core = sorted(alone[: fleet + 1])
            names = ", ".join(str(instance.labels[node]) for node in core)
            block = np.ix_(core, core)
            why = [late[block].any(), heavy[block].any()]
            reasons = ("are in time", "fit in by what they want")
            which = " and ".join(r for r, holds in zip(reasons, why, strict=True) if holds)
            vehicles = "1 vehicle" if fleet == 1 else f"{fleet} vehicles"
            raise RoutingError(
                f"customers {names} need a vehicle each (no two {which} on one route), "
                f"but there {'is' if fleet == 1 else 'are'} {vehicles}"
            )


def _late(instance: RoutingInstance) -> npt.NDArray[np.bool_]:
    # [N, N] which two customers cannot be on one route in time, whichever comes first.
    nodes = instance.num_nodes
    if not instance.has_windows:
        return np.zeros((nodes, nodes), np.bool_)
    # From the end of one service to the begin of another, by way of any customers.
    way = instance.distance.copy()
    for through in range(1, nodes):
        leave = way[through] + instance.service[through]
        way = np.minimum(way, way[:, through, None] + leave)
    begin = np.maximum(instance.earliest, instance.earliest[0] + instance.service[0] + way[0])
    late = (begin + instance.service)[:, None] + way > instance.latest[None, :]
    both: npt.NDArray[np.bool_] = late & late.T
    np.fill_diagonal(both, False)
    both[0] = both[:, 0] = False
    return both


def _heavy(instance: RoutingInstance) -> npt.NDArray[np.bool_]:
    # [N, N] which two customers want more than a vehicle carries.
    if instance.has_pairs:
        return np.zeros((instance.num_nodes, instance.num_nodes), np.bool_)
    heavy: npt.NDArray[np.bool_] = (
        instance.demand[:, None] + instance.demand[None, :] > instance.capacity
    )
    np.fill_diagonal(heavy, False)
    return heavy

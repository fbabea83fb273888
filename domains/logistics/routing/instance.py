"""An instance of vehicle routing: a depot, customers with demands, perhaps windows and pairs.

Distances and times are integers in fixed units (`scale` units are one of the file's), so that costs
are exact. Node 0 is the depot. `N` nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

FOREVER = 1 << 29  # the latest time where there are no windows
MAX_NODES = 5000
LARGEST = 1 << 28  # of a distance, a demand or a time


class RoutingError(ValueError):
    """An instance, or the file of one, that makes no sense: the message says where and why."""


@dataclass(frozen=True, eq=False)
class RoutingInstance:
    """What has to be driven.

    Attributes:
        name: of the instance.
        distance: `[N, N]`; of costs, and of travel times where there are windows.
        demand: `[N]`; that of a delivery of a pair is below 0.
        capacity: of each vehicle.
        coordinates: `[N, 2]` for maps; None where the file has none.
        earliest: `[N]`, a vehicle that comes before waits.
        latest: `[N]`, when service may begin at the latest; for the depot, when all are back.
        service: `[N]`, how long.
        delivery: `[N]`, of each pick-up its delivery; 0 elsewhere.
        num_vehicles: at most so many routes.
        scale: units of distance in one of the file's.
        labels: the file's names of the nodes.
    """

    name: str
    distance: Integers
    demand: Integers
    capacity: int
    coordinates: Floats | None
    earliest: Integers
    latest: Integers
    service: Integers
    delivery: Integers
    num_vehicles: int
    scale: int
    labels: tuple[int, ...]

    @property
    def num_nodes(self) -> int:
        """Return the number of nodes, with the depot."""
        return len(self.demand)

    @property
    def has_windows(self) -> bool:
        """Return whether time matters."""
        return bool((self.latest < FOREVER).any())

    @property
    def has_pairs(self) -> bool:
        """Return whether goods go from customer to customer."""
        return bool((self.delivery > 0).any())

    @property
    def symmetric(self) -> bool:
        """Return whether each way is as long as the way back."""
        return bool((self.distance == self.distance.T).all())

    def cost(self, routes: Sequence[Sequence[int]]) -> int:
        """Return the length of the routes, which name customers only."""
        ways = [np.array([0, *route, 0]) for route in routes if len(route)]
        return int(sum(self.distance[way[:-1], way[1:]].sum() for way in ways))


def rounded(coordinates: Floats, scale: int = 1, truncate: bool = False) -> Integers:
    """Return the Euclidean distances `[N, N]` of points `[N, 2]`, in units of 1 / scale.

    Args:
        coordinates: the points.
        scale: units in one unit of length.
        truncate: cut off what is below a unit rather than round to the nearest.
    """
    apart = coordinates[:, None, :] - coordinates[None, :, :]
    exact = np.sqrt((apart**2).sum(axis=2)) * scale
    # A square root that is an integer must not fall below it.
    below: Integers = np.floor(exact + (1e-9 if truncate else 0.5)).astype(np.int64)
    return below


def make_instance(
    name: str,
    distance: Integers,
    demand: Integers,
    capacity: int,
    *,
    coordinates: Floats | None = None,
    windows: tuple[Integers, Integers, Integers] | None = None,
    delivery: Integers | None = None,
    num_vehicles: int | None = None,
    scale: int = 1,
    labels: Sequence[int] | None = None,
) -> RoutingInstance:
    """Return an instance, checked.

    Args:
        name: of the instance.
        distance: `[N, N]`.
        demand: `[N]`.
        capacity: of each vehicle.
        coordinates: `[N, 2]`.
        windows: `(earliest, latest, service)`, each `[N]`.
        delivery: `[N]`, of each pick-up its delivery.
        num_vehicles: at most so many; one for each customer where it is None.
        scale: units of distance in one of the file's.
        labels: the file's names of the nodes; 0 and up where it is None.

    Raises:
        RoutingError: it cannot be driven, or makes no sense.
    """
    nodes = len(demand)
    zeros = np.zeros(nodes, np.int64)
    earliest, latest, service = windows or (zeros, np.full(nodes, FOREVER), zeros)
    instance = RoutingInstance(
        name, np.ascontiguousarray(distance, np.int64), demand.astype(np.int64), capacity,
        coordinates, earliest.astype(np.int64), latest.astype(np.int64), service.astype(np.int64),
        zeros if delivery is None else delivery.astype(np.int64),
        nodes - 1 if num_vehicles is None else num_vehicles, scale,
        tuple(range(nodes)) if labels is None else tuple(labels),
    )  # fmt: skip
    _check_numbers(instance)
    _check_pairs(instance)
    _check_windows(instance)
    return instance


def _check_numbers(instance: RoutingInstance) -> None:
    nodes, label = instance.num_nodes, instance.labels
    if not 2 <= nodes <= MAX_NODES:
        raise RoutingError(f"there must be 1 to {MAX_NODES - 1} customers, got {nodes - 1}")
    if not 0 < instance.capacity <= LARGEST:
        raise RoutingError(f"the capacity must be 1 to {LARGEST}, got {instance.capacity}")
    if instance.num_vehicles < 1:
        raise RoutingError(f"there must be a vehicle at least, got {instance.num_vehicles}")
    if instance.distance.shape != (nodes, nodes):
        raise RoutingError(f"{nodes} nodes need {nodes} x {nodes} distances")
    low, high = int(instance.distance.min()), int(instance.distance.max())
    if low < 0 or high > LARGEST:
        raise RoutingError(f"distances must be 0 to {LARGEST}, got {low if low < 0 else high}")
    if instance.demand[0] != 0:
        raise RoutingError(f"the depot wants nothing, but has a demand of {instance.demand[0]}")
    paired = instance.delivery.copy()
    paired[instance.delivery[instance.delivery > 0]] = 1
    for node in np.flatnonzero((instance.demand < 0) & (paired == 0)):
        demand = instance.demand[node]
        raise RoutingError(f"customer {label[node]} has the negative demand {demand}")
    for node in np.flatnonzero(instance.demand > instance.capacity):
        raise RoutingError(
            f"customer {label[node]} wants {instance.demand[node]}, "
            f"but a vehicle carries {instance.capacity}"
        )
    total = int(instance.demand.sum())
    if not instance.has_pairs and total > instance.capacity * instance.num_vehicles:
        raise RoutingError(
            f"the customers want {total} in all, but {instance.num_vehicles} vehicles carry "
            f"{instance.capacity * instance.num_vehicles}"
        )


def _check_pairs(instance: RoutingInstance) -> None:
    label = instance.labels
    for pickup in np.flatnonzero(instance.delivery > 0):
        delivery = int(instance.delivery[pickup])
        if instance.demand[pickup] != -instance.demand[delivery] or instance.demand[pickup] < 0:
            raise RoutingError(
                f"customer {label[pickup]} gives {instance.demand[pickup]}, but its delivery "
                f"{label[delivery]} takes {-instance.demand[delivery]}"
            )


def _check_windows(instance: RoutingInstance) -> None:
    label, depot = instance.labels, instance.distance[0]
    earliest, latest = instance.earliest, instance.latest
    for node in np.flatnonzero((latest < earliest) | (earliest < 0) | (instance.service < 0)):
        raise RoutingError(
            f"the window of {'the depot' if node == 0 else f'customer {label[node]}'} opens at "
            f"{earliest[node] / instance.scale:g} and closes at {latest[node] / instance.scale:g} "
            f"(service takes {instance.service[node] / instance.scale:g})"
        )
    at = np.maximum(earliest, earliest[0] + depot)
    for node in np.flatnonzero(at > latest):
        raise RoutingError(
            f"customer {label[node]} closes at {latest[node] / instance.scale:g}, but no vehicle "
            f"is there before {at[node] / instance.scale:g}"
        )
    back = at + instance.service + instance.distance[:, 0]
    for node in np.flatnonzero(back[1:] > latest[0]) + 1:
        raise RoutingError(
            f"a vehicle that serves customer {label[node]} is back at "
            f"{back[node] / instance.scale:g}, but the depot closes at "
            f"{latest[0] / instance.scale:g}"
        )
    for pickup in np.flatnonzero(instance.delivery > 0):
        delivery = int(instance.delivery[pickup])
        there = at[pickup] + instance.service[pickup] + instance.distance[pickup, delivery]
        if there > latest[delivery]:
            raise RoutingError(
                f"what customer {label[pickup]} gives reaches {label[delivery]} at "
                f"{there / instance.scale:g}, after it closes at "
                f"{latest[delivery] / instance.scale:g}"
            )

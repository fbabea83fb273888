"""Delivery tasks: the numbers of one instance, and random ones that are sure to be feasible.

Place 0 is the depot, places 1 to n are customers. All numbers are whole: distances and times in
one unit, loads in another. Times are counted from when a vehicle leaves the depot.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

MAX_PLACES = 128  # a state's row has room for so many, depot included
_INT32 = 2**31

Array = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class DeliveryTask:
    """One instance; `P` is the number of places.

    Attributes:
        travel: time from place to place `[P, P]`.
        demand: load of each place `[P]`, 0 at the depot.
        ready: service begins no earlier `[P]`; who comes early waits.
        due: service begins no later `[P]`; at the depot, the end of the shift.
        service: time that service takes `[P]`, 0 at the depot.
        capacity: load that a vehicle takes.
        vehicles: how many there are; each drives at most one route.
    """

    travel: Array
    demand: Array
    ready: Array
    due: Array
    service: Array
    capacity: int
    vehicles: int

    def __post_init__(self) -> None:
        places = len(self.demand)
        if not 2 <= places <= MAX_PLACES:
            raise ValueError(f"customers must be 1 to {MAX_PLACES - 1}, got {places - 1}")
        for part in fields(self)[:5]:
            array = np.asarray(getattr(self, part.name))
            shape = (places, places) if part.name == "travel" else (places,)
            if array.shape != shape or array.dtype.kind not in "iu" or array.min() < 0:
                raise ValueError(f"{part.name} must be whole numbers from 0 of shape {shape}")
            object.__setattr__(self, part.name, np.ascontiguousarray(array, np.int64))
        if self.demand[0] or self.service[0]:
            raise ValueError("the depot, place 0, has neither demand nor service")
        if not 1 <= self.vehicles <= places - 1:
            raise ValueError(f"vehicles must be 1 to {places - 1}, got {self.vehicles}")
        if self.capacity < 0:
            raise ValueError(f"capacity must be at least 0, got {self.capacity}")
        if max(self.latest, int(self.demand.sum()), self.capacity) >= _INT32:
            raise ValueError("times and loads must stay below 2**31; choose greater units")

    @property
    def customers(self) -> int:
        """Return how many customers there are."""
        return len(self.demand) - 1

    @property
    def longest(self) -> int:
        """Return a bound on the travel of any play, good or bad."""
        into = np.sort(self.travel[:, 0])[::-1][: self.vehicles]
        return max(1, int(self.travel[:, 1:].max(0).sum() + into.sum()))

    @property
    def latest(self) -> int:
        """Return a bound on the time of any play, windows kept or not."""
        return int(max(self.ready.max(), self.due.max()) + self.service.sum() + self.longest)


def random_task(
    customers: int = 20,
    vehicles: int = 1,
    seed: int = 0,
    width: int = 400,
    spread: float = 0.5,
) -> DeliveryTask:
    """Return a random task around planted routes, so that it is feasible.

    The routes go from neighbour to neighbour, with some disorder; every window holds the planted
    time of its customer. With several vehicles the planted loads fill the fullest one.

    Args:
        customers: 1 to 127, in a square of 1000 by 1000; a unit of way takes a unit of time.
        vehicles: one for the travelling salesman with time windows, more for routing.
        seed: the same seed gives the same task.
        width: greatest width of a window.
        spread: disorder of the planted routes; 0 goes to the nearest neighbour.
    """
    if not 1 <= vehicles <= customers:
        raise ValueError(f"vehicles must be 1 to {customers}, got {vehicles}")
    if width < 0:
        raise ValueError(f"width must be at least 0, got {width}")
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 1001, (customers + 1, 2))
    points[0] = 500
    away = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    travel = np.ceil(away).astype(np.int64)  # rounding up keeps the triangle inequality
    demand = rng.integers(5, 26, customers + 1)
    service = rng.integers(5, 21, customers + 1)
    demand[0] = service[0] = 0
    ready, due = np.zeros((2, customers + 1), np.int64)
    loads, ends = [], []
    for route in _planted(points, travel, vehicles, spread, rng):
        time, at = 0, 0
        for place in route:
            time += int(travel[at, place])
            before = int(rng.integers(0, width + 1)) if width else 0
            ready[place] = max(0, time - before)
            due[place] = time + width - before
            time, at = time + int(service[place]), place
        loads.append(int(demand[route].sum()))
        ends.append(time + int(travel[at, 0]))
    due[0] = max(ends) + width // 4
    capacity = max(loads) if vehicles > 1 else int(demand.sum())
    return DeliveryTask(travel, demand, ready, due, service, capacity, vehicles)


def _planted(
    points: Array, travel: Array, vehicles: int, spread: float, rng: np.random.Generator
) -> list[list[int]]:
    """Return routes of nearly equal length: a sector each, driven from neighbour to neighbour."""
    angles = np.arctan2(points[1:, 1] - 500, points[1:, 0] - 500)
    sectors = np.array_split(1 + np.argsort(angles, kind="stable"), vehicles)
    routes = []
    for sector in sectors:
        left, route, at = sector.tolist(), [], 0
        while left:
            factors = 1 + spread * rng.random(len(left))
            at = left.pop(int(np.argmin(travel[at, left] * factors)))
            route.append(at)
        routes.append(route)
    return routes

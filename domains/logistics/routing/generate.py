"""Random instances of each family, for tests and training (in the manner of Uchoa et al. 2017)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.routing.instance import RoutingInstance, make_instance, rounded

_SIDE = 1000
_SERVICE = 10


def _points(num_nodes: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    # Half of the customers lie in clusters around a few of the others.
    points = rng.integers(0, _SIDE + 1, (num_nodes, 2)).astype(np.float64)
    half = num_nodes // 2
    seeds = points[rng.integers(0, max(half, 1), num_nodes - half)]
    drawn = np.rint(seeds + rng.normal(0, _SIDE / 20, seeds.shape))
    points[half:] = np.clip(drawn, 0, _SIDE)
    return points


def random_cvrp(
    num_customers: int, rng: np.random.Generator, route_size: float = 8.0
) -> RoutingInstance:
    """Return an instance of capacitated routing with about `route_size` customers a route."""
    points = _points(num_customers + 1, rng)
    demand = rng.integers(1, 101, num_customers + 1)
    demand[0] = 0
    capacity = max(int(route_size * demand.sum() / num_customers), int(demand.max()))
    name = f"random-n{num_customers + 1}"
    return make_instance(name, rounded(points), demand, capacity, coordinates=points)


def random_vrptw(
    num_customers: int, rng: np.random.Generator, width: int = 400, route_size: float = 8.0
) -> RoutingInstance:
    """Return an instance with time windows of about `width`; every customer alone can be served."""
    plain = random_cvrp(num_customers, rng, route_size)
    day = 5 * _SIDE
    way = plain.distance[0]
    opening = way + rng.integers(0, np.maximum(day - 2 * way - width - _SERVICE, 1))
    latest = opening + rng.integers(width // 2, 3 * width // 2, num_customers + 1)
    latest = np.minimum(latest, day - way - _SERVICE)
    opening = np.minimum(opening, latest)
    service = np.full(num_customers + 1, _SERVICE)
    opening[0], latest[0], service[0] = 0, day, 0
    return make_instance(
        plain.name, plain.distance, plain.demand, plain.capacity, coordinates=plain.coordinates,
        windows=(opening, latest, service),
    )  # fmt: skip


def random_pairs(
    num_pairs: int, rng: np.random.Generator, width: int = 800, capacity: int = 200
) -> RoutingInstance:
    """Return an instance of pick-up and delivery: customer `i` gives to `i + num_pairs`."""
    base = random_vrptw(2 * num_pairs, rng, width)
    delivery = np.zeros(base.num_nodes, np.int64)
    delivery[1 : num_pairs + 1] = np.arange(num_pairs + 1, 2 * num_pairs + 1)
    demand = base.demand.copy()
    demand[num_pairs + 1 :] = -demand[1 : num_pairs + 1]
    earliest, latest = base.earliest.copy(), base.latest.copy()
    latest[0] *= 2
    # A delivery stays open until its goods can be there.
    first = np.maximum(earliest, base.distance[0]) + base.service
    there = first[1 : num_pairs + 1] + base.distance[
        np.arange(1, num_pairs + 1), delivery[1 : num_pairs + 1]
    ]  # fmt: skip
    latest[num_pairs + 1 :] = np.maximum(latest[num_pairs + 1 :], there + width // 2)
    return make_instance(
        base.name, base.distance, demand, capacity, coordinates=base.coordinates,
        windows=(earliest, latest, base.service), delivery=delivery,
    )  # fmt: skip

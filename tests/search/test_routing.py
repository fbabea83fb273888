"""Ruin and recreate: every plan is checked, small ones against all partitions and orders."""

from itertools import pairwise, permutations

import numpy as np
import pytest

from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.generate import random_cvrp, random_pairs, random_vrptw
from tesuji.domains.logistics.routing.instance import RoutingInstance, make_instance
from tesuji.search.routing.anneal import Annealing

FAMILIES = [random_cvrp, random_vrptw, random_pairs]


def drive(instance: RoutingInstance, iterations: int, seed: int = 0, **more: object) -> Annealing:
    annealing = Annealing(instance, seed, **more)  # type: ignore[arg-type]
    annealing.run(iterations, 0.0, 1.0)
    return annealing


def cheapest(instance: RoutingInstance) -> int:
    """Return the least cost: orders of each set of customers, then partitions of all."""
    customers = range(1, instance.num_nodes)
    best: dict[int, int] = {}
    for size in range(1, instance.num_nodes):
        for order in permutations(customers, size):
            way = (0, *order, 0)
            length = sum(int(instance.distance[a, b]) for a, b in pairwise(way))
            key = sum(1 << node for node in order)
            if length < best.get(key, 1 << 60):
                faults = check_routes(instance, [order]).faults
                if all("visited" in fault for fault in faults):
                    best[key] = length
    everything = sum(1 << node for node in customers)
    cost = {0: 0}
    for done in range(0, everything + 1, 2):
        if done not in cost or done == everything:
            continue
        first = next(node for node in customers if not done >> node & 1)
        for key, length in best.items():
            if key >> first & 1 and not key & done:
                total = cost[done] + length
                cost[done | key] = min(total, cost.get(done | key, 1 << 60))
    return cost[everything]


@pytest.mark.parametrize("make", FAMILIES)
@pytest.mark.parametrize("seed", range(3))
def test_small_instances_are_solved_to_the_optimum(make: object, seed: int) -> None:
    size = 3 if make is random_pairs else 7
    instance = make(size, np.random.default_rng(seed))  # type: ignore[operator]
    if make is random_cvrp:
        instance = random_cvrp(size, np.random.default_rng(seed), 3.0)
    annealing = drive(instance, 2000)
    assert check_routes(instance, annealing.routes) == (annealing.cost, ())
    assert annealing.cost == cheapest(instance)


@pytest.mark.parametrize("make", FAMILIES)
def test_plans_are_feasible_and_cost_what_is_said(make: object) -> None:
    for seed in range(5):
        instance = make(40, np.random.default_rng(seed))  # type: ignore[operator]
        annealing = Annealing(instance, seed)
        first = annealing.cost
        for part in range(5):
            annealing.run(100, part / 5, (part + 1) / 5)
            assert check_routes(instance, annealing.routes) == (annealing.cost, ())
        assert annealing.cost < first


def test_the_same_seed_drives_the_same_routes() -> None:
    instance = random_vrptw(50, np.random.default_rng(1))
    same = [drive(instance, 500, seed) for seed in (7, 7, 8)]
    assert same[0].routes == same[1].routes
    assert same[0].routes != same[2].routes


def test_forbidden_pairs_share_no_route() -> None:
    instance = random_cvrp(40, np.random.default_rng(2))
    free = drive(instance, 2000)
    forbidden = [(a, b) for route in free.routes for a, b in pairwise(route)]
    kept = drive(instance, 2000, forbidden=forbidden)
    together = {frozenset((a, b)) for route in kept.routes for a in route for b in route}
    assert check_routes(instance, kept.routes) == (kept.cost, ())
    assert not together & {frozenset(pair) for pair in forbidden}
    assert kept.cost > free.cost


def test_a_small_fleet_is_kept_to_where_more_vehicles_were_shorter() -> None:
    # Two far clusters on both sides: two short routes, or one long one.
    side = np.array([[0, 0], [10, 0], [11, 0], [-10, 0], [-11, 0]], np.float64)
    distance = np.abs(side[:, None] - side[None]).sum(axis=2).astype(np.int64)
    distance[1:3, 3:5] = distance[3:5, 1:3] = 60
    demand = np.array([0, 1, 1, 1, 1])
    for fleet, cost in ((2, 44), (1, 82)):
        instance = make_instance("sides", distance, demand, 4, num_vehicles=fleet)
        annealing = drive(instance, 300)
        assert annealing.is_feasible
        assert len(annealing.routes) == fleet
        assert annealing.cost == cost


def test_a_search_begins_with_given_routes() -> None:
    instance = random_cvrp(30, np.random.default_rng(3))
    good = drive(instance, 3000)
    again = Annealing(instance, 1, start=good.routes)
    assert again.cost == good.cost
    assert again.routes == good.routes
    partly = Annealing(instance, 1, start=good.routes[:2])
    assert check_routes(instance, partly.routes).faults == ()


def test_directed_distances_are_driven_the_right_way_round() -> None:
    distance = np.full((5, 5), 50)
    np.fill_diagonal(distance, 0)
    for a, b in pairwise([0, 3, 1, 4, 2, 0]):
        distance[a, b] = 1
    instance = make_instance("ring", distance, np.array([0, 1, 1, 1, 1]), 4)
    assert drive(instance, 500).routes == [[3, 1, 4, 2]]

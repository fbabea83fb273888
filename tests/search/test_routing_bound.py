"""Lower bounds of routing: never above the optimum, and what violated sets are."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from tesuji.domains.logistics.routing.generate import random_cvrp, random_pairs, random_vrptw
from tesuji.domains.logistics.routing.instance import make_instance
from tesuji.search.routing.anneal import Annealing
from tesuji.search.routing.cuts import vehicles, violated_sets
from tesuji.search.routing.duality import UNIT, proven_bound
from tesuji.search.routing.price_routes import (
    make_labels,
    proven_by_prices,
    route_to,
    step_width,
)

pytest.importorskip("highspy")


@pytest.mark.parametrize("make", [random_cvrp, random_vrptw, random_pairs])
def test_no_plan_costs_less_than_the_bound(make: object) -> None:
    from tesuji.search.routing.bound import CutBound

    for seed in range(4):
        instance = make(12, np.random.default_rng(seed))  # type: ignore[operator]
        annealing = Annealing(instance, 0)
        annealing.run(2000, 0.0, 1.0)
        bound = CutBound(instance, annealing.routes)
        proven = []
        while not bound.done:
            bound.step(10.0)
            proven.append(bound.best.bound)
        assert proven == sorted(proven)
        assert 0 < bound.best.bound <= annealing.cost
        assert proven_bound(instance, bound.best.nodes, bound.best.cuts) == bound.best.bound


@pytest.mark.parametrize("make", [random_vrptw, random_pairs])
def test_no_plan_costs_less_than_prices_prove(make: object) -> None:
    from tesuji.search.routing.price_bound import PriceBound

    for seed in range(4):
        instance = make(12, np.random.default_rng(seed))  # type: ignore[operator]
        annealing = Annealing(instance, 0)
        annealing.run(2000, 0.0, 1.0)
        bound = PriceBound(instance, annealing.routes)
        proven = []
        while not bound.done:
            bound.step(10.0)
            proven.append(bound.best.bound)
        assert proven == sorted(proven)
        share = 0.9 if make is random_vrptw else 0.4  # it knows nothing of pairs
        assert share * annealing.cost < bound.best.bound <= annealing.cost


def test_any_prices_prove_a_bound() -> None:
    rng = np.random.default_rng(5)
    instance = random_vrptw(9, rng)
    annealing = Annealing(instance, 0)
    annealing.run(3000, 0.0, 1.0)
    width = step_width(instance)
    labels, last = make_labels(instance, width), np.zeros((10, 2), np.int64)
    for _ in range(100):
        prices = [0, *(rng.integers(-UNIT, 900 * UNIT, 9)).tolist()]
        assert proven_by_prices(instance, prices, width, labels, last) <= annealing.cost
        least = int(last[:, 0].min())
        node = int(np.argmin(last[:, 0]))
        route = route_to(labels, node, int(last[node, 1]))
        assert instance.cost([route]) * UNIT - sum(prices[n] for n in route) == least
        assert all(a != b for a, b in zip(route, route[2:], strict=False))


def test_customers_without_a_window_are_late_when_the_depot_closes() -> None:
    from tesuji.search.routing.price_bound import PriceBound

    # The way home from the second takes longer than the day: from the first there is time for one.
    distance = np.array([[0, 40, 40], [40, 0, 10], [40, 10, 0]])
    forever = 1 << 29
    windows = np.zeros(3, np.int64), np.array([89, forever, forever]), np.zeros(3, np.int64)
    instance = make_instance("day", distance, np.array([0, 1, 1]), 2, windows=windows)
    bound = PriceBound(instance)
    while not bound.done:
        bound.step(10.0)
    assert bound.best.bound == 160


def test_no_prices_where_a_day_has_too_many_steps() -> None:
    instance = random_vrptw(5, np.random.default_rng(0))
    assert step_width(instance) > 0
    latest = instance.latest.copy()
    latest[0] = 1 << 40
    assert step_width(replace(instance, latest=latest)) == 0


def test_two_customers_that_share_no_vehicle_are_bounded_exactly() -> None:
    from tesuji.search.routing.bound import CutBound

    distance = np.array([[0, 10, 10], [10, 0, 1], [10, 1, 0]])
    for capacity, cost in ((2, 21), (1, 40)):
        instance = make_instance("two", distance, np.array([0, 1, 1]), capacity)
        bound = CutBound(instance)
        while not bound.done:
            bound.step(10.0)
        assert bound.best.bound == cost


def test_any_multipliers_prove_a_bound() -> None:
    rng = np.random.default_rng(5)
    instance = random_cvrp(8, rng, 3.0)
    annealing = Annealing(instance, 0)
    annealing.run(3000, 0.0, 1.0)
    for _ in range(200):
        nodes = [0, *(rng.integers(-UNIT, 400 * UNIT, 8)).tolist()]
        cuts = [
            (tuple(rng.choice(np.arange(1, 9), 3, replace=False).tolist()), int(m))
            for m in rng.integers(0, 200 * UNIT, 4)
        ]
        assert proven_bound(instance, nodes, cuts) <= annealing.cost


def test_found_sets_are_violated_and_small_ones_are_not_missed() -> None:
    demand = np.array([0, 5, 5, 5, 5, 5, 5])
    weight = np.zeros((7, 7))
    for a, b in combinations([1, 2, 3, 4], 2):
        weight[a, b] = weight[b, a] = 0.5
    weight[5, 6] = weight[6, 5] = 1.0
    sets = violated_sets(weight, demand, 10, 0)
    # Three edges inside four customers that want two vehicles; at most two are allowed.
    assert (1, 2, 3, 4) in sets
    for members in sets:
        block = list(members)
        edges = weight[np.ix_(block, block)].sum() / 2
        assert edges > len(block) - vehicles(demand[block], 10)

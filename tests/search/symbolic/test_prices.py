"""Prices refute only what cannot be done, and the dearest route is the dearest."""

from itertools import permutations

import numpy as np
import pytest

from tesuji.domains.logistics.delivery_task import DeliveryTask, random_task
from tesuji.search.symbolic.prices import Prices, Rest
from tesuji.search.symbolic.pricing import (
    TOO_MANY,
    Labels,
    Market,
    allocate_labels,
    dearest,
    packed,
    tails,
)

JOBS = 6
ALL = np.full((JOBS, 2), np.uint64(2**JOBS - 1), np.uint64)
NOTHING = np.zeros((JOBS, 2), np.uint64)


def market(seed: int, near: np.ndarray = ALL) -> tuple[Market, np.ndarray, int]:
    """Return jobs with random prices, when a vehicle can first begin each, and its capacity."""
    rng = np.random.default_rng(seed)
    task = random_task(JOBS, 2, seed, width=900)
    lag = (task.service[:, None] + task.travel)[1:, 1:]
    price = rng.integers(1, 50, JOBS)
    stride = min(16, int(lag[~np.eye(JOBS, dtype=bool)].min()))
    arrays = (task.ready[1:], task.due[1:], task.demand[1:], price)
    return Market(lag, *arrays, near, stride), task.travel[0, 1:], task.capacity


def worth(jobs: Market, first: np.ndarray, room: int, route: tuple[int, ...]) -> int:
    """Return what a route earns; 0 if it cannot be driven."""
    now = earned = 0
    for place, job in enumerate(route):
        way = now + jobs.lag[route[place - 1], job] if place else first[job]
        now = max(int(way), int(jobs.ready[job]))
        room -= int(jobs.demand[job])
        earned += int(jobs.price[job])
        if now > jobs.due[job] or room < 0:
            return 0
    return earned


def find(
    jobs: Market, first: np.ndarray, room: int, floor: int = 0, hasty: bool = False,
    labels: Labels | None = None,
) -> tuple[int, int, list[tuple[int, ...]]]:  # fmt: skip
    routes, lengths = np.zeros((JOBS, JOBS), np.int64), np.zeros(JOBS, np.int64)
    found, best = dearest(
        jobs, first, room, floor, hasty, tails(jobs), packed(jobs, room),
        allocate_labels(2000) if labels is None else labels, routes, lengths,
    )  # fmt: skip
    return found, best, [tuple(routes[r, lengths[r] - 1 :: -1].tolist()) for r in range(found)]


@pytest.mark.parametrize("seed", range(12))
def test_the_dearest_route_is_that_of_all_orders(seed: int) -> None:
    jobs, first, room = market(seed)
    orders = [order for k in range(1, JOBS + 1) for order in permutations(range(JOBS), k)]
    most = max(worth(jobs, first, room, order) for order in orders)
    found, best, routes = find(jobs, first, room)
    assert best == most == worth(jobs, first, room, routes[0])
    assert found == len(routes) == len({route[-1] for route in routes})
    assert find(jobs, first, room, most)[0] == 0
    assert find(jobs, first, room, most - 1)[:2] == (1, most) or found > 1
    # In haste routes are real but may not be the dearest; with no memory they may come back.
    assert find(jobs, first, room, hasty=True)[1] <= most
    assert find(market(seed, NOTHING)[0], first, room)[1] >= most


def test_without_room_for_all_labels_nothing_is_claimed() -> None:
    jobs, first, room = market(0)
    assert find(jobs, first, room, labels=allocate_labels(2))[0] == TOO_MANY


def prices(task: DeliveryTask) -> Prices:
    lag = task.service[:, None] + task.travel
    due = np.minimum(task.due, task.due[0] - lag[:, 0])
    due[0] = task.due[0]
    return Prices(lag, task.ready, due, task.demand, task.capacity)


def can_be_done(task: DeliveryTask, left: frozenset[int], fresh: int) -> bool:
    """Return whether so many vehicles can serve all that is left, by trying everything."""
    routes: dict[frozenset[int], bool] = {}

    def drive(at: int, now: int, load: int, done: frozenset[int]) -> None:
        routes[done] = True
        for job in left - done:
            begin = max(now + int(task.travel[at, job]), int(task.ready[job]))
            leave = begin + int(task.service[job])
            back = leave + int(task.travel[job, 0]) <= task.due[0]
            if begin <= task.due[job] and back and load + task.demand[job] <= task.capacity:
                drive(job, leave, load + int(task.demand[job]), done | {job})

    drive(0, 0, 0, frozenset())
    within = {frozenset[int]()}
    for _ in range(fresh):
        within = {done | route for done in within for route in routes}
    return left in within


def test_prices_refute_only_what_cannot_be_done() -> None:
    refuted = known = hopeless = 0
    for seed in range(12):
        task = random_task(7, 2, seed, width=100 + 60 * seed)
        store, rng = prices(task), np.random.default_rng(seed)
        for _ in range(12):
            left = np.flatnonzero(rng.random(8) < 0.8)
            left = left[left > 0]
            fresh = int(rng.integers(1, 3))
            rest = Rest(left, fresh, task.travel[0], None, 0)
            truth = can_be_done(task, frozenset(left.tolist()), fresh)
            before = store.known(rest) is not None
            now = store.prove(rest, 60) is not None
            assert not (truth and (before or now))
            hopeless += not truth
            refuted += now
            known += before
    assert (hopeless, refuted, known) == (74, 74, 58)


def test_a_vehicle_under_way_is_counted_with_its_room() -> None:
    task = random_task(7, 2, 0, width=4000)
    left, late = np.arange(1, 8), np.full(8, 10**6)
    heavy = int(task.demand.sum()) - task.capacity
    store, first = prices(task), task.travel[0]

    def refuted(rest: Rest) -> bool:
        return store.known(rest) is not None or store.prove(rest, 60) is not None

    assert not refuted(Rest(left, 1, first, first, heavy))
    assert refuted(Rest(left, 1, first, first, heavy - 1))
    assert store.known(Rest(left, 1, first, first, heavy - 1)) is not None
    assert refuted(Rest(left, 1, first, late, heavy))
    assert refuted(Rest(left, 0, first, None, 0))


def test_no_proof_is_tried_where_jobs_take_no_time() -> None:
    task = random_task(7, 2, 0)
    assert prices(task).able
    assert not Prices(0 * task.travel, task.ready, task.due, task.demand, task.capacity).able
    assert not Prices(task.travel, task.ready, task.due, task.demand, 2**31).able

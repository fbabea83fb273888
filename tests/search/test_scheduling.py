from functools import cache

import numpy as np
import pytest

from tesuji.domains.logistics.scheduling.checking import check_schedule
from tesuji.domains.logistics.scheduling.shop import ShopInstance, make_shop, random_shop
from tesuji.search.scheduling.graph import Plan
from tesuji.search.scheduling.shop_bounds import job_heads, shop_bound
from tesuji.search.scheduling.shop_search import ShopSearch, ShopSearchParams

SHOPS = [(3, 3, 1), (4, 2, 1), (2, 3, 3), (3, 2, 2)]  # jobs, machines, flexibility


def shortest_makespan(shop: ShopInstance) -> int:
    """Return the optimum by trying every order in which operations can be appended."""

    @cache
    def best(done: tuple[int, ...], jobs: tuple[int, ...], machines: tuple[int, ...]) -> int:
        least = 0 if done == tuple(shop.job_start[1:]) else shop.longest
        if not least:
            return max(jobs)
        for job, operation in enumerate(done):
            if operation == shop.job_start[job + 1]:
                continue
            for machine, duration in shop.choices(operation):
                end = max(jobs[job], machines[machine]) + duration
                least = min(
                    least,
                    best(
                        (*done[:job], operation + 1, *done[job + 1 :]),
                        (*jobs[:job], end, *jobs[job + 1 :]),
                        (*machines[:machine], end, *machines[machine + 1 :]),
                    ),
                )
        return least

    return best(tuple(shop.job_start[:-1].tolist()), (0,) * shop.num_jobs, (0,) * shop.num_machines)


@pytest.mark.parametrize("shape", SHOPS)
@pytest.mark.parametrize("seed", range(6))
def test_tiny_shops_are_solved_and_bounded(shape: tuple[int, int, int], seed: int) -> None:
    jobs, machines, flexibility = shape
    shop = random_shop(jobs, machines, seed, flexibility, longest=9)
    optimum = shortest_makespan(shop)
    assert shop_bound(shop).value <= optimum
    search = ShopSearch(shop, seed, ShopSearchParams(patience=200))
    search.advance(3000, target=optimum)
    assert (search.makespan, check_schedule(shop, search.schedule())) == (optimum, None)


def plain_heads(shop: ShopInstance, plan: Plan) -> list[int]:
    """Return begins by walking back from each operation; a cycle would never end."""

    @cache
    def head(operation: int) -> int:
        job = -1 if operation in shop.job_start else operation - 1
        machine = int(plan.before[operation])
        waits = [other for other in (job, machine) if 0 <= other < shop.num_operations]
        return max((head(other) + int(plan.duration[other]) for other in waits), default=0)

    return [head(operation) for operation in range(shop.num_operations)]


@pytest.mark.parametrize("flexibility", [1, 3])
def test_every_move_keeps_order_heads_and_machines(flexibility: int) -> None:
    shop = random_shop(6, 5, 1, flexibility)
    search = ShopSearch(shop, 0, ShopSearchParams(patience=60, starts=2))
    for _ in range(400):
        search.advance(1)
        plan = search._walk.plan
        assert plan.head[:-1].tolist() == plain_heads(shop, plan)
        assert (plan.head + plan.tail).max() == (plan.head + plan.duration).max()
        assert sorted(plan.order[:-1]) == list(range(shop.num_operations))
        for operation in range(shop.num_operations):
            assert (int(plan.machine[operation]), int(plan.duration[operation])) in shop.choices(
                operation
            )


def test_jobs_may_return_to_a_machine() -> None:
    random = np.random.default_rng(5)
    jobs = [
        [[(int(random.integers(2)), int(random.integers(0, 5)))] for _ in range(3)]
        for _ in range(3)
    ]
    shop = make_shop(jobs, 2)
    search = ShopSearch(shop, 0, ShopSearchParams(patience=100))
    for _ in range(60):
        search.advance(10)
        assert check_schedule(shop, search.schedule()) is None
    assert search.makespan == shortest_makespan(shop)


@pytest.mark.parametrize("flexibility", [1, 2])
def test_seed_and_moves_decide_however_the_moves_are_cut(flexibility: int) -> None:
    shop = random_shop(8, 6, 2, flexibility)
    params = ShopSearchParams(patience=150)
    one, other = ShopSearch(shop, 7, params), ShopSearch(shop, 7, params)
    one.advance(2000)
    for moves in (1, 149, 150, 700, 1000):
        other.advance(moves)
    assert one.moves == other.moves == 2000
    assert one.schedule().start.tolist() == other.schedule().start.tolist()
    assert one._walk.plan.head.tolist() == other._walk.plan.head.tolist()


def test_a_schedule_from_elsewhere_is_taken_up() -> None:
    shop = random_shop(8, 6, 2, 2)
    good, search = ShopSearch(shop, 1), ShopSearch(shop, 2, ShopSearchParams(dispatched=1))
    good.advance(5000)
    search.adopt(good.schedule())
    assert search.makespan == good.makespan
    assert check_schedule(shop, search.schedule()) is None


def test_a_shop_without_a_choice_ends() -> None:
    search = ShopSearch(make_shop([[[(0, 4)], [(1, 0)]]]))
    assert search.advance(100) <= 100
    assert search.makespan == 4


def jackson(heads: list[int], durations: list[int], tails: list[int]) -> int:
    """Return the preemptive optimum of one machine, unit by unit: most urgent tail first."""
    left, now, longest = list(durations), 0, 0
    while any(left):
        ready = [i for i, head in enumerate(heads) if head <= now and left[i]]
        if ready:
            one = max(ready, key=lambda i: tails[i])
            left[one] -= 1
            if not left[one]:
                longest = max(longest, now + 1 + tails[one])
        now += 1
    return longest


@pytest.mark.parametrize("seed", range(10))
def test_the_bound_is_jacksons_on_the_worst_machine(seed: int) -> None:
    shop = random_shop(7, 4, seed, longest=20)
    head, tail = (array.tolist() for array in job_heads(shop))
    on_machine = [
        [i for i in range(shop.num_operations) if shop.choices(i)[0][0] == machine]
        for machine in range(4)
    ]
    shortest = shop.shortest.tolist()
    best = max(
        jackson([head[i] for i in own], [shortest[i] for i in own], [tail[i] for i in own])
        for own in on_machine
    )
    assert shop_bound(shop).value == best


def test_a_long_job_is_a_bound() -> None:
    bound = shop_bound(make_shop([[[(0, 5)], [(1, 6)]], [[(0, 1)]]]))
    assert (bound.value, bound.operations, bound.is_chain) == (11, (0, 1), True)


def test_machines_that_share_work_share_it_evenly() -> None:
    both = [(0, 5), (1, 5)]
    bound = shop_bound(make_shop([[both], [both], [both]]))
    assert (bound.value, bound.is_chain) == (8, False)  # 15 by two machines


def test_parameters_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="patience must be at least 1, got 0"):
        ShopSearchParams(patience=0)
    with pytest.raises(ValueError, match="noise must be at least 0, got -1"):
        ShopSearchParams(noise=-1)

"""CP-SAT's routes are replayed, and the cheapest of all there are."""

import sys
from itertools import permutations

import numpy as np
import pytest

from tesuji.domains.logistics.delivery import delivery
from tesuji.domains.logistics.delivery_task import DeliveryTask, random_task
from tesuji.search.symbolic.cpsat import route
from tesuji.search.symbolic.plans import PlanStatus

pytest.importorskip("ortools", reason="the extra cpsat")


def cost(task: DeliveryTask, plan: tuple[int, ...]) -> int | None:
    """Drive `plan`; return its travel, or None where it breaks the task."""
    at = now = load = used = total = 0
    for place in plan:
        way = int(task.travel[at, place])
        total, now, used = total + way, now + way, used + (at == 0)
        if place == 0:
            if now > task.due[0]:
                return None
            at = now = load = 0
            continue
        load += int(task.demand[place])
        if now > task.due[place] or load > task.capacity or used > task.vehicles:
            return None
        now = max(now, int(task.ready[place])) + int(task.service[place])
        at = place
    return total


@pytest.mark.parametrize("seed", range(4))
def test_one_vehicle_drives_the_cheapest_of_all_orders(seed: int) -> None:
    task = random_task(6, 1, seed, width=600)
    result = route(task)
    costs = [cost(task, (*order, 0)) for order in permutations(range(1, 7))]
    best = min(c for c in costs if c is not None)
    assert result.status is PlanStatus.SOLVED_OPTIMALLY
    assert result.cost == result.lower_bound == best
    assert cost(task, result.actions) == best


def test_routes_keep_capacity_and_windows_and_the_rules() -> None:
    task = random_task(14, 3, 0)
    result = route(task, hint=(1, 0))
    assert result.status is PlanStatus.SOLVED_OPTIMALLY
    assert cost(task, result.actions) == result.cost
    domain = delivery(task)
    state, discount = domain.reset(), 1.0
    for action in result.actions:
        assert discount
        assert domain.legal(state)[action]
        state, _, discount = domain.step(state, action)
    assert discount == 0


def test_no_routes_are_proved_to_be_none() -> None:
    task = random_task(5, 1, 0)
    late = DeliveryTask(
        task.travel, task.demand, task.ready, np.minimum(task.due, 20), task.service, 99, 1
    )
    assert route(late).status is PlanStatus.UNSOLVABLE_PROVEN


def test_without_time_a_bound_is_still_a_bound() -> None:
    task = random_task(60, 6, 0)
    result = route(task, seconds=0.05)
    assert result.lower_bound is not None
    assert result.status in {PlanStatus.TIMEOUT, PlanStatus.SOLVED_SATISFICING}


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    with pytest.raises(ModuleNotFoundError, match=r"tesuji\[cpsat\]"):
        route(random_task(5, 1, 0))

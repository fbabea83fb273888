from typing import Any

import numpy as np
import pytest

from tesuji.domains.check import check_domain
from tesuji.domains.logistics.delivery import delivery, random_delivery
from tesuji.domains.logistics.delivery_task import DeliveryTask, random_task

#  depot -- 3 -- 1 -- 4 -- 2     on a line
TRAVEL = np.abs(np.subtract.outer([0, 3, 7], [0, 3, 7]))


def task(**changes: Any) -> DeliveryTask:
    numbers: dict[str, Any] = {
        "travel": TRAVEL,
        "demand": np.array([0, 2, 5]),
        "ready": np.array([0, 10, 0]),
        "due": np.array([40, 12, 30]),
        "service": np.array([0, 1, 2]),
        "capacity": 7,
        "vehicles": 1,
    }
    return DeliveryTask(**{**numbers, **changes})


@pytest.mark.parametrize("size", [{}, {"customers": 127, "vehicles": 9}, {"customers": 1}])
def test_it_keeps_the_contract(size: dict[str, int]) -> None:
    assert check_domain(random_delivery(**size), 3).tier == "compiled"


def test_a_vehicle_waits_serves_and_drives_on() -> None:
    domain = delivery(task())
    state, reward, discount = domain.step(domain.reset(), 1)
    assert (state.at, state.time, state.load, state.vehicle) == (1, 11, 2, 1)
    assert (reward, discount) == (-3 / task().longest, 1)
    state, reward, _ = domain.step(state, 2)
    assert (state.at, state.time, state.load) == (2, 11 + 4 + 2, 7)
    assert reward == -4 / task().longest


def test_the_last_return_ends_the_episode() -> None:
    domain = delivery(task())
    state = domain.reset()
    for action in (1, 2):
        state = domain.step(state, action)[0]
    assert domain.legal(state).tolist() == [True, False, False]
    state, reward, discount = domain.step(state, 0)
    assert (state.at, reward, discount) == (0, -7 / task().longest, 0)


def test_only_a_vehicle_that_has_a_follower_may_go_home_early() -> None:
    for vehicles, home in ((1, False), (2, True)):
        domain = delivery(task(vehicles=vehicles))
        state = domain.step(domain.reset(), 1)[0]
        assert domain.legal(state).tolist() == [home, False, True]
    state, _, discount = domain.step(state, 0)
    assert (state.at, state.time, state.load, state.vehicle, discount) == (0, 0, 0, 1, 1)
    assert domain.legal(state).tolist() == [False, False, True]
    assert domain.step(state, 2)[0].vehicle == 2


def test_the_rules_alone_know_neither_windows_nor_capacity() -> None:
    domain = delivery(task(capacity=0, due=np.zeros(3, np.int64)))
    assert domain.legal(domain.reset()).tolist() == [False, True, True]


def test_longest_bounds_every_play() -> None:
    domain = random_delivery(customers=8, vehicles=3, seed=3)
    rng = np.random.default_rng(0)
    for _ in range(50):
        state, total, discount = domain.reset(), 0.0, 1.0
        while discount:
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            state, reward, discount = domain.step(state, action)
            total += reward
        assert -1 <= total < 0


def test_a_seed_decides_a_random_task() -> None:
    first, again, other = (delivery(random_task(9, 2, seed=s)).instance for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_random_travel_keeps_the_triangle_inequality() -> None:
    travel = random_task(40, seed=5).travel
    assert (travel[:, :, None] + travel[None] >= travel[:, None, :]).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vehicles": 3}, "vehicles must be 1 to 2, got 3"),
        ({"vehicles": 0}, "vehicles must be 1 to 2, got 0"),
        ({"capacity": -1}, "capacity must be at least 0"),
        ({"ready": np.array([0, -1, 0])}, "ready must be whole numbers"),
        ({"due": np.array([1.5, 1, 1])}, "due must be whole numbers"),
        ({"travel": TRAVEL[:2]}, "travel must be whole numbers"),
        ({"demand": np.array([1, 2, 5])}, "neither demand nor service"),
        ({"demand": np.array([0])}, "customers must be 1 to 127, got 0"),
        ({"due": np.array([2**31, 1, 1])}, "must stay below 2"),
    ],
)
def test_bad_tasks_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        task(**changes)


@pytest.mark.parametrize("bad", [{"customers": 128}, {"vehicles": 21}, {"width": -1}])
def test_bad_parameters_are_named(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        random_delivery(**bad)

from typing import Any

import numpy as np
import pytest

from tesuji.domains.check import check_domain
from tesuji.domains.robotics.double_integrator import (
    ACCELERATION_X,
    ACCELERATION_Y,
    double_integrator,
)

COAST, E, W, NE, SW = 4, 7, 1, 8, 0


def play(actions: list[int], **params: Any) -> tuple[Any, tuple[float, float]]:
    domain = double_integrator(**params)
    state, reward, discount = domain.reset(), 0.0, 1.0
    for action in actions:
        assert discount == 1
        state, reward, discount = domain.step(state, action)
    return state, (reward, discount)


def test_it_keeps_the_contract() -> None:
    report = check_domain(double_integrator())
    assert report.tier == "compiled"


def test_a_push_moves_by_half_the_acceleration_squared() -> None:
    state, transition = play([NE, COAST])
    assert (state.x, state.y) == (-3 + 0.125 + 0.25, -3 + 0.125 + 0.25)
    assert (state.vx, state.vy) == (0.5, 0.5)
    assert transition[0] > 0


def test_positions_are_exact_eighths() -> None:
    rng = np.random.default_rng(0)
    domain = double_integrator(start=(0, 0), max_steps=100)
    state, discount = domain.reset(), 1.0
    x, vx = 0, 0  # in eighths and halves
    while discount:
        action = int(rng.integers(9))
        state, _, discount = domain.step(state, action)
        x, vx = x + 2 * vx + int(ACCELERATION_X[action]), vx + int(ACCELERATION_X[action])
        assert (state.x, state.vx) == (x / 8, vx / 2)


def test_arriving_slowly_ends_with_the_bonus() -> None:
    state, (reward, discount) = play([E, W], start=(0, 0), goal=(0.75, 0))
    assert discount == 0
    assert (state.x, state.vx, state.steps) == (0.25, 0.0, 2)
    assert reward == pytest.approx(0.5 * 0.125 / 128**0.5 + 0.5 - 0.25 * 2 / 32)


def test_leaving_the_arena_is_a_crash() -> None:
    _, transition = play([W, W], start=(-3.75, 0))
    assert transition == (-0.5, 0.0)


def test_the_actions_are_all_pairs_of_accelerations() -> None:
    pairs = set(zip(ACCELERATION_X.tolist(), ACCELERATION_Y.tolist(), strict=True))
    assert len(pairs) == 9
    names = [double_integrator().action_name(None, a) for a in range(9)]
    assert names[NE] == "ne"
    assert names[SW] == "sw"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"max_steps": 0}, "max_steps"),
        ({"start": (0.1, 0)}, "start must be multiples of 1/8"),
        ({"goal": (5, 0)}, "goal must be"),
        ({"goal": (float("nan"), 0)}, "goal must be"),
        ({"goal": (1, 2, 3)}, "two coordinates"),
    ],
)
def test_bad_parameters_are_named(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        double_integrator(**params)

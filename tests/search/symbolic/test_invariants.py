"""Invariants of linear worlds: what can be kept for ever, and that nothing leaves it."""

from fractions import Fraction

import numpy as np
import pytest

from tesuji.domains.robotics.linear_world import WORLDS, advance
from tesuji.search.symbolic.invariant_proof import prove
from tesuji.search.symbolic.invariant_sets import (
    Dynamics,
    NoInvariantError,
    inputs,
    invariant_polygon,
)
from tesuji.search.symbolic.invariants import Invariant, dynamics_of
from tesuji.search.symbolic.model import ConstraintError

CASES = {
    "tesuji/PointMass-v0": ("zone: not (x > 1 and x < 2 and y > -4 and y < 1)", "y_velocity >= -1"),
    "tesuji/DoubleIntegrator-v0": ("x <= 3.5",),
    "tesuji/Cart-v0": ("abs(x) <= 3", "implies(x > 2, x_velocity <= 0.5)"),
}
_INVARIANTS: dict[str, Invariant] = {}


def invariant_of(name: str) -> Invariant:
    """Return the invariant of a case, made once."""
    if name not in _INVARIANTS:
        _INVARIANTS[name] = Invariant(WORLDS[name], CASES[name])
    return _INVARIANTS[name]


def exactly(numbers: np.ndarray) -> tuple[Fraction, ...]:
    """Return floats as fractions."""
    return tuple(Fraction(float(number)) for number in numbers)


def test_who_can_brake_in_time_can_stay() -> None:
    """The polygon of a double integrator is what full braking keeps inside."""
    [axis] = WORLDS["tesuji/DoubleIntegrator-v0"]
    limits = float(axis.limit), float(axis.speed)
    low, high = (-axis.limit, -axis.speed), (axis.limit, axis.speed)
    polygon = invariant_polygon(dynamics_of(axis), low, high)
    rng = np.random.default_rng(0)
    seen = set()
    for x, v in rng.uniform(-1, 1, (200, 2)) * limits:
        state = np.array([x, abs(v)])
        furthest = x
        while state[1] > 0:
            state = advance((axis,), state, np.array([-1.0]))
            furthest = max(furthest, state[0])
        inside = polygon.holds((Fraction(x), Fraction(abs(v))))
        if abs(furthest - limits[0]) > 0.1:
            assert inside == (furthest < limits[0])
            seen.add(inside)
    assert seen == {True, False}


@pytest.mark.parametrize("name", CASES)
def test_no_action_leaves_the_invariant(name: str) -> None:
    """Whatever is wanted, the nearest allowed action keeps all constraints, and there is one."""
    invariant, axes = invariant_of(name), WORLDS[name]
    rng = np.random.default_rng(1)
    state, moved = np.zeros(2 * len(axes)), 0
    push = rng.uniform(-1, 1, len(axes))
    for number in range(150):
        if number % 25 == 0:
            push = rng.choice([-1.0, 1.0], len(axes))
        here = exactly(state)
        assert invariant.mode_of(here) is not None
        action = invariant.nearest(here, exactly(push))
        assert action is not None
        moved += exactly(push) != action
        state = advance(axes, state, np.array([float(each) for each in action]))
        assert invariant.way(here, exactly(state)) is not None
        assert holds(name, state)
    assert moved > 10


def holds(name: str, state: np.ndarray) -> bool:
    """Return whether a state keeps the constraints, read by hand."""
    if name == "tesuji/PointMass-v0":
        x, y, _, y_velocity = state
        return not (1 < x < 2 and -4 < y < 1) and y_velocity >= -1
    if name == "tesuji/Cart-v0":
        return abs(state[0]) <= 3 and (state[0] <= 2 or state[1] <= 0.5)
    return bool(state[0] <= 3.5)


def test_z3_proves_invariants_and_nothing_else() -> None:
    """A polygon that is a little larger has a state that every input leads out of."""
    invariant = invariant_of("tesuji/Cart-v0")
    assert len(prove(invariant)) == 64
    [mode, *_] = invariant.modes
    polygon = mode.polygons[0]
    larger = type(polygon)(tuple((x, v * Fraction(11, 10)) for x, v in polygon.corners))
    object.__setattr__(mode, "polygons", (larger,))
    try:
        with pytest.raises(ConstraintError, match="z3 did not prove that states of x can stay"):
            prove(invariant)
    finally:
        object.__setattr__(mode, "polygons", (polygon,))


def test_corners_have_inputs() -> None:
    """Slack and all."""
    invariant = invariant_of("tesuji/Cart-v0")
    for mode in invariant.modes:
        for corner in mode.polygons[0].corners:
            low, high = inputs(invariant.dynamics[0], mode.polygons[0], corner)
            assert low <= high


def test_worlds_without_brakes_have_no_invariant() -> None:
    """Slack beyond what inputs can mend."""
    step = Fraction(1, 8)
    matrix = (Fraction(1), step), (Fraction(0), Fraction(1))
    weak = Dynamics(matrix, (Fraction(0), step), Fraction(1), (Fraction(0), Fraction(1)))
    one = Fraction(1)
    with pytest.raises(NoInvariantError):
        invariant_polygon(weak, (-one, -one), (one, one))


def test_constraints_without_an_invariant_are_refused() -> None:
    """By name."""
    axes = WORLDS["tesuji/DoubleIntegrator-v0"]
    for text, words in (
        ("x == 1", "no invariant is made of '='"),
        ("moving: x_velocity >= 1", "nothing can keep moving"),
        ("y <= 1", "unknown name 'y'"),
    ):
        with pytest.raises(ConstraintError, match=words):
            Invariant(axes, [text])

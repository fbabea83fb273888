"""A double integrator in the plane: choose an acceleration, come to rest in a goal box.

    y
    ^        . . . G      action 3 * (ax + 1) + (ay + 1), with ax and ay one of -1, 0, 1
    |        . . . .
    |        S . . .      position' = position + velocity dt + acceleration dt^2 / 2
    +----> x              velocity' = velocity + acceleration dt

The time step is a power of two and so is everything that it is multiplied with: positions are
multiples of 1/8 and velocities of 1/2, and float64 arithmetic on them is exact.

The reward is the way gained towards the goal, half of the range in all, and up to another half at
the goal, the sooner the more. Who leaves the arena has crashed. `instance` holds the start, the
goal (both in eighths) and the number of steps.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.base import DomainSpec, State
from tesuji.domains.compiled import CompiledDomain, Kernels

NUM_ACTIONS = 9
TIME_STEP = 0.5
ARENA = 4.0  # positions are -ARENA to ARENA on both axes
GOAL_RADIUS = 0.5  # of the box around the goal
GOAL_SPEED = 0.5  # greatest speed on an axis that counts as having arrived

# The acceleration of each action [A].
ACCELERATION_X: npt.NDArray[np.int64] = np.repeat([-1, 0, 1], 3)
ACCELERATION_Y: npt.NDArray[np.int64] = np.tile([-1, 0, 1], 3)

state_dtype = np.dtype(
    [
        ("x", np.float64),
        ("y", np.float64),
        ("vx", np.float64),
        ("vy", np.float64),
        ("steps", np.int64),
    ]
)
kernels = Kernels(state_dtype)

_START_X, _START_Y, _GOAL_X, _GOAL_Y, _MAX_STEPS = range(5)
_EIGHTH = 0.125
_DIAMETER = float(np.hypot(2 * ARENA, 2 * ARENA))
_NAMES = ("sw", "w", "nw", "s", "coast", "n", "se", "e", "ne")


@njit(cache=True)
def distance(state, instance):  # type: ignore[no-untyped-def]
    """Return how far the goal is, as a part of the arena's diameter."""
    dx = state.x - instance[_GOAL_X] * _EIGHTH
    dy = state.y - instance[_GOAL_Y] * _EIGHTH
    return np.sqrt(dx * dx + dy * dy) / _DIAMETER


@njit(cache=True)
def has_arrived(state, instance):  # type: ignore[no-untyped-def]
    """Return whether the robot is in the goal box and slow."""
    return (
        abs(state.x - instance[_GOAL_X] * _EIGHTH) <= GOAL_RADIUS
        and abs(state.y - instance[_GOAL_Y] * _EIGHTH) <= GOAL_RADIUS
        and abs(state.vx) <= GOAL_SPEED
        and abs(state.vy) <= GOAL_SPEED
    )


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Stand still at the start."""
    state.x = instance[_START_X] * _EIGHTH
    state.y = instance[_START_Y] * _EIGHTH
    state.vx = 0.0
    state.vy = 0.0
    state.steps = 0


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow every acceleration."""
    for action in range(NUM_ACTIONS):
        mask[action] = True


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Accelerate for one time step."""
    before = distance(state, instance)
    ax = action // 3 - 1.0
    ay = action % 3 - 1.0
    state.x += state.vx * TIME_STEP + ax * (TIME_STEP * TIME_STEP / 2)
    state.y += state.vy * TIME_STEP + ay * (TIME_STEP * TIME_STEP / 2)
    state.vx += ax * TIME_STEP
    state.vy += ay * TIME_STEP
    state.steps += 1
    if abs(state.x) > ARENA or abs(state.y) > ARENA:
        return -0.5, 0.0
    gained = 0.5 * (before - distance(state, instance))
    if has_arrived(state, instance):
        return gained + 0.5 - 0.25 * state.steps / instance[_MAX_STEPS], 0.0
    if state.steps >= instance[_MAX_STEPS]:
        return gained, 0.0
    return gained, 1.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write position, velocity, the way to the goal, and the part of the time that is left."""
    out[0] = state.x / ARENA
    out[1] = state.y / ARENA
    out[2] = state.vx / ARENA
    out[3] = state.vy / ARENA
    out[4] = (instance[_GOAL_X] * _EIGHTH - state.x) / (2 * ARENA)
    out[5] = (instance[_GOAL_Y] * _EIGHTH - state.y) / (2 * ARENA)
    out[6] = 1.0 - state.steps / instance[_MAX_STEPS]


def render(state: State) -> str:
    """Return position and velocity as text."""
    return (
        f"step {int(state.steps)}: at ({state.x:g}, {state.y:g}), "
        f"moving ({state.vx:g}, {state.vy:g})"
    )


def action_name(state: State, action: int) -> str:
    """Return the direction of the acceleration."""
    del state
    return _NAMES[action]


def double_integrator(
    start: tuple[float, float] = (-3.0, -3.0),
    goal: tuple[float, float] = (3.0, 3.0),
    max_steps: int = 32,
) -> CompiledDomain:
    """Return the domain.

    Args:
        start: where the robot stands first; multiples of 1/8 inside the arena.
        goal: centre of the goal box; multiples of 1/8 inside the arena.
        max_steps: the episode ends after so many.
    """
    if max_steps < 1:
        raise ValueError(f"max_steps must be at least 1, got {max_steps}")
    instance = [*_eighths("start", start), *_eighths("goal", goal), max_steps]
    spec = DomainSpec(
        name="double_integrator",
        num_actions=NUM_ACTIONS,
        observation_shape=(7,),
        num_players=1,
        max_steps=max_steps,
    )
    return CompiledDomain(spec, kernels, instance, render=render, action_name=action_name)


def _eighths(name: str, point: tuple[float, float]) -> list[int]:
    if len(point) != 2:
        raise ValueError(f"{name} must have two coordinates, got {point}")
    for coordinate in point:
        if not (abs(coordinate) <= ARENA and float(coordinate * 8).is_integer()):
            raise ValueError(
                f"{name} must be multiples of 1/8 from {-ARENA:g} to {ARENA:g}, got {point}"
            )
    return [round(coordinate * 8) for coordinate in point]

"""Linear worlds: a point mass, a double integrator, a cart; exact in floats.

Each axis has a position and a velocity, and an input, the acceleration:

    x' = x + v dt + u dt^2 / 2        v' = (1 - drag) v + u dt

Time step, drag and inputs are multiples of powers of two, so that 64-bit arithmetic on states makes
no error; where drag asks for more digits, a state is rounded to its grid, and by how much at most
is part of the world (`Axis.slack`). Between two steps positions move in a straight line.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box

Floats = npt.NDArray[np.float64]

STEP = Fraction(1, 8)  # s
INPUT_GRID = Fraction(1, 64)  # inputs are multiples of it
STATE_GRID = Fraction(1, 2**13)
SCALE = 4.0  # of positions in rewards, m


@dataclass(frozen=True)
class Axis:
    """One axis: `s' = A s + B u`, up to what is rounded.

    Attributes:
        position: its name.
        velocity: its name.
        drag: share of the velocity that is lost in a step, a power of two or 0.
        limit: of positions, either way.
        speed: limit of velocities, either way.
        power: limit of inputs, either way.
    """

    position: str
    velocity: str
    drag: Fraction = Fraction(0)
    limit: Fraction = Fraction(4)
    speed: Fraction = Fraction(2)
    power: Fraction = Fraction(1)

    @property
    def matrix(self) -> tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]]:
        """Return `A`."""
        return (Fraction(1), STEP), (Fraction(0), 1 - self.drag)

    @property
    def gain(self) -> tuple[Fraction, Fraction]:
        """Return `B`."""
        return STEP**2 / 2, STEP

    @property
    def slack(self) -> tuple[Fraction, Fraction]:
        """Return how far rounding may move position and velocity in a step."""
        most = STATE_GRID / 2 if self.drag else Fraction(0)
        return most, most


WORLDS: dict[str, tuple[Axis, ...]] = {
    "tesuji/PointMass-v0": (Axis("x", "x_velocity"), Axis("y", "y_velocity")),
    "tesuji/DoubleIntegrator-v0": (Axis("x", "x_velocity"),),
    "tesuji/Cart-v0": (Axis("x", "x_velocity", drag=Fraction(1, 16)),),
}


def register_worlds() -> None:
    """Tell Gymnasium of the worlds."""
    for name in WORLDS:
        if name not in gymnasium.registry:
            entry = "tesuji.domains.robotics.linear_world:LinearWorld"
            gymnasium.register(
                name, entry_point=entry, max_episode_steps=200, kwargs={"name": name}
            )


class LinearWorld(gymnasium.Env[npt.NDArray[np.float64], npt.NDArray[np.float32]]):
    """A linear world as an environment: come to a goal, which is drawn, and stay there.

    Observations are positions, velocities, and the way to the goal. The reward is minus the
    distance to the goal, in parts of the arena. Actions are rounded to their grid.

    Args:
        name: of the world.
        render_mode: only None.
    """

    def __init__(self, name: str, render_mode: str | None = None) -> None:
        self.metadata = {"render_modes": []}
        self.axes, self.render_mode = WORLDS[name], render_mode
        size = len(self.axes)
        power = np.array([float(axis.power) for axis in self.axes], np.float32)
        self.action_space = Box(-power, power, dtype=np.float32)
        self.observation_space = Box(-np.inf, np.inf, (3 * size,), np.float64)
        self.state = np.zeros(2 * size)  # positions, then velocities
        self.goal = np.zeros(size)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
        """Stand still at a place that is drawn."""
        super().reset(seed=seed, options=options)
        size = len(self.axes)
        limits = np.array([int(axis.limit) for axis in self.axes])
        places = self.np_random.integers(-7 * limits, 7 * limits, (2, size), endpoint=True) / 8
        self.state, self.goal = np.concatenate([places[0], np.zeros(size)]), places[1]
        return self._observe(), {}

    def step(
        self, action: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        """Take one step."""
        self.state = advance(self.axes, self.state, np.asarray(action, np.float64))
        return self._observe(), float(reward(self.state, self.goal)), False, False, {}

    def _observe(self) -> npt.NDArray[np.float64]:
        return observe(self.state, self.goal)


def advance(axes: tuple[Axis, ...], states: Floats, actions: Floats) -> Floats:
    """Return the states `[..., 2 n]` after actions `[..., n]`; every operation is exact."""
    size, step, grid = len(axes), float(STEP), float(INPUT_GRID)
    power = np.array([float(axis.power) for axis in axes])
    inputs = np.round(np.clip(actions, -power, power) / grid) * grid
    x, v = states[..., :size], states[..., size:]
    drag = np.array([float(axis.drag) for axis in axes])
    x = x + v * step + inputs * (step**2 / 2)
    v = v - drag * v + inputs * step
    fine = 1 / float(STATE_GRID)
    return np.round(np.concatenate([x, v], axis=-1) * fine) / fine


def reward(states: Floats, goal: Floats) -> Floats:
    """Return the reward of being in states `[..., 2 n]`."""
    away = states[..., : goal.shape[-1]] - goal
    return np.asarray(-np.sqrt((away**2).sum(axis=-1)) / SCALE)


def observe(states: Floats, goal: Floats) -> Floats:
    """Return the observations `[..., 3 n]` of states `[..., 2 n]`."""
    return np.concatenate([states, goal - states[..., : goal.shape[-1]]], axis=-1)

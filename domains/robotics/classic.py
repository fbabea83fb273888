"""Classic control with continuous actions: Gymnasium's equations as kernels.

They round as the environments do, whose actions are 32-bit, so that states and rewards are equal to
the bit. Discrete ones are in `classic_rules.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.models import Branches, Floats, Model, Rollouts

_PENDULUM, _CAR = range(2)


@njit(cache=True)
def _pendulum(state, action, constants):  # type: ignore[no-untyped-def]
    g, m, length, dt, max_torque, max_speed = constants
    angle, speed = state[0], state[1]
    most = np.float32(max_torque)
    torque = min(max(np.float32(action[0]), -most), most)
    upright = ((angle + np.pi) % (2 * np.pi)) - np.pi
    effort = np.float32(np.float32(0.001) * np.float32(torque * torque))
    cost = upright**2 + 0.1 * speed**2 + effort
    push = np.float32(np.float32(3.0 / (m * length**2)) * torque)
    speed = speed + (3 * g / (2 * length) * np.sin(angle) + push) * dt
    speed = min(max(speed, -max_speed), max_speed)
    state[0], state[1] = angle + speed * dt, speed
    return -cost, True


@njit(cache=True)
def _car(state, action, constants, wide):  # type: ignore[no-untyped-def]
    # After a reset the environment's state is of 64 bits (`wide`), after a step of 32.
    power, max_speed, min_position, max_position, goal, goal_velocity = constants
    position, velocity = state[0], state[1]
    force = min(max(np.float32(action[0]), np.float32(-1.0)), np.float32(1.0))
    slope = 3 * position if wide else np.float64(np.float32(3) * np.float32(position))
    gravity = np.float32(0.0025 * math.cos(slope))
    push = np.float32(np.float32(force * np.float32(power)) - gravity)
    velocity = _add(velocity, push, wide)
    velocity = min(max(velocity, -max_speed), max_speed)
    position = min(max(_add(position, velocity, wide), min_position), max_position)
    if position == min_position and velocity < 0:
        velocity = 0.0
    over = position >= goal and velocity >= goal_velocity
    reward = -(np.float64(np.float32(action[0])) ** 2) * 0.1
    if over:
        reward += 100.0
    state[0], state[1] = np.float32(position), np.float32(velocity)
    return reward, not over


@njit(cache=True)
def _add(a, b, wide):  # type: ignore[no-untyped-def]
    return a + b if wide else np.float64(np.float32(np.float32(a) + np.float32(b)))


@njit(cache=True, nogil=True)
def _roll(kind, constants, start, actions, states, rewards, alive):  # type: ignore[no-untyped-def]
    # Step every trajectory from its start, whose last number says whether it is wide; what is
    # after an end stays what it was there.
    state = np.empty(start.shape[1] - 1)
    for b in range(actions.shape[0]):
        state[:] = start[b % start.shape[0], :-1]
        wide = start[b % start.shape[0], -1] != 0.0
        going = True
        for h in range(actions.shape[1]):
            if going:
                if kind == _PENDULUM:
                    rewards[b, h], going = _pendulum(state, actions[b, h], constants)
                else:
                    rewards[b, h], going = _car(state, actions[b, h], constants, wide and h == 0)
            states[b, h] = state
            alive[b, h] = going


class _Kind(NamedTuple):
    number: int
    names: tuple[str, ...]
    constants: tuple[str, ...]  # attributes of the environment


CLASSIC: Mapping[str, _Kind] = {
    "Pendulum-v1": _Kind(
        _PENDULUM, ("angle", "speed"), ("g", "m", "l", "dt", "max_torque", "max_speed")
    ),
    "MountainCarContinuous-v0": _Kind(
        _CAR,
        ("position", "velocity"),
        ("power", "max_speed", "min_position", "max_position", "goal_position", "goal_velocity"),
    ),
}


class ClassicModel(Model):
    """Trajectories of a pendulum or a mountain car."""

    def __init__(self, domain: EnvironmentDomain) -> None:
        super().__init__(domain)
        self._kind = CLASSIC[domain.spec.name]
        self.names = self._kind.names
        if self._kind.number == _PENDULUM:  # the car's are of 32 bits
            self.coordinates = np.arange(2)
        self._env: Any = domain.env.unwrapped
        self._constants = tuple(float(getattr(self._env, name)) for name in self._kind.constants)

    def quantities(self, state: Moment) -> Floats:
        """Return the environment's own state."""
        return self.begin(state)[0, :-1]

    def begin(self, state: Moment) -> Floats:
        """Return the environment's own state, and whether it is of 64 bits `[1, 3]`."""
        self.domain.restore(state)
        wide = self._env.state.dtype == np.float64
        return np.array([*self._env.state, wide], np.float64)[None]

    def roll(self, state: Moment, actions: Floats) -> Rollouts:
        """Return what the actions lead to."""
        return self.branch(self.begin(state), actions).rollouts

    def branch(self, starts: Any, actions: Floats) -> Branches:
        """Return what the actions lead to; starts are used in turn."""
        shape = actions.shape[:2]
        states, rewards = np.empty((*shape, starts.shape[1] - 1)), np.zeros(shape)
        alive = np.empty(shape, np.bool_)
        _roll(self._kind.number, self._constants, starts, actions, states, rewards, alive)
        first = states[: len(starts), 0]
        after = np.concatenate([first, np.zeros((len(first), 1))], axis=1)
        return Branches(after, Rollouts(states[:, :, None], rewards, alive, self._observe(states)))

    def _observe(self, states: Floats) -> npt.NDArray[np.float32]:
        if self._kind.number == _PENDULUM:
            angle = states[..., :1]
            states = np.concatenate([np.cos(angle), np.sin(angle), states[..., 1:]], axis=-1)
        return states.astype(np.float32)

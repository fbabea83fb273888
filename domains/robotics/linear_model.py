"""Trajectories of linear worlds, many at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.linear_world import Axis, advance, observe, reward
from tesuji.domains.robotics.models import Branches, Floats, Model, Rollouts


class LinearModel(Model):
    """Trajectories of a linear world."""

    def __init__(self, domain: EnvironmentDomain) -> None:
        super().__init__(domain)
        env: Any = domain.env.unwrapped
        axes: tuple[Axis, ...] = env.axes
        self._env = env
        self.names = (*(axis.position for axis in axes), *(axis.velocity for axis in axes))

    def quantities(self, state: Moment) -> Floats:
        """Return the state."""
        return np.asarray(self.begin(state)[0])

    def begin(self, state: Moment) -> Floats:
        """Return the state `[1, 2 n]`."""
        self.domain.restore(state)
        return np.array(self._env.state)[None]

    def roll(self, state: Moment, actions: Floats) -> Rollouts:
        """Return what the actions lead to."""
        return self.branch(self.begin(state), actions).rollouts

    def branch(self, starts: Any, actions: Floats) -> Branches:
        """Return what the actions lead to; starts are used in turn."""
        batch, horizon, size = actions.shape
        states = np.empty((batch, horizon, 2 * size))
        now = starts[np.arange(batch) % len(starts)]
        for h in range(horizon):
            now = states[:, h] = advance(self._env.axes, now, actions[:, h])
        goal = self._env.goal
        seen = observe(states, np.broadcast_to(goal, (batch, horizon, size)))
        alive = np.ones((batch, horizon), np.bool_)
        rollouts = Rollouts(
            states[:, :, None], reward(states, goal), alive, seen.astype(np.float32)
        )
        return Branches(states[: len(starts), 0].copy(), rollouts)

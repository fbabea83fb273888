"""Trajectories of linear worlds, many at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment, Policy
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

    def follow(self, state: Moment, policy: Policy, noise: Floats) -> Floats:
        """Return what the policy does, all trajectories a step at a time."""
        starts = np.repeat(self.begin(state), len(noise), axis=0)
        seen = np.repeat(state.observation[None], len(noise), axis=0)
        actions = np.zeros(noise.shape)
        for h in range(noise.shape[1]):
            mean, deviation = policy.propose(seen)
            actions[:, h] = np.clip(mean + deviation * noise[:, h], -1.0, 1.0)
            starts, rollouts = self.branch(starts, self.units(actions[:, h : h + 1]))
            seen = rollouts.observations[:, 0]
        return actions

"""Steps of an environment with discrete actions, taken in the environment, one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tesuji.domains.base import FloatArray, Reached, Rollouts
from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.imagination import best_of
from tesuji.domains.robotics.sampling import mixed


class Trials:
    """Takes steps of an environment with discrete actions, in the environment, one by one.

    Attributes:
        quantities: names of what there is after a step.
        name: of what takes the steps.
    """

    name = "snapshots"

    def __init__(self, domain: EnvironmentDomain) -> None:
        self._domain = domain
        size = domain.spec.observation_shape[0]
        self.quantities = tuple(f"observation_{i}" for i in range(size))

    def step_batch(
        self, states: Sequence[Moment], chosen: Sequence[int], rollouts: Rollouts, discount: float
    ) -> Reached:
        """Return where actions lead, and the best of random rollouts from there."""
        del discount  # the domain's steps say it
        domain, tries = self._domain, rollouts.num_rollouts if rollouts.max_steps else 0
        reached = []
        passed = np.zeros((len(states), 1, len(self.quantities)))
        returns = np.zeros((max(tries, 1), len(states)))
        ways: list[tuple[int, int, int, FloatArray]] = []  # rollout, state, action, quantities
        for i, (state, action) in enumerate(zip(states, chosen, strict=True)):
            reached.append(domain.step(state, action))
            passed[i, 0] = reached[i][0].observation
            for k in range(tries if reached[i][2] else 0):
                returns[k, i], way = self._play(reached[i][0], k, rollouts.max_steps)
                ways += [(k, i, taken, row) for taken, row in way]
        if rollouts.keeps is not None and ways:
            rows = np.stack([way[3] for way in ways]).astype(np.float64)[:, None]
            kept = rollouts.keeps(np.array([way[2] for way in ways]), rows)
            for j in np.flatnonzero(~kept).tolist():
                returns[ways[j][:2]] = -np.inf
        after, rewards, discounts = zip(*reached, strict=True)
        return Reached(
            after, np.array(rewards), np.array(discounts), best_of(returns), passed,
            len(states) + len(ways),
        )  # fmt: skip

    def _play(
        self, at: Moment, number: int, most: int
    ) -> tuple[float, list[tuple[int, FloatArray]]]:
        """Return what a random rollout brings, its actions, and what there is after each."""
        domain, total, weight = self._domain, 0.0, 1.0
        way: list[tuple[int, FloatArray]] = []
        bits = mixed(at.seed, np.arange(1, most + 1) + number * most)
        for action in (bits % np.uint64(domain.spec.num_actions)).tolist():
            at, reward, discount = domain.step(at, action)
            way.append((action, at.observation))
            total += weight * reward
            weight *= discount
            if discount == 0.0:
                break
        return total, way

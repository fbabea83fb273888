"""Trajectory search that proposes what a tree over sampled actions tries.

A decision plans a trajectory first. The tree samples actions around it, and its rollouts follow
what is left of it, so that the search need not find slow movements by single steps. What returns
more is followed, the plan or the tree's best line, and the next plan begins with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import Rollouts as Asked
from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.imagination import with_actions
from tesuji.domains.robotics.models import Rollouts
from tesuji.domains.robotics.proposals import Plan
from tesuji.search.trajectory.noise import Floats
from tesuji.search.trajectory.planner import TrajectoryPlanner, Verdict
from tesuji.search.trajectory.settings import TrajectorySettings

TRIES = 2  # rollouts from a leaf

# Says of actions `[N]` and what their steps passed through `[N, K, Q]` which break nothing.
Keeps = Callable[[npt.NDArray[np.int64], Floats], npt.NDArray[np.bool_]]


class Guide:
    """Gives an environment's domain the plan that its states' actions are sampled around.

    Args:
        domain: with continuous actions.
        settings: of trajectory search; a plan is followed for one step.
        keeps: what the tree's constraints say of steps.
    """

    def __init__(
        self, domain: EnvironmentDomain, settings: TrajectorySettings, keeps: Keeps | None = None
    ) -> None:
        self._domain, self._settings = domain, settings
        self._monitor = None if keeps is None else _StepMonitor(keeps)
        self._next = -1  # step of the episode that the last plan goes on with

    def prepare(self, state: Moment, seed: int = 0, seconds: float | None = None) -> None:
        """Plan from `state`, after the last plan where that began a step before.

        Args:
            state: the root.
            seed: of the samples of plans that follow no other.
            seconds: to plan in.
        """
        if state.steps != self._next:
            self._planner = TrajectoryPlanner(
                self._domain.imagination.model, self._settings, self._monitor, seed=seed
            )
        found = self._planner.plan(state, seconds)
        self._domain.simulated += found.simulated
        going, rewards = found.rollouts.alive[0], found.rollouts.rewards[0]
        self._plan = Plan(
            state.steps, self._planner.model.scaled(found.actions), self._planner.deviation.copy(),
            self._settings.survival * float(rewards.sum()) / max(1, int(going.sum())),
        )  # fmt: skip
        self._domain.proposal = self._plan
        self._next = state.steps + 1

    def choose(self, state: Moment, line: Sequence[int], legal: bool = True) -> int:
        """Return the first action of the plan or of the tree's best line, of what returns more.

        The line goes on as the rollouts from its end did. The next plan begins with what was best.

        Args:
            state: the last plan's root.
            line: actions from there.
            legal: whether the plan's first action may be taken.
        """
        ways = [self._plan.actions, *self._ways(state, line)]
        units = self._domain.imagination.model.units(np.stack(ways))
        scores, violations = self._planner.score(state, units)
        self._domain.simulated += units.shape[0] * units.shape[1]
        if not legal:
            scores[0], violations[0] = -np.inf, np.inf
        best = int(np.lexsort((-scores, violations))[0])
        self._planner.adopt(ways[best])
        return 0 if best == 0 else line[0]

    def _ways(self, state: Moment, line: Sequence[int]) -> Floats:
        """Return scaled actions of a line and the rollouts from its end `[TRIES, H, D]`."""
        domain, horizon = self._domain, len(self._plan.actions)
        line, steps = line[:horizon], []
        for action in line[:-1]:
            steps.append(domain.sample_batch([state], np.array([action])))
            state = domain.step_batch([state], [action], Asked()).states[0]
        rest = domain.imagination.ways([state], [line[-1]], TRIES, horizon - len(line))
        before = np.repeat(np.stack(steps, axis=1), TRIES, axis=0) if steps else rest[:, :0]
        return self._planner.model.scaled(np.concatenate([before, rest], axis=1))


class _StepMonitor:
    """Counts the steps of trajectories that break what a tree's steps must keep."""

    def __init__(self, keeps: Keeps) -> None:
        self._keeps = keeps

    def judge(self, state: Any, rollouts: Rollouts, actions: Floats) -> Verdict:
        """Return the numbers of steps that break a constraint, as violations."""
        del state
        passed = with_actions(rollouts.quantities, actions)
        batch, horizon = rollouts.rewards.shape
        kept = self._keeps(
            np.zeros(batch * horizon, np.int64), passed.reshape(-1, *passed.shape[2:])
        ).reshape(batch, horizon)
        kept |= ~rollouts.going  # after an end nothing is broken
        return Verdict((~kept).sum(axis=1).astype(np.float64), np.zeros(batch))

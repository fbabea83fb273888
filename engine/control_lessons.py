"""What a trajectory planner taught: the newest plans, and what their states were worth.

A lesson is a plan: its states, actions and rewards. Values are computed from it whenever they are
learned, with the newest value of its end: the plan's rewards are exact, since the model is. `N`
lessons, `H` steps of a plan, `T` of them that are learned, `F` numbers of an observation, `D` parts
of an action.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.search.trajectory.planner import Trajectory, Value

Reals = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

_NAMES = ("observations", "ends", "actions", "rewards", "alive")


class Examples(NamedTuple):
    """States to learn from.

    Attributes:
        observations: `[M, F]`.
        actions: that the plans take there `[M, D]`, scaled to [-1, 1].
        values: discounted returns of the plans from there `[M]`.
    """

    observations: Reals
    actions: Reals
    values: Floats


class Lessons:
    """The newest plans.

    Args:
        window: plans that are kept.
        horizon: steps of each that are kept, `H`.
        taken: first steps of each whose states are learned from, `T`.
        discount: of the next reward.
    """

    def __init__(self, window: int, horizon: int, taken: int, discount: float) -> None:
        self._window, self._horizon = window, horizon
        self._taken, self._discount = taken, discount
        self._arrays: dict[str, npt.NDArray[Any]] = {}
        self._fresh: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in _NAMES}

    def add(self, observation: Reals, plan: Trajectory, actions: Floats) -> None:
        """Keep a plan.

        Args:
            observation: where it begins `[F]`.
            plan: what was found.
            actions: of it, scaled to [-1, 1] `[H, D]`.
        """
        rollouts, horizon, taken = plan.rollouts, self._horizon, self._taken
        seen = rollouts.observations[0]
        lesson = (
            np.concatenate([observation[None], seen[: taken - 1]]), seen[horizon - 1],
            actions[:taken].astype(np.float32), rollouts.rewards[0, :horizon].astype(np.float32),
            rollouts.alive[0, :horizon],
        )  # fmt: skip
        for name, array in zip(_NAMES, lesson, strict=True):
            self._fresh[name].append(array)

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return all that is kept, by name."""
        for name, fresh in self._fresh.items():
            if fresh:
                old = [self._arrays[name]] if name in self._arrays else []
                self._arrays[name] = np.concatenate([*old, np.stack(fresh)])[-self._window :]
                fresh.clear()
        return dict(self._arrays)

    def restore(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        """Keep what `tensors` returned."""
        self._arrays = {name: tensors[name] for name in _NAMES}

    def best_return(self, most_steps: int) -> float:
        """Return what no return exceeds: always the highest reward, and at least nothing."""
        highest = max(float(self.tensors()["rewards"].max()), 0.0)
        steps = most_steps if self._discount == 1.0 else 1.0 / (1.0 - self._discount)
        return highest * min(steps, most_steps)

    def examples(self, value: Value | None) -> Examples:
        """Return the states to learn from.

        Args:
            value: of where plans end; nothing where None.
        """
        kept = self.tensors()
        rewards, alive = kept["rewards"].astype(np.float64), kept["alive"]
        rest = np.zeros(len(rewards)) if value is None else value(kept["ends"]) * alive[:, -1]
        # After an end rewards are 0 and nothing is left, so that `rest` is 0 before it.
        returns = discounted_returns(rewards, rest, self._discount)
        before = np.ones((len(alive), self._taken), np.bool_)
        before[:, 1:] = alive[:, : self._taken - 1]
        return Examples(
            kept["observations"][before], kept["actions"][before],
            returns[:, : self._taken][before],
        )  # fmt: skip


def discounted_returns(rewards: Floats, rest: Floats, discount: float) -> Floats:
    """Return discounted sums of rewards from each step on.

    Args:
        rewards: of each step `[N, H]`.
        rest: what comes after the last `[N]`.
        discount: of the next reward.
    """
    returns = np.empty(rewards.shape)
    for h in range(rewards.shape[1] - 1, -1, -1):
        rest = rewards[:, h] + discount * rest
        returns[:, h] = rest
    return returns

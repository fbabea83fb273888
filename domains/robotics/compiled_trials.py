"""Steps of classic control with discrete actions, taken by kernels, for many states at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import Reached, Rollouts
from tesuji.domains.robotics.classic_rules import ClassicRules, Floats, advance, play
from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.imagination import Imagination
from tesuji.domains.robotics.sampling import mixed
from tesuji.domains.robotics.trials import Trials


class CompiledTrials:
    """Takes steps of one environment without it.

    A state keeps the best rollout that was found from it. The first rollout from where a step along
    it leads is the rest of it, so that the tree does not lose what was found once.

    Attributes:
        quantities: names of what there is after a step.
        name: of what takes the steps.
    """

    name = "compiled rules"

    def __init__(self, domain: EnvironmentDomain, rules: ClassicRules) -> None:
        self._domain, self._rules = domain, rules
        self.quantities = rules.names

    def step_batch(
        self, states: Sequence[Moment], chosen: Sequence[int], rollouts: Rollouts, discount: float
    ) -> Reached:
        """Return where actions lead, and the best of random rollouts from there."""
        rules, actions, each = self._rules, np.array(chosen, np.int64), np.arange(len(states))
        after = np.stack([np.asarray(state.row) for state in states])
        rewards, ended = np.empty(len(states)), np.empty(len(states), np.bool_)
        advance(rules.kind, rules.constants, after, actions, rewards, ended)
        left = self._domain.spec.max_steps - 1 - np.array([state.steps for state in states])
        left[ended] = 0
        depths = np.minimum(left, rollouts.max_steps)
        seeds = mixed([state.seed for state in states], actions + 1)
        ways = np.full((max(rollouts.num_rollouts, 1), len(states), max(depths)), -1, np.int8)
        for i, (state, action) in enumerate(zip(states, chosen, strict=True)):
            if state.way is not None and state.way.size and state.way[0] == action:
                rest = state.way[1 : 1 + depths[i]]
                ways[0, i, : len(rest)] = rest
        returns = self._play(after, seeds, depths, rollouts, discount, ways)
        best = returns.argmax(axis=0)
        values, kept, seen = returns[best, each], ways[best, each], rules.observe(after)
        reached = [
            Moment(None, seen[i], state.steps + 1, int(seeds[i]), after[i], kept[i])
            for i, state in enumerate(states)
        ]
        values[np.isneginf(values)] = np.nan
        return Reached(
            reached, rewards, np.where(left > 0, discount, 0.0), values, after[:, None],
            len(states) + int((ways >= 0).sum()),
        )  # fmt: skip

    def _play(
        self,
        starts: Floats,
        seeds: npt.NDArray[np.uint64],
        depths: npt.NDArray[np.int64],
        rollouts: Rollouts,
        discount: float,
        ways: npt.NDArray[np.int8],
    ) -> Floats:
        """Return what rollouts bring `[tries, B]`, and fill in their actions `[tries, B, H]`."""
        rules, returns = self._rules, np.zeros(ways.shape[:2])
        room = (0, 0, 0) if rollouts.keeps is None else ways.shape
        passed = np.empty((*room, starts.shape[1]))
        play(
            rules.kind, rules.constants, self._domain.spec.num_actions, starts, seeds, depths,
            discount, ways, returns, passed,
        )  # fmt: skip
        walked = ways >= 0
        if rollouts.keeps is not None and walked.any():
            broken = np.zeros(ways.shape, np.bool_)
            rows = passed[walked][:, None]
            broken[walked] = ~rollouts.keeps(ways[walked].astype(np.int64), rows)
            returns[broken.any(axis=2)] = -np.inf
        return returns


Steps = CompiledTrials | Imagination | Trials


def make_steps(domain: EnvironmentDomain, rules: ClassicRules | None) -> Steps:
    """Return what takes the steps of a search: kernels, a model, or the environment."""
    if rules is not None:
        return CompiledTrials(domain, rules)
    return Imagination(domain) if domain.sampled else Trials(domain)

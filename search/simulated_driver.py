"""The driver for domains that simulate many steps at once: leaves of all trees in one call."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import Rollouts, SimulatedDomain
from tesuji.search.base import Evaluator, State
from tesuji.search.config import PUCT
from tesuji.search.driver import RolloutEvaluator
from tesuji.search.gathering import gather, receive
from tesuji.search.leaves import INLINE_NONE, settle
from tesuji.search.object_driver import ObjectDriver
from tesuji.search.parameters import Parameters
from tesuji.search.tree import NO_PARENT, ROOT, add_edges, add_node


def settings_for(domain: SimulatedDomain) -> PUCT:
    """Return settings that suit a simulated domain: nodes widen where actions are samples."""
    widening = 1.0 if domain.sampled else 0.0
    return PUCT(prove=False, lookahead=0, leaves=8, widening=widening)


class SimulatedDriver(ObjectDriver):
    """Trees of a simulator's states. Nothing is proven, since actions may be samples.

    A leaf's value is a rollout's, simulated with the step into it, or the evaluator's.
    """

    domain: SimulatedDomain

    def __init__(
        self,
        domain: SimulatedDomain,
        evaluator: Evaluator | RolloutEvaluator,
        parameters: Parameters,
        cache_entries: int,
    ) -> None:
        parameters.prove = parameters.lookahead = 0
        super().__init__(domain, evaluator, parameters, cache_entries)
        self._rollouts_from = Rollouts(self.rollouts, self.rollout_steps)
        self._everything = np.ones(domain.spec.num_actions, np.bool_)

    def step(self) -> bool:
        """Grow every tree by one batch."""
        began = time.perf_counter()
        tree, parameters = self.tree, self.parameters
        found = np.zeros((parameters.leaves, 3), np.int64)
        empty = tree.trees["num_nodes"] == 0
        trees: list[int] = []
        leaves: list[npt.NDArray[np.int64]] = []
        for t in range(len(tree.trees)):
            if empty[t]:
                self._plant(t)
            count = gather(tree, t, self.workspace.work, parameters, found)
            trees += [t] * count
            leaves.append(found[:count].copy())
        if trees:
            self._reach(trees, np.concatenate(leaves))
        self.pace(time.perf_counter() - began)
        return bool((tree.trees["simulations"] < tree.trees["target"]).any())

    def _plant(self, t: int) -> None:
        tree, state = self.tree, self._states[t][ROOT]
        add_node(tree, t, NO_PARENT, NO_PARENT, self.parameters.leaves)
        add_edges(tree, t, ROOT, self._masks[t], self.parameters)
        worth = self._worth(state, int(self._masks[t].argmax()))
        settle(tree, t, ROOT, worth, 0.0, self.parameters)

    def _worth(self, state: State, action: int) -> float:
        if not self.rollout_steps:
            return float(self._judge([state])[0])
        first = self.domain.step_batch([state], [action], self._rollouts_from)
        return float(first.rewards[0] + first.discounts[0] * first.values[0])

    def _judge(self, states: Sequence[State]) -> npt.NDArray[Any]:
        """Return the evaluator's values `[B]`; 0 where rollouts or nothing judges."""
        if self.inline != INLINE_NONE:
            return np.zeros(len(states), np.float32)
        seen = np.stack([self.domain.observe(state).ravel() for state in states])
        return self.evaluate(seen.astype(np.float32, copy=False)).value

    def _reach(self, trees: list[int], leaves: npt.NDArray[np.int64]) -> None:
        _, above, actions = leaves.T.tolist()
        parents = [self._states[t][node] for t, node in zip(trees, above, strict=True)]
        reached = self.domain.step_batch(parents, actions, self._rollouts_from)
        allowed = self.domain.may_enter(parents, actions, reached)
        values = reached.values if self.rollout_steps else self._judge(reached.states)
        places = np.column_stack([np.array(trees, np.int64), leaves[:, 0]])
        for t, node, state in zip(trees, leaves[:, 0].tolist(), reached.states, strict=True):
            self._states[t][node] = state
        receive(
            self.tree, places, allowed, reached.rewards, reached.discounts,
            np.asarray(values, np.float64), self._everything, self.parameters,
        )  # fmt: skip

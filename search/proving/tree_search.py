"""Connection tableaux by the shared tree search, guided by a policy and by chances (rlCoP).

The policy gives the priors of the steps; a state is worth `2 p - 1`, where `p` is the product of
the chances that its open goals close (Kaliszyk et al. 2018). The search grows a tree of so many
simulations, takes the step that it likes best, and goes on from there; where that leads nowhere it
begins anew, with twice as many. A simulation makes one step: an inference. A playout that closes
the tableau is a proof and ends it.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.proving.connection import ConnectionDomain, TableauState
from tesuji.domains.proving.goals import FEATURES, GOALS, NO_ROW, ROWS, SIZES, STEPS
from tesuji.domains.proving.tableau import make_tableau, used_copies
from tesuji.domains.proving.unification import kernel
from tesuji.search.base import Budget, Evaluation, Evaluator, FloatArray, SearchResult
from tesuji.search.config import PUCT
from tesuji.search.proving.policy import Chances, Policy, log_chance, read_features
from tesuji.search.proving.rising import Refutation
from tesuji.search.search import Search

SETTINGS = PUCT(lookahead=0, cache_entries=0, fpu="parent", c_init=1.0)


@kernel
def _judge(policy, chances, seen, hidden, logits):  # type: ignore[no-untyped-def]
    # Write the logits of the steps; return the chance that all goals close.
    if seen[ROWS] == NO_ROW:
        return 0.5
    units, at, total, described = len(policy.bias), FEATURES, 0.0, 0
    for goal in range(ROWS - SIZES):
        end = at + int(seen[SIZES + goal])
        if end == at:
            break
        feature, at = seen[at:end], end
        described += 1
        if len(chances.bias):
            total += log_chance(chances, feature, hidden)
        if goal == 0:
            read_features(policy, feature, hidden)
            for step in range(int(seen[STEPS])):
                row = policy.action[int(seen[ROWS + step])]
                logit = np.float32(0.0)
                for place in range(len(row)):
                    logit += hidden[units + place] * row[place]
                logits[step] = logit
        if not len(chances.bias):
            return 0.5
    # Goals that are only counted are taken to be like those that are read.
    return np.exp(total * seen[GOALS] / described)


class GoalEvaluator:
    """Networks as the evaluator of `ConnectionDomain(..., goals=True)`.

    Args:
        policy: for its problem.
        chances: that goals close; None where nothing is known of them.
    """

    def __init__(self, policy: Policy, chances: Chances | None = None) -> None:
        nothing = np.zeros(0, np.float32)
        if chances is None:
            chances = Chances(np.zeros((0, 0), np.float32), nothing, nothing, nothing)
        self._policy, self._chances = policy, chances
        units = max(len(policy.bias) + len(policy.shift), len(chances.bias))
        self._hidden = np.zeros(units, np.float32)

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Judge `observations` `[B, GOALS_SIZE]`."""
        size = len(observations)
        logits = np.zeros((size, FEATURES - ROWS), np.float32)
        chance = [
            _judge(self._policy, self._chances, seen, self._hidden, logits[row])
            for row, seen in enumerate(observations)
        ]
        value = 2.0 * np.array(chance, np.float32) - 1.0
        return Evaluation(logits, value, np.zeros(size, np.float32))


class TreeSearch:
    """A tree search for a closed tableau; it may be asked to go on.

    Args:
        domain: the problem.
        evaluator: of its states.
        simulations: before a step is taken.
        settings: of the search.

    Attributes:
        tableau: closed, where a proof was found.
        inferences: that were made.
    """

    def __init__(
        self, domain: ConnectionDomain, evaluator: Evaluator, simulations: int = 2000,
        settings: PUCT = SETTINGS,
    ) -> None:  # fmt: skip
        self._domain, self._search = domain, Search(domain, evaluator, settings)
        self._root: TableauState = domain.reset()
        self._simulations, self._done = simulations, 0  # of the step
        self.tableau = make_tableau(0, 0, 0)
        self.inferences = 0
        self._refutation: Refutation | None = None

    @property
    def limit(self) -> int:
        """Return how many steps were taken."""
        return len(self._root.actions)

    def run(self, inferences: int) -> Refutation | None:
        """Return the result, or None where so many inferences in all have not brought one."""
        while self._refutation is None and self.inferences < inferences:
            left = min(self._simulations - self._done, inferences - self.inferences)
            [found] = self._search.run([self._root], Budget(simulations=left), reuse=True)
            self.inferences += found.num_simulations
            self._done += found.num_simulations
            if found.status.proven:
                self._settle(found)
            elif self._done >= self._simulations:
                self._root, _, _ = self._domain.step(self._root, found.action)
                self._done = 0
        return self._refutation

    def _settle(self, found: SearchResult) -> None:
        state, reward = self._root, found.value
        for action in found.principal_variation:
            state, reward, _ = self._domain.step(state, action)
        if found.value == reward == 1.0:
            assert state.tableau is not None
            self.tableau = state.tableau
            copies = used_copies(self._domain.named.matrix, state.tableau, state.start)
            self._refutation = Refutation(copies, False, self.inferences, self.limit)
        elif self._root.actions:
            self._root, self._done = self._domain.reset(), 0
            self._simulations *= 2
        else:  # all was tried, but for what was too large
            self._refutation = Refutation(None, False, self.inferences, self.limit)

"""Proofs at leaves: true ones, that the tree carries to its root."""

from __future__ import annotations

import numpy as np
import pytest

from tesuji.domains.registry import make
from tesuji.search.base import Budget, Evaluation
from tesuji.search.config import PUCT
from tesuji.search.proof import ProofConfig, ProofSearch
from tesuji.search.search import Search


class Even:
    """An evaluator that knows nothing and is asked leaf by leaf."""

    def __init__(self, num_actions):
        self.num_actions = num_actions

    def evaluate(self, observations):
        """Return even logits and values for the batch."""
        nothing = np.zeros(len(observations), np.float32)
        logits = np.zeros((len(observations), self.num_actions), np.float32)
        return Evaluation(logits, nothing, nothing)


def late_states(domain, number, low, high):
    rng, states = np.random.default_rng(0), []
    while len(states) < number:
        state, discount = domain.reset(), 1.0
        for _ in range(int(rng.integers(low, high + 1))):
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            state, _, discount = domain.step(state, action)
            if discount == 0.0:
                break
        if discount != 0.0:
            states.append(state)
    return states


@pytest.mark.parametrize(("name", "low", "high"), [("hex_4x4", 4, 9), ("othello_4x4", 2, 6)])
def test_more_roots_are_proven_and_none_falsely(name, low, high):
    domain = make(name)
    states = late_states(domain, 60, low, high)
    exact = ProofSearch(domain, ProofConfig(memory_mb=4))
    proven = []
    for moves in (0, 9):
        search = Search(
            domain,
            Even(domain.spec.num_actions),
            PUCT(lookahead=1, proof_moves=moves, proof_nodes=200),
        )
        results = search.run(states, Budget(simulations=8))
        proven.append(sum(result.status.proven for result in results))
        for state, result in zip(states, results, strict=True):
            if result.status.proven:
                found = exact.run(state)
                assert found.lower == found.upper == result.value
    assert proven[1] > proven[0]


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="proof_nodes at least 1, got 3 and 0"):
        PUCT(proof_moves=3, proof_nodes=0)

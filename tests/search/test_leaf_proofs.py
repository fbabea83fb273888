"""Proofs at leaves: true ones, that the tree carries to its root, whatever else is searched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tesuji.domains.playout import random_states
from tesuji.domains.registry import make
from tesuji.search.base import Budget, Evaluation
from tesuji.search.config import PUCT
from tesuji.search.proof import ProofConfig, ProofSearch
from tesuji.search.search import Search

SETTINGS = PUCT(lookahead=1, proof_moves=9, proof_nodes=200)
GAMES = [("hex_4x4", 4, 9), ("othello_4x4", 2, 6)]


class Even:
    """An evaluator that knows nothing and is asked leaf by leaf."""

    def __init__(self, num_actions):
        self.num_actions = num_actions

    def evaluate(self, observations):
        """Return even logits and values for the batch."""
        nothing = np.zeros(len(observations), np.float32)
        logits = np.zeros((len(observations), self.num_actions), np.float32)
        return Evaluation(logits, nothing, nothing)


def open_search(domain, settings=SETTINGS):
    return Search(domain, Even(domain.spec.num_actions), settings)


@pytest.mark.parametrize(("name", "low", "high"), GAMES)
def test_more_roots_are_proven_and_none_falsely(name, low, high):
    domain = make(name)
    states = random_states(domain, 60, low, high)
    exact = ProofSearch(domain, ProofConfig(memory_mb=4))
    proven = []
    for moves in (0, 9):
        search = open_search(domain, replace(SETTINGS, proof_moves=moves))
        results = search.run(states, Budget(simulations=8))
        proven.append(sum(result.status.proven for result in results))
        for state, result in zip(states, results, strict=True):
            if result.status.proven:
                found = exact.run(state)
                assert found.lower == found.upper == result.value
    assert proven[1] > proven[0]


@pytest.mark.parametrize(("name", "low", "high"), GAMES)
def test_a_proven_root_plays_a_move_that_keeps_its_value(name, low, high):
    domain = make(name)
    states = random_states(domain, 60, low, high)
    exact = ProofSearch(domain, ProofConfig(memory_mb=4))
    for state, result in zip(
        states, open_search(domain).run(states, Budget(simulations=8)), strict=True
    ):
        if result.status.proven:
            following, reward, discount = domain.step(state, result.action)
            rest = discount * exact.run(following).lower if discount else 0.0
            assert reward + rest == result.value


@pytest.mark.parametrize(("name", "low", "high"), GAMES)
def test_what_is_found_does_not_depend_on_the_batch(name, low, high):
    domain = make(name)
    states = random_states(domain, 20, low, high)
    together = open_search(domain).run(states, Budget(simulations=24))
    for state, result in zip(states, together, strict=True):
        [alone] = open_search(domain).run([state], Budget(simulations=24))
        np.testing.assert_array_equal(alone.visits, result.visits)
        assert (alone.status, alone.value) == (result.status, result.value)


def test_a_domain_says_where_proofs_pay():
    assert open_search(make("othello_6x6"), PUCT()).parameters.proof_moves == 12
    assert open_search(make("othello_6x6"), PUCT(proof_moves=0)).parameters.proof_moves == 0
    assert open_search(make("hex_5x5"), PUCT()).parameters.proof_moves == 0


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="proof_nodes must be at least 1, got 0"):
        PUCT(proof_moves=3, proof_nodes=0)
    with pytest.raises(ValueError, match="proof_moves must be at least 0, got -1"):
        PUCT(proof_moves=-1)

"""Forced playouts and policy-target pruning, beside the paper's words in plain Python."""

import numpy as np
import pytest

from tesuji.domains.registry import make
from tesuji.search.base import Budget, Evaluation
from tesuji.search.config import PUCT, Gumbel
from tesuji.search.search import Search

NOISY = {"prove": False, "policy_temperature": 1.0, "dirichlet_fraction": 0.25}


class Judge:
    """Judges a position by a hash of what it shows: sharp priors, arbitrary values."""

    def evaluate(self, observations):
        rows = np.random.default_rng(3).normal(size=(observations[0].size, 66))
        seen = observations.reshape(len(observations), -1) @ rows
        logits = np.sin(7.0 * seen[:, :65]) * 2.0
        value = np.sin(5.0 * seen[:, 65])
        return Evaluation(*(x.astype(np.float32) for x in (logits, value, 0.0 * value)))


def search(settings, seed=1, simulations=200):
    domain = make("othello")
    state = domain.reset()
    for action in (19, 18, 17):
        state, *_ = domain.step(state, action)
    [result] = Search(domain, Judge(), settings).run(
        [state], Budget(simulations=simulations), seed=seed
    )
    return result


def forced(result, k):
    """Return `n_forced(c) = sqrt(k P(c) sum of N)` of each action."""
    return np.sqrt(k * result.priors.astype(np.float64) * result.visits.sum())


def pruned(result, k, settings):
    """Return the policy of the paper's section 3.2 from visits, priors and values."""
    visits, priors = result.visits.astype(np.float64), result.priors.astype(np.float64)
    total = visits.sum() + 1
    rate = (settings.c_init + np.log((total + settings.c_base + 1) / settings.c_base)) * total**0.5
    best = int(np.argmax(visits))

    def puct(action, count):
        return result.q[action] + rate * priors[action] / (1 + count)

    kept = visits.copy()
    for action in np.flatnonzero(visits):
        if action == best:
            continue
        for fewer in range(1, int(forced(result, k)[action]) + 1):
            if puct(action, visits[action] - fewer) >= puct(best, visits[best]):
                break
            kept[action] = max(visits[action] - fewer, 0)
        kept[action] = 0 if kept[action] <= 1 else kept[action]
    kept += 1e-3 * priors  # as in every PUCT policy here
    return kept / kept.sum()


@pytest.mark.parametrize("seed", range(4))
def test_every_tried_root_action_gets_its_forced_playouts(seed):
    plain = search(PUCT(**NOISY), seed)
    result = search(PUCT(**NOISY, forced_playouts=2.0), seed)
    tried = result.visits > 0
    # One more is due to a move whose need grew with the very last simulation.
    assert (result.visits[tried] + 1 >= np.floor(forced(result, 2.0)[tried])).all()
    tried = plain.visits > 0
    assert (plain.visits[tried] + 1 < np.floor(forced(plain, 2.0)[tried])).any()


@pytest.mark.parametrize("k", [0.5, 2.0, 8.0])
def test_the_policy_is_pruned_as_the_paper_says(k):
    settings, taken = PUCT(**NOISY, forced_playouts=k), []
    for seed in range(8):
        result = search(settings, seed)
        np.testing.assert_allclose(result.policy, pruned(result, k, settings), atol=2e-6)
        taken.append(np.abs(result.policy - result.visits / result.visits.sum()).max())
    assert max(taken) > 0.01  # something was pruned


def test_without_forced_playouts_the_policy_is_the_visits():
    result = search(PUCT(**NOISY))
    np.testing.assert_allclose(result.policy, result.visits / result.visits.sum(), atol=2e-5)


@pytest.mark.parametrize(
    ("noisy", "bare"),
    [
        (PUCT(**NOISY, forced_playouts=2.0), PUCT(prove=False, policy_temperature=1.0)),
        (Gumbel(gumbel_scale=1.0), Gumbel()),
    ],
    ids=["puct", "gumbel"],
)
def test_a_quiet_root_is_searched_as_if_nothing_explored(noisy, bare):
    domain = make("othello")
    rows = np.stack([domain.row(domain.reset())] * 2)
    simulations, seeds = np.full(2, 60), np.array([5, 5], np.uint64)
    quiet = np.array([True, False])
    mixed = Search(domain, Judge(), noisy).run_rows(rows, simulations, seeds, quiet)
    plain = Search(domain, Judge(), bare).run_rows(rows, simulations, seeds)
    np.testing.assert_array_equal(mixed.visits[0], plain.visits[0])
    np.testing.assert_array_equal(mixed.policy[0], plain.policy[0])
    assert (mixed.policy[1] != plain.policy[1]).any()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"forced_playouts": -1.0}, "forced_playouts must be at least 0, got -1.0"),
        ({"forced_playouts": 2.0, "fpu": "minmax"}, "not defined for fpu=minmax"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        PUCT(**values)

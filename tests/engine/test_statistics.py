"""Elo, SPRT and intervals against published figures, other formulas and simulation."""

import math

import numpy as np
import pytest

from tesuji.engine.statistics import (
    SPRT,
    Decision,
    clopper_pearson,
    elo_estimate,
    elo_to_score,
    score_to_elo,
    wilson,
)


# Finished tests of Stockfish's fishtest (tests.stockfishchess.org) and fastchess's own checks:
# counts, bounds, model and the log-likelihood ratio shown there.
@pytest.mark.parametrize(
    ("counts", "elo0", "elo1", "model", "published"),
    [
        ([900, 30596, 67292, 30899, 809], 0, 2, "normalized", -2.96),
        ([19, 4020, 10316, 4215, 24], -1.75, 0.25, "normalized", 2.94),
        ([105, 19880, 51075, 20005, 108], 0.5, 2.5, "normalized", -2.94),
        ([2, 40, 72, 14, 0], 0, 2, "normalized", -0.36),
        ([223, 9863, 21279, 10037, 246], 0.5, 2.5, "logistic", -3.07),
        ([871, 26175, 55983, 26678, 821], 0, 2, "logistic", -4.98),
        ([36027, 68692, 36433], 0, 2, "normalized", 0.92),
        ([10650, 20431, 10871], -1.75, 0.25, "normalized", 2.30),
        ([21184, 40708, 21404], 0.5, 2.5, "logistic", -1.57),
    ],
)
def test_llr_is_that_of_published_tests(counts, elo0, elo1, model, published):
    assert SPRT(elo0, elo1, model=model).llr(counts) == pytest.approx(published, abs=0.006)


def test_bounds_are_walds():
    test = SPRT(0, 5)
    assert (test.lower, test.upper) == pytest.approx((-2.944, 2.944), abs=1e-3)


def test_a_test_without_games_continues():
    state = SPRT().state([0, 0, 0, 0, 0])
    assert (state.llr, state.decision) == (0.0, Decision.CONTINUE)


def test_clear_results_decide():
    assert SPRT(-20, 0).state([0, 50, 100, 60, 300]).decision is Decision.H1
    assert SPRT(-20, 0).state([300, 60, 100, 50, 0]).decision is Decision.H0


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"elo0": 5, "elo1": 5}, "elo0 must be below elo1"),
        ({"alpha": 0}, "alpha must be between 0 and 0.5"),
        ({"beta": 0.7}, "beta must be between"),
        ({"model": "bayes"}, "logistic or normalized"),
    ],
)
def test_a_bad_test_is_refused(settings, fault):
    with pytest.raises(ValueError, match=fault):
        SPRT(**settings)


def normal_interval(counts):
    """Return `(elo, error, los)` by fishtest's normal approximation."""
    counts = np.asarray(counts, float)
    values = np.linspace(0, 1, len(counts))
    mean = counts @ values / counts.sum()
    deviation = math.sqrt(counts @ (values - mean) ** 2 / counts.sum() / counts.sum())
    low, high = (score_to_elo(mean + z * deviation) for z in (-1.959964, 1.959964))
    los = 0.5 * (1 + math.erf((mean - 0.5) / deviation / math.sqrt(2)))
    return score_to_elo(mean), (high - low) / 2, los


@pytest.mark.parametrize(
    "counts", [[1187, 7410, 13475, 7378, 1164], [10, 100, 300, 150, 20], [1450, 4000, 1500]]
)
def test_the_interval_of_many_games_is_the_normal_one(counts):
    elo, error, los = normal_interval(counts)
    estimate = elo_estimate(counts)
    assert estimate.elo == pytest.approx(elo, abs=1e-9)
    assert estimate.error == pytest.approx(error, rel=0.01)
    assert estimate.los == pytest.approx(los, abs=0.002)


def test_pairs_that_cancel_out_narrow_the_interval():
    # 200 games, 100 won and 100 lost: each pair split, or as it comes.
    split, mixed = elo_estimate([0, 0, 100, 0, 0]), elo_estimate([100, 0, 100])
    assert split.error < mixed.error / 3


def test_a_clean_sweep_has_a_lower_bound_only():
    estimate = elo_estimate([0, 0, 0, 0, 5])
    # Likelihood ratio: 5 ln(1/s) = 1.92 at s = 0.681.
    assert estimate.elo == estimate.high == math.inf
    assert estimate.low == pytest.approx(score_to_elo(math.exp(-1.9207 / 5)), abs=1.5)
    assert 0.97 < estimate.los < 1
    assert str(estimate) == "above +130.7"
    assert str(elo_estimate([5, 0, 0, 0, 0])) == "below -130.7"


def test_swapping_sides_negates():
    counts = [3, 14, 30, 25, 9]
    there, back = elo_estimate(counts), elo_estimate(counts[::-1])
    assert (there.elo, there.low) == pytest.approx((-back.elo, -back.high))
    assert there.los == pytest.approx(1 - back.los)
    assert SPRT(-5, 5).llr(counts) == pytest.approx(-SPRT(-5, 5).llr(counts[::-1]))


def test_no_games_say_nothing():
    assert elo_estimate([0, 0, 0]) == (0.0, -math.inf, math.inf, 0.5)
    assert str(elo_estimate([0, 0, 0])) == "unknown"


@pytest.mark.parametrize("counts", [[1, 2], [1, -1, 3], [0, 1, 2, 3]])
def test_bad_counts_are_refused(counts):
    with pytest.raises(ValueError, match="counts must be 3"):
        elo_estimate(counts)


def test_elo_and_score_are_inverse():
    assert elo_to_score(0) == 0.5
    assert elo_to_score(400) == pytest.approx(10 / 11)
    assert [score_to_elo(elo_to_score(elo)) for elo in (-300, 7)] == pytest.approx([-300, 7])
    assert (score_to_elo(0), score_to_elo(1)) == (-math.inf, math.inf)


# Newcombe 1998 (Statistics in Medicine 17:857), table I, methods 3 and 5.
@pytest.mark.parametrize(
    ("successes", "trials", "score", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_intervals_are_the_published_ones(successes, trials, score, exact):
    assert wilson(successes, trials) == pytest.approx(score, abs=5e-5)
    assert clopper_pearson(successes, trials) == pytest.approx(exact, abs=5e-5)


def test_intervals_at_the_ends():
    assert wilson(0, 0) == clopper_pearson(0, 0) == (0.0, 1.0)
    assert wilson(7, 7).high == clopper_pearson(7, 7).high == 1.0
    with pytest.raises(ValueError, match="between 0 and 3 trials, got 4"):
        wilson(4, 3)


def test_the_exact_interval_covers_as_it_says():
    shares = np.linspace(0.01, 0.99, 25)
    intervals = np.array([clopper_pearson(k, 30) for k in range(31)])
    for share in shares:
        chance = np.array(
            [math.comb(30, k) * share**k * (1 - share) ** (30 - k) for k in range(31)]
        )
        covered = (intervals[:, 0] <= share) & (share <= intervals[:, 1])
        assert chance[covered].sum() >= 0.95


def simulate(test, elo, rng, draw_share=0.3, max_pairs=3000):
    """Play pairs between agents `elo` apart until `test` decides."""
    win = elo_to_score(elo) - draw_share / 2
    single = np.array([1 - win - draw_share, draw_share, win])
    counts = np.zeros(5, int)
    for _ in range(max_pairs // 20):
        counts += rng.multinomial(20, np.convolve(single, single))
        decision = test.state(counts.tolist()).decision
        if decision is not Decision.CONTINUE:
            return decision, counts
    return Decision.CONTINUE, counts


def test_error_rates_hold_in_simulation():
    test, rng = SPRT(-20, 20, alpha=0.1, beta=0.1), np.random.default_rng(0)
    under_h0 = [simulate(test, -20, rng)[0] for _ in range(150)]
    under_h1 = [simulate(test, 20, rng)[0] for _ in range(150)]
    # 10 % wrong at most; 17 % is three standard errors above.
    assert under_h0.count(Decision.H1) <= 25
    assert under_h1.count(Decision.H0) <= 25
    assert under_h0.count(Decision.H0) + under_h1.count(Decision.H1) >= 250


def test_the_elo_interval_covers_as_it_says():
    rng, covered = np.random.default_rng(1), 0
    single = np.array([0.3, 0.25, 0.45])
    truth = score_to_elo(0.575)
    for _ in range(200):
        estimate = elo_estimate(rng.multinomial(60, np.convolve(single, single)).tolist())
        covered += estimate.low <= truth <= estimate.high
    assert 180 <= covered <= 200

"""What a match or a test set proves: Elo with error bars, SPRT, intervals of a share.

Results of games are counts by points, from the first agent's side: trinomial `[L, D, W]` of games,
or pentanomial of game pairs, `[LL, LD, LW or DD, DW, WW]`. The two games of a pair start from one
opening with colours swapped, so they are not independent; the pair is (Van den Bergh, "A practical
introduction to the GSPRT", https://www.cantate.be/Fishtest/GSPRT_approximation.pdf).

Everything rests on one thing, the most likely distribution over the outcomes that has a given
mean (or t-value): Elo's interval is where its likelihood ratio stays under the quantile of
chi-squared, the SPRT compares two such means.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_NORMAL = NormalDist()
_PRIOR = 1e-3  # count given to outcomes never seen, so that likelihoods stay finite
_NELO_PER_T = 800 / math.log(10)  # normalised Elo of a t-value of 1 a game


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class Elo(NamedTuple):
    """An Elo difference with its confidence interval; infinite where every game was won."""

    elo: float
    low: float
    high: float
    los: float  # likelihood of superiority: that the first agent is the stronger

    @property
    def error(self) -> float:
        """Return half the width of the interval, the ± of reports."""
        return (self.high - self.low) / 2

    def __str__(self) -> str:
        """Return `+12.3 ± 4.5`, or the bound that is known."""
        if math.isfinite(self.error):
            return f"{self.elo:+.1f} ± {self.error:.1f}"
        if math.isfinite(self.low):
            return f"above {self.low:+.1f}"
        return f"below {self.high:+.1f}" if math.isfinite(self.high) else "unknown"


def elo_to_score(elo: float) -> float:
    """Return the expected score of one who is `elo` stronger (logistic)."""
    return 1 / (1 + 10 ** (-elo / 400))


def score_to_elo(score: float) -> float:
    """Return the Elo difference at which `score` is expected."""
    if score <= 0:
        return -math.inf
    if score >= 1:
        return math.inf
    return 400 * math.log10(score / (1 - score))


def elo_estimate(counts: Sequence[int], confidence: float = 0.95) -> Elo:
    """Return the Elo difference that trinomial or pentanomial `counts` show.

    The interval is that of the likelihood ratio, which for many games is the usual normal one
    and, unlike it, stays honest where all results are alike.
    """
    if not sum(_checked(counts)):
        return Elo(0.0, -math.inf, math.inf, 0.5)
    total, values, shares = _distribution(counts)
    mean = _mean(values, np.asarray(counts) / sum(counts))

    def signed_root(score: float) -> float:
        ratio = -float(shares @ np.log(_tilt(values - score, shares) / shares))
        return math.copysign(math.sqrt(2 * total * max(ratio, 0.0)), mean - score)

    z = _NORMAL.inv_cdf((1 + confidence) / 2)
    low = 0.0 if mean <= 0 else _bisect(lambda s: signed_root(s) - z, 1e-9, mean, 1e-9)
    high = 1.0 if mean >= 1 else _bisect(lambda s: signed_root(s) + z, mean, 1 - 1e-9, 1e-9)
    los = _NORMAL.cdf(signed_root(0.5))
    return Elo(score_to_elo(mean), score_to_elo(low), score_to_elo(high), los)


class Decision(Enum):
    """What a sequential test has decided."""

    CONTINUE = "continue"
    H0 = "H0 accepted"
    H1 = "H1 accepted"


class SPRTState(NamedTuple):
    """Where a sequential test stands."""

    llr: float
    lower: float
    upper: float
    decision: Decision


@dataclass(frozen=True)
class SPRT:
    """Generalised sequential probability ratio test of H0 `elo0` against H1 `elo1`, as fishtest.

    Attributes:
        elo0: Elo difference under H0.
        elo1: Elo difference under H1.
        alpha: chance to accept H1 where H0 holds.
        beta: chance to accept H0 where H1 holds.
        model: `logistic` Elo, or `normalized` (Van den Bergh 2020), which measures the effort to
            tell two agents apart and does not shrink where most games are drawn.
    """

    elo0: float = -20.0
    elo1: float = 0.0
    alpha: float = 0.05
    beta: float = 0.05
    model: Literal["logistic", "normalized"] = "logistic"

    def __post_init__(self) -> None:
        if not self.elo0 < self.elo1:
            raise ValueError(f"SPRT: elo0 must be below elo1, got {self.elo0} and {self.elo1}")
        for name in ("alpha", "beta"):
            if not 0 < getattr(self, name) < 0.5:
                raise ValueError(
                    f"SPRT: {name} must be between 0 and 0.5, got {getattr(self, name)}"
                )
        if self.model not in ("logistic", "normalized"):
            raise ValueError(f"SPRT: model must be logistic or normalized, got {self.model!r}")

    @property
    def lower(self) -> float:
        """Return the log-likelihood ratio at which H0 is accepted (Wald)."""
        return math.log(self.beta / (1 - self.alpha))

    @property
    def upper(self) -> float:
        """Return the log-likelihood ratio at which H1 is accepted."""
        return math.log((1 - self.beta) / self.alpha)

    def llr(self, counts: Sequence[int]) -> float:
        """Return the log-likelihood ratio of H1 to H0 given `counts`."""
        if not sum(_checked(counts)):
            return 0.0
        total, values, shares = _distribution(counts)
        if self.model == "logistic":
            scores = elo_to_score(self.elo1), elo_to_score(self.elo0)
            likely1, likely0 = (_tilt(values - score, shares) for score in scores)
        else:
            # A pair's mean has half the variance of a game's result, so its t-value is larger.
            scale = (math.sqrt(2) if len(counts) == 5 else 1.0) / _NELO_PER_T
            t_values = scale * self.elo1, scale * self.elo0
            likely1, likely0 = (_fit_t_value(values, shares, t) for t in t_values)
        return total * float(shares @ np.log(likely1 / likely0))

    def state(self, counts: Sequence[int]) -> SPRTState:
        """Return where the test stands after `counts`."""
        llr = self.llr(counts)
        decision = Decision.CONTINUE
        if llr >= self.upper:
            decision = Decision.H1
        elif llr <= self.lower:
            decision = Decision.H0
        return SPRTState(llr, self.lower, self.upper, decision)


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval of a share; `[0, 1]` without trials."""
    _check_share(successes, trials)
    if trials == 0:
        return Interval(0.0, 1.0)
    z2 = _NORMAL.inv_cdf((1 + confidence) / 2) ** 2
    share = successes / trials
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = math.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2)))
    half = spread / (1 + z2 / trials)
    # At the ends the bound is exact; rounding would leave it a hair off.
    low = 0.0 if successes == 0 else centre - half
    return Interval(low, 1.0 if successes == trials else centre + half)


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return the exact interval of a share (Clopper & Pearson 1934): never too narrow."""
    _check_share(successes, trials)
    tail = (1 - confidence) / 2
    counts = np.arange(trials + 1)
    log_factorials = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, trials + 1)))))
    log_choices = log_factorials[-1] - log_factorials - log_factorials[::-1]

    def at_least(threshold: int, share: float) -> float:
        terms = log_choices + counts * math.log(share) + (trials - counts) * math.log1p(-share)
        return float(np.exp(terms[threshold:]).sum())

    low, high = 0.0, 1.0
    if successes > 0:
        low = _bisect(lambda p: tail - at_least(successes, p), 1e-15, 1 - 1e-15)
    if successes < trials:
        high = _bisect(lambda p: 1 - tail - at_least(successes + 1, p), 1e-15, 1 - 1e-15)
    return Interval(low, high)


def _check_share(successes: int, trials: int) -> None:
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must be between 0 and {trials} trials, got {successes}")


def _checked(counts: Sequence[int]) -> Sequence[int]:
    if len(counts) not in (3, 5) or min(counts) < 0:
        raise ValueError(
            f"counts must be 3 (L, D, W) or 5 (LL .. WW) numbers of at least 0, got {list(counts)}"
        )
    return counts


def _distribution(counts: Sequence[int]) -> tuple[float, Floats, Floats]:
    """Return `(total, score of each outcome, share of each outcome)`, none of them zero."""
    seen = np.asarray(counts, np.float64)
    seen = np.where(seen == 0, _PRIOR, seen)
    return float(seen.sum()), np.linspace(0, 1, len(seen)), seen / seen.sum()


def _mean(values: Floats, shares: Floats) -> float:
    return float(values @ shares)


def _tilt(offsets: Floats, shares: Floats) -> Floats:
    """Return the likeliest distribution with mean offset 0, given the observed `shares`.

    It is `shares / (1 + x * offsets)` for the root `x` of a decreasing function (Proposition 1.1
    of https://www.cantate.be/Fishtest/support_MLE_multinomial.pdf).
    """
    low, high = -1 / offsets.max(), -1 / offsets.min()

    def excess(x: float) -> float:
        return float((shares * offsets / (1 + x * offsets)).sum())

    margin = 1e-13 * (high - low)
    return shares / (1 + _bisect(excess, low + margin, high - margin) * offsets)


def _fit_t_value(values: Floats, shares: Floats, t: float) -> Floats:
    """Return the likeliest distribution whose `(mean - 1/2) / sigma` is `t`.

    The constraint is made linear around the last fit, again and again (section 4.1 of
    https://www.cantate.be/Fishtest/normalized_elo_practical.pdf).
    """
    fit = np.full(len(values), 1 / len(values))
    for _ in range(50):
        mean = _mean(values, fit)
        sigma = math.sqrt(_mean((values - mean) ** 2, fit))
        offsets = values - 0.5 - t * sigma * (1 + ((values - mean) / sigma) ** 2) / 2
        last, fit = fit, _tilt(offsets, shares)
        if np.abs(fit - last).max() < 1e-10:
            break
    return fit


def _bisect(
    function: Callable[[float], float], low: float, high: float, tolerance: float = 0.0
) -> float:
    """Return where a decreasing `function` crosses zero between `low` and `high`."""
    while high - low > tolerance:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if function(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2

"""MPPI, CEM and iCEM over a model of many trajectories.

A *plan* is a mean and a deviation of the next actions. Each iteration samples around it, has the
model say what comes of the samples, and moves it towards the better ones. Samples are compared by
what they violate first, by their return second, so that no reward pays for a violation.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.models import Model, Policy, Rollouts
from tesuji.search.trajectory.feedback import can_follow, improvements
from tesuji.search.trajectory.noise import Floats, coloured_noise, departures, knot_noise
from tesuji.search.trajectory.samples import Samples, inserted, proposed, rolled
from tesuji.search.trajectory.settings import TrajectorySettings

_CARE = 1.25  # more than the last samples took
_USED = 0.75  # of the time of a decision; the rest is for what the clock does not foresee

# The value of observations `[B, F]` that trajectories end with.
Value = Callable[[npt.NDArray[np.float32]], Floats]


class Verdict(NamedTuple):
    """What is wrong with trajectories.

    Attributes:
        violations: by how much each breaks what must hold, or misses what is due `[B]`; 0 if not.
        shortfalls: by how much each misses what may come after its horizon `[B]`; 0 if it does not.
    """

    violations: Floats
    shortfalls: Floats


class Monitor(Protocol):
    """Says what is wrong with trajectories."""

    def judge(self, state: Any, rollouts: Rollouts, actions: Floats) -> Verdict:
        """Return what is wrong with trajectories from `state`."""
        ...


@dataclass(frozen=True)
class Trajectory:
    """What trajectory search decided.

    Attributes:
        actions: of the next steps `[H, D]`, in the environment's units.
        score: their discounted return, with the value of the end where there is one.
        violation: by how much they violate what must hold; 0 if they do not.
        rollouts: what they lead to, a batch of one.
        simulated: steps of the environment that were simulated.
        seconds: that it took.
    """

    actions: Floats
    score: float
    violation: float
    rollouts: Rollouts
    simulated: int
    seconds: float


class _Scored(NamedTuple):
    actions: Floats  # [B, H, D], scaled
    scores: Floats  # [B]
    violations: Floats  # [B]
    shortfalls: Floats  # [B]
    lasting: npt.NDArray[np.bool_]  # [B], whether the episode goes on after them
    rollouts: Rollouts


class TrajectoryPlanner:
    """Plans again and again, each time from where the last plan left off.

    Args:
        model: of the environment.
        settings: of the search.
        monitor: what must hold.
        value: of what lies beyond the horizon.
        policy: that proposes samples.
        seed: of the samples.
    """

    def __init__(
        self,
        model: Model,
        settings: TrajectorySettings | None = None,
        monitor: Monitor | None = None,
        value: Value | None = None,
        policy: Policy | None = None,
        seed: int = 0,
    ) -> None:
        self.model = model
        self.settings = settings or TrajectorySettings()
        self._monitor, self._value, self._policy = monitor, value, policy
        self._rng = np.random.default_rng(seed)
        self._pace = 0.0  # seconds a sample
        self.begin()

    def begin(self) -> None:
        """Forget the last plan, as at the beginning of an episode."""
        shape = (self.settings.horizon, self.model.low.size)
        self._mean = np.zeros(shape)
        self._deviation = np.full(shape, self.settings.deviation)
        self._kept = np.zeros((0, *shape))
        self._fresh = True

    def plan(self, state: Any, seconds: float | None = None) -> Trajectory:
        """Return the best trajectory found from `state`; the next call begins `replan` steps later.

        Args:
            state: of the model's domain.
            seconds: to decide in. Iterations sample no more than what can be simulated in the rest
                of it, by the speed of earlier decisions, but always what was planned before.
        """
        began = time.perf_counter()
        ends = None if seconds is None else began + _USED * seconds
        settings = self.settings
        best: _Scored | None = None
        simulated, count = 0, settings.samples
        self._deviation[:] = settings.deviation
        for iteration in range(settings.iterations * settings.beginning):
            if iteration >= settings.iterations and not self._fresh and _goes_on(best):
                break
            started, fits = time.perf_counter(), self._fits(ends, iteration)
            if iteration and fits < 2:
                break
            samples = self._sample(state, count, fits, iteration, best)
            scored = self._score(state, samples)
            simulated += samples.simulated
            order = _order(scored)
            best = _better(best, _one(scored, int(order[0])))
            self._refit(scored, order)
            self._pace = (time.perf_counter() - started) / len(samples.actions)
            if settings.method == "icem":
                count = max(2 * settings.elites, int(count / settings.decay))
        assert best is not None
        self._fresh = False
        if settings.method == "mppi":
            mean = rolled(self.model, state, self._mean[None])
            best = _better(self._score(state, mean), best, margin=True)
            simulated += mean.simulated
        self._mean = best.actions[0].copy() if settings.method == "icem" else self._mean
        result = Trajectory(
            self.model.units(best.actions)[0], float(best.scores[0]), float(best.violations[0]),
            best.rollouts, simulated, time.perf_counter() - began,
        )  # fmt: skip
        self._shift()
        return result

    @property
    def deviation(self) -> Floats:
        """Return the deviation of samples around the last plan `[H, D]`, scaled."""
        return self._deviation

    def adopt(self, actions: Floats) -> None:
        """Have the next plan begin with what is left of `actions [H, D]`, which are scaled."""
        self._mean = self._later(actions)

    def score(self, state: Any, actions: Floats) -> tuple[Floats, Floats]:
        """Return scores and violations `[B]` of actions `[B, H, D]` in the environment's units."""
        scored = self._score(state, rolled(self.model, state, self.model.scaled(actions)))
        return scored.scores, scored.violations

    def _fits(self, ends: float | None, iteration: int) -> int:
        """Return how many samples can be simulated by then; the last trajectory is, once more."""
        if ends is None:
            return sys.maxsize
        if self._pace == 0.0:
            return 1  # nobody knows how fast it is
        left = ends - time.perf_counter()
        return max(0 if iteration else 1, int(left / (_CARE * self._pace)) - 1)

    def _sample(
        self, state: Any, count: int, fits: int, iteration: int, best: _Scored | None
    ) -> Samples:
        """Return `count` samples, what was kept and those by feedback; of them the first `fits`."""
        settings, count = self.settings, min(count, fits)
        shape = (count, *self._mean.shape)
        if settings.knots:
            noise = knot_noise(self._rng, settings.knots, *shape)
        else:
            noise = coloured_noise(self._rng, settings.exponent, *shape)
        actions = np.clip(self._mean + self._deviation * noise, -1.0, 1.0)
        actions[0] = self._mean
        around, kept = count, self._kept[: fits - count]
        if self._policy is not None and iteration == 0:
            around -= int(settings.policy_samples * count)
        samples = rolled(self.model, state, np.concatenate([actions[:around], kept]))
        if self._policy is not None and around < count:
            noise[-1] = 0.0  # one follows the policy's mean
            if settings.departing:
                noise[:, settings.departing :] = 0.0
            noise, rest = noise[around:], actions[around:]
            follow = proposed(self.model, state, self._policy, noise, rest)
            samples = inserted(samples, around, follow)
        left = fits - len(samples.actions)
        if settings.feedback and left and can_follow(self.model):
            samples = inserted(samples, len(samples.actions), self._follow(state, best, left))
        return samples

    def _follow(self, state: Any, best: _Scored | None, most: int) -> Samples:
        """Return samples that follow the best plan so far; half of them with noise."""
        settings, plan = self.settings, self._mean if best is None else best.actions[0]
        count = settings.feedback
        noise = self._deviation * coloured_noise(self._rng, settings.exponent, count, *plan.shape)
        noise[: (count + 1) // 2] = 0.0
        return improvements(self.model, state, plan, noise[:most])

    def _score(self, state: Any, samples: Samples) -> _Scored:
        actions, rollouts, _ = samples
        horizon = actions.shape[1]
        settings = self.settings
        weights = self.settings.discount ** np.arange(horizon)
        scores = rollouts.rewards @ weights
        if self._value is not None:
            end = self._value(rollouts.observations[:, -1])
            scores = scores + self.settings.discount**horizon * end * rollouts.alive[:, -1]
        elif settings.survival and not rollouts.alive[:, -1].all():
            alive = rollouts.alive
            mean = rollouts.rewards.sum() / max(1, alive.sum())
            scores = scores + settings.survival * mean * alive[:, -1]
        if self._policy is not None and settings.departure_cost:
            apart = departures(self._policy, rollouts.seen(state.observation), actions)
            scores = scores - settings.departure_cost * (apart * rollouts.going).sum(axis=1)
        verdict = Verdict(np.zeros(len(scores)), np.zeros(len(scores)))
        if self._monitor is not None:
            verdict = self._monitor.judge(state, rollouts, self.model.units(actions))
        return _Scored(actions, scores, *verdict, rollouts.alive[:, -1], rollouts)

    def _refit(self, scored: _Scored, order: npt.NDArray[np.int64]) -> None:
        settings = self.settings
        if settings.method == "mppi":
            violations = scored.violations[order]
            sound = violations == 0.0
            use = order[sound if sound.any() else violations <= violations[0]]
            scores = scored.scores[use]
            spread = max(float(scores.std()), 1e-9)
            weights = np.exp((scores - scores.max()) / (settings.temperature * spread))
            weights /= weights.sum()
            self._mean = np.tensordot(weights, scored.actions[use], axes=1)
            return
        elites = scored.actions[order[: settings.elites]]
        old = settings.momentum
        self._mean = old * self._mean + (1 - old) * elites.mean(axis=0)
        spread_now = elites.std(axis=0)
        self._deviation = old * self._deviation + (1 - old) * spread_now
        np.maximum(self._deviation, settings.least_deviation, out=self._deviation)
        if settings.method == "icem":
            self._kept = elites[: max(1, int(settings.kept * settings.elites))].copy()

    def _shift(self) -> None:
        # One step has passed: what was planned for the next is now for this one.
        self._mean, self._kept = self._later(self._mean), self._later(self._kept)

    def _later(self, actions: Floats) -> Floats:
        """Return actions `[..., H, D]` as they are when the next plan is made."""
        n = min(self.settings.replan, actions.shape[-2] - 1)
        last = np.repeat(actions[..., -1:, :], n, axis=-2)
        return np.concatenate([actions[..., n:, :], last], axis=-2)


def _goes_on(best: _Scored | None) -> bool:
    # Whether the best trajectory so far keeps what must hold, and does not end.
    return best is not None and bool(best.violations[0] == 0.0 and best.lasting[0])


def _order(scored: _Scored) -> npt.NDArray[np.int64]:
    return np.lexsort((-scored.scores, scored.shortfalls, scored.violations))


def _one(scored: _Scored, row: int) -> _Scored:
    rows = slice(row, row + 1)
    return _Scored(
        scored.actions[rows].copy(), scored.scores[rows], scored.violations[rows],
        scored.shortfalls[rows], scored.lasting[rows], scored.rollouts.part(rows),
    )  # fmt: skip


def _better(old: _Scored | None, new: _Scored, margin: bool = False) -> _Scored:
    # The better of two; with `margin` the first unless it violates more.
    if old is None:
        return new
    if margin:
        return new if new.violations[0] < old.violations[0] else old
    one, other = ((each.violations[0], each.shortfalls[0], -each.scores[0]) for each in (old, new))
    return new if other < one else old

"""Augmented random search: a policy's weights are improved in the model, by whole episodes.

Episodes are simulated under policies a little to either side of the present one, in random
directions, and it moves as the better of each pair tell (Mania, Guy & Recht 2018). No step of it is
a real one. `W` weights of a policy, `F` numbers of an observation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tesuji.domains.robotics.models import Floats, Model, Policy, Rollouts
from tesuji.search.trajectory.settings import RandomSearchSettings

_STEADY = 1e-3  # what varies less is not scaled: it would be noise


# By how much episodes from a state, by actions `[B, T, D]`, violate what must hold `[B]`.
Violations = Callable[[Any, Rollouts, Floats], Floats]

# Policies of weights `[B, W]`, each for a row of a batch of observations, of which mean and spread
# `[F]` are told.
Family = Callable[[Floats, Floats, Floats], Policy]


class RandomSearch:
    """A policy that gets better.

    Args:
        model: of the environment.
        family: what policies weights make.
        weights: to begin with `[W]`.
        settings: of the search.
        violations: of what must hold, which are paid for.

    Attributes:
        weights: the present ones `[W]`.
        center: mean of the observations so far `[F]`.
        spread: deviation of the observations so far `[F]`.
        simulated: steps of the model so far.
    """

    def __init__(
        self,
        model: Model,
        family: Family,
        weights: Floats,
        settings: RandomSearchSettings,
        violations: Violations,
    ) -> None:
        self._model, self._family, self._settings = model, family, settings
        self._violations, self.weights = violations, weights
        size = model.domain.spec.observation_shape[0]
        self.center, self.spread = np.zeros(size), np.ones(size)
        self._seen, self._sum, self._squares = 0, np.zeros(size), np.zeros(size)
        self.simulated = 0

    def run(self, rng: np.random.Generator) -> Iterator[float]:
        """Improve it, a round each; yield the mean return of the episodes, less what they broke."""
        settings = self._settings
        for number in range(settings.rounds):
            state = self._model.domain.reset(int(rng.integers(2**31)))
            directions = rng.normal(size=(settings.directions, len(self.weights)))
            away = settings.noise * directions
            scores = self._score(state, self.weights + np.concatenate([away, -away]))
            there, back = scores[: len(away)], scores[len(away) :]
            best = np.argsort(-np.maximum(there, back), kind="stable")[: settings.best]
            spread = max(float(np.concatenate([there[best], back[best]]).std()), 1e-9)
            rate = settings.rate * 0.1 ** (number / settings.rounds)
            step = (there[best] - back[best]) @ directions[best]
            self.weights = self.weights + rate / (settings.best * spread) * step
            yield float(scores.mean())

    def _score(self, state: Any, weights: Floats) -> Floats:
        """Return the returns `[B]` of episodes under policies, less what they broke."""
        policies = self._family(weights, self.center, self.spread)
        quiet = np.zeros((len(weights), self._settings.steps, self._model.low.size))
        actions, rollouts = self._model.follow(state, policies, quiet)
        self._note(rollouts)
        broken = self._violations(state, rollouts, self._model.units(actions))
        return np.asarray(rollouts.rewards.sum(axis=1) - self._settings.price * broken)

    def _note(self, rollouts: Rollouts) -> None:
        seen = rollouts.observations[rollouts.alive].astype(np.float64)
        self.simulated += rollouts.rewards.size
        self._seen += len(seen)
        self._sum += seen.sum(axis=0)
        self._squares += (seen**2).sum(axis=0)
        if self._seen:
            self.center = self._sum / self._seen
            spread = np.sqrt(np.maximum(self._squares / self._seen - self.center**2, 0.0))
            self.spread = np.where(spread > _STEADY, spread, 1.0)

"""Augmented random search: a policy's weights are improved in the model, by whole episodes.

Episodes are simulated under policies a little to either side of the present one, in random
directions, and it moves as the better of each pair tell (Mania, Guy & Recht 2018). No step of it is
a real one. `W` weights of a policy, `F` numbers of an observation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.models import Floats, Model, Policy, Rollouts
from tesuji.search.base import scales
from tesuji.search.trajectory.settings import RandomSearchSettings

# By how much episodes from a state, by actions `[B, T, D]`, violate what must hold `[B]`.
Violations = Callable[[Any, Rollouts, Floats], Floats]

# Policies of weights `[B, W]`, each for a row of a batch of observations, of which mean and spread
# `[F]` are told.
Family = Callable[[Floats, Floats, Floats], Policy]


class RandomSearch:
    """A policy that gets better. What a round draws follows from the seed and its number alone.

    Args:
        model: of the environment.
        family: what policies weights make.
        weights: to begin with `[W]`.
        settings: of the search.
        violations: of what must hold, which are paid for.
        seed: of what is random.

    Attributes:
        weights: the present ones `[W]`.
        center: mean of the observations so far `[F]`.
        spread: deviation of the observations so far `[F]`.
        means: mean return of each round's episodes, less what they broke.
    """

    def __init__(
        self,
        model: Model,
        family: Family,
        weights: Floats,
        settings: RandomSearchSettings,
        violations: Violations,
        seed: int,
    ) -> None:
        self._model, self._family, self._settings = model, family, settings
        self._violations, self._seed, self.weights = violations, seed, weights
        size = model.domain.spec.observation_shape[0]
        self._seen, self._sum, self._squares = 0.0, np.zeros(size), np.zeros(size)
        self.center, self.spread = np.zeros(size), np.ones(size)
        self.means: list[float] = []

    def improve(self) -> int:
        """Search for a round; return the steps of the model that it took."""
        settings, number = self._settings, len(self.means)
        rng = np.random.default_rng([self._seed, number])
        state = self._model.domain.reset(int(rng.integers(2**31)))
        directions = rng.normal(size=(settings.directions, len(self.weights)))
        share = number / settings.rounds
        away = settings.noise * settings.narrowing**share * directions
        scores, simulated = self._score(state, self.weights + np.concatenate([away, -away]))
        there, back = scores[: len(away)], scores[len(away) :]
        best = np.argsort(-np.maximum(there, back), kind="stable")[: settings.best]
        spread = max(float(np.concatenate([there[best], back[best]]).std()), 1e-9)
        rate = settings.rate * 0.1**share
        step = (there[best] - back[best]) @ directions[best]
        self.weights = self.weights + rate / (settings.best * spread) * step
        self.means.append(float(scores.mean()))
        return simulated

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return where the search stands, by name."""
        return {
            "weights": self.weights, "seen": np.array([self._seen]), "sum": self._sum,
            "squares": self._squares, "means": np.array(self.means),
        }  # fmt: skip

    def restore(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        """Stand where `tensors` was asked."""
        self.weights, self.means = tensors["weights"], tensors["means"].tolist()
        self._seen = float(tensors["seen"][0])
        self._sum, self._squares = tensors["sum"], tensors["squares"]
        self._scale()

    def _score(self, state: Any, weights: Floats) -> tuple[Floats, int]:
        """Return the returns `[B]` of episodes under policies, less what they broke, and steps."""
        policies = self._family(weights, self.center, self.spread)
        quiet = np.zeros((len(weights), self._settings.steps, self._model.low.size))
        actions, rollouts = self._model.follow(state, policies, quiet)
        seen = rollouts.observations[rollouts.alive].astype(np.float64)
        self._seen += len(seen)
        self._sum = self._sum + seen.sum(axis=0)
        self._squares = self._squares + (seen**2).sum(axis=0)
        self._scale()
        broken = self._violations(state, rollouts, self._model.units(actions))
        scores = rollouts.rewards.sum(axis=1) - self._settings.price * broken
        return scores, rollouts.rewards.size

    def _scale(self) -> None:
        if self._seen:
            self.center = self._sum / self._seen
            spread = np.sqrt(np.maximum(self._squares / self._seen - self.center**2, 0.0))
            self.spread = scales(spread)

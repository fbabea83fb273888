"""The states of a run's newest episodes, from which can be planned anew.

In memory a state is a snapshot of the environment; in files an episode is its seed and its actions,
by which its states are made again, equal to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.models import Model
from tesuji.engine.control_config import ControlLearningConfig
from tesuji.engine.errors import TesujiError

Reals = npt.NDArray[np.float32]


@dataclass
class _Episode:
    seed: int
    moments: list[Moment] = field(default_factory=list)  # before each step
    actions: list[Reals] = field(default_factory=list)  # [D] each, in the environment's units


class States:
    """Episodes, oldest first.

    Args:
        domain: the environment.
        window: states that are kept, about: episodes stay or go as a whole.
    """

    def __init__(self, domain: EnvironmentDomain, window: int) -> None:
        self._domain, self._window = domain, window
        self._episodes: list[_Episode] = []

    def begin(self, seed: int) -> None:
        """Begin an episode that was reset with `seed`."""
        while len(self) > self._window and len(self._episodes) > 1:
            self._episodes.pop(0)
        self._episodes.append(_Episode(seed))

    def append(self, moment: Moment, action: Reals) -> None:
        """Note a step of the newest episode."""
        self._episodes[-1].moments.append(moment)
        self._episodes[-1].actions.append(action)

    def __len__(self) -> int:
        """Return how many states are kept."""
        return sum(len(episode.actions) for episode in self._episodes)

    def draw(self, rng: np.random.Generator) -> Moment:
        """Return one of them, all alike."""
        number = int(rng.integers(len(self)))
        for episode in self._episodes:
            if number < len(episode.moments):
                break
            number -= len(episode.moments)
        return episode.moments[number]

    def wander(
        self, settings: ControlLearningConfig, model: Model, rng: np.random.Generator
    ) -> tuple[Moment, int]:
        """Return a state that a stored one or a reset leads to, and the steps of the model."""
        if rng.random() < settings.beginnings:
            state = self._domain.reset(int(rng.integers(2**31)))
        else:
            state = self.draw(rng)
        action = model.units(rng.uniform(-1.0, 1.0, model.low.size)).astype(np.float32)
        count = int(rng.integers(settings.wander + 1))
        for taken in range(1, count + 1):
            after, _, discount = self._domain.step_by(state, action)
            if discount == 0.0:
                return state, taken
            state = after
        return state, count

    def observations(self) -> Reals:
        """Return what is observed in all of them `[N, F]`."""
        return np.stack([each.observation for one in self._episodes for each in one.moments])

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return seeds, lengths and actions, by name."""
        actions = [each for episode in self._episodes for each in episode.actions]
        return {
            "seeds": np.array([episode.seed for episode in self._episodes], np.int64),
            "lengths": np.array([len(episode.actions) for episode in self._episodes], np.int64),
            "actions": np.stack(actions),
            "last": self._episodes[-1].moments[-1].observation,
        }

    def restore(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        """Make the states again of what `tensors` returned.

        Raises:
            TesujiError: the environment does not do what it did, such as in another version.
        """
        actions = iter(tensors["actions"])
        for seed, length in zip(
            tensors["seeds"].tolist(), tensors["lengths"].tolist(), strict=True
        ):
            moment = self._domain.reset(seed)
            self._episodes.append(_Episode(seed))
            for number in range(length):
                if number:
                    moment, _, _ = self._domain.step_by(moment, self._episodes[-1].actions[-1])
                self.append(moment, next(actions))
        if not np.array_equal(moment.observation, tensors["last"]):
            raise TesujiError(
                f"{self._domain.spec.name} does not repeat the run's episodes here; go on with the "
                "versions of Gymnasium and MuJoCo that began it, or start a new run"
            )

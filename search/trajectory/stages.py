"""Stages of a motion: something comes somewhere, and other things stay where they are.

A stage is a goal for trajectory search, and a script that proposes how it may be reached: straight
on. The search samples around the script and has the simulator say what comes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.models import Branches, Floats, Followed, Model, Policy, Rollouts

_GAIN = 10.0  # of a script: actions a metre
_DISTURBED = 5.0  # what moving another thing a metre costs, in metres from the goal


@dataclass(frozen=True)
class Stage:
    """A part of a motion.

    Attributes:
        point: what shall come to the target, a name of three quantities: `grip` is `grip_x`, ...
        target: where `[3]`, in metres.
        hand: the last part of each action: 1 opens the hand, -1 shuts it.
        still: what shall stay where it is, by name.
        tolerance: metres from the target that will do.
        least: steps, at least.
        most: steps, at most.
    """

    point: str
    target: Floats
    hand: float
    still: Mapping[str, Floats]
    tolerance: float = 0.01
    least: int = 1
    most: int = 30

    def is_done(self, places: Mapping[str, Floats], steps: int) -> bool:
        """Return whether the target is reached.

        Args:
            places: of things, by name.
            steps: that were taken.
        """
        near = np.linalg.norm(places[self.point] - self.target) <= self.tolerance
        return bool(near) and steps >= self.least


class Script(Policy):
    """Proposes to go straight to a stage's target.

    Args:
        stage: see there.
        start: where the point's place begins in an observation.
        deviation: of what is proposed.
    """

    def __init__(self, stage: Stage, start: int, deviation: float = 0.1) -> None:
        self._stage, self._start, self._deviation = stage, start, deviation

    def propose(self, observations: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Return mean and deviation of actions `[B, 4]`."""
        place = observations[:, self._start : self._start + 3].astype(np.float64)
        mean = np.empty((len(place), 4))
        mean[:, :3] = np.clip(_GAIN * (self._stage.target - place), -1.0, 1.0)
        mean[:, 3] = self._stage.hand
        deviation = np.full(mean.shape, self._deviation)
        deviation[:, 3] = 0.0
        return mean, deviation


class StageModel(Model):
    """A model whose rewards say how near a stage's target is.

    Args:
        model: of the environment, whose quantities name what the stage speaks of.
        stage: see there.
    """

    def __init__(self, model: Model, stage: Stage) -> None:
        super().__init__(model.domain)
        self._model, self._stage = model, stage
        self.names, self.num_substeps = model.names, model.num_substeps
        self.held = model.held

    def quantities(self, state: Any) -> Floats:
        """Return the model's quantities."""
        return self._model.quantities(state)

    def bends(self, start: Floats, quantities: Floats) -> Mapping[str, Floats]:
        """Return how far the model's quantities may leave a line."""
        return self._model.bends(start, quantities)

    def roll(self, state: Any, actions: Floats) -> Rollouts:
        """Return what the actions lead to, with rewards of the stage."""
        return self._judged(self._model.roll(state, actions))

    def follow(self, state: Any, policy: Policy, noise: Floats) -> Followed:
        """Return what a policy does, with rewards of the stage."""
        actions, rollouts = self._model.follow(state, policy, noise)
        return Followed(actions, self._judged(rollouts))

    def begin(self, state: Any) -> Any:
        """Return the model's own state."""
        return self._model.begin(state)

    def branch(self, starts: Any, actions: Floats) -> Branches:
        """Return what the actions lead to, each from its own start, with rewards of the stage."""
        after, rollouts = self._model.branch(starts, actions)
        return Branches(after, self._judged(rollouts))

    def _judged(self, rollouts: Rollouts) -> Rollouts:
        last = rollouts.quantities[:, :, -1]
        away = self._gap(last, self._stage.point, self._stage.target)
        for name, place in self._stage.still.items():
            away = away + _DISTURBED * self._gap(last, name, place)
        return replace(rollouts, rewards=np.where(rollouts.going, -away, 0.0))

    def _gap(self, quantities: Floats, name: str, place: Floats) -> Floats:
        first = self.names.index(f"{name}_x")
        return np.asarray(np.linalg.norm(quantities[..., first : first + 3] - place, axis=-1))

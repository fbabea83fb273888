"""Models: from where an environment stands, many trajectories at once.

A model says of each trajectory what trajectory search needs: rewards, where the episode ends, and
named quantities after every substep of the simulator, which constraints speak of. Dimensions: `B`
trajectories, `H` steps, `K` substeps a step, `Q` quantities, `D` parts of an action.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box

from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.environments import EnvironmentRefusedError
from tesuji.domains.robotics.proposals import Policy
from tesuji.domains.robotics.spaces import is_plain

__all__ = [
    "Branches", "Followed", "Model", "Policy", "Rollouts", "StepModel", "chained", "joined",
    "make_model",
]  # fmt: skip

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rollouts:
    """What a model says of `B` trajectories.

    After an end, quantities and observations stay what they were there.

    Attributes:
        quantities: after each substep `[B, H, K, Q]`, by the model's names.
        rewards: of each step `[B, H]`; 0 after an end.
        alive: whether the episode goes on after each step `[B, H]`.
        observations: after each step `[B, H, F]`, as a policy sees them.
    """

    quantities: Floats
    rewards: Floats
    alive: npt.NDArray[np.bool_]
    observations: npt.NDArray[np.float32]

    @property
    def going(self) -> npt.NDArray[np.bool_]:
        """Return whether the episode goes on before each step `[B, H]`."""
        going = np.ones_like(self.alive)
        going[:, 1:] = self.alive[:, :-1]
        return going

    def seen(self, first: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return what is observed before each step `[B, H, F]`, before the first of all `first`."""
        start = np.broadcast_to(first, (len(self.observations), 1, len(first)))
        return np.concatenate([start, self.observations[:, :-1]], axis=1)

    def part(self, rows: slice, steps: slice = slice(None)) -> Rollouts:
        """Return some steps of some trajectories, as copies, which keep no others alive."""
        return Rollouts(
            self.quantities[rows, steps].copy(), self.rewards[rows, steps].copy(),
            self.alive[rows, steps].copy(), self.observations[rows, steps].copy(),
        )  # fmt: skip

    def resting(self) -> Rollouts:
        """Return the same with what is after an end as it was there."""
        horizon = self.alive.shape[1]
        if self.alive[:, : horizon - 1].all():
            return self
        lasts = np.where(self.alive[:, -1], horizon, self.alive.argmin(axis=1))
        rows, steps = np.arange(len(lasts))[:, None], np.minimum(np.arange(horizon), lasts[:, None])
        return replace(
            self, quantities=self.quantities[rows, steps],
            observations=self.observations[rows, steps],
        )  # fmt: skip

    def extended(self, horizon: int) -> Rollouts:
        """Return trajectories that have all ended as ones of `horizon` steps."""
        batch, length = self.rewards.shape
        steps = np.minimum(np.arange(horizon), length - 1)
        rewards = np.zeros((batch, horizon))
        rewards[:, :length] = self.rewards
        return Rollouts(
            self.quantities[:, steps], rewards, self.alive[:, steps], self.observations[:, steps]
        )


def joined(parts: Sequence[Rollouts], axis: int = 0) -> Rollouts:
    """Return trajectories one beside the other, or where `axis` is 1 their parts in a row."""
    arrays = zip(
        *((each.quantities, each.rewards, each.alive, each.observations) for each in parts),
        strict=True,
    )
    # In rows, whatever the order in memory of the parts: sums round by it.
    return Rollouts(*(np.ascontiguousarray(np.concatenate(each, axis=axis)) for each in arrays))


def chained(steps: Sequence[Rollouts]) -> Rollouts:
    """Return trajectories of which `branch` told part after part, as `roll` tells them at once."""
    whole = joined(steps, axis=1)
    alive = np.logical_and.accumulate(whole.alive, axis=1)
    whole = replace(whole, alive=alive)
    return replace(whole, rewards=np.where(whole.going, whole.rewards, 0.0)).resting()


class Branches(NamedTuple):
    """Trajectories from starts of their own.

    Attributes:
        after: the model's states after the first steps from each start.
        rollouts: what the trajectories lead to.
    """

    after: Any
    rollouts: Rollouts


class Followed(NamedTuple):
    """What a policy does.

    Attributes:
        actions: scaled to [-1, 1] `[B, T, D]`, until all episodes have ended.
        rollouts: what they lead to.
    """

    actions: Floats
    rollouts: Rollouts


class Model(ABC):
    """Trajectories of one environment.

    Attributes:
        domain: the environment as a domain, which takes the real steps.
        names: of the quantities `[Q]`.
        num_substeps: of the simulator in a step, `K`.
        held: quantities that stay the same within a step, and leap from one step to the next.
        coordinates: where in the rows of `begin` positions lie, and then as many velocities, which
            may be moved; None where that cannot be said.
        low: least action `[D]`.
        high: greatest action `[D]`.
    """

    names: tuple[str, ...]
    num_substeps: int = 1
    held: frozenset[str] = frozenset()
    coordinates: npt.NDArray[np.int64] | None = None

    def __init__(self, domain: EnvironmentDomain) -> None:
        space = domain.env.action_space
        if not isinstance(space, Box) or len(space.shape) != 1:
            raise EnvironmentRefusedError(
                f"{domain.spec.name}: trajectory search wants a vector of continuous actions, this "
                f"has {space}; use tree search"
            )
        self.domain = domain
        self.low = space.low.astype(np.float64)
        self.high = space.high.astype(np.float64)

    @abstractmethod
    def quantities(self, state: Moment) -> Floats:
        """Return the quantities `[Q]` of a state."""

    def bends(self, start: Floats, quantities: Floats) -> Mapping[str, Floats]:
        """Return how far quantities may leave a line while positions move in one.

        Args:
            start: quantities before the first substep, `[Q]` or `[B, Q]`.
            quantities: after each substep `[B, H, K, Q]`.

        Returns:
            Bounds `[B, H, K]` by name; a name without one is a line itself, or taken for one.
        """
        del start, quantities
        return {}

    @abstractmethod
    def roll(self, state: Moment, actions: Floats) -> Rollouts:
        """Return what the actions `[B, H, D]` lead to from a state."""

    def follow(self, state: Moment, policy: Policy, noise: Floats) -> Followed:
        """Return what a policy does under `noise` `[B, H, D]`, from a state.

        Actions and noise are scaled: to [-1, 1], and by the policy's deviation.
        """
        starts = self.begin(state)
        several = isinstance(starts, list)
        starts = starts * len(noise) if several else np.repeat(starts, len(noise), axis=0)
        seen = np.repeat(state.observation[None], len(noise), axis=0)
        actions, steps = np.zeros(noise.shape), list[Rollouts]()
        going = np.ones(len(noise), np.bool_)
        while len(steps) < noise.shape[1] and going.any():
            h = len(steps)
            mean, deviation = policy.propose(seen)
            actions[:, h] = np.clip(mean + deviation * noise[:, h], -1.0, 1.0)
            starts, step = self.branch(starts, self.units(actions[:, h : h + 1]))
            seen, going = step.observations[:, 0], going & step.alive[:, 0]
            steps.append(step)
        return Followed(actions[:, : len(steps)], chained(steps))

    @abstractmethod
    def begin(self, state: Moment) -> Any:
        """Return the model's own state there, a batch of one."""

    @abstractmethod
    def branch(self, starts: Any, actions: Floats) -> Branches:
        """Return what the actions `[B, H, D]` lead to; starts are used in turn."""

    def units(self, actions: Floats) -> Floats:
        """Return scaled actions as the environment takes them, to the 32 bits that it reads."""
        units = (self.low + self.high) / 2 + (self.high - self.low) / 2 * actions
        return np.clip(units, self.low, self.high).astype(np.float32).astype(np.float64)

    def scaled(self, actions: Floats) -> Floats:
        """Return actions in the environment's units as scaled ones."""
        return (actions - (self.low + self.high) / 2) / ((self.high - self.low) / 2)


class StepModel(Model):
    """Any environment, stepped and restored in Python: exact, and slow.

    Its quantities are the numbers of the observation, `observation_0` and so on, and the action's.
    """

    def __init__(self, domain: EnvironmentDomain) -> None:
        super().__init__(domain)
        self._size = domain.spec.observation_shape[0]
        self.names = tuple(f"observation_{i}" for i in range(self._size))

    def quantities(self, state: Moment) -> Floats:
        """Return the observation."""
        return state.observation.astype(np.float64)

    def roll(self, state: Moment, actions: Floats) -> Rollouts:
        """Return what the actions lead to, one after the other."""
        return self.branch([state], actions).rollouts

    def begin(self, state: Moment) -> list[Moment]:
        """Return the state."""
        return [state]

    def branch(self, starts: list[Moment], actions: Floats) -> Branches:
        """Return what the actions lead to, one after the other."""
        batch, horizon, _ = actions.shape
        rewards = np.zeros((batch, horizon))
        alive = np.zeros((batch, horizon), np.bool_)
        observations = np.zeros((batch, horizon, self._size), np.float32)
        after = list[Moment]()
        for b, way in enumerate(actions.astype(self.domain.env.action_space.dtype)):
            at = starts[b % len(starts)]
            for h, action in enumerate(way):
                if not (at.ended or at.cut):
                    at, rewards[b, h], _ = self.domain.step_by(at, action)
                if h == 0 and b < len(starts):
                    after.append(at)
                alive[b, h] = not at.ended  # cut off is not ended
                observations[b, h] = at.observation
        quantities = observations[:, :, None].astype(np.float64)
        return Branches(after, Rollouts(quantities, rewards, alive, observations))


def make_model(domain: EnvironmentDomain) -> Model:
    """Return the fastest model of an environment."""
    from tesuji.domains.robotics.classic import CLASSIC, ClassicModel  # noqa: PLC0415
    from tesuji.domains.robotics.linear_model import LinearModel  # noqa: PLC0415
    from tesuji.domains.robotics.linear_world import WORLDS  # noqa: PLC0415
    from tesuji.domains.robotics.mujoco_model import (  # noqa: PLC0415 - loads MuJoCo
        MujocoModel,
        find_task,
    )

    if not is_plain(domain.env):
        return StepModel(domain)
    if domain.spec.name in WORLDS:
        return LinearModel(domain)
    task = find_task(domain)
    if task is not None:
        return MujocoModel(domain, task)
    if domain.spec.name in CLASSIC:
        return ClassicModel(domain)
    return StepModel(domain)

"""Steps of an environment that its model takes, for many states at once, without the environment.

States that a search comes by are *imagined*: a row of the model's own instead of a snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import Reached, Rollouts
from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.models import Floats, Model, StepModel, make_model
from tesuji.domains.robotics.proposals import Plan
from tesuji.domains.robotics.sampling import mixed, normal, uniform

_KNOTS = 4  # of the noise around a plan, linear between them


class Imagination:
    """Takes steps of one environment with continuous actions.

    Attributes:
        model: of the environment.
        quantities: names of what a step passes through, and of the action's parts.
        name: of the model.
    """

    def __init__(self, domain: EnvironmentDomain) -> None:
        self._domain = domain
        self.model: Model = make_model(domain)
        parts = (f"action_{i}" for i in range(self.model.low.size))
        self.quantities = (*self.model.names, *parts)
        self.name = type(self.model).__name__

    def step_batch(
        self, states: Sequence[Moment], chosen: Sequence[int], rollouts: Rollouts, discount: float
    ) -> Reached:
        """Return where samples `chosen` of the states' actions lead, and rollouts from there.

        Rollouts go on with the plan that is sampled around, one with what is left of it and the
        others under slow noise. Without a plan one holds the action that led to its start, one the
        middle of the box, and the others an action each that is drawn. The best counts: it can be
        had.
        """
        number, tries = len(states), max(rollouts.num_rollouts, 1)
        steps = np.array([state.steps for state in states] * tries)
        left = counted = self._domain.spec.max_steps - steps
        plan, depth = self._domain.proposal, rollouts.max_steps
        if isinstance(plan, Plan):
            counted = np.minimum(left, plan.left(steps))
            depth = min(depth, max(int(counted.max()) - 1, 0))
        actions = self.ways(states, chosen, tries, depth)
        after, found = self.model.branch(self._rows(states), actions)
        rewards = np.where(np.arange(1 + depth) < counted[:, None], found.rewards, 0.0)
        returns = rewards[:, 1:] @ discount ** np.arange(depth)
        if isinstance(plan, Plan):
            ends = np.clip(counted - 1, 0, depth)
            returns += plan.beyond * found.alive[np.arange(len(ends)), ends]
        goes_on = found.alive & (np.arange(1, 2 + depth) < left[:, None])
        first, kept = with_actions(found.quantities[:number, :1], actions[:number, :1]), None
        if rollouts.keeps is not None:
            passed = with_actions(found.quantities, actions)
            ways = passed.reshape(-1, *passed.shape[2:])
            kept = rollouts.keeps(np.tile(chosen, tries).repeat(1 + depth), ways)
            kept = kept.reshape(-1, 1 + depth)
            returns[~(kept[:, 1:] | ~goes_on[:, :-1]).all(axis=1)] = -np.inf
            kept = kept[:number, 0]
        return Reached(
            self._imagine(states, chosen, after, found.observations[:, 0]),
            rewards[:number, 0],
            np.where(goes_on[:number, 0], discount, 0.0),
            best_of(returns.reshape(tries, number)),
            first[:, 0],
            actions.shape[0] * actions.shape[1],
            kept,
        )

    def ways(
        self, states: Sequence[Moment], chosen: Sequence[int], tries: int, depth: int
    ) -> Floats:
        """Return actions of steps and of the rollouts after them `[tries * B, 1 + depth, D]`."""
        samples, plan = self._domain.sample_batch(states, np.array(chosen)), self._domain.proposal
        number, size = samples.shape
        actions = np.repeat(samples[None, :, None], tries, axis=0).repeat(1 + depth, axis=2)
        seeds = mixed([state.seed for state in states], ~np.array(chosen, np.uint64))
        if isinstance(plan, Plan) and depth:
            actions[:, :, 1:] = self.model.units(_along(plan, states, seeds, tries, depth))
        elif tries > 1:
            drawn = uniform(mixed(seeds[:, None], np.arange(1, tries * size + 1)))
            drawn = 2.0 * drawn.reshape(number, tries, size).transpose(1, 0, 2) - 1.0
            drawn[1] = 0.0
            actions[1:, :, 1:] = self.model.units(drawn[1:, :, None])
        return actions.reshape(tries * number, 1 + depth, size)

    def _rows(self, states: Sequence[Moment]) -> Any:
        if isinstance(self.model, StepModel):
            return list(states)
        rows = [self.model.begin(s) if s.row is None else s.row[None] for s in states]
        return np.concatenate(rows)

    def _imagine(
        self,
        states: Sequence[Moment],
        chosen: Sequence[int],
        after: Any,
        observations: npt.NDArray[np.float32],
    ) -> list[Moment]:
        if isinstance(self.model, StepModel):
            return list(after)
        seeds = mixed([state.seed for state in states], np.array(chosen) + 1).tolist()
        return [
            Moment(None, observations[i], state.steps + 1, seeds[i], after[i])
            for i, state in enumerate(states)
        ]


def _along(
    plan: Plan, states: Sequence[Moment], seeds: npt.NDArray[np.uint64], tries: int, depth: int
) -> Floats:
    """Return scaled actions `[tries, B, depth, D]` after a first step from each state."""
    horizon, size = plan.actions.shape
    steps = np.array([state.steps for state in states])[:, None] + np.arange(1, 1 + depth)
    mean, deviation = plan.near(steps)
    noise = normal(mixed(seeds[:, None], np.arange(1, tries * _KNOTS * size + 1)))
    noise = noise.reshape(len(states), tries, _KNOTS, size).transpose(1, 0, 2, 3)
    noise[0] = 0.0
    at = np.clip((steps - plan.first) / max(horizon - 1, 1), 0.0, 1.0) * (_KNOTS - 1)
    knots = np.minimum(at.astype(np.int64), _KNOTS - 2)
    rows, share = np.arange(len(states))[:, None], (at - knots)[..., None]
    slow = noise[:, rows, knots] * (1.0 - share) + noise[:, rows, knots + 1] * share
    return np.asarray(np.clip(mean + deviation * slow, -1.0, 1.0))


def with_actions(quantities: Floats, actions: Floats) -> Floats:
    """Return quantities `[B, H, K, Q]` with the parts of the action after them."""
    held = np.repeat(actions[:, :, None], quantities.shape[2], axis=2)
    return np.concatenate([quantities, held], axis=-1)


def best_of(returns: Floats) -> Floats:
    """Return the best of returns `[tries, B]`; NaN where none counts."""
    best = returns.max(axis=0)
    return np.where(np.isfinite(best), best, np.nan)

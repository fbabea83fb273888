"""Samples of trajectory search, each simulated once.

What is drawn step after step, in a closed loop, is simulated as it is drawn; the rest all at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tesuji.domains.robotics.models import Model, Policy, Rollouts, joined
from tesuji.search.trajectory.noise import Floats


class Samples(NamedTuple):
    """Trajectories from one state.

    Attributes:
        actions: scaled to [-1, 1] `[B, H, D]`.
        rollouts: what they lead to.
        simulated: steps that it took to find that.
    """

    actions: Floats
    rollouts: Rollouts
    simulated: int


def rolled(model: Model, state: Any, actions: Floats) -> Samples:
    """Return scaled actions `[B, H, D]` as samples."""
    batch, horizon, _ = actions.shape
    return Samples(actions, model.roll(state, model.units(actions)), batch * horizon)


def proposed(model: Model, state: Any, policy: Policy, noise: Floats, rest: Floats) -> Samples:
    """Return what a policy does under `noise` `[B, H, D]`.

    Args:
        model: of the environment.
        state: that the samples start from.
        policy: that proposes them.
        noise: scaled by the policy's deviation.
        rest: scaled actions `[B, H, D]`, which count once all samples have ended.
    """
    actions, rollouts = model.follow(state, policy, noise)
    length = actions.shape[1]
    actions = np.concatenate([actions, rest[:, length:]], axis=1)
    return Samples(actions, rollouts.extended(noise.shape[1]), rollouts.rewards.size)


def inserted(samples: Samples, at: int, others: Samples) -> Samples:
    """Return samples with others before the one at `at`."""
    before, after = samples.rollouts.part(slice(at)), samples.rollouts.part(slice(at, None))
    return Samples(
        np.concatenate([samples.actions[:at], others.actions, samples.actions[at:]]),
        joined([before, others.rollouts, after]),
        samples.simulated + others.simulated,
    )

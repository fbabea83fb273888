"""What a search over continuous actions samples around: a policy, or a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Proposed = dict[bytes, tuple[Floats, Floats]]  # mean and deviation by observation

_REMEMBERED = 4096  # observations


class Policy(Protocol):
    """Proposes actions."""

    def propose(self, observations: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
        """Return mean and deviation of actions `[B, D]`, scaled to [-1, 1]."""
        ...


class Plan(NamedTuple):
    """A trajectory to sample around; what comes after its end counts for nothing.

    Attributes:
        first: step of the episode at which it begins.
        actions: `[H, D]`, scaled to [-1, 1].
        deviation: of samples `[H, D]`.
        beyond: worth of an episode that has not ended when the plan does.
    """

    first: int
    actions: Floats
    deviation: Floats
    beyond: float = 0.0

    def near(self, steps: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return mean and deviation of actions `[..., D]` at steps `[...]` of the episode."""
        places = np.clip(steps - self.first, 0, len(self.actions) - 1)
        return self.actions[places], self.deviation[places]

    def left(self, steps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return how many of its steps are left at steps of the episode."""
        return np.maximum(self.first + len(self.actions) - steps, 0)


def propose_alone(
    policy: Policy, observations: Sequence[npt.NDArray[np.float32]], known: Proposed
) -> tuple[Floats, Floats]:
    """Return mean and deviation of actions `[B, D]`, each as if there were no other.

    In batches of other sizes networks round otherwise, and what is done must be what was looked at.

    Args:
        policy: is asked of what is not known.
        observations: `B` of `[F]`.
        known: what it said before; grows.
    """
    found = []
    for observation in observations:
        key = observation.tobytes()
        if key not in known:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[key] = policy.propose(observation[None])
        found.append(known[key])
    means, deviations = zip(*found, strict=True)
    return np.concatenate(means), np.concatenate(deviations)

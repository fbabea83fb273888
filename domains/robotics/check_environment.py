"""Does an environment go on the same from a snapshot?

Searching an environment rests on it: the suite takes snapshots in the midst of episodes, goes on,
does something else, restores, and wants the same numbers to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tesuji.domains.robotics.environments import Env, EnvironmentRefusedError
from tesuji.domains.robotics.snapshots import Snapshots
from tesuji.domains.robotics.spaces import environment_name, flatten_observation

_STEPS = 50  # that must be the same
_ELSEWHERE = 20  # steps of another episode in between


@dataclass(frozen=True)
class EnvironmentReport:
    """What `check_environment` looked at without finding a difference.

    Attributes:
        name: of the environment.
        num_snapshots: that were restored.
        num_steps: that were repeated.
        draws: whether steps draw random numbers.
    """

    name: str
    num_snapshots: int
    num_steps: int
    draws: bool

    def __str__(self) -> str:
        """Return one line."""
        return (
            f"{self.name}: {self.num_snapshots} snapshots restored, "
            f"{self.num_steps} steps repeated to the bit"
            + ("; steps draw random numbers" if self.draws else "")
        )


def check_environment(env: Env, num_snapshots: int = 20, seed: int = 0) -> EnvironmentReport:
    """Check that restoring a snapshot and going on repeats up to 50 steps to the bit.

    Args:
        env: to be used for nothing else meanwhile.
        num_snapshots: more find rarer faults.
        seed: of episodes and actions.

    Raises:
        EnvironmentRefusedError: it does not; the message says what differed first.
    """
    name = environment_name(env)
    try:
        snapshots = Snapshots(env)
    except (TypeError, RuntimeError, NotImplementedError) as error:
        raise EnvironmentRefusedError(f"{name} cannot be copied: {error}") from None
    rng = np.random.default_rng(seed)
    env.action_space.seed(seed)
    steps = 0
    for i in range(num_snapshots):
        snapshots.reset(seed=seed + i)
        before = [env.action_space.sample() for _ in range(rng.integers(30))]
        if any(end or cut for *_, end, cut in _go_on(env, before)):
            snapshots.reset(seed=seed + i)
        try:
            taken = snapshots.save()
        except (TypeError, RuntimeError, NotImplementedError) as error:
            raise EnvironmentRefusedError(f"{name} cannot be copied: {error}") from None
        actions = [env.action_space.sample() for _ in range(_STEPS)]
        first = _go_on(env, actions)
        if i % 2 or len(first) < _STEPS:
            snapshots.reset(seed=seed + i + num_snapshots)
        _go_on(env, [env.action_space.sample() for _ in range(_ELSEWHERE)])
        snapshots.restore(taken)
        second = _go_on(env, actions)
        for j, (one, other) in enumerate(zip(first, second, strict=False)):
            if one != other:
                at = next(k for k, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
                what = ("observation", "reward", "termination", "truncation")[at]
                raise EnvironmentRefusedError(
                    f"{name} cannot be planned in: {j + 1} steps after a restored snapshot its "
                    f"{what} differs, so it keeps state where snapshots do not reach"
                )
        steps += len(first)
    return EnvironmentReport(name, num_snapshots, steps, snapshots.draws)


def _go_on(env: Env, actions: list[Any]) -> list[tuple[bytes, float, bool, bool]]:
    seen = []
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        flat = flatten_observation(env.observation_space, observation)
        seen.append((flat.tobytes(), float(reward), bool(terminated), bool(truncated)))
        if terminated or truncated:
            break
    return seen

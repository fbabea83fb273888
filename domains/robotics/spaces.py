"""Gymnasium's spaces: observations as numbers, actions as a number of them."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit

from tesuji.domains.base import FloatArray
from tesuji.domains.robotics.environments import Env, EnvironmentRefusedError

_MAX_ACTIONS = 4096


def environment_name(env: Env) -> str:
    """Return the id of an environment, or the name of its class."""
    return env.spec.id if env.spec is not None else type(env.unwrapped).__name__


def flatten_observation(space: Space[Any], observation: Any) -> FloatArray:
    """Return the numbers of an observation, `[F]`; texts are left out.

    Raises:
        EnvironmentRefusedError: there are none.
    """
    parts: list[npt.NDArray[Any]] = []
    _collect(space, observation, parts)
    if not parts:
        raise EnvironmentRefusedError(f"observations of {space} hold no numbers")
    return np.concatenate(parts).astype(np.float32)


def _collect(space: Space[Any], value: Any, parts: list[npt.NDArray[Any]]) -> None:
    if isinstance(space, Dict):
        for key, inner in space.spaces.items():
            _collect(inner, value[key], parts)
    elif isinstance(space, Tuple):
        for inner, each in zip(space.spaces, value, strict=True):
            _collect(inner, each, parts)
    elif isinstance(space, Box):
        parts.append(np.asarray(value).ravel())
    elif isinstance(space, Discrete | MultiDiscrete | MultiBinary):
        parts.append(np.asarray(gymnasium.spaces.flatten(space, value)).ravel())


def count_actions(name: str, space: Space[Any], num_samples: int) -> int:
    """Return how many actions a domain has: `num_samples` where they are continuous.

    Raises:
        EnvironmentRefusedError: they have no bounds, are too many, or of another kind.
    """
    if isinstance(space, Box):
        if not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
            raise EnvironmentRefusedError(f"{name}: actions of {space} have no bounds")
        if num_samples < 2:
            raise ValueError(f"num_samples must be at least 2, got {num_samples}")
        return num_samples
    if isinstance(space, Discrete):
        return int(space.n)
    if isinstance(space, MultiDiscrete):
        number = math.prod(int(each) for each in space.nvec.ravel())
    elif isinstance(space, MultiBinary):
        number = 2 ** math.prod(space.shape)
    else:
        raise EnvironmentRefusedError(f"{name}: actions of {space} are not supported")
    if number > _MAX_ACTIONS:
        raise EnvironmentRefusedError(f"{name}: {number} actions; at most {_MAX_ACTIONS}")
    return number


def numbered_action(space: Space[Any], index: int) -> Any:
    """Return the action of number `index` of a space without continuous ones."""
    if isinstance(space, Discrete):
        return space.start + index
    if isinstance(space, MultiDiscrete):
        places = np.unravel_index(index, space.nvec.ravel())
        return np.array(places, space.dtype).reshape(space.shape)
    assert isinstance(space, MultiBinary)
    bits = [index >> i & 1 for i in range(math.prod(space.shape))]
    return np.array(bits, space.dtype).reshape(space.shape)


def is_plain(env: Env) -> bool:
    """Return whether no wrapper changes what an environment takes and gives."""
    while isinstance(env, gymnasium.Wrapper):
        if not isinstance(env, TimeLimit | OrderEnforcing | PassiveEnvChecker):
            return False
        env = env.env
    return True


def time_limit(env: Env, most: int) -> int:
    """Return the least limit of steps among an environment's wrappers and `most`."""
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, TimeLimit):
            most = min(most, env._max_episode_steps)
        env = env.env
    return int(most)

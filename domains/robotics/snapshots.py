"""Snapshots of Gymnasium environments: the whole state, the simulator's and Python's.

MuJoCo's is the block of memory that holds `mjSTATE_INTEGRATION`, with the warm start of the next
step, and all that the last step computed: environments read positions of bodies there that lag
behind `qpos` by one substep. Python's is the attributes of the environment and its
wrappers: counters, goals, grids, and random generators. `check_environment` proves for one
environment that this suffices.
"""

from __future__ import annotations

import copy
import ctypes
import sys
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.envs.registration import EnvSpec

from tesuji.domains.robotics.environments import Env, EnvironmentRefusedError

_PROBE_STEPS = 20  # of random actions, to see what an environment changes

_PLAIN = (bool, int, float, complex, str, bytes, np.generic)
_PLAIN_TYPES = frozenset({bool, int, float, str, np.float64, np.float32, np.int64, np.bool_})

# What neither steps nor resets change, by type, by the package of its type, and by name.
_FIXED = (
    gymnasium.Env, gymnasium.spaces.Space, EnvSpec, ModuleType, FunctionType, type,
    np.random.Generator,
)  # fmt: skip
_FIXED_PACKAGES = ("mujoco", "pygame", "glfw", "gymnasium.envs.mujoco.mujoco_rendering")
_FIXED_TYPES = {"MujocoModelNames", "Maze"}
_FIXED_ATTRIBUTES = frozenset(
    {
        *("_saved_kwargs", "_action_space", "_observation_space", "_metadata", "_cached_spec"),
        *("metadata", "spec", "_ezpickle_args", "_ezpickle_kwargs", "observation_structure"),
        *("render_mode", "camera_id", "camera_name"),
    }
)


class Snapshot(NamedTuple):
    """An environment at one moment.

    Attributes:
        physics: for each simulator its memory and its time, in seconds.
        attributes: of each layer of the environment.
        random: states of the random generators.
    """

    physics: list[tuple[npt.NDArray[np.uint8], float]]
    attributes: list[dict[str, Any]]
    random: tuple[dict[str, Any], ...]


class Snapshots:
    """Takes and restores snapshots of one environment.

    The environment is reset and stepped at once, to see what it changes.

    Args:
        env: to be reset by `reset` of this object from now on.

    Attributes:
        env: the environment.
        draws: whether its steps draw random numbers.
        data: of MuJoCo's simulations in it.
    """

    def __init__(self, env: Env) -> None:
        self.env = env
        self.draws = True
        self._random: tuple[dict[str, Any], ...] = ()
        try:
            env.reset(seed=0)
        except OSError as error:
            name = env.spec.id if env.spec else str(env)
            raise EnvironmentRefusedError(f"{name} cannot begin an episode: {error}") from None
        layers = _layers(env)
        self._simulators = [_Simulator(*each) for each in _simulators(layers)]
        self.data = [each.data for each in self._simulators]
        self._generators = _generators(layers)
        self._layers = [_Layer(each) for each in layers]
        self._probe()

    def reset(self, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        result = self.env.reset(seed=seed)
        self._random = self._draw_states()
        return result

    def save(self) -> Snapshot:
        """Return the state."""
        return Snapshot(
            [(each.block.copy(), each.data.time) for each in self._simulators],
            self._copy([layer.values.copy() for layer in self._layers]),
            self._draw_states() if self.draws else self._random,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Make the environment what it was."""
        for i, simulator in enumerate(self._simulators):
            simulator.block[:], simulator.data.time = snapshot.physics[i]
        current = [layer.values for layer in self._layers]
        for i, values in enumerate(snapshot.attributes):
            current[i].update(values)
            if len(current[i]) != len(values):
                for key in current[i].keys() - values.keys():
                    del current[i][key]
        self._copy(current)
        if snapshot.random is not self._random:
            for (layer, key), state in zip(self._generators, snapshot.random, strict=True):
                layer[key].bit_generator.state = state
            self._random = snapshot.random

    def reseed(self, key: int) -> None:
        """Have the random generators draw what follows from `key`."""
        for i, (layer, name) in enumerate(self._generators):
            layer[name].bit_generator.state = np.random.PCG64(key + i).state
        self._random = ()

    def key(self, snapshot: Snapshot) -> bytes | None:
        """Return bytes that are equal just for equal states, whatever is drawn later.

        None where an attribute has no such bytes, and for simulators.
        """
        if self._simulators:
            return None
        parts: list[Any] = []
        for layer, values in zip(self._layers, snapshot.attributes, strict=True):
            for name in layer.moving & values.keys():
                value = values[name]
                if type(value) is not np.ndarray and value is not None and not _is_plain(value):
                    return None
                content = value.tobytes() if type(value) is np.ndarray else value
                parts.append((name, content))
        return repr(sorted(parts, key=lambda part: str(part[0]))).encode()

    def _probe(self) -> None:
        # A value that always was a number needs no copy, nor an array that stayed the same; a
        # random state that no step changes changes at resets only.
        self.env.action_space.seed(0)
        self.draws = False
        for seed in range(2):
            self.reset(seed=seed)
            for _ in range(_PROBE_STEPS):
                before = self._draw_states()
                for layer in self._layers:
                    layer.look()
                *_, terminated, truncated, _ = self.env.step(self.env.action_space.sample())
                self.draws = self.draws or self._draw_states() != before
                if terminated or truncated:
                    break
        for layer in self._layers:
            layer.settle()
        self.reset(seed=0)

    def _draw_states(self) -> tuple[dict[str, Any], ...]:
        return tuple(layer[key].bit_generator.state for layer, key in self._generators)

    def _copy(self, layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # Copy in place what can change; objects that layers share stay shared.
        for layer, values in zip(self._layers, layers, strict=True):
            for key in layer.volatile:
                value = values.get(key)
                if value is None:
                    continue
                kind = type(value)
                if kind is np.ndarray and value.dtype != object:
                    values[key] = value.copy()
                elif kind not in _PLAIN_TYPES:
                    self._copy_deeply(layers)
                    return layers
        return layers

    def _copy_deeply(self, layers: list[dict[str, Any]]) -> None:
        memo: dict[int, Any] = {}
        volatile = []
        for layer, values in zip(self._layers, layers, strict=True):
            memo[id(layer.values)] = layer.values
            memo.update((id(value), value) for key, value in values.items() if _is_fixed(value))
            volatile.append({key: values[key] for key in layer.volatile if key in values})
        for values, copies in zip(layers, copy.deepcopy(volatile, memo), strict=True):
            values.update(copies)


class _Layer:
    """The attributes of a wrapper or an environment, and which must be copied."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.volatile: tuple[str, ...] = ()
        self.moving: frozenset[str] = frozenset()  # what steps change
        self._seen: dict[str, tuple[Any, Any]] = {}  # what it was, and its content
        self._changed: set[str] = set()
        self._moved: set[str] = set()

    def look(self) -> None:
        """See which values are other than before."""
        for key, value in self.values.items():
            if key in _FIXED_ATTRIBUTES or _is_fixed(value):
                continue
            content = value.tobytes() if type(value) is np.ndarray else repr(value)
            before = self._seen.setdefault(key, (value, content))
            if before[1] != content or " object at 0x" in str(content):  # says nothing of itself
                self._moved.add(key)
            same = type(value) is np.ndarray and before[0] is value and before[1] == content
            if not _is_plain(value) and not same:
                self._changed.add(key)

    def settle(self) -> None:
        """Decide which attributes must be copied."""
        self.volatile = tuple(sorted(self._changed))
        self.moving = frozenset(self._moved)


class _Simulator:
    """One MuJoCo simulation: its state but for the time lies in one block of memory."""

    def __init__(self, model: Any, data: Any) -> None:
        self.data = data
        self.block = memory(data)
        before, block, time = integration_state(model, data), self.block.copy(), data.time
        self.block[:], data.time = 0, -1.0
        self.block[:], data.time = block, time
        if not np.array_equal(integration_state(model, data), before):
            raise RuntimeError("this version of MuJoCo keeps its state elsewhere; not supported")


def integration_state(model: Any, data: Any) -> npt.NDArray[np.float64]:
    """Return MuJoCo's `mjSTATE_INTEGRATION`: what its next steps follow from."""
    import mujoco  # noqa: PLC0415 - only where an environment has one

    spec = mujoco.mjtState.mjSTATE_INTEGRATION
    state = np.empty(mujoco.mj_stateSize(model, spec))
    mujoco.mj_getState(model, data, state, spec)
    return state


def memory(data: Any) -> npt.NDArray[np.uint8]:
    """Return the memory of all arrays of `data` that do not lie in its arena.

    Raises:
        RuntimeError: they do not lie in one block, in this version of MuJoCo.
    """
    first = data.qpos.ctypes.data
    end = first + int(data.nbuffer)
    for name in ("qvel", "xpos", "xipos", "site_xpos", "cvel", "cfrc_ext", "sensordata"):
        array = getattr(data, name)
        if array.size and not first <= array.ctypes.data < end - array.nbytes + 1:
            raise RuntimeError(f"MuJoCo keeps {name} elsewhere; this version is not supported")
    memory = (ctypes.c_uint8 * int(data.nbuffer)).from_address(first)
    return np.ctypeslib.as_array(memory)


def _layers(env: Env) -> list[dict[str, Any]]:
    """Return the attributes of each wrapper, the environment, and environments inside of it."""
    found: dict[int, dict[str, Any]] = {}
    waiting: list[Any] = [env]
    while waiting:
        layer = waiting.pop(0).__dict__
        if id(layer) not in found:
            found[id(layer)] = layer
            waiting += [v for v in layer.values() if isinstance(v, gymnasium.Env)]
    return list(found.values())


def _simulators(layers: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
    if "mujoco" not in sys.modules:
        return []
    import mujoco  # noqa: PLC0415 - loaded already

    pairs = [(layer.get("model"), layer.get("data")) for layer in layers]
    return [pair for pair in pairs if isinstance(pair[1], mujoco.MjData)]


def _generators(layers: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
    # Where they lie: a reset with a seed puts new ones there.
    return [
        (layer, key)
        for layer in layers
        for key, value in layer.items()
        if isinstance(value, np.random.Generator)
    ]


def _is_plain(value: Any) -> bool:
    if type(value) in {tuple, frozenset}:
        return all(_is_plain(each) for each in value)
    return isinstance(value, _PLAIN)


def _is_fixed(value: Any) -> bool:
    kind = type(value)
    named = kind.__name__ in _FIXED_TYPES or kind.__module__.startswith(_FIXED_PACKAGES)
    return named or isinstance(value, _FIXED)

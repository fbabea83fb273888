"""Snapshots of Gymnasium environments: the whole state, the simulator's and Python's.

MuJoCo's is its memory (`mujoco_memory.py`), with what the last step computed: environments read
positions of bodies there that lag behind `qpos` by one substep. Python's is the attributes of the
environment and its wrappers, with what lies within (`contents.py`): counters, goals, grids; and
random generators. `check_environment` proves for one environment that this suffices.
"""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from tesuji.domains.robotics.contents import Contents, Keeper
from tesuji.domains.robotics.environments import Env, EnvironmentRefusedError
from tesuji.domains.robotics.mujoco_memory import memory, memory_parts

_PROBE_STEPS = 20  # of random actions, to see what an environment changes

_PLAIN = (bool, int, float, complex, str, bytes, np.generic)

# What neither steps nor resets change, by type, by the package of its type, and by name.
_FIXED = (
    gymnasium.Env, gymnasium.spaces.Space, EnvSpec, ModuleType, FunctionType, type,
    np.random.Generator,
)  # fmt: skip
_FIXED_PACKAGES = ("mujoco", "pygame", "glfw", "gymnasium.envs.mujoco.mujoco_rendering")
_FIXED_TYPES = {"gymnasium_robotics.MujocoModelNames", "gymnasium_robotics.Maze"} | {
    f"minigrid.{name}" for name in ("Wall", "Floor", "Goal", "Lava", "Room", "LockedRoom")
}
_TABLES = {"P", "locs", "locs_colors"}  # of toy text: what steps lead to
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
        memory: of the simulators.
        times: of the simulators, in seconds.
        attributes: of each layer of the environment.
        contents: of what can change within the attributes.
        random: states of the random generators.
    """

    memory: list[bytes]
    times: list[float]
    attributes: list[dict[str, Any]]
    contents: Contents
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
        blocks: the memory of each of them.
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
        self._owners = _owners(env)
        simulators = _simulators(self._owners)
        self.data = [data for _, data in simulators]
        self.blocks = [memory(data) for data in self.data]
        self._memory = [part for each in simulators for part in memory_parts(*each)]
        self._generators = _generators(self._owners)
        self._keeper = Keeper(_can_keep, self._owners)
        self._moving: list[frozenset[str]] = []  # attributes that steps change, by owner
        self._volatile: list[tuple[int, str]] = []  # owners and attributes with changing contents
        self._probe()

    def reset(self, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        result = self.env.reset(seed=seed)
        self._random = self._draw_states()
        return result

    def save(self) -> Snapshot:
        """Return the state.

        Raises:
            TypeError: it holds what cannot be saved.
        """
        attributes = [each.__dict__.copy() for each in self._owners]
        changing = [attributes[i].get(key) for i, key in self._volatile] if self._volatile else ()
        return Snapshot(
            [bytes(part) for part in self._memory],
            [each.time for each in self.data],
            attributes,
            self._keeper.save(changing) if changing else [],
            self._draw_states() if self.draws else self._random,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Make the environment what it was."""
        for part, content in zip(self._memory, snapshot.memory):  # noqa: B905 - hot
            part[:] = content
        for data, time in zip(self.data, snapshot.times):  # noqa: B905
            data.time = time
        for owner, values in zip(self._owners, snapshot.attributes):  # noqa: B905
            object.__setattr__(owner, "__dict__", values.copy())
        self._keeper.restore(snapshot.contents)
        if snapshot.random is not self._random:
            for (owner, key), state in zip(self._generators, snapshot.random, strict=True):
                owner.__dict__[key].bit_generator.state = state
            self._random = snapshot.random

    def reseed(self, key: int) -> None:
        """Have the random generators draw what follows from `key`."""
        for i, (owner, name) in enumerate(self._generators):
            owner.__dict__[name].bit_generator.state = np.random.PCG64(key + i).state
        self._random = ()

    def key(self, snapshot: Snapshot) -> bytes | None:
        """Return bytes that are equal just for equal states, whatever is drawn later.

        None where an attribute has no such bytes, and for simulators.
        """
        if self.data:
            return None
        held = {id(thing): content for thing, content in snapshot.contents}
        parts: list[Any] = []
        for moving, values in zip(self._moving, snapshot.attributes, strict=True):
            for name in moving & values.keys():
                value = values[name]
                if type(value) is not np.ndarray and value is not None and not _is_plain(value):
                    return None
                if type(value) is np.ndarray:
                    value = held.get(id(value), value).tobytes()
                parts.append((name, value))
        return repr(sorted(parts, key=lambda part: str(part[0]))).encode()

    def _probe(self) -> None:
        # A value that always was a number needs no copy, nor an array that stayed the same; a
        # random state that no step changes changes at resets only.
        self.env.action_space.seed(0)
        self.draws = False
        layers = [_Layer(each) for each in self._owners]
        for seed in range(2):
            self.reset(seed=seed)
            for _ in range(_PROBE_STEPS):
                before = self._draw_states()
                for layer in layers:
                    layer.look()
                *_, terminated, truncated, _ = self.env.step(self.env.action_space.sample())
                self.draws = self.draws or self._draw_states() != before
                if terminated or truncated:
                    break
        self._moving = [frozenset(layer.moved) for layer in layers]
        self._volatile = [
            (i, key) for i, layer in enumerate(layers) for key in sorted(layer.changed)
        ]
        self.reset(seed=0)

    def _draw_states(self) -> tuple[dict[str, Any], ...]:
        return tuple(owner.__dict__[key].bit_generator.state for owner, key in self._generators)


class _Layer:
    """What is seen of the attributes of a wrapper or an environment."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.changed: set[str] = set()  # whose contents must be saved
        self.moved: set[str] = set()  # that steps change
        self._seen: dict[str, tuple[Any, Any]] = {}  # what it was, and its content

    def look(self) -> None:
        """See which values are other than before."""
        for key, value in self.owner.__dict__.items():
            if key in _FIXED_ATTRIBUTES or _is_fixed(type(value)) or _is_table(self.owner, key):
                continue
            content = value.tobytes() if type(value) is np.ndarray else repr(value)
            before = self._seen.setdefault(key, (value, content))
            if before[1] != content or " object at 0x" in str(content):  # says nothing of itself
                self.moved.add(key)
            same = type(value) is np.ndarray and before[0] is value and before[1] == content
            if not _is_plain(value) and not same:
                self.changed.add(key)


def _owners(env: Env) -> list[Any]:
    """Return each wrapper, the environment, and environments inside of it."""
    found: dict[int, Any] = {}
    waiting: list[Any] = [env]
    while waiting:
        owner = waiting.pop(0)
        if id(owner) not in found:
            found[id(owner)] = owner
            waiting += [v for v in owner.__dict__.values() if isinstance(v, gymnasium.Env)]
    return list(found.values())


def _simulators(owners: list[Any]) -> list[tuple[Any, Any]]:
    """Return models and their data, once each."""
    if "mujoco" not in sys.modules:
        return []
    import mujoco  # noqa: PLC0415 - loaded already

    pairs = [(each.__dict__.get("model"), each.__dict__.get("data")) for each in owners]
    return list(
        {id(data): (m, data) for m, data in pairs if isinstance(data, mujoco.MjData)}.values()
    )


def _generators(owners: list[Any]) -> list[tuple[Any, str]]:
    # Where they lie: a reset with a seed puts new ones there.
    return [
        (owner, key)
        for owner in owners
        for key, value in owner.__dict__.items()
        if isinstance(value, np.random.Generator)
    ]


def _is_plain(value: Any) -> bool:
    if type(value) in {tuple, frozenset}:
        return all(_is_plain(each) for each in value)
    return isinstance(value, _PLAIN)


def _is_fixed(kind: type) -> bool:
    named = f"{kind.__module__.partition('.')[0]}.{kind.__name__}" in _FIXED_TYPES
    return named or kind.__module__.startswith(_FIXED_PACKAGES) or issubclass(kind, _FIXED)


def _can_keep(kind: type) -> bool:
    """Return whether nothing changes what lies deeper; environments and generators may."""
    return _is_fixed(kind) and not issubclass(kind, gymnasium.Env | np.random.Generator)


def _is_table(owner: Any, key: str) -> bool:
    return key in _TABLES and type(owner).__module__.startswith("gymnasium.envs.toy_text.")

"""MiniGrid environments as compiled domains, read from an environment where it stands.

All is read, whatever the agent sees: the grid, what boxes contain, what the mission means. Nothing
of MiniGrid is imported; its classes are known by their names, and one that is not is refused, as
are environments whose steps are not those of `grid_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import DomainSpec, State
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.robotics import grid_rules as rules
from tesuji.domains.robotics.environments import Env, EnvironmentRefusedError, make_environment
from tesuji.domains.robotics.grid_rules import COLOR_NAMES
from tesuji.domains.robotics.spaces import time_limit

# By the names of MiniGrid's classes; empty cells hold None there.
_TYPES = {
    name.capitalize(): number
    for number, name in enumerate(rules.TYPE_NAMES, rules.EMPTY)
    if number != rules.EMPTY
}

# What the class that defines `step` asks for.
_MISSIONS = {
    "MiniGridEnv": rules.PLAIN,
    "BlockedUnlockPickupEnv": rules.PICK_MARKED,
    "KeyCorridorEnv": rules.PICK_MARKED,
    "ObstructedMazeEnv": rules.PICK_MARKED,
    "UnlockPickupEnv": rules.PICK_MARKED,
    "FetchEnv": rules.FETCH,
    "GoToDoorEnv": rules.GO_TO,
    "GoToObjectEnv": rules.GO_TO,
    "PutNearEnv": rules.PUT_NEAR,
    "RedBlueDoorEnv": rules.RED_BLUE,
    "UnlockEnv": rules.UNLOCK,
    "MemoryEnv": rules.MEMORY,
}
_WHY_NOT = {
    "DynamicObstaclesEnv": "its obstacles move at random",
    "RoomGridLevel": "BabyAI's instructions are not among the compiled missions",
}
_HARMLESS = {"OrderEnforcing", "PassiveEnvChecker", "TimeLimit"}  # wrappers
_NOTHING = rules.EMPTY, 0, 0  # type, colour, state
_EDGE = rules.WALL, COLOR_NAMES.index("grey"), 0  # what MiniGrid shows beyond a grid


def is_grid(env: Env) -> bool:
    """Return whether an environment is one of MiniGrid's."""
    return any(each.__name__ == "MiniGridEnv" for each in type(env.unwrapped).__mro__)


def make_grid(env: Env | str, seed: int = 0) -> CompiledDomain:
    """Return the domain that begins where an environment stands.

    Args:
        env: one of MiniGrid's that was reset, or the name of one, which is reset by `seed`.
        seed: see `env`.

    Raises:
        EnvironmentRefusedError: it is none of MiniGrid's, or of one whose rules are not compiled.
    """
    if isinstance(env, str):
        env = make_environment(env)
        if is_grid(env):
            env.reset(seed=seed)
    name = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
    mission = _mission(env, name)
    inner: Any = env.unwrapped
    width, height = int(inner.width), int(inner.height)
    if width * height > rules.MAX_CELLS:
        raise EnvironmentRefusedError(
            f"{name}: {width} by {height} cells; at most {rules.MAX_CELLS} in all"
        )
    marked = inner.obj if mission == rules.PICK_MARKED else None
    kinds = _Kinds(name, marked)
    cells = np.array([kinds.number(each) for each in inner.grid.grid], np.int64)
    carrying = kinds.number(inner.carrying)
    header = np.zeros(rules.KINDS, np.int64)
    header[[rules.WIDTH, rules.HEIGHT]] = width, height
    header[[rules.MAX_STEPS, rules.LIMIT]] = inner.max_steps, time_limit(env, int(inner.max_steps))
    header[rules.MISSION] = mission
    targets = _targets(inner, mission)
    header[rules.TARGET : rules.TARGET + len(targets)] = targets
    header[[rules.X, rules.Y]] = inner.agent_pos
    header[[rules.DIRECTION, rules.CARRYING]] = inner.agent_dir, carrying
    header[rules.STEPS] = inner.step_count
    header[rules.NUM_KINDS] = len(kinds.rows)
    spec = DomainSpec(
        name=name,
        num_actions=rules.NUM_ACTIONS,
        observation_shape=(rules.NUM_PLANES, height, width),
        num_players=1,
        max_steps=int(header[rules.LIMIT]),
        value_range=(0.0, 1.0),
    )
    instance = np.concatenate([header, np.array(kinds.rows, np.int64).ravel(), cells])
    return CompiledDomain(
        spec,
        rules.kernels,
        instance,
        render=lambda state: _text(instance, state),
        action_name=lambda state, action: rules.ACTION_NAMES[action],
    )


def look(env: Env) -> dict[str, int]:
    """Return where MiniGrid's agent is, what it carries, and what it sees in front of it.

    Types, colours and states are MiniGrid's numbers; beyond the edge are grey walls, as it has it.
    """
    inner: Any = env.unwrapped
    x, y = (int(each) for each in inner.front_pos)
    front = _EDGE
    if 0 <= x < inner.width and 0 <= y < inner.height:
        thing = inner.grid.get(x, y)
        front = _NOTHING if thing is None else thing.encode()
    held = _NOTHING if inner.carrying is None else inner.carrying.encode()
    return _told(inner.agent_pos[0], inner.agent_pos[1], inner.agent_dir, held, front)


def look_from(
    instance: npt.NDArray[np.int64], state: State, cell: int, direction: int
) -> dict[str, int]:
    """Return what `look` would tell where the agent has a pose in a state of the domain."""
    width = int(instance[rules.WIDTH])

    def thing(kind: int) -> Sequence[int]:
        start = rules.KINDS + rules.FIELDS * kind
        return instance[start : start + 3].tolist() if kind else _NOTHING

    y, x = divmod(cell, width)
    ahead = int(rules.cell_ahead(instance, x, y, direction))
    front = _EDGE if ahead < 0 else thing(int(state.grid[ahead]))
    return _told(x, y, direction, thing(int(state.carrying)), front)


def _told(
    x: int, y: int, direction: int, held: Sequence[int], front: Sequence[int]
) -> dict[str, int]:
    """Return by name what is seen; things by type, colour and state."""
    found = {
        "agent_x": x, "agent_y": y, "agent_dir": direction,
        "carrying": held[0], "carrying_color": held[1],
        "front": front[0], "front_color": front[1], "front_state": front[2],
    }  # fmt: skip
    return {name: int(value) for name, value in found.items()}


def encode_grid(domain: CompiledDomain, state: State) -> npt.NDArray[np.uint8]:
    """Return types, colours and states of all cells `[W, H, 3]`, as MiniGrid's `Grid.encode`."""
    width, height = (int(each) for each in domain.instance[[rules.WIDTH, rules.HEIGHT]])
    numbers = state.grid[: width * height].astype(np.int64)
    start = rules.KINDS + rules.FIELDS * numbers[:, None]
    table = domain.instance[start + np.arange(3)]
    table[numbers == 0] = rules.EMPTY, 0, 0
    shown: npt.NDArray[np.uint8] = table.reshape(height, width, 3).astype(np.uint8)
    return shown.transpose(1, 0, 2)


class _Kinds:
    """The table of kinds, which grows as things are met."""

    def __init__(self, name: str, marked: Any) -> None:
        self.rows: list[list[int]] = [[0] * rules.FIELDS]
        self._name, self._marked = name, marked
        self._known: dict[tuple[int, ...], int] = {}

    def number(self, thing: Any) -> int:
        """Return the number of what lies on a cell, 0 for nothing."""
        if thing is None:
            return 0
        what = _TYPES.get(type(thing).__name__)
        if what is None or not type(thing).__module__.startswith("minigrid."):
            raise EnvironmentRefusedError(
                f"{self._name}: the rules of {type(thing).__name__} are not compiled"
            )
        color = COLOR_NAMES.index(thing.color)
        if what == rules.DOOR:
            return self._door(thing, color)
        if what in (rules.KEY, rules.BALL, rules.BOX):
            # Each is a kind of its own; what it contains is one, too.
            return self._add((id(thing),), what, color, 0, thing)
        return self._add((what, color), what, color, 0, thing)

    def _door(self, door: Any, color: int) -> int:
        if door.is_open and door.is_locked:
            raise EnvironmentRefusedError(f"{self._name}: a door that is both open and locked")
        numbers = [self._add((color, s), rules.DOOR, color, s, None) for s in range(3)]
        self.rows[numbers[rules.OPEN]][rules.AFTER] = numbers[rules.CLOSED]
        self.rows[numbers[rules.CLOSED]][rules.AFTER] = numbers[rules.OPEN]
        self.rows[numbers[rules.LOCKED]][rules.AFTER] = numbers[rules.OPEN]
        state = rules.OPEN if door.is_open else rules.LOCKED if door.is_locked else rules.CLOSED
        return numbers[state]

    def _add(self, key: tuple[int, ...], what: int, color: int, state: int, thing: Any) -> int:
        known = (what, *key)
        if known not in self._known:
            if len(self.rows) == rules.MAX_KINDS:
                raise EnvironmentRefusedError(f"{self._name}: over {rules.MAX_KINDS - 1} things")
            number = self._known[known] = len(self.rows)
            is_marked = thing is not None and thing is self._marked
            self.rows.append([what, color, state, number, int(is_marked)])
            if what == rules.BOX:
                self.rows[number][rules.AFTER] = self.number(thing.contains)
        return self._known[known]


def _mission(env: Env, name: str) -> int:
    if not is_grid(env):
        raise EnvironmentRefusedError(f"{name} is none of MiniGrid's environments")
    layer: Any = env
    while layer is not env.unwrapped:
        kinds = [each.__name__ for each in type(layer).__mro__]
        if kinds[0] not in _HARMLESS and "ObservationWrapper" not in kinds:
            raise EnvironmentRefusedError(f"{name}: the wrapper {kinds[0]} is not compiled")
        layer = layer.env
    methods = {
        method: next(each for each in type(layer).__mro__ if method in vars(each))
        for method in ("step", "_reward")
    }
    owner = methods["step"]
    mission = _MISSIONS.get(owner.__name__) if owner.__module__.startswith("minigrid.") else None
    if mission is None or methods["_reward"].__name__ != "MiniGridEnv":
        why = _WHY_NOT.get(owner.__name__, f"the rules of {type(layer).__name__} are not compiled")
        raise EnvironmentRefusedError(f"{name}: {why}")
    inner: Any = layer
    if inner.agent_dir is None:
        raise EnvironmentRefusedError(f"{name}: reset the environment first")
    return mission


def _targets(env: Any, mission: int) -> list[int]:
    """Return what `TARGET` and on hold for a mission."""

    def cell(place: Any) -> int:
        return int(place[1]) * int(env.width) + int(place[0])

    def door(wanted: Any) -> int:
        return next(i for i, each in enumerate(env.grid.grid) if each is wanted)

    found: list[int] = []
    if mission == rules.FETCH:
        found = [_number(env.targetType), COLOR_NAMES.index(env.targetColor)]
    elif mission == rules.GO_TO:
        found = [cell(env.target_pos)]
    elif mission == rules.PUT_NEAR:
        found = [
            cell(env.target_pos),
            _number(env.move_type),
            COLOR_NAMES.index(env.moveColor),
        ]
    elif mission == rules.RED_BLUE:
        found = [door(env.red_door), door(env.blue_door)]
    elif mission == rules.UNLOCK:
        found = [door(env.door)]
    elif mission == rules.MEMORY:
        found = [cell(env.success_pos), cell(env.failure_pos)]
    return found


def _number(kind: str) -> int:
    return _TYPES[kind.capitalize()]


def _text(instance: npt.NDArray[np.int64], state: State) -> str:
    """Return the grid as text: two letters a thing, of its type and its colour."""
    letters = {rules.WALL: "#", rules.FLOOR: "_", rules.KEY: "K", rules.BALL: "O"}
    letters |= {rules.BOX: "B", rules.GOAL: "G", rules.LAVA: "~"}

    def show(kind: int) -> str:
        what, color, door = instance[rules.KINDS + rules.FIELDS * kind :][:3]
        if kind == 0:
            return "  "
        letter = "/DL"[door] if what == rules.DOOR else letters[int(what)]
        return letter * 2 if what in (rules.WALL, rules.LAVA) else letter + COLOR_NAMES[color][0]

    width, height = (int(each) for each in instance[[rules.WIDTH, rules.HEIGHT]])
    rows = [[show(int(state.grid[y * width + x])) for x in range(width)] for y in range(height)]
    rows[int(state.y)][int(state.x)] = ">v<^"[int(state.direction)] * 2
    held = f", carrying {show(int(state.carrying))}" if state.carrying else ""
    return "\n".join("".join(row) for row in rows) + f"\nstep {int(state.steps)}{held}"

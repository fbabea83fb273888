"""MiniGrid's rules as kernels: an agent that turns, walks, carries, drops, and opens.

What lies on a cell is a number of a *kind*; 0 is nothing. The table of kinds is data of the
instance: type, colour, a door's state, the kind that a toggle makes of it, and a mark on what the
mission names. Each key, ball and box is a kind of its own, since missions tell equal ones apart; a
box's toggle makes it what it contains. Cells are numbered row by row, `y * width + x`.

MiniGrid: Chevalier-Boisvert et al. 2023, https://arxiv.org/abs/2306.13831.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.compiled import Kernels

MAX_CELLS = 640  # 25 by 25, rounded up to whole words
MAX_KINDS = 256

# Types, numbered as in MiniGrid's encoding.
EMPTY, WALL, FLOOR, DOOR, KEY, BALL, BOX, GOAL, LAVA = range(1, 10)
OPEN, CLOSED, LOCKED = range(3)
LEFT, RIGHT, FORWARD, PICKUP, DROP, TOGGLE, DONE = range(7)
NUM_ACTIONS = 7
TYPE_NAMES = ("empty", "wall", "floor", "door", "key", "ball", "box", "goal", "lava")
COLOR_NAMES = ("red", "green", "blue", "purple", "yellow", "grey")  # numbered as there
ACTION_NAMES = ("left", "right", "forward", "pickup", "drop", "toggle", "done")

# What ends an episode besides goals, lava and the limit of steps; then what `TARGET` on hold.
(
    PLAIN,  # nothing
    PICK_MARKED,  # the marked kind is picked up
    FETCH,  # anything is carried; it should be of the type and colour TARGET, TARGET + 1
    GO_TO,  # done, which should be beside the cell TARGET; a toggle fails
    PUT_NEAR,  # a drop, which should be near the cell TARGET; only TARGET + 1, TARGET + 2 is taken
    RED_BLUE,  # the door on cell TARGET should be opened before that on TARGET + 1
    UNLOCK,  # the door on cell TARGET is open after a toggle
    MEMORY,  # cell TARGET is reached, or TARGET + 1, which fails; pickup means toggle
) = range(8)

# Where an instance keeps its numbers: `KINDS` is followed by the table, and that by the cells.
WIDTH, HEIGHT, MAX_STEPS, LIMIT, MISSION, TARGET = range(6)
X, Y, DIRECTION, CARRYING, STEPS, NUM_KINDS = range(9, 15)
KINDS = 16
TYPE, COLOR, STATE, AFTER, MARK = range(5)
FIELDS = 5  # of a kind

state_dtype = np.dtype(
    [
        ("x", np.uint8),
        ("y", np.uint8),
        ("direction", np.uint8),  # 0 right, 1 down, 2 left, 3 up
        ("carrying", np.uint8),  # a kind
        ("steps", np.int32),
        ("grid", np.uint8, MAX_CELLS),  # kinds
    ]
)
kernels = Kernels(state_dtype)

# Planes of an observation: types, colours, closed and locked, the mark, the agent by direction,
# type and colour of what it carries, and the part of the steps that is left.
_COLORS, _DOORS, _MARKED, _AGENT, _HELD, _HELD_COLOR, _LEFT = 10, 16, 18, 19, 23, 26, 32
NUM_PLANES = 33


@njit(cache=True, inline="always")
def kind_field(instance, kind, field):  # type: ignore[no-untyped-def]
    """Return a field of a kind."""
    return instance[KINDS + FIELDS * kind + field]


@njit(cache=True, inline="always")
def cell_ahead(instance, x, y, direction):  # type: ignore[no-untyped-def]
    """Return the cell in front, -1 beyond the edge."""
    x = np.int64(x) + (direction == 0) - (direction == 2)
    y = np.int64(y) + (direction == 1) - (direction == 3)
    if x < 0 or y < 0 or x >= instance[WIDTH] or y >= instance[HEIGHT]:
        return np.int64(-1)
    return y * instance[WIDTH] + x


@njit(cache=True, inline="always")
def can_enter(instance, kind):  # type: ignore[no-untyped-def]
    """Return whether an agent can walk onto a kind."""
    if kind == 0:
        return True
    what = kind_field(instance, kind, TYPE)
    if what == DOOR:
        return kind_field(instance, kind, STATE) == OPEN
    return what in (FLOOR, GOAL, LAVA)


@njit(cache=True, inline="always")
def can_take(instance, kind):  # type: ignore[no-untyped-def]
    """Return whether an agent can pick up a kind."""
    return kind != 0 and kind_field(instance, kind, TYPE) in (KEY, BALL, BOX)


@njit(cache=True, inline="always")
def toggled(instance, kind, carrying):  # type: ignore[no-untyped-def]
    """Return what a toggle makes of a kind."""
    if kind == 0:
        return np.int64(0)
    after = kind_field(instance, kind, AFTER)
    is_door = kind_field(instance, kind, TYPE) == DOOR
    if is_door and kind_field(instance, kind, STATE) == LOCKED:
        fits = carrying != 0 and kind_field(instance, carrying, TYPE) == KEY
        if not fits or kind_field(instance, carrying, COLOR) != kind_field(instance, kind, COLOR):
            return np.int64(kind)
    return after


@njit(cache=True, inline="always")
def is_open(instance, kind):  # type: ignore[no-untyped-def]
    """Return whether a kind is an open door."""
    door = kind != 0 and kind_field(instance, kind, TYPE) == DOOR
    return door and kind_field(instance, kind, STATE) == OPEN


@njit(cache=True, inline="always")
def is_like(instance, kind, what, color):  # type: ignore[no-untyped-def]
    """Return whether a kind has a type and a colour."""
    return kind_field(instance, kind, TYPE) == what and kind_field(instance, kind, COLOR) == color


@njit(cache=True, inline="always")
def distance(instance, cell, other):  # type: ignore[no-untyped-def]
    """Return how many steps lie between two cells."""
    width = instance[WIDTH]
    return abs(cell % width - other % width) + abs(cell // width - other // width)


@njit(cache=True, inline="always")
def is_near(instance, cell, other):  # type: ignore[no-untyped-def]
    """Return whether two cells are the same or touch, at corners too."""
    width = instance[WIDTH]
    across, down = abs(cell % width - other % width), abs(cell // width - other // width)
    return across <= 1 and down <= 1


@njit(cache=True)
def judge(state, action, instance, ahead, carried, red_was_open):  # type: ignore[no-untyped-def]
    """Return 1 where the mission is done by an action that was taken, -1 where it failed, else 0.

    Args:
        state: after the action.
        action: taken.
        instance: of the domain.
        ahead: the cell that was in front, -1 beyond the edge.
        carried: the kind that was carried before.
        red_was_open: whether the door on cell TARGET was, before.
    """
    mission, target = instance[MISSION], instance[TARGET]
    held, result = np.int64(state.carrying), 0
    if mission == PICK_MARKED:
        result = int(action == PICKUP and held != 0 and kind_field(instance, held, MARK) != 0)
    elif mission == FETCH and held:
        result = 1 if is_like(instance, held, target, instance[TARGET + 1]) else -1
    elif mission == GO_TO and action in (TOGGLE, DONE):
        at = np.int64(state.y) * instance[WIDTH] + state.x
        result = 1 if action == DONE and distance(instance, at, target) == 1 else -1
    elif mission == PUT_NEAR and action == DROP and carried:
        result = 1 if held == 0 and is_near(instance, ahead, target) else -1
    elif mission == PUT_NEAR and action == PICKUP and held:
        result = int(is_like(instance, held, instance[TARGET + 1], instance[TARGET + 2])) - 1
    elif mission == RED_BLUE and is_open(instance, state.grid[instance[TARGET + 1]]):
        result = 1 if red_was_open else -1
    elif mission == UNLOCK:
        result = int(action == TOGGLE and is_open(instance, state.grid[target]))
    elif mission == MEMORY:
        at = np.int64(state.y) * instance[WIDTH] + state.x
        result = int(at == target) - int(at == instance[TARGET + 1])
    return result


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Begin where the environment stood."""
    state.x, state.y = instance[X], instance[Y]
    state.direction, state.carrying = instance[DIRECTION], instance[CARRYING]
    state.steps = instance[STEPS]
    first = KINDS + FIELDS * instance[NUM_KINDS]
    for cell in range(instance[WIDTH] * instance[HEIGHT]):
        state.grid[cell] = instance[first + cell]


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow everything; what cannot be done changes nothing."""
    mask[:] = True


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Act; what ends well is worth more the sooner it comes."""
    state.steps += 1
    ahead = cell_ahead(instance, state.x, state.y, state.direction)
    front = np.int64(state.grid[ahead]) if ahead >= 0 else np.int64(0)
    carried = np.int64(state.carrying)
    mission = instance[MISSION]
    red_was_open = mission == RED_BLUE and is_open(instance, state.grid[instance[TARGET]])
    if mission == MEMORY and action == PICKUP:
        action = np.int64(TOGGLE)
    result = 0
    if action == LEFT:
        state.direction = (state.direction + 3) & 3
    elif action == RIGHT:
        state.direction = (state.direction + 1) & 3
    elif action == FORWARD and ahead >= 0 and can_enter(instance, front):
        state.x, state.y = ahead % instance[WIDTH], ahead // instance[WIDTH]
        if front:
            what = kind_field(instance, front, TYPE)
            result = int(what == GOAL) - int(what == LAVA)
    elif action == PICKUP and carried == 0 and can_take(instance, front):
        state.carrying = front
        state.grid[ahead] = 0
    elif action == DROP and carried and front == 0 and ahead >= 0:
        state.grid[ahead] = carried
        state.carrying = 0
    elif action == TOGGLE and front:
        state.grid[ahead] = toggled(instance, front, carried)
    judged = judge(state, action, instance, ahead, carried, red_was_open)
    if judged:
        result = judged
    reward = 1 - 0.9 * (state.steps / instance[MAX_STEPS]) if result > 0 else 0.0
    return reward, 0.0 if result or state.steps >= instance[LIMIT] else 1.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write the planes."""
    cells = instance[WIDTH] * instance[HEIGHT]
    left = np.float32(1.0 - state.steps / instance[LIMIT])
    held = np.int64(state.carrying)
    for cell in range(cells):
        kind = np.int64(state.grid[cell])
        out[_LEFT * cells + cell] = left
        out[(kind_field(instance, kind, TYPE) if kind else EMPTY) * cells + cell] = 1.0
        if kind:
            out[(_COLORS + kind_field(instance, kind, COLOR)) * cells + cell] = 1.0
            if kind_field(instance, kind, STATE):
                plane = _DOORS + kind_field(instance, kind, STATE) - 1
                out[plane * cells + cell] = 1.0
            out[_MARKED * cells + cell] = kind_field(instance, kind, MARK)
        if held:
            out[(_HELD + kind_field(instance, held, TYPE) - KEY) * cells + cell] = 1.0
            out[(_HELD_COLOR + kind_field(instance, held, COLOR)) * cells + cell] = 1.0
    at = np.int64(state.y) * instance[WIDTH] + state.x
    out[(_AGENT + state.direction) * cells + at] = 1.0

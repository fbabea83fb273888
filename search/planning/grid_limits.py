"""What constraints allow in a grid: a table for each, of all that it speaks of.

A constraint is looked up by the agent's cell and direction, what it carries, what lies in front of
it, and its action; a table has an axis for each of these that it depends on, and steps over the
others by a stride of 0. Place 0 of the axes of things stands for one that is not known, as in
patterns; it allows what some thing there would.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.grid_rules import (
    BOX,
    COLOR,
    DOOR,
    KEY,
    LAVA,
    NUM_ACTIONS,
    STATE,
    TYPE,
    WALL,
    cell_ahead,
    kind_field,
)
from tesuji.search.tree import kernel

NUM_COLORS, NUM_STATES, GREY = 6, 3, 5
UNKNOWN, NOTHING = 0, 1  # places on the axes of things
# Then things that can be carried, by type and colour; types, colours and states of what is ahead.
CARRIED = 2 + (BOX - KEY + 1) * NUM_COLORS
AHEAD = 1 + LAVA * NUM_COLORS * NUM_STATES
ACTIONS = NUM_ACTIONS
_EDGE = 1 + ((WALL - 1) * NUM_COLORS + GREY) * NUM_STATES  # as MiniGrid shows what lies beyond


class Limits(NamedTuple):
    """Tables of constraints: of states first, then of actions.

    Attributes:
        states: how many speak of states alone.
        looks: whether one speaks of what lies in front.
        start: where each table begins `[K]`.
        stride: of x, y, direction, what is carried, what is ahead, the action `[K, 6]`.
        allowed: all tables `[T]`.
    """

    states: int
    looks: bool
    start: npt.NDArray[np.int64]
    stride: npt.NDArray[np.int64]
    allowed: npt.NDArray[np.bool_]


NO_LIMITS = Limits(
    0, False, np.zeros(0, np.int64), np.zeros((0, 6), np.int64), np.zeros(0, np.bool_)
)


@kernel
def may_act(limits, pattern, instance, state, action, exact):  # type: ignore[no-untyped-def]
    """Return whether an action is allowed in a state.

    Args:
        limits: the constraints.
        pattern: that a state is of.
        instance: of the domain.
        state: a state of the domain.
        action: that may be taken there.
        exact: whether it is a state of the grid itself, where all is known.
    """
    count = len(limits.start)
    return limits.states == count or _keeps(
        limits, limits.states, count, pattern, instance, state, action, exact
    )


@kernel
def may_enter(limits, pattern, instance, state, exact):  # type: ignore[no-untyped-def]
    """Return whether a state is allowed; see `may_act`."""
    return limits.states == 0 or _keeps(
        limits, 0, limits.states, pattern, instance, state, 0, exact
    )


@kernel
def _keeps(limits, begin, end, pattern, instance, state, action, exact):  # type: ignore[no-untyped-def]
    held = np.int64(state.carrying)
    carried = np.int64(NOTHING if exact else UNKNOWN)
    if held:
        color = kind_field(instance, held, COLOR)
        carried = 2 + (kind_field(instance, held, TYPE) - KEY) * NUM_COLORS + color
    ahead = cell_ahead(instance, state.x, state.y, state.direction)
    front = np.int64(_EDGE)
    if ahead >= 0:
        kind = np.int64(state.grid[ahead])
        front = np.int64(NOTHING if exact else UNKNOWN)
        if kind:
            what, color = kind_field(instance, kind, TYPE), kind_field(instance, kind, COLOR)
            if exact or what != DOOR or pattern.door_at[ahead] >= 0:
                front = 1 + ((what - 1) * NUM_COLORS + color) * NUM_STATES
                front += kind_field(instance, kind, STATE)
    for k in range(begin, end):
        stride = limits.stride[k]
        place = limits.start[k] + stride[0] * state.x + stride[1] * state.y
        place += stride[2] * state.direction + stride[3] * carried + stride[4] * front
        if not limits.allowed[place + stride[5] * action]:
            return False
    return True

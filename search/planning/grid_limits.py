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
    """Tables of constraints: of states first, then of actions, then of what must come.

    What must come is a bit each, 1 once it has: a state of the search is one of the grid with these
    bits. Of a pattern's state it may be unknown whether it comes, then both are tried.

    Attributes:
        states: how many hold always and speak of states alone.
        always: how many hold always.
        looks: whether one speaks of what lies in front.
        idle: whether something must come that speaks of the action, so that steps count that change
            nothing.
        branches: most ways on by an action.
        start: where each table begins `[K]`.
        stride: of x, y, direction, what is carried, what is ahead, the action `[K, 6]`.
        allowed: all tables `[T]`.
        come: tables, where something that must come does, and where it does not `[M, 2]`.
        hold: tables, of what must hold until then, -1 for nothing `[M]`.
        acts: whether these speak of the action: what must come, what holds until then `[M, 2]`.
        within: steps in which it must come `[M]`.
    """

    states: int
    always: int
    looks: bool
    idle: bool
    branches: int
    start: npt.NDArray[np.int64]
    stride: npt.NDArray[np.int64]
    allowed: npt.NDArray[np.bool_]
    come: npt.NDArray[np.int64]
    hold: npt.NDArray[np.int64]
    acts: npt.NDArray[np.bool_]
    within: npt.NDArray[np.int64]


NO_LIMITS = Limits(
    0, 0, False, False, 1, np.zeros(0, np.int64), np.zeros((0, 6), np.int64), np.zeros(0, np.bool_),
    np.zeros((0, 2), np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.bool_),
    np.zeros(0, np.int64),
)  # fmt: skip


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
    return limits.states == limits.always or _keeps(
        limits, limits.states, limits.always, pattern, instance, state, action, exact
    )


@kernel
def may_enter(limits, pattern, instance, state, exact):  # type: ignore[no-untyped-def]
    """Return whether a state is allowed; see `may_act`."""
    return limits.states == 0 or _keeps(
        limits, 0, limits.states, pattern, instance, state, 0, exact
    )


@kernel
def come_by(limits, pattern, instance, state, action, came, exact):  # type: ignore[no-untyped-def]
    """Return what may have come once an action is taken, and what must have.

    What must have but may not says that the action breaks something.

    Args:
        limits: the constraints.
        pattern: that a state is of.
        instance: of the domain.
        state: before the action.
        action: that is taken.
        came: what has come before.
        exact: see `may_act`.
    """
    may = must = came
    if len(limits.within) == 0:
        return may, must
    carried, front = _things(pattern, instance, state, exact)
    for i in range(len(limits.within)):
        hold, bit = limits.hold[i], np.int64(1) << i
        if came & bit or not (limits.acts[i, 0] or limits.acts[i, 1]):
            continue
        holds = hold < 0 or _allows(limits, hold, state, carried, front, action)
        if not limits.acts[i, 0]:
            must |= np.int64(0) if holds else bit
            continue
        if _allows(limits, limits.come[i, 0], state, carried, front, action):
            may |= bit
        if not (holds and _allows(limits, limits.come[i, 1], state, carried, front, action)):
            must |= bit
    return may, must


@kernel
def come_in(limits, pattern, instance, state, came, may, must, step, exact):  # type: ignore[no-untyped-def]
    """Return what may have come in the state after an action, and what must have.

    Args:
        limits: the constraints.
        pattern: that a state is of.
        instance: of the domain.
        state: after the action, or the first.
        came: what had come before the action.
        may: see `come_by`.
        must: see there.
        step: the number of the action, from 1; 0 for the first state.
        exact: see `may_act`.
    """
    if len(limits.within) == 0 or must & ~may:
        return may, must
    carried, front = _things(pattern, instance, state, exact)
    for i in range(len(limits.within)):
        hold, bit = limits.hold[i], np.int64(1) << i
        if came & bit:
            continue
        if not limits.acts[i, 0]:
            if _allows(limits, limits.come[i, 0], state, carried, front, 0):
                may |= bit
            free = hold < 0 or limits.acts[i, 1]
            holds = free or _allows(limits, hold, state, carried, front, 0)
            if not (holds and _allows(limits, limits.come[i, 1], state, carried, front, 0)):
                must |= bit
        if step >= limits.within[i]:
            must |= bit
    return may, must


@kernel
def _keeps(limits, begin, end, pattern, instance, state, action, exact):  # type: ignore[no-untyped-def]
    carried, front = _things(pattern, instance, state, exact)
    for k in range(begin, end):  # noqa: SIM110
        if not _allows(limits, k, state, carried, front, action):
            return False
    return True


@kernel
def _things(pattern, instance, state, exact):  # type: ignore[no-untyped-def]
    # Places on the axes of things: of what is carried, and of what is ahead.
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
    return carried, front


@kernel
def _allows(limits, k, state, carried, front, action):  # type: ignore[no-untyped-def]
    stride = limits.stride[k]
    place = limits.start[k] + stride[0] * state.x + stride[1] * state.y
    place += stride[2] * state.direction + stride[3] * carried + stride[4] * front
    return limits.allowed[place + stride[5] * action]

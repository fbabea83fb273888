"""The states of a pattern: explored from the first one, then measured from the goal.

A state is a configuration and a pose of the agent, a cell that can be stood on and a direction:
number `configuration * poses + 4 * place + direction`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.successors import copy_row
from tesuji.domains.robotics.grid_rules import (
    BOX,
    DONE,
    FORWARD,
    GO_TO,
    MISSION,
    NUM_ACTIONS,
    PICKUP,
    RIGHT,
    TOGGLE,
    TYPE,
    WIDTH,
    cell_ahead,
    is_open,
    kind_field,
    state_dtype,
    step,
)
from tesuji.search.planning.grid_limits import come_by, come_in, may_act, may_enter
from tesuji.search.planning.grid_pattern import AWAY, GONE, Pattern, follow, lay_out
from tesuji.search.planning.nodes import fill_slots, find_row, hash_state, twice
from tesuji.search.tree import kernel

RUNNING, CLOSED, FULL, REACHED = range(4)
# What `counts` counts; at last how deep the next state is, and where deeper ones begin.
CONFIGURATIONS, DONE_STATES, STATES, EDGES, GOALS, GOAL_ACTION, DEPTH, LAYER = range(8)


class Space(NamedTuple):
    """What is known of a pattern's states."""

    row: npt.NDArray[np.uint8]  # [C, V] configurations
    slot: npt.NDArray[np.int32]  # [H] of the configurations
    parent: npt.NDArray[np.int32]  # [N] states plus 1, of the first one itself; 0 where unknown
    action: npt.NDArray[np.int8]  # [N]
    queue: npt.NDArray[np.int32]  # [N] states in the order in which they were found
    source: npt.NDArray[np.int32]  # [E] states, of edges
    target: npt.NDArray[np.int32]  # [E]
    goal: npt.NDArray[np.int32]  # [N] states from which an action reaches the goal
    scratch: npt.NDArray[np.uint8]  # [V] a configuration


def make_space(pattern: Pattern) -> Space:
    """Return room for states."""
    poses, size = 4 * len(pattern.cell), len(pattern.first)
    return Space(
        np.zeros((16, size), np.uint8), np.zeros(64, np.int32), np.zeros(16 * poses, np.int32),
        np.zeros(16 * poses, np.int8), np.zeros(16 * poses, np.int32),
        np.zeros(64 * poses, np.int32), np.zeros(64 * poses, np.int32),
        np.zeros(16 * poses, np.int32), np.zeros(size, np.uint8),
    )  # fmt: skip


def make_scratch(pattern: Pattern) -> npt.NDArray[np.void]:
    """Return a state `[1]` of the domain in the pattern's grid."""
    state = np.zeros(1, state_dtype).view(np.recarray)
    state["grid"][0, : len(pattern.base)] = pattern.base
    return state


def enlarge(space: Space, configurations: int) -> Space:
    """Return a space with twice the room."""
    grown = Space(*(twice(each) for each in space))._replace(scratch=space.scratch)
    grown.slot[:] = 0
    fill_slots(grown.slot, grown.row, configurations)
    return grown


@kernel
def find_configuration(space, status):  # type: ignore[no-untyped-def]
    """Return the number of a configuration, -1 where it is not known."""
    return np.int64(space.slot[find_row(space.slot, space.row, status, hash_state(status))]) - 1


@kernel
def _number(space, counts, status):  # type: ignore[no-untyped-def]
    # The number of a configuration, a new one where it was not known.
    slot = find_row(space.slot, space.row, status, hash_state(status))
    if space.slot[slot] == 0:
        number = counts[CONFIGURATIONS]
        counts[CONFIGURATIONS] += 1
        space.slot[slot] = number + 1
        copy_row(status, space.row[number])
    return np.int64(space.slot[slot]) - 1


@kernel
def begin(pattern, space, counts, pose):  # type: ignore[no-untyped-def]
    """Make the first state the first that waits."""
    counts[:] = 0
    node = _number(space, counts, pattern.first) + pose
    space.parent[node] = node + 1
    space.queue[0] = node
    counts[STATES] = counts[LAYER] = 1


@kernel
def place_agent(pattern, instance, state, pose):  # type: ignore[no-untyped-def]
    """Put the agent into a pose."""
    cell = pattern.cell[pose >> 2]
    state.x, state.y = cell % instance[WIDTH], cell // instance[WIDTH]
    state.direction = pose & 3
    state.steps = 0


@kernel
def pose_of(pattern, instance, state):  # type: ignore[no-untyped-def]
    """Return the agent's pose, below 0 where it cannot be there."""
    cell = np.int64(state.y) * instance[WIDTH] + state.x
    return 4 * pattern.place[cell] + state.direction


@kernel
def _lead(pattern, space, counts, node, action, pose, changed, may, must):  # type: ignore[no-untyped-def]
    # Note a way to a pose, in the configuration in `scratch`, for each choice of what has come.
    poses, place = 4 * len(pattern.cell), len(pattern.home)
    more = choice = may & ~must
    while True:
        number = node // poses
        if changed or space.row[number, place] != must | more:
            space.scratch[place] = must | more
            number = _number(space, counts, space.scratch)
        after = number * poses + pose
        if after != node:
            space.source[counts[EDGES]] = node
            space.target[counts[EDGES]] = after
            counts[EDGES] += 1
            if space.parent[after] == 0:
                space.parent[after] = node + 1
                space.action[after] = action
                space.queue[counts[STATES]] = after
                counts[STATES] += 1
        if more == 0:
            return
        more = (more - 1) & choice


@kernel
def _try(pattern, instance, limits, space, counts, state, node, action, ahead):  # type: ignore[no-untyped-def]
    # Note what an action does in a node whose configuration is laid out; undo it.
    if not may_act(limits, pattern, instance, state, action, False):
        return
    number, pose = divmod(node, 4 * len(pattern.cell))
    came = np.int64(space.row[number, len(pattern.home)])
    may, must = come_by(limits, pattern, instance, state, action, came, False)
    if must & ~may:
        return
    if limits.idle and action > RIGHT:  # what the pattern does not know may be in the way
        copy_row(space.row[number], space.scratch)
        _lead(pattern, space, counts, node, action, pose, False, may, must)
    carried = np.int64(state.carrying)
    front = np.int64(state.grid[ahead]) if ahead >= 0 else np.int64(0)
    reward, discount = step(state, action, instance, np.uint64(0))
    deep = counts[DEPTH] + 1
    may, must = come_in(limits, pattern, instance, state, came, may, must, deep, False)
    allowed = not must & ~may and may_enter(limits, pattern, instance, state, False)
    if allowed and reward > 0.0:
        whole = may == (np.int64(1) << len(limits.within)) - 1
        if whole and (counts[GOALS] == 0 or space.goal[counts[GOALS] - 1] != node):
            space.goal[counts[GOALS]] = node
            counts[GOALS] += 1
            if counts[GOALS] == 1:
                counts[GOAL_ACTION] = action
    elif allowed and discount != 0.0:
        copy_row(space.row[number], space.scratch)
        changed = follow(pattern, instance, space.scratch, carried, front, ahead, state)
        pose = pose_of(pattern, instance, state)
        _lead(pattern, space, counts, node, action, pose, changed, may, must)
    if ahead >= 0:
        state.grid[ahead] = front
    state.carrying = carried
    place_agent(pattern, instance, state, node % (4 * len(pattern.cell)))


@kernel
def _try_elsewhere(pattern, instance, limits, space, counts, state, node, ahead):  # type: ignore[no-untyped-def]
    # What lies elsewhere may lie on the empty cell in front.
    number = node // (4 * len(pattern.cell))
    for part in range(len(pattern.home)):
        status = np.int64(space.row[number, part])
        if pattern.door[part] or status == GONE or (status - 1) % 3 != AWAY:
            continue
        kind = pattern.kind[part, (status - 1) // 3]
        if ahead != pattern.home[part]:
            state.grid[ahead] = kind
            if state.carrying == 0:
                _try(pattern, instance, limits, space, counts, state, node, PICKUP, ahead)
            if kind_field(instance, kind, TYPE) == BOX:
                _try(pattern, instance, limits, space, counts, state, node, TOGGLE, ahead)
            state.grid[ahead] = 0


@kernel
def explore(pattern, instance, limits, space, counts, scratch, stop):  # type: ignore[no-untyped-def]
    """Explore, breadth first; return how that stands.

    Args:
        pattern: the pattern.
        instance: of the domain.
        limits: constraints.
        space: what is known.
        counts: see there.
        scratch: a state of the domain `[1]`.
        stop: whether to stop as soon as the goal is reached.
    """
    state = scratch[0]
    poses = 4 * len(pattern.cell)
    room = (NUM_ACTIONS + 2 * len(pattern.home)) * limits.branches
    shown = np.int64(-1)
    while counts[DONE_STATES] < counts[STATES]:
        if stop and counts[GOALS]:
            return REACHED
        full = (counts[CONFIGURATIONS] + room) * poses > len(space.parent)
        if full or counts[EDGES] + room > len(space.source):
            return FULL
        if counts[DONE_STATES] == counts[LAYER]:
            counts[DEPTH] += 1
            counts[LAYER] = counts[STATES]
        node = np.int64(space.queue[counts[DONE_STATES]])
        counts[DONE_STATES] += 1
        number = node // poses
        if number != shown:
            lay_out(pattern, space.row[number], state)
            shown = number
        place_agent(pattern, instance, state, node % poses)
        ahead = cell_ahead(instance, state.x, state.y, state.direction)
        front = np.int64(state.grid[ahead]) if ahead >= 0 else np.int64(0)
        for action in range(NUM_ACTIONS):
            if is_useful(instance, limits, action, front):
                _try(pattern, instance, limits, space, counts, state, node, action, ahead)
        if front == 0 and ahead >= 0:
            _try_elsewhere(pattern, instance, limits, space, counts, state, node, ahead)
    return CLOSED


@kernel
def is_useful(instance, limits, action, front):  # type: ignore[no-untyped-def]
    """Return whether an action can be part of a shortest plan, as far as one sees at once."""
    if limits.idle:
        return True
    if action == DONE:
        return instance[MISSION] == GO_TO
    if action == TOGGLE:
        return front != 0 and (limits.looks or not is_open(instance, front))
    return front != 0 if action == PICKUP else action <= FORWARD or front == 0


@kernel
def measure(space, counts, start, source, distance, queue):  # type: ignore[no-untyped-def]
    """Write how many actions lie between each state and the goal, -1 where it is out of reach.

    Args:
        space: explored.
        counts: of it.
        start: `[N + 1]` room for where the edges into each state begin.
        source: `[E]` room for their sources.
        distance: `[N]` written.
        queue: `[N]` room.
    """
    start[:] = 0
    distance[:] = -1
    for i in range(counts[EDGES]):
        start[space.target[i] + 1] += 1
    for node in range(len(start) - 1):
        start[node + 1] += start[node]
    for i in range(counts[EDGES] - 1, -1, -1):  # fills each state's from its end
        node = space.target[i] + 1
        start[node] -= 1
        source[start[node]] = space.source[i]
    # Now `start[node + 1]` is where a state's edges begin.
    tail = np.int64(0)
    for i in range(counts[GOALS]):
        if distance[space.goal[i]] < 0:
            distance[space.goal[i]] = 1
            queue[tail] = space.goal[i]
            tail += 1
    head = np.int64(0)
    while head < tail:
        node = queue[head]
        head += 1
        end = start[node + 2] if node + 2 < len(start) else counts[EDGES]
        for i in range(start[node + 1], end):
            if distance[source[i]] < 0:
                distance[source[i]] = distance[node] + 1
                queue[tail] = source[i]
                tail += 1

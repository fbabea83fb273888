"""A* in MiniGrid's grids, on the domain's own steps, guided by distances in a pattern.

A state's steps do not count here: their place holds what has come that constraints ask for.

The distances are consistent, so no state is expanded twice. Of states with the same `f` the newest
is the next, for where distances are right that goes straight to the goal.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.successors import copy_row
from tesuji.domains.robotics.grid_rules import NUM_ACTIONS, cell_ahead, step
from tesuji.search.planning.grid_limits import come_by, come_in, may_act, may_enter
from tesuji.search.planning.grid_pattern import follow
from tesuji.search.planning.grid_space import (
    CLOSED,
    FULL,
    REACHED,
    RUNNING,
    find_configuration,
    is_useful,
    pose_of,
)
from tesuji.search.planning.grid_table import Table, first_state
from tesuji.search.planning.nodes import find_row, hash_state, larger, twice
from tesuji.search.planning.optimal_kernels import (
    ENTRIES,
    GOAL,
    LEAST,
    NODES,
    Open,
    pop_open,
    push_open,
)
from tesuji.search.tree import kernel

_ACTION = GOAL + 1  # what `counts` counts besides: the last action
_QUOTA = 1 << 16  # states that are expanded in one call
_FIRST_NODES = 1 << 10


class Nodes(NamedTuple):
    """States and a hash table of them."""

    state: npt.NDArray[np.uint64]  # [N, V] agent and grid
    parent: npt.NDArray[np.int32]
    operator: npt.NDArray[np.int32]  # actions
    cost: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]  # configurations; below 0 once expanded
    slot: npt.NDArray[np.int32]  # [H]


class GridSearch:
    """Searches for a shortest plan.

    Args:
        table: a pattern, explored to the end.
        most: states that may be met.

    Attributes:
        plan: a shortest one, where one was found.
        bound: no plan is shorter.
    """

    def __init__(self, table: Table, most: int) -> None:
        self.plan: tuple[int, ...] | None = None
        self._table, self._most, self._distance = table, most, table.distances()
        self._scratch = first_state(table.task)
        self._scratch["steps"] = table.came
        self._words = self._scratch.view(np.uint64)
        size = 1 + -(-len(table.task.grid) // 8)
        parent, operator, cost, row = np.zeros((4, _FIRST_NODES), np.int32)
        self._nodes = Nodes(
            np.zeros((_FIRST_NODES, size), np.uint64), parent, operator, cost, row,
            np.zeros(2 * _FIRST_NODES, np.int32),
        )  # fmt: skip
        self._open = Open(
            np.zeros(table.task.left + 1, np.int32), np.zeros(_FIRST_NODES, np.int32),
            np.zeros(_FIRST_NODES, np.int32),
        )  # fmt: skip
        self._counts = np.zeros(_ACTION + 1, np.int64)
        _begin(
            table.space, self._distance, self._nodes, self._open, self._counts, self._words,
            table.poses, table.pose, table.pattern.first,
        )  # fmt: skip

    @property
    def bound(self) -> int:
        """Return what no plan is shorter than."""
        return int(self._counts[LEAST])

    @property
    def met(self) -> int:
        """Return how many states were met."""
        return int(self._counts[NODES])

    def run(self) -> bool:
        """Search until there is a plan or none; return whether the memory sufficed."""
        table, status = self._table, RUNNING
        while status in (RUNNING, FULL):
            status = _run(
                table.pattern, table.task.instance, table.task.limits, table.space,
                self._distance, self._nodes, self._open, self._counts, self._scratch, self._words,
                _QUOTA,
            )  # fmt: skip
            if status == FULL and not self._grow():
                return False
        if status == REACHED:
            found, node = [int(self._counts[_ACTION])], int(self._counts[GOAL])
            while self._nodes.parent[node] >= 0:
                found.append(int(self._nodes.operator[node]))
                node = int(self._nodes.parent[node])
            self.plan = tuple(reversed(found))
        return True

    def _grow(self) -> bool:
        if self._counts[NODES] + NUM_ACTIONS > len(self._nodes.state):
            if len(self._nodes.state) >= self._most:
                return False
            self._nodes = larger(self._nodes, int(self._counts[NODES]))
        if self._counts[ENTRIES] + NUM_ACTIONS > len(self._open.node):
            self._open = self._open._replace(
                node=twice(self._open.node), next=twice(self._open.next)
            )
        return True


@kernel
def _begin(space, distance, nodes, waiting, counts, words, poses, pose, status):  # type: ignore[no-untyped-def]
    row = find_configuration(space, status)
    for i in range(nodes.state.shape[1]):
        nodes.state[0, i] = words[i]
    nodes.parent[0] = nodes.operator[0] = -1
    nodes.row[0] = row
    nodes.slot[find_row(nodes.slot, nodes.state, nodes.state[0], hash_state(nodes.state[0]))] = 1
    counts[NODES] = 1
    f = np.int64(distance[row * poses + pose])
    counts[LEAST] = max(f, np.int64(0))
    if 0 <= f < len(waiting.head):
        push_open(waiting, counts, f, 0)


@kernel
def _run(  # type: ignore[no-untyped-def]
    pattern, instance, limits, space, distance, nodes, waiting, counts, scratch, words, most,
):  # fmt: skip
    # Expand up to `most` nodes; return how the search stands. `words` are those of `scratch`.
    state = scratch[0]
    size = nodes.state.shape[1]
    for _ in range(most):
        full = counts[NODES] + NUM_ACTIONS > len(nodes.state)
        if full or counts[ENTRIES] + NUM_ACTIONS > len(waiting.node):
            return FULL
        node = pop_open(waiting, counts, len(waiting.head))
        if node < 0:
            return CLOSED
        row = np.int64(nodes.row[node])
        if row < 0:
            continue
        nodes.row[node] = -1 - row
        for i in range(size):
            words[i] = nodes.state[node, i]
        ahead = cell_ahead(instance, state.x, state.y, state.direction)
        front = np.int64(state.grid[ahead]) if ahead >= 0 else np.int64(0)
        carried, came = np.int64(state.carrying), np.int64(state.steps)
        depth = np.int64(nodes.cost[node]) + 1
        for action in range(NUM_ACTIONS):
            if not is_useful(instance, limits, action, front):
                continue
            if not may_act(limits, pattern, instance, state, action, True):
                continue
            may, must = come_by(limits, pattern, instance, state, action, came, True)
            reward, discount = step(state, action, instance, np.uint64(0))
            may, must = come_in(limits, pattern, instance, state, came, may, must, depth, True)
            allowed = must & ~may == 0 and may_enter(limits, pattern, instance, state, True)
            if allowed and reward > 0.0 and must == (np.int64(1) << len(limits.within)) - 1:
                counts[GOAL], counts[_ACTION] = node, action
                return REACHED
            if allowed and discount != 0.0:
                state.steps = must
                _reach(
                    pattern, instance, space, distance, nodes, waiting, counts, state, words,
                    node, row, action, carried, front, ahead,
                )  # fmt: skip
            words[0] = nodes.state[node, 0]
            if ahead >= 0:
                state.grid[ahead] = front
    return RUNNING


@kernel
def _reach(  # type: ignore[no-untyped-def]
    pattern, instance, space, distance, nodes, waiting, counts, state, words,
    parent, row, action, carried, front, ahead,
):  # fmt: skip
    # Note a way to a state.
    cost = nodes.cost[parent] + 1
    words = words[: nodes.state.shape[1]]
    slot = find_row(nodes.slot, nodes.state, words, hash_state(words))
    node = np.int64(nodes.slot[slot]) - 1
    poses = 4 * len(pattern.cell)
    if node < 0:
        copy_row(space.row[row], space.scratch)
        changed = follow(pattern, instance, space.scratch, carried, front, ahead, state)
        if changed or space.scratch[len(pattern.home)] != state.steps:
            space.scratch[len(pattern.home)] = state.steps
            row = find_configuration(space, space.scratch)
        if row < 0 or distance[row * poses + pose_of(pattern, instance, state)] < 0:
            return  # no way leads from there to the goal
        node = counts[NODES]
        counts[NODES] += 1
        nodes.slot[slot] = node + 1
        copy_row(words, nodes.state[node])
        nodes.row[node] = row
    elif nodes.row[node] < 0 or cost >= nodes.cost[node]:
        return
    nodes.cost[node] = cost
    nodes.parent[node] = parent
    nodes.operator[node] = action
    row = np.int64(nodes.row[node])
    f = cost + np.int64(distance[row * poses + pose_of(pattern, instance, state)])
    if f < len(waiting.head):
        push_open(waiting, counts, f, node)

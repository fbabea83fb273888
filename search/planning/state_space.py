"""The whole state space of a small task, with the least cost from every state to the goal."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.numeric import make_row
from tesuji.domains.logistics.pddl.ragged import from_pairs
from tesuji.domains.logistics.pddl.successors import copy_row, make_steps, reaches_goal
from tesuji.search.planning.heap import pop, push
from tesuji.search.planning.nodes import find_row, generate, hash_state, make_successors
from tesuji.search.planning.relaxation import DEAD_END
from tesuji.search.tree import kernel

_INDEX_BITS = 24


class StateSpace(NamedTuple):
    """All states that can be reached; state 0 is the first."""

    state: npt.NDArray[Any]  # [N, V]
    distance: npt.NDArray[np.int64]  # [N] least cost to a goal, `DEAD_END` where there is no way
    start: npt.NDArray[np.int64]  # [N + 1]
    operator: npt.NDArray[np.int32]  # of each state's successors
    child: npt.NDArray[np.int32]


def explore(task: FiniteDomain, cost: npt.NDArray[np.int64], most: int) -> StateSpace | None:
    """Return the state space of a task, None where it has numbers or more than `most` states.

    Args:
        task: in finite-domain variables.
        cost: of each operator, above 0.
        most: states, at most 2^24.
    """
    if len(task.numeric.init):
        return None
    steps = make_steps(task)
    init = make_row(task.init, task.numeric.init)
    state = np.zeros((most + 1, len(init)), init.dtype)
    state[0] = init
    successors = make_successors(steps, len(init), init.dtype)
    size = 1 << 4
    while size < 2 * most + 2:
        size *= 2
    start = np.zeros(most + 2, np.int64)
    goal = np.zeros(most + 1, np.bool_)
    room = 1 << 16
    while True:
        operator, child = np.zeros(room, np.int32), np.zeros(room, np.int32)
        found, edges = _enumerate(
            steps, state, np.zeros(size, np.int32), start, operator, child, goal, successors
        )
        if found > most:
            return None
        if edges <= room:
            break
        room *= 4
    operator, child = operator[:edges], child[:edges]
    parents = np.repeat(np.arange(found), np.diff(start[: found + 1]))
    back = from_pairs(child.astype(np.int64), np.arange(edges), found)
    distance = np.full(found, DEAD_END, np.int64)
    heap = np.zeros(edges + found + 1, np.int64)
    _measure(back, parents, cost[operator], goal[:found], distance, heap)
    return StateSpace(
        state[:found, : len(task.init)], distance, start[: found + 1], operator, child
    )


@kernel
def _enumerate(steps, state, slot, start, operator, child, goal, successors):  # type: ignore[no-untyped-def]
    # States in the order in which they are first seen; returns how many, and how many edges.
    most = len(state) - 1
    count, edges, at = 1, 0, 0
    slot[hash_state(state[0]) & np.uint64(len(slot) - 1)] = 1
    while at < count:
        start[at] = edges
        goal[at] = reaches_goal(steps, state[at])
        found = generate(steps, state[at], slot, state, successors)
        for i in range(found):
            place = find_row(slot, state, successors.state[i], successors.bits[i])
            if slot[place] == 0:
                if count > most:
                    return count, edges
                copy_row(successors.state[i], state[count])
                count += 1
                slot[place] = count
            if edges < len(child):
                operator[edges] = successors.operator[i]
                child[edges] = slot[place] - 1
            edges += 1
        at += 1
    start[count] = edges
    return count, edges


@njit(cache=True)
def _measure(back, parent, cost, goal, distance, heap):  # type: ignore[no-untyped-def]
    # Dijkstra from all goals, along edges turned round.
    size = 0
    for i in range(len(goal)):
        if goal[i]:
            distance[i] = 0
            push(heap, size, np.int64(i))
            size += 1
    while size:
        key = pop(heap, size)
        size -= 1
        at = key & ((1 << _INDEX_BITS) - 1)
        far = key >> _INDEX_BITS
        if far > distance[at]:
            continue
        for i in range(back.start[at], back.start[at + 1]):
            edge = back.values[i]
            other = parent[edge]
            if far + cost[edge] < distance[other]:
                distance[other] = far + cost[edge]
                push(heap, size, (distance[other] << _INDEX_BITS) | other)
                size += 1

"""The whole state space of a small task, with the least cost from every state to the goal."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.ragged import from_pairs
from tesuji.domains.logistics.pddl.successors import applicable, apply, make_steps, reaches_goal
from tesuji.search.planning.heap import pop, push
from tesuji.search.planning.relaxation import DEAD_END

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
    wide = int(np.diff(task.first).max(initial=1)) > 256
    kind = np.uint16 if wide else np.uint8
    steps = make_steps(task)
    state = np.zeros((most + 1, len(task.init)), kind)
    state[0] = task.init
    size = 1 << 4
    while size < 2 * most + 2:
        size *= 2
    start = np.zeros(most + 2, np.int64)
    goal = np.zeros(most + 1, np.bool_)
    room = 1 << 16
    while True:
        operator, child = np.zeros(room, np.int32), np.zeros(room, np.int32)
        found, edges = _enumerate(
            steps, state, np.zeros(size, np.int32), start, operator, child, goal,
            np.zeros(len(task.cost), np.int32), np.zeros(max(1, len(steps.switches.own)), np.int32),
        )  # fmt: skip
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
    return StateSpace(state[:found], distance, start[: found + 1], operator, child)


@njit(cache=True)
def _enumerate(steps, state, slot, start, operator, child, goal, out, stack):  # type: ignore[no-untyped-def]
    # States in the order in which they are first seen; returns how many, and how many edges.
    most = len(state) - 1
    mask = np.uint64(len(slot) - 1)
    scratch = state[0].copy()
    count, edges, at = 1, 0, 0
    slot[_place(slot, mask, state, state[0])] = 1
    while at < count:
        start[at] = edges
        goal[at] = reaches_goal(steps, state[at])
        found = applicable(steps, state[at], out, stack)
        for i in range(found):
            apply(steps, out[i], state[at], scratch)
            place = _place(slot, mask, state, scratch)
            if slot[place] == 0:
                if count > most:
                    return count, edges
                state[count] = scratch
                count += 1
                slot[place] = count
            if edges < len(child):
                operator[edges] = out[i]
                child[edges] = slot[place] - 1
            edges += 1
        at += 1
    start[count] = edges
    return count, edges


@njit(cache=True)
def _place(slot, mask, state, wanted):  # type: ignore[no-untyped-def]
    bits = np.uint64(0x9E3779B97F4A7C15)
    for value in wanted:
        bits = (bits ^ np.uint64(value)) * np.uint64(0xD6E8FEB86659FD93)
        bits ^= bits >> np.uint64(32)
    at = bits & mask
    while slot[at]:
        other = state[slot[at] - 1]
        same = True
        for i in range(len(wanted)):
            if other[i] != wanted[i]:
                same = False
                break
        if same:
            break
        at = (at + np.uint64(1)) & mask
    return at


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

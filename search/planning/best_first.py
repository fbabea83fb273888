"""Best-first search over ground planning tasks: greedy and weighted A*, as one kernel.

Evaluation is deferred: a node is judged when it is taken from the queue, not when it is generated,
and its successors wait under its own value. Four queues take turns: for relaxed plans and for
landmarks each one of all successors and one of those by preferred operators, which get a thousand
turns more whenever a heuristic finds a new best value (Richter & Helmert 2009; LAMA, Richter &
Westphal 2010).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.pddl.successors import applicable, apply, reaches_goal
from tesuji.search.planning.landmarks import accept, count_landmarks, leads_on
from tesuji.search.planning.relaxation import DEAD_END, relaxed_plan

RUNNING, FOUND, EXHAUSTED, FULL = range(4)
BOOST = 1000
# What `Control` counts.
NODES, EVALUATED, GENERATED, BEST, BEST_LANDMARKS, GOAL, COUNTER = range(7)
PLAIN, PREFERRED, PLAIN_LANDMARKS, PREFERRED_LANDMARKS = range(4)  # the queues
_VALUE_SHIFT = 34  # a queue's key: value, then age
_MAX_VALUE = np.int64(1) << 28


class Nodes(NamedTuple):
    """States that were judged, and a hash table of them."""

    state: npt.NDArray[Any]  # [N, V]
    parent: npt.NDArray[np.int32]  # [N]
    operator: npt.NDArray[np.int32]  # [N]
    cost: npt.NDArray[np.int64]  # [N] of the way here
    value: npt.NDArray[np.int64]  # [N] of the relaxed plan
    landmarks: npt.NDArray[np.int64]  # [N] landmarks to come
    accepted: npt.NDArray[np.uint64]  # [N, W] landmarks seen on the way
    slot: npt.NDArray[np.int32]  # [H] nodes plus 1, H a power of 2 above 2 N


class Queue(NamedTuple):
    """A binary heap of successors that wait to be judged."""

    key: npt.NDArray[np.int64]
    node: npt.NDArray[np.int32]  # whose successor
    operator: npt.NDArray[np.int32]  # by which operator
    size: npt.NDArray[np.int64]  # [1]
    turns: npt.NDArray[np.int64]  # [1] fewer is sooner


class Control(NamedTuple):
    """A search's settings and its counters."""

    counts: npt.NDArray[np.int64]  # see NODES and those after it
    weight: int  # of the heuristic in weighted A*; 0 for greedy search
    bound: npt.NDArray[np.int64]  # [1] plans must cost less
    cost: npt.NDArray[np.int64]  # [n] of each operator


class Scratch(NamedTuple):
    """Room for one expansion."""

    state: npt.NDArray[Any]  # [V]
    applicable: npt.NDArray[np.int32]
    preferred: npt.NDArray[np.int32]
    is_preferred: npt.NDArray[np.uint8]  # [n]
    stack: npt.NDArray[np.int32]


@njit(cache=True, nogil=True)
def _push(queue, key, node, operator):  # type: ignore[no-untyped-def]
    at = queue.size[0]
    queue.size[0] += 1
    while at > 0:
        above = (at - 1) >> 1
        if queue.key[above] <= key:
            break
        queue.key[at] = queue.key[above]
        queue.node[at] = queue.node[above]
        queue.operator[at] = queue.operator[above]
        at = above
    queue.key[at] = key
    queue.node[at] = node
    queue.operator[at] = operator


@njit(cache=True, nogil=True)
def _pop(queue):  # type: ignore[no-untyped-def]
    node, operator = queue.node[0], queue.operator[0]
    queue.size[0] -= 1
    size = queue.size[0]
    key = queue.key[size]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and queue.key[below + 1] < queue.key[below]:
            below += 1
        if queue.key[below] >= key:
            break
        queue.key[at] = queue.key[below]
        queue.node[at] = queue.node[below]
        queue.operator[at] = queue.operator[below]
        at = below
    queue.key[at] = key
    queue.node[at] = queue.node[size]
    queue.operator[at] = queue.operator[size]
    return np.int64(node), np.int64(operator)


@njit(cache=True, nogil=True)
def hash_state(state):  # type: ignore[no-untyped-def]
    """Return 64 bits that follow from a state."""
    bits = np.uint64(0x9E3779B97F4A7C15)
    for value in state:
        bits = (bits ^ np.uint64(value)) * np.uint64(0xD6E8FEB86659FD93)
        bits ^= bits >> np.uint64(32)
    return bits


@njit(cache=True, nogil=True)
def _find(nodes, state):  # type: ignore[no-untyped-def]
    # The slot of a state: that of its node, or the empty one where it belongs.
    mask = np.uint64(len(nodes.slot) - 1)
    at = hash_state(state) & mask
    while nodes.slot[at]:
        other = nodes.state[nodes.slot[at] - 1]
        same = True
        for variable in range(len(state)):
            if other[variable] != state[variable]:
                same = False
                break
        if same:
            return at
        at = (at + np.uint64(1)) & mask
    return at


@njit(cache=True, nogil=True)
def fill_slots(nodes, count):  # type: ignore[no-untyped-def]
    """Enter the first `count` nodes into an empty hash table."""
    for node in range(count):
        nodes.slot[_find(nodes, nodes.state[node])] = node + 1


@njit(cache=True, nogil=True)
def _key(control, cost, value):  # type: ignore[no-untyped-def]
    if control.weight:
        value = cost + control.weight * value
    return (min(value, _MAX_VALUE) << _VALUE_SHIFT) | control.counts[COUNTER]


@njit(cache=True, nogil=True)
def _expand(steps, nodes, queues, landmarks, control, scratch, node, num_preferred):  # type: ignore[no-untyped-def]
    # Put the successors of a node into the queues.
    counts = control.counts
    cost = nodes.cost[node]
    accepted = nodes.accepted[node]
    for i in range(num_preferred):
        scratch.is_preferred[scratch.preferred[i]] = 1
    found = applicable(steps, nodes.state[node], scratch.applicable, scratch.stack)
    counts[GENERATED] += found
    for i in range(found):
        operator = scratch.applicable[i]
        if cost + control.cost[operator] >= control.bound[0]:
            continue
        by_plan = _key(control, cost, nodes.value[node])
        by_landmarks = _key(control, cost, nodes.landmarks[node])
        counts[COUNTER] += 1
        _push(queues[PLAIN], by_plan, node, operator)
        _push(queues[PLAIN_LANDMARKS], by_landmarks, node, operator)
        if scratch.is_preferred[operator] or leads_on(landmarks, steps, operator, accepted):
            _push(queues[PREFERRED], by_plan, node, operator)
            _push(queues[PREFERRED_LANDMARKS], by_landmarks, node, operator)
    for i in range(num_preferred):
        scratch.is_preferred[scratch.preferred[i]] = 0


@njit(cache=True, nogil=True)
def _judge(steps, nodes, queues, relaxation, landmarks, control, scratch, slot, node, cost):  # type: ignore[no-untyped-def]
    # Value the new node in `scratch.state` and expand it; return whether it is a goal.
    counts = control.counts
    nodes.state[node] = scratch.state
    nodes.cost[node] = cost
    nodes.slot[slot] = node + 1
    accepted = nodes.accepted[node]
    accepted[:] = 0
    if node:
        accepted[:] = nodes.accepted[nodes.parent[node]]
    accept(landmarks, scratch.state, steps.first, accepted)
    counts[NODES] += 1
    counts[EVALUATED] += 1
    if reaches_goal(steps, scratch.state):
        counts[GOAL] = node
        return True
    value, preferred = relaxed_plan(relaxation, scratch.state, steps.first, scratch.preferred)
    nodes.value[node] = value
    if value == DEAD_END:
        return False
    left = count_landmarks(landmarks, scratch.state, steps, accepted)
    nodes.landmarks[node] = left
    if value < counts[BEST] or left < counts[BEST_LANDMARKS]:
        counts[BEST] = min(counts[BEST], value)
        counts[BEST_LANDMARKS] = min(counts[BEST_LANDMARKS], left)
        queues[PREFERRED].turns[0] -= BOOST
        queues[PREFERRED_LANDMARKS].turns[0] -= BOOST
    _expand(steps, nodes, queues, landmarks, control, scratch, node, preferred)
    return False


@njit(cache=True, nogil=True)
def begin(steps, nodes, queues, relaxation, landmarks, control, scratch, init):  # type: ignore[no-untyped-def]
    """Judge the first state; return `FOUND` where it is a goal."""
    scratch.state[:] = init
    nodes.parent[0] = -1
    nodes.operator[0] = -1
    slot = _find(nodes, scratch.state)
    goal = _judge(
        steps, nodes, queues, relaxation, landmarks, control, scratch, slot, np.int64(0),
        np.int64(0),
    )  # fmt: skip
    return FOUND if goal else RUNNING


@njit(cache=True, nogil=True)
def _choose(queues):  # type: ignore[no-untyped-def]
    # The queue whose turn it is, -1 where all are empty.
    best = -1
    for i in range(len(queues)):
        if queues[i].size[0] and (best < 0 or queues[i].turns[0] < queues[best].turns[0]):
            best = i
    return best


@njit(cache=True, nogil=True)
def _is_full(nodes, queues, control, room):  # type: ignore[no-untyped-def]
    full = control.counts[NODES] == len(nodes.state)
    for i in range(len(queues)):
        full |= queues[i].size[0] + room > len(queues[i].key)
    return full


@njit(cache=True, nogil=True)
def run(steps, nodes, queues, relaxation, landmarks, control, scratch, limit):  # type: ignore[no-untyped-def]
    """Judge up to `limit` successors; return how the search stands.

    `FOUND` leaves the goal's node in `counts[GOAL]`; `FULL` asks for larger arrays.
    """
    counts = control.counts
    for _ in range(limit):
        if _is_full(nodes, queues, control, len(scratch.applicable)):
            return FULL
        chosen = _choose(queues)
        if chosen < 0:
            return EXHAUSTED
        queues[chosen].turns[0] += 1
        parent, operator = _pop(queues[chosen])
        cost = nodes.cost[parent] + control.cost[operator]
        if cost >= control.bound[0]:
            continue
        apply(steps, operator, nodes.state[parent], scratch.state)
        slot = _find(nodes, scratch.state)
        node = np.int64(nodes.slot[slot]) - 1
        if node >= 0:
            if control.weight == 0 or cost >= nodes.cost[node] or nodes.value[node] == DEAD_END:
                continue
            nodes.cost[node] = cost
            nodes.parent[node] = parent
            nodes.operator[node] = operator
            if reaches_goal(steps, scratch.state):
                counts[GOAL] = node
                return FOUND
            _expand(steps, nodes, queues, landmarks, control, scratch, node, 0)
            continue
        node = counts[NODES]
        nodes.parent[node] = parent
        nodes.operator[node] = operator
        if _judge(steps, nodes, queues, relaxation, landmarks, control, scratch, slot, node, cost):
            return FOUND
    return RUNNING

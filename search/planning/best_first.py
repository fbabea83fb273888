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

from tesuji.domains.logistics.pddl.numeric import STATE
from tesuji.domains.logistics.pddl.successors import applicable, apply, copy_row, reaches_goal
from tesuji.search.planning.landmarks import accept, count_landmarks, leads_on
from tesuji.search.planning.lookahead import follow, is_classical
from tesuji.search.planning.nodes import find_slot, pop_successor, push_successor
from tesuji.search.planning.relaxation import DEAD_END, relaxed_plan
from tesuji.search.tree import kernel

RUNNING, FOUND, EXHAUSTED, FULL = range(4)
BOOST = 1000
PATIENCE = 3  # lookaheads without progress, one after the other, where there was progress before
# What `Control` counts.
NODES, EVALUATED, GENERATED, BEST, BEST_LANDMARKS, GOAL, AHEAD, LEFT, COUNTER = range(9)
PLAIN, PREFERRED, PLAIN_LANDMARKS, PREFERRED_LANDMARKS = range(4)  # the queues
_VALUE_SHIFT = 34  # a queue's key: value, then age
_MAX_VALUE = np.int64(1) << 28
_MAX_PREFERRED = _MAX_FOLLOWED = 1024  # preferred operators, and steps of a lookahead
UNJUDGED = np.int64(-1)  # the value of a node on the way of a lookahead


class Control(NamedTuple):
    """A search's settings and its counters."""

    counts: npt.NDArray[np.int64]  # see NODES and those after it
    weight: int  # of the heuristic in weighted A*; 0 for greedy search
    bound: npt.NDArray[np.int64]  # [1] plans must cost less
    cost: npt.NDArray[np.int64]  # [n] of each operator


class Scratch(NamedTuple):
    """Room for one expansion."""

    state: npt.NDArray[Any]  # [V]
    after: npt.NDArray[Any]  # [V]
    applicable: npt.NDArray[np.int32]
    preferred: npt.NDArray[np.int32]
    is_preferred: npt.NDArray[np.uint8]  # [n]
    stack: npt.NDArray[np.int32]
    followed: npt.NDArray[np.int32]  # operators of a lookahead, as many as it may have
    ready: npt.NDArray[np.uint8]  # [as many]


def make_scratch(variables: int, operators: int, switch_nodes: int) -> Scratch:
    """Return room to expand states of so many variables."""
    return Scratch(
        np.zeros(variables, STATE), np.zeros(variables, STATE), np.zeros(operators, np.int32),
        np.zeros(_MAX_PREFERRED, np.int32), np.zeros(operators, np.uint8),
        np.zeros(max(1, switch_nodes), np.int32), np.zeros(_MAX_FOLLOWED, np.int32),
        np.zeros(_MAX_FOLLOWED, np.uint8),
    )  # fmt: skip


@kernel
def _key(control, cost, value):  # type: ignore[no-untyped-def]
    if control.weight:
        value = cost + control.weight * value
    return (min(value, _MAX_VALUE) << _VALUE_SHIFT) | control.counts[COUNTER]


@kernel
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
        push_successor(queues[PLAIN], by_plan, node, operator)
        push_successor(queues[PLAIN_LANDMARKS], by_landmarks, node, operator)
        if scratch.is_preferred[operator] or leads_on(landmarks, steps, operator, accepted):
            push_successor(queues[PREFERRED], by_plan, node, operator)
            push_successor(queues[PREFERRED_LANDMARKS], by_landmarks, node, operator)
    for i in range(num_preferred):
        scratch.is_preferred[scratch.preferred[i]] = 0


@kernel
def _add(steps, nodes, landmarks, control, slot, state, parent, operator):  # type: ignore[no-untyped-def]
    # Make a node that is still to be judged; return it.
    node = control.counts[NODES]
    control.counts[NODES] += 1
    copy_row(state, nodes.state[node])
    nodes.parent[node] = parent
    nodes.operator[node] = operator
    nodes.value[node] = UNJUDGED
    nodes.slot[slot] = node + 1
    accepted = nodes.accepted[node]
    if parent >= 0:
        nodes.cost[node] = nodes.cost[parent] + control.cost[operator]
        copy_row(nodes.accepted[parent], accepted)
    else:
        nodes.cost[node] = 0
        accepted[:] = 0
    accept(landmarks, state, steps.first, accepted)
    return node


@kernel
def _judge(steps, nodes, queues, relaxation, landmarks, control, scratch, node):  # type: ignore[no-untyped-def]
    # Value a node and expand it; return whether a heuristic has found a new best value.
    counts = control.counts
    counts[EVALUATED] += 1
    state = nodes.state[node]
    value, preferred = relaxed_plan(relaxation, state, steps.first, scratch.preferred)
    nodes.value[node] = value
    if value == DEAD_END:
        return False
    left = count_landmarks(landmarks, state, steps, nodes.accepted[node])
    nodes.landmarks[node] = left
    progress = value < counts[BEST] or left < counts[BEST_LANDMARKS]
    if progress:
        counts[BEST] = min(counts[BEST], value)
        counts[BEST_LANDMARKS] = min(counts[BEST_LANDMARKS], left)
        queues[PREFERRED].turns[0] -= BOOST
        queues[PREFERRED_LANDMARKS].turns[0] -= BOOST
    _expand(steps, nodes, queues, landmarks, control, scratch, node, preferred)
    return progress


@kernel
def _look_ahead(steps, nodes, relaxation, landmarks, control, scratch, node):  # type: ignore[no-untyped-def]
    # Follow the relaxed plan of `node`; return the node at the end.
    copy_row(nodes.state[node], scratch.state)
    count = follow(steps, relaxation, scratch.state, scratch)
    for i in range(count):
        operator = scratch.followed[i]
        if nodes.cost[node] + control.cost[operator] >= control.bound[0]:
            break
        apply(steps, operator, nodes.state[node], scratch.state)
        slot = find_slot(nodes, scratch.state)
        if nodes.slot[slot]:
            node = np.int64(nodes.slot[slot]) - 1
        else:
            node = _add(
                steps, nodes, landmarks, control, slot, scratch.state, node, np.int64(operator)
            )
    return node


@kernel
def _visit(steps, nodes, queues, relaxation, landmarks, control, scratch, node):  # type: ignore[no-untyped-def]
    # Judge a node, and in greedy search on progress leave the one where its relaxed plan leads in
    # `counts[AHEAD]`, the next to visit; return how the search stands.
    counts = control.counts
    counts[AHEAD] = -1
    if reaches_goal(steps, nodes.state[node]):
        counts[GOAL] = node
        return FOUND
    progress = _judge(steps, nodes, queues, relaxation, landmarks, control, scratch, node)
    counts[LEFT] = PATIENCE if progress else counts[LEFT] - 1
    if counts[LEFT] < 0 or nodes.value[node] == DEAD_END:
        return RUNNING
    if control.weight == 0 and is_classical(steps):
        node = _look_ahead(steps, nodes, relaxation, landmarks, control, scratch, node)
        if nodes.value[node] == UNJUDGED:
            counts[AHEAD] = node
    return RUNNING


@kernel
def begin(steps, nodes, landmarks, control, init):  # type: ignore[no-untyped-def]
    """Make the first state the next to visit."""
    slot = find_slot(nodes, init)
    control.counts[AHEAD] = _add(
        steps, nodes, landmarks, control, slot, init, np.int64(-1), np.int64(-1)
    )
    control.counts[LEFT] = 1


@kernel
def _choose(queues):  # type: ignore[no-untyped-def]
    # The queue whose turn it is, -1 where all are empty.
    best = -1
    for i in range(len(queues)):
        if queues[i].size[0] and (best < 0 or queues[i].turns[0] < queues[best].turns[0]):
            best = i
    return best


@kernel
def _is_full(nodes, queues, control, scratch):  # type: ignore[no-untyped-def]
    full = control.counts[NODES] + len(scratch.followed) >= len(nodes.state)
    for i in range(len(queues)):
        full |= queues[i].size[0] + len(scratch.applicable) > len(queues[i].key)
    return full


@kernel
def _reopen(steps, nodes, queues, landmarks, control, scratch, node, parent, operator):  # type: ignore[no-untyped-def]
    # In weighted A*, expand a judged node again where the way by `parent` is cheaper; return how
    # the search stands.
    cost = nodes.cost[parent] + control.cost[operator]
    if control.weight == 0 or cost >= nodes.cost[node] or nodes.value[node] == DEAD_END:
        return RUNNING
    nodes.cost[node] = cost
    nodes.parent[node] = parent
    nodes.operator[node] = operator
    if reaches_goal(steps, scratch.state):
        control.counts[GOAL] = node
        return FOUND
    _expand(steps, nodes, queues, landmarks, control, scratch, node, 0)
    return RUNNING


@kernel
def run(steps, nodes, queues, relaxation, landmarks, control, scratch, limit):  # type: ignore[no-untyped-def]
    """Judge up to `limit` states; return how the search stands.

    `FOUND` leaves the goal's node in `counts[GOAL]`; `FULL` asks for larger arrays.
    """
    counts = control.counts
    status = RUNNING
    for _ in range(limit):
        if status == FOUND:
            break
        if _is_full(nodes, queues, control, scratch):
            return FULL
        node = counts[AHEAD]
        if node < 0:
            chosen = _choose(queues)
            if chosen < 0:
                return EXHAUSTED
            queues[chosen].turns[0] += 1
            parent, operator = pop_successor(queues[chosen])
            if nodes.cost[parent] + control.cost[operator] >= control.bound[0]:
                continue
            apply(steps, operator, nodes.state[parent], scratch.state)
            slot = find_slot(nodes, scratch.state)
            node = np.int64(nodes.slot[slot]) - 1
            if node < 0:
                node = _add(steps, nodes, landmarks, control, slot, scratch.state, parent, operator)
            elif nodes.value[node] != UNJUDGED:
                status = _reopen(
                    steps, nodes, queues, landmarks, control, scratch, node, parent, operator
                )
                continue
            counts[LEFT] = 1
        status = _visit(steps, nodes, queues, relaxation, landmarks, control, scratch, node)
    return status

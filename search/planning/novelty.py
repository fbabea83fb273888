"""Search by novelty: states count where something in them is new among states like them.

States are alike with as many goals left and as many facts reached of the relaxed plan from where a
goal was reached last; a state is novel if no state before it that is like it had one of its facts.
Others are dropped, so that the search is short, and may end without a plan that exists: 1-BFWS(f5)
of Lipovetzky & Geffner (2017), with few relaxed plans where `best_first` needs one for each state.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import Small
from tesuji.domains.logistics.pddl.numeric import STATE
from tesuji.domains.logistics.pddl.successors import Steps, applicable, apply, copy_row, holds
from tesuji.search.planning.best_first import EXHAUSTED, FOUND, FULL, RUNNING, Scratch
from tesuji.search.planning.colour_tables import mix
from tesuji.search.planning.nodes import (
    Nodes,
    Queue,
    find_slot,
    larger,
    make_nodes,
    make_queue,
    pop_successor,
    push_successor,
    twice,
)
from tesuji.search.planning.relaxation import DEAD_END, Relaxation, relaxed_plan
from tesuji.search.tree import kernel

MOST_FACTS = 1024  # of a relaxed plan
_START_NODES, _SEEN_WORDS = 1 << 12, 1 << 19
_QUOTA = 1  # states between looks at the clock, at first
NODES, EVALUATED, GENERATED, PLANS, GOAL, AGE = range(6)  # what is counted


class Front(NamedTuple):
    """Novel states, and relaxed plans from those where a goal was reached.

    Of nodes, `value` is how many goals are left, `landmarks` how many facts of the relaxed plan
    were reached on the way, `accepted` which.
    """

    nodes: Nodes
    queue: Queue  # of nodes to expand
    plan: Small  # [N] of each node
    start: npt.NDArray[np.int64]  # [N + 1] where a plan's facts begin
    fact: Small
    seen: npt.NDArray[np.uint64]  # a bit for each fact with what makes states alike, by hash
    counts: npt.NDArray[np.int64]  # see NODES and those after it


def make_front(init: npt.NDArray[Any], count: int) -> Front:
    """Return a front without states, with room for `count` nodes like `init`."""
    return Front(
        make_nodes(count, len(init), MOST_FACTS // 64, STATE), make_queue(count),
        np.zeros(count, np.int32), np.zeros(count + 1, np.int64),
        np.zeros(64 * MOST_FACTS, np.int32), np.zeros(_SEEN_WORDS, np.uint64),
        np.zeros(AGE + 1, np.int64),
    )  # fmt: skip


@kernel
def _goals_left(steps, state):  # type: ignore[no-untyped-def]
    left = 0
    for fact in steps.goal:
        left += not holds(steps, fact, state)
    return left


@kernel
def _relax(steps, front, relaxation, scratch, state):  # type: ignore[no-untyped-def]
    # Keep the facts of the relaxed plan from a state, as far as there is room; return whether
    # there is a plan.
    counts = front.counts
    counts[EVALUATED] += 1
    value, _ = relaxed_plan(relaxation, state, steps.first, scratch.preferred)
    if value == DEAD_END:
        return False
    at = front.start[counts[PLANS]]
    end = min(at + MOST_FACTS, len(front.fact))
    for fact in range(steps.first[-1]):
        if at < end and relaxation.marked[fact] and relaxation.supporter[fact] >= 0:
            front.fact[at] = fact
            at += 1
    counts[PLANS] += 1
    front.start[counts[PLANS]] = at
    return True


@kernel
def _reach(steps, front, plan, state, reached):  # type: ignore[no-untyped-def]
    # Add to `reached` the facts of a relaxed plan that hold; return how many it has.
    first = front.start[plan]
    count = 0
    for i in range(front.start[plan + 1] - first):
        bit = np.uint64(1) << np.uint64(i & 63)
        variable = steps.variable[front.fact[first + i]]
        if state[variable] == front.fact[first + i] - steps.first[variable]:
            reached[i >> 6] |= bit
        count += (reached[i >> 6] & bit) != 0
    return count


@kernel
def _see(steps, front, like, variable, state):  # type: ignore[no-untyped-def]
    # Return whether the variable's fact is new among states that are alike; from now on it is not.
    fact = np.uint64(steps.first[variable] + state[variable])
    bits = mix(like | fact)
    word = (bits >> np.uint64(6)) & np.uint64(len(front.seen) - 1)
    bit = np.uint64(1) << (bits & np.uint64(63))
    new = (front.seen[word] & bit) == 0
    front.seen[word] |= bit
    return new


@kernel
def is_novel(steps, front, parent, operator, state, left, reached):  # type: ignore[no-untyped-def]
    """Return whether a state is novel, and remember its facts.

    Args:
        steps: the task.
        front: with what was seen.
        parent: its node, -1 for none.
        operator: what led from there to the state.
        state: the state.
        left: goals that are left.
        reached: facts of the relaxed plan that were reached.
    """
    like = (np.uint64(left) << np.uint64(44)) | (np.uint64(reached) << np.uint64(32))
    novel = False
    nodes = front.nodes
    if parent >= 0 and nodes.value[parent] == left and nodes.landmarks[parent] == reached:
        for effect in range(steps.effect_start[operator], steps.effect_start[operator + 1]):
            novel |= _see(steps, front, like, steps.variable_set[effect], state)
    else:
        for variable in range(len(steps.first) - 1):
            novel |= _see(steps, front, like, variable, state)
    return novel


@kernel
def _enter(steps, front, relaxation, scratch, slot, parent, operator):  # type: ignore[no-untyped-def]
    # Make a node of `scratch.state` if it is novel; return whether it is a goal.
    nodes, counts, state = front.nodes, front.counts, scratch.state
    node = counts[NODES]
    reached = nodes.accepted[node]
    reached[:] = 0
    left = _goals_left(steps, state)
    progress = parent < 0 or left < nodes.value[parent]
    count = 0
    if not progress:
        copy_row(nodes.accepted[parent], reached)
        front.plan[node] = front.plan[parent]
        count = _reach(steps, front, front.plan[parent], state, reached)
    if left and not is_novel(steps, front, parent, operator, state, left, count):
        return False
    if left and progress:
        if not _relax(steps, front, relaxation, scratch, state):
            return False
        front.plan[node] = counts[PLANS] - 1
    copy_row(state, nodes.state[node])
    nodes.parent[node], nodes.operator[node] = parent, operator
    nodes.value[node], nodes.landmarks[node] = left, count
    nodes.slot[slot] = node + 1
    counts[NODES] += 1
    counts[AGE] += 1
    key = (np.int64(left) << 45) | (np.int64(MOST_FACTS - count) << 34) | counts[AGE]
    push_successor(front.queue, key, node, operator)
    counts[GOAL] = node
    return left == 0


@kernel
def run_novelty(steps, front, relaxation, scratch, init, limit):  # type: ignore[no-untyped-def]
    """Expand up to `limit` states, `init` first of all; return how the search stands.

    `FOUND` leaves the goal's node in `counts[GOAL]`; `FULL` asks for larger arrays.
    """
    nodes, counts, queue = front.nodes, front.counts, front.queue
    if counts[NODES] == 0:
        copy_row(init, scratch.state)
        slot = find_slot(nodes, scratch.state)
        if _enter(steps, front, relaxation, scratch, slot, np.int64(-1), np.int64(-1)):
            return FOUND
    for _ in range(limit):
        if queue.size[0] == 0:
            return EXHAUSTED
        key = queue.key[0]
        node, by = pop_successor(queue)
        found = applicable(steps, nodes.state[node], scratch.applicable, scratch.stack)
        if counts[NODES] + found > len(nodes.state):
            push_successor(queue, key, node, by)
            return FULL
        counts[GENERATED] += found
        for i in range(found):
            operator = np.int64(scratch.applicable[i])
            apply(steps, operator, nodes.state[node], scratch.state)
            slot = find_slot(nodes, scratch.state)
            if nodes.slot[slot] == 0 and _enter(
                steps, front, relaxation, scratch, slot, node, operator
            ):
                return FOUND
    return RUNNING


class NoveltySearch:
    """Searches for one plan of a task.

    Args:
        steps: the task.
        relaxation: of it; used within a slice only.
        init: the first state.
        scratch: room for an expansion; used within a slice only.
        most_bytes: of states; at the limit the search ends.
    """

    def __init__(
        self,
        steps: Steps,
        relaxation: Relaxation,
        init: npt.NDArray[Any],
        scratch: Scratch,
        most_bytes: int = 1 << 30,
    ) -> None:
        self._steps, self._relaxation, self._scratch = steps, relaxation, scratch
        self._init, self._most = init, most_bytes
        self._front = make_front(init, _START_NODES)

    @property
    def evaluated(self) -> int:
        """Return how many relaxed plans were made."""
        return int(self._front.counts[EVALUATED])

    @property
    def generated(self) -> int:
        """Return how many successors were made."""
        return int(self._front.counts[GENERATED])

    def slices(self, slice_seconds: float = 0.05) -> Iterator[tuple[int, ...] | None]:
        """Search until there is a plan or nothing novel is left; yield after each slice."""
        quota = _QUOTA
        while True:
            began = time.perf_counter()
            status = run_novelty(
                self._steps, self._front, self._relaxation, self._scratch, self._init, quota
            )
            seconds = time.perf_counter() - began
            if seconds < slice_seconds / 2:
                quota = min(2 * quota, 1 << 20)
            elif seconds > slice_seconds:
                quota = max(quota // 2, 1)
            if status == FOUND:
                yield self._plan()
            if status in (FOUND, EXHAUSTED) or (status == FULL and not self._grow()):
                return
            yield None

    def _plan(self) -> tuple[int, ...]:
        nodes, node = self._front.nodes, int(self._front.counts[GOAL])
        found: list[int] = []
        while nodes.parent[node] >= 0:
            found.append(int(nodes.operator[node]))
            node = int(nodes.parent[node])
        return tuple(reversed(found))

    def _grow(self) -> bool:
        """Double the room; return whether the memory allows it."""
        front = self._front
        used = sum(array.nbytes for array in (*front.nodes, *front.queue, front.fact))
        if 2 * used > self._most:
            return False
        queue, count = front.queue, int(front.counts[NODES])
        self._front = front._replace(
            nodes=larger(front.nodes, count),
            queue=queue._replace(
                key=twice(queue.key), node=twice(queue.node), operator=twice(queue.operator)
            ),
            plan=twice(front.plan),
            start=np.concatenate([front.start, np.zeros(len(front.plan), np.int64)]),
            fact=twice(front.fact),
        )
        return True

"""Heuristics that ignore deletions: h_add and the relaxed plan of FF, and preferred operators.

Facts get the sum of what their conditions cost, cheapest first (Bonet & Geffner 2001); the
operators that gave them their costs, followed back from the goal, are a plan that works if nothing
is ever deleted (Hoffmann & Nebel 2001; Keyder & Geffner 2008). Preferred are those of its operators
that apply at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain, Small
from tesuji.domains.logistics.pddl.ragged import Ragged, from_pairs, starts
from tesuji.search.planning.heap import pop, push
from tesuji.search.planning.numeric_guide import (
    NumericGuide,
    is_met,
    make_guide,
    measure_gaps,
    times_needed,
)

DEAD_END = np.int64(1) << 40

Large = npt.NDArray[np.int64]


class Relaxation(NamedTuple):
    """Operators without deletions, and scratch room; not for two threads at once."""

    operator: Small  # [r] of the task, of each relaxed operator
    before_start: Small  # [r + 1]
    before: Small
    effect_start: Small  # [r + 1]
    effect: Small
    user_start: Small  # [F + 1] of each fact, the relaxed operators that require it
    user: Small
    free: Small  # relaxed operators without conditions
    cost: Large  # [r]
    goal: Small
    fact_cost: Large  # [F]
    supporter: Small  # [F]
    left: Small  # [r]
    reached: Large  # [r] the operator's cost with its conditions
    heap: Large  # keys: cost * 2^24 + fact
    marked: npt.NDArray[np.uint8]  # [F]
    used: npt.NDArray[np.uint8]  # [r]
    stack: Small  # [F]
    guide: NumericGuide  # facts from `len(marked) - len(guide.gap)` on are numeric
    closed: npt.NDArray[np.uint8]  # [F] whether a fact's cost is final
    watched: Small  # [F] a relaxed operator that watches the fact, -1 for none
    next_watcher: Small  # [r] the next that watches the same fact
    plan: Small  # [r] the last relaxed plan, of relaxed operators
    plan_size: Small  # [1]


def make_relaxation(task: FiniteDomain, cost: Large) -> Relaxation:
    """Return the relaxation of a task.

    Args:
        task: the task; at most 2^24 facts.
        cost: what the heuristic counts for each operator, at least 0.
    """
    before = Ragged(task.before_start.astype(np.int64), task.before.astype(np.int64))
    when = Ragged(task.when_start.astype(np.int64), task.when.astype(np.int64))
    owner = np.repeat(np.arange(len(task.cost)), np.diff(task.effect_start))
    # A variable's last value says that none of its atoms hold: relaxed operators need not make it,
    # unless somebody asks for it.
    numeric = task.numeric
    facts = len(task.atom) + len(numeric.kind)
    last = np.zeros(facts, np.bool_)
    last[task.first[1:] - 1] = True
    last[before.values] = False
    last[when.values] = False
    last[task.goal] = False
    wanted = ~last[task.effect]
    plain = np.flatnonzero((when.lengths() == 0) & wanted)
    conditional = np.flatnonzero((when.lengths() > 0) & wanted)
    changer = np.repeat(np.arange(len(task.cost)), np.diff(numeric.change_start))
    always = np.diff(numeric.when_start) == 0
    simple = np.unique(np.concatenate([owner[plain], changer[always]]))
    number = np.full(len(task.cost), -1, np.int64)
    number[simple] = np.arange(len(simple))
    effects = from_pairs(number[owner[plain]], task.effect[plain].astype(np.int64), len(simple))
    number_when = Ragged(numeric.when_start.astype(np.int64), numeric.when.astype(np.int64))
    sometimes = np.flatnonzero(~always)
    lists = _chained(
        before.take(simple),
        before.take(owner[conditional]).with_more(when.take(conditional)),
        before.take(changer[sometimes]).with_more(number_when.take(sometimes)),
    )
    ones = Ragged(np.arange(len(conditional) + 1), task.effect[conditional].astype(np.int64))
    nothing = Ragged(np.zeros(len(sometimes) + 1, np.int64), np.zeros(0, np.int64))
    made = _chained(effects, ones, nothing)
    operator = np.concatenate([simple, owner[conditional], changer[sometimes]])
    count = len(operator)
    own = count - len(sometimes) + np.arange(len(sometimes))
    changers = np.concatenate([number[changer[always]], own])
    guide = make_guide(task, changers, np.concatenate([np.flatnonzero(always), sometimes]), count)
    users = from_pairs(lists.values, lists.owner(), facts)
    room = len(made.values) + len(guide.fact) + facts + 1
    free = np.flatnonzero(lists.lengths() == 0)

    def small(array: npt.NDArray[np.int64]) -> Small:
        return array.astype(np.int32)

    watched, next_watcher = _watch_first(lists, facts)
    return Relaxation(
        small(operator), small(lists.start), small(lists.values), small(made.start),
        small(made.values), small(users.start), small(users.values), small(free),
        cost[operator].astype(np.int64), task.goal,
        np.zeros(facts, np.int64), np.zeros(facts, np.int32), np.zeros(count, np.int32),
        np.zeros(count, np.int64), np.zeros(room, np.int64), np.zeros(facts, np.uint8),
        np.zeros(count, np.uint8), np.zeros(facts, np.int32), guide, np.zeros(facts, np.uint8),
        watched, next_watcher, np.zeros(count, np.int32), np.zeros(1, np.int32),
    )  # fmt: skip


def _chained(*parts: Ragged) -> Ragged:
    """Return the lists of all parts, one after the other."""
    lengths = np.concatenate([part.lengths() for part in parts])
    return Ragged(starts(lengths), np.concatenate([part.values for part in parts]))


def _watch_first(before: Ragged, facts: int) -> tuple[Small, Small]:
    """Return `watched` and `next_watcher` where each operator watches its first condition."""
    some = np.flatnonzero(before.lengths() > 0)
    lists = from_pairs(before.values[before.start[some]], some, facts)
    filled = np.flatnonzero(lists.lengths() > 0)
    watched, next_watcher = (
        np.full(facts, -1, np.int32),
        np.full(len(before.start) - 1, -1, np.int32),
    )
    watched[filled] = lists.values[lists.start[filled]]
    inner = np.ones(len(lists.values), np.bool_)
    inner[lists.start[filled]] = False
    at = np.flatnonzero(inner)
    next_watcher[lists.values[at - 1]] = lists.values[at]
    return watched, next_watcher


@njit(cache=True, nogil=True)
def _offer(relaxation, fact, cost, by, size):  # type: ignore[no-untyped-def]
    if cost < relaxation.fact_cost[fact]:
        relaxation.fact_cost[fact] = cost
        relaxation.supporter[fact] = by
        push(relaxation.heap, size, (cost << 24) | fact)
        return size + 1
    return size


@njit(cache=True, nogil=True)
def _offer_numbers(relaxation, op, total, state, first, size):  # type: ignore[no-untyped-def]
    # Offer the numeric facts that an operator, acting as often as must be, makes true.
    guide = relaxation.guide
    for pair in range(guide.pair_start[op], guide.pair_start[op + 1]):
        fact = guide.fact[pair]
        number = np.int64(len(relaxation.marked) - len(guide.gap) + fact)
        if total >= relaxation.fact_cost[number]:
            continue
        times = times_needed(guide, op, pair, state, len(first) - 1)
        cost = total + (times - 1) * relaxation.cost[op]
        if times and cost < relaxation.fact_cost[number]:
            guide.times[fact] = times
            size = _offer(relaxation, number, cost, op, size)
    return size


@njit(cache=True, nogil=True)
def _close(relaxation, fact, state, first, size):  # type: ignore[no-untyped-def]
    # Have the operators act that waited for `fact` alone; return the queue's size. Each operator
    # watches one of its conditions, and is looked at only when that is reached; from one state to
    # the next most stay with the one that comes last.
    before, start = relaxation.before, relaxation.before_start
    relaxation.closed[fact] = 1
    op = relaxation.watched[fact]
    relaxation.watched[fact] = -1
    while op >= 0:
        following = relaxation.next_watcher[op]
        open_fact = np.int32(-1)
        total = relaxation.cost[op]
        for i in range(start[op], start[op + 1]):
            if not relaxation.closed[before[i]]:
                open_fact = before[i]
                break
            total += relaxation.fact_cost[before[i]]
        now = fact if open_fact < 0 else np.int64(open_fact)
        relaxation.next_watcher[op] = relaxation.watched[now]
        relaxation.watched[now] = op
        if open_fact < 0:
            for k in range(relaxation.effect_start[op], relaxation.effect_start[op + 1]):
                size = _offer(relaxation, np.int64(relaxation.effect[k]), total, op, size)
            size = _offer_numbers(relaxation, op, total, state, first, size)
        op = following
    return size


@njit(cache=True, nogil=True)
def _spread(relaxation, state, first):  # type: ignore[no-untyped-def]
    # Give every fact that the goal may need its h_add.
    relaxation.fact_cost[:] = DEAD_END
    relaxation.closed[:] = 0
    size = 0
    for variable in range(len(first) - 1):
        size = _offer(
            relaxation, np.int64(first[variable]) + state[variable], np.int64(0), -1, size
        )
    guide = relaxation.guide
    numeric = len(relaxation.marked) - len(guide.gap)
    if len(guide.gap):
        measure_gaps(guide, state, len(first) - 1)
        for i in range(len(guide.gap)):
            if is_met(guide, i):
                size = _offer(relaxation, np.int64(numeric + i), np.int64(0), -1, size)
    for op in relaxation.free:
        for i in range(relaxation.effect_start[op], relaxation.effect_start[op + 1]):
            fact = np.int64(relaxation.effect[i])
            size = _offer(relaxation, fact, relaxation.cost[op], op, size)
        size = _offer_numbers(relaxation, op, relaxation.cost[op], state, first, size)
    goals = len(relaxation.goal)
    relaxation.marked[:] = 0
    for fact in relaxation.goal:
        relaxation.marked[fact] = 1
    while size:
        key = pop(relaxation.heap, size)
        size -= 1
        fact = key & ((1 << 24) - 1)
        if key >> 24 > relaxation.fact_cost[fact]:
            continue
        if relaxation.marked[fact]:
            relaxation.marked[fact] = 0
            goals -= 1
            if goals == 0:
                return True
        size = _close(relaxation, fact, state, first, size)
    return goals == 0


@njit(cache=True, nogil=True)
def relaxed_plan(relaxation, state, first, preferred):  # type: ignore[no-untyped-def]
    """Return the cost of FF's relaxed plan from `state`, `DEAD_END` where there is none.

    Args:
        relaxation: of the task.
        state: values of the variables.
        first: fact of each variable.
        preferred: gets the operators of the relaxed plan that apply in `state`.

    Returns:
        `(cost, number of preferred operators)`.
    """
    if not _spread(relaxation, state, first):
        return DEAD_END, 0
    relaxation.marked[:] = 0
    numeric = len(relaxation.marked) - len(relaxation.guide.gap)
    total = np.int64(0)
    count = 0
    depth = 0
    for fact in relaxation.goal:
        if not relaxation.marked[fact]:
            relaxation.marked[fact] = 1
            relaxation.stack[depth] = fact
            depth += 1
    plan = 0
    while depth:
        depth -= 1
        op = relaxation.supporter[relaxation.stack[depth]]
        if op >= 0 and relaxation.stack[depth] >= numeric:
            total += (relaxation.guide.times[relaxation.stack[depth] - numeric] - 1) * (
                relaxation.cost[op]
            )
        if op < 0 or relaxation.used[op]:
            continue
        relaxation.used[op] = 1
        relaxation.plan[plan] = op
        plan += 1
        total += relaxation.cost[op]
        at_once = True
        for i in range(relaxation.before_start[op], relaxation.before_start[op + 1]):
            fact = relaxation.before[i]
            if relaxation.supporter[fact] >= 0:
                at_once = False
            if not relaxation.marked[fact]:
                relaxation.marked[fact] = 1
                relaxation.stack[depth] = fact
                depth += 1
        if at_once and count < len(preferred):
            preferred[count] = relaxation.operator[op]
            count += 1
    relaxation.plan_size[0] = plan
    for i in range(plan):
        relaxation.used[relaxation.plan[i]] = 0
    return total, count

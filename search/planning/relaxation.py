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
from tesuji.search.tree import forced_kernel, kernel

DEAD_END = np.int64(1) << 40
_CONDITION = np.int64(1) << 42  # what an operator waits for, one for each condition

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

    return Relaxation(
        small(operator), small(lists.start), small(lists.values), small(made.start),
        small(made.values), small(users.start), small(users.values), small(free),
        cost[operator].astype(np.int64), task.goal,
        np.zeros(facts, np.int64), np.zeros(facts, np.int32), np.zeros(count, np.int32),
        np.zeros(count, np.int64), np.zeros(room, np.int64), np.zeros(facts, np.uint8),
        np.zeros(count, np.uint8), np.zeros(facts, np.int32), guide,
        np.zeros(count, np.int32), np.zeros(1, np.int32),
    )  # fmt: skip


def _chained(*parts: Ragged) -> Ragged:
    """Return the lists of all parts, one after the other."""
    lengths = np.concatenate([part.lengths() for part in parts])
    return Ragged(starts(lengths), np.concatenate([part.values for part in parts]))


@forced_kernel
def _offer(fact_cost, supporter, heap, fact, cost, by, size):  # type: ignore[no-untyped-def]
    if cost < fact_cost[fact]:
        fact_cost[fact] = cost
        supporter[fact] = by
        push(heap, size, (cost << 24) | fact)
        size += 1
    return size


@njit(cache=True, nogil=True)
def _offer_numbers(relaxation, op, total, state, first, size):  # type: ignore[no-untyped-def]
    # Offer the numeric facts that an operator, acting as often as must be, makes true.
    guide = relaxation.guide
    fact_cost, supporter, heap = relaxation.fact_cost, relaxation.supporter, relaxation.heap
    for pair in range(guide.pair_start[op], guide.pair_start[op + 1]):
        fact = guide.fact[pair]
        number = np.int64(len(relaxation.marked) - len(guide.gap) + fact)
        if total >= fact_cost[number]:
            continue
        times = times_needed(guide, op, pair, state, len(first) - 1)
        cost = total + (times - 1) * relaxation.cost[op]
        if times and cost < fact_cost[number]:
            guide.times[fact] = times
            size = _offer(fact_cost, supporter, heap, number, cost, op, size)
    return size


@njit(cache=True, nogil=True)
def _begin_numbers(relaxation, state, first, size):  # type: ignore[no-untyped-def]
    # Offer the numeric facts that hold.
    guide = relaxation.guide
    fact_cost, supporter, heap = relaxation.fact_cost, relaxation.supporter, relaxation.heap
    measure_gaps(guide, state, len(first) - 1)
    for i in range(len(guide.gap)):
        if is_met(guide, i):
            fact = np.int64(len(relaxation.marked) - len(guide.gap) + i)
            size = _offer(fact_cost, supporter, heap, fact, np.int64(0), -1, size)
    return size


@forced_kernel
def _close(relaxation, numbers, fact, state, first, size):  # type: ignore[no-untyped-def]
    # Have the operators act that waited for `fact` last; return the queue's size.
    start, users, waiting = relaxation.user_start, relaxation.user, relaxation.reached
    effect, effect_start = relaxation.effect, relaxation.effect_start
    fact_cost, supporter, heap = relaxation.fact_cost, relaxation.supporter, relaxation.heap
    met = fact_cost[fact] - _CONDITION
    for i in range(start[fact], start[fact + 1]):
        op = users[i]
        total = waiting[op] + met
        waiting[op] = total
        if total < _CONDITION:
            for k in range(effect_start[op], effect_start[op + 1]):
                size = _offer(fact_cost, supporter, heap, np.int64(effect[k]), total, op, size)
            if numbers:
                size = _offer_numbers(relaxation, op, total, state, first, size)
    return size


@kernel
def _spread(relaxation, state, first):  # type: ignore[no-untyped-def]
    # Give every fact that the goal may need its h_add. What it calls is inlined: to hand over a
    # relaxation costs more than most of those calls compute.
    fact_cost, supporter, heap = relaxation.fact_cost, relaxation.supporter, relaxation.heap
    fact_cost[:] = DEAD_END
    start, waiting = relaxation.before_start, relaxation.reached
    for op in range(len(waiting)):
        waiting[op] = relaxation.cost[op] + (start[op + 1] - start[op]) * _CONDITION
    size = 0
    for variable in range(len(first) - 1):
        fact = np.int64(first[variable]) + state[variable]
        size = _offer(fact_cost, supporter, heap, fact, np.int64(0), -1, size)
    numbers = len(relaxation.guide.gap) > 0
    if numbers:
        size = _begin_numbers(relaxation, state, first, size)
    for op in relaxation.free:
        total = relaxation.cost[op]
        for i in range(relaxation.effect_start[op], relaxation.effect_start[op + 1]):
            fact = np.int64(relaxation.effect[i])
            size = _offer(fact_cost, supporter, heap, fact, total, op, size)
        if numbers:
            size = _offer_numbers(relaxation, op, total, state, first, size)
    goals = len(relaxation.goal)
    marked = relaxation.marked
    marked[:] = 0
    for fact in relaxation.goal:
        marked[fact] = 1
    while size:
        key = pop(heap, size)
        size -= 1
        fact = key & ((1 << 24) - 1)
        if key >> 24 > fact_cost[fact]:
            continue
        if marked[fact]:
            marked[fact] = 0
            goals -= 1
            if goals == 0:
                return True
        size = _close(relaxation, numbers, fact, state, first, size)
    return goals == 0


@kernel
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

"""Lower bounds on the cost of plans: LM-cut (Helmert & Domshlak 2009).

Again and again a set of operators is found of which every plan must use one, its least cost is paid
and taken off all of them, until nothing has to be paid. The sum is a lower bound.
"""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.search.planning.relaxation import DEAD_END, Relaxation, make_relaxation, pop, push


def lower_bound(task: FiniteDomain, seconds: float) -> float:
    """Return the LM-cut bound of a task's first state, in the units of its costs.

    Args:
        task: the task.
        seconds: when to stop; the cuts found by then are a bound, too.
    """
    relaxation, unit = _relaxation(task)
    return lm_cut(relaxation, task.init, task.first, seconds) / unit


def _relaxation(task: FiniteDomain) -> tuple[Relaxation, int]:
    """Return a relaxation with whole costs, rounded down, and how many of them make a unit."""
    thousandths = np.floor(task.cost * 1000.0 + 1e-6).astype(np.int64)
    if (thousandths % 1000 == 0).all():
        return make_relaxation(task, thousandths // 1000), 1
    return make_relaxation(task, thousandths), 1000


def lm_cut(
    relaxation: Relaxation,
    state: npt.NDArray[np.int32],
    first: npt.NDArray[np.int32],
    seconds: float = float("inf"),
) -> int:
    """Return the LM-cut value of a state, in the relaxation's costs.

    `DEAD_END` says that no plan can lead from there.
    """
    cost = relaxation.cost.copy()
    start = np.zeros(len(relaxation.marked) + 1, np.int64)
    achievers = np.zeros(len(relaxation.effect), np.int32)
    _achievers(relaxation, start, achievers)
    began = time.monotonic()
    total, paid = 0, 1
    while paid and len(relaxation.goal) and time.monotonic() - began < seconds:
        paid = int(_pay_cut(relaxation, cost, state, first, start, achievers))
        if paid == DEAD_END:
            return int(DEAD_END)
        total += paid
    return total


@njit(cache=True, nogil=True)
def _h_max(relaxation, cost, state, first):  # type: ignore[no-untyped-def]
    # h_max of all facts; `reached[op]` becomes the condition of an operator that costs most.
    relaxation.fact_cost[:] = DEAD_END
    size = 0
    for op in range(len(relaxation.left)):
        relaxation.left[op] = relaxation.before_start[op + 1] - relaxation.before_start[op]
        relaxation.reached[op] = -1
    for variable in range(len(state)):
        fact = np.int64(first[variable]) + state[variable]
        relaxation.fact_cost[fact] = 0
        push(relaxation.heap, size, fact)
        size += 1
    for op in relaxation.free:
        size = _offer_all(relaxation, op, cost[op], size)
    while size:
        key = pop(relaxation.heap, size)
        size -= 1
        fact = key & ((1 << 24) - 1)
        value = key >> 24
        if value > relaxation.fact_cost[fact]:
            continue
        for i in range(relaxation.user_start[fact], relaxation.user_start[fact + 1]):
            op = relaxation.user[i]
            relaxation.left[op] -= 1
            if relaxation.left[op] == 0:
                # Facts come in the order of their costs, so that the last one costs most.
                relaxation.reached[op] = fact
                size = _offer_all(relaxation, op, value + cost[op], size)


@njit(cache=True, nogil=True)
def _offer_all(relaxation, op, value, size):  # type: ignore[no-untyped-def]
    for k in range(relaxation.effect_start[op], relaxation.effect_start[op + 1]):
        fact = np.int64(relaxation.effect[k])
        if value < relaxation.fact_cost[fact]:
            relaxation.fact_cost[fact] = value
            push(relaxation.heap, size, (value << 24) | fact)
            size += 1
    return size


@njit(cache=True, nogil=True)
def _dearest_goal(relaxation):  # type: ignore[no-untyped-def]
    best = np.int64(-1)
    for fact in relaxation.goal:
        if best < 0 or relaxation.fact_cost[fact] > relaxation.fact_cost[best]:
            best = np.int64(fact)
    return best


@njit(cache=True, nogil=True)
def _mark_goal_zone(relaxation, achievers, achiever_start, cost, goal):  # type: ignore[no-untyped-def]
    # Mark what reaches the goal for nothing, by the conditions that cost most.
    relaxation.marked[:] = 0
    relaxation.marked[goal] = 1
    relaxation.stack[0] = goal
    depth = 1
    while depth:
        depth -= 1
        fact = relaxation.stack[depth]
        for i in range(achiever_start[fact], achiever_start[fact + 1]):
            op = achievers[i]
            dearest = relaxation.reached[op]
            if cost[op] == 0 and dearest >= 0 and not relaxation.marked[dearest]:
                relaxation.marked[dearest] = 1
                relaxation.stack[depth] = dearest
                depth += 1


@njit(cache=True, nogil=True)
def _find_cut(relaxation, state, first, cut):  # type: ignore[no-untyped-def]
    # Explore from the state without entering the goal zone; the operators that would are the cut.
    seen = np.zeros(len(relaxation.marked), np.uint8)
    in_cut = np.zeros(len(relaxation.left), np.uint8)
    depth = 0
    for variable in range(len(state)):
        fact = first[variable] + state[variable]
        seen[fact] = 1
        relaxation.stack[depth] = fact
        depth += 1
    count = 0
    free = 0
    while depth or free < len(relaxation.free):
        if depth:
            depth -= 1
            fact = np.int64(relaxation.stack[depth])
            begin, end = relaxation.user_start[fact], relaxation.user_start[fact + 1]
        else:
            fact = np.int64(-1)
            begin, end = free, free + 1
            free += 1
        for i in range(begin, end):
            op = relaxation.user[i] if fact >= 0 else relaxation.free[i]
            if fact >= 0 and relaxation.reached[op] != fact:
                continue
            enters = False
            for k in range(relaxation.effect_start[op], relaxation.effect_start[op + 1]):
                if relaxation.marked[relaxation.effect[k]]:
                    enters = True
            if enters:
                if not in_cut[op]:
                    in_cut[op] = 1
                    cut[count] = op
                    count += 1
                continue
            for k in range(relaxation.effect_start[op], relaxation.effect_start[op + 1]):
                reached = relaxation.effect[k]
                if not seen[reached]:
                    seen[reached] = 1
                    relaxation.stack[depth] = reached
                    depth += 1
    return count


@njit(cache=True, nogil=True)
def _achievers(relaxation, start, found):  # type: ignore[no-untyped-def]
    for op in range(len(relaxation.left)):
        for k in range(relaxation.effect_start[op], relaxation.effect_start[op + 1]):
            start[relaxation.effect[k] + 1] += 1
    for fact in range(len(start) - 1):
        start[fact + 1] += start[fact]
    filled = start[:-1].copy()
    for op in range(len(relaxation.left)):
        for k in range(relaxation.effect_start[op], relaxation.effect_start[op + 1]):
            fact = relaxation.effect[k]
            found[filled[fact]] = op
            filled[fact] += 1


@njit(cache=True, nogil=True)
def _pay_cut(relaxation, cost, state, first, achiever_start, achievers):  # type: ignore[no-untyped-def]
    # Find one cut, take its least cost off its operators and return it; 0 where none is left.
    _h_max(relaxation, cost, state, first)
    goal = _dearest_goal(relaxation)
    value = relaxation.fact_cost[goal]
    if value in (0, DEAD_END):
        return value
    _mark_goal_zone(relaxation, achievers, achiever_start, cost, goal)
    cut = np.zeros(len(cost), np.int64)
    count = _find_cut(relaxation, state, first, cut)
    least = DEAD_END
    for i in range(count):
        least = min(least, cost[cut[i]])
    for i in range(count):
        cost[cut[i]] -= least
    return least

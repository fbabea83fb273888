"""Landmarks: LM-cut (Helmert & Domshlak 2009).

Again and again a set of operators is found of which every plan must use one, its least cost is paid
and taken off all of them, until nothing has to be paid. The sum is a lower bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.search.planning.heap import pop, push
from tesuji.search.planning.relaxation import DEAD_END, Relaxation, make_relaxation


def lower_bound(task: FiniteDomain, seconds: float) -> float:
    """Return the LM-cut bound of a task's first state, in the units of its costs.

    Args:
        task: its goal can be reached if nothing is ever deleted.
        seconds: when to stop; the cuts found by then are a bound, too.
    """
    began = time.monotonic()
    cost, unit = whole_costs(task)
    found = cut_landmarks(
        task, make_relaxation(task, cost), cost, lambda: time.monotonic() - began > seconds
    )
    return sum(landmark.weight for landmark in found) / unit


class Landmark(NamedTuple):
    """Facts, none true at first, of which every plan makes one true."""

    facts: npt.NDArray[np.int32]
    weight: int  # what its cheapest operators cost, after what was paid before


def whole_costs(task: FiniteDomain) -> tuple[npt.NDArray[np.int64], int]:
    """Return whole costs, rounded down, and how many of them make a unit."""
    thousandths = np.floor(task.cost * 1000.0 + 1e-6).astype(np.int64)
    if (thousandths % 1000 == 0).all():
        return thousandths // 1000, 1
    return thousandths, 1000


def cut_landmarks(
    task: FiniteDomain,
    relaxation: Relaxation,
    cost: npt.NDArray[np.int64],
    is_over: Callable[[], bool] = lambda: False,
) -> list[Landmark]:
    """Return the landmarks of LM-cut from a task's first state.

    Args:
        task: its goal can be reached if nothing is ever deleted.
        relaxation: of the task.
        cost: `[n]` of the operators.
        is_over: says when to end; the landmarks found by then count, too.
    """
    cost = cost.copy()
    start = np.zeros(len(relaxation.marked) + 1, np.int64)
    achievers = np.zeros(len(relaxation.effect), np.int32)
    _achievers(relaxation, start, achievers)
    found: list[Landmark] = []
    facts = np.zeros(len(task.atom), np.int32)
    while len(relaxation.goal) and not is_over():
        paid, size = _pay_cut(relaxation, cost, task.init, task.first, start, achievers, facts)
        if paid in (0, DEAD_END):
            break
        found.append(Landmark(np.sort(facts[:size]), int(paid)))
    return found


@njit(cache=True, nogil=True)
def charged(task, facts):  # type: ignore[no-untyped-def]
    """Return the operators that can be the first to make one of `facts` true."""
    inside = np.zeros(len(task.atom), np.uint8)
    inside[facts] = 1
    found = np.zeros(len(task.cost), np.int64)
    count = 0
    for op in range(len(task.cost)):
        free = True
        for i in range(task.before_start[op], task.before_start[op + 1]):
            free &= not inside[task.before[i]]
        makes = False
        for k in range(task.effect_start[op], task.effect_start[op + 1]):
            if free and inside[task.effect[k]]:
                happens = True
                for i in range(task.when_start[k], task.when_start[k + 1]):
                    happens &= not inside[task.when[i]]
                makes |= happens
        if makes:
            found[count] = op
            count += 1
    return found[:count]


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
        size = _offer_all(relaxation, op, cost[relaxation.operator[op]], size)
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
                paid = cost[relaxation.operator[op]]
                size = _offer_all(relaxation, op, value + paid, size)


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
            free = cost[relaxation.operator[op]] == 0
            if free and dearest >= 0 and not relaxation.marked[dearest]:
                relaxation.marked[dearest] = 1
                relaxation.stack[depth] = dearest
                depth += 1


@njit(cache=True, nogil=True)
def _find_cut(relaxation, state, first, cut, seen):  # type: ignore[no-untyped-def]
    # Explore from the state without entering the goal zone; the operators that would are the cut,
    # those of the task.
    in_cut = np.zeros(len(cut), np.uint8)
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
                if not in_cut[relaxation.operator[op]]:
                    in_cut[relaxation.operator[op]] = 1
                    cut[count] = relaxation.operator[op]
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
def _gather(relaxation, goal, seen, achiever_start, achievers, facts):  # type: ignore[no-untyped-def]
    # Write into `facts` a goal and what has to be unseen for it to stay so: of each operator that
    # makes one of them true, and is not in the cut, a condition. Return how many.
    inside = np.zeros(len(seen), np.uint8)
    inside[goal] = 1
    facts[0] = goal
    count = 1
    done = 0
    while done < count:
        fact = facts[done]
        done += 1
        for i in range(achiever_start[fact], achiever_start[fact + 1]):
            op = achievers[i]
            unseen = -1
            for k in range(relaxation.before_start[op], relaxation.before_start[op + 1]):
                before = relaxation.before[k]
                if inside[before]:
                    unseen = -1
                    break
                if not seen[before] and (unseen < 0 or before == relaxation.reached[op]):
                    unseen = before
            if unseen >= 0:
                inside[unseen] = 1
                facts[count] = unseen
                count += 1
    return count


@njit(cache=True, nogil=True)
def _pay_cut(relaxation, cost, state, first, achiever_start, achievers, facts):  # type: ignore[no-untyped-def]
    # Find one cut, take its least cost off its operators and return it; 0 where none is left.
    _h_max(relaxation, cost, state, first)
    goal = _dearest_goal(relaxation)
    value = relaxation.fact_cost[goal]
    if value in (0, DEAD_END):
        return value, 0
    _mark_goal_zone(relaxation, achievers, achiever_start, cost, goal)
    cut = np.zeros(len(cost), np.int64)
    seen = np.zeros(len(relaxation.marked), np.uint8)
    count = _find_cut(relaxation, state, first, cut, seen)
    least = DEAD_END
    for i in range(count):
        least = min(least, cost[cut[i]])
    for i in range(count):
        cost[cut[i]] -= least
    return least, _gather(relaxation, goal, seen, achiever_start, achievers, facts)

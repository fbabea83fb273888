"""A plan's steps: which must keep their order, other orders, and steps that it can do without."""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.logistics.pddl.successors import apply, reaches_goal
from tesuji.search.planning.lookahead import applies


@njit(cache=True, nogil=True)
def trace(steps, plan, init, states):  # type: ignore[no-untyped-def]
    """Write to `states` `[n + 1, V]` the states that a plan passes."""
    states[0] = init
    for at in range(len(plan)):
        apply(steps, plan[at], states[at], states[at + 1])


@njit(cache=True, nogil=True)
def _touch(steps, operator, variables):  # type: ignore[no-untyped-def]
    # Mark the variables that an operator reads (1) and writes (2).
    for k in range(steps.effect_start[operator], steps.effect_start[operator + 1]):
        variables[steps.variable[steps.effect[k]]] |= 2
        for i in range(steps.when_start[k], steps.when_start[k + 1]):
            variables[steps.variable[steps.when[i]]] |= 1
    for i in range(steps.before_start[operator], steps.before_start[operator + 1]):
        variables[steps.variable[steps.before[i]]] |= 1


@njit(cache=True, nogil=True)
def dependencies(steps, plan, after, shared):  # type: ignore[no-untyped-def]
    """Fill what the steps of a plan have to do with each other.

    Args:
        steps: the task.
        plan: `[n]` operators.
        after: `[n, n]` whether the second must stay after the first: one writes what the other
            reads or writes.
        shared: `[n, n]` how many variables both write.
    """
    size = len(plan)
    touched = np.zeros((size, len(steps.first)), np.uint8)
    for i in range(size):
        _touch(steps, plan[i], touched[i])
    for i in range(size):
        for j in range(i + 1, size):
            conflict, common = 0, 0
            for variable in range(touched.shape[1]):
                one, other = touched[i, variable], touched[j, variable]
                if one and other and (one | other) & 2:
                    conflict = 1
                    common += (one & other) >> 1
            after[i, j] = conflict
            shared[i, j] = shared[j, i] = common


@njit(cache=True, nogil=True)
def reorder(after, shared, priority, chain, order):  # type: ignore[no-untyped-def]
    """Write to `order` another order of the steps that keeps all dependencies.

    Of the steps that may come next, one with the least `priority` `[n]` comes; with `chain`, one
    that shares the most with the step before it.
    """
    size = len(priority)
    open_before = np.zeros(size, np.int64)
    for i in range(size):
        for j in range(i + 1, size):
            open_before[j] += after[i, j]
    last = -1
    for place in range(size):
        best = -1
        for i in range(size):
            if open_before[i]:
                continue
            if best < 0:
                best = i
                continue
            gain = np.int64(0)
            if chain and last >= 0:
                gain = np.int64(shared[last, i]) - np.int64(shared[last, best])
            if gain > 0 or (gain == 0 and priority[i] < priority[best]):
                best = i
        order[place] = best
        open_before[best] = -1
        for j in range(best + 1, size):
            open_before[j] -= after[best, j]
        last = best


@njit(cache=True, nogil=True)
def goal_steps(steps, plan, reached):  # type: ignore[no-untyped-def]
    """Write to `reached` `[G]` the last step that makes each goal true; -1 where none does."""
    for g in range(len(steps.goal)):
        reached[g] = -1
        for at in range(len(plan)):
            for k in range(steps.effect_start[plan[at]], steps.effect_start[plan[at] + 1]):
                if steps.effect[k] == steps.goal[g]:
                    reached[g] = at


@njit(cache=True, nogil=True)
def goal_ranks(reached, after, rank, priority):  # type: ignore[no-untyped-def]
    """Write to `priority` for each step the least rank of a goal that needs it.

    `rank` `[G]` ranks the goals and `reached` `[G]` tells the steps that make them true; steps that
    no goal needs come last.
    """
    size = len(priority)
    priority[:] = len(rank)
    for g in range(len(rank)):
        if reached[g] >= 0:
            at = np.int64(reached[g])
            priority[at] = min(priority[at], rank[g])
    for j in range(size - 1, -1, -1):
        for i in range(j):
            if after[i, j]:
                priority[i] = min(priority[i], priority[j])


@njit(cache=True, nogil=True)
def eliminate(steps, plan, init, states, kept):  # type: ignore[no-untyped-def]
    """Mark in `kept` `[n]` the steps that a plan needs: greedy action elimination.

    Each step in turn is left out, with all later ones that do not apply without it; if the goal is
    reached all the same, they stay out (Nakhost & Müller 2010). `states` is room `[n + 2, V]`.
    """
    size = len(plan)
    kept[:] = 1
    trial = np.zeros(size, np.uint8)
    states[0] = init
    for at in range(size):
        if kept[at]:
            trial[:] = kept
            trial[at] = 0
            state, after = states[at + 1], states[at + 2]
            state[:] = states[at]
            for later in range(at + 1, size):
                if not kept[later]:
                    continue
                if applies(steps, plan[later], state):
                    apply(steps, plan[later], state, after)
                    state[:] = after
                else:
                    trial[later] = 0
            if reaches_goal(steps, state):
                kept[:] = trial
        if kept[at]:
            apply(steps, plan[at], states[at], states[at + 1])
        else:
            states[at + 1] = states[at]

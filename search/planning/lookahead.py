"""Lookahead: how far a relaxed plan can really be followed from its state (Vidal 2004, YAHSP).

Its operators are applied in the order of their h_add, those first that break no other's conditions;
where none applies, one that does and gives a fact for which the plan has another operator stands in
for that. The state at the end is often far nearer to the goal.
"""

from __future__ import annotations

from tesuji.domains.logistics.pddl.successors import applicable, apply, copy_row
from tesuji.search.tree import kernel


@kernel
def _value(relaxation, op):  # type: ignore[no-untyped-def]
    total = relaxation.cost[op]
    for i in range(relaxation.before_start[op], relaxation.before_start[op + 1]):
        total += relaxation.fact_cost[relaxation.before[i]]
    return total


@kernel
def _sort(relaxation, plan, size):  # type: ignore[no-untyped-def]
    # Relaxed operators by their h_add: insertion sort.
    for i in range(1, size):
        op = plan[i]
        value = _value(relaxation, op)
        at = i
        while at > 0 and _value(relaxation, plan[at - 1]) > value:
            plan[at] = plan[at - 1]
            at -= 1
        plan[at] = op


@kernel
def applies(steps, operator, state):  # type: ignore[no-untyped-def]
    """Return whether an operator applies in a state."""
    for i in range(steps.before_start[operator], steps.before_start[operator + 1]):
        fact = steps.before[i]
        variable = steps.variable[fact]
        if state[variable] != fact - steps.first[variable]:
            return False
    return True


@kernel
def _breaks(steps, one, other):  # type: ignore[no-untyped-def]
    # Whether an operator takes a condition from another.
    for k in range(steps.effect_start[one], steps.effect_start[one + 1]):
        fact = steps.effect[k]
        for i in range(steps.before_start[other], steps.before_start[other + 1]):
            required = steps.before[i]
            if required != fact and steps.variable[required] == steps.variable[fact]:
                return True
    return False


@kernel
def _next(steps, relaxation, plan, size, state, ready):  # type: ignore[no-untyped-def]
    # The place of an operator that applies, of one that breaks no other if there is one; or -1.
    first = -1
    for i in range(size):
        ready[i] = plan[i] >= 0 and applies(steps, relaxation.operator[plan[i]], state)
        if ready[i] and first < 0:
            first = i
    for i in range(size):
        if not ready[i]:
            continue
        free = True
        for j in range(size):
            if j != i and ready[j]:
                one, other = relaxation.operator[plan[i]], relaxation.operator[plan[j]]
                if _breaks(steps, one, other):
                    free = False
                    break
        if free:
            return i
    return first


@kernel
def _stand_in(steps, relaxation, plan, size, state, scratch):  # type: ignore[no-untyped-def]
    # An operator that applies and gives what the earliest possible one of the plan would give:
    # `(place in the plan, operator)`, or -1. `marked` tells the facts that are wanted.
    wanted = relaxation.marked
    wanted[:] = 0
    for i in range(size):
        if plan[i] >= 0:
            for k in range(relaxation.effect_start[plan[i]], relaxation.effect_start[plan[i] + 1]):
                fact = relaxation.effect[k]
                if relaxation.supporter[fact] == plan[i]:
                    variable = steps.variable[fact]
                    wanted[fact] = state[variable] != fact - steps.first[variable]
    found = applicable(steps, state, scratch.applicable, scratch.stack)
    best, chosen = size, -1
    for a in range(found):
        operator = scratch.applicable[a]
        for k in range(steps.effect_start[operator], steps.effect_start[operator + 1]):
            fact = steps.effect[k]
            if not wanted[fact]:
                continue
            place = 0
            while plan[place] != relaxation.supporter[fact]:
                place += 1
            cheaper = chosen >= 0 and place == best and steps.cost[operator] < steps.cost[chosen]
            if place < best or cheaper:
                best, chosen = place, operator
    return best, chosen


@kernel
def is_classical(steps):  # type: ignore[no-untyped-def]
    """Return whether a task has neither numbers nor rules: only then may a plan be followed."""
    rules = steps.rules
    return not (len(steps.numeric.init) or len(rules.rules_of) or len(rules.guards_of))


@kernel
def follow(steps, relaxation, state, scratch):  # type: ignore[no-untyped-def]
    """Follow the relaxed plan that `relaxed_plan` left behind from its state.

    Args:
        steps: the task.
        relaxation: with the relaxed plan.
        state: where it begins; where it ends, afterwards.
        scratch: room; `followed` gets the operators.

    Returns:
        How many operators were applied.
    """
    size = relaxation.plan_size[0]
    _sort(relaxation, relaxation.plan, size)
    size = min(size, len(scratch.followed))
    plan = relaxation.plan[:size]
    count = 0
    while count < len(scratch.followed):
        place = _next(steps, relaxation, plan, size, state, scratch.ready)
        if place >= 0:
            operator = relaxation.operator[plan[place]]
        else:
            place, operator = _stand_in(steps, relaxation, plan, size, state, scratch)
            if operator < 0:
                break
        plan[place] = -1
        scratch.followed[count] = operator
        count += 1
        apply(steps, operator, state, scratch.after)
        copy_row(scratch.after, state)
    return count

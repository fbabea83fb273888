"""Windows of a plan: cheaper ways from a state to what the rest of the plan needs.

Weighted A* with the relaxed plan's cost as heuristic, evaluation deferred; a way that would cost
as much as the window costs now, relaxed plan and all, is not followed. That may cut off a better
one, as the heuristic may be too high: windows improve plans, they prove nothing.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.logistics.pddl.successors import applicable, apply, copy_row, reaches_goal
from tesuji.search.planning.nodes import find_slot, pop_successor, push_successor
from tesuji.search.planning.relaxation import relaxed_plan
from tesuji.search.tree import kernel

_REACHED = np.int64(-1)  # the value of a node that is a goal


@kernel
def needed_facts(steps, plan, states, until, needed):  # type: ignore[no-untyped-def]
    """Mark in `needed` `[F]` what the plan's steps from `until` on and the goal need.

    Args:
        steps: the task.
        plan: `[n]` operators.
        states: `[n + 1, V]` on the way.
        until: the step where the window ends.
        needed: 1 for each fact that must hold in `states[until]` for the rest to work as it does;
            a step with conditional effects keeps the variables that those look at.
    """
    needed[:] = 0
    for fact in steps.goal:
        needed[fact] = 1
    for at in range(len(plan) - 1, until - 1, -1):
        operator = plan[at]
        for k in range(steps.effect_start[operator], steps.effect_start[operator + 1]):
            needed[steps.effect[k]] = 0
        for i in range(steps.before_start[operator], steps.before_start[operator + 1]):
            needed[steps.before[i]] = 1
        for k in range(steps.effect_start[operator], steps.effect_start[operator + 1]):
            for i in range(steps.when_start[k], steps.when_start[k + 1]):
                variable = steps.variable[steps.when[i]]
                needed[steps.first[variable] + states[at, variable]] = 1


@kernel
def _key(cost, value, weight, count):  # type: ignore[no-untyped-def]
    # Least cost of the whole way first, then what is nearer to the end, then the latest.
    return (
        ((cost + weight * value) << 28)
        | (min(value, (1 << 16) - 1) << 12)
        | (4095 - (count & 4095))
    )


@kernel
def _expand(steps, nodes, queue, cost, scratch, node, num_preferred, bound, weight):  # type: ignore[no-untyped-def]
    # Put the successors of a node into the queue, if it has room for all.
    for i in range(num_preferred):
        scratch.is_preferred[scratch.preferred[i]] = 1
    found = applicable(steps, nodes.state[node], scratch.applicable, scratch.stack)
    if queue.size[0] + found <= len(queue.key):
        for i in range(found):
            operator = scratch.applicable[i]
            after = nodes.cost[node] + cost[operator]
            if after < bound:
                # A preferred operator brings the end nearer by what it costs, others do not.
                value = nodes.value[node]
                if scratch.is_preferred[operator]:
                    value = max(0, value - cost[operator])
                push_successor(queue, _key(after, value, weight, queue.size[0]), node, operator)
    for i in range(num_preferred):
        scratch.is_preferred[scratch.preferred[i]] = 0


@kernel
def _enter(steps, relaxation, nodes, scratch, state, slot, node):  # type: ignore[no-untyped-def]
    # Make a node and judge it; return how many operators are preferred.
    copy_row(state, nodes.state[node])
    nodes.slot[slot] = node + 1
    nodes.landmarks[node] = slot  # remembered, to be emptied
    if reaches_goal(steps, state):
        nodes.value[node] = _REACHED
        return 0
    value, preferred = relaxed_plan(relaxation, state, steps.first, scratch.preferred)
    nodes.value[node] = value
    return preferred


@kernel
def _leave(nodes, count, last, out):  # type: ignore[no-untyped-def]
    # Empty the slots, and write the way to the node `last`; return its length.
    length = 0
    while last >= 0 and nodes.parent[last] >= 0:
        out[length] = nodes.operator[last]
        length += 1
        last = np.int64(nodes.parent[last])
    for node in range(count):
        nodes.slot[nodes.landmarks[node]] = 0
    return length


@kernel
def search_window(steps, relaxation, nodes, queue, cost, scratch, init, bound, weight, limit, out):  # type: ignore[no-untyped-def]
    """Search for a way from `init` to `steps.goal` that costs less than `bound`.

    Args:
        steps: the task with the window's goal.
        relaxation: with the same goal, and with `cost`.
        nodes: room; its slots are empty, before and after.
        queue: room.
        cost: `[n]` of each operator.
        scratch: room.
        init: the state where the window begins.
        bound: what the window costs now.
        weight: of the heuristic.
        limit: states to judge at most; `nodes` has room for as many.
        out: gets the operators, the last first.

    Returns:
        `(whether there is one, its number of operators, states judged)`.
    """
    queue.size[0] = 0
    node, parent, operator, spent = np.int64(0), np.int64(-1), np.int64(-1), np.int64(0)
    slot = find_slot(nodes, init)
    preferred = _enter(steps, relaxation, nodes, scratch, init, slot, node)
    count = 1
    while True:
        nodes.cost[node], nodes.parent[node], nodes.operator[node] = spent, parent, operator
        if nodes.value[node] == _REACHED:
            return True, _leave(nodes, count, node, out), count
        if spent + nodes.value[node] < bound:
            _expand(steps, nodes, queue, cost, scratch, node, preferred, bound, weight)
        node = np.int64(-1)
        while node < 0 and queue.size[0] and count < limit:
            parent, operator = pop_successor(queue)
            spent = nodes.cost[parent] + cost[operator]
            apply(steps, operator, nodes.state[parent], scratch.state)
            slot = find_slot(nodes, scratch.state)
            node = np.int64(nodes.slot[slot]) - 1
            preferred = 0
            if node < 0:
                node = np.int64(count)
                preferred = _enter(steps, relaxation, nodes, scratch, scratch.state, slot, node)
                count += 1
            elif spent >= nodes.cost[node]:
                node = np.int64(-1)
        if node < 0:
            return False, _leave(nodes, count, node, out), count

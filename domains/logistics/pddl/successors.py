"""Successor generation: which operators apply in a state, by a tree of switches on variables.

Every operator's preconditions are a path in a trie, the variables that most operators mention
first. A node of it holds the operators that need nothing more and one switch for each variable that
others go on with; a switch leads on by the variable's value (Helmert 2006, section 5.3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain, Small
from tesuji.domains.logistics.pddl.numeric import (
    Numeric,
    Rules,
    change_number,
    numbers_of,
    numeric_fact_holds,
)
from tesuji.domains.logistics.pddl.programs import evaluate

# For kernels that hand a task's many arrays on and allocate none: counting references to them at
# each call takes ten times as long as a step.
kernel = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, _nrt=False)
inline_kernel = njit(cache=True, nogil=True, error_model="numpy", _nrt=False, inline="always")


class Switches(NamedTuple):
    """The tree; node 0 is its root."""

    operators: Small  # sorted so that each node's own lie side by side
    own: Small  # [N, 2] where a node's operators begin and end
    branches: Small  # [N, 2] where its switches begin and end
    variable: Small  # [W] of each switch
    table: Small  # [W] where its children begin, one a value
    child: Small  # nodes, -1 for none


class Steps(NamedTuple):
    """What kernels need to step a task."""

    variable: Small  # of each fact
    first: Small  # fact of each variable
    goal: Small
    before_start: Small
    before: Small
    effect_start: Small
    effect: Small
    when_start: Small
    when: Small
    variable_set: Small  # by each effect
    value_set: Small  # by each effect
    depends: npt.NDArray[np.bool_]  # [n] whether what an operator does depends on the state
    cost: npt.NDArray[np.float64]
    switches: Switches
    numeric: Numeric
    rules: Rules


def make_steps(task: FiniteDomain) -> Steps:
    """Return a task with its successor generator."""
    variable = task.variable[task.effect]
    conditions = np.concatenate([[0], np.cumsum(np.diff(task.when_start))])[task.effect_start]
    return Steps(
        task.variable, task.first, task.goal, task.before_start, task.before, task.effect_start,
        task.effect, task.when_start, task.when, variable, task.effect - task.first[variable],
        (np.diff(conditions) > 0) | (np.diff(task.numeric.change_start) > 0), task.cost,
        _make_switches(task), task.numeric, task.rules,
    )  # fmt: skip


def _make_switches(task: FiniteDomain) -> Switches:
    count = len(task.cost)
    atoms = task.before < task.first[-1]  # numeric facts are asked of what the switches let through
    start = np.concatenate([[0], np.cumsum(atoms)])[task.before_start]
    before = task.before[atoms]
    lengths = np.diff(start)
    owner = np.repeat(np.arange(count), lengths)
    variable = task.variable[before]
    mentions = np.bincount(variable, minlength=len(task.init))
    rank = np.empty(len(task.init), np.int64)
    rank[np.argsort(-mentions, kind="stable")] = np.arange(len(task.init))
    # Facts by the rank of their variable, then by value, from 1; 0 ends a path.
    width = int(np.diff(task.first).max(initial=1)) + 1
    place = rank[variable] * width + (before - task.first[variable]) + 1
    order = np.lexsort((place, owner))
    path = np.zeros((count, int(lengths.max(initial=0)) + 1), np.int64)
    column = np.arange(len(owner)) - np.repeat(start[:-1], lengths)
    path[owner[order], column] = place[order]
    sequence = np.lexsort(path.T[::-1]) if count else np.zeros(0, np.int64)
    path = np.ascontiguousarray(path[sequence])
    by_rank = np.argsort(rank)
    sizes = np.diff(task.first)[by_rank].astype(np.int64)
    none = np.zeros((0, 2), np.int32)
    flat = np.zeros(0, np.int32)
    nodes, switches, cells = _build(path, width, sizes, none, none, flat, flat, flat, False)
    own, branches = np.zeros((nodes, 2), np.int32), np.zeros((nodes, 2), np.int32)
    ranks, table = np.zeros(switches, np.int32), np.zeros(switches, np.int32)
    child = np.full(cells, -1, np.int32)
    _build(path, width, sizes, own, branches, ranks, table, child, True)
    return Switches(
        sequence.astype(np.int32), own, branches, by_rank[ranks].astype(np.int32), table, child
    )


@njit(cache=True)
def _build(path, width, sizes, own, branches, variable, table, child, fill):  # type: ignore[no-untyped-def]
    # Count nodes, switches and cells, or fill them in; a node is a range of `path` and a depth.
    count, depth_limit = path.shape
    room = 1 + count * depth_limit
    low = np.empty(room, np.int64)
    high = np.empty(room, np.int64)
    depth = np.empty(room, np.int64)
    low[0], high[0], depth[0] = 0, count, 0
    nodes, switches, cells = 1, 0, 0
    node = 0
    while node < nodes:
        at, stop, level = low[node], high[node], depth[node]
        begin = at
        while at < stop and path[at, level] == 0:
            at += 1
        first_switch = switches
        last = -1
        while at < stop:
            fact = path[at, level]
            until = at
            while until < stop and path[until, level] == fact:
                until += 1
            rank = (fact - 1) // width
            if rank != last:
                last = rank
                if fill:
                    variable[switches] = rank
                    table[switches] = cells
                switches += 1
                cells += sizes[rank]
            if fill:
                child[table[switches - 1] + (fact - 1) % width] = nodes
            low[nodes], high[nodes], depth[nodes] = at, until, level + 1
            nodes += 1
            at = until
        if fill:
            own[node, 0] = begin
            end = begin
            while end < stop and path[end, level] == 0:
                end += 1
            own[node, 1] = end
            branches[node, 0] = first_switch
            branches[node, 1] = switches
        node += 1
    return nodes, switches, cells


@kernel
def applicable(steps, state, out, stack):  # type: ignore[no-untyped-def]
    """Write the operators that apply in `state` to `out`; return how many.

    `out` has room for all operators, `stack` for all nodes of the tree.
    """
    switches = steps.switches
    count = 0
    stack[0] = 0
    depth = 1
    while depth:
        depth -= 1
        node = stack[depth]
        for i in range(switches.own[node, 0], switches.own[node, 1]):
            out[count] = switches.operators[i]
            count += 1
        for i in range(switches.branches[node, 0], switches.branches[node, 1]):
            child = switches.child[switches.table[i] + state[switches.variable[i]]]
            if child >= 0:
                stack[depth] = child
                depth += 1
    if len(steps.numeric.init) or len(steps.rules.rules_of) or len(steps.rules.guards_of):
        return _filter(steps, state, out, count)
    return count


@njit(cache=True, nogil=True, _nrt=True)  # it makes an array, whoever calls it
def _filter(steps, state, out, count):  # type: ignore[no-untyped-def]
    # Keep the operators whose numeric conditions hold and that break no rule.
    numeric, rules = steps.numeric, steps.rules
    numbers = numbers_of(state, len(steps.first) - 1)
    after = np.empty_like(state)
    kept = 0
    for i in range(count):
        operator = out[i]
        good = True
        for k in range(numeric.need_start[operator], numeric.need_start[operator + 1]):
            if not numeric_fact_holds(numeric, numeric.need[k], state, numbers):
                good = False
                break
        for k in range(rules.guard_start[operator], rules.guard_start[operator + 1]):
            if not good:
                break
            guard = rules.guards_of[k]
            good = evaluate(rules.guard, guard, state, numbers, numeric.stack) == 1.0
        if good and (
            numeric.fragile or rules.rule_start[operator] < rules.rule_start[operator + 1]
        ):
            apply(steps, operator, state, after)
            good = _is_kept(steps, operator, after)
        if good:
            out[kept] = operator
            kept += 1
    return kept


@kernel
def _is_kept(steps, operator, after):  # type: ignore[no-untyped-def]
    # Whether what an operator leads to defines its numbers and keeps the rules.
    numeric, rules = steps.numeric, steps.rules
    numbers = numbers_of(after, len(steps.first) - 1)
    if numeric.fragile:
        for k in range(numeric.change_start[operator], numeric.change_start[operator + 1]):
            if not np.isfinite(numbers[numeric.target[k]]):
                return False
    for k in range(rules.rule_start[operator], rules.rule_start[operator + 1]):
        rule = rules.rules_of[k]
        if evaluate(rules.rule, rule, after, numbers, numeric.stack) != 1.0:
            return False
    return True


@kernel
def holds(steps, fact, state):  # type: ignore[no-untyped-def]
    """Return whether a fact, numeric or not, holds in a state."""
    if fact >= steps.first[-1]:
        numbers = numbers_of(state, len(steps.first) - 1)
        return numeric_fact_holds(steps.numeric, fact - steps.first[-1], state, numbers)
    variable = steps.variable[fact]
    return state[variable] == fact - steps.first[variable]


@inline_kernel
def copy_row(row, out):  # type: ignore[no-untyped-def]
    """Copy a row to another."""
    for i in range(len(row)):
        out[i] = row[i]


@inline_kernel
def apply(steps, operator, state, out):  # type: ignore[no-untyped-def]
    """Write to `out` what `operator` makes of `state`."""
    copy_row(state, out)
    if steps.depends[operator]:
        _apply_by_state(steps, operator, state, out)
    else:
        for effect in range(steps.effect_start[operator], steps.effect_start[operator + 1]):
            out[steps.variable_set[effect]] = steps.value_set[effect]


@kernel
def _apply_by_state(steps, operator, state, out):  # type: ignore[no-untyped-def]
    for effect in range(steps.effect_start[operator], steps.effect_start[operator + 1]):
        if all_hold(steps, steps.when, steps.when_start[effect : effect + 2], state):
            out[steps.variable_set[effect]] = steps.value_set[effect]
    numeric = steps.numeric
    before = numbers_of(state, len(steps.first) - 1)
    after = numbers_of(out, len(steps.first) - 1)
    for change in range(numeric.change_start[operator], numeric.change_start[operator + 1]):
        if all_hold(steps, numeric.when, numeric.when_start[change : change + 2], state):
            change_number(numeric, change, state, before, after)


@kernel
def all_hold(steps, facts, reach, state):  # type: ignore[no-untyped-def]
    """Return whether `facts[reach[0] : reach[1]]` hold in a state."""
    for i in range(reach[0], reach[1]):  # noqa: SIM110
        if not holds(steps, facts[i], state):
            return False
    return True


@kernel
def reaches_goal(steps, state):  # type: ignore[no-untyped-def]
    """Return whether `state` is as the goal wants it."""
    for fact in steps.goal:  # noqa: SIM110
        if not holds(steps, fact, state):
            return False
    return True

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
    cost: npt.NDArray[np.float64]
    switches: Switches


def make_steps(task: FiniteDomain) -> Steps:
    """Return a task with its successor generator."""
    return Steps(
        task.variable, task.first, task.goal, task.before_start, task.before, task.effect_start,
        task.effect, task.when_start, task.when, task.cost, _make_switches(task),
    )  # fmt: skip


def _make_switches(task: FiniteDomain) -> Switches:
    count = len(task.cost)
    lengths = np.diff(task.before_start)
    owner = np.repeat(np.arange(count), lengths)
    variable = task.variable[task.before]
    mentions = np.bincount(variable, minlength=len(task.init))
    rank = np.empty(len(task.init), np.int64)
    rank[np.argsort(-mentions, kind="stable")] = np.arange(len(task.init))
    # Facts by the rank of their variable, then by value, from 1; 0 ends a path.
    width = int(np.diff(task.first).max(initial=1)) + 1
    place = rank[variable] * width + (task.before - task.first[variable]) + 1
    order = np.lexsort((place, owner))
    path = np.zeros((count, int(lengths.max(initial=0)) + 1), np.int64)
    column = np.arange(len(owner)) - np.repeat(task.before_start[:-1], lengths)
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


@njit(cache=True, nogil=True)
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
    return count


@njit(cache=True, nogil=True)
def apply(steps, operator, state, out):  # type: ignore[no-untyped-def]
    """Write to `out` what `operator` makes of `state`."""
    for variable in range(len(state)):
        out[variable] = state[variable]
    for effect in range(steps.effect_start[operator], steps.effect_start[operator + 1]):
        happens = True
        for i in range(steps.when_start[effect], steps.when_start[effect + 1]):
            fact = steps.when[i]
            variable = steps.variable[fact]
            if state[variable] != fact - steps.first[variable]:
                happens = False
                break
        if happens:
            fact = steps.effect[effect]
            variable = steps.variable[fact]
            out[variable] = fact - steps.first[variable]


@njit(cache=True, nogil=True)
def reaches_goal(steps, state):  # type: ignore[no-untyped-def]
    """Return whether `state` is as the goal wants it."""
    for fact in steps.goal:
        variable = steps.variable[fact]
        if state[variable] != fact - steps.first[variable]:
            return False
    return True

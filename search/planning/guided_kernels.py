"""Best-first search guided by a learned model: every successor is judged when it is generated.

A model's value of a state ranks it, lower is nearer to the goal; a node's policy is the softmax of
its successors' values. Three orders of the queue:

- greedy: the least value first;
- Levin tree search: depth over the probability of the way (Orseau, Lelis, Lattimore & Weber 2018);
- PHS*: `(g + h) / p^(1 + h / g)`, with a heuristic `h` beside the policy (Orseau & Lelis 2021).

Successors are not stored, only how to get them; a state that was generated once is not again.
States are known by 64-bit hashes, so that an exhausted queue is no proof that there is no plan.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.logistics.pddl.successors import applicable, copy_row, reaches_goal
from tesuji.search.planning.colour_kernels import restore, shift, write_difference
from tesuji.search.planning.heap import pop, push
from tesuji.search.planning.nodes import hash_state
from tesuji.search.planning.relaxation import DEAD_END, relaxed_plan

GREEDY, LEVIN, PHS = range(3)
RUNNING, FOUND, EXHAUSTED, FULL = range(4)
NODES, WAITING, GENERATED, EVALUATED, ENTRIES, SEEN = range(6)  # what `counts` counts
UNIT = 1 << 20  # a weight of 1
_AGE_BITS = 30
_SCALE = 1 << 16  # of logarithms in keys
_LARGEST = np.int64(1) << 31


@njit(cache=True, nogil=True)
def place(search, room, init):  # type: ignore[no-untyped-def]
    """Bring the colours from the empty state to the first one; once, before all else."""
    room.state[:] = init
    num = 0
    for variable in range(len(search.steps.first) - 1):
        atom = search.colours.graph.fact_atom[search.steps.first[variable] + init[variable]]
        if atom >= 0:
            room.atom[num] = atom
            room.truth[num] = 1
            num += 1
    shift(search.colours, room.atom, room.truth, num, False)


@njit(cache=True, nogil=True)
def start(search, nodes, queue, room, init):  # type: ignore[no-untyped-def]
    """Make the first state a node that waits; return `FOUND` where it is a goal."""
    move(search, room, init)
    nodes.state[0] = init
    nodes.parent[0] = nodes.operator[0] = -1
    nodes.depth[0] = nodes.cost[0] = 0
    nodes.chance[0] = 0.0
    search.counts[NODES] = 1
    enter(search, hash_state(init))
    if reaches_goal(search.steps, init):
        return FOUND
    _expand(search, nodes, queue, room, np.int64(0))
    return RUNNING


@njit(cache=True, nogil=True)
def run(search, nodes, queue, room, limit):  # type: ignore[no-untyped-def]
    """Expand up to `limit` nodes; return how the search stands.

    `FOUND` leaves the goal as the last node; `FULL` asks for larger arrays.
    """
    counts = search.counts
    for _ in range(limit):
        most = len(room.applicable)
        if counts[NODES] + 1 >= len(nodes.state) or counts[ENTRIES] + most > len(queue.key):
            return FULL
        if 2 * (counts[SEEN] + most) > len(search.seen):
            return FULL
        if counts[WAITING] == 0:
            return EXHAUSTED
        key = pop(queue.key, counts[WAITING])
        counts[WAITING] -= 1
        entry = (np.int64(1) << _AGE_BITS) - 1 - (key & ((np.int64(1) << _AGE_BITS) - 1))
        parent, operator = np.int64(queue.parent[entry]), np.int64(queue.operator[entry])
        node = counts[NODES]
        counts[NODES] += 1
        nodes.parent[node] = parent
        nodes.operator[node] = operator
        nodes.depth[node] = nodes.depth[parent] + 1
        nodes.cost[node] = nodes.cost[parent] + search.cost[operator]
        nodes.chance[node] = queue.chance[entry]
        num = changes(search.steps, operator, nodes.state[parent], room)
        _write_child(search.steps, nodes.state[parent], num, room, nodes.state[node])
        move(search, room, nodes.state[node])
        if reaches_goal(search.steps, nodes.state[node]):
            return FOUND
        _expand(search, nodes, queue, room, node)
    return RUNNING


@njit(cache=True, nogil=True)
def changes(steps, operator, state, room):  # type: ignore[no-untyped-def]
    """Write the variables that `operator` changes and their new facts; return how many."""
    num = 0
    for effect in range(steps.effect_start[operator], steps.effect_start[operator + 1]):
        happens = True
        for i in range(steps.when_start[effect], steps.when_start[effect + 1]):
            fact = steps.when[i]
            variable = steps.variable[fact]
            if state[variable] != fact - steps.first[variable]:
                happens = False
                break
        if not happens:
            continue
        fact = steps.effect[effect]
        variable = steps.variable[fact]
        at = 0
        while at < num and room.variable[at] != variable:
            at += 1
        room.variable[at] = variable
        room.fact[at] = fact
        num = max(num, at + 1)
    return num


@njit(cache=True, nogil=True)
def _write_child(steps, state, num, room, out):  # type: ignore[no-untyped-def]
    # The state after the first `num` changes of variables.
    copy_row(state, out)
    for i in range(num):
        out[room.variable[i]] = room.fact[i] - steps.first[room.variable[i]]


@njit(cache=True, nogil=True)
def _atoms(search, state, num, room):  # type: ignore[no-untyped-def]
    # The atoms that the first `num` changes of variables make false and true.
    graph, first = search.colours.graph, search.steps.first
    count = 0
    for i in range(num):
        old = np.int64(first[room.variable[i]]) + state[room.variable[i]]
        new = np.int64(room.fact[i])
        if old == new:
            continue
        for truth in range(2):
            atom = graph.fact_atom[new if truth else old]
            if atom >= 0:
                room.atom[count] = atom
                room.truth[count] = truth
                count += 1
    return count


@njit(cache=True, nogil=True)
def move(search, room, state):  # type: ignore[no-untyped-def]
    """Bring the colours from the state that they are of to another."""
    num = 0
    for variable in range(len(state)):
        if state[variable] != room.state[variable]:
            room.variable[num] = variable
            room.fact[num] = search.steps.first[variable] + state[variable]
            num += 1
    count = _atoms(search, room.state, num, room)
    shift(search.colours, room.atom, room.truth, count, False)
    room.state[:] = state


@njit(cache=True, nogil=True)
def enter(search, bits):  # type: ignore[no-untyped-def]
    """Enter a state's hash; return whether it is new."""
    bits = bits | np.uint64(1)
    mask = np.uint64(len(search.seen) - 1)
    at = (bits >> np.uint64(1)) & mask
    while search.seen[at]:
        if search.seen[at] == bits:
            return False
        at = (at + np.uint64(1)) & mask
    search.seen[at] = bits
    search.counts[SEEN] += 1
    return True


@njit(cache=True, nogil=True)
def refill(search, old):  # type: ignore[no-untyped-def]
    """Enter all hashes of a smaller table."""
    search.counts[SEEN] = 0
    for bits in old:
        if bits:
            enter(search, bits)


@njit(cache=True, nogil=True)
def judge_successors(search, state, room, fresh):  # type: ignore[no-untyped-def]
    """Value the successors of the state that the colours are of; return how many.

    Args:
        search: with colours of `state`.
        state: its row.
        room: gets an operator and a value for each successor.
        fresh: whether to leave out successors that were generated before, and to remember these.
    """
    colours = search.colours
    found = applicable(search.steps, state, room.applicable, room.stack)
    value = colours.value[0]
    kept = 0
    for i in range(found):
        operator = np.int64(room.applicable[i])
        num = changes(search.steps, operator, state, room)
        if fresh:
            _write_child(search.steps, state, num, room, room.child)
            if not enter(search, hash_state(room.child)):
                continue
        count = _atoms(search, state, num, room)
        shift(colours, room.atom, room.truth, count, True)
        room.value[kept] = colours.value[0]
        room.entry[kept] = operator
        restore(colours, room.atom, room.truth, count, value)
        kept += 1
    search.counts[GENERATED] += found
    search.counts[EVALUATED] += kept
    return kept


@njit(cache=True, nogil=True)
def _expand(search, nodes, queue, room, node):  # type: ignore[no-untyped-def]
    # Put the successors of a node into the queue; the colours are of its state.
    state = nodes.state[node]
    kept = judge_successors(search, state, room, True)
    if not kept:
        return
    heuristic = 0.0
    if search.order == PHS:
        least, _ = relaxed_plan(search.relaxation, state, search.steps.first, room.preferred)
        if least == DEAD_END:
            return
        heuristic = float(least)
    best = room.value[0]
    for i in range(1, kept):
        best = min(best, room.value[i])
    total = 0.0
    for i in range(kept):
        total += np.exp(-(room.value[i] - best) / UNIT)
    depth = float(nodes.depth[node] + 1)
    for i in range(kept):
        chance = nodes.chance[node] - (room.value[i] - best) / UNIT - np.log(total)
        if search.order == GREEDY:
            priority = room.value[i] // 16 + (_LARGEST >> 1)
        elif search.order == LEVIN:
            priority = np.int64((np.log(depth) - chance) * _SCALE)
        else:
            far = np.log(depth + heuristic) - (1.0 + heuristic / depth) * chance
            priority = np.int64(far * _SCALE)
        priority = min(max(priority, np.int64(0)), _LARGEST)
        entry = search.counts[ENTRIES]
        search.counts[ENTRIES] += 1
        queue.parent[entry] = node
        queue.operator[entry] = room.entry[i]
        queue.chance[entry] = chance
        age = (np.int64(1) << _AGE_BITS) - 1 - entry
        push(queue.key, search.counts[WAITING], (priority << _AGE_BITS) | age)
        search.counts[WAITING] += 1


@njit(cache=True, nogil=True)
def differences(search, state, room, member, colour, sign):  # type: ignore[no-untyped-def]
    """Write in which colours each successor of `state` differs from it.

    Args:
        search: its colours move to `state`.
        state: values of the variables.
        room: gets the operator of each successor in `entry`.
        member: gets the number of the successor, for each colour that differs.
        colour: gets the colour.
        sign: gets 1 where the successor has it, -1 where `state` has it.

    Returns:
        `(successors, entries)`; more entries than there is room for: call again with more.
    """
    move(search, room, state)
    colours = search.colours
    value = colours.value[0]
    found = applicable(search.steps, state, room.applicable, room.stack)
    at = 0
    for i in range(found):
        operator = np.int64(room.applicable[i])
        count = _atoms(search, state, changes(search.steps, operator, state, room), room)
        shift(colours, room.atom, room.truth, count, True)
        begin = at
        at = write_difference(colours, colour, sign, at)
        member[begin : min(at, len(member))] = i
        restore(colours, room.atom, room.truth, count, value)
        room.entry[i] = operator
    return found, at

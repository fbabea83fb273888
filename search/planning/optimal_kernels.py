"""The kernels of A* with potentials.

A proof's potential function and landmark weights bound the cost from every state, not only from the
first (Pommerening, Helmert & Bonet 2017): a state's potential counts, and each landmark that some
way to it has not made true, for what goes on from there still must (LM-A*, Karpas & Domshlak 2009).
Costs and values count in steps, of which every plan's cost is a multiple. The least `f` of what is
open bounds the cost of all plans that are not found yet.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain, Small
from tesuji.domains.logistics.pddl.ragged import Numbers64, from_pairs
from tesuji.domains.logistics.pddl.successors import copy_row, reaches_goal
from tesuji.search.planning.nodes import find_row, find_slot, generate
from tesuji.search.planning.proofs import BoundProof
from tesuji.search.tree import kernel

RUNNING, CLOSED, FULL = range(3)
NODES, ENTRIES, FREE, LEAST, GOAL = range(5)  # what `counts` counts


class Potentials(NamedTuple):
    """A proof's weights, by fact, in parts of a cost."""

    goal: int  # what a state may lack: the sum over the goal's features
    alone: Numbers64  # [F] of each fact
    pair_start: Numbers64  # [F + 1]
    pair_other: Numbers64  # second facts
    pair_weight: Numbers64
    mark_start: Numbers64  # [F + 1]
    mark: Numbers64  # landmarks that each fact makes true
    mark_weight: Numbers64  # [L]
    step: int  # parts of a step


class Open(NamedTuple):
    """Nodes that wait, in lists by `f`."""

    head: Small  # [K] the last entry of each `f` plus 1
    node: Small  # [E]
    next: Small  # [E] entries plus 1


def make_potentials(task: FiniteDomain, proof: BoundProof, parts: int, step: int) -> Potentials:
    """Return the weights of a proof.

    Args:
        task: the task.
        proof: with weights in `parts` of a whole cost.
        parts: see there.
        step: whole costs in a step.
    """
    facts = len(task.atom)
    first, second = proof.features.T
    single = second < 0
    alone = np.zeros(facts, np.int64)
    np.add.at(alone, first[single], proof.weights[single])
    in_goal = np.zeros(facts + 1, np.bool_)
    in_goal[task.goal] = in_goal[-1] = True
    pairs = np.flatnonzero(~single)
    by_fact = from_pairs(first[pairs], pairs, facts)
    numbers = np.repeat(np.arange(len(proof.landmarks)), [len(own) for own, _ in proof.landmarks])
    made = np.concatenate([np.zeros(0, np.int64), *(own for own, _ in proof.landmarks)])
    marks = from_pairs(made.astype(np.int64), numbers, facts)
    return Potentials(
        int(proof.weights[in_goal[first] & in_goal[second]].sum()), alone, by_fact.start,
        second[by_fact.values], proof.weights[by_fact.values], marks.start, marks.values,
        np.array([weight for _, weight in proof.landmarks], np.int64), parts * step,
    )  # fmt: skip


@kernel
def potential(potentials, state, steps):  # type: ignore[no-untyped-def]
    """Return the potential of a state, in parts."""
    total = potentials.goal
    for variable in range(len(steps.first) - 1):
        fact = steps.first[variable] + state[variable]
        total -= potentials.alone[fact]
        for i in range(potentials.pair_start[fact], potentials.pair_start[fact + 1]):
            other = potentials.pair_other[i]
            of = steps.variable[other]
            if state[of] == other - steps.first[of]:
                total -= potentials.pair_weight[i]
    return total


@kernel
def _see(potentials, state, steps, accepted):  # type: ignore[no-untyped-def]
    # Add the landmarks that hold in a state.
    for variable in range(len(steps.first) - 1):
        fact = steps.first[variable] + state[variable]
        for i in range(potentials.mark_start[fact], potentials.mark_start[fact + 1]):
            mark = potentials.mark[i]
            accepted[mark >> 6] |= np.uint64(1) << np.uint64(mark & 63)


@kernel
def _left(potentials, accepted):  # type: ignore[no-untyped-def]
    # The weight of landmarks that were not made true.
    total = np.int64(0)
    for mark in range(len(potentials.mark_weight)):
        if not (accepted[mark >> 6] >> np.uint64(mark & 63)) & np.uint64(1):
            total += potentials.mark_weight[mark]
    return total


@kernel
def _value(potentials, nodes, node):  # type: ignore[no-untyped-def]
    # The bound from a node on, in steps, rounded up.
    parts = nodes.value[node] + _left(potentials, nodes.accepted[node])
    return max(np.int64(0), (parts + potentials.step - 1) // potentials.step)


@kernel
def push_open(waiting, counts, f, node):  # type: ignore[no-untyped-def]
    """Let a node wait under its `f`."""
    if counts[FREE]:
        entry = counts[FREE] - 1
        counts[FREE] = waiting.next[entry]
    else:
        entry = counts[ENTRIES]
        counts[ENTRIES] += 1
    waiting.node[entry] = node
    waiting.next[entry] = waiting.head[f]
    waiting.head[f] = entry + 1
    counts[LEAST] = min(counts[LEAST], f)


@kernel
def pop_open(waiting, counts, below):  # type: ignore[no-untyped-def]
    """Take a node with the least `f`, -1 where none is below a bound."""
    while counts[LEAST] < below and not waiting.head[counts[LEAST]]:
        counts[LEAST] += 1
    f = counts[LEAST]
    if f >= below:
        return np.int64(-1)
    entry = np.int64(waiting.head[f]) - 1
    waiting.head[f] = waiting.next[entry]
    waiting.next[entry] = counts[FREE]
    counts[FREE] = entry + 1
    return np.int64(waiting.node[entry])


@kernel
def begin(steps, nodes, waiting, potentials, counts, init):  # type: ignore[no-untyped-def]
    """Make the first state the first node."""
    copy_row(init, nodes.state[0])
    nodes.parent[0] = nodes.operator[0] = -1
    nodes.slot[find_slot(nodes, init)] = 1
    nodes.value[0] = potential(potentials, init, steps)
    _see(potentials, init, steps, nodes.accepted[0])
    counts[NODES] = 1
    f = _value(potentials, nodes, 0)
    counts[LEAST] = f
    if f < len(waiting.head):
        push_open(waiting, counts, f, 0)


@kernel
def run(steps, nodes, waiting, potentials, cost, successors, counts, below, limit):  # type: ignore[no-untyped-def]
    """Expand up to `limit` nodes; return how the search stands.

    Args:
        steps: the task.
        nodes: `cost` is that of the best way, `landmarks` that with which they were expanded plus
            1, or 0.
        waiting: open nodes.
        potentials: the weights.
        cost: `[n]` of operators, in steps.
        successors: room.
        counts: `counts[LEAST]` bounds all plans, `counts[GOAL]` is a goal's node, or -1.
        below: only cheaper plans are sought.
        limit: of nodes.
    """
    room = len(successors.bits)
    for _ in range(limit):
        if counts[NODES] + room > len(nodes.state) or counts[ENTRIES] + room > len(waiting.node):
            return FULL
        node = pop_open(waiting, counts, below)
        if node < 0:
            return CLOSED
        spent = nodes.cost[node]
        f = spent + _value(potentials, nodes, node)
        if nodes.landmarks[node] and nodes.landmarks[node] - 1 <= spent:
            continue
        if f > counts[LEAST]:  # more landmarks count by now
            if f < below:
                push_open(waiting, counts, f, node)
            continue
        nodes.landmarks[node] = spent + 1
        if reaches_goal(steps, nodes.state[node]):
            counts[GOAL] = node
            return CLOSED
        found = generate(steps, nodes.state[node], nodes.slot, nodes.state, successors)
        for i in range(found):
            after = spent + cost[successors.operator[i]]
            if after < below:
                slot = find_row(nodes.slot, nodes.state, successors.state[i], successors.bits[i])
                _reach(
                    steps,
                    nodes,
                    waiting,
                    potentials,
                    successors,
                    counts,
                    below,
                    node,
                    after,
                    i,
                    slot,
                )
    return RUNNING


@kernel
def _reach(steps, nodes, waiting, potentials, successors, counts, below, parent, after, i, slot):  # type: ignore[no-untyped-def]
    # Note a way to a state: the i-th successor of `parent`, at a cost of `after`.
    node = np.int64(nodes.slot[slot]) - 1
    if node >= 0:
        _forget(potentials, steps, nodes, parent, node)
        if after >= nodes.cost[node]:
            return
    else:
        node = counts[NODES]
        counts[NODES] += 1
        nodes.slot[slot] = node + 1
        state = nodes.state[node]
        copy_row(successors.state[i], state)
        copy_row(nodes.accepted[parent], nodes.accepted[node])
        _see(potentials, state, steps, nodes.accepted[node])
        nodes.value[node] = potential(potentials, state, steps)
        nodes.landmarks[node] = 0
    nodes.cost[node] = after
    nodes.parent[node] = parent
    nodes.operator[node] = successors.operator[i]
    f = after + _value(potentials, nodes, node)
    if f < below:
        push_open(waiting, counts, f, node)


@kernel
def _forget(potentials, steps, nodes, parent, node):  # type: ignore[no-untyped-def]
    # Of a node that is reached on another way: only landmarks that all ways saw are seen.
    changed = False
    for word in range(nodes.accepted.shape[1]):
        both = nodes.accepted[node, word] & nodes.accepted[parent, word]
        changed |= both != nodes.accepted[node, word]
        nodes.accepted[node, word] = both
    if changed:
        _see(potentials, nodes.state[node], steps, nodes.accepted[node])

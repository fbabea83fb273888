"""The compiled search: many trees, one call a step, no Python a node and no GIL.

A step is three parts: `advance` selects a leaf in every tree and writes what a network must see
into one batch; the evaluator judges the batch; `receive` expands and backs up. Leaves that need
no network (ends, proven positions, cached evaluations) are backed up at once, and the tree goes
on to its next simulation.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.compiled import row_pointer, step_at
from tesuji.search.backup import add_pending, back_up, back_up_edge
from tesuji.search.graph import enter, find_node, node_value, remember
from tesuji.search.leaves import COLLIDED, DONE, REQUESTED, open_node, settle, write_priors
from tesuji.search.moves import any_true, dead_end, list_moves
from tesuji.search.random import advance as next_seed
from tesuji.search.random import mix
from tesuji.search.select import select_leaf
from tesuji.search.tree import (
    NO_PARENT,
    ROOT,
    UNVISITED,
    add_node,
    copy_row,
    equal_rows,
    forced,
    inner,
    kernel,
)

IN_FLIGHT = 1024  # simulations that may follow a tree's first leaf in a batch


@forced
def _find_outcome(tree, t, child, reward, discount, row):  # type: ignore[no-untyped-def]
    # The node among `child` and its siblings that row 0 of `row` leads to, UNVISITED if none.
    first_row = t * tree.nodes.shape[1]
    while child != UNVISITED:
        node = tree.nodes[t, child]
        if (
            node.reward == np.float32(reward)
            and node.discount == np.float32(discount)
            and equal_rows(tree.states, first_row + child, row, 0)
        ):
            return child
        child = np.int64(node.sibling)
    return child


@forced
def _step_edge(tree, t, node, index, key, rules, parameters, workspace):  # type: ignore[no-untyped-def]
    # Step an edge: the state after it is left in row 0 of the workspace. Returns `(reward,
    # discount, child)`, where the child is one that is known already, or UNVISITED. Of a new one
    # under constraints the moves are left in the workspace, too; without any it is an end.
    edge = tree.edges[t, index]
    copy_row(tree.states, t * tree.nodes.shape[1] + node, workspace.row, 0)
    pointer = row_pointer(workspace.row, 0)
    reward, discount = step_at(rules.moves)(pointer, np.int64(edge.action), rules.instance, key)
    child = np.int64(UNVISITED)
    if discount != 0.0:
        if parameters.chance:
            child = _find_outcome(tree, t, np.int64(edge.child), reward, discount, workspace.row)
        elif parameters.graph:
            child = find_node(tree, t, reward, discount, workspace.row)
            edge.child = child
        if rules.restricted and child == UNVISITED:
            list_moves(pointer, rules, workspace.legal)
            if not any_true(workspace.legal):
                reward, discount = dead_end(discount, parameters), 0.0
    if discount == 0.0 and parameters.chance == 0:
        edge.lower = reward
        edge.upper = reward
    return reward, discount, child


@forced
def _walk(tree, t, rules, parameters, workspace):  # type: ignore[no-untyped-def]
    # Go down to an edge that leads out of the tree and step it. Returns `(node, edge, reward,
    # discount, key)`; where the walk ends at a node the edge is -1. A discount of 0 says that the
    # reward is all there is: at an end, a proven edge, or one that closes a cycle.
    record = tree.trees[t]
    node = np.int64(ROOT)
    key = np.uint64(0)
    record.walks += 1
    tree.nodes[t, ROOT].walk = record.walks
    while True:
        node, index = select_leaf(tree, t, node, workspace.work, parameters)
        if index < 0:
            return node, index, 0.0, 0.0, key
        edge = tree.edges[t, index]
        if parameters.prove and edge.lower == edge.upper:
            return node, index, np.float64(edge.lower), 0.0, key
        if parameters.chance:
            record.seed = next_seed(record.seed)
            key = mix(record.seed)
        child = np.int64(edge.child)
        if child == UNVISITED or parameters.chance:
            reward, discount, child = _step_edge(
                tree, t, node, index, key, rules, parameters, workspace
            )
            if child == UNVISITED:
                return node, index, reward, discount, key
        if parameters.graph and not enter(tree, t, node, index, child):
            again = tree.nodes[t, child]
            value = again.reward + again.discount * node_value(again, parameters)
            return node, index, value, 0.0, key
        node = child


@forced
def _simulate(tree, t, rules, cache, batch, filled, parameters, workspace):  # type: ignore[no-untyped-def]
    # One more simulation of a tree; the first call makes its root instead.
    record = tree.trees[t]
    child = np.int64(ROOT)
    if record.num_nodes == 0:
        add_node(tree, t, np.int64(NO_PARENT), np.int64(NO_PARENT), parameters.leaves)
    else:
        node, index, reward, discount, key = _walk(tree, t, rules, parameters, workspace)
        if index < 0:
            leaf = tree.nodes[t, node]
            if leaf.evaluated == 0:
                return COLLIDED
            record.simulations += 1
            back_up(tree, t, node, np.float64(leaf.raw_value), 0.0, parameters)
            return DONE
        record.simulations += 1
        if discount == 0.0:
            back_up_edge(tree, t, node, index, reward, parameters)
            return DONE
        child = add_node(tree, t, node, index, parameters.leaves)
        tree.nodes[t, child].reward = reward
        tree.nodes[t, child].discount = discount
        if parameters.chance:
            tree.keys[t, child] = key
        copy_row(workspace.row, 0, tree.states, t * tree.nodes.shape[1] + child)
    spare = child >= tree.nodes.shape[1] - parameters.leaves
    if parameters.graph and not spare:
        remember(tree, t, child)
    outcome = open_node(tree, t, child, rules, cache, batch, filled, parameters, workspace)
    if outcome == DONE:
        if spare:
            record.spare_used -= 1
    elif child != ROOT and parameters.leaves > 1:
        add_pending(tree, t, child, np.int64(1))
    return outcome


@inner
def _is_done(tree, t, parameters):  # type: ignore[no-untyped-def]
    record = tree.trees[t]
    root = tree.nodes[t, ROOT]
    return record.num_nodes > 0 and (
        record.simulations >= record.target or (parameters.prove and root.lower == root.upper)
    )


@kernel
def advance(tree, start, stop, rules, cache, batch, quota, parameters, workspace):  # type: ignore[no-untyped-def]
    """Grow trees `start:stop` until each asks for an evaluation, is done, or spent `quota`.

    Returns:
        `(requests made, trees that are not done)`.
    """
    filled = np.int64(0)
    unfinished = 0
    for t in range(start, stop):
        record = tree.trees[t]
        record.spare_used = 0
        asked = 0
        left = np.int64(quota)
        while asked < parameters.leaves and left > 0 and not _is_done(tree, t, parameters):
            first = record.num_nodes == 0
            outcome = _simulate(tree, t, rules, cache, batch, filled, parameters, workspace)
            left -= 1
            if outcome == COLLIDED:
                break
            if outcome == REQUESTED:
                filled += 1
                if asked == 0:
                    left = np.int64(IN_FLIGHT)  # a batch must not depend on the clock
                asked += parameters.leaves if first else 1
        if asked or not _is_done(tree, t, parameters):
            unfinished += 1
    return filled, unfinished


@kernel
def receive(tree, rules, cache, batch, count, logits, value, draw, parameters, workspace):  # type: ignore[no-untyped-def]
    """Expand and back up the `count` leaves of a batch, in the order they were asked for."""
    entries = cache.keys.shape[0]
    for i in range(count):
        request = batch.requests[i]
        t = np.int64(request.tree)
        node = np.int64(request.node)
        if parameters.leaves > 1 and node != ROOT:
            add_pending(tree, t, node, np.int64(-1))
        tree.trees[t].evaluations += 1
        write_priors(
            tree, t, node, logits[i], np.int64(request.symmetry), rules, parameters, workspace
        )
        settle(tree, t, node, np.float64(value[i]), np.float64(draw[i]), parameters)
        if entries:
            slot = np.int64(request.key & np.uint64(entries - 1))
            cache.keys[slot] = request.key
            cache.values[slot, 0] = value[i]
            cache.values[slot, 1] = draw[i]
            copy_row(logits, i, cache.logits, slot)

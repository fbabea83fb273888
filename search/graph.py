"""Graph search: paths that lead to the same position share its node (Monte Carlo graph search).

Czech, Korus & Kersting 2021; the values are those of KataGo's notes on graph search (Wu): a node is
worth its own evaluation and its children's values, weighted by the visits of the *edges* to them.
A node is found by its row, and by the transition into it, in a table of each tree. While a tree has
one leaf in flight, a node's parent is where the last walk came from, so that backing up needs no
path of its own; `walk` is the number of that walk and tells a cycle.
"""

from __future__ import annotations

import numpy as np

from tesuji.search.random import mix
from tesuji.search.tree import UNVISITED, equal_rows, inner, kernel

_HASH_STEP = np.uint64(0x9E3779B97F4A7C15)


@inner
def hash_row(row):  # type: ignore[no-untyped-def]
    """Return a 64-bit hash of a state row, never 0; the row's size is a multiple of 8."""
    key = np.uint64(0x243F6A8885A308D3)
    for i in range(0, row.shape[0], 8):
        word = np.uint64(0)
        for j in range(8):
            word |= np.uint64(row[i + j]) << np.uint64(8 * j)
        key = mix((key ^ word) + _HASH_STEP)
    return key | np.uint64(1)


@inner
def find_node(tree, t, reward, discount, row):  # type: ignore[no-untyped-def]
    """Return the node that row 0 of `row` leads to by such a transition, UNVISITED if none."""
    slot = np.int64(hash_row(row[0])) & (tree.table.shape[1] - 1)
    first_row = t * tree.nodes.shape[1]
    while tree.table[t, slot]:
        found = np.int64(tree.table[t, slot]) - 1
        node = tree.nodes[t, found]
        if (
            node.reward == np.float32(reward)
            and node.discount == np.float32(discount)
            and equal_rows(tree.states, first_row + found, row, 0)
        ):
            return found
        slot = (slot + 1) & (tree.table.shape[1] - 1)
    return np.int64(UNVISITED)


@kernel
def remember(tree, t, node):  # type: ignore[no-untyped-def]
    """Enter a node into its tree's table, which always has room."""
    row = t * tree.nodes.shape[1] + node
    slot = np.int64(hash_row(tree.states[row])) & (tree.table.shape[1] - 1)
    while tree.table[t, slot]:
        slot = (slot + 1) & (tree.table.shape[1] - 1)
    tree.table[t, slot] = node + 1


@inner
def enter(tree, t, node, index, child):  # type: ignore[no-untyped-def]
    """Make the walk go on at `child`; return False where it has been there already."""
    record = tree.nodes[t, child]
    walk = tree.trees[t].walks
    if record.walk == walk:
        return False
    record.walk = walk
    record.parent = node
    record.parent_edge = index
    return True


@inner
def node_value(record, parameters):  # type: ignore[no-untyped-def]
    """Return a node's mean value, within what is proven."""
    value = record.value_sum / max(record.visits, 1)
    if parameters.prove:
        value = min(max(value, np.float64(record.lower)), np.float64(record.upper))
    return value


@inner
def refresh(tree, t, node, parameters):  # type: ignore[no-untyped-def]
    """Recompute a node's sum from its evaluation and its children, wherever those were visited."""
    record = tree.nodes[t, node]
    total = np.float64(record.raw_value)
    for index in range(record.first_edge, record.first_edge + record.num_edges):
        edge = tree.edges[t, index]
        if edge.child != UNVISITED and edge.visits:
            child = tree.nodes[t, edge.child]
            mean = child.reward + child.discount * node_value(child, parameters)
            edge.value_sum = edge.visits * mean
        total += edge.value_sum
    record.value_sum = total

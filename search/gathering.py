"""Leaves of one tree that are stepped together, for domains that simulate many steps at once.

*Gather* selects leaves and adds their nodes, which virtual visits keep apart; the domain steps all
of them; *receive* writes down where they led, gives them edges and backs their values up.
"""

from __future__ import annotations

import numpy as np

from tesuji.search.backup import add_pending, back_up
from tesuji.search.leaves import settle
from tesuji.search.select import select_leaf
from tesuji.search.tree import ROOT, add_edges, add_node, inner, kernel, remove_edge


@kernel
def gather(tree, t, work, parameters, out):  # type: ignore[no-untyped-def]
    """Fill `out [L, 3]` with new nodes, their parents and actions; return how many there are.

    Walks that end at a node without edges are backed up at once.
    """
    record = tree.trees[t]
    record.spare_used = 0
    found = 0
    while found < len(out) and record.simulations < record.target:
        node, index = select_leaf(tree, t, np.int64(ROOT), work, parameters)
        if index < 0:
            leaf = tree.nodes[t, node]
            if leaf.evaluated == 0:
                break
            record.simulations += 1
            back_up(tree, t, node, np.float64(leaf.raw_value), 0.0, parameters)
            if record.simulations % 1024 == 0:  # the caller looks at the clock
                break
            continue
        record.simulations += 1
        child = add_node(tree, t, node, index, parameters.leaves)
        add_pending(tree, t, child, 1)
        out[found, 0] = child
        out[found, 1] = node
        out[found, 2] = tree.edges[t, index].action
        found += 1
    return found


@inner
def _least(tree, t):  # type: ignore[no-untyped-def]
    low = tree.trees[t].low
    return low if low < np.inf else 0.0


@kernel
def receive(tree, places, allowed, rewards, discounts, values, legal, parameters):  # type: ignore[no-untyped-def]
    """Write down where the steps into new nodes led, and back their values up.

    Nodes that nobody may enter are taken away in the end, so that until then edges stay where
    they are. A node that is left without a way on is a leaf for ever; it is worth the least that
    the tree has seen, so that walks keep away from it.

    Args:
        tree: all trees.
        places: tree and node of each step `[R, 2]`.
        allowed: whether the node may be entered `[R]`.
        rewards: `[R]`.
        discounts: `[R]`.
        values: of the nodes `[R]`.
        legal: actions of every node `[A]`.
        parameters: of the search.
    """
    for i in range(len(places)):
        add_pending(tree, places[i, 0], places[i, 1], -1)
    for i in range(len(places)):
        if not allowed[i]:
            continue
        t, node = places[i]
        record = tree.nodes[t, node]
        record.reward = rewards[i]
        record.discount = discounts[i]
        value = 0.0
        if discounts[i] != 0.0:
            value = np.float64(values[i])
            if np.isnan(value):  # no way on is known: the least that the tree has seen
                value = _least(tree, t)
            add_edges(tree, t, node, legal, parameters)
        settle(tree, t, node, value, 0.0, parameters)
    for i in range(len(places)):
        if allowed[i]:
            continue
        t, node = places[i]
        record = tree.nodes[t, node]
        parent = np.int64(record.parent)
        remove_edge(tree, t, np.int64(record.parent_edge), parent)
        above = tree.nodes[t, parent]
        if above.num_edges == 0:
            above.raw_value = _least(tree, t)

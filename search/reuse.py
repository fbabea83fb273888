"""Keeping the part of a tree that is still of use after moves were played."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tesuji.search.base import State
from tesuji.search.driver import Driver
from tesuji.search.graph import remember
from tesuji.search.tree import NO_PARENT, ROOT, UNVISITED, Tree


def reroot(driver: Driver, roots: Sequence[State], num_nodes: int, num_edges: int) -> bool:
    """Make the subtrees at `roots` the driver's trees; return False where it has none of them.

    A root is looked for among the nodes of its tree up to two plies deep. A tree without it starts
    empty. The new trees have at least this room beside what they keep.
    """
    old = driver.tree
    if len(old.trees) != len(roots):
        return False
    found = [_find(driver, t, root) for t, root in enumerate(roots)]
    if all(node < 0 for node in found):
        return False
    kept = [_subtree(old, t, node) for t, node in enumerate(found)]
    states = [[driver.state_of(t, n) for n in nodes.tolist()] for t, nodes in enumerate(kept)]
    extra_nodes = max(len(nodes) for nodes in kept)
    extra_edges = max(int(old.nodes["num_edges"][t, nodes].sum()) for t, nodes in enumerate(kept))
    old_nodes, old_edges, old_keys = old.nodes.copy(), old.edges.copy(), old.keys.copy()
    scales = old.trees[["low", "high"]].copy()
    driver.allocate(len(roots), num_nodes + extra_nodes, num_edges + extra_edges)
    driver.place_roots(roots)
    for t, nodes in enumerate(kept):
        if len(nodes):
            driver.tree.trees[t].low, driver.tree.trees[t].high = scales[t]
            driver.tree.keys[t, : len(nodes)] = old_keys[t, nodes] if old_keys.size else 0
            _copy(driver, t, nodes, old_nodes[t], old_edges[t])
            driver.place_states(t, states[t])
            if driver.parameters.graph:
                for node in range(len(nodes)):
                    remember(driver.tree, t, node)
    return True


def _find(driver: Driver, t: int, root: State) -> int:
    tree = driver.tree
    wanted = driver.domain.key(root)
    level = [ROOT] if tree.trees[t].num_nodes else []
    for _ply in range(3):
        for node in level:
            if wanted is not None and driver.domain.key(driver.state_of(t, node)) == wanted:
                return node
        level = [child for node in level for child in _children(driver, t, node)]
    return -1


def _children(driver: Driver, t: int, node: int) -> list[int]:
    return [int(child) for child in _below(driver.tree, t, np.array([node]))]


def _below(tree: Tree, t: int, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the nodes right below `nodes`: every outcome of every edge."""
    found = [tree.edges["child"][t, _edges_of(tree.nodes[t, nodes])].astype(np.int64)]
    while len(found[-1]):
        found[-1] = found[-1][found[-1] != UNVISITED]
        found.append(tree.nodes["sibling"][t, found[-1]].astype(np.int64))
    return np.concatenate(found)


def _subtree(tree: Tree, t: int, node: int) -> npt.NDArray[np.int64]:
    """Return the nodes from `node` down, breadth first, so that parents come before children."""
    levels = [np.array([node] if node >= 0 else [], np.int64)]
    seen = np.zeros(tree.nodes.shape[1], np.bool_)
    seen[levels[0]] = True
    while len(levels[-1]):
        below = _below(tree, t, levels[-1])
        if tree.table.size:  # a graph leads to a node by many paths
            below = below[np.sort(np.unique(below, return_index=True)[1])]
            below = below[~seen[below]]
            seen[below] = True
        levels.append(below)
    return np.concatenate(levels)


def _edges_of(nodes: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
    """Return where the edges of `nodes` lie, node by node."""
    counts = nodes["num_edges"].astype(np.int64)
    starts = np.cumsum(counts) - counts
    return np.repeat(nodes["first_edge"] - starts, counts) + np.arange(counts.sum())


def _copy(
    driver: Driver,
    t: int,
    kept: npt.NDArray[np.int64],
    old_nodes: npt.NDArray[np.void],
    old_edges: npt.NDArray[np.void],
) -> None:
    place = np.full(len(old_nodes) + 1, UNVISITED, np.int64)  # [-1] is for no child
    place[kept] = np.arange(len(kept))
    nodes, edges = old_nodes[kept], old_edges[_edges_of(old_nodes[kept])]
    counts = nodes["num_edges"].astype(np.int64)
    nodes["first_edge"] = np.cumsum(counts) - counts
    edges["child"] = place[edges["child"]]
    nodes["sibling"] = place[nodes["sibling"]]
    grown = np.flatnonzero(edges["child"] != UNVISITED)
    children, above = edges["child"][grown], np.repeat(np.arange(len(kept)), counts)[grown]
    while len(children):
        nodes["parent"][children], nodes["parent_edge"][children] = above, grown
        children = nodes["sibling"][children]
        more = children != UNVISITED
        children, above, grown = children[more], above[more], grown[more]
    nodes["sibling"][ROOT] = UNVISITED
    nodes["walk"] = 0
    nodes["parent"][ROOT] = nodes["parent_edge"][ROOT] = NO_PARENT
    tree = driver.tree
    tree.nodes[t, : len(nodes)] = nodes
    tree.edges[t, : len(edges)] = edges
    tree.trees[t].num_nodes = len(nodes)
    tree.trees[t].num_edges = len(edges)

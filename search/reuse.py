"""Keeping the part of a tree that is still of use after moves were played."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tesuji.search.base import BoolArray, State
from tesuji.search.driver import Driver
from tesuji.search.graph import remember
from tesuji.search.tree import NO_PARENT, ROOT, UNVISITED, Tree, kernel


def reroot(
    driver: Driver,
    roots: Sequence[State],
    masks: Sequence[BoolArray],
    num_nodes: int,
    num_edges: int,
) -> bool:
    """Make the subtrees at `roots` the driver's trees; return False where it has none of them.

    At a root `masks` `[A]` are allowed. A root is looked for among the nodes of its tree up to two
    plies deep. A tree without it starts empty. The new trees have at least this room beside what
    they keep.
    """
    old = driver.tree
    if len(old.trees) != len(roots):
        return False
    found = [_find(driver, t, root) for t, root in enumerate(roots)]
    if all(node < 0 for node in found):
        return False
    kept = [_subtree(old, t, node) for t, node in enumerate(found)]
    # Of the old arrays, which may fill the memory, just what is kept is copied.
    states = [driver.take_states(t, nodes) for t, nodes in enumerate(kept)]
    grown = [_cut(old, t, nodes) for t, nodes in enumerate(kept)]
    extra_nodes = max(len(nodes) for nodes, _ in grown)
    extra_edges = max(len(edges) for _, edges in grown)
    keys = [old.keys[t, nodes] if old.keys.size else 0 for t, nodes in enumerate(kept)]
    scales = old.trees[["low", "high"]].copy()
    driver.allocate(len(roots), num_nodes + extra_nodes, num_edges + extra_edges)
    driver.place_roots(roots, masks)
    for t, (nodes, edges) in enumerate(grown):
        if len(nodes):
            driver.tree.trees[t].low, driver.tree.trees[t].high = scales[t]
            driver.tree.keys[t, : len(nodes)] = keys[t]
            _place(driver.tree, t, nodes, edges)
            driver.place_states(t, states[t])
            if driver.parameters.graph:
                for node in range(len(nodes)):
                    remember(driver.tree, t, node)
    return True


def known_visits(driver: Driver, root: State, num_actions: int) -> npt.NDArray[np.int64]:
    """Return how often each action `[A]` of `root` was visited in the first tree, 0 if unknown."""
    visits = np.zeros(num_actions, np.int64)
    tree = driver.tree
    node = _find(driver, 0, root) if len(tree.trees) else -1
    if node >= 0:
        edges = tree.edges[0, _edges_of(tree.nodes[0, [node]])]
        visits[edges["action"]] = edges["visits"]
    return visits


def _find(driver: Driver, t: int, root: State) -> int:
    """Return the node of `root` at most two plies below that of the last search, -1 without one."""
    level = np.array([ROOT] if driver.tree.trees[t].num_nodes else [], np.int64)
    for _ply in range(3):
        node = driver.find(t, level, root) if len(level) else -1
        if node >= 0:
            return node
        level = _below(driver.tree, t, level)
    return -1


def _below(tree: Tree, t: int, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the nodes right below `nodes`: every outcome of every edge."""
    # Plain arrays: a record array looks at its type whenever it is indexed.
    every, edges = tree.nodes.view(np.ndarray)[t], tree.edges.view(np.ndarray)[t]
    found = [edges["child"][_edges_of(every[nodes])].astype(np.int64)]
    while len(found[-1]):
        found[-1] = found[-1][found[-1] != UNVISITED]
        found.append(every["sibling"][found[-1]].astype(np.int64))
    return np.concatenate(found)


def _subtree(tree: Tree, t: int, node: int) -> npt.NDArray[np.int64]:
    """Return the nodes from `node` down, parents before children; none where `node` is -1."""
    if node < 0:
        return np.zeros(0, np.int64)
    found = np.empty(tree.nodes.shape[1], np.int64)
    found[0] = node
    return found[: _collect(tree, t, found, np.zeros(len(found), np.bool_))]


@kernel
def _collect(tree, t, found, seen):  # type: ignore[no-untyped-def]
    # Breadth first; a graph leads to a node by many paths.
    seen[found[0]] = True
    count = 1
    for at in range(len(found)):
        if at == count:
            break
        node = tree.nodes[t, found[at]]
        for index in range(node.first_edge, node.first_edge + node.num_edges):
            child = tree.edges[t, index].child
            while child != UNVISITED:
                if not seen[child]:
                    seen[child] = True
                    found[count] = child
                    count += 1
                child = tree.nodes[t, child].sibling
    return count


def _edges_of(nodes: npt.NDArray[np.void]) -> npt.NDArray[np.int64]:
    """Return where the edges of `nodes` lie, node by node."""
    counts = nodes["num_edges"].astype(np.int64)
    starts = np.cumsum(counts) - counts
    return np.repeat(nodes["first_edge"] - starts, counts) + np.arange(counts.sum())


def _cut(
    tree: Tree, t: int, kept: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.void]]:
    """Return copies of the nodes `kept` and of their edges, as a tree of their own."""
    # `[-1]` stands for no child; what is not kept stays 0, which costs no memory in a big tree.
    place = np.zeros(tree.nodes.shape[1] + 1, np.int64)
    place[kept] = np.arange(1, len(kept) + 1)
    nodes = tree.nodes.view(np.ndarray)[t, kept]
    edges = tree.edges.view(np.ndarray)[t, _edges_of(nodes)]
    counts = nodes["num_edges"].astype(np.int64)
    nodes["first_edge"] = np.cumsum(counts) - counts
    edges["child"] = place[edges["child"]] + UNVISITED
    nodes["sibling"] = place[nodes["sibling"]] + UNVISITED
    grown = np.flatnonzero(edges["child"] != UNVISITED)
    children, above = edges["child"][grown], np.repeat(np.arange(len(kept)), counts)[grown]
    while len(children):
        nodes["parent"][children], nodes["parent_edge"][children] = above, grown
        children = nodes["sibling"][children]
        more = children != UNVISITED
        children, above, grown = children[more], above[more], grown[more]
    nodes["walk"] = 0
    if len(nodes):
        nodes["sibling"][ROOT] = UNVISITED
        nodes["parent"][ROOT] = nodes["parent_edge"][ROOT] = NO_PARENT
    return nodes, edges


def _place(tree: Tree, t: int, nodes: npt.NDArray[np.void], edges: npt.NDArray[np.void]) -> None:
    tree.nodes[t, : len(nodes)] = nodes
    tree.edges[t, : len(edges)] = edges
    tree.trees[t].num_nodes = len(nodes)
    tree.trees[t].num_edges = len(edges)

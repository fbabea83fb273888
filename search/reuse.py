"""Keeping the part of a tree that is still of use after moves were played."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tesuji.search.base import State
from tesuji.search.driver import Driver
from tesuji.search.tree import NO_PARENT, ROOT, UNVISITED


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
    kept = [_subtree(driver, t, node) if node >= 0 else [] for t, node in enumerate(found)]
    states = [[driver.state_of(t, int(n)) for n in nodes] for t, nodes in enumerate(kept)]
    extra_nodes = max(len(nodes) for nodes in kept)
    extra_edges = max(
        sum(int(old.nodes[t, n].num_edges) for n in nodes) for t, nodes in enumerate(kept)
    )
    old_nodes, old_edges = old.nodes.copy(), old.edges.copy()
    driver.allocate(len(roots), num_nodes + extra_nodes, num_edges + extra_edges)
    driver.place_roots(roots)
    for t, nodes in enumerate(kept):
        if nodes:
            _copy(driver, t, nodes, old_nodes[t], old_edges[t])
            driver.place_states(t, states[t])
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
    record = driver.tree.nodes[t, node]
    first = record.first_edge
    children = driver.tree.edges["child"][t, first : first + record.num_edges]
    return [int(child) for child in children if child != UNVISITED]


def _subtree(driver: Driver, t: int, node: int) -> list[int]:
    # Breadth first, so that parents come before their children.
    order = [node]
    for current in order:
        order.extend(_children(driver, t, current))
    return order


def _copy(
    driver: Driver,
    t: int,
    kept: list[int],
    old_nodes: npt.NDArray[np.void],
    old_edges: npt.NDArray[np.void],
) -> None:
    tree = driver.tree
    place = {node: i for i, node in enumerate(kept)}
    next_edge = 0
    for i, node in enumerate(kept):
        tree.nodes[t, i] = old_nodes[node]
        record = tree.nodes[t, i]
        first, count = int(record.first_edge), int(record.num_edges)
        tree.edges[t, next_edge : next_edge + count] = old_edges[first : first + count]
        record.first_edge = next_edge
        for index in range(next_edge, next_edge + count):
            child = int(tree.edges[t, index].child)
            if child != UNVISITED:
                tree.edges[t, index].child = place[child]
        next_edge += count
    for i in range(len(kept)):
        record = tree.nodes[t, i]
        for index in range(record.first_edge, record.first_edge + record.num_edges):
            child = int(tree.edges[t, index].child)
            if child != UNVISITED:
                tree.nodes[t, child].parent = i
                tree.nodes[t, child].parent_edge = index
    tree.nodes[t, ROOT].parent = tree.nodes[t, ROOT].parent_edge = NO_PARENT
    tree.trees[t].num_nodes = len(kept)
    tree.trees[t].num_edges = next_edge

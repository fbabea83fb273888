"""The tree: structs of arrays for a batch of trees, and the kernels that every search shares.

The edges of a node lie side by side, legal actions only. Values are sums of returns; an edge's is
seen by the side to move at its node. Bounds `[lower, upper]` of the exact return travel with the
values: where they meet, the result is proven (score-bounded Monte Carlo tree search, Cazenave &
Saffidine 2010; MCTS-Solver, Winands et al. 2008). The kernels know no domain.

Dimensions: `B` trees, `N` nodes of a tree, `E` edges of a tree. The last `leaves` nodes of a tree
are spare: a full tree evaluates a new leaf there, backs it up and forgets it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

# No way in from C for any kernel, and none from Python for those that kernels alone call: such
# entries take longer to compile than many a kernel. Those make no arrays, so they count none.
kernel = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)
inner = njit(
    cache=True,
    nogil=True,
    error_model="numpy",
    no_cfunc_wrapper=True,
    no_cpython_wrapper=True,
    _nrt=False,
)

ROOT = 0
UNVISITED = -1
NO_PARENT = -1

node_dtype = np.dtype(
    [
        ("value_sum", np.float64),
        ("draw_sum", np.float64),
        ("parent", np.int32),
        ("parent_edge", np.int32),
        ("first_edge", np.int32),
        ("num_edges", np.int32),
        ("visits", np.int32),
        ("pending", np.int32),
        ("raw_value", np.float32),
        ("lower", np.float32),
        ("upper", np.float32),
        ("evaluated", np.int32),
    ],
    align=True,
)
edge_dtype = np.dtype(
    [
        ("value_sum", np.float64),
        ("child", np.int32),
        ("action", np.int32),
        ("visits", np.int32),
        ("pending", np.int32),
        ("logit", np.float32),
        ("prior", np.float32),
        ("noise", np.float32),  # Gumbel noise, at the root
        ("reward", np.float32),
        ("discount", np.float32),
        ("lower", np.float32),
        ("upper", np.float32),
    ],
    align=True,
)
tree_dtype = np.dtype(
    [
        ("seed", np.uint64),
        ("num_nodes", np.int32),
        ("num_edges", np.int32),
        ("spare_used", np.int32),
        ("simulations", np.int32),  # begun in this search
        ("target", np.int32),  # simulations that this search may begin
        ("considered", np.int32),  # root actions in sequential halving
        ("evaluations", np.int32),
        ("cache_hits", np.int32),
        ("full", np.int32),
        ("quiet", np.int32),  # 1: no noise and no forced playouts at this root
    ],
    align=True,
)


class Tree(NamedTuple):
    """A batch of trees."""

    trees: npt.NDArray[Any]  # [B] tree_dtype
    nodes: npt.NDArray[Any]  # [B, N] node_dtype
    edges: npt.NDArray[Any]  # [B, E] edge_dtype
    states: npt.NDArray[np.uint8]  # [B * N, S], empty for object domains


def allocate(batch: int, num_nodes: int, num_edges: int, row_size: int) -> Tree:
    """Return empty trees; memory is touched only as nodes come."""
    return Tree(
        np.zeros(batch, tree_dtype).view(np.recarray),
        np.zeros((batch, num_nodes), node_dtype).view(np.recarray),
        np.zeros((batch, num_edges), edge_dtype).view(np.recarray),
        np.zeros((batch * num_nodes if row_size else 1, max(row_size, 1)), np.uint8),
    )


@inner
def copy_row(rows, source, others, target):  # type: ignore[no-untyped-def]
    """Copy row `source` of `rows` `[*, S]` to row `target` of `others`.

    `others[target] = rows[source]` would take seconds to compile, for the text of its error alone.
    """
    for i in range(rows.shape[1]):
        others[target, i] = rows[source, i]


@kernel
def add_node(tree, t, parent, parent_edge, leaves):  # type: ignore[no-untyped-def]
    """Return a new node under `parent_edge`; a spare one, not linked, where the tree is full."""
    record = tree.trees[t]
    capacity = tree.nodes.shape[1] - leaves
    if record.num_nodes < capacity and record.full == 0:
        node = np.int64(record.num_nodes)
        record.num_nodes += 1
        if parent_edge >= 0:
            tree.edges[t, parent_edge].child = node
    else:
        record.full = 1
        node = np.int64(capacity + record.spare_used)
        record.spare_used += 1
    fresh = tree.nodes[t, node]
    fresh.value_sum = 0.0
    fresh.draw_sum = 0.0
    fresh.parent = parent
    fresh.parent_edge = parent_edge
    fresh.first_edge = 0
    fresh.num_edges = 0
    fresh.visits = 0
    fresh.pending = 0
    fresh.raw_value = 0.0
    fresh.evaluated = 0
    return node


@kernel
def add_edges(tree, t, node, legal, parameters):  # type: ignore[no-untyped-def]
    """Give `node` an edge for each legal action; return False where none were left to give.

    A node without edges to be had is a leaf for ever: its value is still backed up.
    """
    record = tree.trees[t]
    fresh = tree.nodes[t, node]
    fresh.lower = parameters.lowest
    fresh.upper = parameters.highest
    count = 0
    for action in range(parameters.num_actions):
        count += legal[action]
    capacity = tree.edges.shape[1] - parameters.leaves * parameters.num_actions
    spare = tree.nodes.shape[1] - parameters.leaves
    if node >= spare:
        first = np.int64(capacity + (node - spare) * parameters.num_actions)
    elif record.num_edges + count <= capacity:
        first = np.int64(record.num_edges)
        record.num_edges += count
    else:
        record.full = 1
        return False
    fresh.first_edge = first
    fresh.num_edges = count
    index = first
    for action in range(parameters.num_actions):
        if legal[action]:
            edge = tree.edges[t, index]
            edge.value_sum = 0.0
            edge.child = UNVISITED
            edge.action = action
            edge.visits = 0
            edge.pending = 0
            edge.logit = 0.0
            edge.prior = 1.0 / count
            edge.noise = 0.0
            edge.reward = 0.0
            edge.discount = 1.0
            edge.lower = parameters.lowest
            edge.upper = parameters.highest
            index += 1
    return True


@kernel
def tighten(tree, t, node):  # type: ignore[no-untyped-def]
    """Recompute a node's bounds from its edges; return whether they changed."""
    record = tree.nodes[t, node]
    if record.num_edges == 0:
        return False
    lower = np.float32(-np.inf)
    upper = np.float32(-np.inf)
    for index in range(record.first_edge, record.first_edge + record.num_edges):
        edge = tree.edges[t, index]
        lower = max(lower, edge.lower)
        upper = max(upper, edge.upper)
    changed = lower > record.lower or upper < record.upper
    record.lower = max(lower, record.lower)
    record.upper = min(upper, record.upper)
    return changed


@inner
def bound_edge(edge, lower, upper):  # type: ignore[no-untyped-def]
    """Narrow an edge's bounds to those of what lies behind it, `reward + discount * [l, u]`."""
    first = edge.reward + edge.discount * lower
    second = edge.reward + edge.discount * upper
    edge.lower = max(edge.lower, min(first, second))
    edge.upper = min(edge.upper, max(first, second))


@kernel
def set_priors(tree, t, node, logits, parameters):  # type: ignore[no-untyped-def]
    """Write logits `[A]` and their softmax over the legal actions."""
    record = tree.nodes[t, node]
    first = record.first_edge
    stop = first + record.num_edges
    largest = -np.inf
    for index in range(first, stop):
        largest = max(largest, logits[tree.edges[t, index].action])
    total = 0.0
    for index in range(first, stop):
        edge = tree.edges[t, index]
        # Differences alone count; held so that a lone huge logit cannot overflow a sum.
        edge.logit = (logits[edge.action] - largest) / parameters.policy_temperature
        edge.prior = np.exp(edge.logit)
        total += edge.prior
    for index in range(first, stop):
        tree.edges[t, index].prior /= total


@kernel
def back_up(tree, t, leaf, value, draw, parameters):  # type: ignore[no-untyped-def]
    """Add a leaf's `value`, seen by its side to move, along the path to the root."""
    node = leaf
    narrowed = True
    while True:
        record = tree.nodes[t, node]
        if parameters.prove:
            value = min(max(value, record.lower), record.upper)
            if record.lower == record.upper:
                draw = 1.0 if record.lower == 0.0 else 0.0
        record.visits += 1
        record.value_sum += value
        record.draw_sum += draw
        if record.parent_edge == NO_PARENT:
            return
        edge = tree.edges[t, record.parent_edge]
        value = edge.reward + edge.discount * value
        edge.visits += 1
        edge.value_sum += value
        if narrowed and parameters.prove:
            bound_edge(edge, record.lower, record.upper)
            narrowed = tighten(tree, t, np.int64(record.parent))
        node = np.int64(record.parent)


@kernel
def back_up_edge(tree, t, node, index, value, parameters):  # type: ignore[no-untyped-def]
    """Add `value`, the return of an edge that ends the game or is proven, and go on upwards."""
    edge = tree.edges[t, index]
    edge.visits += 1
    edge.value_sum += value
    if parameters.prove:
        tighten(tree, t, node)
    back_up(tree, t, node, value, 1.0 if value == 0.0 else 0.0, parameters)


@kernel
def add_pending(tree, t, node, count):  # type: ignore[no-untyped-def]
    """Add virtual visits along the path from the root to `node` (virtual loss)."""
    while True:
        record = tree.nodes[t, node]
        record.pending += count
        if record.parent_edge == NO_PARENT:
            return
        tree.edges[t, record.parent_edge].pending += count
        node = np.int64(record.parent)

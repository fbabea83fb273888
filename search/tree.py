"""The tree: structs of arrays for a batch of trees, and the kernels that every search shares.

The edges of a node lie side by side, legal actions only. Values are sums of returns; an edge's is
seen by the side to move at its node. Bounds `[lower, upper]` of the exact return travel with the
values: where they meet, the result is proven (score-bounded Monte Carlo tree search, Cazenave &
Saffidine 2010; MCTS-Solver, Winands et al. 2008). The kernels know no domain.

A node is a state and the transition into it. Where rules draw outcomes by chance, an edge leads to
several nodes, its outcomes: `child` is the newest of them and `sibling` the next. An edge's sum
runs over the samples drawn, so that its mean tends to the expectation.

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
kernel = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, _nrt=False)
inner = njit(
    cache=True,
    nogil=True,
    error_model="numpy",
    no_cfunc_wrapper=True,
    no_cpython_wrapper=True,
    _nrt=False,
)
# For kernels on the way of every simulation that have one caller: what they take, trees and rules
# as values, would cost more to hand over than many of them compute. Where Python calls them too,
# LLVM inlines them; where it does not, numba does before it types them, so that they are compiled
# once, with their caller.
forced_kernel = njit(
    cache=True,
    nogil=True,
    error_model="numpy",
    no_cfunc_wrapper=True,
    _nrt=False,
    forceinline=True,
)
forced = njit(nogil=True, error_model="numpy", inline="always")

ROOT = 0
UNVISITED = -1
NO_PARENT = -1

node_dtype = np.dtype(
    [
        ("value_sum", np.float64),
        ("draw_sum", np.float64),
        ("parent", np.int32),
        ("parent_edge", np.int32),
        ("sibling", np.int32),  # the next outcome of the same edge
        ("walk", np.int32),  # the last walk that came by, in graph search
        ("first_edge", np.int32),
        ("num_edges", np.int32),
        ("visits", np.int32),
        ("pending", np.int32),
        ("reward", np.float32),  # of the step into the node
        ("discount", np.float32),
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
        ("lower", np.float32),
        ("upper", np.float32),
    ],
    align=True,
)
tree_dtype = np.dtype(
    [
        ("seed", np.uint64),
        ("low", np.float64),  # extremes of the edges' means so far, where values need a scale
        ("high", np.float64),
        ("num_nodes", np.int32),
        ("num_edges", np.int32),
        ("spare_used", np.int32),
        ("walks", np.int32),
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
    keys: npt.NDArray[np.uint64]  # [B, N] random bits that led to a node; [B, 0] without chance
    table: npt.NDArray[np.int32]  # [B, H] nodes by hash of their row, plus 1; [B, 0] for trees


def allocate(
    batch: int,
    num_nodes: int,
    num_edges: int,
    row_size: int,
    chance: bool = False,
    graph: bool = False,
) -> Tree:
    """Return empty trees; memory is touched only as nodes come."""
    return Tree(
        np.zeros(batch, tree_dtype).view(np.recarray),
        np.zeros((batch, num_nodes), node_dtype).view(np.recarray),
        np.zeros((batch, num_edges), edge_dtype).view(np.recarray),
        np.zeros((batch * num_nodes if row_size else 1, max(row_size, 1)), np.uint8),
        np.zeros((batch, num_nodes if chance else 0), np.uint64),
        np.zeros((batch, 2 << int(num_nodes).bit_length() if graph else 0), np.int32),
    )


@inner
def copy_row(rows, source, others, target):  # type: ignore[no-untyped-def]
    """Copy row `source` of `rows` `[*, S]` to row `target` of `others`.

    `others[target] = rows[source]` would take seconds to compile, for the text of its error alone.
    """
    for i in range(rows.shape[1]):
        others[target, i] = rows[source, i]


@inner
def equal_rows(rows, one, others, other):  # type: ignore[no-untyped-def]
    """Return whether row `one` of `rows` `[*, S]` equals row `other` of `others`."""
    for i in range(rows.shape[1]):  # noqa: SIM110 (`all` takes no loops of numba)
        if rows[one, i] != others[other, i]:
            return False
    return True


@forced_kernel
def add_node(tree, t, parent, parent_edge, leaves):  # type: ignore[no-untyped-def]
    """Return a new node under `parent_edge`; a spare one, not linked, where the tree is full."""
    record = tree.trees[t]
    sibling = np.int64(UNVISITED)
    capacity = tree.nodes.shape[1] - leaves
    if record.num_nodes < capacity and record.full == 0:
        node = np.int64(record.num_nodes)
        record.num_nodes += 1
        if parent_edge >= 0:
            sibling = np.int64(tree.edges[t, parent_edge].child)
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
    fresh.sibling = sibling
    fresh.walk = record.walks
    fresh.first_edge = 0
    fresh.num_edges = 0
    fresh.visits = 0
    fresh.pending = 0
    fresh.reward = 0.0
    fresh.discount = 1.0
    fresh.raw_value = 0.0
    fresh.evaluated = 0
    return node


@forced_kernel
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
    prior = 1.0 / count
    for action in range(parameters.num_actions):
        if legal[action]:
            edge = tree.edges[t, index]
            edge.value_sum = 0.0
            edge.child = UNVISITED
            edge.action = action
            edge.visits = 0
            edge.pending = 0
            edge.logit = 0.0
            edge.prior = prior
            edge.noise = 0.0
            edge.lower = parameters.lowest
            edge.upper = parameters.highest
            index += 1
    return True


@kernel
def remove_edge(tree, t, index, node):  # type: ignore[no-untyped-def]
    """Take edge `index` away from `node`; the node's last edge takes its place.

    Priors stay in proportion. What lies behind the edge is lost.
    """
    edges = tree.edges[t]
    record = tree.nodes[t, node]
    last = record.first_edge + record.num_edges - 1
    record.num_edges -= 1
    if index == last:
        return
    moved, place = edges[last], edges[index]
    place.value_sum = moved.value_sum
    place.child = moved.child
    place.action = moved.action
    place.visits = moved.visits
    place.pending = moved.pending
    place.logit = moved.logit
    place.prior = moved.prior
    place.noise = moved.noise
    place.lower = moved.lower
    place.upper = moved.upper
    if moved.child != UNVISITED:
        tree.nodes[t, moved.child].parent_edge = index


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

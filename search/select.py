"""Choosing an edge: PUCT and Gumbel, as kernels over the tree.

PUCT is AlphaZero's (Silver et al. 2018) with MuZero's growing constant; Gumbel is sequential
halving over completed action values (Danihelka et al., ICLR 2022), interior nodes deterministic.
Edges that are proven not to beat what is proven already are left out.
"""

from __future__ import annotations

import numpy as np

from tesuji.search.tree import ROOT, UNVISITED, forced, forced_kernel, inner
from tesuji.search.widening import num_offered, offered_prior

FPU_PARENT, FPU_REDUCTION, FPU_LOSS, FPU_MINMAX = range(4)


@inner
def edge_value(edge, parameters):  # type: ignore[no-untyped-def]
    """Return Q of an edge that was visited or is pending: virtual losses in, bounds kept.

    Where a tree's own values set their scale, no loss is known: pending visits count for
    exploration alone (WU-UCT, Liu et al. 2020).
    """
    visits = edge.visits + edge.pending
    value = (edge.value_sum + edge.pending * parameters.lowest) / visits if visits else 0.0
    if parameters.adaptive and edge.pending:
        value = edge.value_sum / edge.visits if edge.visits else parameters.lowest
    return min(max(value, edge.lower), edge.upper)


@inner
def is_open(edge, node, parameters):  # type: ignore[no-untyped-def]
    """Return whether an edge may still raise what is proven of its node."""
    return parameters.prove == 0 or edge.upper > node.lower


@inner
def exploration_rate(visits, parameters):  # type: ignore[no-untyped-def]
    """Return what PUCT multiplies `prior / (1 + visits of an edge)` with."""
    rate = parameters.c_init + np.log((visits + parameters.c_base + 1.0) / parameters.c_base)
    return rate * np.sqrt(np.float64(visits))


@inner
def forced_edge(tree, t, parameters):  # type: ignore[no-untyped-def]
    """Return a root edge that was tried, but less than it must be (Wu 2019, 3.2); -1 for none."""
    root = tree.nodes[t, ROOT]
    if parameters.forced_playouts == 0.0 or tree.trees[t].quiet:
        return np.int64(-1)
    scale = parameters.forced_playouts * max(root.visits + root.pending - 1, 0)
    for index in range(root.first_edge, root.first_edge + root.num_edges):
        edge = tree.edges[t, index]
        count = edge.visits + edge.pending
        if count and count < np.sqrt(scale * edge.prior) and is_open(edge, root, parameters):
            return np.int64(index)
    return np.int64(-1)


@inner
def spread(tree, t, parameters):  # type: ignore[no-untyped-def]
    """Return half the spread of values: 1 for wins and losses, else the tree's so far (MuZero)."""
    if parameters.adaptive == 0 or tree.trees[t].high <= tree.trees[t].low:
        return 1.0
    return 0.5 * (tree.trees[t].high - tree.trees[t].low)


@forced
def _puct_plain(tree, t, node, parameters):  # type: ignore[no-untyped-def]
    record = tree.nodes[t, node]
    visits = record.visits + record.pending
    scale = spread(tree, t, parameters)
    count = num_offered(record, parameters)
    whole = offered_prior(tree, t, record, count)
    stop = record.first_edge + count
    rate = exploration_rate(visits, parameters) * scale / whole
    best = np.int64(-1)
    best_score = -np.inf
    fresh = np.int64(-1)
    fresh_prior = np.float32(-1.0)
    seen_prior = 0.0
    for index in range(record.first_edge, stop):
        edge = tree.edges[t, index]
        visited = edge.visits + edge.pending
        if visited == 0:
            if edge.prior > fresh_prior and is_open(edge, record, parameters):
                fresh = np.int64(index)
                fresh_prior = edge.prior
        else:
            seen_prior += edge.prior
            if is_open(edge, record, parameters):
                score = edge_value(edge, parameters) + rate * edge.prior / (1.0 + visited)
                if score > best_score:
                    best = np.int64(index)
                    best_score = score
    if fresh >= 0:
        first_play = parameters.lowest
        if parameters.fpu != FPU_LOSS and record.visits > 0:
            first_play = record.value_sum / record.visits
        if parameters.fpu == FPU_REDUCTION:
            first_play -= parameters.fpu_reduction * np.sqrt(seen_prior / whole) * scale
        if best < 0 or first_play + rate * fresh_prior > best_score:
            return fresh
    return best


@forced
def _puct_minmax(tree, t, node, parameters):  # type: ignore[no-untyped-def]
    # mctx.muzero_action_selection with qtransform_by_parent_and_siblings.
    record = tree.nodes[t, node]
    visits = record.visits + record.pending
    count = num_offered(record, parameters)
    stop = record.first_edge + count
    rate = exploration_rate(visits, parameters) / offered_prior(tree, t, record, count)
    low = high = record.value_sum / max(record.visits, 1)
    for index in range(record.first_edge, stop):
        edge = tree.edges[t, index]
        if edge.visits or (edge.pending and parameters.adaptive == 0):
            value = edge_value(edge, parameters)
            low = min(low, value)
            high = max(high, value)
    best = np.int64(-1)
    best_score = -np.inf
    for index in range(record.first_edge, stop):
        edge = tree.edges[t, index]
        if is_open(edge, record, parameters):
            visited = edge.visits + edge.pending
            value = edge_value(edge, parameters) if visited else low
            score = (value - low) / max(high - low, 1e-8) + rate * edge.prior / (1.0 + visited)
            if score > best_score:
                best = np.int64(index)
                best_score = score
    return best


@forced
def _fill_values(tree, t, node, out, parameters):  # type: ignore[no-untyped-def]
    # The values of a node's edges into `out`, those that are unknown replaced by the mixed value
    # (Gumbel AlphaZero, appendix D). Returns `(visits, most visits of an edge, lowest, highest)`.
    record = tree.nodes[t, node]
    first = record.first_edge
    visits = 0
    most = 0
    weighted = 0.0
    seen = 0.0
    low = np.inf
    high = -np.inf
    for i in range(record.num_edges):
        edge = tree.edges[t, first + i]
        count = edge.visits + edge.pending
        if count:
            visits += count
            most = max(most, count)
            value = edge_value(edge, parameters)
            out[i] = value
            low = min(low, value)
            high = max(high, value)
            prior = max(np.float64(edge.prior), 1.1754943508222875e-38)
            seen += prior
            weighted += prior * value
    mixed = np.float64(record.raw_value)
    if visits:
        mixed = (record.raw_value + visits * weighted / seen) / (visits + 1.0)
    for i in range(record.num_edges):
        edge = tree.edges[t, first + i]
        if edge.visits + edge.pending == 0:
            out[i] = mixed
            if parameters.prove:
                out[i] = min(max(mixed, np.float64(edge.lower)), np.float64(edge.upper))
            low = min(low, out[i])
            high = max(high, out[i])
    return visits, most, low, high


@inner
def completed_q(tree, t, node, out, parameters):  # type: ignore[no-untyped-def]
    """Fill `out` with the node's edges' transformed action values (mctx: completed by mix value).

    Values are kept within what is proven. `out[i]` belongs to the node's i-th edge. Returns the
    visits of all edges.
    """
    visits, most, low, high = _fill_values(tree, t, node, out, parameters)
    scale = (parameters.maxvisit_init + most) * parameters.value_scale
    if parameters.rescale:
        scale /= max(high - low, 1e-8)
    else:
        low = 0.0
    for i in range(tree.nodes[t, node].num_edges):
        out[i] = (out[i] - low) * scale
    return visits


@forced
def _gumbel_interior(tree, t, node, work, parameters):  # type: ignore[no-untyped-def]
    record = tree.nodes[t, node]
    first = record.first_edge
    visits = completed_q(tree, t, node, work, parameters)
    largest = -np.inf
    for i in range(record.num_edges):
        work[i] += tree.edges[t, first + i].logit
        largest = max(largest, work[i])
    total = 0.0
    for i in range(record.num_edges):
        work[i] = np.exp(work[i] - largest)
        total += work[i]
    share = 1.0 / total
    each = 1.0 / (1.0 + visits)
    best = np.int64(-1)
    best_score = -np.inf
    for i in range(record.num_edges):
        edge = tree.edges[t, first + i]
        if is_open(edge, record, parameters):
            score = work[i] * share - (edge.visits + edge.pending) * each
            if score > best_score:
                best = np.int64(first + i)
                best_score = score
    return best


@inner
def considered_visits(num_considered, budget, simulation):  # type: ignore[no-untyped-def]
    """Return the visit count that sequential halving asks of the action tried at `simulation`."""
    if num_considered <= 1:
        return simulation
    rounds = 0
    while (1 << rounds) < num_considered:
        rounds += 1
    done = 0
    base = 0
    count = num_considered
    while True:
        extra = max(1, int(budget / (rounds * count)))
        if simulation < done + extra * count:
            return base + (simulation - done) // count
        done += extra * count
        base += extra
        count = max(2, count // 2)


@forced
def _gumbel_root(tree, t, work, parameters):  # type: ignore[no-untyped-def]
    record = tree.nodes[t, ROOT]
    first = record.first_edge
    completed_q(tree, t, np.int64(ROOT), work, parameters)
    count = min(np.int64(tree.trees[t].considered), np.int64(record.num_edges))
    wanted = considered_visits(count, tree.trees[t].target, tree.trees[t].simulations)
    best = np.int64(-1)
    best_score = -np.inf
    fallback = np.int64(-1)
    fallback_score = -np.inf
    for i in range(record.num_edges):
        edge = tree.edges[t, first + i]
        if is_open(edge, record, parameters):
            score = max(-1e9, edge.noise + edge.logit) + work[i]
            if edge.visits + edge.pending == wanted and score > best_score:
                best = np.int64(first + i)
                best_score = score
            if score > fallback_score:
                fallback = np.int64(first + i)
                fallback_score = score
    return best if best >= 0 else fallback


@forced_kernel
def select_leaf(tree, t, start, work, parameters):  # type: ignore[no-untyped-def]
    """Walk down from node `start`; return `(node, edge)`.

    `edge` is unvisited or proven, or the first on the way where the caller looks at each (outcomes
    are drawn, nodes shared). It is -1 where the walk ends at a node: one that is proven, or one
    that has no edges because the tree was full.
    """
    node = start
    while True:
        record = tree.nodes[t, node]
        if record.num_edges == 0 or record.evaluated == 0:
            return node, np.int64(-1)
        if parameters.prove and record.lower == record.upper:
            return node, np.int64(-1)
        if parameters.gumbel:
            if node == ROOT:
                index = _gumbel_root(tree, t, work, parameters)
            else:
                index = _gumbel_interior(tree, t, node, work, parameters)
        elif parameters.fpu == FPU_MINMAX:
            index = _puct_minmax(tree, t, node, parameters)
        else:
            index = forced_edge(tree, t, parameters) if node == ROOT else np.int64(-1)
            if index < 0:
                index = _puct_plain(tree, t, node, parameters)
        if index < 0:
            return node, index
        edge = tree.edges[t, index]
        if edge.child == UNVISITED or (parameters.prove and edge.lower == edge.upper):
            return node, index
        if parameters.chance or parameters.graph:
            return node, index
        node = np.int64(edge.child)

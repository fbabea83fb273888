"""Backing up: values, proven bounds and virtual visits along the path from a leaf to the root."""

from __future__ import annotations

import numpy as np

from tesuji.search.graph import node_value, refresh
from tesuji.search.tree import NO_PARENT, forced, forced_kernel, inner, kernel


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
def bound_edge(edge, child):  # type: ignore[no-untyped-def]
    """Narrow an edge's bounds to those of what lies behind it; return whether they changed.

    Those are `reward + discount * [lower, upper]`.
    """
    first = child.reward + child.discount * child.lower
    second = child.reward + child.discount * child.upper
    lower = np.float32(min(first, second))
    upper = np.float32(max(first, second))
    changed = lower > edge.lower or upper < edge.upper
    edge.lower = max(edge.lower, lower)
    edge.upper = min(edge.upper, upper)
    return changed


@forced
def _add_sample(tree, t, edge, value, parameters):  # type: ignore[no-untyped-def]
    edge.visits += 1
    edge.value_sum += value
    if parameters.adaptive:
        record = tree.trees[t]
        mean = edge.value_sum / edge.visits
        record.low = min(record.low, mean)
        record.high = max(record.high, mean)


@forced
def _back_up_graph(tree, t, leaf, value, draw, parameters):  # type: ignore[no-untyped-def]
    # What other walks found below counts at once; other parents learn of it when walks go by.
    record = tree.nodes[t, leaf]
    record.visits += 1
    record.value_sum += value
    record.draw_sum += draw
    while record.parent_edge != NO_PARENT:
        edge = tree.edges[t, record.parent_edge]
        above = np.int64(record.parent)
        draw = record.draw_sum / record.visits
        value = record.reward + record.discount * node_value(record, parameters)
        _add_sample(tree, t, edge, value, parameters)
        if parameters.prove:
            bound_edge(edge, record)
            tighten(tree, t, above)
        refresh(tree, t, above, parameters)
        record = tree.nodes[t, above]
        record.visits += 1
        record.draw_sum += draw


@forced_kernel
def back_up(tree, t, leaf, value, draw, parameters):  # type: ignore[no-untyped-def]
    """Add a leaf's `value`, seen by its side to move, along the path to the root."""
    if parameters.graph:
        _back_up_graph(tree, t, leaf, value, draw, parameters)
        return
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
        value = record.reward + record.discount * value
        _add_sample(tree, t, edge, value, parameters)
        if narrowed and parameters.prove:
            narrowed = bound_edge(edge, record)
            if narrowed:
                narrowed = tighten(tree, t, np.int64(record.parent))
        node = np.int64(record.parent)


@kernel
def back_up_edge(tree, t, node, index, value, parameters):  # type: ignore[no-untyped-def]
    """Add `value`, the return of an edge that ends the game or is proven, and go on upwards."""
    _add_sample(tree, t, tree.edges[t, index], value, parameters)
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

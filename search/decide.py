"""What a finished tree says: improved policy, action, values, lines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.search.pruning import prune_forced
from tesuji.search.random import advance, mix, uniform
from tesuji.search.select import completed_q, edge_value, is_open
from tesuji.search.tree import ROOT, UNVISITED, inner, kernel


class Summary(NamedTuple):
    """Results of a batch of trees; values for the side to move at each root."""

    action: npt.NDArray[np.int64]  # [B]
    policy: npt.NDArray[np.float32]  # [B, A]
    value: npt.NDArray[np.float32]  # [B]
    draw: npt.NDArray[np.float32]  # [B]
    raw_value: npt.NDArray[np.float32]  # [B]
    lower: npt.NDArray[np.float32]  # [B, A] of each action; [B, A] NaN where illegal
    upper: npt.NDArray[np.float32]
    visits: npt.NDArray[np.int64]  # [B, A]
    priors: npt.NDArray[np.float32]  # [B, A]
    q: npt.NDArray[np.float32]  # [B, A]
    proven: npt.NDArray[np.bool_]  # [B] the value is exact


def allocate_summary(batch: int, num_actions: int) -> Summary:
    """Return room for the results of a batch."""
    one = np.zeros(batch, np.float32)
    many = np.zeros((batch, num_actions), np.float32)
    return Summary(
        np.zeros(batch, np.int64), many.copy(), one.copy(), one.copy(), one.copy(), many.copy(),
        many.copy(), np.zeros((batch, num_actions), np.int64), many.copy(), many.copy(),
        np.zeros(batch, np.bool_),
    )  # fmt: skip


@inner
def _candidate(edge, root, parameters):  # type: ignore[no-untyped-def]
    # Whether a wise player may choose this edge: nothing proven is better.
    if parameters.prove == 0:
        return True
    if root.lower == root.upper:
        return edge.lower >= root.lower
    return is_open(edge, root, parameters) or (
        edge.lower >= root.lower and root.lower > parameters.lowest
    )


@inner
def _visit_weights(tree, t, out, temperature, parameters):  # type: ignore[no-untyped-def]
    # PUCT: visits, among candidates; a proven value stands for itself where all others are less.
    root = tree.nodes[t, ROOT]
    most = 0.0
    best_open = -np.inf
    prune_forced(tree, t, out, parameters)
    for i in range(root.num_edges):
        edge = tree.edges[t, root.first_edge + i]
        most = max(most, np.float64(edge.visits))
        if edge.visits and is_open(edge, root, parameters):
            best_open = max(best_open, edge_value(edge, parameters))
    total = 0.0
    for i in range(root.num_edges):
        edge = tree.edges[t, root.first_edge + i]
        visits = out[i]
        out[i] = 0.0
        if _candidate(edge, root, parameters):
            # The prior breaks ties, and speaks where a proof came before any visit.
            out[i] = visits + 1e-3 * edge.prior
            if not is_open(edge, root, parameters) and best_open <= root.lower:
                out[i] = 2.0 * most + 1.0 + edge.prior
        if temperature > 0.0 and out[i] > 0.0:
            out[i] = (out[i] / (2.0 * most + 2.0)) ** (1.0 / temperature)
        total += out[i]
    for i in range(root.num_edges):
        out[i] /= total


@inner
def _completed_policy(tree, t, out, parameters):  # type: ignore[no-untyped-def]
    # Gumbel AlphaZero: softmax of logits and completed action values, among candidates.
    root = tree.nodes[t, ROOT]
    completed_q(tree, t, np.int64(ROOT), out, parameters)
    largest = -np.inf
    for i in range(root.num_edges):
        edge = tree.edges[t, root.first_edge + i]
        out[i] += edge.logit
        if _candidate(edge, root, parameters):
            largest = max(largest, out[i])
    total = 0.0
    for i in range(root.num_edges):
        edge = tree.edges[t, root.first_edge + i]
        out[i] = np.exp(out[i] - largest) if _candidate(edge, root, parameters) else 0.0
        total += out[i]
    for i in range(root.num_edges):
        out[i] /= total


@inner
def _gumbel_choice(tree, t, work, parameters):  # type: ignore[no-untyped-def]
    root = tree.nodes[t, ROOT]
    completed_q(tree, t, np.int64(ROOT), work, parameters)
    most = -1
    for i in range(root.num_edges):
        edge = tree.edges[t, root.first_edge + i]
        if _candidate(edge, root, parameters):
            known = parameters.prove and edge.lower == edge.upper
            most = max(most, -1 if known else edge.visits)
    best = np.int64(-1)
    best_score = -np.inf
    for i in range(root.num_edges):
        edge = tree.edges[t, root.first_edge + i]
        if not _candidate(edge, root, parameters):
            continue
        known = parameters.prove and edge.lower == edge.upper
        if known or edge.visits == most:
            score = edge.noise + edge.logit + work[i]
            if score > best_score:
                best = np.int64(i)
                best_score = score
    return best


@inner
def _sample(weights, count, bits):  # type: ignore[no-untyped-def]
    left = uniform(bits)
    last = 0
    for i in range(count):
        if weights[i] > 0.0:
            last = i
            left -= weights[i]
            if left <= 0.0:
                break
    return last


@kernel
def summarise(tree, out, work, temperature, parameters):  # type: ignore[no-untyped-def]
    """Fill `out` for every tree; roots must have been judged."""
    for t in range(tree.trees.shape[0]):
        root = tree.nodes[t, ROOT]
        out.policy[t] = 0.0
        out.visits[t] = 0
        out.priors[t] = 0.0
        out.q[t] = np.nan
        out.lower[t] = np.nan
        out.upper[t] = np.nan
        if parameters.gumbel:
            chosen = _gumbel_choice(tree, t, work, parameters)
            _completed_policy(tree, t, work, parameters)
        else:
            _visit_weights(tree, t, work, temperature, parameters)
            chosen = np.int64(0)
            for i in range(root.num_edges):
                if work[i] > work[chosen]:
                    chosen = np.int64(i)
            if temperature > 0.0:
                tree.trees[t].seed = advance(tree.trees[t].seed)
                chosen = _sample(work, root.num_edges, mix(tree.trees[t].seed))
        for i in range(root.num_edges):
            edge = tree.edges[t, root.first_edge + i]
            out.policy[t, edge.action] = work[i]
            out.visits[t, edge.action] = edge.visits
            out.priors[t, edge.action] = edge.prior
            out.lower[t, edge.action] = edge.lower
            out.upper[t, edge.action] = edge.upper
            if edge.visits or edge.lower == edge.upper:
                out.q[t, edge.action] = edge_value(edge, parameters)
        out.action[t] = tree.edges[t, root.first_edge + chosen].action
        value = root.value_sum / max(root.visits, 1)
        draw = root.draw_sum / max(root.visits, 1)
        out.proven[t] = parameters.prove == 1 and root.lower == root.upper
        if parameters.prove:
            value = min(max(value, np.float64(root.lower)), np.float64(root.upper))
            if root.lower == root.upper:
                draw = 1.0 if root.lower == 0.0 else 0.0
        out.value[t] = value
        out.draw[t] = draw
        out.raw_value[t] = root.raw_value


@inner
def _likeliest(tree, t, child):  # type: ignore[no-untyped-def]
    # The most visited outcome of an edge.
    best = child
    while child != UNVISITED:
        if tree.nodes[t, child].visits > tree.nodes[t, best].visits:
            best = child
        child = np.int64(tree.nodes[t, child].sibling)
    return best


@kernel
def best_line(tree, t, action, out, parameters):  # type: ignore[no-untyped-def]
    """Write the line of best actions that begins with `action`, by the likeliest outcomes.

    Fills `out` `[L, 2]` with actions and the nodes that they lead to, -1 where the line leaves the
    tree; returns the line's length.
    """
    node = np.int64(ROOT)
    length = 0
    while length < out.shape[0]:
        record = tree.nodes[t, node]
        best = np.int64(-1)
        best_rank = -np.inf
        for index in range(record.first_edge, record.first_edge + record.num_edges):
            edge = tree.edges[t, index]
            rank = edge.visits + np.float64(edge.prior)
            if parameters.prove and edge.lower >= record.upper:
                rank += 1e9
            elif parameters.prove and edge.upper <= record.lower and record.lower < record.upper:
                rank -= 1e9
            if length == 0:
                rank = 1.0 if edge.action == action else -1.0
            elif edge.visits == 0 and edge.lower < record.upper:
                continue
            if rank > best_rank:
                best = np.int64(index)
                best_rank = rank
        if best < 0:
            break
        node = _likeliest(tree, t, np.int64(tree.edges[t, best].child))
        out[length, 0] = tree.edges[t, best].action
        out[length, 1] = node
        length += 1
        if node == UNVISITED:
            break
    return length

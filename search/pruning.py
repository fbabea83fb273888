"""Policy-target pruning: a root's visits without those that were forced for exploration alone.

Forced playouts make a search look at moves that its priors, noise included, call worth a look; a
policy should not learn them where they turned out worse (Wu 2019, arXiv:1902.10565, section 3.2).
"""

from __future__ import annotations

import numpy as np

from tesuji.search.select import edge_value, exploration_rate, spread
from tesuji.search.tree import ROOT, inner


@inner
def prune_forced(tree, t, out, parameters):  # type: ignore[no-untyped-def]
    """Fill `out` with the visits of the root's edges, less the forced ones that PUCT disowns.

    From each edge but the most visited at most its forced playouts are taken, as long as PUCT
    would still prefer the most visited edge; what is left with a single one is left with none.
    """
    root = tree.nodes[t, ROOT]
    best = 0
    for i in range(root.num_edges):
        edge = tree.edges[t, root.first_edge + i]
        out[i] = edge.visits
        if edge.visits > tree.edges[t, root.first_edge + best].visits:
            best = i
    if parameters.forced_playouts == 0.0 or tree.trees[t].quiet:
        return
    rate = exploration_rate(root.visits, parameters) * spread(tree, t, parameters)
    most = tree.edges[t, root.first_edge + best]
    wanted = edge_value(most, parameters) + rate * most.prior / (1.0 + most.visits)
    scale = parameters.forced_playouts * max(root.visits - 1, 0)
    for i in range(root.num_edges):
        edge = tree.edges[t, root.first_edge + i]
        if i == best or edge.visits == 0:
            continue
        fewest = max(edge.visits - np.sqrt(scale * edge.prior), 0.0)
        value = edge_value(edge, parameters)
        while out[i] - 1.0 >= fewest and value + rate * edge.prior / out[i] < wanted:
            out[i] -= 1.0
        if out[i] <= 1.0:
            out[i] = 0.0

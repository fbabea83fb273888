"""Progressive widening: a node offers more of its actions the more often it is visited.

Where actions are samples of many (Sampled MuZero, Hubert et al. 2021), the first of a node's edges
are selected among, as many as a power of its visits says (Couetoux et al. 2011).
"""

from __future__ import annotations

import numpy as np

from tesuji.search.tree import inner


@inner
def num_offered(record, parameters):  # type: ignore[no-untyped-def]
    """Return how many of a node's edges may be selected: the first, where nodes widen."""
    if parameters.widening == 0.0:
        return np.int64(record.num_edges)
    visits = np.float64(record.visits + record.pending)
    wide = np.int64(parameters.widening * visits**parameters.widening_exponent)
    return min(max(wide, np.int64(2)), np.int64(record.num_edges))


@inner
def offered_prior(tree, t, record, count):  # type: ignore[no-untyped-def]
    """Return the priors' sum over the first `count` edges of a node: 1 where that is all."""
    if count == record.num_edges:
        return 1.0
    total = 0.0
    for index in range(record.first_edge, record.first_edge + count):
        total += tree.edges[t, index].prior
    return max(total, 1e-30)

"""Rounded capacity cuts: sets of customers that a fractional plan visits with too few vehicles.

`k(S)` vehicles carry what a set wants, so at most `|S| - k(S)` of the edges driven lie inside it
(Laporte & Nobert 1983). Finding the most violated set is hard; greedy growth from every customer
finds many (Augerat et al. 1998, Lysgaard, Letchford & Eglese 2004).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tesuji.search.random import advance, mix, uniform
from tesuji.search.routing.tours import Integers
from tesuji.search.tree import forced_kernel, kernel

_VIOLATION = 0.02


def vehicles(demand: Integers, capacity: int) -> int:
    """Return how many vehicles carry what customers want; one at least."""
    return max(1, -(-int(demand.sum()) // capacity))


@forced_kernel
def _next(inside, attraction, noise, seed):  # type: ignore[no-untyped-def]
    # The customer that the set attracts most, perhaps with some noise; 0 if there is none.
    best, chosen = 0.0, np.int64(0)
    for node in range(1, len(inside)):
        if inside[node] or attraction[node] <= 1e-6:
            continue
        value = attraction[node]
        if noise > 0.0:
            seed = advance(seed)
            value *= 1.0 + noise * uniform(mix(seed))
        if value > best:
            best, chosen = value, np.int64(node)
    return chosen, seed


@kernel
def grow_sets(weight, demand, capacity, noise, seed, inside, attraction, found):  # type: ignore[no-untyped-def]
    """Grow a set from every customer and keep what is violated most on the way.

    Args:
        weight: `[N, N]` how much of each edge is driven, symmetric.
        demand: `[N]`.
        capacity: of a vehicle.
        noise: how far the growth may stray from what is most attractive.
        seed: of the noise.
        inside: `[N]` scratch room.
        attraction: `[N]` scratch room.
        found: `[N, N]` where the sets go, a row for each customer that has one; else all False.
    """
    nodes = len(demand)
    for start in range(1, nodes):
        for i in range(nodes):
            inside[i] = False
            attraction[i] = weight[start, i]
            found[start, i] = False
        inside[start] = True
        load, size, edges, worst = demand[start], 1, 0.0, _VIOLATION
        best_size = 0
        while True:
            node, seed = _next(inside, attraction, noise, seed)
            if node == 0:
                break
            edges += attraction[node]
            inside[node] = True
            load += demand[node]
            size += 1
            for i in range(1, nodes):
                attraction[i] += weight[node, i]
            needed = max(np.int64(1), (load + capacity - 1) // capacity)
            if edges - (size - needed) > worst:
                worst, best_size = edges - (size - needed), size
                for i in range(nodes):
                    found[start, i] = inside[i]
        if best_size == 0:
            found[start, start] = False


def violated_sets(
    weight: npt.NDArray[np.float64], demand: Integers, capacity: int, seed: int
) -> list[tuple[int, ...]]:
    """Return sets of customers that a fractional plan visits with too few vehicles.

    Args:
        weight: `[N, N]` how much of each edge is driven, symmetric.
        demand: `[N]`.
        capacity: of a vehicle.
        seed: of the random part of the search.
    """
    nodes = len(demand)
    sets: set[tuple[int, ...]] = set()
    for turn, noise in enumerate((0.0, 0.5, 2.0)):
        found = np.zeros((nodes, nodes), np.bool_)
        grow_sets(
            weight, demand, capacity, noise, np.uint64(seed * 3 + turn),
            np.zeros(nodes, np.bool_), np.zeros(nodes), found,
        )  # fmt: skip
        sets |= {tuple(np.flatnonzero(row).tolist()) for row in found if row.any()}
    everyone = set(range(1, nodes))
    for members in list(sets):
        sets.add(tuple(sorted(everyone - set(members))))
    return [members for members in sets if _excess(weight, demand, capacity, members) > _VIOLATION]


def _excess(
    weight: npt.NDArray[np.float64], demand: Integers, capacity: int, members: tuple[int, ...]
) -> float:
    if len(members) < 2:
        return 0.0
    block = list(members)
    edges = weight[np.ix_(block, block)].sum() / 2
    return float(edges - len(block) + vehicles(demand[block], capacity))

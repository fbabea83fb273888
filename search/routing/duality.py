"""Lower bounds by weak duality, in integers.

Any multipliers of the degree equations (two edges at each customer) and, at least 0, of rounded
capacity cuts prove a bound; `tesuji verify` computes it again with code of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.routing.instance import Integers, RoutingInstance
from tesuji.search.routing.cuts import vehicles

UNIT = 1_000_000  # of multipliers in one


@dataclass(frozen=True)
class Multipliers:
    """What proves a bound.

    Attributes:
        nodes: `[N]` of the degree equations, in millionths; 0 of the depot.
        cuts: sets of customers, each with its multiplier in millionths, above 0.
        bound: what they prove, or what the prices do, if those prove more.
        prices: `[N]` of customers, in millionths (`price_routes.py`); empty without them.
        width: of a step of time, where there are prices.
    """

    nodes: tuple[int, ...]
    cuts: tuple[tuple[tuple[int, ...], int], ...]
    bound: int
    prices: tuple[int, ...] = ()
    width: int = 0


def demands_of(instance: RoutingInstance) -> Integers:
    """Return demands of which vehicles carry at most their capacity; none where there are pairs."""
    return np.zeros_like(instance.demand) if instance.has_pairs else instance.demand


def drivable(instance: RoutingInstance) -> npt.NDArray[np.bool_]:
    """Return `[N, N]` whether two nodes can follow each other, one way or the other."""
    there = instance.earliest + instance.service
    in_time = there[:, None] + instance.distance <= instance.latest[None, :]
    possible: npt.NDArray[np.bool_] = in_time | in_time.T
    np.fill_diagonal(possible, False)
    return possible


def proven_bound(
    instance: RoutingInstance, nodes: Sequence[int], cuts: Iterable[tuple[Sequence[int], int]]
) -> int:
    """Return the bound that multipliers prove, in integers.

    Args:
        instance: what has to be driven.
        nodes: `[N]` in millionths, 0 of the depot.
        cuts: sets of customers with multipliers in millionths, at least 0.
    """
    demand, of_node = demands_of(instance), np.array(nodes, np.int64)
    length = np.minimum(instance.distance, instance.distance.T) * UNIT
    reduced = length - of_node[:, None] - of_node[None, :]
    total: int = 2 * sum(nodes)
    for members, multiplier in cuts:
        block = np.array(members)
        reduced[np.ix_(block, block)] += multiplier
        total -= multiplier * (len(block) - vehicles(demand[block], instance.capacity))
    short = np.where(drivable(instance), np.minimum(reduced, 0), 0)
    short[0] *= 2  # an edge of the depot may be driven there and back
    total += sum(short[np.triu_indices(len(short))].tolist())
    return -(-total // UNIT)

"""Lower bounds by prices of customers: the cheapest route that they leave, in integers.

Whatever prices `p` customers have, a plan costs `sum p` and what each of its routes costs beyond
the prices of its customers, so at least `sum p + vehicles * min(0, r)`, where `r` belongs to the
route that costs least beyond them (Dantzig & Wolfe 1960; Desrochers, Desrosiers & Solomon 1992).
It is looked for among more than there are: time is counted in steps of `width`, rounded down; a
customer may come twice, but not with one other between (Houck et al. 1980); loads and pairs do
not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.routing.instance import Integers, RoutingInstance
from tesuji.search.routing.duality import UNIT
from tesuji.search.tree import kernel

_STEPS = 400  # of time at most, as far as ways are long enough
_MOST_STEPS = 10_000  # where ways are short; the verifier takes no more
_NONE = np.int64(1) << 60


class Labels(NamedTuple):
    """The two cheapest ways to be at a customer in a step of time, with different ones before."""

    cost: Integers  # [N, T, 2]
    before: npt.NDArray[np.int32]  # [N, T, 2] the customer before
    step: npt.NDArray[np.int32]  # [N, T, 2] the step there


def step_width(instance: RoutingInstance) -> int:
    """Return how long a step of time may be; 0 where some way takes no time, or hardly any."""
    moves = instance.distance + instance.service[:, None]
    np.fill_diagonal(moves, np.iinfo(np.int64).max)
    shortest = int(moves[1:].min())
    span = int(instance.latest[0]) + 1
    width = min(shortest, max(1, -(-span // _STEPS)))
    return width if width > 0 and span // width < _MOST_STEPS else 0


def make_labels(instance: RoutingInstance, width: int) -> Labels:
    """Return room for labels."""
    steps = int(instance.latest[0]) // width + 1  # whoever comes later is not home in time
    shape = (instance.num_nodes, steps, 2)
    return Labels(np.zeros(shape, np.int64), np.zeros(shape, np.int32), np.zeros(shape, np.int32))


@kernel
def _put(labels, node, step, cost, before, at):  # type: ignore[no-untyped-def]
    # Keep a way to `node` if it is one of the two cheapest with different customers before.
    known = labels.cost[node, step]
    if cost < known[0]:
        if labels.before[node, step, 0] != before:
            known[1] = known[0]
            labels.before[node, step, 1] = labels.before[node, step, 0]
            labels.step[node, step, 1] = labels.step[node, step, 0]
        known[0] = cost
        labels.before[node, step, 0], labels.step[node, step, 0] = before, at
    elif cost < known[1] and labels.before[node, step, 0] != before:
        known[1] = cost
        labels.before[node, step, 1], labels.step[node, step, 1] = before, at


@kernel
def price_routes(distance, earliest, latest, service, prices, width, labels, last):  # type: ignore[no-untyped-def]
    """Fill the labels; return what the route costs that costs least beyond its prices.

    Args:
        distance: `[N, N]` in units; costs are in millionths of them.
        earliest: `[N]`.
        latest: `[N]`, none after the depot's.
        service: `[N]`.
        prices: `[N]` in millionths, 0 of the depot.
        width: of a step of time.
        labels: room.
        last: `[N, 2]` of each customer the least cost of a route that ends with it, and the step.
    """
    nodes, steps = labels.cost.shape[0], labels.cost.shape[1]
    labels.cost[:] = _NONE
    labels.before[:] = -1
    last[:, 0] = _NONE
    start = earliest[0] + service[0]
    for node in range(1, nodes):
        at = max(earliest[node], start + distance[0, node])
        if at <= latest[node]:
            _put(labels, node, at // width, distance[0, node] * UNIT - prices[node], 0, 0)
    least = _NONE
    for step in range(steps):
        for node in range(1, nodes):
            cost = labels.cost[node, step]
            if cost[0] == _NONE:
                continue
            leave = max(step * width, earliest[node]) + service[node]
            if leave + distance[node, 0] <= latest[0]:
                whole = cost[0] + distance[node, 0] * UNIT
                if whole < last[node, 0]:
                    last[node, 0], last[node, 1] = whole, step
                least = min(least, whole)
            for other in range(1, nodes):
                at = max(earliest[other], leave + distance[node, other])
                if at > latest[other] or other == node:
                    continue
                so_far = cost[0] if labels.before[node, step, 0] != other else cost[1]
                if so_far < _NONE:
                    more = distance[node, other] * UNIT - prices[other]
                    _put(labels, other, at // width, so_far + more, node, step)
    return least


def route_to(labels: Labels, node: int, step: int) -> list[int]:
    """Return the customers of the cheapest way to a customer in a step of time."""
    route, following = [node], -1
    while True:
        slot = 0 if labels.before[node, step, 0] != following else 1
        before, at = int(labels.before[node, step, slot]), int(labels.step[node, step, slot])
        if before == 0:
            return route[::-1]
        route.append(before)
        node, step, following = before, at, node


def proven_by_prices(
    instance: RoutingInstance, prices: Sequence[int], width: int, labels: Labels, last: Integers
) -> int:
    """Return the bound that prices prove, in integers; labels and `last` are filled.

    Args:
        instance: what has to be driven.
        prices: `[N]` in millionths, 0 of the depot.
        width: of a step of time.
        labels: room.
        last: room `[N, 2]`.
    """
    latest = np.minimum(instance.latest, instance.latest[0])
    least = price_routes(
        instance.distance, instance.earliest, latest, instance.service,
        np.array(prices, np.int64), width, labels, last,
    )  # fmt: skip
    return -(-(sum(prices) + instance.num_vehicles * min(0, int(least))) // UNIT)

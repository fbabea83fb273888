"""Ruin: take strings of neighbouring customers out of neighbouring routes.

Christiaens & Vanden Berghe 2020, "Slack Induction by String Removals for Vehicle Routing Problems",
section 5.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.search.random import advance, below, mix, uniform
from tesuji.search.routing.tours import ABSENT, Integers, Small, refresh, remove
from tesuji.search.tree import forced_kernel

_REMOVED = 10.0  # customers on average
_LONGEST = 10.0  # of a string
_SPLIT = 0.5  # how often a string keeps some of its middle
_DEEPER = 0.01  # how often it keeps one more
_DOUBTED = 0.5  # how often a policy has a say where a ruin begins


class Scratch(NamedTuple):
    """Room for one thread; not for two at once."""

    seed: npt.NDArray[np.uint64]  # [1]
    absent: Small  # [N]
    key: Integers  # [N] what the absent are sorted by
    touched: Small  # [R] the routes that changed
    is_touched: npt.NDArray[np.bool_]  # [R]
    counts: Integers  # absent, touched
    found: Integers  # where to insert best


ABSENTS, TOUCHED = 0, 1


def make_scratch(num_nodes: int, seed: int) -> Scratch:
    """Return scratch room, and the state of the random numbers."""
    return Scratch(
        np.array([seed], np.uint64), np.zeros(num_nodes, np.int32), np.zeros(num_nodes, np.int64),
        np.zeros(num_nodes, np.int32), np.zeros(num_nodes, np.bool_), np.zeros(2, np.int64),
        np.zeros(8, np.int64),
    )  # fmt: skip


@forced_kernel
def bits(scratch):  # type: ignore[no-untyped-def]
    """Return 64 random bits."""
    scratch.seed[0] = advance(scratch.seed[0])
    return mix(scratch.seed[0])


@forced_kernel
def touch(scratch, route):  # type: ignore[no-untyped-def]
    """Note that a route changes."""
    if not scratch.is_touched[route]:
        scratch.is_touched[route] = True
        scratch.touched[scratch.counts[TOUCHED]] = route
        scratch.counts[TOUCHED] += 1


@forced_kernel
def _take(problem, tours, scratch, node):  # type: ignore[no-untyped-def]
    # A customer goes, and the other end of its pair with it.
    if tours.route[node] == ABSENT:
        return
    touch(scratch, np.int64(tours.route[node]))
    remove(problem, tours, node)
    scratch.absent[scratch.counts[ABSENTS]] = node
    scratch.counts[ABSENTS] += 1
    partner = np.int64(problem.partner[node])
    if partner and tours.route[partner] != ABSENT:
        touch(scratch, np.int64(tours.route[partner]))
        remove(problem, tours, partner)


@forced_kernel
def _take_string(problem, tours, scratch, node, length):  # type: ignore[no-untyped-def]
    # Remove `length` customers of a string that contains `node`, perhaps around some that stay.
    route = np.int64(tours.route[node])
    size = np.int64(tours.size[route])
    kept = np.int64(0)
    if length > 1 and length < size and uniform(bits(scratch)) < _SPLIT:
        kept = np.int64(1)
        while length + kept < size and uniform(bits(scratch)) < _DEEPER:
            kept += 1
    whole = length + kept
    place, at = np.int64(0), np.int64(tours.before[node])
    while at:
        place += 1
        at = np.int64(tours.before[at])
    low, high = max(np.int64(0), place - whole + 1), min(place, size - whole)
    start = low + below(bits(scratch), high - low + 1)
    at = node
    for _ in range(place - start):
        at = np.int64(tours.before[at])
    first = 1 + below(bits(scratch), length - 1) if kept else whole  # of those that stay
    for i in range(whole):
        if at == 0:
            return
        after = np.int64(tours.after[at])
        if i < first or i >= first + kept:
            if after and problem.partner[at] == after:
                after = np.int64(tours.after[after])
            _take(problem, tours, scratch, at)
        at = after


@forced_kernel
def _likely(problem, tours, node):  # type: ignore[no-untyped-def]
    return problem.odds[tours.before[node], node] + problem.odds[node, tours.after[node]]


@forced_kernel
def _less_likely(problem, tours, node, other):  # type: ignore[no-untyped-def]
    # The one of two customers whose place a policy finds the less likely.
    return node if _likely(problem, tours, node) < _likely(problem, tours, other) else other


@forced_kernel
def ruin(problem, tours, scratch):  # type: ignore[no-untyped-def]
    """Remove strings near a random customer; the routes touched are refreshed."""
    customers = len(problem.demand) - 1
    mean_size = customers / max(tours.totals[1], 1)
    longest = min(_LONGEST, mean_size)
    most = 4.0 * _REMOVED / (1.0 + longest) - 1.0
    strings = np.int64(most * uniform(bits(scratch)) + 1.0)
    seed = 1 + below(bits(scratch), customers)
    if len(problem.odds) and uniform(bits(scratch)) < _DOUBTED:
        seed = _less_likely(problem, tours, seed, 1 + below(bits(scratch), customers))
    for k in range(problem.near.shape[1]):
        if scratch.counts[TOUCHED] >= strings:
            break
        node = np.int64(problem.near[seed, k])
        if tours.route[node] == ABSENT:
            continue
        route = np.int64(tours.route[node])
        if scratch.is_touched[route]:
            continue
        limit = min(np.float64(tours.size[route]), longest)
        length = np.int64(limit * uniform(bits(scratch)) + 1.0)
        length = min(length, np.int64(tours.size[route]))
        _take_string(problem, tours, scratch, node, length)
    for i in range(scratch.counts[TOUCHED]):
        refresh(problem, tours, np.int64(scratch.touched[i]))

"""Prices at which vehicles cannot earn enough: a linear program over the routes that are known.

    least  sum of u   with   routes cover each job at least 1 - u times,
                             fresh vehicles drive at most so many routes, the present one one

The program is solved by the primal simplex method; its dual values are the prices. In floats, for
what comes out is only a proposal: `prices` proves what it uses in integers.

Dimensions: `K` jobs, `M = K + 2` rows (the last two are those of the vehicles), `C` routes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]

_SMALL = 1e-9
_LEVER = 1e-7  # what is smaller is no pivot
_GAIN = 1e-7  # a column that would gain less does not enter
_PIVOTS = 2000


@njit(cache=True)
def column(kind, index, jobs, lengths, present, out):  # type: ignore[no-untyped-def]
    """Write a column `[M]`: of a route, of the surplus of a job, of a slack of the vehicles."""
    out[:] = 0.0
    rows = len(out)
    if kind == 0:
        for k in range(lengths[index]):
            out[jobs[index, k]] += 1.0
        out[rows - 1 if present[index] else rows - 2] = 1.0
    elif index < rows - 2:
        out[index] = -1.0
    else:
        out[index] = 1.0


@njit(cache=True)
def entering(dual, jobs, lengths, present):  # type: ignore[no-untyped-def]
    """Return the column that gains most, as `(kind, index, gain)`; kind 0 is a route."""
    rows = len(dual)
    kind, index, gain = -1, -1, _GAIN
    for r in range(len(lengths)):
        total = dual[rows - 1] if present[r] else dual[rows - 2]
        for k in range(lengths[r]):
            total += dual[jobs[r, k]]
        if total > gain:
            kind, index, gain = 0, r, total
    for j in range(rows):
        total = -dual[j] if j < rows - 2 else dual[j]
        if total > gain:
            kind, index, gain = 1, j, total
    return kind, index, gain


class Base(NamedTuple):
    """Where the simplex method stands."""

    inverse: Floats  # [M, M] of the columns in the base
    value: Floats  # [M] of these columns
    cost: Floats  # [M] 1 for the part of a job that is not covered
    dual: Floats  # [M]


def first_base(num_jobs: int, fresh: int) -> Base:
    """Return the base where no job is covered."""
    value, cost = np.ones(num_jobs + 2), np.ones(num_jobs + 2)
    value[num_jobs] = fresh
    cost[num_jobs:] = 0.0
    return Base(np.eye(num_jobs + 2), value, cost, cost.copy())


@njit(cache=True)
def improve(base, jobs, lengths, present):  # type: ignore[no-untyped-def]
    """Go on to the best base; return what is left uncovered.

    Args:
        base: changed.
        jobs: the jobs of each route `[C, R]`.
        lengths: how many they are `[C]`.
        present: whether it is a route of the vehicle under way `[C]`.
    """
    inverse, value, cost, dual = base
    rows = len(dual)
    entry = np.zeros(rows)
    for _ in range(_PIVOTS):
        kind, index, gain = entering(dual, jobs, lengths, present)
        if kind < 0:
            break
        column(kind, index, jobs, lengths, present, entry)
        way = inverse @ entry
        out, least = -1, np.inf
        for row in range(rows):
            if way[row] > _LEVER and value[row] < least * way[row] - _SMALL * (out >= 0):
                out, least = row, value[row] / way[row]
        if out < 0:
            break
        pivot = inverse[out] / way[out]
        value[:] = np.maximum(value - least * way, 0.0)
        value[out] = least
        for row in range(rows):
            if row != out and way[row] != 0.0:
                inverse[row] -= way[row] * pivot
        inverse[out] = pivot
        cost[out] = 0.0
        dual -= gain * pivot
    return (cost * value).sum()

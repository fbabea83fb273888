"""The best potential function and landmark weights together, by one linear program.

What comes out of floats is a proposal. It is rounded to parts of a cost, as few as the fractions in
it allow, and what it takes off and charges is computed in integers; where that is too much for some
operator, all is scaled down.
The multipliers of the program's rows count how often each operator is used in a relaxed plan
(Pommerening et al. 2014): landmarks that they break are worth adding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.ragged import Numbers64
from tesuji.search.linear_program import maximise
from tesuji.search.planning.potential_program import PotentialProgram, assemble, matrix
from tesuji.search.planning.potential_rows import Floats, PotentialRows

_PARTS = 720_720  # of a cost where fractions are many
_MOST_PARTS = 100_000_000
_DENOMINATORS = 100
_NEAR = 1e-6
_HIGHEST = 1e6
_CORNERS = 30_000  # entries up to which a corner is sought; more take an interior point
_ROUNDS = 14
_LEAST_MARGIN = 1e-9


@dataclass(frozen=True)
class Weights:
    """A proof of a lower bound.

    Attributes:
        parts: of a cost.
        total: the bound, in parts.
        features: `[K]` of each feature, parts.
        landmarks: `[L]` of each landmark, parts.
        usage: `[n]` how often the relaxed plan uses each operator.
    """

    parts: int
    total: int
    features: Numbers64
    landmarks: Numbers64
    usage: Floats


def best_weights(
    task: FiniteDomain,
    rows: PotentialRows,
    tied: Numbers64,
    landmarks: tuple[Numbers64, Numbers64, int],
    cost: Numbers64,
    is_over: Callable[[], bool],
) -> Weights | None:
    """Return the weights that prove most; None where the linear program was given up.

    Args:
        task: the task.
        rows: what features must keep.
        tied: `[K]` features of one number get one weight.
        landmarks: operators and the landmarks that charge them, and how many landmarks there are.
        cost: `[n]` whole.
        is_over: says when to give up.
    """
    program = assemble(rows, tied, landmarks, cost)
    num_features, num_landmarks = program.sizes
    num_own = num_features + num_landmarks
    entries, most, num_columns = matrix(program)
    worth = np.zeros(num_columns)
    np.add.at(worth, tied, _worth(task, rows.features))
    worth[num_features:num_own] = 1.0
    method = "simplex" if len(entries[0]) < _CORNERS else "ipm"
    found = maximise(worth, entries, most, _HIGHEST, is_over, method)
    if found is None:
        return None
    value = found.value[:num_own]
    parts = _parts(value)
    whole = _sound(program, np.rint(value * parts), parts)
    if whole is None:
        return None
    values = whole.astype(np.int64)
    features, charges = values[:num_features][tied], values[num_features:]
    total = int(_worth(task, rows.features) @ features + charges.sum())
    usage = found.dual[len(program.column) :] / np.bincount(program.row_of)
    return Weights(parts, total, features, charges, usage[program.row_of])


def _parts(value: Floats) -> int:
    """Return how many parts of a cost make all of `value` whole, if few do."""
    parts = 1
    while True:
        rest = np.abs(value * parts - np.rint(value * parts)) > _NEAR * parts
        if not rest.any():
            return parts
        first = value[rest][0] * parts
        tries = np.arange(2, _DENOMINATORS)
        near = np.abs(first * tries - np.rint(first * tries)) <= _NEAR * parts * tries
        if not near.any() or parts * int(tries[near][0]) > _MOST_PARTS:
            return _PARTS
        parts *= int(tries[near][0])


def _worth(task: FiniteDomain, features: Numbers64) -> Numbers64:
    """Return what a weight adds to h of the first state: 1 in the goal, -1 in the first state."""
    at_first = np.zeros(len(task.atom) + 1, np.bool_)
    at_first[-1] = True  # no second fact
    wanted = at_first.copy()
    at_first[task.first[:-1] + task.init] = True
    wanted[task.goal] = True
    inside = [mask[features].all(axis=1).astype(np.int64) for mask in (wanted, at_first)]
    return np.asarray(inside[0] - inside[1], np.int64)


def _sound(program: PotentialProgram, weights: Floats, parts: int) -> Floats | None:
    """Return weights that no operator breaks, scaled down if need be; None where that fails."""
    weights = np.maximum(weights, 0.0)
    charge = program.charge
    limit = program.cost.astype(np.float64) * parts
    margin = _LEAST_MARGIN
    for _ in range(_ROUNDS):
        own = np.bincount(charge.row, charge.value * weights[charge.column], len(limit))
        charged = own + _contexts(program, weights)
        broken = charged > limit
        if not broken.any():
            return weights
        if (limit[broken] <= 0).any():
            return None
        weights = np.floor(weights * ((limit[broken] / charged[broken]).min() * (1 - margin)))
        margin *= 4  # rounding may break again what scaling mended
    return None


def _contexts(program: PotentialProgram, weights: Floats) -> Floats:
    """Return what contexts take off at most, for each row of operators."""
    context, uses = program.context, program.uses
    taken = np.bincount(context.row, context.value * weights[context.column], len(program.column))
    plain, shared = np.zeros(len(program.owner)), np.zeros(len(program.owner))
    np.maximum.at(plain, program.column[~program.limited], taken[~program.limited])
    np.maximum.at(shared, program.column[program.limited], taken[program.limited])
    more = np.maximum(shared - plain, 0.0)
    owned = np.flatnonzero(program.owner >= 0)
    order = owned[np.lexsort((-more[owned], program.owner[owned]))]
    owner = program.owner[order]
    rank = np.arange(len(order)) - np.searchsorted(owner, owner)
    found = np.bincount(uses.row, uses.value * plain[uses.column], len(program.most))
    counts = rank < program.most[owner]
    return np.asarray(
        found + np.bincount(owner[counts], more[order[counts]], len(program.most)), np.float64
    )

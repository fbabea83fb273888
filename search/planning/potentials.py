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
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.ragged import Numbers64
from tesuji.search.linear_program import maximise
from tesuji.search.planning.potential_rows import Entries, Floats, PotentialRows

_PARTS = 720_720  # of a cost where fractions are many
_MOST_PARTS = 100_000_000
_DENOMINATORS = 100
_NEAR = 1e-6
_HIGHEST = 1e6
_CORNERS = 30_000  # entries up to which a corner is sought; more take an interior point
_ROUNDS = 20

Bits = npt.NDArray[np.uint64]


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


class _Program(NamedTuple):
    """Rows over the columns: tied features, landmarks, largest contexts."""

    sizes: tuple[int, int, int]
    context: Entries  # rows of contexts over features alone
    column: Numbers64  # [R] which largest context each is under, from 0
    charge: Entries  # rows of operators
    cost: Numbers64  # [rows of operators]
    row_of: Numbers64  # [n] of each operator


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
    program = _assemble(rows, tied, landmarks, cost)
    num_features, num_landmarks, _ = program.sizes
    worth = np.zeros(sum(program.sizes))
    np.add.at(worth, tied, _worth(task, rows.features))
    worth[num_features : num_features + num_landmarks] = 1.0
    context, charge = program.context, program.charge
    first = len(program.column)
    own = np.arange(first)
    largest = num_features + num_landmarks + program.column
    entries = (
        np.concatenate([context.row, own, charge.row + first]),
        np.concatenate([context.column, largest, charge.column]),
        np.concatenate([context.value, np.full(first, -1), charge.value]),
    )  # fmt: skip
    most = np.concatenate([np.zeros(first), program.cost.astype(np.float64)])
    method = "simplex" if len(entries[0]) < _CORNERS else "ipm"
    found = maximise(worth, entries, most, _HIGHEST, is_over, method)
    if found is None:
        return None
    value = found.value[: num_features + num_landmarks]
    parts = _parts(value)
    whole = _sound(program, np.rint(value * parts), parts)
    if whole is None:
        return None
    values = whole.astype(np.int64)
    features, charges = values[:num_features][tied], values[num_features:]
    total = int(_worth(task, rows.features) @ features + charges.sum())
    usage = found.dual[first:] / np.bincount(program.row_of)
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


def _assemble(
    rows: PotentialRows,
    tied: Numbers64,
    landmarks: tuple[Numbers64, Numbers64, int],
    cost: Numbers64,
) -> _Program:
    # Rows and columns that say the same, found by random numbers, become one.
    num_features = int(tied.max(initial=-1)) + 1
    random = np.random.default_rng(0)
    columns = num_features + landmarks[2] + len(rows.column) + 1
    bits = random.integers(0, 1 << 63, columns, np.int64).astype(np.uint64)
    context = _summed(rows.context._replace(column=tied[rows.context.column]))
    hashes = _hash(context, bits, len(rows.column))
    kept = hashes != 0
    _, same = np.unique(
        np.stack([rows.column.astype(np.uint64), hashes]), axis=1, return_index=True
    )
    kept &= np.isin(np.arange(len(kept)), same)
    column_hash = np.zeros(int(rows.column.max(initial=-1)) + 1, np.uint64)
    np.add.at(column_hash, rows.column[kept], _mixed(hashes[kept]))
    _, representative, number = np.unique(column_hash, return_index=True, return_inverse=True)
    kept &= representative[number[rows.column]] == rows.column
    here = kept[context.row]
    context = Entries(
        (np.cumsum(kept) - 1)[context.row[here]], context.column[here], context.value[here]
    )
    live = column_hash[rows.uses.column] != 0
    first = num_features + landmarks[2]
    charge = _summed(
        Entries(
            np.concatenate([rows.base.row, landmarks[0], rows.uses.row[live]]),
            np.concatenate(
                [tied[rows.base.column], landmarks[1] + num_features,
                 number[rows.uses.column[live]] + first]
            ),
            np.concatenate(
                [rows.base.value, np.ones(len(landmarks[0]), np.int64), rows.uses.value[live]]
            ),
        )
    )  # fmt: skip
    operator_hash = _hash(charge, bits, len(cost))
    order = np.lexsort((cost, operator_hash))
    _, at, row_of = np.unique(operator_hash[order], return_index=True, return_inverse=True)
    of_operator = np.zeros(len(cost), np.int64)
    of_operator[order] = row_of
    cheapest = order[at]
    place = np.full(len(cost), -1, np.int64)
    place[cheapest] = np.arange(len(cheapest))
    here = place[charge.row] >= 0
    charge = Entries(place[charge.row[here]], charge.column[here], charge.value[here])
    sizes = num_features, landmarks[2], len(representative)
    return _Program(sizes, context, number[rows.column[kept]], charge, cost[cheapest], of_operator)


def _summed(entries: Entries) -> Entries:
    """Return the entries with those of one place added up, zeros left out."""
    width = int(entries.column.max(initial=0)) + 1
    keys, place = np.unique(entries.row * width + entries.column, return_inverse=True)
    value = np.bincount(place, entries.value, len(keys)).astype(np.int64)
    kept = value != 0
    return Entries(keys[kept] // width, keys[kept] % width, value[kept])


def _hash(entries: Entries, bits: Bits, count: int) -> Bits:
    found = np.zeros(count, np.uint64)
    np.add.at(found, entries.row, _mixed(bits[entries.column]) * entries.value.astype(np.uint64))
    return found


def _mixed(bits: Bits) -> Bits:
    bits = (bits ^ (bits >> np.uint64(31))) * np.uint64(0xD6E8FEB86659FD93)
    return bits ^ (bits >> np.uint64(32))


def _sound(program: _Program, weights: Floats, parts: int) -> Floats | None:
    """Return weights that no operator breaks, scaled down if need be; None where that fails."""
    weights = np.maximum(weights, 0.0)
    num_columns = program.sizes[2]
    context, charge = program.context, program.charge
    limit = program.cost.astype(np.float64) * parts
    for _ in range(_ROUNDS):
        taken = np.bincount(
            context.row, context.value * weights[context.column], len(program.column)
        )
        largest = np.zeros(num_columns)
        np.maximum.at(largest, program.column, taken)
        whole = np.concatenate([weights, largest])
        charged = np.bincount(charge.row, charge.value * whole[charge.column], len(limit))
        broken = charged > limit
        if not broken.any():
            return weights
        if (limit[broken] <= 0).any():
            return None
        weights = np.floor(weights * ((limit[broken] / charged[broken]).min() * (1 - 1e-9)))
    return None

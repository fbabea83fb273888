"""The linear program of potentials and landmarks: rows and columns that say the same are one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.ragged import Numbers64, from_pairs
from tesuji.search.planning.potential_rows import BoolArray, Entries, Floats, PotentialRows

Bits = npt.NDArray[np.uint64]


class PotentialProgram(NamedTuple):
    """Rows over the columns: tied features and landmarks, then largest contexts, then shares.

    Where at most W contexts of a kind hold together, each may be larger than its column by a share
    that the operator pays W times.
    """

    sizes: tuple[int, int]  # tied features, landmarks
    context: Entries  # rows of contexts over features
    column: Numbers64  # [R] which largest context each is under, from 0
    limited: BoolArray  # [R] whether a share comes in
    owner: Numbers64  # [C] the one row of operators that uses a context with shares, else -1
    charge: Entries  # rows of operators over features and landmarks
    uses: Entries  # rows of operators over largest contexts
    most: Numbers64  # [rows of operators] W, 0 without shares
    cost: Numbers64  # [rows of operators]
    row_of: Numbers64  # [n] of each operator


def matrix(program: PotentialProgram) -> tuple[tuple[Numbers64, Numbers64, Numbers64], Floats, int]:
    """Return the entries of all rows, what each is at most, and how many columns there are."""
    context, charge, uses = program.context, program.charge, program.uses
    first, after = len(program.column), sum(program.sizes)
    shares = after + len(program.owner)
    limited, paying = np.flatnonzero(program.limited), np.flatnonzero(program.most)
    share = np.cumsum(program.most > 0) - 1 + shares
    entries = (
        np.concatenate(
            [context.row, np.arange(first), limited, charge.row + first, uses.row + first,
             paying + first]
        ),
        np.concatenate(
            [context.column, after + program.column,
             share[program.owner[program.column[limited]]], charge.column, after + uses.column,
             share[paying]]
        ),
        np.concatenate(
            [context.value, np.full(first + len(limited), -1), charge.value, uses.value,
             program.most[paying]]
        ),
    )  # fmt: skip
    most = np.concatenate([np.zeros(first), program.cost.astype(np.float64)])
    return entries, most, shares + len(paying)


def assemble(
    rows: PotentialRows,
    tied: Numbers64,
    landmarks: tuple[Numbers64, Numbers64, int],
    cost: Numbers64,
) -> PotentialProgram:
    """Return the program; rows and columns that say the same are found by random numbers.

    Args:
        rows: what features must keep.
        tied: `[K]` features of one number get one weight.
        landmarks: operators and the landmarks that charge them, and how many landmarks there are.
        cost: `[n]` whole.
    """
    num_features = int(tied.max(initial=-1)) + 1
    num_own = num_features + landmarks[2]
    random = np.random.default_rng(0)
    bits = random.integers(0, 1 << 63, num_own + len(rows.uses.row), np.int64).astype(np.uint64)
    context = _summed(rows.context._replace(column=tied[rows.context.column]))
    hashes = _hash(context, bits, len(rows.column))
    kept = hashes != 0
    most = rows.most[rows.uses.row[rows.column]]
    hashes = np.where(rows.limited, _mixed(hashes + most.astype(np.uint64)), hashes)
    pairs = np.stack([rows.column.astype(np.uint64), hashes])
    _, same = np.unique(pairs, axis=1, return_index=True)
    kept &= np.isin(np.arange(len(kept)), same)
    column_hash = np.zeros(len(rows.uses.row), np.uint64)
    np.add.at(column_hash, rows.column[kept], _mixed(hashes[kept]))
    _, representative, number = np.unique(column_hash, return_index=True, return_inverse=True)
    kept &= representative[number[rows.column]] == rows.column
    here = kept[context.row]
    context = Entries(
        (np.cumsum(kept) - 1)[context.row[here]], context.column[here], context.value[here]
    )
    live = column_hash[rows.uses.column] != 0
    uses = Entries(rows.uses.row[live], number[rows.uses.column[live]], rows.uses.value[live])
    charge = Entries(
        np.concatenate([rows.base.row, landmarks[0]]),
        np.concatenate([tied[rows.base.column], landmarks[1] + num_features]),
        np.concatenate([rows.base.value, np.ones(len(landmarks[0]), np.int64)]),
    )
    charge, uses = _summed(charge), _summed(uses)
    operator_hash = _hash(charge, bits, len(cost))
    operator_hash += _hash(uses._replace(column=uses.column + num_own), bits, len(cost))
    order = np.lexsort((cost, operator_hash))
    _, at, inverse = np.unique(operator_hash[order], return_index=True, return_inverse=True)
    row_of = np.zeros(len(cost), np.int64)
    row_of[order] = inverse
    cheapest = order[at]
    place = np.full(len(cost), -1, np.int64)
    place[cheapest] = np.arange(len(cheapest))
    program = PotentialProgram(
        (num_features, landmarks[2]), context, number[rows.column[kept]], rows.limited[kept],
        np.full(len(representative), -1), _placed(charge, place), _placed(uses, place),
        np.zeros(len(cheapest), np.int64), cost[cheapest], row_of,
    )  # fmt: skip
    return _with_shares(program, rows.most[cheapest])


def _placed(entries: Entries, place: Numbers64) -> Entries:
    """Return the entries of the rows that have a place, there."""
    here = place[entries.row] >= 0
    return Entries(place[entries.row[here]], entries.column[here], entries.value[here])


def _with_shares(program: PotentialProgram, most: Numbers64) -> PotentialProgram:
    """Give each row of operators columns of its own for contexts that hold with few others."""
    shared = np.zeros(len(program.owner), np.bool_)
    shared[program.column[program.limited]] = True
    uses = program.uses
    own = np.flatnonzero(shared[uses.column])
    if not len(own):
        return program
    width = len(program.owner)
    of_column = from_pairs(program.column, np.arange(len(program.column)), width)
    copies = of_column.take(uses.column[own])
    of_row = from_pairs(
        program.context.row, np.arange(len(program.context.row)), len(program.column)
    )
    keep = np.flatnonzero(~shared[program.column])
    rows = np.concatenate([keep, copies.values])
    column = np.concatenate([program.column[keep], width + copies.owner()])
    entries = of_row.take(rows)
    renamed = uses.column.copy()
    renamed[own] = width + np.arange(len(own))
    paying = np.zeros(len(most), np.bool_)
    paying[uses.row[own]] = True
    return program._replace(
        context=Entries(
            entries.owner(), program.context.column[entries.values],
            program.context.value[entries.values],
        ),
        column=column, limited=program.limited[rows],
        owner=np.concatenate([program.owner, uses.row[own]]),
        uses=uses._replace(column=renamed), most=np.where(paying, np.maximum(most, 0), 0),
    )  # fmt: skip


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

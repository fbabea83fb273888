"""What virtual connections say of a Hex position: decided, or which moves are worth trying.

The first side joins top and bottom, the second left and right; sets of cells as in
`hex_connections`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tesuji.domains.games.hex_connections import FULL, SEMI, connect
from tesuji.domains.games.hex_points import Workspace, allocate, count_cells, kernel, transpose

UNKNOWN, WIN, LOSS = range(3)
HELD = 0.05
_ONE = np.uint64(1)
_NONE = np.uint64(0)


@kernel
def _smallest(work, numbers, lists, size):  # type: ignore[no-untyped-def]
    top, bottom = size * size, size * size + 1
    best = work.pool[lists[top, bottom, 0]].carrier
    for i in range(1, numbers[top, bottom]):
        carrier = work.pool[lists[top, bottom, i]].carrier
        if count_cells(carrier) < count_cells(best):
            best = carrier
    return best


@kernel
def _threats(work, size):  # type: ignore[no-untyped-def]
    # What all threats to join the edges have in common, and the carriers of as few as give it.
    top, bottom = size * size, size * size + 1
    count = work.num_semi[top, bottom]
    cells = (_ONE << np.uint64(top)) - _ONE if top < 64 else ~_NONE
    common, union = cells, _NONE
    for limit in range(1, top + 1):
        for i in range(count):
            carrier = work.pool[work.semi[top, bottom, i]].carrier
            if count_cells(carrier) == limit and common & carrier != common:
                common &= carrier
                union |= carrier
    return common, union


@kernel
def _link(work, size):  # type: ignore[no-untyped-def]
    # The equations of the circuit: an edge at 1 V, the other at 0 V.
    top, mesh, voltage = size * size, work.mesh, work.voltage
    mesh[: top + 2, : top + 2] = 0.0
    voltage[: top + 2] = 0.0
    for one in range(top + 2):
        for two in range(one + 1, top + 2):
            if not work.num_full[one, two]:
                continue
            g = 1.0 / ((HELD if work.chains[one] else 1.0) + (HELD if work.chains[two] else 1.0))
            mesh[one, two] -= g
            mesh[two, one] -= g
            mesh[one, one] += g
            mesh[two, two] += g
    voltage[top] = 1.0


@kernel
def _solve(mesh, voltage, top):  # type: ignore[no-untyped-def]
    # Voltages of all cells, by elimination; `mesh` keeps what is below and right of the diagonal.
    for cell in range(top):
        voltage[cell] = -mesh[cell, top]
    for pivot in range(top):
        if mesh[pivot, pivot] < 1e-9:
            continue
        for row in range(pivot + 1, top):
            factor = mesh[row, pivot] / mesh[pivot, pivot]
            if factor == 0.0:
                continue
            for column in range(pivot, top):
                mesh[row, column] -= factor * mesh[pivot, column]
            voltage[row] -= factor * voltage[pivot]
    for row in range(top - 1, -1, -1):
        if mesh[row, row] < 1e-9:
            voltage[row] = 0.0
            continue
        for column in range(row + 1, top):
            voltage[row] -= mesh[row, column] * voltage[column]
        voltage[row] /= mesh[row, row]


@kernel
def _rate(work, size, turned, scores):  # type: ignore[no-untyped-def]
    # Add to each cell's score the share of the side's current that runs through it.
    top, voltage = size * size, work.voltage
    _link(work, size)
    _solve(work.mesh, voltage, top)
    whole = 0.0
    for pass_ in range(2):
        for one in range(top + 1):
            if pass_ == 0 and one < top:
                continue
            if one < top and (work.points[one] != one or work.chains[one]):
                continue
            current = 0.0
            for two in range(top + 2):
                if two != one and work.num_full[min(one, two), max(one, two)]:
                    g = 1.0 / (
                        (HELD if work.chains[one] else 1.0) + (HELD if work.chains[two] else 1.0)
                    )
                    current += abs(g * (voltage[one] - voltage[two]))
            if pass_ == 0:
                whole = current
            else:
                at = one // size + one % size * size if turned else one
                if one < top and whole > 1e-9:
                    scores[at] += 0.5 * current / whole


@kernel
def judge(own_work, other_work, first, second, to_play, size, scores):  # type: ignore[no-untyped-def]
    """Judge a position for the side to move.

    Args:
        own_work: where the mover's connections are written.
        other_work: where the other side's are written.
        first: stones of the side that joins top and bottom.
        second: stones of the side that joins left and right.
        to_play: 0 or 1.
        size: of the board.
        scores: `[V]`, how many stones both sides together need for chains through a cell.

    Returns:
        `(outcome, must, carrier)`: the cells that the mover must play into, where undecided; the
        carrier of the winner's connection, or of the threats that leave only `must`.
    """
    turned_first, turned_second = transpose(first, size), transpose(second, size)
    top, bottom = size * size, size * size + 1
    if to_play == 0:
        joined = connect(other_work, turned_second, turned_first, size, FULL)
    else:
        joined = connect(other_work, first, second, size, FULL)
    if joined:
        return LOSS, _NONE, _NONE
    if other_work.num_full[top, bottom]:
        carrier = _smallest(other_work, other_work.num_full, other_work.full, size)
        return LOSS, _NONE, (transpose(carrier, size) if to_play == 0 else carrier)
    if to_play == 0:
        joined = connect(own_work, first, second, size, SEMI)
    else:
        joined = connect(own_work, turned_second, turned_first, size, SEMI)
    if joined:
        return WIN, _NONE, _NONE
    if own_work.num_full[top, bottom]:
        carrier = _smallest(own_work, own_work.num_full, own_work.full, size)
        return WIN, _NONE, (carrier if to_play == 0 else transpose(carrier, size))
    if own_work.num_semi[top, bottom]:
        carrier = _smallest(own_work, own_work.num_semi, own_work.semi, size)
        return WIN, _NONE, (carrier if to_play == 0 else transpose(carrier, size))
    common, union = _threats(other_work, size)
    if to_play == 0:
        common, union = transpose(common, size), transpose(union, size)
    must = common & ~(first | second)
    scores[: top + 2] = 0.0
    _rate(own_work, size, to_play == 1, scores)
    _rate(other_work, size, to_play == 0, scores)
    return (UNKNOWN if must else LOSS), must, union


class Judgement(NamedTuple):
    """What is known of a position at sight."""

    outcome: int
    must: int
    carrier: int
    scores: list[float]


class Judge:
    """Judges positions of one board size; one serves one thread."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.own: Workspace = allocate()
        self.other: Workspace = allocate()
        self._scores = np.zeros(size * size + 2)

    def __call__(self, first: int, second: int, to_play: int) -> Judgement:
        """Judge the position for the side to move."""
        outcome, must, carrier = judge(
            self.own,
            self.other,
            np.uint64(first),
            np.uint64(second),
            to_play,
            self.size,
            self._scores,
        )
        return Judgement(int(outcome), int(must), int(carrier), self._scores[:-2].tolist())

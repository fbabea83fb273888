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
FAR = 99
_ONE = np.uint64(1)
_NONE = np.uint64(0)


@kernel
def _distances(work, own, size, edge, out):  # type: ignore[no-untyped-def]
    # Stones still to play to join each cell to an edge, steps being full connections.
    points = size * size + 2
    done = np.zeros(points, np.int8)
    out[:points] = FAR
    out[edge] = 0
    for _ in range(points):
        here = -1
        for point in range(points):
            if not done[point] and out[point] < FAR and (here < 0 or out[point] < out[here]):
                here = point
        if here < 0:
            return
        done[here] = 1
        for point in range(points):
            if done[point] or not work.num_full[min(here, point), max(here, point)]:
                continue
            cost = out[here] + (0 if work.chains[point] else 1)
            out[point] = min(out[point], cost)


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
def _rate(work, own, size, turned, near, far, scores):  # type: ignore[no-untyped-def]
    # Add to each cell's score how many stones the side needs for a chain through it.
    _distances(work, own, size, size * size, near)
    _distances(work, own, size, size * size + 1, far)
    for cell in range(size * size):
        at = cell // size + cell % size * size if turned else cell
        scores[at] += min(near[cell] + far[cell], FAR)


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
    scores[: top + 2] = 0
    near = np.zeros(top + 2, np.int64)
    far = np.zeros(top + 2, np.int64)
    _rate(own_work, first if to_play == 0 else turned_second, size, to_play == 1, near, far, scores)
    _rate(
        other_work, turned_second if to_play == 0 else first, size, to_play == 0, near, far, scores
    )
    return (UNKNOWN if must else LOSS), must, union


class Judgement(NamedTuple):
    """What is known of a position at sight."""

    outcome: int
    must: int
    carrier: int
    scores: list[int]


class Judge:
    """Judges positions of one board size; one serves one thread."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.own: Workspace = allocate()
        self.other: Workspace = allocate()
        self._scores = np.zeros(size * size + 2, np.int64)

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

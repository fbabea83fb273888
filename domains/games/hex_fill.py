"""Fill-in for Hex: cells that no longer matter, and cells that a side holds without playing there.

Björnsson, Hayward, Johanson and van Rijswijck (2007). A cell is *dead* where its colour never
matters again: however the empty cells around it are filled, the stones of a side that touch it
touch each other already, around it. A side *captures* two empty neighbours where its stone on
either leaves the other dead: it answers one with the other. The edges count as stones.

A filled position has the same winner, fewer moves and closer chains. Sets of cells as in
`hex_points`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.games.hex_points import MAX_SIZE, kernel, neighbour

CELLS = MAX_SIZE * MAX_SIZE
FIRST_EDGE, SECOND_EDGE = -1, -2
DEAD, CAPTURED = 0, 1  # kinds of steps
_ONE = np.uint64(1)
_NONE = np.uint64(0)


class FillTables(NamedTuple):
    """What filling in looks up, and what it writes."""

    near: npt.NDArray[np.int64]  # [cells, 6] neighbours in a ring; an edge where there is none
    back: npt.NDArray[np.int64]  # [6] where in a neighbour's ring the cell itself is
    dead: npt.NDArray[np.bool_]  # [4096] by who holds the ring: first side | second << 6
    rings: npt.NDArray[np.int64]  # [cells] who holds each cell's ring
    steps: npt.NDArray[np.int64]  # [cells, 4] kind, side, cell, other cell or -1


def fill_tables(size: int) -> FillTables:
    """Return the tables of a board size."""
    ring = (0, 1, 3, 5, 4, 2)
    near = np.zeros((CELLS, 6), np.int64)
    for cell in range(size * size):
        for place, direction in enumerate(ring):
            there = neighbour(cell, direction, size)
            row = cell // size + (-1, -1, 0, 0, 1, 1)[direction]
            outside = FIRST_EDGE if row in (-1, size) else SECOND_EDGE
            near[cell, place] = there if there >= 0 else outside
    back = np.array([(place + 3) % 6 for place in range(6)])
    dead = np.zeros(1 << 12, np.bool_)
    mark_dead(dead)
    return FillTables(near, back, dead, np.zeros(CELLS, np.int64), np.zeros((CELLS, 4), np.int64))


@kernel
def mark_dead(dead):  # type: ignore[no-untyped-def]
    """Find the rings around dead cells: every way to fill them has at most one run of a colour."""
    for first in range(64):
        for second in range(64):
            if first & second:
                continue
            dead[first | second << 6] = True
            for full in range(64):
                if full & first != first or full & second:
                    continue
                # Bits where the colour changes around the ring; two or none for one run each.
                changes = full ^ ((full << 1 | full >> 5) & 63)
                count = 0
                while changes:
                    changes &= changes - 1
                    count += 1
                if count > 2:
                    dead[first | second << 6] = False


@kernel
def _place(tables, cell, side):  # type: ignore[no-untyped-def]
    # Tell the rings around a stone of it.
    for place in range(6):
        there = tables.near[cell, place]
        if there >= 0:
            tables.rings[there] |= 1 << (tables.back[place] + 6 * side)


@kernel
def _start(tables, first, second, size):  # type: ignore[no-untyped-def]
    for cell in range(size * size):
        ring = 0
        for place in range(6):
            there = tables.near[cell, place]
            if there == FIRST_EDGE or (there >= 0 and (first >> np.uint64(there)) & _ONE):
                ring |= 1 << place
            elif there == SECOND_EDGE or (there >= 0 and (second >> np.uint64(there)) & _ONE):
                ring |= 64 << place
        tables.rings[cell] = ring


@kernel
def fill(tables, first, second, size):  # type: ignore[no-untyped-def]
    """Fill in a position; the steps are in `tables.steps`, in order.

    Returns:
        `(first, second, num_steps)`, the stones with what was filled in; dead cells go to the
        first side.
    """
    dead, rings, near, back = tables.dead, tables.rings, tables.near, tables.back
    _start(tables, first, second, size)
    count = 0
    changed = True
    while changed:
        changed = False
        for cell in range(size * size):
            bit = _ONE << np.uint64(cell)
            if (first | second) & bit:
                continue
            if dead[rings[cell]]:
                first |= bit
                _place(tables, cell, 0)
                tables.steps[count] = (DEAD, 0, cell, -1)
                count += 1
                changed = True
                continue
            for place in range(2, 5):
                other = near[cell, place]
                if other < 0 or ((first | second) >> np.uint64(other)) & _ONE:
                    continue
                for side in range(2):
                    here = rings[cell] | 1 << (place + 6 * side)
                    there = rings[other] | 1 << (back[place] + 6 * side)
                    if not (dead[here] and dead[there]):
                        continue
                    pair = bit | _ONE << np.uint64(other)
                    if side == 0:
                        first |= pair
                    else:
                        second |= pair
                    _place(tables, cell, side)
                    _place(tables, other, side)
                    tables.steps[count] = (CAPTURED, side, cell, other)
                    count += 1
                    changed = True
                    break
                if (first | second) & bit:
                    break
    return first, second, count


@kernel
def expand(tables, first, second, to_play, must, size, out):  # type: ignore[no-untyped-def]
    """Write what follows each move of `must`, filled in.

    Args:
        tables: of the size.
        first: stones of the first side.
        second: stones of the second side.
        to_play: 0 or 1.
        must: the moves, a set of cells.
        size: of the board.
        out: `[cells, 4]`, stones of both sides, and the cells that each captured.

    Returns:
        How many there are.
    """
    count = 0
    for cell in range(size * size):
        bit = _ONE << np.uint64(cell)
        if not must & bit:
            continue
        if to_play == 0:
            one, two, steps = fill(tables, first | bit, second, size)
        else:
            one, two, steps = fill(tables, first, second | bit, size)
        out[count, 0] = one
        out[count, 1] = two
        out[count, 2] = out[count, 3] = _NONE
        for i in range(steps):
            if tables.steps[i, 0] == CAPTURED:
                pair = _ONE << np.uint64(tables.steps[i, 2]) | _ONE << np.uint64(tables.steps[i, 3])
                out[count, 2 + tables.steps[i, 1]] |= pair
        count += 1
    return count

"""What the search for virtual connections in Hex remembers: points, and connections of two points.

A set of cells is a `uint64`, cell `row * size + column`, so boards go up to 8x8. Points are the
empty cells, the chains of one side's stones, named by their first cell, and its two edges,
`size ** 2` and the number after it. Dimensions: `V` points, `P` connections.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

# Kernels that make no arrays count none: counting cost several times what the search computes.
kernel = njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
forced = njit(cache=True, nogil=True, error_model="numpy", _nrt=False, forceinline=True)

MAX_SIZE = 8
POINTS = MAX_SIZE * MAX_SIZE + 2
POOL = 1 << 15
MAX_FULL = 10  # carriers kept for a pair of points
MAX_SEMI = 24
PARENTS = 4

BASE, AND, OR = range(3)  # how a connection was made
_ONE = np.uint64(1)
_NONE = np.uint64(0)

connection_dtype = np.dtype(
    [
        ("carrier", np.uint64),
        ("parents", np.int32, PARENTS),
        ("first", np.int16),
        ("second", np.int16),
        ("kind", np.int8),
        ("full", np.int8),
        ("alive", np.int8),
    ],
    align=True,
)


class Workspace(NamedTuple):
    """Everything that one look at one side's connections writes."""

    pool: npt.NDArray[Any]  # [P] connection_dtype
    full: npt.NDArray[np.int32]  # [V, V, MAX_FULL] of the pool, first point below second
    semi: npt.NDArray[np.int32]  # [V, V, MAX_SEMI]
    full_cells: npt.NDArray[np.uint64]  # [V, V, MAX_FULL] their carriers
    semi_cells: npt.NDArray[np.uint64]  # [V, V, MAX_SEMI]
    num_full: npt.NDArray[np.int32]  # [V, V]
    num_semi: npt.NDArray[np.int32]  # [V, V]
    reach: npt.NDArray[np.uint64]  # [V] the cells that each point has full connections to
    queue: npt.NDArray[np.int32]  # [P]
    points: npt.NDArray[np.int64]  # [V] the chain's first cell, the edge, the cell; -1 taken
    chains: npt.NDArray[np.int8]  # [V] 1 for a chain or an edge
    counts: npt.NDArray[np.int64]  # [3] connections in the pool, in the queue, taken from it
    parents: npt.NDArray[np.int64]  # [PARENTS] what the next connection is made of
    rest: npt.NDArray[np.uint64]  # [MAX_SEMI + 1] what all semi connections from one on need
    mesh: npt.NDArray[np.float64]  # [V, V] conductances between points
    voltage: npt.NDArray[np.float64]  # [V]


def allocate() -> Workspace:
    """Return room for one side's connections."""
    return Workspace(
        np.zeros(POOL, connection_dtype).view(np.recarray),
        np.zeros((POINTS, POINTS, MAX_FULL), np.int32),
        np.zeros((POINTS, POINTS, MAX_SEMI), np.int32),
        np.zeros((POINTS, POINTS, MAX_FULL), np.uint64),
        np.zeros((POINTS, POINTS, MAX_SEMI), np.uint64),
        np.zeros((POINTS, POINTS), np.int32),
        np.zeros((POINTS, POINTS), np.int32),
        np.zeros(POINTS, np.uint64),
        np.zeros(POOL, np.int32),
        np.zeros(POINTS, np.int64),
        np.zeros(POINTS, np.int8),
        np.zeros(3, np.int64),
        np.full(PARENTS, -1, np.int64),
        np.zeros(MAX_SEMI + 1, np.uint64),
        np.zeros((POINTS, POINTS)),
        np.zeros(POINTS),
    )


@forced
def count_cells(cells):  # type: ignore[no-untyped-def]
    """Return how many cells a set has."""
    cells = cells - ((cells >> np.uint64(1)) & np.uint64(0x5555555555555555))
    fours = np.uint64(0x3333333333333333)
    cells = (cells & fours) + ((cells >> np.uint64(2)) & fours)
    cells = (cells + (cells >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((cells * np.uint64(0x0101010101010101)) >> np.uint64(56))


@forced
def next_point(cells, point, top):  # type: ignore[no-untyped-def]
    """Return the next cell of a set after `point`, then both edges, then -1."""
    if point + 1 < top:
        rest = cells >> np.uint64(point + 1)
        if rest:
            return point + 1 + count_cells((rest & (~rest + _ONE)) - _ONE)
        return np.int64(top)
    return np.int64(point + 1 if point <= top else -1)


@kernel
def neighbour(cell, direction, size):  # type: ignore[no-untyped-def]
    """Return the cell next to `cell` in one of six directions, or -1."""
    row, column = cell // size, cell % size
    if direction == 0:
        row -= 1
    elif direction == 1:
        row, column = row - 1, column + 1
    elif direction == 2:
        column -= 1
    elif direction == 3:
        column += 1
    elif direction == 4:
        row, column = row + 1, column - 1
    else:
        row += 1
    if 0 <= row < size and 0 <= column < size:
        return row * size + column
    return -1


@kernel
def transpose(cells, size):  # type: ignore[no-untyped-def]
    """Return a set of cells with rows and columns exchanged."""
    out = np.uint64(0)
    for row in range(size):
        for column in range(size):
            if (cells >> np.uint64(row * size + column)) & _ONE:
                out |= _ONE << np.uint64(column * size + row)
    return out


@kernel
def mark_points(work, own, other, size):  # type: ignore[no-untyped-def]
    """Name each cell's point: chains by their first cell, or by the edge that they touch.

    Returns:
        Whether stones alone join the edges.
    """
    top, bottom = size * size, size * size + 1
    points, chains = work.points, work.chains
    for cell in range(top):
        if (other >> np.uint64(cell)) & _ONE:
            points[cell] = -1
        else:
            points[cell] = cell
        chains[cell] = (own >> np.uint64(cell)) & _ONE
    points[top], points[bottom] = top, bottom
    chains[top] = chains[bottom] = 1
    for column in range(size):
        if chains[column]:
            points[column] = top
        cell = top - size + column
        if chains[cell] and points[cell] == cell:
            points[cell] = bottom
    changed = 1
    while changed == 1:
        changed = 0
        for cell in range(top):
            if chains[cell] and points[cell] >= 0:
                changed = max(changed, _merge(work, cell, size))
    return changed == 2


@kernel
def _merge(work, cell, size):  # type: ignore[no-untyped-def]
    # Give a stone and its neighbours one name: 1 where one was changed, 2 where edges are joined.
    points, top = work.points, size * size
    changed = 0
    for direction in range(6):
        near = neighbour(cell, direction, size)
        if near < 0 or not work.chains[near] or points[near] == points[cell]:
            continue
        low, high = min(points[cell], points[near]), max(points[cell], points[near])
        if low >= top:
            return 2
        # Edges keep their names; else the lower cell names the chain.
        points[cell] = points[near] = high if high >= top else low
        changed = 1
    return changed


@forced
def is_known(carriers, count, carrier):  # type: ignore[no-untyped-def]
    """Return whether a connection of the list needs no more than `carrier`."""
    for i in range(count):
        there = carriers[i]
        if there & carrier == there:
            return True
    return False


@forced
def _make_room(pool, indices, carriers, count, limit, carrier):  # type: ignore[no-untyped-def]
    # Drop what needs more than `carrier`, or the largest; return how many are left, -1 if full.
    kept = 0
    for i in range(count):
        if carriers[i] & carrier == carrier:
            pool[indices[i]].alive = 0
        else:
            indices[kept] = indices[i]
            carriers[kept] = carriers[i]
            kept += 1
    if kept < limit:
        return kept
    worst, cells = 0, count_cells(carrier)
    for i in range(kept):
        here = count_cells(carriers[i])
        if here > cells:
            worst, cells = i, here
    if cells == count_cells(carrier):
        return -1
    pool[indices[worst]].alive = 0
    indices[worst] = indices[kept - 1]
    carriers[worst] = carriers[kept - 1]
    return kept - 1


@forced
def add(work, first, second, carrier, kind, full, parents, num_parents):  # type: ignore[no-untyped-def]
    """Put a connection into the pool and its points' list; return where, -1 if it adds nothing."""
    low, high = min(first, second), max(first, second)
    pool, index = work.pool, work.counts[0]
    if is_known(work.full_cells[low, high], work.num_full[low, high], carrier):
        return np.int64(-1)
    if not full and is_known(work.semi_cells[low, high], work.num_semi[low, high], carrier):
        return np.int64(-1)
    if index >= pool.shape[0]:
        return np.int64(-1)
    indices = work.full[low, high] if full else work.semi[low, high]
    carriers = work.full_cells[low, high] if full else work.semi_cells[low, high]
    numbers = work.num_full if full else work.num_semi
    limit = MAX_FULL if full else MAX_SEMI
    kept = _make_room(pool, indices, carriers, numbers[low, high], limit, carrier)
    if kept < 0:
        return np.int64(-1)
    work.counts[0] = index + 1
    record = pool[index]
    record.carrier = carrier
    record.first = low
    record.second = high
    record.kind = kind
    record.full = full
    record.alive = 1
    for i in range(PARENTS):
        record.parents[i] = parents[i] if i < num_parents else -1
    indices[kept] = index
    carriers[kept] = carrier
    numbers[low, high] = kept + 1
    if full:
        work.queue[work.counts[1]] = index
        work.counts[1] += 1
        if low < 64:
            work.reach[high] |= _ONE << np.uint64(low)
        if high < 64:
            work.reach[low] |= _ONE << np.uint64(high)
    return index

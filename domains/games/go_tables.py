"""The instance of Go: its numbers, and the hash of positions that turns with the board.

A position's key is 64 bits. Each of eight *lanes* of 6 bits is the exclusive or of a random number
for every stone, as Zobrist (1970) hashes, and lane `g` takes the number of the cell where symmetry
`g` sends the stone. So a symmetry of the board only permutes the lanes of a key, and earlier
positions, of which nothing but the key is kept, can be turned, too. The low 16 bits are a sum of
numbers that are alike for cells that symmetries exchange; they tell apart symmetric patterns, of
which lanes agree.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.games.square import NUM_SYMMETRIES, transform_cell

# Where the instance keeps what.
SIZE, WIDTH, SUICIDE, MAX_STEPS, KOMI = 0, 1, 2, 3, 4  # komi in half points
LANES = 5  # [8, 8] which lane of a key comes to lane g under symmetry h
EDGES = LANES + NUM_SYMMETRIES**2  # [2, 6] words of points off the first, the last column
POINTS = EDGES + 2 * 6  # [420] the point of a cell
CELLS = POINTS + 420  # [361] the cell of a point
KEYS = CELLS + 361  # [2, cells] the key of a stone

LANE_BITS, SUM_BITS = 6, 16
_SEED = 20260

_SUM = np.uint64((1 << SUM_BITS) - 1)
_SUM_AND_ONE = np.uint64(1 << SUM_BITS)
_LANE = np.uint64((1 << LANE_BITS) - 1)


@njit(cache=True)
def with_stone(key, stone):  # type: ignore[no-untyped-def]
    """Return a position's key after a stone is put there."""
    return ((key ^ stone) & ~_SUM) | (((key & _SUM) + (stone & _SUM)) & _SUM)


@njit(cache=True)
def without_stone(key, stone):  # type: ignore[no-untyped-def]
    """Return a position's key after a stone is taken away."""
    return ((key ^ stone) & ~_SUM) | (((key & _SUM) + _SUM_AND_ONE - (stone & _SUM)) & _SUM)


@njit(cache=True)
def transform_key(key, symmetry, instance):  # type: ignore[no-untyped-def]
    """Return the key of a position under a symmetry."""
    turned = key & _SUM
    for lane in range(NUM_SYMMETRIES):
        source = instance[LANES + NUM_SYMMETRIES * lane + symmetry]
        part = (key >> np.uint64(SUM_BITS + LANE_BITS * source)) & _LANE
        turned |= part << np.uint64(SUM_BITS + LANE_BITS * lane)
    return turned


def num_cells(size: int) -> int:
    """Return the cells of a board with its border: a row above and below, a column between."""
    return (size + 2) * (size + 1)


def num_words(size: int) -> int:
    """Return the words of a set of points."""
    return -(-(size**2) // 64)


def _places(size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the points of the two sets `EDGES`, and the tables `POINTS` and `CELLS` in one."""
    point = np.arange(size**2)
    cell = (point // size + 1) * (size + 1) + point % size
    tables = np.zeros(KEYS - POINTS, np.int64)
    tables[cell] = point
    tables[CELLS - POINTS + point] = cell
    edges = np.zeros((2, 6 * 64), np.uint8)
    edges[0, point] = point % size > 0
    edges[1, point] = point % size < size - 1
    return np.packbits(edges, axis=1, bitorder="little").view(np.int64).ravel(), tables


def _turned(size: int) -> npt.NDArray[np.int64]:
    """Return where each symmetry sends each cell, `[8, size * size]`."""
    turn = getattr(transform_cell, "py_func", transform_cell)
    return np.array([[turn(c, s, size) for c in range(size**2)] for s in range(NUM_SYMMETRIES)])


def make_instance(size: int, komi: float, suicide: bool, max_steps: int) -> npt.NDArray[np.int64]:
    """Return the numbers of one board: size, rules and the keys of its stones."""
    cells, turned = num_cells(size), _turned(size)
    edges, tables = _places(size)
    lanes = [
        [
            next(i for i, t in enumerate(turned) if (t == turned[g][turned[h]]).all())
            for h in range(8)
        ]
        for g in range(8)
    ]
    raw = np.random.PCG64(_SEED).random_raw(4 * size**2).reshape(2, 2, size**2)
    keys = np.zeros((2, cells), np.uint64)
    for side in range(2):
        # Never 0, or a stone in the centre might leave the key as it was.
        numbers = raw[0, side] % np.uint64(2**LANE_BITS - 1) + np.uint64(1)
        orbit = turned.min(axis=0)
        key = (raw[1, side][orbit] | np.uint64(1)) & _SUM
        for lane in range(NUM_SYMMETRIES):
            key |= numbers[turned[lane]] << np.uint64(SUM_BITS + LANE_BITS * lane)
        keys[side, tables[CELLS - POINTS :][: size**2]] = key
    head = [size, size + 1, int(suicide), max_steps, round(2 * komi)]
    parts = [np.array(head), np.ravel(lanes), edges, tables, keys.ravel().view(np.int64)]
    return np.concatenate(parts).astype(np.int64)

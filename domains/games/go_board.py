"""Stones, chains and earlier positions of Go, kept up to date move by move.

The board has a border, so that every point has four neighbours: point `(row, column)` is cell
`(row + 1) * width + column` with `width = size + 1`; the border's column lies right of one row and
so left of the next. A *chain* is named by its lowest cell. Its *liberties* are counted once for
each of its stones that they touch, which is cheap to keep up: a chain is taken when none is left,
and a point is its last liberty if it touches the chain as often as that.

Sets of points are words of 64 bits: the empty points, and those where a stone of each colour was
ever taken. A move makes a position of before only if its stone stood there before, and so was taken
once: where none was, nothing need be looked up.

    .....#
    .....#     size 5, width 6
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.bits import lowest_bit
from tesuji.domains.games.go_tables import (
    CELLS,
    EDGES,
    KEYS,
    POINTS,
    SIZE,
    SUICIDE,
    WIDTH,
    with_stone,
    without_stone,
)

EMPTY, BORDER = 0, 3  # cell values; 1 is Black, 2 is White

_ONE = np.uint64(1)
_WORD = np.uint64(63)


@njit(cache=True)
def stone_key(instance, cell, colour):  # type: ignore[no-untyped-def]
    """Return the key of one stone."""
    width = instance[WIDTH]
    return np.uint64(instance[np.uint64(KEYS + (colour - 1) * width * (width + 1) + cell)])


@njit(cache=True)
def mark(state, key):  # type: ignore[no-untyped-def]
    """Return the place of `key` in the filter of earlier positions: word and bit."""
    place = (key ^ (key >> np.uint64(17)) ^ (key >> np.uint64(34))) & np.uint64(
        64 * len(state.marks) - 1
    )
    return np.int64(place >> np.uint64(6)), _ONE << (place & _WORD)


@njit(cache=True)
def remember(state, key):  # type: ignore[no-untyped-def]
    """Add a position to the earlier ones."""
    state.earlier[state.num_earlier] = key
    state.num_earlier += 1
    word, bit = mark(state, key)
    state.marks[word] |= bit


@njit(cache=True)
def was_there(state, key):  # type: ignore[no-untyped-def]
    """Return whether a position was on the board before."""
    word, bit = mark(state, key)
    if state.marks[word] & bit == 0:
        return False
    earlier, found = state.earlier, False
    for i in range(np.int64(state.num_earlier)):
        found |= earlier[i] == key
    return found


@njit(cache=True)
def place_of(cell, instance):  # type: ignore[no-untyped-def]
    """Return the place of a cell's point in a set: word and bit."""
    point = np.uint64(instance[np.uint64(POINTS + cell)])
    return np.int64(point >> np.uint64(6)), _ONE << (point & _WORD)


@njit(cache=True)
def _join(state, one, other):  # type: ignore[no-untyped-def]
    """Make two chains one and return its name."""
    low, high = min(one, other), max(one, other)
    chains = state.chains
    old, new = chains[np.uint64(high)], chains[np.uint64(low)]
    for cell in range(len(chains)):  # all of them, many at once, rather than stone by stone
        chains[cell] = new if chains[cell] == old else chains[cell]
    state.sizes[low] += state.sizes[high]
    state.liberties[low] += state.liberties[high]
    state.sizes[high] = state.liberties[high] = 0
    return low


@njit(cache=True)
def take(state, chain, instance):  # type: ignore[no-untyped-def]
    """Take a chain off the board."""
    width, cell = np.uint64(instance[WIDTH]), np.uint64(chain)
    board, chains, liberties = state.board, state.chains, state.liberties
    colour, left, key = np.int64(board[cell]), np.int64(state.sizes[cell]), state.key
    while left > 0:
        if chains[cell] == chain:
            board[cell] = EMPTY
            chains[cell] = 0
            word, bit = place_of(np.int64(cell), instance)
            state.empty[word] |= bit
            state.gone[colour - 1, word] |= bit
            key = without_stone(key, stone_key(instance, np.int64(cell), colour))
            left -= 1
            for near in (cell - width, cell - _ONE, cell + _ONE, cell + width):
                if chains[near] != 0:
                    liberties[chains[near]] += 1
        cell += _ONE
    state.key = key
    state.sizes[chain] = liberties[chain] = 0


@njit(cache=True)
def put(state, cell, colour, instance):  # type: ignore[no-untyped-def]
    """Put a stone on an empty point, and take what has no liberty then."""
    here, width = np.uint64(cell), np.uint64(instance[WIDTH])
    board, chains, liberties = state.board, state.chains, state.liberties
    nears = (here - width, here - _ONE, here + _ONE, here + width)
    free = 0
    for near in nears:
        if chains[near] != 0:
            liberties[chains[near]] -= 1
        elif board[near] == EMPTY:
            free += 1
    word, bit = place_of(cell, instance)
    state.empty[word] &= ~bit
    board[here] = colour
    chains[here] = cell
    state.sizes[here] = 1
    liberties[here] = free
    state.key = with_stone(state.key, stone_key(instance, cell, colour))
    chain = np.int64(cell)
    for near in nears:
        if board[near] == colour and chains[near] != chain:
            chain = _join(state, chain, np.int64(chains[near]))
    for near in nears:
        other = chains[near]
        if other != 0 and board[near] != colour and liberties[other] == 0:
            take(state, np.int64(other), instance)
    if liberties[np.uint64(chain)] == 0:
        take(state, chain, instance)


@njit(cache=True)
def _without_chain(state, key, chain, instance):  # type: ignore[no-untyped-def]
    """Return the key of a position after a chain is taken away."""
    chains, colour = state.chains, np.int64(state.board[chain])
    left, cell = np.int64(state.sizes[chain]), np.uint64(chain)
    while left > 0:
        if chains[cell] == chain:
            key = without_stone(key, stone_key(instance, np.int64(cell), colour))
            left -= 1
        cell += _ONE
    return key


@njit(cache=True)
def may_play(state, cell, colour, instance):  # type: ignore[no-untyped-def]
    """Return whether a stone may be put on an empty point."""
    # Unsigned, so that the compiler need not ask whether they count from an array's end.
    here, width = np.uint64(cell), np.uint64(instance[WIDTH])
    board, chains, liberties = state.board, state.chains, state.liberties
    north, west, east, south = here - width, here - _ONE, here + _ONE, here + width
    alive = board[north] == 0 or board[west] == 0 or board[east] == 0 or board[south] == 0
    word, bit = place_of(cell, instance)
    again = state.gone[colour - 1, word] & bit != 0
    if alive and not again:
        return True
    above, left, right, below = chains[north], chains[west], chains[east], chains[south]
    captures = False
    for near, chain in ((north, above), (west, left), (east, right), (south, below)):
        if chain == 0:
            continue
        touch = np.int64(liberties[chain])
        if touch <= 4:
            touch -= np.int64(above == chain) + np.int64(left == chain)
            touch -= np.int64(right == chain) + np.int64(below == chain)
        if board[near] == colour:
            alive |= touch != 0
        else:
            captures |= touch == 0
    if alive or captures:
        return not (again and _repeats(state, cell, colour, captures, instance))
    return instance[SUICIDE] != 0 and _may_fill(state, cell, instance)


@njit(cache=True)
def _repeats(state, cell, colour, captures, instance):  # type: ignore[no-untyped-def]
    """Return whether a stone on `cell` makes a position that was there before."""
    key = with_stone(state.key, stone_key(instance, cell, colour))
    width, chains = instance[WIDTH], state.chains
    nears = (cell - width, cell - 1, cell + 1, cell + width)
    first, second, third = np.int64(0), np.int64(0), np.int64(0)
    for near in nears:
        chain = np.int64(chains[near])
        if not captures or chain in (0, first, second, third) or state.board[near] == colour:
            continue
        touch = np.int64(state.liberties[chain])
        for other in nears:
            touch -= np.int64(chains[other] == chain)
        if touch == 0:
            key = _without_chain(state, key, chain, instance)
        first, second, third = chain, first, second
    return was_there(state, key)


@njit(cache=True)
def write_legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Write for every point whether a stone may be put there."""
    size, side, empty, gone = (
        np.uint64(instance[SIZE]),
        np.int64(state.to_play),
        state.empty,
        state.gone,
    )
    area, last = instance[SIZE] * instance[SIZE], len(empty) - 1
    for k in range(len(empty)):
        free = empty[k]
        # The points whose neighbour in each direction is empty.
        east, west, south, north = free >> _ONE, free << _ONE, free >> size, free << size
        if k < last:
            east |= empty[k + 1] << _WORD
            south |= empty[k + 1] << (np.uint64(64) - size)
        if k > 0:
            west |= empty[k - 1] >> _WORD
            north |= empty[k - 1] >> (np.uint64(64) - size)
        west &= np.uint64(instance[EDGES + k])
        east &= np.uint64(instance[EDGES + 6 + k])
        sure = free & (east | west | south | north) & ~gone[side, k]
        for point in range(64 * k, min(64 * k + 64, area)):
            mask[point] = (sure >> np.uint64(point - 64 * k)) & _ONE != 0
        rest = free & ~sure
        while rest != 0:
            point = 64 * k + lowest_bit(rest)
            rest &= rest - _ONE
            cell = instance[np.uint64(CELLS + point)]
            mask[np.uint64(point)] = may_play(state, cell, side + 1, instance)


@njit(cache=True)
def _may_fill(state, cell, instance):  # type: ignore[no-untyped-def]
    """Return whether the suicide on `cell` makes a new position."""
    width, key = instance[WIDTH], state.key
    colour = np.int64(state.to_play) + 1
    first, second, third = np.int64(0), np.int64(0), np.int64(0)
    for near in (cell - width, cell - 1, cell + 1, cell + width):
        chain = np.int64(state.chains[near])
        if state.board[near] == colour and chain not in (first, second, third):
            key = _without_chain(state, key, chain, instance)
            first, second, third = chain, first, second
    return not was_there(state, key)

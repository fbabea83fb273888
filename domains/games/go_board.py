"""Stones, chains and earlier positions of Go, kept up to date move by move.

The board has a border, so that every point has four neighbours: point `(row, column)` is cell
`(row + 1) * width + column` with `width = size + 1`; the border's column lies right of one row and
so left of the next. A *chain* is named by its lowest cell. Its *liberties* are counted once for
each of its stones that they touch, which is cheap to keep up: a chain is taken when none is left,
and a point is its last liberty if it touches the chain as often as that.

    .....#
    .....#     size 5, width 6
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.games.go_tables import KEYS, SIZE, SUICIDE, WIDTH, with_stone, without_stone

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
def _join(state, one, other):  # type: ignore[no-untyped-def]
    """Make two chains one and return its name."""
    low, high = min(one, other), max(one, other)
    chains, left, cell = state.chains, np.int64(state.sizes[high]), np.uint64(high)
    while left > 0:
        if chains[cell] == high:
            chains[cell] = low
            left -= 1
        cell += _ONE
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
            key = without_stone(key, stone_key(instance, np.int64(cell), colour))
            left -= 1
            for near in (cell - width, cell - _ONE, cell + _ONE, cell + width):
                if chains[near] != 0:
                    liberties[chains[near]] += 1
        cell += _ONE
    state.key = key
    state.sizes[chain] = liberties[chain] = 0
    state.taken = 1


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
    if alive and not state.taken:
        return True  # nothing was ever taken, so the new stone makes the position new
    above, left, right, below = chains[north], chains[west], chains[east], chains[south]
    key = with_stone(state.key, stone_key(instance, cell, colour))
    first, second, third = np.int64(0), np.int64(0), np.int64(0)
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
        elif touch == 0:
            name = np.int64(chain)
            if name not in (first, second, third):
                key = _without_chain(state, key, name, instance)
                captures = True
                first, second, third = name, first, second
    if alive or captures:
        return not (state.taken and was_there(state, key))
    return instance[SUICIDE] != 0 and _may_fill(state, cell, instance)


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


@njit(cache=True)
def find_owners(state, instance):  # type: ignore[no-untyped-def]
    """Mark in `chains` which colours each empty point reaches: bit 0 Black, bit 1 White."""
    size, width = instance[SIZE], instance[WIDTH]
    board, chains = state.board, state.chains
    last, changed, forward = (size + 1) * width - 1, True, True
    while changed:
        changed = False
        for i in range(width, last):
            cell = i if forward else last + width - 1 - i
            if board[cell] != EMPTY:
                continue
            found = np.int64(chains[cell])
            for near in (cell - width, cell - 1, cell + 1, cell + width):
                if board[near] == EMPTY:
                    found |= np.int64(chains[near])
                elif board[near] != BORDER:
                    found |= np.int64(board[near])
            if found != chains[cell]:
                chains[cell] = found
                changed = True
        forward = not forward


@njit(cache=True)
def count_area(state, instance):  # type: ignore[no-untyped-def]
    """Return by how many points Black's area is larger; komi not counted."""
    size, width = instance[SIZE], instance[WIDTH]
    board, chains = state.board, state.chains
    find_owners(state, instance)
    lead = 0
    for cell in range(width, (size + 1) * width - 1):
        owner = board[cell]
        if owner == EMPTY:
            owner = chains[cell]
            chains[cell] = 0
        if owner == 1:
            lead += 1
        elif owner == 2:
            lead -= 1
    return lead

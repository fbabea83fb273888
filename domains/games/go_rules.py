"""The kernels of Go, once for each of a few sizes of row, so that small boards have small rows."""

from __future__ import annotations

from functools import cache

import numpy as np

from tesuji.domains.compiled import Kernels
from tesuji.domains.games.go_area import count_area
from tesuji.domains.games.go_board import (
    BORDER,
    EMPTY,
    may_play,
    place_of,
    put,
    remember,
    write_legal,
)
from tesuji.domains.games.go_tables import (
    CELLS,
    KOMI,
    MAX_STEPS,
    SIZE,
    WIDTH,
    num_cells,
    num_words,
    transform_key,
)
from tesuji.domains.games.square import transform_cell

# Rows are made for these sizes; a board in between takes the next larger one.
_ROWS = (5, 7, 9, 13, 19)

NUM_PLANES = 12
_KOMI_SCALE = 0.05  # of half points, so that the plane is about 1


def _state_dtype(size: int) -> np.dtype[np.void]:
    """Return the row for boards up to `size`."""
    cells, steps = num_cells(size), 2 * size**2
    name = np.uint8 if cells < 256 else np.uint16
    many = np.uint8 if size < 10 else np.uint16
    return np.dtype(
        [
            ("earlier", np.uint64, steps + 1),  # keys of all positions so far, in order
            ("marks", np.uint64, 2 ** int(np.ceil(np.log2(steps / 10)))),  # a filter of them
            ("key", np.uint64),
            ("empty", np.uint64, num_words(size)),  # points without a stone
            ("gone", np.uint64, (2, num_words(size))),  # where each side's stones were ever taken
            ("liberties", many, cells),  # of the chain that is named by the cell
            ("sizes", name, cells),
            ("chains", name, cells),
            ("board", np.uint8, cells),
            ("num_earlier", np.uint16),
            ("ply", np.uint16),
            ("passes", np.uint8),  # in a row, just before
            ("to_play", np.int8),
        ],
        align=True,
    )


def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Write the border of an empty board."""
    size, width = instance[SIZE], instance[WIDTH]
    for cell in range(width):
        state.board[cell] = state.board[(size + 1) * width + cell] = BORDER
    for row in range(size):
        state.board[(row + 1) * width + size] = BORDER
    for point in range(size * size):
        state.empty[point >> 6] |= np.uint64(1) << np.uint64(point & 63)
    remember(state, state.key)


def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow the pass, and the points that make a position which was not there before."""
    write_legal(state, instance, mask)
    mask[instance[SIZE] * instance[SIZE]] = True


def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Put a stone or pass; count the areas after two passes, or when the game is too long."""
    size, side = instance[SIZE], np.int64(state.to_play)
    state.ply += 1
    state.to_play = 1 - side
    if action == size * size:
        state.passes += 1
    else:
        put(state, instance[CELLS + action], side + 1, instance)
        state.passes = 0
        remember(state, state.key)
    if state.passes < 2 and state.ply < instance[MAX_STEPS]:
        return 0.0, -1.0
    lead = 2 * count_area(state, instance) - instance[KOMI]
    if side == 1:
        lead = -lead
    return (1.0 if lead > 0 else -1.0 if lead < 0 else 0.0), 0.0


def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write the planes.

    Own stones, the opponent's; own with 1, 2, more liberties, the opponent's; empty points that are
    forbidden; the board itself; whether the opponent passed; komi as the side to move gains it.
    """
    size, width = instance[SIZE], instance[WIDTH]
    board, chains, area = state.board, state.chains, size * size
    colour = np.int64(state.to_play) + 1
    count = 11 * area  # the last plane counts the liberties of each chain before it gets komi
    for action in range(area):
        cell = (action // size + 1) * width + action % size
        if board[cell] == EMPTY:
            first, second, third = np.int64(0), np.int64(0), np.int64(0)
            for near in (cell - width, cell - 1, cell + 1, cell + width):
                chain = np.int64(chains[near])
                if chain not in (0, first, second, third):
                    out[count + (chain // width - 1) * size + chain % width] += 1.0
                    first, second, third = chain, first, second
    for action in range(area):
        cell = (action // size + 1) * width + action % size
        if board[cell] == EMPTY:
            out[8 * area + action] = 0.0 if may_play(state, cell, colour, instance) else 1.0
            continue
        other = 0 if board[cell] == colour else 1
        chain = np.int64(chains[cell])
        liberties = np.int64(out[count + (chain // width - 1) * size + chain % width])
        plane = 4 if liberties > 3 else 1 + liberties
        out[other * area + action] = 1.0
        out[(3 * other + plane) * area + action] = 1.0
    komi = _KOMI_SCALE * instance[KOMI]
    for action in range(area):
        out[9 * area + action] = 1.0
        out[10 * area + action] = np.float32(state.passes)
        out[count + action] = komi if state.to_play == 1 else -komi


def transform(state, symmetry, instance, out):  # type: ignore[no-untyped-def]
    """Turn or mirror the board and all earlier positions, and name the chains anew."""
    size, width = instance[SIZE], instance[WIDTH]
    for cell in range(len(state.board)):
        if state.board[cell] == BORDER:
            out.board[cell] = BORDER
    # A symmetry's inverse: all are their own but the two quarter turns.
    inverse = 6 if symmetry == 5 else 5 if symmetry == 6 else symmetry
    for action in range(size * size):
        source = instance[CELLS + transform_cell(action, inverse, size)]
        cell = instance[CELLS + action]
        word, bit = place_of(cell, instance)
        origin, there = place_of(source, instance)
        if state.empty[origin] & there:
            out.empty[word] |= bit
        for side in range(2):
            if state.gone[side, origin] & there:
                out.gone[side, word] |= bit
        out.board[cell] = state.board[source]
        chain = state.chains[source]
        if chain != 0:
            if out.liberties[chain] == 0:  # for now, the new name of each chain
                out.liberties[chain] = cell
            out.chains[cell] = out.liberties[chain]
    for cell in range(len(out.liberties)):
        out.liberties[cell] = 0
    for action in range(size * size):
        cell = (action // size + 1) * width + action % size
        if state.chains[cell] == cell:
            turned = transform_cell(action, symmetry, size)
            chain = out.chains[(turned // size + 1) * width + turned % size]
            out.liberties[chain] = state.liberties[cell]
            out.sizes[chain] = state.sizes[cell]
    for i in range(np.int64(state.num_earlier)):
        remember(out, transform_key(state.earlier[i], symmetry, instance))
    out.key = transform_key(state.key, symmetry, instance)
    out.ply, out.passes = state.ply, state.passes
    out.to_play = state.to_play


def transform_action(action, symmetry, instance):  # type: ignore[no-untyped-def]
    """Turn or mirror a point; a pass stays a pass."""
    size = instance[SIZE]
    return action if action == size * size else transform_cell(action, symmetry, size)


@cache
def kernels_for(size: int) -> Kernels:
    """Return the kernels whose row has room for a board of `size`."""
    kernels = Kernels(_state_dtype(next(room for room in _ROWS if room >= size)))
    kernels.reset(reset)
    kernels.legal(legal)
    kernels.step(step)
    kernels.observe(observe)
    kernels.transform(transform)
    kernels.transform_action(transform_action)
    return kernels

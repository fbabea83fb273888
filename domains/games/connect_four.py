"""Connect Four: seven columns of six cells, four in a row win.

Bitboards, one `uint64` a side; cell `(row, column)` is bit `7 * column + row`, row 0 lowest. The
seventh bit of a column stays empty, so that shifts never run from one column into the next.

    5  12  19  26  33  40  47
    ...
    1   8  15  22  29  36  43
    0   7  14  21  28  35  42
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.base import Board, DomainSpec, State
from tesuji.domains.compiled import CompiledDomain, Kernels

WIDTH = 7
HEIGHT = 6

state_dtype = np.dtype([("stones", np.uint64, 2), ("to_play", np.int8)], align=True)
kernels = Kernels(state_dtype)

_ONE = np.uint64(1)
_COLUMN = np.uint64(0x7F)
_FULL = np.uint64(0xFDFBF7EFDFBF)


@njit(cache=True)
def has_four(stones):  # type: ignore[no-untyped-def]
    """Return whether `stones` hold four in a row."""
    for shift in (1, 6, 7, 8):
        pairs = stones & (stones >> np.uint64(shift))
        if pairs & (pairs >> np.uint64(2 * shift)):
            return True
    return False


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Write the empty board."""
    state.stones[0] = 0
    state.stones[1] = 0
    state.to_play = 0


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow every column that is not full."""
    both = state.stones[0] | state.stones[1]
    for column in range(WIDTH):
        mask[column] = (both >> np.uint64(7 * column + HEIGHT - 1)) & _ONE == 0


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Drop a stone; four in a row win, a full board is a draw."""
    side = np.int64(state.to_play)
    both = state.stones[0] | state.stones[1]
    shift = np.uint64(7 * action)
    stones = state.stones[side] | ((both + (_ONE << shift)) & (_COLUMN << shift))
    state.stones[side] = stones
    state.to_play = 1 - side
    if has_four(stones):
        return 1.0, 0.0
    if (stones | both) == _FULL:
        return 0.0, 0.0
    return 0.0, -1.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write two planes, own stones and the opponent's, top row first."""
    for plane in range(2):
        stones = state.stones[state.to_play ^ plane]
        cell = plane * WIDTH * HEIGHT
        for row in range(HEIGHT - 1, -1, -1):
            for column in range(WIDTH):
                out[cell] = np.float32((stones >> np.uint64(7 * column + row)) & _ONE)
                cell += 1


@kernels.transform
def transform(state, symmetry, instance, out):  # type: ignore[no-untyped-def]
    """Mirror left and right."""
    for side in range(2):
        stones = state.stones[side]
        mirrored = np.uint64(0)
        for column in range(WIDTH):
            bits = (stones >> np.uint64(7 * column)) & _COLUMN
            mirrored |= bits << np.uint64(7 * (WIDTH - 1 - column))
        out.stones[side] = mirrored
    out.to_play = state.to_play


@kernels.transform_action
def transform_action(action, symmetry, instance):  # type: ignore[no-untyped-def]
    """Mirror a column."""
    return WIDTH - 1 - action


def render(state: State) -> str:
    """Return the board, `X` moves first."""
    lines = []
    for row in range(HEIGHT - 1, -1, -1):
        cells = (7 * column + row for column in range(WIDTH))
        lines.append(" ".join(_symbol(state, cell) for cell in cells))
    lines.append(" ".join(str(column + 1) for column in range(WIDTH)))
    return "\n".join(lines)


def _symbol(state: State, cell: int) -> str:
    for side, symbol in enumerate("XO"):
        if int(state.stones[side]) >> cell & 1:
            return symbol
    return "."


def board(state: State) -> Board:
    """Return the frame, red moves first."""
    stones = [int(side) for side in state.stones]
    cells = tuple(
        tuple(
            (stones[0] >> bit & 1) + 2 * (stones[1] >> bit & 1) for bit in range(row, 7 * WIDTH, 7)
        )
        for row in range(HEIGHT - 1, -1, -1)
    )
    columns = tuple(str(column + 1) for column in range(WIDTH))
    return Board(cells, "discs", ("Red", "Yellow"), columns)


def action_cells(state: State, action: int) -> tuple[tuple[int, int], ...]:
    """Return the column's cells, first the one where the disc comes to rest."""
    both = int(state.stones[0]) | int(state.stones[1])
    height = (both >> 7 * action & 0x7F).bit_count()
    rest = max(HEIGHT - 1 - height, 0)
    return ((rest, action), *((row, action) for row in range(HEIGHT) if row != rest))


def action_name(state: State, action: int) -> str:
    """Return the column, counted from 1."""
    del state
    return str(action + 1)


def connect_four() -> CompiledDomain:
    """Return the domain."""
    spec = DomainSpec(
        name="connect_four",
        num_actions=WIDTH,
        observation_shape=(2, HEIGHT, WIDTH),
        num_players=2,
        max_steps=WIDTH * HEIGHT,
        num_symmetries=2,
    )
    return CompiledDomain(
        spec,
        kernels,
        render=render,
        action_name=action_name,
        board=board,
        action_cells=action_cells,
    )

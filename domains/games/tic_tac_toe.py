"""Tic-tac-toe: three in a row win.

Cells are numbered row by row; the row of a state is the board as it is seen.

    0 1 2      a1 b1 c1
    3 4 5      a2 b2 c2
    6 7 8      a3 b3 c3
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.base import Board, DomainSpec, State
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.games.square import NUM_SYMMETRIES, transform_cell

SIZE = 3
CELLS = SIZE * SIZE

# A cell holds 0 where it is empty, 1 for the first side, 2 for the second.
state_dtype = np.dtype([("board", np.int8, CELLS), ("to_play", np.int8)])
kernels = Kernels(state_dtype)

_LINES = np.array(
    [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]]
)


@njit(cache=True)
def has_line(board, stone):  # type: ignore[no-untyped-def]
    """Return whether `stone` fills a row, a column or a diagonal."""
    for line in range(len(_LINES)):
        a, b, c = _LINES[line]
        if board[a] == stone and board[b] == stone and board[c] == stone:
            return True
    return False


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Write the empty board."""
    for cell in range(CELLS):
        state.board[cell] = 0
    state.to_play = 0


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow every empty cell."""
    for cell in range(CELLS):
        mask[cell] = state.board[cell] == 0


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Mark a cell; three in a row win, a full board is a draw."""
    stone = state.to_play + 1
    state.board[action] = stone
    state.to_play = 1 - state.to_play
    if has_line(state.board, stone):
        return 1.0, 0.0
    for cell in range(CELLS):
        if state.board[cell] == 0:
            return 0.0, -1.0
    return 0.0, 0.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write two planes, own stones and the opponent's."""
    own = state.to_play + 1
    for cell in range(CELLS):
        out[cell] = state.board[cell] == own
        out[CELLS + cell] = state.board[cell] == 3 - own


@kernels.transform
def transform(state, symmetry, instance, out):  # type: ignore[no-untyped-def]
    """Turn or mirror the board."""
    for cell in range(CELLS):
        out.board[transform_cell(cell, symmetry, SIZE)] = state.board[cell]
    out.to_play = state.to_play


@kernels.transform_action
def transform_action(action, symmetry, instance):  # type: ignore[no-untyped-def]
    """Turn or mirror a cell."""
    return transform_cell(action, symmetry, SIZE)


def render(state: State) -> str:
    """Return the board as text, `X` moves first."""
    rows = np.asarray(state.board).reshape(SIZE, SIZE)
    lines = [f"{row + 1} " + " ".join(".XO"[stone] for stone in rows[row]) for row in range(SIZE)]
    return "\n".join([*lines, "  a b c"])


def board(state: State) -> Board:
    """Return the board for front ends that draw."""
    cells = tuple(tuple(int(stone) for stone in row) for row in state.board.reshape(SIZE, SIZE))
    return Board(cells, "marks", columns=("a", "b", "c"), rows=("1", "2", "3"))


def action_cells(state: State, action: int) -> tuple[tuple[int, int], ...]:
    """Return the cell that the action marks."""
    del state
    return (divmod(action, SIZE),)


def action_name(state: State, action: int) -> str:
    """Return the cell as column letter and row number."""
    del state
    return f"{'abc'[action % SIZE]}{action // SIZE + 1}"


def tic_tac_toe() -> CompiledDomain:
    """Return the domain."""
    spec = DomainSpec(
        name="tic_tac_toe",
        num_actions=CELLS,
        observation_shape=(2, SIZE, SIZE),
        num_players=2,
        max_steps=CELLS,
        num_symmetries=NUM_SYMMETRIES,
        policy_planes=1,
    )
    return CompiledDomain(
        spec,
        kernels,
        render=render,
        action_name=action_name,
        board=board,
        action_cells=action_cells,
    )

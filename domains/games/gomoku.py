"""Gomoku: five in a row win, on a board of 5 to 19.

In the *freestyle* game five or more win, in the *standard* game exactly five do. Cell `(row,
column)` is action `size * row + column`, row 0 at the top; people count the rows from below.

    15 . . . . .          0   1   2 ...
    14 . . . . .         15  16  17 ...
       a b c d e
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit

from tesuji.domains.base import Board, DomainSpec, State
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.games.square import NUM_SYMMETRIES, transform_cell
from tesuji.domains.games.stones import Cells, StoneText, check_cells

MIN_SIZE, MAX_SIZE, DEFAULT_SIZE = 5, 19, 15
FIVE = 5

# A cell holds 0 where it is empty, 1 for the first side, 2 for the second.
state_dtype = np.dtype(
    [("board", np.int8, MAX_SIZE * MAX_SIZE), ("to_play", np.int8), ("num_stones", np.int16)]
)
kernels = Kernels(state_dtype)

# Where an instance keeps the size, and whether a win needs exactly five.
_SIZE, _EXACT = 0, 1


@njit(cache=True)
def count_ray(board, cell, shift, limit, stone):  # type: ignore[no-untyped-def]
    """Return how many `stone` follow `cell` in steps of `shift`, `limit` at most."""
    count = 0
    while count < limit and board[cell + shift] == stone:
        cell += shift
        count += 1
    return count


@njit(cache=True)
def has_won(board, action, stone, size, exact):  # type: ignore[no-untyped-def]
    """Return whether the stone on `action` completes a row that wins."""
    row, column = action // size, action % size
    # One more than five is enough to know that there are too many.
    left, right = min(column, FIVE), min(size - 1 - column, FIVE)
    up, down = min(row, FIVE), min(size - 1 - row, FIVE)
    for shift, back, ahead in (
        (1, left, right),
        (size, up, down),
        (size + 1, min(up, left), min(down, right)),
        (size - 1, min(up, right), min(down, left)),
    ):
        length = 1 + count_ray(board, action, shift, ahead, stone)
        length += count_ray(board, action, -shift, back, stone)
        if length == FIVE or (length > FIVE and not exact):
            return True
    return False


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Start empty: the row comes zeroed."""


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow every empty cell."""
    for cell in range(len(mask)):
        mask[cell] = state.board[cell] == 0


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Set a stone; five in a row win, a full board is a draw."""
    size = instance[_SIZE]
    stone = state.to_play + 1
    state.board[action] = stone
    state.to_play = 1 - state.to_play
    state.num_stones += 1
    if has_won(state.board, action, stone, size, instance[_EXACT] != 0):
        return 1.0, 0.0
    if state.num_stones == size * size:
        return 0.0, 0.0
    return 0.0, -1.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write two planes, own stones and the opponent's."""
    cells = instance[_SIZE] * instance[_SIZE]
    own = state.to_play + 1
    for cell in range(cells):
        out[cell] = state.board[cell] == own
        out[cells + cell] = state.board[cell] == 3 - own


@kernels.transform
def transform(state, symmetry, instance, out):  # type: ignore[no-untyped-def]
    """Turn or mirror the board."""
    size = instance[_SIZE]
    for cell in range(size * size):
        out.board[transform_cell(cell, symmetry, size)] = state.board[cell]
    out.to_play = state.to_play
    out.num_stones = state.num_stones


@kernels.transform_action
def transform_action(action, symmetry, instance):  # type: ignore[no-untyped-def]
    """Turn or mirror a cell."""
    return transform_cell(action, symmetry, instance[_SIZE])


class _View:
    """Boards and moves of one board size as people see them."""

    def __init__(self, size: int, exact: bool) -> None:
        self.size, self.exact = size, exact
        self.columns = tuple("abcdefghijklmnopqrs"[:size])

    def board(self, state: State) -> Board:
        """Return the board for front ends that draw."""
        stones = np.asarray(state.board)[: self.size**2].reshape(self.size, self.size)
        cells = tuple(tuple(int(stone) for stone in row) for row in stones)
        rows = tuple(str(row) for row in range(self.size, 0, -1))
        return Board(cells, "points", ("Black", "White"), self.columns, rows)

    def render(self, state: State) -> str:
        """Return the board as text, `X` moves first."""
        lines = [
            f"{self.size - row:2} {' '.join('.XO'[stone] for stone in stones)}"
            for row, stones in enumerate(self.board(state).cells)
        ]
        return "\n".join([*lines, f"   {' '.join(self.columns)}"])

    def action_cells(self, state: State, action: int) -> tuple[tuple[int, int], ...]:
        """Return the cell of the stone."""
        del state
        return (divmod(action, self.size),)

    def arrange(self, cells: Cells, to_play: int) -> State:
        """Return the position with these stones.

        Raises:
            ValueError: the board has another size or is full, or a side has won.
        """
        state = np.zeros(1, kernels.state_dtype).view(np.recarray)[0]
        stones = check_cells(cells, self.size, to_play)
        for cell, side in stones:
            state.board[cell] = side + 1
        for cell, side in stones:
            if has_won(state.board, cell, side + 1, self.size, self.exact):
                raise ValueError(f"{('Black', 'White')[side]} has won there")
        if len(stones) == self.size**2:
            raise ValueError("the board is full")
        state.to_play, state.num_stones = to_play, len(stones)
        return state

    def action_name(self, state: State, action: int) -> str:
        """Return the cell as column letter and row number, counted from below."""
        del state
        row, column = divmod(action, self.size)
        return f"{self.columns[column]}{self.size - row}"


def gomoku(
    size: int = DEFAULT_SIZE, rule: Literal["freestyle", "standard"] = "freestyle"
) -> CompiledDomain:
    """Return the domain on a board of `size`.

    Args:
        size: 5 to 19.
        rule: whether more than five in a row win too, `freestyle`, or exactly five, `standard`.
    """
    if not (isinstance(size, int) and MIN_SIZE <= size <= MAX_SIZE):
        raise ValueError(f"gomoku: size must be {MIN_SIZE} to {MAX_SIZE}, got {size!r}")
    if rule not in ("freestyle", "standard"):
        raise ValueError(f"gomoku: rule must be freestyle or standard, got {rule!r}")
    view = _View(size, rule == "standard")
    text = StoneText("Gomoku", size, view.board, view.arrange)
    name = "gomoku" if rule == "freestyle" else "gomoku_standard"
    spec = DomainSpec(
        name=name if size == DEFAULT_SIZE else f"{name}_{size}x{size}",
        num_actions=size * size,
        observation_shape=(2, size, size),
        num_players=2,
        max_steps=size * size,
        num_symmetries=NUM_SYMMETRIES,
        policy_planes=1,
    )
    return CompiledDomain(
        spec,
        kernels,
        [size, rule == "standard"],
        render=view.render,
        action_name=view.action_name,
        board=view.board,
        action_cells=view.action_cells,
        format_state=text.format_state,
        parse_state=text.parse_state,
        arrange=view.arrange,
    )


def gomoku_standard(size: int = DEFAULT_SIZE) -> CompiledDomain:
    """Return the domain in which exactly five win."""
    return gomoku(size, "standard")

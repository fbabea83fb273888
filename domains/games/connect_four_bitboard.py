"""Connect Four positions as two 49-bit integers, the form that the solver works on.

A column is 7 bits, bottom square first; the seventh bit is always empty, so that no line runs
from one column into the next:

     6 13 20 27 34 41 48   <- always empty
     5 12 19 26 33 40 47
     4 11 18 25 32 39 46
     3 10 17 24 31 38 45
     2  9 16 23 30 37 44
     1  8 15 22 29 36 43
     0  7 14 21 28 35 42
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

NUM_COLUMNS = 7
NUM_ROWS = 6
NUM_SQUARES = NUM_COLUMNS * NUM_ROWS
BOTTOM = sum(1 << 7 * column for column in range(NUM_COLUMNS))
BOARD = BOTTOM * 0b111111


class Bitboard(NamedTuple):
    """A position: the stones of the side to move and all stones."""

    own: int
    mask: int

    @property
    def num_stones(self) -> int:
        """Return the number of stones on the board."""
        return self.mask.bit_count()

    def landing(self, column: int) -> int:
        """Return the square that a stone in this column falls to, 0 where the column is full."""
        return (self.mask + (1 << 7 * column)) & (0b111111 << 7 * column)

    def play(self, column: int) -> Bitboard:
        """Return the position after a move in this column (0 to 6), which must not be full."""
        square = self.landing(column)
        if not square:
            raise ValueError(f"column {column + 1} is full")
        return Bitboard(self.own ^ self.mask, self.mask | square)

    def mirror(self) -> Bitboard:
        """Return the position with left and right exchanged."""
        return Bitboard(_mirror(self.own), _mirror(self.mask))


EMPTY = Bitboard(0, 0)


def position_from_moves(moves: str) -> Bitboard:
    """Return the position after these moves, one digit 1 to 7 for each column played.

    Raises:
        ValueError: a move is no column, in a full column, or after the end of the game.
    """
    position = EMPTY
    for ply, move in enumerate(moves, start=1):
        if move not in "1234567":
            raise ValueError(f"move {ply} must be a column from 1 to 7, got {move!r}")
        if has_four(position.own ^ position.mask):
            raise ValueError(f"move {ply} comes after the end of the game: four already in a row")
        if not position.landing(int(move) - 1):
            raise ValueError(f"move {ply} is not legal: column {move} is full")
        position = position.play(int(move) - 1)
    return position


def position_from_grid(grid: npt.ArrayLike) -> Bitboard:
    """Return the position drawn in `grid` [6, 7], top row first.

    Args:
        grid: 1 for a stone of the side to move, -1 for one of the other side, 0 for none.
    """
    cells = np.asarray(grid)
    if cells.shape != (NUM_ROWS, NUM_COLUMNS):
        raise ValueError(f"grid must have shape (6, 7), got {cells.shape}")
    own = mask = 0
    for row, column in np.argwhere(cells != 0).tolist():
        square = 1 << 7 * column + NUM_ROWS - 1 - row
        mask |= square
        own |= square if cells[row, column] > 0 else 0
    position = Bitboard(own, mask)
    check_position(position)
    return position


def has_four(stones: int) -> bool:
    """Return whether these stones of one side hold four in a row."""
    for step in (1, 6, 7, 8):
        pairs = stones & (stones >> step)
        if pairs & (pairs >> 2 * step):
            return True
    return False


def check_position(position: Bitboard) -> None:
    """Raise ValueError where no game could hold such stones and still be going on."""
    own, mask = position
    if mask & ~BOARD or own & ~mask or own < 0:
        raise ValueError(f"not a position: own {own:#x} and mask {mask:#x} are off the board")
    if (mask + BOTTOM) & mask:
        raise ValueError("not a position: a stone hangs above an empty square")
    if (mask.bit_count() - 2 * own.bit_count()) not in (0, 1):
        num_own, num_other = own.bit_count(), (own ^ mask).bit_count()
        raise ValueError(f"not a position: {num_own} stones to move against {num_other}")
    if has_four(own) or has_four(own ^ mask):
        raise ValueError("the game is over: four in a row")
    if mask == BOARD:
        raise ValueError("the game is over: the board is full")


def _mirror(squares: int) -> int:
    """Return the squares with left and right exchanged."""
    column = 0b1111111
    return sum((squares >> 7 * c & column) << 7 * (NUM_COLUMNS - 1 - c) for c in range(NUM_COLUMNS))

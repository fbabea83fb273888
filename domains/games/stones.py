"""Positions of stones on a square grid, in one line of text.

Rows from the top, parted by `/`: `X` the first side's, `O` the second's, numbers for so many empty
cells; then the side to move, `x` or `o`. On a board of five:

    2X2/5/1O3/5/5 x
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tesuji.domains.base import Board, State

_TEXT = re.compile(r"([XOxo\d/]{1,800}) ([xo])")
_WIDEST = 99  # of a gap; more is wrong on any board

Cells = Sequence[Sequence[int]]  # as `Board.cells`: 0 empty, 1 the first side's, 2 the second's


@dataclass(frozen=True)
class StoneText:
    """Reads and writes the positions of one game on one size of board."""

    name: str
    size: int
    board: Callable[[State], Board]
    arrange: Callable[[Cells, int], State]

    def format_state(self, state: State) -> str:
        """Return the position in one line."""
        rows = ("".join(".XO"[stone] for stone in row) for row in self.board(state).cells)
        text = re.sub(r"\.+", lambda gap: str(len(gap[0])), "/".join(rows))
        return f"{text} {'xo'[int(state.to_play)]}"

    def parse_state(self, text: str) -> State:
        """Return the position that `format_state` writes.

        Raises:
            ValueError: what is wrong with the text.
        """
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            raise ValueError(
                f"not a position of {self.name}: {text[:60]!r}; expected e.g. {self._example()!r} "
                "(rows from the top, side to move)"
            )
        rows = [
            re.sub(r"\d+", lambda gap: "." * min(int(gap[0][:3]), _WIDEST), row.upper())
            for row in match[1].split("/")
        ]
        try:
            return self.arrange(
                [[".XO".index(s) for s in row] for row in rows], int(match[2] == "o")
            )
        except ValueError as error:
            raise ValueError(f"not a position of {self.name}: {text[:60]!r}: {error}") from None

    def _example(self) -> str:
        return f"{'/'.join([f'1X{self.size - 2}'] + [str(self.size)] * (self.size - 1))} o"


def check_cells(cells: Cells, size: int, to_play: int) -> list[tuple[int, int]]:
    """Return `(cell, side)` of each stone, cell by cell, after a check of the shape.

    Raises:
        ValueError: the board has another size, or a cell or the side to move is none.
    """
    if [len(row) for row in cells] != [size] * size:
        raise ValueError(f"expected {size} rows of {size} cells")
    if to_play not in (0, 1):
        raise ValueError(f"the side to move is 0 or 1, got {to_play!r}")
    stones = [(size * r + c, stone) for r, row in enumerate(cells) for c, stone in enumerate(row)]
    for _, stone in stones:
        if stone not in (0, 1, 2):
            raise ValueError(f"a cell holds 0, 1 or 2, got {stone!r}")
    return [(cell, stone - 1) for cell, stone in stones if stone]

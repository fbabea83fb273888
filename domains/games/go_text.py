"""Go as people see and write it: boards, moves, positions in one line."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from tesuji.domains.base import Board, FloatArray, State
from tesuji.domains.compiled import Instance, Kernels
from tesuji.domains.games.go_area import count_area, find_owners
from tesuji.domains.games.go_board import may_play, put, remember
from tesuji.domains.games.go_tables import KOMI, MAX_STEPS

COLUMNS = "ABCDEFGHJKLMNOPQRST"  # without I
_EXAMPLE = "'9/9/2X6/9/9/9/6O2/9/9 b 0 2' (rows from the top, side to move, passes, moves made)"


class GoView:
    """Boards, moves and positions of one board size."""

    def __init__(self, kernels: Kernels, instance: Instance, size: int) -> None:
        self.kernels = kernels
        self.instance = np.append(instance, 0)
        self.size = size

    def _cell(self, row: int, column: int) -> int:
        return (row + 1) * (self.size + 1) + column

    def cells(self, state: State) -> tuple[tuple[int, ...], ...]:
        """Return the stones, rows from the top: 0 none, 1 Black, 2 White."""
        every = range(self.size)
        return tuple(tuple(int(state.board[self._cell(r, c)]) for c in every) for r in every)

    def board(self, state: State) -> Board:
        """Return the board for front ends that draw."""
        rows = tuple(str(self.size - row) for row in range(self.size))
        columns = tuple(COLUMNS[: self.size])
        return Board(self.cells(state), "points", ("Black", "White"), columns, rows)

    def render(self, state: State) -> str:
        """Return the board as text: `X` Black, `O` White, the side to move below."""
        lines = [
            f"{self.size - row:2} {' '.join('.XO'[stone] for stone in stones)}"
            for row, stones in enumerate(self.cells(state))
        ]
        side = f"{'XO'[int(state.to_play)]} to move"
        passed = ", after a pass" if state.passes == 1 else ""
        return "\n".join([*lines, f"   {' '.join(COLUMNS[: self.size])}", side + passed])

    def action_cells(self, state: State, action: int) -> tuple[tuple[int, int], ...]:
        """Return the point of the stone; none for a pass."""
        del state
        return () if action == self.size**2 else (divmod(action, self.size),)

    def action_name(self, state: State, action: int) -> str:
        """Return the point as column letter and row number from the bottom, or `pass`."""
        del state
        row, column = divmod(action, self.size)
        return "pass" if row == self.size else f"{COLUMNS[column]}{self.size - row}"

    def refusal(self, state: State, action: int) -> str | None:
        """Return why an empty point is forbidden."""
        if action >= self.size**2 or state.passes == 2:
            return None
        cell, colour = self._cell(*divmod(action, self.size)), int(state.to_play) + 1
        if state.board[cell] != 0 or may_play(state, cell, colour, self.instance):
            return None
        after = state.copy()
        put(after, cell, colour, self.instance)
        return "suicide" if after.board[cell] == 0 else "a repetition of an earlier position (ko)"

    def ownership(self, state: State) -> tuple[FloatArray, float]:
        """Return whose each point is and by how much Black leads; what lies open is nobody's."""
        counted = state.copy()
        lead = count_area(counted, self.instance) - self.instance[KOMI] / 2
        find_owners(counted, self.instance)
        owners = np.zeros((self.size, self.size), np.float32)
        for row in range(self.size):
            for column in range(self.size):
                cell = self._cell(row, column)
                owner = int(counted.board[cell] or counted.chains[cell])
                owners[row, column] = {1: 1.0, 2: -1.0}.get(owner, 0.0)
        return owners, float(lead)

    def arrange(self, cells: Sequence[Sequence[int]], to_play: int) -> State:
        """Return the position with these stones; nothing is known of what was before.

        Raises:
            ValueError: the board has another size, or a chain has no liberty.
        """
        if [len(row) for row in cells] != [self.size] * self.size:
            raise ValueError(f"expected {self.size} rows of {self.size} points")
        state = self._empty()
        for row, stones in enumerate(cells):
            for column, colour in enumerate(stones):
                if colour not in (0, 1, 2):
                    raise ValueError(f"a point holds 0, 1 or 2, got {colour!r}")
                if colour:
                    put(state, self._cell(row, column), colour, self.instance)
        if self.cells(state) != tuple(tuple(row) for row in cells):
            raise ValueError("a chain has no liberty there")
        state.num_earlier, state.to_play = 0, to_play
        state.gone[:] = 0
        state.marks[:] = 0
        state.earlier[:] = 0
        remember(state, state.key)
        return state

    def _empty(self) -> State:
        state = np.zeros(1, self.kernels.state_dtype).view(np.recarray)[0]
        self.kernels["reset"](state, self.instance, np.uint64(0))
        return state

    def format_state(self, state: State) -> str:
        """Return the position in one line; earlier positions, which forbid moves, are lost."""
        rows = ["".join(".XO"[stone] for stone in stones) for stones in self.cells(state)]
        text = re.sub(r"\.+", lambda gap: str(len(gap[0])), "/".join(rows))
        return f"{text} {'bw'[int(state.to_play)]} {state.passes} {state.ply}"

    def parse_state(self, text: str) -> State:
        """Return the position that `format_state` writes."""
        match = re.fullmatch(r"([XOxo\d/]{1,800}) ([bw])(?: ([01]) (\d{1,5}))?", text.strip())
        if match is None:
            raise ValueError(f"not a position of Go: {text[:60]!r}; expected e.g. {_EXAMPLE}")
        rows = [
            re.sub(r"\d+", lambda gap: "." * min(int(gap[0]), 20), row.upper())
            for row in match[1].split("/")
        ]
        try:
            state = self.arrange([[".XO".index(s) for s in row] for row in rows], match[2] == "w")
        except ValueError as error:
            raise ValueError(f"not a position of Go: {text[:60]!r}: {error}") from None
        last = int(self.instance[MAX_STEPS]) - 1
        if int(match[4] or 0) > last:
            raise ValueError(f"not a position of Go: {match[4]} moves made, at most {last}")
        state.passes, state.ply = int(match[3] or 0), int(match[4] or 0)
        return state

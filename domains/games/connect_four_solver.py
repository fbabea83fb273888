"""An exact Connect Four solver.

A score is seen by the side to move: the stones that the winner has left, the winning one counted
in (22 less those he has played), negative where the other side wins, 0 for a draw. The method is
Pascal Pons' (http://blog.gamesolver.org), the code our own; a score is found by halving, with one
null-window search a step.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tesuji.domains.games.connect_four_alpha_beta import (
    UNKNOWN,
    completes_four,
    new_frames,
    search,
    set_root,
)
from tesuji.domains.games.connect_four_bitboard import (
    BOARD,
    BOTTOM,
    NUM_COLUMNS,
    NUM_SQUARES,
    Bitboard,
    check_position,
    has_four,
)

ILLEGAL = -1000  # score and outcome of a full column
DEFAULT_TABLE_BITS = 23

_SLICE = 1 << 21  # nodes between two looks at the budget


@dataclass(frozen=True)
class SolveBudget:
    """When a solver gives up: after so many nodes or seconds of one call, 0 for never."""

    max_nodes: int = 0
    max_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.max_nodes < 0:
            raise ValueError(f"max_nodes must be at least 0, got {self.max_nodes}")
        if not self.max_seconds >= 0:
            raise ValueError(f"max_seconds must be at least 0, got {self.max_seconds}")


NO_LIMIT = SolveBudget()


class SolveStopped(RuntimeError):
    """The budget ran out before the answer was known."""


class Solver:
    """An exact solver with its table of positions, which later calls reuse.

    One solver serves one thread; it frees the GIL while it searches.

    Attributes:
        num_nodes: nodes visited since the solver was made.
    """

    def __init__(self, table_bits: int = DEFAULT_TABLE_BITS) -> None:
        """Make a solver whose table has `2 ** table_bits` entries of 8 bytes."""
        if not 10 <= table_bits <= 30:
            raise ValueError(f"table_bits must be from 10 to 30, got {table_bits}")
        self.num_nodes = 0
        self._table = np.zeros(1 << table_bits, np.int64)
        self._frames = new_frames()
        self._node_limit = 0
        self._deadline = 0.0

    def clear(self) -> None:
        """Forget all positions."""
        self._table[:] = 0

    def score(self, position: Bitboard, budget: SolveBudget = NO_LIMIT) -> int:
        """Return the exact score of a position where the game still goes on."""
        return self._between(self._start(position, budget), -NUM_SQUARES, NUM_SQUARES)

    def at_least(self, position: Bitboard, threshold: int, budget: SolveBudget = NO_LIMIT) -> bool:
        """Return whether the score is at least `threshold`: one search, the quickest question."""
        return self._between(self._start(position, budget), threshold - 1, threshold) >= threshold

    def value(self, position: Bitboard, budget: SolveBudget = NO_LIMIT) -> int:
        """Return 1, 0 or -1: the side to move wins, draws or loses. Faster than the score."""
        return self._between(self._start(position, budget), -1, 1)

    def scores(self, position: Bitboard, budget: SolveBudget = NO_LIMIT) -> npt.NDArray[np.int16]:
        """Return the exact score [7] of every move, `ILLEGAL` for a full column."""
        return self._moves(self._start(position, budget), NUM_SQUARES)

    def outcomes(self, position: Bitboard, budget: SolveBudget = NO_LIMIT) -> npt.NDArray[np.int16]:
        """Return 1, 0 or -1 [7] for every move, `ILLEGAL` for a full column."""
        return self._moves(self._start(position, budget), 1)

    def _start(self, position: Bitboard, budget: SolveBudget) -> Bitboard:
        position = Bitboard(int(position.own), int(position.mask))
        check_position(position)
        self._node_limit = self.num_nodes + budget.max_nodes if budget.max_nodes else 0
        self._deadline = time.monotonic() + budget.max_seconds if budget.max_seconds else 0.0
        return position

    def _moves(self, position: Bitboard, limit: int) -> npt.NDArray[np.int16]:
        """Return the score [7] of every move, cut off at `limit`."""
        scores = np.full(NUM_COLUMNS, ILLEGAL, np.int16)
        for column in range(NUM_COLUMNS):
            if position.landing(column):
                child = position.play(column)
                if has_four(child.own ^ child.mask):
                    scores[column] = min(_win_now(position.num_stones), limit)
                elif child.mask == BOARD:
                    scores[column] = 0
                else:
                    scores[column] = -self._between(child, -limit, limit)
        return scores

    def _between(self, position: Bitboard, lower: int, upper: int) -> int:
        """Return the score, cut off at `lower` and `upper`."""
        own, mask = position
        if completes_four(own) & (mask + BOTTOM) & BOARD & ~mask:
            return min(_win_now(position.num_stones), upper)
        lower = max(lower, -(NUM_SQUARES - position.num_stones >> 1))
        upper = min(upper, NUM_SQUARES - 1 - position.num_stones >> 1)
        while lower < upper:
            middle = (lower + upper) >> 1
            if lower < 0 < upper:  # quick wins and losses are the cheapest to find or rule out
                middle = 2 * upper // 3 if upper >= -lower else -(-2 * lower // 3)
            if self._at_least(position, middle + 1):
                lower = middle + 1
            else:
                upper = middle
        return lower

    def _at_least(self, position: Bitboard, threshold: int) -> bool:
        """Return whether the score is at least `threshold`; the side to move cannot win now."""
        set_root(self._frames, position)
        progress = np.array([position.num_stones, threshold, 0, 0], np.int64)
        while True:
            num_nodes = _SLICE
            if self._node_limit:
                num_nodes = min(num_nodes, self._node_limit - self.num_nodes)
            before = progress[3]
            answer = search(self._frames, self._table, progress, num_nodes)
            self.num_nodes += int(progress[3] - before)
            if answer != UNKNOWN:
                return bool(answer)
            self._check_budget()

    def _check_budget(self) -> None:
        if self._node_limit and self.num_nodes >= self._node_limit:
            raise SolveStopped("stopped by max_nodes; allow more nodes or none (0)")
        if self._deadline and time.monotonic() >= self._deadline:
            raise SolveStopped("stopped by max_seconds; allow more seconds or none (0)")


def _win_now(num_stones: int) -> int:
    """Return the score of a side that wins with its next stone."""
    return (NUM_SQUARES + 1 - num_stones) >> 1

"""What a UCI game says about the lag of our moves: our own watch, and the GUI's clocks."""

from __future__ import annotations

from dataclasses import dataclass

from tesuji.engine.protocols.clock import Clock, Lag, in_haste, think_time, think_time_of_move
from tesuji.engine.protocols.uci_text import Go


@dataclass
class _Move:
    """The last timed move: whose, from what clock, and how long it was to think."""

    mover: int
    clock: Clock | None  # None where the move had a time of its own
    line: tuple[str, ...]  # the moves of the game before
    given: float
    spent: float = 0.0  # by our own watch, until `bestmove` was written


class Pace:
    """Compares what each timed move took with what it was given.

    Attributes:
        lag: what moves cost beside their thinking.
        haste: whether the move that `seconds` was asked for must cost as little as it can.
    """

    def __init__(self) -> None:
        self.lag = Lag()
        self.haste = False
        self._last: _Move | None = None

    def seconds(self, go: Go, mover: int, line: tuple[str, ...], overhead: float) -> float | None:
        """Return how long to think by movetime or clock, 0 to move at once, None without either.

        Args:
            go: what is asked.
            mover: the side to move.
            line: the moves of the game so far.
            overhead: seconds that are kept, whatever happens.
        """
        left, more = ((go.wtime, go.winc), (go.btime, go.binc))[mover]
        clock = None
        if left is not None:
            clock = Clock(left / 1000, (more or 0) / 1000, go.movestogo)
        self._see(mover, clock, line)
        self.haste = clock is not None and in_haste(clock, overhead, self.lag)
        if go.movetime is not None:
            seconds = think_time_of_move(go.movetime / 1000, overhead, self.lag)
        elif clock is not None:
            seconds = think_time(clock, overhead, self.lag)
        else:
            return None
        if not go.ponder:  # else not all that it thinks is our time
            self._last = _Move(mover, clock, line, seconds)
        return seconds

    def _see(self, mover: int, clock: Clock | None, line: tuple[str, ...]) -> None:
        """Learn from the last move, now that `mover` is to move again, with such a clock."""
        last, self._last = self._last, None
        if last is None:
            return
        told = 0.0
        same = last.mover == mover and line[:-2] == last.line and len(line) == len(last.line) + 2
        if same and last.clock is not None and clock is not None:
            # Negative where a new time control has begun.
            told = last.clock.left + last.clock.increment - clock.left
        self.lag.observe(max(told, last.spent), last.given)

    def spend(self, seconds: float) -> None:
        """Note how long it took until the move was told."""
        if self._last is not None:
            self._last.spent = seconds

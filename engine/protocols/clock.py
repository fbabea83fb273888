"""How long to think about one move."""

from __future__ import annotations

from dataclasses import dataclass

_MOVES_LEFT = 30  # moves that a game is expected to last yet
_LARGEST_SHARE = 0.4  # of what is left, however few moves are to be made in it


@dataclass(frozen=True)
class Clock:
    """One side's time, in seconds.

    Attributes:
        left: until the flag falls; below 0 where it has fallen.
        increment: added after each move.
        moves: moves to the next time control, None where there is none.
    """

    left: float
    increment: float = 0.0
    moves: int | None = None


def think_time(clock: Clock, overhead: float) -> float:
    """Return how many seconds to think, so that the flag does not fall.

    Args:
        clock: of the side to move.
        overhead: what each move loses on its way, and may be late by.
    """
    usable = max(clock.left - overhead, 0.0)
    moves = min(max(clock.moves or _MOVES_LEFT, 1), 2 * _MOVES_LEFT)
    wanted = usable / moves + 0.75 * max(clock.increment, 0.0)
    return max(min(wanted, _LARGEST_SHARE * usable), 0.001)

"""How long to think about one move, so that no game is lost on time.

What a move costs beside its thinking is measured, not known: the pipe, the dispatch, the end of a
search, the collector, whatever else runs on the machine. `Lag` keeps its mean and spread as TCP
keeps those of round trips (Jacobson 1988). Where no time is left to think, the answer is 0: play
at once.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass

_MOVES_LEFT = 30  # moves that a game is expected to last yet
_HASTE = 25  # moves that are to be left, made at once
_LONG_GAME = 60  # moves that it may last yet
_LARGEST_SHARE = 0.4  # of what is left, however few moves are to be made in it
_LEAST = 0.002  # seconds; a shorter search knows nothing that is worth its while
_MEAN_GAIN, _SPREAD_GAIN = 1 / 8, 1 / 4
_FORGETTING = 1 / 16
_SPREADS = 4
_MOST_LAG = 1.0  # seconds; what is longer was no lag, but a pause of the other side


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


class _Smoothed:
    """Mean and spread of what was measured lately."""

    def __init__(self, first: float) -> None:
        self.mean, self.spread = first, first / 2

    def forget(self, mean: float) -> None:
        """Drift towards `mean`, so that one bad moment does not count for ever."""
        self.spread -= _FORGETTING * self.spread
        self.mean += _FORGETTING * (mean - self.mean)

    def observe(self, value: float) -> None:
        """Take in one more measurement."""
        self.spread += _SPREAD_GAIN * (abs(value - self.mean) - self.spread)
        self.mean += _MEAN_GAIN * (value - self.mean)


class Lag:
    """What moves cost beyond the time that they are given.

    Args:
        first: seconds to expect before anything was measured.
    """

    def __init__(self, first: float = 0.01) -> None:
        self._thinking, self._at_once = _Smoothed(first), _Smoothed(first / 2)

    @property
    def usual(self) -> float:
        """Return what a move costs beside its thinking."""
        return self._thinking.mean

    @property
    def at_once(self) -> float:
        """Return what a move without thinking costs."""
        return max(self._at_once.mean, self._thinking.mean / 2)

    @property
    def worst(self) -> float:
        """Return what hardly any move exceeds."""
        return max(lag.mean + _SPREADS * lag.spread for lag in (self._thinking, self._at_once))

    def observe(self, spent: float, given: float) -> None:
        """Learn what one move cost; a search that found its end earlier says nothing."""
        if spent < given:
            return
        lag = self._thinking if given else self._at_once
        lag.observe(min(spent - given, _MOST_LAG))
        if not given:  # nothing was measured of thinking
            self._thinking.forget(self._at_once.mean)


def think_time(clock: Clock, overhead: float, lag: Lag) -> float:
    """Return how many seconds to think; 0 means that there are none, and to move at once.

    What a long game would still cost if all its moves were made at once is kept for it.

    Args:
        clock: of the side to move.
        overhead: what is kept, whatever happens.
        lag: what moves have cost beside their thinking.
    """
    moves = min(max(clock.moves or _MOVES_LEFT, 1), 2 * _MOVES_LEFT)
    following = moves - 1 if clock.moves else _LONG_GAME
    increment = max(clock.increment, 0.0)
    kept = max(overhead, lag.worst) + following * max(lag.at_once - increment, 0.0)
    usable = max(clock.left - kept, 0.0)
    wanted = usable / moves + 0.75 * increment
    return _worth(min(wanted, _LARGEST_SHARE * usable) - lag.usual)


def in_haste(clock: Clock, overhead: float, lag: Lag) -> bool:
    """Return whether even looking at the position costs more than a game may still have."""
    return clock.increment == 0 and clock.left < overhead + _HASTE * lag.at_once


def think_time_of_move(seconds: float, overhead: float, lag: Lag) -> float:
    """Return how many of the seconds that one move has in all to think; 0 to move at once."""
    return _worth(seconds - max(min(overhead, seconds / 2), lag.worst))


def _worth(seconds: float) -> float:
    return seconds if seconds >= _LEAST else 0.0


def quieten_collector() -> None:
    """Take what is loaded by now out of the garbage collector's sight.

    A full collection looks at every object of every library, which takes as long as a move.
    """
    gc.collect()
    gc.freeze()

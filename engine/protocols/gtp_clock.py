"""The clocks of GTP: absolute time, Canadian and Japanese byo-yomi, kept for both sides."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tesuji.engine.protocols.clock import Clock, Lag, in_haste, think_time

OVERHEAD = 0.15  # seconds that are kept for the worst


@dataclass(frozen=True)
class TimeSettings:
    """What a side has for its game.

    Attributes:
        main: seconds before byo-yomi.
        period: seconds of one period of byo-yomi; 0 where there is none.
        moves: moves that a period is for.
        periods: how often a period may run out; a move within one keeps it.
    """

    main: float
    period: float = 0.0
    moves: int = 1
    periods: int = 1


@dataclass(frozen=True)
class SideClock:
    """What is left; `main` is 0 in byo-yomi, where `moves` are still to be made in `period`."""

    settings: TimeSettings
    main: float
    period: float
    moves: int
    periods: int

    @classmethod
    def begin(cls, settings: TimeSettings) -> SideClock:
        """Return a full clock."""
        return cls(
            settings, settings.main, settings.period, max(settings.moves, 1), settings.periods
        )

    def told(self, seconds: float, moves: int, *, whole: bool = False) -> SideClock:
        """Return the clock after `time_left` told how it stands.

        Args:
            seconds: what is left.
            moves: to be made in them, or periods left where they are Japanese; 0 in main time.
            whole: whether they were rounded, perhaps up: then our own count holds where it is
                less by the rounding.
        """
        if moves == 0:
            if whole and seconds - 1 < self.main < seconds:
                seconds = self.main
            return replace(self, main=max(seconds, 0.0))
        if self.settings.moves == 1:  # Japanese: the number is that of periods
            periods = min(moves, self.settings.periods)
            return replace(self, main=0.0, period=max(seconds, 0.0), moves=1, periods=periods)
        if whole and moves == self.moves and seconds - 1 < self.period < seconds:
            seconds = self.period
        return replace(self, main=0.0, period=max(seconds, 0.0), moves=moves)

    def spend(self, seconds: float) -> SideClock:
        """Return the clock after a move that took `seconds`."""
        if seconds < self.main:
            return replace(self, main=self.main - seconds)
        rest, settings = seconds - self.main, self.settings
        if settings.period <= 0:
            return replace(self, main=0.0)
        if settings.moves > 1 or settings.periods == 1:  # Canadian
            left, moves = self.period - rest, self.moves - 1
            if moves <= 0:
                left, moves = settings.period, max(settings.moves, 1)
            return replace(self, main=0.0, period=max(left, 0.0), moves=moves)
        lost = int(rest // settings.period)
        periods = max(self.periods - lost, 1)
        return replace(self, main=0.0, period=settings.period, moves=1, periods=periods)

    def in_haste(self, lag: Lag) -> bool:
        """Return whether a move must cost as little as it can."""
        moves = 0 if self.settings.moves == 1 else self.moves
        if self.period > 0:
            return moves > 0 and self.main <= 0 and self.period < OVERHEAD + moves * lag.at_once
        return in_haste(Clock(self.main), OVERHEAD, lag)

    def seconds(self, lag: Lag) -> float:
        """Return how long to think about the next move; 0 means to move at once."""
        best = think_time(Clock(self.main), OVERHEAD, lag) if self.main > 0 else 0.0
        if self.period > 0:
            # In main time, too: what a move takes beyond it comes out of a period.
            share = think_time(Clock(self.period, moves=self.moves), OVERHEAD, lag)
            best = max(best, share)
        return best

"""The commands of GTP about time, and the clocks that they set."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tesuji.engine.protocols.clock import Lag
from tesuji.engine.protocols.gtp_arguments import count_of, seconds_of, side_of
from tesuji.engine.protocols.gtp_board import GtpError
from tesuji.engine.protocols.gtp_clock import SideClock, TimeSettings


class Allotted(NamedTuple):
    """What a move may take.

    Attributes:
        seconds: to think; None without limit, 0 to move at once.
        haste: whether even that is to cost as little as it can.
    """

    seconds: float | None
    haste: bool = False


class _Charge(NamedTuple):
    """A move whose whole cost is not known before the controller tells how our clock stands."""

    before: SideClock
    given: float  # seconds to think
    spent: float  # seconds, by our own watch


class GtpTime:
    """Both sides' clocks, as the controller sets them and as they run down by what we spend."""

    def __init__(self) -> None:
        self._settings: TimeSettings | None = None
        self._clocks: dict[int, SideClock] = {}
        self._lag = Lag()
        self._charges: dict[int, _Charge] = {}

    def begin_clocks(self) -> None:
        """Fill the clocks for a new game."""
        settings = self._settings
        self._clocks = {} if settings is None else {s: SideClock.begin(settings) for s in (0, 1)}
        self._charges = {}

    @contextmanager
    def timed(self, side: int, *, counts: bool) -> Iterator[Allotted]:
        """Give what a move may take, and charge what was spent."""
        began = time.monotonic()
        self._learn(side, None)
        clock = self._clocks.get(side)
        given = None if clock is None else clock.seconds(self._lag)
        yield Allotted(given, clock is not None and clock.in_haste(self._lag))
        if clock is not None and given is not None and counts:
            spent = time.monotonic() - began
            self._clocks[side] = clock.spend(spent)
            self._charges[side] = _Charge(clock, given, spent)

    def _learn(self, side: int, left: float | None) -> None:
        """Learn the lag of the last move; `left` is what the controller says of main time."""
        charge = self._charges.pop(side, None)
        if charge is not None:
            told = 0.0 if left is None else charge.before.main - left
            # More than we know of went through the pipes; less can only be a mistake.
            self._lag.observe(max(told, charge.spent), charge.given)

    def do_time_settings(self, main: str, period: str, stones: str) -> str:
        """Set Canadian byo-yomi; a period without stones means no limit at all."""
        settings = TimeSettings(seconds_of(main), seconds_of(period), count_of(stones, 0, 100_000))
        unlimited = settings.period > 0 and settings.moves == 0
        self._settings = None if unlimited else settings
        self.begin_clocks()
        return ""

    def do_kgs_time_settings(self, kind: str, *numbers: str) -> str:
        """Set `none`, `absolute M`, `byoyomi M P N` (periods) or `canadian M P N` (stones)."""
        counts = {"none": 0, "absolute": 1, "byoyomi": 3, "canadian": 3}
        if counts.get(kind) != len(numbers):
            raise GtpError("syntax error: expected none, absolute M, byoyomi M P N, canadian M P N")
        settings: TimeSettings | None = None
        if kind == "absolute":
            settings = TimeSettings(seconds_of(numbers[0]))
        elif kind != "none":
            main, period, number = (
                seconds_of(numbers[0]),
                seconds_of(numbers[1]),
                count_of(numbers[2], 1, 100_000),
            )
            if period <= 0:
                raise GtpError("syntax error: a period has seconds, and there is one at least")
            japanese = kind == "byoyomi"
            settings = TimeSettings(
                main, period, 1 if japanese else number, number if japanese else 1
            )
        self._settings = settings
        self.begin_clocks()
        return ""

    def do_time_left(self, colour: str, seconds: str, stones: str) -> str:
        """Hear how a clock stands; 0 stones is main time."""
        side = side_of(colour)
        left, moves = seconds_of(seconds.removeprefix("-")), count_of(stones, 0, 100_000)
        left = 0.0 if seconds.startswith("-") else left
        whole = "." not in seconds
        self._learn(side, None if whole or moves else left)
        clock = self._clocks.get(side) or SideClock.begin(TimeSettings(left))
        self._clocks[side] = clock.told(left, moves, whole=whole)
        return ""

"""How much of a training run's limits is spent, told to whoever watches."""

from __future__ import annotations

import time
from typing import Protocol

from tesuji.engine.progress import Progress


class Limits(Protocol):
    """The limits of a run; 0 is none."""

    @property
    def game(self) -> str:
        """Return what is learned."""

    @property
    def minutes(self) -> float:
        """Return the minutes on the clock."""

    @property
    def cpu_minutes(self) -> float:
        """Return the minutes of processor time."""

    @property
    def iterations(self) -> int:
        """Return the rounds."""


class Spent(Protocol):
    """What a run has spent, with what it spent before it was resumed."""

    iteration: int
    seconds: float
    cpu_seconds: float


class Pace:
    """The clocks of a run.

    Args:
        limits: of the run.
        totals: of the run so far; `note` brings them up to date.
        progress: told what is under way.
    """

    def __init__(self, limits: Limits, totals: Spent, progress: Progress) -> None:
        self._limits, self._totals, self._progress = limits, totals, progress
        self._began = time.monotonic() - totals.seconds
        self._began_cpu = time.process_time() - totals.cpu_seconds

    def share(self) -> float:
        """Return the part of the run that is done: of the limit that is nearest, as last noted."""
        limits, totals = self._limits, self._totals
        shares = (
            (totals.seconds, 60 * limits.minutes), (totals.cpu_seconds, 60 * limits.cpu_minutes),
            (totals.iteration, limits.iterations),
        )  # fmt: skip
        return max(done / whole for done, whole in shares if whole)

    def note(self) -> None:
        """Note the time that was taken."""
        self._totals.seconds = time.monotonic() - self._began
        self._totals.cpu_seconds = time.process_time() - self._began_cpu

    def tell(self, message: str) -> None:
        """Say what is under way."""
        seconds, share = time.monotonic() - self._began, round(min(self.share(), 1.0), 4)
        row = {"kind": "live", "game": self._limits.game, "message": message, "progress": share}
        self._progress.update({**row, "seconds": round(seconds, 1)})

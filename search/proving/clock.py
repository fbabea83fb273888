"""Processor time of this process and of z3's together."""

from __future__ import annotations

import time
from collections.abc import Mapping

from tesuji.search.symbolic.solver_process import Check, SolverProcess

_SLOWEST = 30.0  # how much longer than its processor time a question may take on the clock
_AT_LEAST = 5.0  # seconds on the clock


class Clock:
    """What is left of the processor time of two processes that take turns.

    Args:
        process: of z3.
        seconds: for both.
    """

    def __init__(self, process: SolverProcess, seconds: float) -> None:
        self._process, self._seconds = process, seconds
        self._began = self._used

    @property
    def left(self) -> float:
        """Return how many CPU-seconds are left."""
        return self._seconds - (self._used - self._began)

    @property
    def _used(self) -> float:
        return time.process_time() + self._process.cpu_seconds

    def question(
        self, wanted: Mapping[str, str] | None = None, part: float = 1.0, seed: int = 0
    ) -> Check:
        """Return a question that may take a part of what is left."""
        left = part * self.left
        return Check(_AT_LEAST + _SLOWEST * left, wanted=wanted or {}, cpu_seconds=left, seed=seed)

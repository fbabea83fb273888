"""What all solvers of instances share: limits, what they tell on the way, and the certified gap."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event


@dataclass(frozen=True)
class SolveBudget:
    """When a solver stops.

    Attributes:
        seconds: of wall time, from the moment it starts on what was read.
        gap: stop once `(cost - bound) / cost` is proven to be at most this.
        seed: of everything random.
        cpu_time: count this process's CPU time instead, as benchmarks do.
    """

    seconds: float = 10.0
    gap: float = 0.0
    seed: int = 0
    cpu_time: bool = False

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ValueError(f"seconds must be above 0, got {self.seconds}")
        if not 0 <= self.gap < 1:
            raise ValueError(f"gap must be at least 0 and below 1, got {self.gap}")


@dataclass(frozen=True)
class SolveProgress:
    """How far a solver is.

    Attributes:
        cost: of the best answer so far; None before the first.
        bound: no answer costs less; proven.
        seconds: since the start.
        rate: what it looks at in a second (states, moves), 0 where it does not count.
    """

    cost: float | None
    bound: float
    seconds: float
    rate: float = 0.0

    @property
    def gap(self) -> float | None:
        """Return the part of the cost that might be saved at most; None without an answer."""
        if self.cost is None:
            return None
        if self.cost <= self.bound:
            return 0.0
        return (self.cost - self.bound) / self.cost if self.cost > 0.0 else math.inf


Listener = Callable[[SolveProgress], None]


@dataclass
class SolveClock:
    """Whether a solver must stop: its time is up, its gap reached, or somebody said so."""

    budget: SolveBudget
    stop: Event = field(default_factory=Event)
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self._now()

    def seconds(self) -> float:
        """Return the time since the start."""
        return self._now() - self.began

    def _now(self) -> float:
        return time.process_time() if self.budget.cpu_time else time.monotonic()

    def is_over(self, progress: SolveProgress | None = None) -> bool:
        """Return whether to stop now."""
        if self.stop.is_set() or self.seconds() >= self.budget.seconds:
            return True
        gap = None if progress is None else progress.gap
        return gap is not None and gap <= self.budget.gap

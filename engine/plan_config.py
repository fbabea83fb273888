"""Settings of learning to plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tesuji.engine.errors import UsageError

SHIPPED = "net"
Order = Literal["greedy", "levin", "phs"]
Planner = Literal["search", "novelty", "smt"]


@dataclass(frozen=True)
class Guide:
    """What guides a search for plans.

    Attributes:
        source: `net` for the ranking that ships with the domain, or the path of a run.
        order: of the queue.

    Raises:
        UsageError: there is nothing at that path.
    """

    source: str
    order: Order = "greedy"

    def __post_init__(self) -> None:
        if self.source != SHIPPED and not self.path.exists():
            raise UsageError(f"no model at {self.source}; give the folder of a run, or {SHIPPED}")

    @property
    def path(self) -> Path:
        """Return where the run is."""
        return Path(self.source).expanduser()


@dataclass(frozen=True)
class PlanLearningConfig:
    """How a planner learns.

    Attributes:
        problems: generated problems to learn from, where there is a generator.
        level: size of the largest of those.
        most_states: problems with no more states are explored whole, and every label is exact.
        samples: states of each problem to learn from.
        trials: problems to try the planner on after each round, larger than those before.
        effort: states that a search may value in a trial.
        decay: weight of the squared weights in the loss.
    """

    problems: int = 60
    level: float = 7.0
    most_states: int = 100_000
    samples: int = 60
    trials: int = 8
    effort: int = 100_000
    decay: float = 1e-4

    def __post_init__(self) -> None:
        for name in ("problems", "most_states", "samples", "trials", "effort"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.most_states > 1 << 24:
            raise ValueError(f"most_states must be at most {1 << 24}, got {self.most_states}")
        if self.level < 0 or self.decay < 0:
            raise ValueError("level and decay must be at least 0")


@dataclass(frozen=True)
class PlanTrainConfig:
    """A run that learns to plan.

    Attributes:
        game: the family, `logistics/transport`, or the file of a PDDL domain.
        problems: the folder of its problems, for a domain of one's own.
        minutes: stop after so many minutes; 0 for no limit.
        iterations: stop after so many rounds; 0 for no limit.
        cpu_minutes: stop after so many minutes of processor time; 0 for no limit.
        seed: all that is random follows from it.
        keep_checkpoints: newest checkpoints that are kept.
        planning: how it learns.
    """

    game: str
    problems: str = ""
    minutes: float = 10.0
    iterations: int = 0
    cpu_minutes: float = 0.0
    seed: int = 1
    keep_checkpoints: int = 3
    planning: PlanLearningConfig = field(default_factory=PlanLearningConfig)

    def __post_init__(self) -> None:
        if self.minutes < 0 or self.iterations < 0 or self.cpu_minutes < 0:
            raise ValueError("minutes, cpu_minutes and iterations must be at least 0")
        if self.minutes == self.iterations == self.cpu_minutes == 0:
            raise ValueError("a run needs an end: give minutes, cpu_minutes or iterations")

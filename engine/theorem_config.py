"""Settings of learning to prove."""

from __future__ import annotations

from dataclasses import dataclass, field

from tesuji.nets.config import ConnectionNetConfig
from tesuji.search.proving.prices import Prices

PROVING = "proving"  # what is trained, as `tesuji train` names it
ROBINSON = "proving/robinson"


@dataclass(frozen=True)
class TheoremLearningConfig:
    """How a prover learns.

    Attributes:
        inferences: of the search on a problem.
        sat_help: whether problems that are learned from are searched with SAT help.
        held_back: percent of a folder's problems that are only searched, to see what was learned.
        epochs: over the goals of all proofs, in a round.
        outcomes: goals noted of each search, closed and given up, as many of each.
        hindsight: weight of the goals that a search closed, against those of a proof.
        closing_epochs: over those, to learn the chance that a goal closes.
        step: price of a step in the search.
        weight: price of a nat of surprise.
        rise: of the search's limit, each time.
        workers: threads that search; no result depends on them.
        theorems: of Robinson arithmetic.
        operand: the largest numeral of those.
        operations: in an expression of those, at most.
        stages: of those: 1 to 3, up to this.
    """

    inferences: int = 20_000
    sat_help: bool = True
    held_back: int = 30
    epochs: int = 8
    outcomes: int = 64
    hindsight: float = 0.1
    closing_epochs: int = 2
    step: float = 1.0
    weight: float = 2.0
    rise: float = 3.0
    workers: int = 2
    theorems: int = 200
    operand: int = 9
    operations: int = 3
    stages: int = 3

    @property
    def prices(self) -> Prices:
        """Return the prices of the search."""
        return Prices(self.step, self.weight, self.rise)

    def __post_init__(self) -> None:
        for name in ("inferences", "epochs", "workers", "theorems", "operand", "operations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if min(self.outcomes, self.closing_epochs, self.hindsight) < 0:
            raise ValueError("outcomes, closing_epochs and hindsight must be at least 0")
        if not 0 <= self.held_back <= 90:
            raise ValueError(f"held_back must be 0 to 90, got {self.held_back}")
        if not 1 <= self.stages <= 3:
            raise ValueError(f"stages must be 1 to 3, got {self.stages}")
        if self.step < 0 or self.weight < 0 or not self.rise > 0 or self.step + self.weight == 0:
            raise ValueError("step and weight must be at least 0, not both 0, and rise above 0")


@dataclass(frozen=True)
class TheoremTrainConfig:
    """A run that learns to prove.

    Attributes:
        game: `proving` or `proving/robinson`.
        problems: the folder of TPTP files to learn from; none for Robinson arithmetic.
        minutes: stop after so many minutes; 0 for no limit.
        iterations: stop after so many rounds; 0 for no limit.
        cpu_minutes: stop after so many minutes of processor time; 0 for no limit.
        seed: all that is random follows from it.
        keep_checkpoints: newest checkpoints that are kept.
        proving: how it learns.
        connection_net: the network.
    """

    game: str = PROVING
    problems: str = ""
    minutes: float = 10.0
    iterations: int = 0
    cpu_minutes: float = 0.0
    seed: int = 1
    keep_checkpoints: int = 3
    proving: TheoremLearningConfig = field(default_factory=TheoremLearningConfig)
    connection_net: ConnectionNetConfig = field(default_factory=ConnectionNetConfig)

    def __post_init__(self) -> None:
        if self.minutes < 0 or self.iterations < 0 or self.cpu_minutes < 0:
            raise ValueError("minutes, cpu_minutes and iterations must be at least 0")
        if self.minutes == self.iterations == self.cpu_minutes == 0:
            raise ValueError("a run needs an end: give minutes, cpu_minutes or iterations")

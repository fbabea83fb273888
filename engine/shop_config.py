"""Settings of learning to dispatch."""

from __future__ import annotations

from dataclasses import dataclass, field

SHOPS = "logistics/job_shop"  # what is trained, as `tesuji train` names it


@dataclass(frozen=True)
class ShopLearningConfig:
    """How a dispatching policy is learned.

    Attributes:
        hidden: units of the network.
        shops: new ones in a round.
        rollouts: of the search on each.
        kept: rounds whose lessons are learned again.
        epochs: over the kept lessons in a round.
        rate: of learning, at first; it falls to a tenth.
        fewest_jobs: of a shop.
        most_jobs: of a shop.
        fewest_machines: of a shop.
        most_machines: of a shop.
    """

    hidden: int = 16
    shops: int = 12
    rollouts: int = 1500
    kept: int = 12
    epochs: int = 2
    rate: float = 0.005
    fewest_jobs: int = 6
    most_jobs: int = 20
    fewest_machines: int = 5
    most_machines: int = 15

    def __post_init__(self) -> None:
        for name in ("hidden", "shops", "rollouts", "kept", "epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for what in ("jobs", "machines"):
            fewest, most = getattr(self, f"fewest_{what}"), getattr(self, f"most_{what}")
            if not 2 <= fewest <= most <= 1000:
                raise ValueError(f"{what} must be 2 to 1000, fewest to most, got {fewest}, {most}")
        if not 0.0 < self.rate < 1.0:
            raise ValueError(f"rate must be above 0 and below 1, got {self.rate}")


@dataclass(frozen=True)
class ShopTrainConfig:
    """A run that learns to dispatch.

    Attributes:
        game: `logistics/job_shop`.
        minutes: stop after so many minutes; 0 for no limit.
        iterations: stop after so many rounds; 0 for no limit.
        cpu_minutes: stop after so many minutes of processor time; 0 for no limit.
        seed: all that is random follows from it.
        scheduling: how it learns.
    """

    game: str = SHOPS
    minutes: float = 10.0
    iterations: int = 0
    cpu_minutes: float = 0.0
    seed: int = 1
    scheduling: ShopLearningConfig = field(default_factory=ShopLearningConfig)

    def __post_init__(self) -> None:
        if self.minutes < 0 or self.iterations < 0 or self.cpu_minutes < 0:
            raise ValueError("minutes, iterations and cpu_minutes must be at least 0")
        if not (self.minutes or self.iterations or self.cpu_minutes):
            raise ValueError("give a limit: minutes, iterations or cpu_minutes")

"""Settings of learning to route."""

from __future__ import annotations

from dataclasses import dataclass, field

from tesuji.nets.config import RouteNetConfig

ROUTES = "logistics/cvrp"  # what is trained, as `tesuji train` names it


@dataclass(frozen=True)
class RouteLearningConfig:
    """How a policy of routes is learned.

    Attributes:
        fewest: customers of an instance.
        most: customers of an instance.
        shortest: customers that fill a vehicle, about.
        longest: customers that fill a vehicle, about.
        imitation: share of the time in which it imitates routes of ruin and recreate, before it
            learns from its own.
        labelled: instances of a round of imitation.
        label_iterations: of ruin and recreate on each customer of those.
        epochs: over the labelled instances.
        batch: instances of a step of reinforcement.
        starts: first customers of each: rollouts that share a baseline.
        steps: of a round of reinforcement.
        rate: of learning, at first; it falls to a hundredth.
        trials: larger instances that each round is tried on.
        trial_customers: of those.
    """

    fewest: int = 20
    most: int = 60
    shortest: float = 3.0
    longest: float = 20.0
    imitation: float = 0.5
    labelled: int = 192
    label_iterations: int = 50
    epochs: int = 8
    batch: int = 24
    starts: int = 16
    steps: int = 24
    rate: float = 0.002
    trials: int = 16
    trial_customers: int = 100

    def __post_init__(self) -> None:
        for name in ("labelled", "label_iterations", "epochs", "batch", "steps", "trials"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.starts < 2:
            raise ValueError(f"starts must be at least 2, got {self.starts}")
        if not 2 <= self.fewest <= self.most <= 1000:
            raise ValueError(
                f"customers must be 2 to 1000, fewest to most, got {self.fewest} to {self.most}"
            )
        if not 1.0 <= self.shortest <= self.longest:
            raise ValueError(
                f"routes must have 1 customer at least, got {self.shortest} to {self.longest}"
            )
        if not 0.0 <= self.imitation <= 1.0 or not 0.0 < self.rate < 1.0:
            raise ValueError("imitation must be 0 to 1, rate above 0 and below 1")


@dataclass(frozen=True)
class RouteTrainConfig:
    """A run that learns to route.

    Attributes:
        game: `logistics/cvrp`.
        minutes: stop after so many minutes; 0 for no limit.
        iterations: stop after so many rounds; 0 for no limit.
        cpu_minutes: stop after so many minutes of processor time; 0 for no limit.
        seed: all that is random follows from it.
        keep_checkpoints: newest checkpoints that are kept.
        routing: how it learns.
        route_net: the size of its network.
    """

    game: str = ROUTES
    minutes: float = 10.0
    iterations: int = 0
    cpu_minutes: float = 0.0
    seed: int = 1
    keep_checkpoints: int = 3
    routing: RouteLearningConfig = field(default_factory=RouteLearningConfig)
    route_net: RouteNetConfig = field(default_factory=RouteNetConfig)

    def __post_init__(self) -> None:
        if self.minutes < 0 or self.iterations < 0 or self.cpu_minutes < 0:
            raise ValueError("minutes, iterations and cpu_minutes must be at least 0")
        if not (self.minutes or self.iterations or self.cpu_minutes):
            raise ValueError("give a limit: minutes, iterations or cpu_minutes")
        if self.keep_checkpoints < 1:
            raise ValueError(f"keep_checkpoints must be at least 1, got {self.keep_checkpoints}")

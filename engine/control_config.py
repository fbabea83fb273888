"""Settings of learning to control an environment with continuous actions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tesuji.nets.config import ControlNetConfig
from tesuji.search.trajectory.settings import (
    PolishSettings,
    RandomSearchSettings,
    TrajectorySettings,
)

_PRESETS = Path(__file__).parent / "presets"  # what environments are best learned by


@dataclass(frozen=True)
class ControlLearningConfig:
    """How policy and value are learned from a trajectory planner.

    Attributes:
        steps: real steps of a round; an episode that is under way then is left.
        episode_steps: after which an episode is left; 0 for what the environment allows.
        imagined: states that a round plans from besides, without real steps: stored ones, which are
            so planned anew with the newest networks, or what they lead to in the model.
        wander: steps of the model, at most, that lead away from a stored state, all by one action.
        beginnings: share of the imagined states that start from a reset instead.
        window: newest plans that are learned from.
        horizon: steps of the plans from imagined states, and of all plans that count for the value
            before its own word for the rest does; 0 for the planner's horizon.
        taken: first steps of each plan whose states are learned from.
        updates: steps of gradient descent in a round.
        batch: states of one.
        rate: of learning, at first; it falls to a tenth.
        imitation: weight of the policy's loss against the value's; 0 leaves a policy that was
            searched for as it is.
    """

    steps: int = 250
    episode_steps: int = 0
    imagined: int = 250
    wander: int = 0
    beginnings: float = 0.0
    window: int = 8000
    horizon: int = 0
    taken: int = 6
    updates: int = 300
    batch: int = 256
    rate: float = 0.003
    imitation: float = 1.0

    def __post_init__(self) -> None:
        for name in ("steps", "window", "taken", "updates", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("episode_steps", "imagined", "wander", "horizon"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        if not 0.0 <= self.beginnings <= 1.0 or not 0.0 < self.rate < 1.0:
            raise ValueError("beginnings must be 0 to 1, rate above 0 and below 1")
        if self.imitation < 0:
            raise ValueError(f"imitation must be at least 0, got {self.imitation}")


@dataclass(frozen=True)
class PracticeConfig:
    """How policy and value are learned in the model instead, from what the policy does there.

    Attributes:
        steps: of the model in a round, of all lanes together; 0 to learn from the planner.
        lanes: episodes side by side.
        length: steps of a lane that are learned from at a time.
        passes: over what is learned from, at most.
        trace: weight of later surprises against the value's own word; 0 trusts the value.
        living: what is taken from each reward, so that to go on is not worth all by itself.
        cost: what a violation by 1 costs, as reward; towards the end of a run ten times that.
    """

    steps: int = 0
    lanes: int = 64
    length: int = 64
    passes: int = 5
    trace: float = 0.95
    living: float = 0.0
    cost: float = 5.0

    def __post_init__(self) -> None:
        for name in ("lanes", "length", "passes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.steps < 0 or self.cost < 0:
            raise ValueError("steps and cost must be at least 0")
        if not 0.0 <= self.trace <= 1.0:
            raise ValueError(f"trace must be 0 to 1, got {self.trace}")


@dataclass(frozen=True)
class ControlTrainConfig:
    """A run that learns to control an environment.

    Attributes:
        game: the environment.
        minutes: stop after so many minutes; 0 for no limit.
        iterations: stop after so many rounds; 0 for no limit.
        cpu_minutes: stop after so many minutes of processor time; 0 for no limit.
        seed: all that is random follows from it.
        keep_checkpoints: newest checkpoints that are kept.
        constraints: what must hold, in training as well.
        agent: to begin with: `net` for the one that ships, or the folder of a run; no policy is
            searched for then, and the scales of observations stay.
        control: how it learns.
        random_search: how a policy to begin with is searched for in the model.
        polish: how the policy is improved so, after some of the rounds.
        practice: how it practises, where it does.
        trajectory: how it plans; a discount below 1 bounds what lies beyond the horizon.
        control_net: the networks.
    """

    game: str
    minutes: float = 10.0
    iterations: int = 0
    cpu_minutes: float = 0.0
    seed: int = 1
    keep_checkpoints: int = 3
    constraints: tuple[str, ...] = ()
    agent: str = ""
    control: ControlLearningConfig = field(default_factory=ControlLearningConfig)
    random_search: RandomSearchSettings = field(default_factory=RandomSearchSettings)
    polish: PolishSettings = field(default_factory=PolishSettings)
    practice: PracticeConfig = field(default_factory=PracticeConfig)
    trajectory: TrajectorySettings = field(default_factory=TrajectorySettings)
    control_net: ControlNetConfig = field(default_factory=ControlNetConfig)

    def __post_init__(self) -> None:
        if self.minutes < 0 or self.iterations < 0 or self.cpu_minutes < 0:
            raise ValueError("minutes, cpu_minutes and iterations must be at least 0")
        if self.minutes == self.iterations == self.cpu_minutes == 0:
            raise ValueError("a run needs an end: give minutes, cpu_minutes or iterations")
        if self.keep_checkpoints < 1:
            raise ValueError(f"keep_checkpoints must be at least 1, got {self.keep_checkpoints}")
        if self.practice.steps and self.trajectory.discount == 1.0:
            raise ValueError("practice wants a discount below 1")
        if self.practice.steps and self.random_search.rounds:
            raise ValueError(
                "practice begins anew: polish.rounds follows it, random_search.rounds must be 0"
            )
        taken, horizon = self.control.taken, self.control.horizon
        if horizon > self.trajectory.horizon:
            raise ValueError(
                f"horizon must be at most the planner's of {self.trajectory.horizon}, got {horizon}"
            )
        if taken > self.lesson_horizon:
            raise ValueError(
                f"taken must be at most the horizon of {self.lesson_horizon}, got {taken}"
            )

    @property
    def lesson_horizon(self) -> int:
        """Return the steps of a plan that are learned from before the value of what is left."""
        return self.control.horizon or self.trajectory.horizon


def preset_of(name: str) -> Path | None:
    """Return the file of settings that ships for an environment, by its id or in snake case."""
    plain = re.sub(r"_?v\d+$", "", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_"))
    path = _PRESETS / f"{plain.lower()}.toml"
    return path if path.is_file() else None

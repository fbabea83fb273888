"""How trajectory search samples and improves, and how policies are searched for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Method = Literal["mppi", "cem", "icem"]


@dataclass(frozen=True)
class TrajectorySettings:
    """What all methods share; actions are scaled to [-1, 1].

    Attributes:
        method: `mppi` (Williams et al. 2017) averages samples weighted by their returns, `cem`
            (Rubinstein 1999) refits to the best, `icem` (Pinneri et al. 2020) also keeps the best
            from one decision to the next, samples fewer each time, and executes the best sample.
        samples: trajectories of the first iteration.
        iterations: of sampling and refitting, each decision.
        beginning: times as many iterations in the first decision, which has no earlier plan, and
            at most in others, as long as the best trajectory ends or violates something.
        horizon: steps that are looked ahead.
        deviation: of the first samples.
        least_deviation: below which none falls.
        exponent: of the noise's colour; 0 is white.
        knots: of the noise instead; 0 for coloured noise.
        elites: samples that `cem` and `icem` refit to.
        kept: share of the elites that `icem` keeps.
        momentum: of the old mean and deviation when refitted.
        temperature: of `mppi`, as a share of the spread of returns.
        decay: `icem` divides the samples by it each iteration.
        policy_samples: share of the first samples that the policy proposes, where there is one.
        departing: first steps in which the policy's samples depart from its mean; 0 for all.
        departure_cost: what departing from the policy's mean by its deviation costs, as reward; it
            grows as the square.
        discount: of later rewards.
        replan: steps of a plan that are followed before the next is made.
        survival: steps beyond the horizon whose mean reward a trajectory that ends forfeits, where
            no value says what it does.
        feedback: samples of an iteration that follow the best plan in a closed loop and uphill
            (`feedback.py`), where the model can.
    """

    method: Method = "icem"
    samples: int = 48
    iterations: int = 3
    beginning: int = 1
    horizon: int = 30
    deviation: float = 0.5
    least_deviation: float = 0.05
    exponent: float = 2.0
    knots: int = 0
    elites: int = 8
    kept: float = 0.3
    momentum: float = 0.1
    temperature: float = 0.1
    decay: float = 1.25
    policy_samples: float = 0.25
    departing: int = 0
    departure_cost: float = 0.0
    discount: float = 1.0
    replan: int = 1
    survival: int = 200
    feedback: int = 0

    def __post_init__(self) -> None:
        for name, least in (
            ("samples", 2),
            ("iterations", 1),
            ("beginning", 1),
            ("horizon", 2),
            ("elites", 1),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if not self.deviation > 0 or not self.temperature > 0:
            raise ValueError("deviation and temperature must be above 0")
        if self.knots == 1 or self.knots < 0:
            raise ValueError(f"knots must be 0 or at least 2, got {self.knots}")
        if not 0 <= self.kept <= 1 or not 0 <= self.policy_samples <= 1:
            raise ValueError("kept and policy_samples must lie between 0 and 1")
        if not 0 <= self.momentum < 1 or not 0 < self.discount <= 1:
            raise ValueError("momentum must be below 1, discount above 0 and at most 1")
        if self.departing < 0 or self.departure_cost < 0:
            raise ValueError("departing and departure_cost must be at least 0")
        if self.replan < 1 or self.survival < 0 or self.feedback < 0:
            raise ValueError("replan must be at least 1, survival and feedback at least 0")
        if self.decay < 1:
            raise ValueError(f"decay must be at least 1, got {self.decay}")


@dataclass(frozen=True)
class RandomSearchSettings:
    """How a policy is searched for.

    Attributes:
        rounds: of the search; 0 for none.
        searches: that begin, each in directions of its own, and from weights of its own where there
            is no policy yet.
        trial: rounds after which the best of several goes on alone.
        directions: that a round looks in, both ways.
        best: of them that the policy follows.
        steps: of an episode, at most.
        noise: how far a round looks, at first.
        narrowing: share of that which is left at last.
        rate: how far the policy moves, at first; it falls to a tenth.
        price: of violating constraints by one, in rewards.
    """

    rounds: int = 0
    searches: int = 1
    trial: int = 80
    directions: int = 16
    best: int = 8
    steps: int = 300
    noise: float = 0.03
    narrowing: float = 1.0
    rate: float = 0.04
    price: float = 3.0

    def __post_init__(self) -> None:
        if self.rounds < 0 or self.price < 0:
            raise ValueError("rounds and price must be at least 0")
        if self.searches < 1 or self.trial < 1 or self.steps < 1:
            raise ValueError("searches, trial and steps must be at least 1")
        if not 1 <= self.best <= self.directions:
            raise ValueError(f"best must be 1 to {self.directions} directions, got {self.best}")
        if not self.noise > 0 or not self.rate > 0 or not self.narrowing > 0:
            raise ValueError("noise, narrowing and rate must be above 0")


@dataclass(frozen=True)
class PolishSettings(RandomSearchSettings):
    """How a policy that was learned is improved by searches in between.

    Attributes:
        every: rounds of learning that come before each search.
    """

    steps: int = 1000
    noise: float = 0.003
    rate: float = 0.005
    price: float = 8.0
    every: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.every < 1:
            raise ValueError(f"every must be at least 1, got {self.every}")

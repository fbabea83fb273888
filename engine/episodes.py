"""Episodes of an environment by trajectory search: only what was checked is executed.

The model is the environment to the bit, so a trajectory that was checked is one that happens. Where
the search finds none that keeps all constraints over the whole horizon, the rest of the last one
that did is followed, as long as there is any.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.environments import Env
from tesuji.domains.robotics.models import Floats, Rollouts, make_model
from tesuji.nets.control_native import ControlAgent
from tesuji.search.trajectory.planner import Trajectory, TrajectoryPlanner
from tesuji.search.trajectory.settings import TrajectorySettings

if TYPE_CHECKING:
    from tesuji.search.trajectory.monitor import ConstraintMonitor

# Told of a step: the state, the action to be taken `[D]`, and the plan that was made there.
Record = Callable[[Moment, Floats, Trajectory | None], None]


@dataclass
class Episode:
    """What happened.

    Attributes:
        seed: of the environment.
        total: sum of the rewards.
        rewards: of each step.
        margins: of each constraint, the least within each step.
        violating: steps in which a constraint did not hold.
        stepped_in: decisions taken by the rest of an earlier trajectory, for want of a new one that
            keeps the constraints.
        unchecked: decisions taken though nothing was found that keeps them over the horizon.
        unmet: constraints whose goal has not come.
        milliseconds: that each decision took, by the clock.
        misses: decisions that took longer than the deadline.
        simulated: steps that were simulated.
        reward_error: greatest difference between a reward and what the model said.
        ended: whether the environment ended the episode itself.
        doing: what is being done where that is no step.
    """

    seed: int
    total: float = 0.0
    rewards: list[float] = field(default_factory=list)
    margins: dict[str, list[float]] = field(default_factory=dict)
    violating: int = 0
    stepped_in: list[int] = field(default_factory=list)
    unchecked: int = 0
    unmet: tuple[str, ...] = ()
    milliseconds: list[float] = field(default_factory=list)
    misses: int = 0
    simulated: int = 0
    reward_error: float = 0.0
    ended: bool = False
    doing: str = ""

    def decide(self, seconds: float, deadline: float | None) -> None:
        """Note how long a decision took, and how long it might."""
        self.milliseconds.append(1000 * seconds)
        self.misses += deadline is not None and seconds > deadline

    def take(self, reward: float, ended: bool, expected: float) -> None:
        """Note a step: its reward, whether it ended the episode, what the model had said."""
        self.rewards.append(reward)
        self.total += reward
        self.ended = ended
        self.reward_error = max(self.reward_error, abs(reward - expected))

    def judge(self, margins: Mapping[str, float], broken: bool) -> None:
        """Note the margins of a step's constraints, and whether one that must hold did not."""
        for name, margin in margins.items():
            self.margins.setdefault(name, []).append(margin)
        self.violating += broken

    def facts(self) -> dict[str, Any]:
        """Return the episode in numbers."""
        slow = np.percentile(self.milliseconds, [50, 99]) if self.milliseconds else (0.0, 0.0)
        return {
            "seed": self.seed,
            "return": round(self.total, 4),
            "steps": len(self.rewards),
            "violating_steps": self.violating,
            "interventions": len(self.stepped_in),
            "unchecked_steps": self.unchecked,
            "unmet": list(self.unmet),
            "decision_ms_p50": round(float(slow[0]), 3),
            "decision_ms_p99": round(float(slow[1]), 3),
            "deadline_misses": self.misses,
            "simulated_steps": self.simulated,
            "reward_error": float(f"{self.reward_error:.3g}"),
        }


class Runner:
    """Runs episodes.

    Args:
        domain: the environment; with continuous actions.
        settings: of the search.
        constraints: as text, over the model's quantities.
        deadline: seconds that a decision may take; None for no limit.

    Attributes:
        agent: whose value judges the ends of trajectories, and whose policy proposes some.
        monitor: says how constraints stand, where there are any.

    Raises:
        ConstraintError: a constraint cannot be used.
        EnvironmentRefusedError: the environment has no continuous actions.
    """

    def __init__(
        self,
        domain: EnvironmentDomain,
        settings: TrajectorySettings,
        constraints: Sequence[str] = (),
        deadline: float | None = None,
        agent: ControlAgent | None = None,
    ) -> None:
        self.agent = agent
        self.domain, self._settings, self._deadline = domain, settings, deadline
        self.model = make_model(domain)
        self.monitor: ConstraintMonitor | None = None
        if constraints:
            from tesuji.search.trajectory.monitor import ConstraintMonitor  # noqa: PLC0415 - z3

            self.monitor = ConstraintMonitor(self.model, constraints)

    def run(
        self,
        seed: int,
        most_steps: int | None = None,
        record: Record | None = None,
    ) -> Iterator[Episode]:
        """Yield one episode, the same that grows with each step.

        Args:
            seed: of the environment and of the search.
            most_steps: to take; None for what the environment allows.
            record: is told of each step before it is taken.
        """
        episode, most = Episode(seed), most_steps or self.domain.spec.max_steps
        planner, self._record = self.planner(seed), record
        state = self.domain.reset(seed)
        if self.monitor is not None:
            self.monitor.begin(state, most)
        self.model.roll(state, np.zeros((1, 1, self.model.low.size)))  # compiles, before the clock
        self._plan = np.zeros((0, self.model.low.size))  # what is left of it
        self._foreseen: Rollouts | None = None  # what it leads to, from where it began
        self._ahead, self._checked = 0, False  # steps to the next decision; whether it was checked
        while len(episode.rewards) < most and not episode.ended:
            state = self._step(episode, planner, state)
            yield episode

    @property
    def env(self) -> Env:
        """Return the environment."""
        return self.domain.env

    @property
    def name(self) -> str:
        """Return the environment's name."""
        return self.domain.spec.name

    def look(self, planner: TrajectoryPlanner, state: Moment) -> Trajectory:
        """Return a plan from a state that is part of no episode."""
        planner.begin()
        if self.monitor is not None:
            self.monitor.begin(state)
        return planner.plan(state)

    def violations(self, state: Moment, rollouts: Rollouts, actions: Floats) -> Floats:
        """Return by how much episodes `[B]` in the model violate the constraints.

        Args:
            state: that they start from.
            rollouts: what they led to.
            actions: of them `[B, H, D]`, in the environment's units.
        """
        if self.monitor is None:
            return np.zeros(len(actions))
        self.monitor.begin(state, actions.shape[1])
        return self.monitor.judge(state, rollouts, actions).violations

    def planner(self, seed: int, horizon: int | None = None) -> TrajectoryPlanner:
        """Return a planner of the environment, guided by the agent; its horizon may be another."""
        settings = self._settings if horizon is None else replace(self._settings, horizon=horizon)
        value, policy = (None, None) if self.agent is None else (self.agent.value, self.agent)
        return TrajectoryPlanner(self.model, settings, self.monitor, value, policy, seed=seed)

    def close(self) -> None:
        """End the environment."""
        self.domain.env.close()

    def describe(self) -> dict[str, Any]:
        """Return what results depend on."""
        import mujoco  # noqa: PLC0415 - loaded with the model

        return {
            "environment": self.domain.spec.name,
            "model": type(self.model).__name__,
            "mujoco": mujoco.__version__,
        }

    def _step(self, episode: Episode, planner: TrajectoryPlanner, state: Moment) -> Moment:
        found = None
        if self._ahead == 0:
            found = self._decide(episode, planner, state)
            self._ahead = self._settings.replan
        assert self._foreseen is not None
        number = self._foreseen.rewards.shape[1] - len(self._plan)
        taken = self._foreseen.part(slice(0, 1), slice(number, number + 1))
        action = self._plan[:1]
        self._plan, self._ahead = self._plan[1:], min(self._ahead, len(self._plan)) - 1
        if self._record is not None:
            self._record(state, action[0], found)
        after, reward, discount = self.domain.step_by(state, action[0].astype(np.float32))
        episode.take(reward, discount == 0.0, float(taken.rewards[0, 0]))
        if self.monitor is not None:
            episode.judge(*self.monitor.advance(state, taken, action[None]))
            episode.unmet = self.monitor.unmet
        return after

    def _decide(self, episode: Episode, planner: TrajectoryPlanner, state: Moment) -> Trajectory:
        """Plan, and follow what was found if it was checked, else the rest of what was."""
        began = time.perf_counter()
        found = planner.plan(state, self._deadline)
        if found.violation == 0.0:
            self._plan, self._foreseen, self._checked = found.actions, found.rollouts, True
            if self.monitor is not None:
                self.monitor.promise(state, found.rollouts, found.actions[None])
        elif self._checked and len(self._plan):
            episode.stepped_in.append(len(episode.rewards))
        else:
            self._plan, self._foreseen, self._checked = found.actions, found.rollouts, False
            episode.unchecked += 1
        episode.simulated += found.simulated
        episode.decide(time.perf_counter() - began, self._deadline)
        return found

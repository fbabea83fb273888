"""Episodes of environments with discrete actions: by a shortest plan, or by tree search.

MiniGrid's environments whose rules are compiled are planned whole, from all that is there, not only
from what the agent sees; the plan is then carried out in the environment itself. In others each
decision is a tree search, whose leaves are judged by random rollouts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tesuji.domains.robotics.environments import Env, EnvironmentRefusedError
from tesuji.domains.robotics.grid import is_grid, look, make_grid
from tesuji.engine.episodes import Episode
from tesuji.engine.errors import UsageError
from tesuji.engine.maze_task import DOMAIN, MazeTask
from tesuji.engine.task_level import TaskEpisode
from tesuji.engine.tree_episodes import TreeRunner
from tesuji.search.planning.grid_limits import NO_LIMITS
from tesuji.search.planning.grid_search import GridPlan, Outcome, find_shortest

if TYPE_CHECKING:
    from tesuji.domains.compiled import CompiledDomain
    from tesuji.search.symbolic.grid_constraints import GridConstraints
    from tesuji.search.symbolic.grid_monitor import GridMonitor


@dataclass
class GridEpisode(Episode):
    """What happened by a plan.

    Attributes:
        plan: what was planned.
        constraints: names of those that it keeps.
    """

    plan: GridPlan = field(default_factory=lambda: GridPlan(Outcome.UNKNOWN))
    constraints: tuple[str, ...] = ()

    @property
    def actions(self) -> tuple[int, ...]:
        """Return the actions of the plan."""
        return self.plan.actions

    def facts(self) -> dict[str, Any]:
        """Return the episode in numbers."""
        return {
            **super().facts(),
            "plan": self.plan.outcome.value,
            "plan_length": len(self.plan.actions),
            "lower_bound": self.plan.bound,
            "constraints": list(self.constraints),
            "solved": bool(self.rewards) and self.rewards[-1] > 0.0,
            "pattern_parts": self.plan.parts,
            "pattern_states": self.plan.abstract_states,
            "states": self.plan.states,
        }


class GridRunner:
    """Runs episodes of MiniGrid by shortest plans.

    Args:
        env: one whose rules are compiled.
        tasks: whether a symbolic plan chooses the order of what is done, not a shortest plan.
        constraints: as text, over what `look` tells of the agent, and its action.

    Raises:
        EnvironmentRefusedError: it is none, or its mission has no task level.
        ConstraintError: a constraint cannot be used.
    """

    def __init__(self, env: Env, tasks: bool = False, constraints: Sequence[str] = ()) -> None:
        self._tasks = tasks
        env.reset(seed=0)
        self.env, domain = env, make_grid(env)
        self.name = domain.spec.name
        self._constraints: GridConstraints | None = None
        if constraints:
            from tesuji.search.symbolic.grid_constraints import (  # noqa: PLC0415 - z3
                GridConstraints,
            )

            self._constraints = GridConstraints(domain, constraints)
            if tasks and self._constraints.to_come:
                raise EnvironmentRefusedError(
                    f"{self.name}: at the task level constraints hold always; eventually and until "
                    "are for its shortest plans"
                )
        # The kernels are ready before a plan's time is taken.
        _ = MazeTask(domain, self._constraints) if tasks else self._plan(domain, 0)

    def run(self, seed: int, most_steps: int | None = None) -> Iterator[Episode]:
        """Yield one episode, the same that grows, before the first step and after each.

        Raises:
            UsageError: its start breaks a constraint.
        """
        self.env.reset(seed=seed)
        self._check_start(seed)
        domain = make_grid(self.env)
        episode: GridEpisode | TaskEpisode
        if self._tasks:
            episode = TaskEpisode(seed)
            task = MazeTask(domain, self._constraints)
            yield from episode.make_plan(domain.reset(), DOMAIN, task)
        else:
            episode = self._plan(domain, seed)
            yield episode
        state, monitor = domain.reset(), self._monitor()
        if monitor is not None:
            episode.unmet = monitor.unmet
        for action in episode.actions[:most_steps]:
            before = look(self.env)
            _, reward, terminated, truncated, _ = self.env.step(action)
            state, expected, _ = domain.step(state, action)
            episode.take(float(reward), terminated or truncated, expected)
            if monitor is not None:
                episode.judge({}, bool(monitor.advance(before, action, look(self.env))))
                episode.unmet = monitor.unmet
            if isinstance(episode, TaskEpisode):
                episode.solved = float(reward) > 0.0
            yield episode

    def close(self) -> None:
        """End the environment."""
        self.env.close()

    def describe(self) -> dict[str, Any]:
        """Return what results depend on."""
        return {
            "environment": self.name,
            "model": "compiled grid",
            "method": "tasks" if self._tasks else "shortest plan",
        }

    def _monitor(self) -> GridMonitor | None:
        if self._constraints is None:
            return None
        from tesuji.search.symbolic.grid_monitor import GridMonitor  # noqa: PLC0415 - z3

        return GridMonitor(self._constraints, look(self.env))

    def _check_start(self, seed: int) -> None:
        if self._constraints is not None:
            reason = self._constraints.reason(look(self.env))
            if reason is not None:
                raise UsageError(f"seed {seed}: the start breaks {reason}")

    def _plan(self, domain: CompiledDomain, seed: int) -> GridEpisode:
        limits, names = NO_LIMITS, tuple[str, ...]()
        if self._constraints is not None:
            limits, names = self._constraints.limits, self._constraints.names
        began = time.perf_counter()
        try:
            plan = find_shortest(domain.instance, limits=limits)
        except ValueError as error:
            raise EnvironmentRefusedError(f"{self.name}: {error}") from None
        episode = GridEpisode(seed, plan=plan, constraints=names)
        episode.decide(time.perf_counter() - began, None)
        episode.simulated = plan.abstract_states + plan.states
        return episode


def refuse_decisions(name: str, simulations: int | None, deadline: float | None) -> None:
    """Raise an error where flags of decisions are given for what is planned whole."""
    given = {"--sims": simulations, "--deadline-ms": deadline}
    idle = [flag for flag, value in given.items() if value is not None]
    if idle:
        raise UsageError(f"{', '.join(idle)}: {name} is planned whole, before the first step")


def open_discrete(
    env: Env,
    simulations: int | None = None,
    constraints: Sequence[str] = (),
    deadline: float | None = None,
    tasks: bool = False,
) -> GridRunner | TreeRunner:
    """Return a runner for an environment with discrete actions.

    Raises:
        ValueError: it cannot be planned in, or a constraint cannot be used.
        UsageError: flags of decisions, of which it has none.
    """
    note = ""
    if is_grid(env):
        try:
            runner = GridRunner(env, tasks, constraints)
        except EnvironmentRefusedError as error:
            if tasks:
                raise
            note = str(error)
        else:
            refuse_decisions(runner.name, simulations, deadline)
            return runner
    if tasks:
        raise EnvironmentRefusedError("only MiniGrid and FetchTwoBlocks have a task level")
    return TreeRunner(env, simulations, constraints, deadline, note)

"""Tasks and motions: a symbolic plan says what to do, a motion search does it.

The plan is one of a PDDL task. Each of its actions is tried by the motion search, in the simulator,
from where the one before it ended. What fails becomes a clause, facts of the task that forbid it as
long as what was in the way is as it was, and the planner is asked again (Srivastava et al. 2014;
Garrett et al. 2021). Motions that were found are kept. Only a plan whose every motion was found is
carried out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.validation import Step
from tesuji.engine.episodes import Episode
from tesuji.engine.planning import answers, load_kernels
from tesuji.engine.solving import SolveBudget, SolveClock

Listener = Callable[[Episode], None] | None
_SECONDS = 5.0  # of a symbolic plan


@dataclass(frozen=True)
class Motion:
    """How a symbolic action is carried out.

    Attributes:
        actions: of the environment, one after the other.
        after: the state that they lead to.
        simulated: steps that were simulated to find them.
    """

    actions: Sequence[Any]
    after: Any
    simulated: int


@dataclass(frozen=True)
class Failure:
    """Why an action is not carried out.

    Attributes:
        clause: facts of the task, in PDDL, that forbid it.
        simulated: steps that were simulated in vain.
    """

    clause: str
    simulated: int


class Mover(Protocol):
    """A task, and what finds its motions."""

    def problem(self, clauses: Sequence[str]) -> str:
        """Return the task in PDDL, with clauses that were learned."""
        ...

    def attempt(self, state: Any, step: Step) -> Motion | Failure:
        """Return how a symbolic action is carried out from a state, or why it is not."""
        ...


@dataclass(frozen=True)
class TaskPlan:
    """What came of a task.

    Attributes:
        steps: the symbolic plan; empty where none is left that might work.
        motions: of each step.
        failed: actions that failed, in their order.
        plans: symbolic plans that were asked for.
        simulated: steps that were simulated.
    """

    steps: tuple[Step, ...]
    motions: tuple[Motion, ...]
    failed: tuple[Step, ...]
    plans: int
    simulated: int


def plan_task(
    state: Any,
    domain: str,
    mover: Mover,
    listen: Callable[[Step, bool], None] = lambda step, works: None,
    most_plans: int = 50,
) -> TaskPlan:
    """Return a plan whose every action has a motion.

    Args:
        state: where it begins.
        domain: PDDL.
        mover: the task, and what finds its motions.
        listen: is told of each action that was tried, and whether it works.
        most_plans: symbolic plans that are asked for.
    """
    load_kernels()
    known: dict[tuple[Step, ...], Motion] = {}
    clauses: list[str] = []
    failed: list[Step] = []
    simulated = 0
    for number in range(most_plans):
        task = parse_task(domain, mover.problem(clauses))
        *_, answer = answers(task, SolveClock(SolveBudget(seconds=_SECONDS)))
        if answer.plan is None:
            return TaskPlan((), (), tuple(failed), number + 1, simulated)
        for length in range(1, len(answer.plan) + 1):
            way = answer.plan[:length]
            if way in known:
                continue
            found = mover.attempt(known[way[:-1]].after if length > 1 else state, way[-1])
            simulated += found.simulated
            listen(way[-1], isinstance(found, Motion))
            if isinstance(found, Failure):
                clauses.append(found.clause)
                failed.append(way[-1])
                break
            known[way] = found
        else:
            motions = tuple(known[answer.plan[: i + 1]] for i in range(len(answer.plan)))
            return TaskPlan(answer.plan, motions, tuple(failed), number + 1, simulated)
    return TaskPlan((), (), tuple(failed), most_plans, simulated)


@dataclass
class TaskEpisode(Episode):
    """What happened by a symbolic plan.

    Attributes:
        tried: symbolic actions that motions were sought for, and whether one was found.
        plan: what was planned.
        solved: whether the last step reached the goal.
    """

    tried: list[tuple[Step, bool]] = field(default_factory=list)
    plan: TaskPlan | None = None
    solved: bool = False

    def facts(self) -> dict[str, Any]:
        """Return the episode in numbers."""
        plan = self.plan
        return {
            **super().facts(),
            "tasks": [] if plan is None else [" ".join(step) for step in plan.steps],
            "failed": [" ".join(step) for step, works in self.tried if not works],
            "symbolic_plans": 0 if plan is None else plan.plans,
            "solved": self.solved,
        }

    def make_plan(
        self, state: Any, domain: str, mover: Mover, listen: Listener = None
    ) -> list[Any]:
        """Make the plan; return its actions, those of all motions."""

        def note(step: Step, works: bool) -> None:
            self.tried.append((step, works))
            if listen is not None:
                listen(self)

        began = time.perf_counter()
        self.plan = plan_task(state, domain, mover, note)
        self.simulated = self.plan.simulated
        self.milliseconds.append(1000 * (time.perf_counter() - began))
        return [action for motion in self.plan.motions for action in motion.actions]

"""Tasks and motions: a symbolic plan says what to do, a motion search does it.

The plan is one of a PDDL task. Each of its actions is tried by the motion search, in the simulator,
from where the one before it ended. What fails becomes a clause, facts of the task that forbid it as
long as what was in the way is as it was, and the planner is asked again (Srivastava et al. 2014;
Garrett et al. 2021). Motions that were found are kept. Only a plan whose every motion was found is
carried out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.validation import Step
from tesuji.engine.episodes import Episode
from tesuji.engine.planning import answers, load_kernels
from tesuji.engine.solving import SolveBudget, SolveClock

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
    """How a task stands, or what came of it.

    Attributes:
        steps: the symbolic plan; empty where there is none, in the end where none might work.
        motions: of its first steps, in the end of each.
        failed: actions that failed, in their order.
        plans: symbolic plans that were asked for.
        simulated: steps that were simulated.
        exhausted: whether the clauses leave no symbolic plan.
    """

    steps: tuple[Step, ...] = ()
    motions: tuple[Motion, ...] = ()
    failed: tuple[Step, ...] = ()
    plans: int = 0
    simulated: int = 0
    exhausted: bool = False


def plan_task(
    state: Any,
    domain: str,
    mover: Mover,
    most_plans: int = 50,
) -> Iterator[TaskPlan]:
    """Yield a plan before each motion is sought, and at last one whose every action has a motion.

    Args:
        state: where it begins.
        domain: PDDL.
        mover: the task, and what finds its motions.
        most_plans: symbolic plans that are asked for.
    """
    load_kernels()
    known: dict[tuple[Step, ...], Motion] = {}
    clauses: list[str] = []
    plan = TaskPlan()
    while plan.plans < most_plans:
        yield plan
        task = parse_task(domain, mover.problem(clauses))
        *_, answer = answers(task, SolveClock(SolveBudget(seconds=_SECONDS)))
        plan = replace(
            plan, steps=answer.plan or (), motions=(), plans=plan.plans + 1,
            exhausted=answer.status == "unsolvable",
        )  # fmt: skip
        for length in range(1, len(plan.steps) + 1):
            way = plan.steps[:length]
            if way not in known:
                yield plan
                found = mover.attempt(known[way[:-1]].after if length > 1 else state, way[-1])
                plan = replace(plan, simulated=plan.simulated + found.simulated)
                if isinstance(found, Failure):
                    clauses.append(found.clause)
                    plan = replace(plan, steps=(), motions=(), failed=(*plan.failed, way[-1]))
                    break
                known[way] = found
            plan = replace(plan, motions=(*plan.motions, known[way]))
        else:
            break
    yield plan


@dataclass
class TaskEpisode(Episode):
    """What happened by a symbolic plan.

    Attributes:
        plan: what was planned.
        solved: whether the last step reached the goal.
    """

    plan: TaskPlan = field(default_factory=TaskPlan)
    solved: bool = False

    @property
    def actions(self) -> list[Any]:
        """Return the actions of all motions."""
        return [action for motion in self.plan.motions for action in motion.actions]

    def facts(self) -> dict[str, Any]:
        """Return the episode in numbers."""
        return {
            **super().facts(),
            "tasks": [" ".join(step) for step in self.plan.steps],
            "failed": [" ".join(step) for step in self.plan.failed],
            "symbolic_plans": self.plan.plans,
            "no_plan_left": self.plan.exhausted,
            "solved": self.solved,
        }

    def make_plan(self, state: Any, domain: str, mover: Mover) -> Iterator[TaskEpisode]:
        """Yield the episode before each motion is sought, and with the plan."""
        began = time.perf_counter()
        for self.plan in plan_task(state, domain, mover):
            number, steps = len(self.plan.motions), self.plan.steps
            self.doing = (
                f"motion {number + 1} of {len(steps)}: {' '.join(steps[number])}"
                if number < len(steps)
                else f"symbolic plan {self.plan.plans + 1}"
            )
            yield self
        self.doing = ""
        self.simulated = self.plan.simulated
        self.decide(time.perf_counter() - began, None)
        yield self

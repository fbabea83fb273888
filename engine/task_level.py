"""Tasks and motions: a symbolic plan says what to do, a motion search does it.

The plan is one of a PDDL task. Each of its actions is tried by the motion search, in the simulator,
from where the one before it ended. What fails becomes a clause: the action, with all that its
arguments say of the situation, is a fact `failed-NAME` of the task, which forbids it, and the
planner is asked again (Srivastava et al. 2014; Garrett et al. 2021 call it a conflict). Motions
that were found are kept. Only a plan whose every motion was found is carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.validation import Step
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


class Mover(Protocol):
    """Finds motions."""

    def attempt(self, state: Any, step: Step) -> Motion | int:
        """Return how a symbolic action is carried out from a state.

        Where none is found, return how many steps were simulated.
        """
        ...


@dataclass(frozen=True)
class TaskPlan:
    """What came of a task.

    Attributes:
        steps: the symbolic plan; empty where none is left that might work.
        motions: of each step.
        clauses: actions that failed, in their order.
        plans: symbolic plans that were asked for.
        simulated: steps that were simulated.
    """

    steps: tuple[Step, ...]
    motions: tuple[Motion, ...]
    clauses: tuple[Step, ...]
    plans: int
    simulated: int


def plan_task(
    state: Any,
    domain: str,
    problem: Callable[[Sequence[str]], str],
    mover: Mover,
    listen: Callable[[Step, bool], None] = lambda step, works: None,
    most_plans: int = 50,
) -> TaskPlan:
    """Return a plan whose every action has a motion.

    Args:
        state: where it begins.
        domain: PDDL, in which each action `NAME` forbids `(failed-NAME ...)` of its arguments.
        problem: PDDL, with more facts at first.
        mover: finds motions.
        listen: is told of each action that was tried, and whether it works.
        most_plans: symbolic plans that are asked for.
    """
    load_kernels()
    known: dict[tuple[Step, ...], Motion] = {}
    clauses: list[Step] = []
    simulated = 0
    for number in range(most_plans):
        facts = [f"(failed-{' '.join(step)})" for step in clauses]
        task = parse_task(domain, problem(facts))
        *_, answer = answers(task, SolveClock(SolveBudget(seconds=_SECONDS)))
        if answer.plan is None:
            return TaskPlan((), (), tuple(clauses), number + 1, simulated)
        for length in range(1, len(answer.plan) + 1):
            way = answer.plan[:length]
            if way not in known:
                before = known[way[:-1]].after if length > 1 else state
                found = mover.attempt(before, way[-1])
                works = isinstance(found, Motion)
                listen(way[-1], works)
                simulated += found.simulated if isinstance(found, Motion) else found
                if not isinstance(found, Motion):
                    clauses.append(way[-1])
                    break
                known[way] = found
        else:
            motions = tuple(known[answer.plan[: i + 1]] for i in range(len(answer.plan)))
            return TaskPlan(answer.plan, motions, tuple(clauses), number + 1, simulated)
    return TaskPlan((), (), tuple(clauses), most_plans, simulated)

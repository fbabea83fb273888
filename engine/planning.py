"""Plans for PDDL tasks: read, grounded, searched, each validated before it is shown."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from tesuji.domains.logistics.pddl.finite_domain import (
    FiniteDomain,
    make_finite_domain,
)
from tesuji.domains.logistics.pddl.grounding import MAX_OPERATORS, Grounder
from tesuji.domains.logistics.pddl.operators import Operators, make_operators
from tesuji.domains.logistics.pddl.parser import load_task, parse_task
from tesuji.domains.logistics.pddl.syntax import Task
from tesuji.domains.logistics.pddl.validation import Step, validate_plan
from tesuji.engine.plan_bounds import BoundThread, load_bound_kernels
from tesuji.engine.plan_config import Guide, Planner
from tesuji.engine.solving import Listener, SolveBudget, SolveClock, SolveProgress
from tesuji.search.planning.planner import PlanSearch, PlanStep
from tesuji.search.planning.proofs import BoundProof

if TYPE_CHECKING:
    from tesuji.engine.plan_rules import PlanRules
    from tesuji.search.planning.horizon import HorizonSearch

_LOG = logging.getLogger(__name__)
UNREACHABLE = "the goal cannot be reached even if no action ever made an atom false"
_TOY = """(define (domain toy) (:predicates (p) (q)) (:action a :precondition (p) :effect (q)))"""
_TOY_PROBLEM = "(define (problem toy) (:domain toy) (:init (p)) (:goal (q)))"


@dataclass(frozen=True)
class PlanAnswer:
    """What was found for a task.

    Attributes:
        status: `optimal` (cost meets bound), `solved`, `unsolvable` (proven), or `unknown`.
        plan: the best plan, None where there is none.
        cost: what it costs by the task's metric.
        bound: no plan costs less; proven. -inf where the metric is no sum of costs.
        reason: why a task is unsolvable.
        evaluated: states that were judged.
        generated: successors.
        seconds: in all; `ground_seconds` of it before the search.
        first: `(cost, seconds)` of the first plan.
        grounded: the task in all its forms.
        proof: of the bound or of a lower one, where search proved more.
    """

    status: str
    plan: tuple[Step, ...] | None
    cost: float | None
    bound: float
    reason: str
    evaluated: int
    generated: int
    seconds: float
    ground_seconds: float
    first: tuple[float, float] | None
    grounded: GroundTask
    proof: BoundProof | None = None


@dataclass(frozen=True)
class GroundTask:
    """A task in all its forms."""

    task: Task
    operators: Operators
    variables: FiniteDomain
    rules: PlanRules | None = None

    @property
    def adds_up(self) -> bool:
        """Return whether what a plan costs is `least` and what its operators cost."""
        return self.operators.ground.grounder.numbers.exact

    @property
    def least(self) -> float:
        """Return what every plan costs at least; -inf where nothing is known of that."""
        return self.operators.ground.grounder.numbers.offset if self.adds_up else -float("inf")

    def steps(self, plan: Sequence[int]) -> tuple[Step, ...]:
        """Return a plan as the user's actions."""
        named = (self.operators.action(int(self.variables.operator[op])) for op in plan)
        return tuple(step for step in named if step[0])


def ground(task: Task, most: int = MAX_OPERATORS, rules: PlanRules | None = None) -> GroundTask:
    """Ground a task, with side constraints if there are any.

    Raises:
        GroundingError: it has more than `most` ground actions.
        PddlError: it needs what is not supported.
    """
    if rules is None:
        operators = make_operators(Grounder(task), most)
        return GroundTask(task, operators, make_finite_domain(operators))
    operators = make_operators(Grounder(task, rules.wanted.atoms, rules.wanted.numbers), most)
    variables = rules.applied(operators, make_finite_domain(operators))
    return GroundTask(task, operators, variables, rules)


def solve_task(
    domain: str | Path,
    problem: str | Path,
    budget: SolveBudget,
    listener: Listener = lambda _: None,
    stop: Event | None = None,
    most: int = MAX_OPERATORS,
    constraints: Sequence[str] = (),
    guide: Guide | None = None,
    planner: Planner = "search",
) -> PlanAnswer:
    """Search for cheaper and cheaper plans until the budget is spent or one is optimal.

    Args:
        domain: the domain's file.
        problem: the problem's file.
        budget: limits; the clock starts when the kernels are loaded.
        listener: told of each better plan, and about ten times a second.
        stop: set it from another thread to end with what is known.
        most: ground actions that there may be.
        constraints: what must hold besides, in every state or before every action; see
            docs/planning.md.
        guide: a learned ranking to guide a search beside the planner's own, until there is a plan.
        planner: with `novelty` a search for novel states takes turns with the other until there
            is a plan; `smt` asks z3 for the shortest plan first, and for a proof that there is
            none.

    Raises:
        ConstraintError: a constraint cannot be read, or contradicts the task or others.
        PddlError: a file is not PDDL, or needs what is not supported; it says where.
        GroundingError: there are more than `most` ground actions.
        UsageError: the guide is for another domain.
        PlanFault: a plan that was found is not valid: a fault of tesuji's.
    """
    task = load_task(domain, problem)
    rules = None
    if constraints:
        from tesuji.engine.plan_rules import PlanRules  # noqa: PLC0415

        rules = PlanRules(task, constraints)
    if guide is not None:
        from tesuji.engine.plan_model import load_ranking  # noqa: PLC0415  it needs this module

        load_ranking(guide, task)
    load_kernels(guide is not None, planner)  # after what is read, whose faults are told at once
    clock = SolveClock(budget, stop or Event())
    *_, answer = answers(task, clock, listener, most, rules, guide, planner)
    return answer


def answers(
    task: Task,
    clock: SolveClock,
    listener: Listener = lambda _: None,
    most: int = MAX_OPERATORS,
    rules: PlanRules | None = None,
    guide: Guide | None = None,
    planner: Planner = "search",
) -> Iterator[PlanAnswer]:
    """Yield an answer for each better plan, and one more at the end; see `solve_task`."""
    grounded = ground(task, most, rules)
    ground_seconds = clock.seconds()
    if not grounded.operators.solvable:
        yield PlanAnswer(
            "unsolvable", None, None, float("inf"), UNREACHABLE, 0, 0, clock.seconds(),
            ground_seconds, None, grounded,
        )  # fmt: skip
        return
    yield from _Solve(grounded, clock, listener, ground_seconds, guide, planner).answers()


def load_kernels(guided: bool = False, planner: Planner = "search") -> None:
    """Have all kernels loaded, or compiled the first time ever, before the clock starts."""
    toy = ground(parse_task(_TOY, _TOY_PROBLEM))
    if guided:
        from tesuji.engine.plan_guidance import load_guided_kernels  # noqa: PLC0415  needs this

        load_guided_kernels(toy)
    load_bound_kernels(toy.operators, toy.variables)
    search = PlanSearch(toy.variables, novelty=planner == "novelty")
    for _ in search.steps():
        pass
    if search.improvement is not None:
        for _ in islice(search.improvement.rounds(), 20):
            pass


class _Solve:
    def __init__(
        self,
        grounded: GroundTask,
        clock: SolveClock,
        listener: Listener,
        ground_seconds: float,
        guide: Guide | None,
        planner: Planner,
    ) -> None:
        self._guide, self._planner = guide, planner
        self._horizon: HorizonSearch | None = None
        self._grounded, self._clock, self._listener = grounded, clock, listener
        self._ground_seconds = ground_seconds
        self._plan: tuple[Step, ...] | None = None
        self._cost: float | None = None
        self._bounds = BoundThread(grounded.operators, grounded.variables, clock)
        self._first: tuple[float, float] | None = None
        self._evaluated = self._generated = 0

    def answers(self) -> Iterator[PlanAnswer]:
        try:
            yield from self._search()
        finally:
            self._bounds.close()

    def _search(self) -> Iterator[PlanAnswer]:
        exhausted = False
        told = 0.0
        for step in self._steps():
            self._evaluated, self._generated = step.evaluated, step.generated
            plan = self._bounds.take_plan() if step.plan is None else step.plan
            if plan is not None and self._take(plan):
                if self._grounded.adds_up and self._cost is not None:
                    self._bounds.start(self._cost - self._grounded.least)
                yield self._answer(exhausted=False)
            exhausted = step.exhausted
            now = time.monotonic()
            if plan is not None or now - told > 0.1:
                told = now
                self._listener(self._progress())
            if exhausted or self._clock.is_over(self._progress()):
                break
        yield self._answer(exhausted)

    def _steps(self) -> Iterator[PlanStep]:
        if self._planner == "smt":
            from tesuji.engine.plan_horizon import horizon_search, horizon_steps  # noqa: PLC0415

            self._horizon = horizon_search(self._grounded)
            return horizon_steps(self._horizon, self._grounded)
        if self._guide is not None and len(self._grounded.variables.numeric.init):
            _LOG.warning("learned guides know no numbers; planning without one")
            self._guide = None
        if self._guide is None:
            novelty = self._planner == "novelty"
            return PlanSearch(self._grounded.variables, novelty=novelty).steps()
        from tesuji.engine.plan_guidance import guided_steps  # noqa: PLC0415  it needs this module

        return guided_steps(self._grounded, self._guide)

    def _take(self, plan: Sequence[int]) -> bool:
        """Keep a valid plan if it is the best; return whether it may be shown."""
        steps = self._grounded.steps(plan)
        cost = validate_plan(self._grounded.task, steps)
        rules = self._grounded.rules
        if rules is not None and rules.broken(steps) is not None:
            return False  # by less than doubles can tell
        if self._cost is None or cost < self._cost:
            self._plan, self._cost = steps, cost
        if self._first is None:
            self._first = cost, self._clock.seconds()
        return True

    def _progress(self) -> SolveProgress:
        seconds = self._clock.seconds()
        rate = self._generated / max(seconds - self._ground_seconds, 1e-3)
        return SolveProgress(self._cost, self._bound(), seconds, rate)

    def _bound(self) -> float:
        by_steps = 0.0 if self._horizon is None else self._horizon.bound
        return self._grounded.least + max(self._bounds.bound, by_steps)

    def _answer(self, exhausted: bool) -> PlanAnswer:
        reason, bound = "", self._bound()
        if self._cost is None:
            status = "unsolvable" if exhausted else "unknown"
            seen = "every state that can be reached was seen"
            if self._horizon is not None and self._horizon.bound == float("inf"):
                seen = "no path of any length leads to the goal: z3, by induction"
            elif self._grounded.rules is not None:
                seen += ", of those that keep the constraints"
            reason = seen if exhausted else "the time is up"
            bound = float("inf") if exhausted else bound
        else:
            bound = self._cost if exhausted and self._grounded.adds_up else bound
            status = "optimal" if self._cost <= bound else "solved"
        return PlanAnswer(
            status, self._plan, self._cost, bound, reason, self._evaluated, self._generated,
            self._clock.seconds(), self._ground_seconds, self._first, self._grounded,
            self._bounds.best,
        )  # fmt: skip

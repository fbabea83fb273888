"""`SMTPlanner`: plans by unrolling a model's effects, and by skeletons that a network ranks.

    SMTPlanner(model).solve(state, horizon=20)

Kautz and Selman, "Planning as Satisfiability" (1992), over z3's theories. Several ways race, each
in a process of its own (`contest`): the plain unrolling, one more step at a time; the same with
hints, where the z3 that is installed takes them; and skeletons. What z3 finds is replayed by the
domain's own rules; a plan that they refuse is excluded and the search goes on. What is proved, it
proves of the model: of the domain as far as the effects describe it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tesuji.domains.base import State
from tesuji.search.base import Evaluator, UniformEvaluator
from tesuji.search.symbolic.contest import Contender, Ledger, contest
from tesuji.search.symbolic.contexts import apart
from tesuji.search.symbolic.hints import hint_values, takes_hints
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.plan_task import Limits, PlanTask, unrolled
from tesuji.search.symbolic.plans import PlanResult, PlanStatus, Validation, greedy_plan, validate
from tesuji.search.symbolic.skeleton_search import SkeletonSearch
from tesuji.search.symbolic.skeletons import Templates, templates_by
from tesuji.search.symbolic.solver_pool import borrow, give_back
from tesuji.search.symbolic.unrolling import Unrolling

Way = Literal["unrolling", "hint", "skeletons"]
WAYS: tuple[Way, ...] = ("unrolling", "hint", "skeletons")


@dataclass(frozen=True)
class PlanBudget:
    """How much planning may cost.

    Attributes:
        seconds: wall-clock time for the whole question.
        rlimit: z3's own count of work for each call, the same on every machine; 0 for no limit.
        memory_mb: address space of each process that z3 works in, in MiB.
    """

    seconds: float = 60.0
    rlimit: int = 20_000_000
    memory_mb: int = 2048

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ValueError(f"seconds must be positive, got {self.seconds}")
        if self.rlimit < 0:
            raise ValueError(f"rlimit must be at least 0, got {self.rlimit}")
        if self.memory_mb < 1:
            raise ValueError(f"memory_mb must be positive, got {self.memory_mb}")


class SMTPlanner:
    """Plans for one model with effects and a goal; without a cost, each step costs 1.

    Args:
        model: what is allowed, what actions do, what is wanted.
        budget: of one question.
        evaluator: a network that ranks skeletons and gives the hint; None ranks them alike.
        templates: what a step of a skeleton can be; None takes each action by itself.
        ways: which of them race; one alone finds the same plan every time.
    """

    def __init__(
        self,
        model: SymbolicModel,
        budget: PlanBudget | None = None,
        *,
        evaluator: Evaluator | None = None,
        templates: Templates | None = None,
        ways: Sequence[Way] = WAYS,
    ) -> None:
        if model.goal is None:
            raise ValueError("goal: the model has none, so there is nothing to plan for")
        if not ways or not set(ways) <= set(WAYS):
            raise ValueError(f"ways must be some of {', '.join(WAYS)}, got {list(ways)}")
        self.model = model
        self._budget = budget or PlanBudget()
        self._unrolling = Unrolling(apart(model))
        self._unrolling.require_effects()
        self._evaluator = evaluator
        self._templates = templates or templates_by(model.symbols)
        self._ways = ways

    def solve(self, state: State, horizon: int, hint: tuple[int, ...] = ()) -> PlanResult:
        """Return a plan of at most `horizon` steps, the cheapest if the budget lasts.

        Args:
            state: where to begin.
            horizon: most steps.
            hint: actions to look at first, such as an older plan; None given, the evaluator's.
        """
        *_, last = self.solutions(state, horizon, hint)
        return last

    def solutions(
        self, state: State, horizon: int, hint: tuple[int, ...] = ()
    ) -> Iterator[PlanResult]:
        """Yield each better plan as it is found, then the final answer."""
        if not hint and self._evaluator is not None and "hint" in self._ways:
            hint = greedy_plan(self.model.symbols.domain, self._evaluator, state, horizon)
        yield from self._answers(state, horizon, None, hint)

    def validate(self, state: State, actions: tuple[int, ...]) -> Validation:
        """Check a plan by the rules and by exact evaluation; no solver takes part."""
        return validate(self.model, state, actions)

    def repair(self, actions: tuple[int, ...], state: State, horizon: int) -> PlanResult:
        """Return a plan from `state` that keeps as many of `actions` as possible, each at its step.

        The cost of the result is minus the number of actions that are kept.
        """
        *_, last = self._answers(state, horizon, actions, actions)
        return last

    def _answers(
        self, state: State, horizon: int, wanted: tuple[int, ...] | None, hint: tuple[int, ...]
    ) -> Iterator[PlanResult]:
        if horizon < 0:
            raise ValueError(f"horizon must be at least 0, got {horizon}")
        deadline = time.monotonic() + self._budget.seconds
        ledger = Ledger(horizon, self.model.cost is None and wanted is None)
        limits = Limits(deadline, self._budget.rlimit)
        task = PlanTask(self.model, self._unrolling, state, ledger, limits, wanted)
        contenders = self._contenders(task, hint)
        before = sum(contender.process.cpu_seconds for contender in contenders)
        try:
            for _ in contest(ledger, contenders, deadline):
                if not ledger.closed:
                    yield _plan(ledger, PlanStatus.SOLVED_SATISFICING)
            late = time.monotonic() >= deadline
            for contender in contenders:
                contender.stop()
            spent = sum(contender.process.cpu_seconds for contender in contenders) - before
            yield replace(self._final(ledger, late), cpu_seconds=spent)
        finally:
            for contender in contenders:
                contender.stop()
                give_back(contender.process)

    def _contenders(self, task: PlanTask, hint: tuple[int, ...]) -> list[Contender]:
        found: list[Contender] = []
        for way in self._ways:
            if way == "hint" and not (hint and takes_hints()):
                continue
            process = borrow(self._budget.memory_mb)
            if way == "skeletons":
                evaluator = self._evaluator or UniformEvaluator(
                    self.model.symbols.domain.spec.num_actions
                )
                search = SkeletonSearch(task, process, self._templates, evaluator)
                found.append(Contender(way, process, search.moves(way)))
                continue
            if way == "hint":
                process.hint(hint_values(hint))
            found.append(Contender(way, process, unrolled(task, way, process)))
        return found

    def _final(self, ledger: Ledger, late: bool) -> PlanResult:
        if ledger.actions is not None:
            closed = ledger.closed
            status = PlanStatus.SOLVED_OPTIMALLY if closed else PlanStatus.SOLVED_SATISFICING
            return _plan(ledger, status)
        if ledger.closed:
            steps = self.model.symbols.domain.spec.max_steps
            proven = ledger.extinct <= ledger.horizon or ledger.horizon >= steps
            return PlanResult(
                PlanStatus.UNSOLVABLE_PROVEN if proven else PlanStatus.UNSOLVABLE_INCOMPLETELY,
                proved_by=ledger.proved_by,
            )
        bound = ledger.lower_bound
        return PlanResult(PlanStatus.TIMEOUT if late else PlanStatus.UNKNOWN, lower_bound=bound)


def _plan(ledger: Ledger, status: PlanStatus) -> PlanResult:
    assert ledger.actions is not None
    return PlanResult(
        status,
        ledger.actions,
        ledger.cost,
        ledger.lower_bound,
        ledger.found_by,
        ledger.proved_by if ledger.closed else "",
    )

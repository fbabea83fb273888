"""`SMTPlanner`: plans by unrolling a model's effects, one more step at a time.

    SMTPlanner(model).solve(state, horizon=20)

Kautz and Selman, "Planning as Satisfiability" (1992), over z3's theories. What z3 finds is replayed
by the domain's own rules; a plan that they refuse is excluded and the search goes on. What is
proved, it proves of the model: of the domain as far as the effects describe it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import z3

from tesuji.domains.base import State
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.plans import PlanResult, PlanStatus, Validation, validate
from tesuji.search.symbolic.solver_process import SolverProcess, race
from tesuji.search.symbolic.unrolling import Unrolling


@dataclass(frozen=True)
class PlanBudget:
    """How much planning may cost.

    Attributes:
        seconds: wall-clock time for the whole question.
        rlimit: z3's own count of work for each call, the same on every machine; 0 for no limit.
        memory_mb: address space of the process that z3 works in, in MiB.
    """

    seconds: float = 60.0
    rlimit: int = 0
    memory_mb: int = 2048

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ValueError(f"seconds must be positive, got {self.seconds}")
        if self.rlimit < 0:
            raise ValueError(f"rlimit must be at least 0, got {self.rlimit}")
        if self.memory_mb < 1:
            raise ValueError(f"memory_mb must be positive, got {self.memory_mb}")


class SMTPlanner:
    """Plans for one model with effects and a goal; without a cost, each step costs 1."""

    def __init__(self, model: SymbolicModel, budget: PlanBudget | None = None) -> None:
        if model.goal is None:
            raise ValueError("goal: the model has none, so there is nothing to plan for")
        self.model = model
        self._budget = budget or PlanBudget()
        self._unrolling = Unrolling(model)
        self._unrolling.require_effects()

    def solve(self, state: State, horizon: int, hint: tuple[int, ...] = ()) -> PlanResult:
        """Return a plan of at most `horizon` steps, the cheapest if the budget lasts.

        Args:
            state: where to begin.
            horizon: most steps.
            hint: actions to look at first, as a network proposes them (`greedy_plan`) or an older
                plan has them; a second solver races without them.
        """
        *_, last = self.solutions(state, horizon, hint)
        return last

    def solutions(
        self, state: State, horizon: int, hint: tuple[int, ...] = ()
    ) -> Iterator[PlanResult]:
        """Yield each better plan as it is found, then the final answer."""
        yield from self._answers(state, horizon, None, hint)

    def validate(self, state: State, actions: tuple[int, ...]) -> Validation:
        """Check a plan by the rules and by exact evaluation; no solver takes part."""
        return validate(self.model, state, actions)

    def repair(self, actions: tuple[int, ...], state: State, horizon: int) -> PlanResult:
        """Return a plan from `state` that keeps as many of `actions` as possible, each at its step.

        The cost of the result is minus the number of actions that are kept.
        """
        *_, last = self._answers(state, horizon, actions, ())
        return last

    def _answers(
        self, state: State, horizon: int, wanted: tuple[int, ...] | None, hint: tuple[int, ...]
    ) -> Iterator[PlanResult]:
        if horizon < 0:
            raise ValueError(f"horizon must be at least 0, got {horizon}")
        question = _Question(self.model, self._unrolling, self._budget, state, hint)
        try:
            yield from question.answers(horizon, wanted)
        finally:
            question.close()


class _Question:
    """One state, one horizon; an incremental solver, or two that race."""

    def __init__(
        self,
        model: SymbolicModel,
        unrolling: Unrolling,
        budget: PlanBudget,
        state: State,
        hint: tuple[int, ...],
    ) -> None:
        self._model = model
        self._unrolling = unrolling
        self._state = state
        self._budget = budget
        self._deadline = time.monotonic() + budget.seconds
        self._runners = [SolverProcess(budget.memory_mb)]
        if hint:
            hints = {f"action@{t}": action for t, action in enumerate(hint)}
            self._runners.append(SolverProcess(budget.memory_mb, hints))
        self._steps = 0
        self._excluded: list[tuple[int, z3.BoolRef]] = []
        self._found: dict[str, Fraction] = {}
        self._add([*unrolling.start(state), z3.Real("cost@0") == 0])

    def close(self) -> None:
        """End the processes."""
        for runner in self._runners:
            runner.close()

    def _add(self, formulas: list[z3.BoolRef]) -> None:
        for runner in self._runners:
            runner.add(formulas)

    def answers(self, horizon: int, wanted: tuple[int, ...] | None) -> Iterator[PlanResult]:
        """Yield better and better plans, then what is known in the end."""
        best: PlanResult | None = None
        by_steps = self._model.cost is None and wanted is None
        extinct = False
        for length in range(horizon + 1):
            if length:
                self._extend(length - 1, wanted)
                extinct = self._check() == z3.unsat
            if extinct:
                break
            while not (best and by_steps):
                answer = self._improve(length, best)
                if answer != z3.sat:
                    break
                plan = self._plan(length)
                if validate(self._model, self._state, plan).valid:
                    best = PlanResult(PlanStatus.SOLVED_SATISFICING, plan, self._value())
                    yield best
                else:
                    self._exclude(plan)
            if best and by_steps:
                yield self._finish(best)
                return
            if answer == z3.unknown:
                yield best or self._gave_up()
                return
        if best:
            yield self._finish(best)
        else:
            proven = extinct or horizon >= self._model.symbols.domain.spec.max_steps
            yield PlanResult(
                PlanStatus.UNSOLVABLE_PROVEN if proven else PlanStatus.UNSOLVABLE_INCOMPLETELY
            )

    def _extend(self, t: int, wanted: tuple[int, ...] | None) -> None:
        unrolling = self._unrolling
        self._steps = t + 1
        if wanted is not None:
            kept = unrolling.action(t) == wanted[t] if t < len(wanted) else z3.BoolVal(False)
            cost: z3.ExprRef = z3.If(kept, z3.RealVal(-1), z3.RealVal(0))
        else:
            stated = self._model.cost
            cost = z3.RealVal(1) if stated is None else unrolling.at(stated, t)
        if cost.sort() == z3.IntSort():
            cost = z3.ToReal(cost)
        for runner in self._runners[1:]:  # z3 takes a hint where each value is a case of its own
            action, count = unrolling.action(t), self._model.symbols.domain.spec.num_actions
            runner.add([z3.Or([action == a for a in range(count)])])
        self._add(
            [
                *unrolling.transition(t),
                *[unrolling.holds(name, t) for name in self._model.constraints],
                z3.Real(f"cost@{t + 1}") == z3.Real(f"cost@{t}") + cost,
            ]
        )

    def _improve(self, length: int, best: PlanResult | None) -> z3.CheckSatResult:
        """Ask for a plan of `length` steps that is cheaper than the best."""
        if self._model.goal is None:
            return z3.unknown
        wanted = [self._unrolling.at(self._model.goal, length)]
        wanted += [differs for size, differs in self._excluded if size == length]
        if best is not None and best.cost is not None:
            total = z3.Real(f"cost@{length}")
            wanted.append(total < z3.RatVal(best.cost.numerator, best.cost.denominator))
        for runner in self._runners:
            runner.push()
        self._add(wanted)
        answer = self._check()
        for runner in self._runners:
            runner.pop()
        return answer

    def _check(self) -> z3.CheckSatResult:
        left = self._deadline - time.monotonic()
        if left <= 0:
            return z3.unknown
        actions = [f"action@{t}" for t in range(self._steps)]
        costs = [f"cost@{self._steps}"]
        answer, winner = race(self._runners, left, self._budget.rlimit, actions, costs)
        self._found = winner.values
        return answer

    def _plan(self, length: int) -> tuple[int, ...]:
        return tuple(int(self._found[f"action@{t}"]) for t in range(length))

    def _value(self) -> Fraction:
        return self._found[f"cost@{self._steps}"]

    def _exclude(self, plan: tuple[int, ...]) -> None:
        """Exclude a plan that the replay refuses, and whatever begins with the same mistake."""
        steps = validate(self._model, self._state, plan).steps
        taken = plan[: steps + 1]
        differs = z3.Or([self._unrolling.action(t) != action for t, action in enumerate(taken)])
        if steps < len(plan):
            self._add([differs])
        else:  # every step can be taken, and a longer plan may still reach the goal
            self._excluded.append((len(plan), differs))

    def _finish(self, best: PlanResult) -> PlanResult:
        return PlanResult(PlanStatus.SOLVED_OPTIMALLY, best.actions, best.cost, best.cost)

    def _gave_up(self) -> PlanResult:
        late = time.monotonic() >= self._deadline
        return PlanResult(PlanStatus.TIMEOUT if late else PlanStatus.UNKNOWN)

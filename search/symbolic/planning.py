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
from tesuji.search.symbolic.unrolling import Unrolling


@dataclass(frozen=True)
class PlanBudget:
    """How much planning may cost.

    Attributes:
        seconds: wall-clock time for the whole question.
        rlimit: z3's own count of work for each call, the same on every machine; 0 for no limit.
    """

    seconds: float = 60.0
    rlimit: int = 0

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ValueError(f"seconds must be positive, got {self.seconds}")
        if self.rlimit < 0:
            raise ValueError(f"rlimit must be at least 0, got {self.rlimit}")


class SMTPlanner:
    """Plans for one model with effects and a goal; without a cost, each step costs 1."""

    def __init__(self, model: SymbolicModel, budget: PlanBudget | None = None) -> None:
        if model.goal is None:
            raise ValueError("goal: the model has none, so there is nothing to plan for")
        self.model = model
        self._budget = budget or PlanBudget()
        self._unrolling = Unrolling(model)
        self._unrolling.require_effects()

    def solve(self, state: State, horizon: int) -> PlanResult:
        """Return a plan of at most `horizon` steps, the cheapest if the budget lasts."""
        *_, last = self.solutions(state, horizon)
        return last

    def solutions(self, state: State, horizon: int) -> Iterator[PlanResult]:
        """Yield each better plan as it is found, then the final answer."""
        if horizon < 0:
            raise ValueError(f"horizon must be at least 0, got {horizon}")
        yield from _Question(self.model, self._unrolling, self._budget, state).answers(
            horizon, None
        )

    def validate(self, state: State, actions: tuple[int, ...]) -> Validation:
        """Check a plan by the rules and by exact evaluation; no solver takes part."""
        return validate(self.model, state, actions)

    def repair(self, actions: tuple[int, ...], state: State, horizon: int) -> PlanResult:
        """Return a plan from `state` that keeps as many of `actions` as possible, each at its step.

        The cost of the result is minus the number of actions that are kept.
        """
        if horizon < 0:
            raise ValueError(f"horizon must be at least 0, got {horizon}")
        question = _Question(self.model, self._unrolling, self._budget, state)
        *_, last = question.answers(horizon, actions)
        return last


class _Question:
    """One state, one horizon, one incremental solver."""

    def __init__(
        self, model: SymbolicModel, unrolling: Unrolling, budget: PlanBudget, state: State
    ) -> None:
        self._model = model
        self._unrolling = unrolling
        self._state = state
        self._budget = budget
        self._deadline = time.monotonic() + budget.seconds
        self._solver = z3.SimpleSolver()
        self._solver.set("rlimit", budget.rlimit)
        self._solver.add(unrolling.start(state))
        self._costs: list[z3.ExprRef] = []
        self._excluded: list[tuple[int, z3.BoolRef]] = []
        self._found: z3.ModelRef | None = None

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
        self._solver.add(unrolling.transition(t))
        self._solver.add([unrolling.holds(name, t) for name in self._model.constraints])
        if wanted is not None:
            kept = unrolling.action(t) == wanted[t] if t < len(wanted) else z3.BoolVal(False)
            cost: z3.ExprRef = z3.If(kept, z3.RealVal(-1), z3.RealVal(0))
        else:
            stated = self._model.cost
            cost = z3.RealVal(1) if stated is None else unrolling.at(stated, t)
        self._costs.append(cost)

    def _total(self) -> z3.ArithRef:
        return z3.Sum([z3.RealVal(0), *self._costs])

    def _improve(self, length: int, best: PlanResult | None) -> z3.CheckSatResult:
        """Ask for a plan of `length` steps that is cheaper than the best."""
        if self._model.goal is None:
            return z3.unknown
        wanted = [self._unrolling.at(self._model.goal, length)]
        wanted += [differs for size, differs in self._excluded if size == length]
        if best is not None and best.cost is not None:
            wanted.append(self._total() < z3.RatVal(best.cost.numerator, best.cost.denominator))
        self._solver.push()
        self._solver.add(wanted)
        answer = self._check()
        self._found = self._solver.model() if answer == z3.sat else None
        self._solver.pop()
        return answer

    def _check(self) -> z3.CheckSatResult:
        left = self._deadline - time.monotonic()
        if left <= 0:
            return z3.unknown
        self._solver.set("timeout", max(1, int(1000 * left)))
        return self._solver.check()

    def _plan(self, length: int) -> tuple[int, ...]:
        assert self._found is not None
        actions = [self._found.eval(self._unrolling.action(t), True) for t in range(length)]
        return tuple(action.as_long() for action in actions)

    def _value(self) -> Fraction:
        assert self._found is not None
        value = self._found.eval(self._total(), True)
        return Fraction(value.numerator_as_long(), value.denominator_as_long())

    def _exclude(self, plan: tuple[int, ...]) -> None:
        """Exclude a plan that the replay refuses, and whatever begins with the same mistake."""
        steps = validate(self._model, self._state, plan).steps
        taken = plan[: steps + 1]
        differs = z3.Or([self._unrolling.action(t) != action for t, action in enumerate(taken)])
        if steps < len(plan):
            self._solver.add(differs)
        else:  # every step can be taken, and a longer plan may still reach the goal
            self._excluded.append((len(plan), differs))

    def _finish(self, best: PlanResult) -> PlanResult:
        return PlanResult(PlanStatus.SOLVED_OPTIMALLY, best.actions, best.cost, best.cost)

    def _gave_up(self) -> PlanResult:
        late = time.monotonic() >= self._deadline
        return PlanResult(PlanStatus.TIMEOUT if late else PlanStatus.UNKNOWN)

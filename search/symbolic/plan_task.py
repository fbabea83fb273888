"""`PlanTask`: one question of a planner, and the formulas that its contenders share."""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import z3

from tesuji.domains.base import State
from tesuji.search.symbolic.contest import Ask, Ledger, Moves
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.plans import Validation, validate
from tesuji.search.symbolic.solver_process import Check, SolverProcess
from tesuji.search.symbolic.unrolling import Unrolling

_NONE = Fraction(0)


class Limits(NamedTuple):
    """When to stop: a moment for the whole question, and z3's own count of work for each check."""

    deadline: float
    rlimit: int


class PlanTask:
    """A state, a horizon, and what is wanted.

    Args:
        model: the user's.
        unrolling: of its twin, in a context of its own.
        state: where to begin.
        ledger: what is known; the contenders fill it.
        limits: when to stop.
        wanted: actions to keep, each at its step, for a repair; None where the cost counts.
    """

    def __init__(
        self,
        model: SymbolicModel,
        unrolling: Unrolling,
        state: State,
        ledger: Ledger,
        limits: Limits,
        wanted: tuple[int, ...] | None = None,
    ) -> None:
        self.model, self.state, self.ledger = model, state, ledger
        self._unrolling = unrolling
        self._limits = limits
        self._wanted = wanted
        self._context = unrolling.model.symbols.context
        self._bounds = 0

    def literal(self, name: str) -> z3.BoolRef:
        """Return an assumption literal."""
        return z3.Bool(name, self._context)

    def start(self) -> list[z3.BoolRef]:
        """Return what holds at step 0."""
        found = self._unrolling.start(self.state)
        if not self.ledger.by_steps:
            found.append(self._cost(0) == 0)
        return found

    def step(self, t: int) -> list[z3.BoolRef]:
        """Return what ties step `t` to step `t + 1`, constraints and costs included."""
        unrolling = self._unrolling
        found = unrolling.transition(t)
        found += [unrolling.holds(name, t) for name in unrolling.model.constraints]
        if not self.ledger.by_steps:
            found.append(self._cost(t + 1) == self._cost(t) + self._price(t))
        return found

    def goal(self, length: int) -> z3.BoolRef:
        """Return that the goal holds after `length` steps."""
        return self._unrolling.at(unwrap(self._unrolling.model.goal), length)

    def among(self, t: int, actions: Sequence[int]) -> z3.BoolRef:
        """Return that the action of step `t` is one of `actions`."""
        return z3.Or([self._unrolling.action(t) == action for action in actions])

    def cheaper(self, process: SolverProcess, length: int) -> list[str]:
        """Let `process` know of the best plan's cost; return the literal to assume, if any."""
        if self.ledger.by_steps or self.ledger.actions is None:
            return []
        self._bounds += 1
        name, cost = f"cheaper@{self._bounds}", self.ledger.cost
        limit = z3.RatVal(cost.numerator, cost.denominator, self._context)
        process.add([z3.Implies(self.literal(name), self._cost(length) < limit)])
        return [name]

    def ask(self, length: int, assumed: Sequence[str], rlimit: int = 0, most: float = 1e9) -> Ask:
        """Return the question for a plan of `length` steps under the literals assumed.

        Without any, it is whether there are ways of `length` steps at all.
        """
        wanted = {f"action@{t}": "Int" for t in range(length)}
        if not self.ledger.by_steps:
            wanted[f"cost@{length}"] = "Real"
        seconds = min(most, max(0.001, self._limits.deadline - time.monotonic()))
        limits = [limit for limit in (rlimit, self._limits.rlimit) if limit]
        check = Check(seconds, min(limits, default=0), wanted, assumed)
        if not assumed:  # is there a way at all? Of use as long as there is no plan
            return Ask(check, stale=lambda: self.ledger.closed)
        return Ask(check, stale=lambda: not self.ledger.open(length))

    def take(self, name: str, process: SolverProcess, length: int) -> None:
        """Replay what z3 found; enter it, or exclude whatever begins with the same mistake."""
        plan = tuple(int(process.values[f"action@{t}"]) for t in range(length))
        cost = Fraction(0) if self.ledger.by_steps else process.values[f"cost@{length}"]
        replay = self.replay(name, plan, cost)
        if replay.valid:
            return
        action = self._unrolling.action
        differs = z3.Or([action(t) != a for t, a in enumerate(plan[: replay.steps + 1])])
        if replay.steps == length:  # every step can be taken: longer plans may reach the goal
            differs = z3.Implies(self.literal(f"goal@{length}"), differs)
        process.add([differs])

    def replay(self, name: str, plan: tuple[int, ...], cost: Fraction = _NONE) -> Validation:
        """Replay a plan by rules and exact evaluation, and enter it if it is valid."""
        found = validate(self.model, self.state, plan)
        if found.valid:
            self.ledger.offer(name, plan, Fraction(len(plan)) if self.ledger.by_steps else cost)
        return found

    def _cost(self, t: int) -> z3.ArithRef:
        return z3.Real(f"cost@{t}", self._context)

    def _price(self, t: int) -> z3.ArithRef:
        """Return the cost of step `t`; in a repair, -1 for an action that is kept."""
        if self._wanted is None:
            stated = self._unrolling.at(unwrap(self._unrolling.model.cost), t)
            return z3.ToReal(stated) if z3.is_int(stated) else stated
        nothing = z3.RealVal(0, self._context)
        if t >= len(self._wanted):
            return nothing
        kept = self._unrolling.action(t) == self._wanted[t]
        return z3.If(kept, z3.RealVal(-1, self._context), nothing)


def unwrap(term: z3.ExprRef | None) -> z3.ExprRef:
    """Return a term that is sure to be there."""
    assert term is not None
    return term


def unrolled(task: PlanTask, name: str, process: SolverProcess) -> Moves:
    """Ask for plans of 0, 1, 2 and more steps."""
    ledger = task.ledger
    process.add(task.start())
    for length in range(ledger.horizon + 1):
        if length:
            process.add(task.step(length - 1))
        goal = f"goal@{length}"
        process.add([z3.Implies(task.literal(goal), task.goal(length))])
        while ledger.open(length):
            bound = ledger.bound
            verdict = yield task.ask(length, [goal, *task.cheaper(process, length)])
            if verdict == z3.sat:
                task.take(name, process, length)
            elif verdict == z3.unsat and not process.core:
                ledger.end(name, length)
            elif verdict == z3.unsat:
                ledger.refute(name, length, bound)
                if ledger.actions is None and (yield task.ask(length, [])) == z3.unsat:
                    ledger.end(name, length)  # cores are not minimal: it may be more than the goal
            elif ledger.open(length):
                return  # the budget ran out
        if length >= ledger.extinct or (ledger.by_steps and length >= ledger.bound):
            return

"""`Unrolled`: completions of any model with effects and a goal, step by step."""

from __future__ import annotations

from collections.abc import Iterator

import z3

from tesuji.domains.base import State
from tesuji.search.symbolic.facts import Fact, Plan, Question, facts_of
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.unrolling import Unrolling, look_ahead


class Unrolled:
    """Asks for a way to the goal of at most `horizon` steps.

    Right for short horizons. A state whose only completions are longer is refused.
    """

    def __init__(self, model: SymbolicModel, horizon: int) -> None:
        if horizon < 1:
            raise ValueError(f"horizon must be at least 1, got {horizon}")
        self._model, self._horizon = model, horizon
        self._unrolling = Unrolling(model)
        self._unrolling.require_effects()
        formulas, ties = look_ahead(self._unrolling, horizon)
        self._background = [*model.symbols.fix_parameters(), *ties, *formulas.values()]

    def propose(self, state: State, hint: Plan, effort: int) -> Iterator[Plan]:
        """Yield what is left of the hint; nothing else is known of the model."""
        del state, effort
        if hint:
            yield hint[1:]

    def questions(self, state: State) -> Iterator[Question]:
        """Yield one question."""
        facts = {
            fact: self._unrolling.at(self._formula(fact), 0)
            for fact in facts_of(self._model, state, self._unrolling.needed)
        }
        yield Question(facts, self._background, decode=self._decode)

    def _formula(self, fact: Fact) -> z3.BoolRef:
        return fact.of(self._model.symbols.variables[fact.variable].at(fact.index))

    def _decode(self, found: z3.ModelRef) -> Plan:
        plan: list[int] = []
        for t in range(self._horizon):
            plan.append(found.eval(self._unrolling.action(t), True).as_long())
            arrived = self._unrolling.at(self._model.goal, t + 1)
            if z3.is_true(found.eval(arrived, True)):
                break
        return tuple(plan)

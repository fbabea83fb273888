"""`Unrolled`: completions of any model with effects and a goal, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from threading import Lock

import z3

from tesuji.domains.base import State
from tesuji.search.symbolic.contexts import apart
from tesuji.search.symbolic.facts import Fact, Plan, Question, facts_of
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.smt_text import claims, script
from tesuji.search.symbolic.unrolling import Unrolling, look_ahead


class Unrolled:
    """Asks for a way to the goal of at most `horizon` steps.

    Right for short horizons. A state whose only completions are longer is refused.
    """

    def __init__(self, model: SymbolicModel, horizon: int) -> None:
        if horizon < 1:
            raise ValueError(f"horizon must be at least 1, got {horizon}")
        self._model, self._horizon = apart(model), horizon
        self._turn = Lock()  # one thread at a time is in the model's context
        self._unrolling = Unrolling(self._model)
        self._unrolling.require_effects()
        formulas, ties = look_ahead(self._unrolling, horizon)
        fixed = self._model.symbols.fix_parameters()
        context = self._model.symbols.context
        arrivals = [
            z3.Bool(_arrival(t), context) == self._unrolling.at(self._model.goal, t + 1)
            for t in range(horizon)
            if self._model.goal is not None
        ]
        self._background = script([*fixed, *ties, *formulas.values(), *arrivals])
        self._wanted = {f"action@{t}": "Int" for t in range(horizon)}
        self._wanted |= {_arrival(t): "Bool" for t in range(len(arrivals))}

    def propose(self, state: State, hint: Plan, effort: int) -> Iterator[Plan]:
        """Yield what is left of the hint; nothing else is known of the model."""
        del state, effort
        if hint:
            yield hint[1:]

    def refute(self, state: State, effort: int) -> tuple[str, ...]:
        """Return nothing: only z3 knows of these models."""
        del state, effort
        return ()

    def questions(self, state: State) -> Iterator[Question]:
        """Yield one question."""
        facts = tuple(facts_of(self._model, state, self._unrolling.needed))
        with self._turn:
            text = claims([self._unrolling.at(self._formula(fact), 0) for fact in facts])
        yield Question(facts, text, self._background, self._wanted, decode=self._decode)

    def _formula(self, fact: Fact) -> z3.BoolRef:
        return fact.of(self._model.symbols.variables[fact.variable].at(fact.index))

    def _decode(self, values: Mapping[str, Fraction]) -> Plan:
        plan: list[int] = []
        for t in range(self._horizon):
            plan.append(int(values[f"action@{t}"]))
            if values.get(_arrival(t)):
                break
        return tuple(plan)


def _arrival(t: int) -> str:
    """Return the name of the constant that says whether step `t` leads to the goal."""
    return f"arrived@{t}"

"""Why an action is refused: a smallest set of constraints, by the user's own names.

    print(Explainer(model).explain(state, action))
    refused by: speed limit (vx = 2, ax = 1)

Smallest means that it refuses and that no constraint can be left out (subset-minimal). Each core
is proved a second time, by a new solver that sees nothing else, before it is given out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import z3

from tesuji.domains.base import State
from tesuji.search.symbolic.cores import Cores, SolverBudget, Verdict
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.model import SymbolicModel, constants
from tesuji.search.symbolic.unrolling import Unrolling, look_ahead

_SHOWN_ELEMENTS = 8  # longer arrays are not written out


@dataclass(frozen=True)
class Explanation:
    """A verdict with its reasons.

    Attributes:
        verdict: what is known.
        names: the core, in the order of the model's constraints.
        values: the variables that the core speaks of, at the state and action in question.
        minimal: whether it was proved that no name can be left out.
        scope: of what the verdict speaks, where it looks ahead in a game of two players.
    """

    verdict: Verdict
    names: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    minimal: bool = False
    scope: str = ""

    def __str__(self) -> str:
        """Return one line."""
        names = ", ".join(self.names)
        scope = f", {self.scope}" if self.scope else ""
        if self.verdict is Verdict.ALLOWED:
            return "allowed" + scope
        if self.verdict is Verdict.UNKNOWN:
            return "unknown, so not allowed: the budget ran out" + (f" on {names}" * bool(names))
        words = "refused by" if self.verdict is Verdict.REFUSED else "without a value, so refused"
        shown = ", ".join(f"{name} = {_words(value)}" for name, value in self.values.items())
        return f"{words}: {names}" + (f" ({shown})" if shown else "") + scope


class Explainer:
    """Explains what one model refuses; not to be shared between threads.

    The constraints are handed to the solver once; a state and an action come and go.
    """

    def __init__(self, model: SymbolicModel, budget: SolverBudget | None = None) -> None:
        self.model = model
        self._budget = budget or SolverBudget()
        self._unrolling = Unrolling(model)
        self._invariants = set(model.invariants)
        self._formulas = {
            name: self._unrolling.entered(e)
            if name in self._invariants
            else self._unrolling.at(e, 0)
            for name, e in model.constraints.items()
        }
        self._steps: dict[int, Cores] = {}
        self._constants = {n: set(constants(e)) for n, e in model.constraints.items()}
        self._cores = Cores(self._formulas, [], self._budget)

    def explain(self, state: State, action: int, horizon: int = 0) -> Explanation:
        """Return whether the constraints allow a legal `action`, and if not, which forbid it.

        Args:
            state: a state that is not an end.
            action: an action that the rules allow.
            horizon: where positive, also whether, in the model's effects, there is a way from
                there to the goal (without a goal: a way on) in so many steps, this one included.

        Raises:
            ValueError: the rules do not allow the action.
            ConstraintError: a look-ahead in a model without effects.
        """
        domain = self.model.symbols.domain
        if not (0 <= action < domain.spec.num_actions and domain.legal(state)[action]):
            raise ValueError(f"action {action} is not legal by the rules of {domain.spec.name}")
        if horizon < 0:
            raise ValueError(f"horizon must be at least 0, got {horizon}")
        entered = domain.step(state, action)[0] if self._invariants else state
        found = self._now(state, action, entered)
        if horizon == 0 or found.verdict is not Verdict.ALLOWED:
            return found
        return self._ahead(state, action, horizon)

    def _now(self, state: State, action: int, entered: State) -> Explanation:
        verdict, core, minimal = self._cores.find(self._ground(state, action, entered))
        if verdict in {Verdict.ALLOWED, Verdict.UNKNOWN}:
            values = [(name, self._decide(name, state, action, entered)) for name in self._formulas]
            core = tuple(name for name, value in values if value is not True)
            if verdict is Verdict.UNKNOWN:  # the solver's; the evaluation knows whom it concerns
                return Explanation(verdict, core or tuple(self._formulas))
            core = core[:1]
            if core:
                value = dict(values)[core[0]]
                verdict, minimal = Verdict.UNDEFINED, True
                if value is False:  # z3 and the exact evaluation must never differ
                    verdict, minimal = Verdict.UNKNOWN, False
        return self._explanation(verdict, core, minimal, state, action, entered)

    def _decide(self, name: str, state: State, action: int, entered: State) -> bool | None:
        expression = self.model.constraints[name]
        if name in self._invariants:
            return decide(self.model.symbols, expression, entered, 0)
        return decide(self.model.symbols, expression, state, action)

    def _ground(self, state: State, action: int, entered: State) -> list[z3.BoolRef]:
        """Return equations for the state, the action and the state that is entered."""
        symbols, unrolling = self.model.symbols, self._unrolling
        found = unrolling.start(state) + [unrolling.at(e, 0) for e in symbols.fix_action(action)]
        if self._invariants:
            values = symbols.values(entered)
            for name in unrolling.needed:
                equations = symbols.variables[name].is_value(values[name])
                found += [unrolling.entered(equation) for equation in equations]
        return found

    def _ahead(self, state: State, action: int, horizon: int) -> Explanation:
        self._unrolling.require_effects()
        if horizon not in self._steps:
            self._steps[horizon] = Cores(*look_ahead(self._unrolling, horizon), self._budget)
        start = self._unrolling.start(state)
        start.append(self._unrolling.action(0) == action)
        verdict, core, minimal = self._steps[horizon].find(start)
        if verdict is Verdict.UNKNOWN:
            return Explanation(verdict, self._steps[horizon].names)
        return self._explanation(verdict, core, minimal, state, action, state)

    def _explanation(
        self,
        verdict: Verdict,
        core: tuple[str, ...],
        minimal: bool,
        state: State,
        action: int,
        entered: State,
    ) -> Explanation:
        """Return the verdict with the values that its core speaks of, invariants' as entered."""
        symbols, values = self.model.symbols, {}
        for name in core:
            where = entered if name in self._invariants else state
            known = {**symbols.values(where), **symbols.action_values(action)}
            mentioned = self._constants.get(name, set()) & set(known)
            for variable in symbols.variables:
                if variable in mentioned and np.size(known[variable]) <= _SHOWN_ELEMENTS:
                    values[variable] = known[variable]
        return Explanation(verdict, core, values, minimal)


def explain(model: SymbolicModel, state: State, action: int, horizon: int = 0) -> Explanation:
    """Return why `action` is refused; for many questions keep an `Explainer`."""
    return Explainer(model).explain(state, action, horizon)


def contradiction(model: SymbolicModel, budget: SolverBudget | None = None) -> Explanation:
    """Return a smallest set of constraints that allows no action in any state.

    The state is anything within its variables' bounds, and so is the state that is entered where
    the model has no effects. `ALLOWED` says that z3 found a state with an allowed action; no
    play need ever come there.
    """
    unrolling = Unrolling(model)
    symbols = model.symbols
    background = symbols.fix_parameters() + unrolling.transition(0)
    background += [unrolling.at(bound, 0) for bound in _bounds(unrolling)]
    formulas, invariants = {}, model.invariants
    for name, expression in model.constraints.items():
        formulas[name] = unrolling.holds(name, 0)
        if not model.effects and name in invariants:
            formulas[name] = unrolling.entered(expression)
    if not model.effects:
        background += [unrolling.entered(bound) for bound in _bounds(unrolling)]
    verdict, core, minimal = Cores(formulas, background, budget or SolverBudget()).find([])
    if verdict is Verdict.UNKNOWN:
        core = tuple(formulas)
    return Explanation(verdict, core, {}, minimal)


def _bounds(unrolling: Unrolling) -> list[z3.BoolRef]:
    variables = unrolling.model.symbols.variables
    return [bound for name in unrolling.needed for bound in variables[name].bounds()]


def _words(value: Any) -> str:
    array = np.asarray(value)
    if array.ndim:
        return "[" + ", ".join(_words(element) for element in array.ravel()) + "]"
    return f"{array.item():g}" if array.dtype.kind == "f" else str(array.item())

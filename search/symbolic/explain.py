"""Why an action is refused: a smallest set of constraints, by the user's own names.

    print(Explainer(model).explain(state, action))
    refused by: speed limit (vx = 2, ax = 1)

Smallest means that it refuses and that no constraint can be left out (subset-minimal). Each core
is proved a second time, by a new solver that sees nothing else, before it is given out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

import numpy as np
import z3

from tesuji.domains.base import State
from tesuji.search.symbolic.contexts import MAIN, apart
from tesuji.search.symbolic.cores import Cores, SolverBudget, Verdict
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.model import SymbolicModel, constants
from tesuji.search.symbolic.smt_text import claims, script
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
    """Explains what one model refuses; threads that share it take turns.

    The constraints are handed to z3 once; a state and an action come and go.
    """

    def __init__(self, model: SymbolicModel, budget: SolverBudget | None = None) -> None:
        self.model = model
        self._budget = budget or SolverBudget()
        self._turn = RLock()
        self._own = apart(model)  # in a context that no other thread enters
        self._unrolling = Unrolling(self._own)
        self._invariants = set(model.invariants)
        with MAIN:
            self._constants = {n: set(constants(e)) for n, e in model.constraints.items()}
        parameters = [(v.term, v.whole(v.values)) for v in self._own.symbols.of("parameter")]
        self._ground = {
            name: z3.substitute(e, *parameters) if parameters else e
            for name, e in self._own.constraints.items()
        }
        self._steps: dict[int, tuple[tuple[str, ...], Cores]] = {}

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
        with self._turn:
            entered = domain.step(state, action)[0] if self._invariants else state
            found = self._now(state, action, entered)
            if horizon == 0 or found.verdict is not Verdict.ALLOWED:
                return found
            return self._ahead(state, action, horizon)

    def _now(self, state: State, action: int, entered: State) -> Explanation:
        """Return what refuses the move at once.

        State and action are fixed, so that each constraint is true or false by itself, and a
        single one that is false is a smallest core. z3 proves it the second time.
        """
        values = {name: self._decide(name, state, action, entered) for name in self._ground}
        refuted = [name for name, value in values.items() if value is False]
        undefined = [name for name, value in values.items() if value is None]
        if not refuted and not undefined:
            return Explanation(Verdict.ALLOWED)
        core = (refuted or undefined)[:1]
        verdict = Verdict.REFUSED if refuted else Verdict.UNDEFINED
        if refuted and not self._proved(core[0], state, action, entered):
            return Explanation(Verdict.UNKNOWN, tuple(refuted))
        return self._explanation(verdict, tuple(core), True, state, action, entered)

    def _decide(self, name: str, state: State, action: int, entered: State) -> bool | None:
        expression = self.model.constraints[name]
        if name in self._invariants:
            return decide(self.model.symbols, expression, entered, 0)
        return decide(self.model.symbols, expression, state, action)

    def _proved(self, name: str, state: State, action: int, entered: State) -> bool:
        """Return whether z3, too, finds constraint `name` false."""
        symbols = self._own.symbols
        known = {
            **symbols.values(entered if name in self._invariants else state),
            **symbols.action_values(action),
        }
        pairs = [
            (symbols.variables[n].term, symbols.variables[n].whole(known[n]))
            for n in sorted(self._constants[name] & set(known))
        ]
        return bool(z3.is_false(z3.simplify(z3.substitute(self._ground[name], *pairs))))

    def _ahead(self, state: State, action: int, horizon: int) -> Explanation:
        self._unrolling.require_effects()
        if horizon not in self._steps:
            formulas, ties = look_ahead(self._unrolling, horizon)
            text = claims(formulas.values())
            cores = Cores(text, len(formulas), script(ties), self._budget)
            self._steps[horizon] = tuple(formulas), cores
        names, cores = self._steps[horizon]
        start = self._unrolling.start(state)
        start.append(self._unrolling.action(0) == action)
        verdict, core = cores.find(script(start))
        if verdict is Verdict.UNKNOWN:
            return Explanation(verdict, names)
        blamed = tuple(names[i] for i in core)
        return self._explanation(verdict, blamed, cores.minimal, state, action, state)

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
    model = apart(model)
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
    names = tuple(formulas)
    text = claims(formulas.values())
    cores = Cores(text, len(names), script(background), budget or SolverBudget())
    verdict, core = cores.find()
    if verdict is Verdict.UNKNOWN:
        return Explanation(verdict, names)
    return Explanation(verdict, tuple(names[i] for i in core), {}, cores.minimal)


def _bounds(unrolling: Unrolling) -> list[z3.BoolRef]:
    variables = unrolling.model.symbols.variables
    return [bound for name in unrolling.needed for bound in variables[name].bounds()]


def _words(value: Any) -> str:
    array = np.asarray(value)
    if array.ndim:
        return "[" + ", ".join(_words(element) for element in array.ravel()) + "]"
    return f"{array.item():g}" if array.dtype.kind == "f" else str(array.item())

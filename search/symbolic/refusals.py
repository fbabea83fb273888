"""Which constraints refuse an action, decided exactly."""

from __future__ import annotations

import numpy as np

from tesuji.domains.base import BoolArray, Domain, State
from tesuji.search.symbolic.cores import Verdict
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.explain import Explainer
from tesuji.search.symbolic.model import SymbolicModel


def refusing(domain: Domain, model: SymbolicModel, state: State, action: int) -> tuple[str, ...]:
    """Return the names of the constraints that refuse a legal `action`, decided exactly.

    A constraint without a value there, such as one that divides by zero, refuses, too.
    """
    names = [
        name
        for name, guard in model.guards.items()
        if decide(model.symbols, guard, state, action) is not True
    ]
    if model.invariants:
        entered = domain.step(state, action)[0]
        names += [
            name
            for name, invariant in model.invariants.items()
            if decide(model.symbols, invariant, entered, 0) is not True
        ]
    return tuple(name for name in model.constraints if name in names)


def blame(domain: Domain, model: SymbolicModel, state: State) -> tuple[str, ...]:
    """Return a subset-minimal set of constraints that refuses every legal action of `state`."""
    refused = [
        set(refusing(domain, model, state, int(action)))
        for action in np.flatnonzero(domain.legal(state))
    ]
    core = list(model.constraints)
    for name in list(core):
        rest = [other for other in core if other != name]
        if all(names.intersection(rest) for names in refused):
            core = rest
    return tuple(core)


class Refusals:
    """What a model refuses in one domain, for many threads."""

    def __init__(self, domain: Domain, model: SymbolicModel) -> None:
        self._domain, self._model = domain, model
        self._explainer: Explainer | None = None

    def allowed(self, state: State, mask: BoolArray) -> BoolArray:
        """Return `mask` `[A]` without the actions that a constraint refuses."""
        return np.array(
            [ok and not self.names(state, a) for a, ok in enumerate(mask.tolist())], np.bool_
        )

    def names(self, state: State, action: int) -> tuple[str, ...]:
        """Return the names of all constraints that refuse a legal `action`."""
        return refusing(self._domain, self._model, state, action)

    def sentence(self, state: State, action: int) -> str | None:
        """Return a smallest reason why `action` is refused; None where the constraints do not."""
        legal = self._domain.legal(state)
        if not (0 <= action < len(legal) and legal[action]):
            return None
        names = self.names(state, action)
        if not names:
            return None
        if self._explainer is None:  # two threads may make two, which does no harm
            self._explainer = Explainer(self._model)
        found = self._explainer.explain(state, action)
        if found.verdict is Verdict.UNKNOWN:
            return f"refused by: {', '.join(names)}"
        return str(found)

"""Hold a model against the rules it speaks of, in random games.

A guard can only restrict a domain further, so that it is never wrong about the rules. What can
be wrong: a bound that a state breaks, an effect that differs from what the rules do, an invariant
that does not hold from the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tesuji.domains.base import Domain, State
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.model import SymbolicModel


@dataclass(frozen=True)
class Difference:
    """The first place where a model and the rules disagree.

    Attributes:
        what: the variable, effect or constraint, and how it differs.
        state: where.
        action: the action taken there; None where it is the state that is at fault.
        game: number of the random game.
        ply: moves before it.
    """

    what: str
    state: State
    action: int | None
    game: int
    ply: int

    def __str__(self) -> str:
        after = "" if self.action is None else f", action {self.action}"
        return f"game {self.game}, ply {self.ply}{after}: {self.what}"


def check_model(
    model: SymbolicModel, domain: Domain, *, games: int = 20, seed: int = 0
) -> Difference | None:
    """Return the first difference between `model` and `domain` in random games, or None.

    Actions are drawn from the legal ones, whatever the constraints say of them, so that effects
    are tried where constraints fail, too.
    """
    rng = np.random.default_rng(seed)
    for game in range(games):
        state, discount = domain.reset(int(rng.integers(2**32))), 1.0
        for name, invariant in model.invariants.items():
            if decide(model.symbols, invariant, state, 0) is not True:
                what = f"constraint {name!r} does not hold of a first state"
                return Difference(what, state, None, game, 0)
        for ply in range(domain.spec.max_steps + 1):
            fault = _outside(model, state)
            if fault is not None:
                return Difference(fault, state, None, game, ply)
            if discount == 0:
                break
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            entered, _, discount = domain.step(state, action, int(rng.integers(2**63)))
            fault = _wrong_effect(model, state, action, entered)
            if fault is not None:
                return Difference(fault, state, action, game, ply)
            state = entered
    return None


def _outside(model: SymbolicModel, state: State) -> str | None:
    """Return which variable is outside of its declared bounds."""
    values = model.symbols.values(state)
    for variable in model.symbols.of("state"):
        if variable.kind != "int":
            continue
        value = np.asarray(values[variable.name])
        if value.size and not (variable.low <= value.min() and value.max() <= variable.high):
            return (
                f"variable {variable.name!r} is declared from {variable.low} to {variable.high}, "
                f"here it is {value.tolist()}"
            )
    return None


def _wrong_effect(model: SymbolicModel, state: State, action: int, entered: State) -> str | None:
    """Return which effect says something else than the rules did."""
    if not model.effects:
        return None
    symbols = model.symbols
    after = symbols.values(entered)
    before = symbols.values(state)
    for variable in symbols.of("state"):
        effect = model.effects.get(variable.name)
        for index in variable.elements():
            found: Any = np.asarray(after[variable.name])[index]
            if effect is None:
                if np.asarray(before[variable.name])[index] != found:
                    return f"{_element(variable.name, index)} changed to {found}, no effect says so"
                continue
            term: Any = effect
            for i in index:
                term = term[i]
            if decide(symbols, term == variable.literal(found), state, action) is not True:
                name = _element(variable.name, index)
                return f"effect {name!r} is not {found}, as the rules have it"
    return None


def _element(name: str, index: tuple[int, ...]) -> str:
    return name + "".join(f"[{i}]" for i in index)

"""Hold a model against the rules it speaks of, in random games.

What can be wrong: a bound that a state breaks, an effect that differs from what the rules do, an
invariant that does not hold from the start, a guard without a value. A guard that restricts the
rules is no difference. Of a model for planning one may ask more, `strict`: that its guards allow
nothing that the rules forbid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tesuji.domains.base import BoolArray, Domain, State
from tesuji.search.symbolic.exact import decide
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.terms import MAIN


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
    model: SymbolicModel,
    domain: Domain,
    *,
    games: int = 20,
    seed: int = 0,
    strict: bool = False,
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
            fault = outside_bounds(model, state)
            if fault is not None:
                return Difference(fault, state, None, game, ply)
            if discount == 0:
                break
            legal = domain.legal(state)
            found = _wrong_guard(model, state, legal, strict)
            if found is not None:
                return Difference(found[1], state, found[0], game, ply)
            action = int(rng.choice(np.flatnonzero(legal)))
            entered, _, discount = domain.step(state, action, int(rng.integers(2**63)))
            fault = _wrong_effect(model, state, action, entered)
            if fault is not None:
                return Difference(fault, state, action, game, ply)
            state = entered
    return None


def outside_bounds(model: SymbolicModel, state: State) -> str | None:
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


def _wrong_guard(
    model: SymbolicModel, state: State, legal: BoolArray, strict: bool
) -> tuple[int, str] | None:
    """Return an action that a guard is wrong about, and how."""
    for action, may in enumerate(legal.tolist()):
        if not may and not strict:
            continue
        values = {
            name: decide(model.symbols, guard, state, action)
            for name, guard in model.guards.items()
        }
        for name, value in values.items():
            if may and value is None:
                return action, f"constraint {name!r} has no value, so that it refuses the action"
        if not may and all(values.values()):
            return action, "the constraints allow the action, the rules do not"
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
            with MAIN:
                term: Any = effect
                for i in index:
                    term = term[i]
                same = term == variable.literal(found)
            if decide(symbols, same, state, action) is not True:
                name = _element(variable.name, index)
                return f"effect {name!r} is not {found}, as the rules have it"
    return None


def _element(name: str, index: tuple[int, ...]) -> str:
    return name + "".join(f"[{i}]" for i in index)

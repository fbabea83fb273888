"""`SymbolicModel`: what is allowed, what actions do and what is wanted, as z3 expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import z3

from tesuji.search.symbolic.symbols import Symbols
from tesuji.search.symbolic.terms import MAIN

if TYPE_CHECKING:
    from tesuji.domains.base import Domain
    from tesuji.search.symbolic.check import Difference

Direction = Literal["up", "down"]


class ConstraintError(ValueError):
    """A constraint cannot be used; the message begins with its name."""


@dataclass(frozen=True)
class Relaxation:
    """A condition without which the goal is out of reach.

    Attributes:
        condition: over the state alone; where it is false, no completion exists.
        monotone: variables by direction: "up" if a greater value can only hurt.
    """

    condition: z3.BoolRef
    monotone: Mapping[str, Direction] = field(default_factory=dict)


@dataclass(frozen=True)
class SymbolicModel:
    """Constraints over the symbols of a domain, and optionally its effects, goal and cost.

    Attributes:
        symbols: the names the expressions speak of.
        constraints: by name. One that mentions the action is a *guard*: it must hold of an action
            before it is taken. One over the state alone is an *invariant*: it must hold of every
            state that is entered, so an action that leads out of it is refused.
        effects: the next value of state variables, over state and action; what is not named stays.
            For an array a term of its whole sort, such as `z3.Store(visited, a, True)`.
        goal: over the state.
        cost: of taking an action, over state and action; a number.
        relaxation: a necessary condition for reaching the goal.

    Raises:
        ConstraintError: an unknown name, a wrong sort, or a quantifier; it names the constraint.
    """

    symbols: Symbols
    constraints: Mapping[str, z3.BoolRef] = field(default_factory=dict)
    effects: Mapping[str, z3.ExprRef] = field(default_factory=dict)
    goal: z3.BoolRef | None = None
    cost: z3.ExprRef | None = None
    relaxation: Relaxation | None = None

    def __post_init__(self) -> None:
        with MAIN:
            self._check_all()

    def _check_all(self) -> None:
        truth = z3.BoolSort(self.symbols.context)
        for name, expression in self.constraints.items():
            self._check(f"constraint {name!r}", expression, truth)
        for name, expression in self.effects.items():
            variable = self.symbols.variables.get(name)
            if variable is None or variable.role != "state":
                raise ConstraintError(f"effect {name!r}: no state variable is called so")
            self._check(f"effect {name!r}", expression, variable.sort)
        if self.goal is not None:
            self._check("goal", self.goal, truth, roles={"state", "parameter"})
        if self.relaxation is not None:
            self._check("relaxation", self.relaxation.condition, truth, {"state", "parameter"})

    @cached_property
    def guards(self) -> Mapping[str, z3.BoolRef]:
        """Return the constraints that mention the action."""
        return {n: e for n, e in self.constraints.items() if self.mentions_action(e)}

    @cached_property
    def invariants(self) -> Mapping[str, z3.BoolRef]:
        """Return the constraints over the state alone."""
        return {n: e for n, e in self.constraints.items() if not self.mentions_action(e)}

    def mentions_action(self, expression: z3.ExprRef) -> bool:
        """Return whether `expression` mentions the action or a part of it."""
        variables = self.symbols.variables
        with MAIN:
            return any(variables[name].role == "action" for name in constants(expression))

    def after(self, expression: Any) -> Any:
        """Return `expression` of the state after the action, over state and action before it."""
        variables = self.symbols.variables
        with MAIN:
            pairs = [(variables[n].term, effect) for n, effect in self.effects.items()]
            return z3.substitute(expression, *pairs) if pairs else expression

    def check_against(
        self, domain: Domain, *, games: int = 20, seed: int = 0, strict: bool = False
    ) -> Difference | None:
        """Return the first difference from the rules in random games, or None.

        `strict` also asks that the guards allow nothing that the rules forbid.
        """
        from tesuji.search.symbolic.check import check_model  # noqa: PLC0415

        return check_model(self, domain, games=games, seed=seed, strict=strict)

    def _check(
        self,
        what: str,
        expression: Any,
        sort: z3.SortRef,
        roles: set[str] | None = None,
    ) -> None:
        if isinstance(expression, (bool, int, float, np.generic)):
            raise ConstraintError(f"{what} must be a z3 expression, got {expression!r}")
        if not isinstance(expression, z3.ExprRef):
            raise ConstraintError(f"{what} must be a z3 expression, got {type(expression)}")
        if expression.sort() != sort:
            raise ConstraintError(f"{what} has sort {expression.sort()}, it must be {sort}")
        try:
            found = constants(expression)
        except ConstraintError as error:
            raise ConstraintError(f"{what}: {error}") from None
        for name, term in found.items():
            variable = self.symbols.variables.get(name)
            if variable is None:
                known = ", ".join(self.symbols.variables)
                raise ConstraintError(
                    f"{what} speaks of {name!r}, which is unknown; known: {known}"
                )
            if term.sort() != variable.sort:
                raise ConstraintError(
                    f"{what} takes {name!r} for {term.sort()}, but it is {variable.sort}"
                )
            if roles is not None and variable.role not in roles:
                raise ConstraintError(f"{what} must not speak of the action, it mentions {name!r}")


def constants(expression: z3.ExprRef) -> dict[str, z3.ExprRef]:
    """Return the free constants of `expression` by name.

    Raises:
        ConstraintError: it holds a quantifier or an uninterpreted function.
    """
    found: dict[str, z3.ExprRef] = {}
    seen: set[int] = set()
    stack = [expression]
    while stack:
        term = stack.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if z3.is_quantifier(term) or z3.is_var(term):
            raise ConstraintError(f"quantifiers are outside the fragment: {term}")
        if z3.is_app(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            if term.num_args():
                raise ConstraintError(
                    f"uninterpreted functions are outside the fragment: {term.decl().name()!r}"
                )
            found[term.decl().name()] = term
        stack.extend(term.children())
    return found

"""What PDDL files say, as plain data: types, atoms, formulas, effects, actions, tasks.

The language is PDDL 2.1's `:strips :typing :negative-preconditions :disjunctive-preconditions
:equality :quantified-preconditions :conditional-effects :numeric-fluents :action-costs` (Fox & Long
2003; McDermott 2000). A term that begins with `?` is a variable, any other an object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

OBJECT = "object"  # the type of everything
EQUALS = "="
TOTAL_COST = "total-cost"
TOTAL_TIME = "total-time"  # of plans without durations: the number of actions


@dataclass(frozen=True, slots=True)
class Atom:
    """A predicate or function over terms."""

    name: str
    terms: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"({' '.join((self.name, *self.terms))})"


@dataclass(frozen=True, slots=True)
class Variable:
    """A typed parameter; `types` are alternatives (`either`)."""

    name: str
    types: tuple[str, ...] = (OBJECT,)


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    part: Formula


@dataclass(frozen=True, slots=True)
class And:
    """Conjunction; true where it is empty."""

    parts: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """Disjunction; false where it is empty."""

    parts: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantified:
    """`forall` or `exists` over typed variables."""

    kind: Literal["forall", "exists"]
    variables: tuple[Variable, ...]
    part: Formula


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum, difference, product or quotient; one part alone is negated."""

    operator: Literal["+", "-", "*", "/"]
    parts: tuple[Expression, ...]


Expression = float | Atom | Arithmetic


Comparator = Literal["<", "<=", "=", ">=", ">"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of two numeric expressions."""

    operator: Comparator
    left: Expression
    right: Expression


Formula = Atom | Not | And | Or | Quantified | Comparison


@dataclass(frozen=True, slots=True)
class Assign:
    """A change of a numeric fluent."""

    operator: Literal["assign", "increase", "decrease", "scale-up", "scale-down"]
    target: Atom
    value: Expression


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that an action does: an atom made true or false, or a number changed.

    It happens for all values of `variables` for which `condition` holds before the action.
    """

    change: Atom | Not | Assign
    variables: tuple[Variable, ...] = ()
    condition: Formula = And()


@dataclass(frozen=True, slots=True)
class Action:
    """An action schema."""

    name: str
    parameters: tuple[Variable, ...]
    precondition: Formula
    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class Task:
    """A domain and a problem of it.

    Attributes:
        name: the problem's.
        domain: the domain's name.
        supertypes: each type's parent; `object` has none.
        objects: each object's type, constants among them.
        predicates: each predicate's parameters.
        functions: each numeric function's parameters.
        actions: the schemas, in the file's order.
        init: atoms that hold at first.
        numbers: values of numeric fluents at first.
        goal: what must hold at the end.
        metric: what to minimise; None counts actions.
    """

    name: str
    domain: str
    supertypes: Mapping[str, str]
    objects: Mapping[str, tuple[str, ...]]
    predicates: Mapping[str, tuple[Variable, ...]]
    functions: Mapping[str, tuple[Variable, ...]]
    actions: tuple[Action, ...]
    init: frozenset[Atom]
    numbers: Mapping[Atom, float]
    goal: Formula
    metric: Expression | None = None

    def is_subtype(self, kind: str, of: str) -> bool:
        """Return whether everything of type `kind` is of type `of`."""
        while kind != of:
            if kind not in self.supertypes:
                return False
            kind = self.supertypes[kind]
        return True

    def objects_of(self, types: tuple[str, ...]) -> tuple[str, ...]:
        """Return the objects of any of `types`, in the order they were declared."""
        return tuple(
            name
            for name, own in self.objects.items()
            if any(self.is_subtype(kind, of) for kind in own for of in types)
        )

"""Clauses, and instances of clauses, which are what a proof consists of.

A set of clauses is unsatisfiable if and only if finitely many ground instances are, as propositions
(Herbrand). Whoever proves - tableaux, a SAT solver over instances, z3 - says so in that form: a
list of instances. `engine/theorem_verification.py` checks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tesuji.domains.proving.formulas import Atom, Formula, Term


class Literal(NamedTuple):
    """An atom or its negation."""

    positive: bool
    atom: Atom


@dataclass(frozen=True, slots=True)
class Clause:
    """A disjunction of literals over universal variables.

    Attributes:
        name: unique in its set.
        literals: none for the empty clause.
        parent: name of the annotated formula that it is of; "equality" for axioms of equality.
        goal: whether it is of the negated conjecture.
    """

    name: str
    literals: tuple[Literal, ...]
    parent: str
    goal: bool = False


@dataclass(frozen=True, slots=True)
class SkolemSymbol:
    """A function symbol that stands for an existential variable.

    Attributes:
        symbol: the new name.
        formula: name of the annotated formula.
        variable: the existential variable, as renamed apart.
        arguments: the universal variables that it depends on, in the order of its arguments.
    """

    symbol: str
    formula: str
    variable: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DefinedPredicate:
    """A predicate symbol that stands for a part of a formula.

    Attributes:
        symbol: the new name.
        formula: name of the annotated formula.
        definiens: what it stands for.
        arguments: the free variables of it, in the order of its arguments.
    """

    symbol: str
    formula: str
    definiens: Formula
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClauseSet:
    """The clauses of a problem, its conjecture negated, and the log of new symbols.

    Attributes:
        clauses: axioms of equality last.
        skolems: in the order of their making.
        definitions: in the order of their making.
        has_conjecture: whether "unsatisfiable" means that a conjecture is a theorem.
    """

    clauses: tuple[Clause, ...]
    skolems: tuple[SkolemSymbol, ...]
    definitions: tuple[DefinedPredicate, ...]
    has_conjecture: bool


class Instance(NamedTuple):
    """A clause with terms for its variables.

    Attributes:
        clause: index in the clause set.
        terms: of the clause's variables, by name; variables that are left are new constants to
            come, one for all.
    """

    clause: int
    terms: dict[str, Term]

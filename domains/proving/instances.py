"""The instances of clauses that a tableau stands for."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from tesuji.domains.proving.clauses import Instance, Literal
from tesuji.domains.proving.formulas import Atom, Function, Term, Variable
from tesuji.domains.proving.matrix import NamedMatrix
from tesuji.domains.proving.tableau import (
    ABOVE,
    BY_GOAL,
    BY_LEMMA,
    CELLS,
    CLOSED_BY,
    DEPTH,
    LITERAL,
    OFFSET,
    WITH,
    Tableau,
)

Place = tuple[int, int]  # a term and the offset of its copy


def instances_of(
    named: NamedMatrix, tableau: Tableau, copies: Iterable[Place]
) -> tuple[Instance, ...]:
    """Return the instances of copies of clauses, each once.

    Args:
        named: the clauses.
        tableau: what their variables are bound to.
        copies: `(clause, offset)` of each.
    """
    found = {
        (each.clause, tuple(each.terms.values())): each
        for each in copies_of(named, tableau, copies)
    }
    return tuple(found.values())


def copies_of(named: NamedMatrix, tableau: Tableau, copies: Iterable[Place]) -> Iterator[Instance]:
    """Yield the instance that each copy is."""
    reader = _Reader(named, tableau)
    for clause, offset in copies:
        names = named.variables[clause]
        terms = (reader.variable(offset + place) for place in range(len(names)))
        yield Instance(clause, dict(zip(names, terms, strict=True)))


Kind = typing.Literal["extension", "reduction", "lemma"]
_KINDS: dict[int, Kind] = {BY_GOAL: "reduction", BY_LEMMA: "lemma"}


class Goal(NamedTuple):
    """A goal of a closed tableau.

    Attributes:
        literal: as it is in the end.
        above: the goal that it is below; -1 for those of the start clause.
        depth: 0 for those.
        kind: what closed it.
        with_: the clause of an extension; else the goal that closed it, or that was the same.
    """

    literal: Literal
    above: int
    depth: int
    kind: Kind
    with_: int


def goals_of(named: NamedMatrix, tableau: Tableau) -> tuple[Goal, ...]:
    """Return the goals of a closed tableau, each after the one above it."""
    reader, matrix = _Reader(named, tableau), named.matrix
    goals = []
    for row in tableau.cells[: tableau.counts[CELLS]].tolist():
        atom = reader.term((int(matrix.atom[row[LITERAL]]), row[OFFSET]))
        assert isinstance(atom, Function)
        positive = not matrix.key[row[LITERAL]] & 1
        literal = Literal(positive, Atom(atom.symbol, atom.arguments))
        by, with_, kind = row[CLOSED_BY], row[WITH], _KINDS.get(row[CLOSED_BY], "extension")
        with_ = int(matrix.clause[by]) if kind == "extension" else with_
        goals.append(Goal(literal, row[ABOVE], row[DEPTH], kind, with_))
    return tuple(goals)


class _Reader:
    """Reads terms of a tableau, each once, so that equal parts are shared."""

    def __init__(self, named: NamedMatrix, tableau: Tableau) -> None:
        matrix = named.matrix
        self._symbols, self._symbol = named.symbols, matrix.symbol.tolist()
        first, arguments = matrix.first.tolist(), matrix.arguments.tolist()
        self._arguments = [arguments[a:b] for a, b in pairwise(first)]
        self._bound, self._copy = tableau.bound.tolist(), tableau.copy.tolist()
        self._known: dict[Place, Term] = {}

    def variable(self, number: int) -> Term:
        """Return what a variable of the tableau stands for."""
        if self._bound[number] < 0:
            return Variable(f"X{number}")
        return self.term((self._bound[number], self._copy[number]))

    def term(self, place: Place) -> Term:
        """Return a term of a copy, or an atom as a term."""
        waiting = [place]
        while waiting:
            one = waiting[-1]
            if one in self._known:
                waiting.pop()
                continue
            below = self._below(one)
            missing = [each for each in below if each not in self._known]
            if missing:
                waiting += missing
                continue
            symbol = self._symbol[one[0]]
            if symbol >= 0:
                arguments = tuple(self._known[each] for each in below)
                self._known[one] = Function(self._symbols[symbol], arguments)
            elif below:
                self._known[one] = self._known[below[0]]
            else:
                self._known[one] = Variable(f"X{one[1] - 1 - symbol}")
            waiting.pop()
        return self._known[place]

    def _below(self, place: Place) -> list[Place]:
        # The arguments of a term, or what a variable is bound to.
        term, offset = place
        symbol = self._symbol[term]
        if symbol >= 0:
            return [(argument, offset) for argument in self._arguments[term]]
        variable = offset - 1 - symbol
        if self._bound[variable] < 0:
            return []
        return [(self._bound[variable], self._copy[variable])]

"""Congruence closure that says why: equalities of ground terms, and a reason for each consequence.

Terms that are equal are joined by an edge of a forest, for a given equality or for congruent
arguments; the way between two terms in it explains why they are equal (Nieuwenhuis & Oliveras
2005).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tesuji.domains.proving.formulas import Function, Term
from tesuji.domains.proving.terms import subterms


class Edge(NamedTuple):
    """A step from one term to an equal one.

    Attributes:
        left: where it begins.
        right: where it ends.
        given: whether the equality was given, in this direction or the other; else the arguments
            are equal one by one.
    """

    left: Term
    right: Term
    given: bool


class Congruence:
    """Equal terms, as far as they follow from equalities; terms are those that were shown."""

    def __init__(self) -> None:
        self._root: dict[Term, Term] = {}
        self._members: dict[Term, list[Term]] = {}
        self._users: dict[Term, list[Function]] = {}  # of a class: terms with an argument in it
        self._signed: dict[tuple[str, tuple[Term, ...]], Function] = {}
        self._edges: dict[Term, list[Edge]] = {}

    def add(self, term: Term) -> None:
        """Show a term and all in it."""
        for one in reversed(list(subterms(term))):
            if one in self._root:
                continue
            self._root[one], self._members[one] = one, [one]
            self._users[one], self._edges[one] = [], []
            if isinstance(one, Function) and one.arguments:
                for argument in one.arguments:
                    self._users[self._root[argument]].append(one)
                self._sign(one)

    def merge(self, left: Term, right: Term) -> None:
        """Take two terms for equal."""
        self.add(left)
        self.add(right)
        self._join([Edge(left, right, True)])

    def equal(self, left: Term, right: Term) -> bool:
        """Return whether two terms that were shown are equal."""
        return self._root[left] is self._root[right]

    def root(self, term: Term) -> Term:
        """Return what stands for all terms that are equal to this one."""
        return self._root[term]

    def way(self, left: Term, right: Term) -> Iterator[Edge]:
        """Yield the steps from a term to an equal one."""
        came: dict[Term, Edge | None] = {left: None}
        waiting = [left]
        while right not in came:
            at = waiting.pop()
            for edge in self._edges[at]:
                if edge.right not in came:
                    came[edge.right] = edge
                    waiting.append(edge.right)
        steps: list[Edge] = []
        last = came[right]
        while last is not None:
            steps.append(last)
            last = came[last.left]
        yield from reversed(steps)

    def _sign(self, term: Function) -> None:
        # Note a term by the classes of its arguments; join it with one that has the same.
        key = term.symbol, tuple(self._root[argument] for argument in term.arguments)
        other = self._signed.setdefault(key, term)
        if other is not term:
            self._join([Edge(other, term, False)])

    def _join(self, waiting: list[Edge]) -> None:
        while waiting:
            edge = waiting.pop()
            keep, lose = self._root[edge.left], self._root[edge.right]
            if keep is lose:
                continue
            self._edges[edge.left].append(edge)
            self._edges[edge.right].append(Edge(edge.right, edge.left, edge.given))
            if len(self._members[keep]) < len(self._members[lose]):
                keep, lose = lose, keep
            for term in self._members[lose]:
                self._root[term] = keep
            self._members[keep] += self._members.pop(lose)
            users = self._users.pop(lose)
            self._users[keep] += users
            for user in users:
                key = user.symbol, tuple(self._root[argument] for argument in user.arguments)
                other = self._signed.setdefault(key, user)
                if self._root[other] is not self._root[user]:
                    waiting.append(Edge(other, user, False))

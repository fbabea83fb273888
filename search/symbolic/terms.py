"""z3's terms, taken apart once, for whoever walks them often."""

from __future__ import annotations

from collections import OrderedDict
from fractions import Fraction
from threading import RLock
from typing import Any

import z3


class Term:
    """A term as Python needs it, since to ask z3 for its parts takes longer than to compute."""

    __slots__ = ("_children", "_params", "_size", "constant", "key", "kind", "name", "predicate")

    def __init__(self, term: z3.ExprRef, children: tuple[Term, ...]) -> None:
        self.key = term.get_id()
        self.kind = term.decl().kind()
        self.name = term.decl().name()
        self.predicate = z3.is_bool(term)
        self.constant: Any = None
        if z3.is_int_value(term) or z3.is_bv_value(term):
            self.constant = term.as_long()
        elif z3.is_rational_value(term):
            self.constant = Fraction(term.numerator_as_long(), term.denominator_as_long())
        self._children = children
        self._params: list[Any] = term.params()
        self._size = term.size() if z3.is_bv(term) else 0

    def children(self) -> tuple[Term, ...]:
        """Return its arguments."""
        return self._children

    def arg(self, place: int) -> Term:
        """Return one of them."""
        return self._children[place]

    def params(self) -> list[Any]:
        """Return what its operation is made with, such as the ends of an extract."""
        return self._params

    def size(self) -> int:
        """Return the width of a bit-vector."""
        return self._size


MAIN = RLock()  # whoever enters z3's main context holds it

# By the expression, which is kept, so that its number stays its own.
_TERMS: OrderedDict[int, tuple[z3.ExprRef, Term]] = OrderedDict()
_MAX_TERMS = 4096


def term_of(expression: z3.ExprRef) -> Term:
    """Return `expression` taken apart, once for all; z3 is not asked again."""
    known = _TERMS.get(id(expression))
    if known is not None:
        return known[1]
    with MAIN:
        term = _apart(expression)
        _TERMS[id(expression)] = expression, term
        if len(_TERMS) > _MAX_TERMS:
            _TERMS.popitem(last=False)
    return term


def _apart(expression: z3.ExprRef) -> Term:
    known: dict[int, Term] = {}
    stack = [expression]
    while stack:
        term = stack[-1]
        wanting = [child for child in term.children() if child.get_id() not in known]
        if wanting:
            stack += wanting
            continue
        stack.pop()
        if term.get_id() not in known:
            parts = tuple(known[child.get_id()] for child in term.children())
            known[term.get_id()] = Term(term, parts)
    return known[expression.get_id()]

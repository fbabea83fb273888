"""Expressions of z3 as functions of quantities: their margins, at instants or along segments.

The *margin* of a truth is how far the numbers in it may still move (robustness, Donzé & Maler
2010): of `a <= b` it is `b - a`, of a conjunction the least, of a disjunction the greatest. Numbers
are arrays, at instants, or `Swept`, along segments: there the margin is one that is nowhere
undercut, and the greatest such unless disjunctions, choices or products of three are in it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import z3

from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.trajectory.swept import Floats, Swept, hull

Numbers = Sequence[Any]  # `Q` arrays or `Swept`
Program = Callable[[Numbers], Any]


class Margin:
    """The margin of one expression.

    Args:
        name: of the constraint, for messages.
        expression: a truth.
        places: of the quantities, by name.

    Attributes:
        exact: whether its margin along segments is the greatest that is not undercut.

    Raises:
        ConstraintError: something in it has no margin.
    """

    def __init__(self, name: str, expression: z3.BoolRef, places: Mapping[str, int]) -> None:
        self._name, self._places = name, places
        self.exact = True
        self._program = self._truth(expression, True)

    def __call__(self, numbers: Numbers) -> Any:
        """Return the margins, of the numbers' shape."""
        return self._program(numbers)

    def _truth(self, term: Any, positive: bool) -> Program:
        """Return the margin of a truth, or of what denies it."""
        kind, parts = term.decl().kind(), term.children()
        if kind in _CONSTANT:
            value = _CONSTANT[kind] if positive else -_CONSTANT[kind]
            return lambda _: value
        if kind == z3.Z3_OP_NOT:
            return self._truth(parts[0], not positive)
        if kind == z3.Z3_OP_IMPLIES:
            return self._join(positive, self._truth(parts[0], not positive),
                              self._truth(parts[1], positive))  # fmt: skip
        if kind in _JOINS:
            each = [self._truth(part, positive) for part in parts]
            return self._join(positive == _JOINS[kind], *each)
        if kind in _SIGNS:
            less = _SIGNS[kind] == positive
            small, large = (parts[0], parts[1]) if less else (parts[1], parts[0])
            inner = _inside_abs(small)
            if inner is not None:  # |x| <= y is two planes, and exact
                return self._join(False, self._below(inner, large), self._below(-inner, large))
            return self._below(small, large)
        raise ConstraintError(
            f"constraint {self._name!r}: {term.decl().name()!r} says nothing of how far it holds; "
            "compare numbers by <, <=, > or >="
        )

    def _below(self, small: Any, large: Any) -> Program:
        low, high = self._number(small), self._number(large)
        return lambda numbers: _least(high(numbers) - low(numbers))

    def _join(self, either: bool, *each: Program) -> Program:
        join: np.ufunc = np.maximum if either else np.minimum
        self.exact &= not either

        def joined(numbers: Numbers) -> Any:
            margin = each[0](numbers)
            for program in each[1:]:
                margin = join(margin, program(numbers))
            return margin

        return joined

    def _number(self, term: Any) -> Program:
        if z3.is_rational_value(term) or z3.is_int_value(term):
            value = float(term.as_fraction())
            return lambda _: value
        kind, parts = term.decl().kind(), term.children()
        if kind == z3.Z3_OP_UNINTERPRETED and not parts:
            place = self._places[term.decl().name()]
            return lambda numbers: numbers[place]
        if kind == z3.Z3_OP_ITE:
            return self._choice(*parts)
        if kind == z3.Z3_OP_TO_REAL:
            return self._number(parts[0])
        each = [self._number(part) for part in parts]
        if kind == z3.Z3_OP_UMINUS:
            return lambda numbers: -each[0](numbers)
        if kind not in _ARITHMETIC:
            what = term.decl().name()
            raise ConstraintError(f"constraint {self._name!r}: {what!r} is not supported")
        self.exact &= kind != z3.Z3_OP_DIV and _degree(term) <= 2
        apply = _ARITHMETIC[kind]

        def folded(numbers: Numbers) -> Any:
            value = each[0](numbers)
            for program in each[1:]:
                value = apply(value, program(numbers))
            return value

        return folded

    def _choice(self, condition: Any, then: Any, other: Any) -> Program:
        use, avoid = self._truth(condition, True), self._truth(condition, False)
        one, two = self._number(then), self._number(other)
        self.exact = False

        def chosen(numbers: Numbers) -> Any:
            a, b = one(numbers), two(numbers)
            if isinstance(a, Swept) or isinstance(b, Swept):
                return hull(use(numbers) >= 0.0, a, b, avoid(numbers) >= 0.0)
            return np.where(use(numbers) >= 0.0, a, b)

        return chosen


def along(before: Numbers, after: Numbers, bends: Sequence[Any]) -> list[Swept]:
    """Return numbers on lines from `before` to `after`, give or take `bends`."""
    return [
        Swept(b) if a is b else Swept(a, b - a, 0.0, off)
        for a, b, off in zip(before, after, bends, strict=True)
    ]


def refined(
    program: Margin, before: Numbers, after: Numbers, bends: Sequence[Any], parts: int = 8
) -> Floats:
    """Return margins along segments `[N]`, each looked at in so many parts."""
    least = np.full(1, np.inf)
    for part in range(parts):
        low, high = part / parts, (part + 1) / parts
        starts = [a if a is b else a + (b - a) * low for a, b in zip(before, after, strict=True)]
        ends = [s if a is b else a + (b - a) * high
                for s, a, b in zip(starts, before, after, strict=True)]  # fmt: skip
        least = np.minimum(least, program(along(starts, ends, bends)))
    return least


def _least(number: Any) -> Any:
    return number.least() if isinstance(number, Swept) else number


def _inside_abs(term: Any) -> Any:
    # `x` of what stands for `abs(x)`, else None.
    if term.decl().kind() != z3.Z3_OP_ITE:
        return None
    condition, then, other = term.children()
    ends = condition.children()
    if condition.decl().kind() == z3.Z3_OP_LE:
        ends = ends[::-1]
    elif condition.decl().kind() != z3.Z3_OP_GE:
        return None
    zero = z3.RealVal(0, term.ctx)
    mirrored = z3.simplify(then + other).eq(zero) and z3.simplify(ends[1]).eq(zero)
    return then if mirrored and ends[0].eq(then) else None


def _degree(term: Any) -> int:
    parts = [_degree(part) for part in term.children()]
    if not parts:
        return int(term.decl().kind() == z3.Z3_OP_UNINTERPRETED)
    return sum(parts) if term.decl().kind() == z3.Z3_OP_MUL else max(parts)


_CONSTANT = {z3.Z3_OP_TRUE: np.inf, z3.Z3_OP_FALSE: -np.inf}
_JOINS = {z3.Z3_OP_AND: False, z3.Z3_OP_OR: True}
_SIGNS = {z3.Z3_OP_LE: True, z3.Z3_OP_LT: True, z3.Z3_OP_GE: False, z3.Z3_OP_GT: False}
_ARITHMETIC: Mapping[int, Callable[[Any, Any], Any]] = {
    z3.Z3_OP_ADD: operator.add,
    z3.Z3_OP_SUB: operator.sub,
    z3.Z3_OP_MUL: operator.mul,
    z3.Z3_OP_DIV: operator.truediv,
}

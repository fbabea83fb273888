"""Truth of constraints over whole boxes of states, in fractions, with three values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import z3

from tesuji.search.symbolic.model import ConstraintError

Range = tuple[Fraction, Fraction]
Truth = bool | None

_FLIPPED = {
    z3.Z3_OP_LE: z3.Z3_OP_GE,
    z3.Z3_OP_GE: z3.Z3_OP_LE,
    z3.Z3_OP_LT: z3.Z3_OP_GT,
    z3.Z3_OP_GT: z3.Z3_OP_LT,
}


def holds_in(name: str, term: Any, ranges: Mapping[str, Range]) -> Truth:  # noqa: PLR0911
    """Return whether a constraint holds in a whole box, in none of it, or neither (None).

    Raises:
        ConstraintError: it holds what has no invariant here.
    """
    kind, parts = term.decl().kind(), term.children()
    if kind == z3.Z3_OP_TRUE:
        return True
    if kind == z3.Z3_OP_FALSE:
        return False
    if kind == z3.Z3_OP_NOT:
        return _not(holds_in(name, parts[0], ranges))
    if kind == z3.Z3_OP_IMPLIES:
        first, second = (holds_in(name, part, ranges) for part in parts)
        return _any([_not(first), second])
    if kind in (z3.Z3_OP_AND, z3.Z3_OP_OR):
        truths = [holds_in(name, part, ranges) for part in parts]
        return _any(truths) if kind == z3.Z3_OP_OR else _not(_any([_not(t) for t in truths]))
    if kind in _FLIPPED:
        (low, high), (other_low, other_high) = (number_in(name, p, ranges) for p in parts)
        if kind in (z3.Z3_OP_GE, z3.Z3_OP_GT):
            low, high, other_low, other_high = other_low, other_high, low, high
        if kind in (z3.Z3_OP_LE, z3.Z3_OP_GE):
            return True if high <= other_low else False if low > other_high else None
        return True if high < other_low else False if low >= other_high else None
    raise ConstraintError(f"constraint {name!r}: no invariant is made of {term.decl().name()!r}")


def number_in(name: str, term: Any, ranges: Mapping[str, Range]) -> Range:  # noqa: PLR0911
    """Return the range of a number over a box.

    Raises:
        ConstraintError: it is not a sum of variables and numbers.
    """
    if z3.is_rational_value(term) or z3.is_int_value(term):
        value = Fraction(term.as_fraction())
        return value, value
    kind, parts = term.decl().kind(), term.children()
    if kind == z3.Z3_OP_UNINTERPRETED and not parts:
        return ranges[term.decl().name()]
    if kind == z3.Z3_OP_TO_REAL:
        return number_in(name, parts[0], ranges)
    if kind == z3.Z3_OP_ITE:
        truth = holds_in(name, parts[0], ranges)
        found = [number_in(name, part, ranges) for part in parts[1:]]
        if truth is not None:
            return found[0 if truth else 1]
        return min(found[0][0], found[1][0]), max(found[0][1], found[1][1])
    numbers = [number_in(name, part, ranges) for part in parts]
    if kind == z3.Z3_OP_UMINUS:
        return -numbers[0][1], -numbers[0][0]
    if kind == z3.Z3_OP_ADD:
        return sum((n[0] for n in numbers), Fraction(0)), sum((n[1] for n in numbers), Fraction(0))
    if kind == z3.Z3_OP_SUB:
        low, high = numbers[0]
        return low - sum(n[1] for n in numbers[1:]), high - sum(n[0] for n in numbers[1:])
    if kind == z3.Z3_OP_MUL and len(numbers) == 2:
        ends = [a * b for a in numbers[0] for b in numbers[1]]
        return min(ends), max(ends)
    raise ConstraintError(f"constraint {name!r}: no invariant is made of {term.decl().name()!r}")


def thresholds(name: str, term: Any, grid: Fraction) -> Iterator[tuple[str, Fraction]]:
    """Return variables of a constraint with the values that they are compared with.

    A box is closed, so a value that must not be reached comes with its neighbours on the grid, too.
    """
    if term.decl().kind() in _FLIPPED:
        left, right = (_sums(part) for part in term.children())
        for one in left:
            for other in right:
                difference = _plus(one, other, -1)
                used = [variable for variable, factor in difference.items() if variable and factor]
                if len(used) == 1:
                    value = -difference.get("", Fraction(0)) / difference[used[0]]
                    for each in (value, value - grid, value + grid):
                        yield used[0], each
    for part in term.children():
        yield from thresholds(name, part, grid)


def _sums(term: Any) -> list[dict[str, Fraction]]:  # noqa: PLR0911
    """Return the linear sums that a number may be: factors by variable, the constant under ""."""
    if z3.is_rational_value(term) or z3.is_int_value(term):
        return [{"": Fraction(term.as_fraction())}]
    kind, parts = term.decl().kind(), term.children()
    if kind == z3.Z3_OP_UNINTERPRETED and not parts:
        return [{term.decl().name(): Fraction(1)}]
    if kind == z3.Z3_OP_ITE:
        return [*_sums(parts[1]), *_sums(parts[2])]
    if kind == z3.Z3_OP_TO_REAL:
        return _sums(parts[0])
    if kind == z3.Z3_OP_UMINUS:
        return [_plus({}, each, -1) for each in _sums(parts[0])]
    if kind in (z3.Z3_OP_ADD, z3.Z3_OP_SUB):
        found = _sums(parts[0])
        sign = -1 if kind == z3.Z3_OP_SUB else 1
        for part in parts[1:]:
            found = [_plus(one, other, sign) for one in found for other in _sums(part)]
        return found
    return []  # its comparisons have no thresholds of their own


def _plus(one: dict[str, Fraction], other: dict[str, Fraction], sign: int) -> dict[str, Fraction]:
    total = dict(one)
    for variable, factor in other.items():
        total[variable] = total.get(variable, Fraction(0)) + sign * factor
    return total


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _any(truths: list[Truth]) -> Truth:
    if True in truths:
        return True
    return None if None in truths else False

"""Side constraints of shops for kernels: programs that tell how far a schedule is from keeping one.

A program computes a value for each term of the expression, in order. Of a number it also knows how
it changes with the start of the operation that is being placed (its slope); of a condition how far
it is from true and from false (the branch distance of Korel 1990). Each comparison of numbers says
when it changes next, so that whoever delays the operation can leap there: until then nothing does.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import z3
from numba import njit

from tesuji.domains.logistics.scheduling.shop import Array
from tesuji.search.scheduling.shop_constraints import (
    END,
    MACHINE,
    START,
    ShopConstraints,
    clauses,
    constants,
)
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.terms import MAIN, Term, term_of

NEVER = 1 << 60
_LIMIT = 1 << 40  # of numbers in constraints
(
    _CONSTANT, _START, _END, _MACHINE, _MAKESPAN, _ADD, _SCALE, _AT_MOST, _EQUAL, _AND, _OR, _NOT,
    _CHOOSE, _TRUE, _SAME,
) = range(15)  # fmt: skip
_LEAVES = {START: _START, END: _END, MACHINE: _MACHINE}
Line = tuple[int, int, int, int]  # operation of the program, and what it takes


class Clauses(NamedTuple):
    """The conjuncts `K` of all constraints as kernels read them; one user at a time.

    Attributes:
        code: lines of all programs `[L, 4]`: what is done, and with which lines or numbers.
        start: first line of each program `[K + 1]`.
        size: how many operations each speaks of `[K]`.
        of: conjuncts that speak of each operation, one list after the other.
        of_start: first of each operation in `of` `[O + 1]`.
        left: scratch `[K]`: operations that are not placed.
        value: scratch `[L]`, as the rest: of numbers the value, of conditions how far from true.
        other: of numbers the slope, of conditions how far from false.
    """

    code: Array
    start: Array
    size: Array
    of: Array
    of_start: Array
    left: Array
    value: Array
    other: Array


def compile_clauses(side: ShopConstraints) -> Clauses:
    """Return constraints as programs.

    Raises:
        ConstraintError: one is outside the language: sums and multiples of whole numbers, their
            comparisons, and what connects those.
    """
    programs: list[list[Line]] = []
    mentioned: list[list[int]] = []
    for name, expression in side.expressions.items():
        for clause in clauses(expression):
            try:
                programs.append(_Compiler(side).program(term_of(clause)))
            except ConstraintError as error:
                raise ConstraintError(f"constraint {name!r}: {error}") from None
            with MAIN:
                own = {side.operation(word)[1] for word in constants(clause)}
            everything = range(side.instance.num_operations)
            mentioned.append(sorted(everything if -1 in own else own))
    lists: list[list[int]] = [[] for _ in range(side.instance.num_operations)]
    for number, own_operations in enumerate(mentioned):
        for operation in own_operations:
            lists[operation].append(number)
    lengths = [len(program) for program in programs]
    scratch = np.zeros(max(lengths, default=0), np.int64)
    return Clauses(
        np.array([line for p in programs for line in p], np.int64).reshape(-1, 4),
        np.cumsum([0, *lengths]), np.array([len(own) for own in mentioned], np.int64),
        np.array([number for own in lists for number in own], np.int64),
        np.cumsum([0, *map(len, lists)]), np.zeros(len(programs), np.int64),
        scratch, scratch.copy(),
    )  # fmt: skip


class _Compiler:
    """Makes one program; terms that occur twice are computed once."""

    def __init__(self, side: ShopConstraints) -> None:
        self._side = side
        self._lines: list[Line] = []
        self._known: dict[int, int] = {}

    def program(self, term: Term) -> list[Line]:
        place = self._place(term)
        if place != len(self._lines) - 1:
            self._add(_NOT, self._add(_NOT, place))  # the last line is the verdict
        return self._lines

    def _add(self, code: int, a: int = 0, b: int = 0, c: int = 0) -> int:
        self._lines.append((code, a, b, c))
        return len(self._lines) - 1

    def _place(self, term: Term) -> int:
        if term.key not in self._known:
            self._known[term.key] = self._line(term)
        return self._known[term.key]

    def _line(self, term: Term) -> int:  # noqa: PLR0911, PLR0912
        if term.constant is not None:
            return self._add(_CONSTANT, _whole(term.constant))
        kind, children = term.kind, term.children()
        if kind in (z3.Z3_OP_TRUE, z3.Z3_OP_FALSE):
            return self._add(_TRUE, int(kind == z3.Z3_OP_FALSE))
        if kind == z3.Z3_OP_UNINTERPRETED:
            return self._leaf(term)
        if kind == z3.Z3_OP_MUL:
            return self._product(term)
        if kind in (z3.Z3_OP_DISTINCT, z3.Z3_OP_XOR) and len(children) != 2:
            raise ConstraintError("distinct takes two at a time")
        parts = [self._place(child) for child in children]
        conditions = bool(children) and children[0].predicate
        if kind == z3.Z3_OP_ITE and children[1].predicate:
            holds, then, otherwise = parts
            first = self._add(_OR, self._add(_NOT, holds), then)
            return self._add(_AND, first, self._add(_OR, holds, otherwise))
        if kind == z3.Z3_OP_ITE:
            return self._add(_CHOOSE, *parts)
        if kind == z3.Z3_OP_NOT:
            return self._add(_NOT, parts[0])
        if kind == z3.Z3_OP_IMPLIES:
            return self._add(_OR, self._add(_NOT, parts[0]), parts[1])
        if kind == z3.Z3_OP_UMINUS:
            return self._add(_SCALE, parts[0], -1)
        if kind == z3.Z3_OP_SUB:
            parts = [parts[0], *(self._add(_SCALE, part, -1) for part in parts[1:])]
        elif kind in (z3.Z3_OP_GE, z3.Z3_OP_LT):  # a >= b is b <= a, a < b is not b <= a
            parts.reverse()
        same = _SAME if conditions else _EQUAL
        two = {
            z3.Z3_OP_LE: (_AT_MOST, False), z3.Z3_OP_GE: (_AT_MOST, False),
            z3.Z3_OP_LT: (_AT_MOST, True), z3.Z3_OP_GT: (_AT_MOST, True),
            z3.Z3_OP_EQ: (same, False), z3.Z3_OP_IFF: (_SAME, False),
            z3.Z3_OP_DISTINCT: (same, True), z3.Z3_OP_XOR: (_SAME, True),
        }  # fmt: skip
        if kind in two:
            code, negated = two[kind]
            place = self._add(code, *parts)
            return self._add(_NOT, place) if negated else place
        many = {
            z3.Z3_OP_ADD: _ADD, z3.Z3_OP_SUB: _ADD, z3.Z3_OP_AND: _AND, z3.Z3_OP_OR: _OR,
        }  # fmt: skip
        if kind not in many or not parts:
            raise ConstraintError(f"{term.name!r} is outside the language of shops")
        place = parts[0]
        for part in parts[1:]:
            place = self._add(many[kind], place, part)
        return place

    def _product(self, term: Term) -> int:
        numbers = [c.constant for c in term.children() if c.constant is not None]
        others = [child for child in term.children() if child.constant is None]
        if len(others) != 1:
            raise ConstraintError("a time can be multiplied by numbers only")
        factor = 1
        for number in numbers:
            factor = _whole(factor * number)
        return self._add(_SCALE, self._place(others[0]), factor)

    def _leaf(self, term: Term) -> int:
        if term.name == "makespan":
            return self._add(_MAKESPAN)
        array, operation = self._side.operation(term.name)
        if array not in _LEAVES:
            raise ConstraintError(f"a shop has no {array!r}")
        return self._add(_LEAVES[array], operation)


def _whole(value: int | Fraction) -> int:
    if value != int(value) or not -_LIMIT <= int(value) <= _LIMIT:
        raise ConstraintError(f"numbers are whole, up to {_LIMIT}; got {value}")
    return int(value)


@njit(cache=True, nogil=True)
def _until(difference, slope):  # type: ignore[no-untyped-def]
    # After how long `difference <= 0` changes.
    if slope > 0 and difference <= 0:
        return -difference // slope + 1
    if slope < 0 and difference > 0:
        return -(-difference // -slope)
    return NEVER


@njit(cache=True, nogil=True)
def evaluate(clauses, number, start, end, machine, operation):  # type: ignore[no-untyped-def]  # noqa: PLR0912
    """Return how far a conjunct is from being kept, and after which delay that may change.

    Args:
        clauses: the conjuncts.
        number: which.
        start: of each operation `[O]`; all that it speaks of are placed.
        end: of each operation `[O]`.
        machine: of each operation `[O]`.
        operation: the one that may be delayed.
    """
    first, beyond = clauses.start[number], clauses.start[number + 1]
    value, other, change = clauses.value, clauses.other, NEVER
    for line in range(first, beyond):
        code, a = clauses.code[line, 0], clauses.code[line, 1]
        b, at = clauses.code[line, 2], line - first
        if code == _CONSTANT:
            value[at], other[at] = a, 0
        elif code == _START:
            value[at], other[at] = start[a], np.int64(a == operation)
        elif code == _END:
            value[at], other[at] = end[a], np.int64(a == operation)
        elif code == _MACHINE:
            value[at], other[at] = machine[a], 0
        elif code == _MAKESPAN:
            last = end.max()
            value[at], other[at] = last, np.int64(end[operation] == last)
        elif code == _ADD:
            value[at], other[at] = value[a] + value[b], other[a] + other[b]
        elif code == _SCALE:
            value[at], other[at] = value[a] * b, other[a] * b
        elif code == _CHOOSE:
            chosen = b if value[a] == 0 else clauses.code[line, 3]
            value[at], other[at] = value[chosen], other[chosen]
        elif code in (_AT_MOST, _EQUAL):
            difference, slope = value[a] - value[b], other[a] - other[b]
            change = min(change, _until(difference, slope))
            value[at], other[at] = max(difference, 0), max(1 - difference, 0)
            if code == _EQUAL:
                change = min(change, _until(-difference, -slope))
                value[at], other[at] = abs(difference), np.int64(difference == 0)
        elif code == _AND:
            value[at], other[at] = value[a] + value[b], min(other[a], other[b])
        elif code == _OR:
            value[at], other[at] = min(value[a], value[b]), other[a] + other[b]
        elif code == _NOT:
            value[at], other[at] = other[a], value[a]
        elif code == _TRUE:
            value[at], other[at] = a, 1 - a
        elif code == _SAME:
            both, neither = value[a] + value[b], other[a] + other[b]
            differ = min(value[a] + other[b], other[a] + value[b])
            value[at], other[at] = min(both, neither), differ
    return value[beyond - first - 1], change

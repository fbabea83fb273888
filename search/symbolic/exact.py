"""Constraints decided exactly, one state and action at a time, in Python's integers and fractions.

The slow twin of the compiled check: it shares no code with it, decides what the check leaves
undecided, and has the last word wherever a move is really made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import z3

from tesuji.domains.base import State
from tesuji.search.symbolic.division import euclid, modulo, quotient, remainder
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.symbols import Symbols, Variable
from tesuji.search.symbolic.terms import Term, term_of

Value = Any  # bool, int (also for bit-vectors), Fraction; None is undefined


def decide(symbols: Symbols, expression: z3.BoolRef, state: State, action: int) -> bool | None:
    """Return whether `expression` holds, or None where it has no value.

    SMT-LIB leaves division by zero open, and an array has nothing outside its shape: both are
    undefined here, and so is what depends on them.
    """
    values = {**symbols.values(state), **symbols.action_values(action)}
    for variable in symbols.of("parameter"):
        values[variable.name] = variable.values
    found: bool | None = _Evaluation(symbols.variables, values).value(term_of(expression))
    return found


class _Evaluation:
    def __init__(self, variables: dict[str, Variable], values: dict[str, Any]) -> None:
        self._variables = variables
        self._values = values
        self._known: dict[int, Value] = {}

    def value(self, term: Term) -> Value:
        """Return the value of a scalar term."""
        key = term.key
        if key not in self._known:
            self._known[key] = self._compute(term)
        return self._known[key]

    def _compute(self, term: Term) -> Value:
        if term.constant is not None:
            return term.constant
        kind = term.kind
        if kind == z3.Z3_OP_UNINTERPRETED:
            return self._scalar(self._variables[term.name], ())
        if kind == z3.Z3_OP_SELECT:
            return self._element(term, [])
        if kind in _LAZY:
            return _LAZY[kind](self, term)
        if kind not in _STRICT:
            raise ConstraintError(f"{term.name!r} is outside the fragment")
        arguments = [self.value(child) for child in term.children()]
        if any(argument is None for argument in arguments):
            return None
        return _STRICT[kind](term, *arguments)

    def _scalar(self, variable: Variable, index: tuple[int, ...]) -> Value:
        for i, size in zip(index, variable.shape, strict=True):
            if not 0 <= i < size:
                return None
        value = np.asarray(self._values[variable.name])[index]
        if variable.kind == "bool":
            return bool(value)
        if variable.kind == "real":
            return Fraction(float(value)) if math.isfinite(value) else None
        number = int(value)
        if variable.kind == "int" and not variable.low <= number <= variable.high:
            return None  # the declared bounds do not hold
        return number

    def _element(self, array: Term, index: list[Value]) -> Value:  # noqa: PLR0911
        """Return element `index` of an array term."""
        kind = array.kind
        children = array.children()
        if kind == z3.Z3_OP_SELECT:
            return self._element(children[0], [self.value(children[1]), *index])
        if any(i is None for i in index):
            return None
        if kind == z3.Z3_OP_UNINTERPRETED:
            return self._scalar(self._variables[array.name], tuple(index))
        if kind == z3.Z3_OP_STORE:
            at = self.value(children[1])
            if at is None:
                return None
            if at != index[0]:
                return self._element(children[0], index)
            return self._inner(children[2], index[1:])
        if kind == z3.Z3_OP_CONST_ARRAY:
            return self._inner(children[0], index[1:])
        if kind == z3.Z3_OP_ITE:
            condition = self.value(children[0])
            if condition is None:
                return None
            return self._element(children[1 if condition else 2], index)
        raise ConstraintError(f"{array.name!r} of arrays is outside the fragment")

    def _inner(self, term: Term, index: list[Value]) -> Value:
        return self._element(term, index) if index else self.value(term)

    def all(self, term: Term) -> bool | None:
        """Return a conjunction, false as soon as one part is."""
        found: bool | None = True
        for child in term.children():
            value = self.value(child)
            if value is False:
                return False
            if value is None:
                found = None
        return found

    def any(self, term: Term) -> bool | None:
        """Return a disjunction."""
        found: bool | None = False
        for child in term.children():
            value = self.value(child)
            if value is True:
                return True
            if value is None:
                found = None
        return found

    def implies(self, term: Term) -> bool | None:
        """Return an implication."""
        first, second = (self.value(child) for child in term.children())
        if first is False or second is True:
            return True
        return None if None in (first, second) else False

    def distinct(self, term: Term) -> bool | None:
        """Return whether no two are equal; two that are decide it."""
        found = [self.value(child) for child in term.children()]
        defined = [value for value in found if value is not None]
        if len(set(defined)) < len(defined):
            return False
        return True if len(defined) == len(found) else None

    def choose(self, term: Term) -> Value:
        """Return the branch that the condition picks."""
        condition, then, other = term.children()
        found = self.value(condition)
        if found is None:
            if not then.predicate:
                return None
            first, second = self.value(then), self.value(other)
            return first if first == second else None
        return self.value(then if found else other)


def _part(place: int) -> Callable[..., Value]:
    def divide(term: Term, dividend: int, divisor: int) -> int | None:
        found = euclid(dividend, divisor)
        return None if found is None else found[place]

    return divide


def _weighted(term: Term, arguments: tuple[bool, ...]) -> tuple[int, int]:
    """Return `(sum, bound)` of a pseudo-Boolean term."""
    numbers = [int(p) for p in term.params()]
    weights = numbers[1:] or [1] * len(arguments)
    return sum(w for w, a in zip(weights, arguments, strict=True) if a), numbers[0]


def _counted(holds: Callable[[int, int], bool]) -> Callable[..., Value]:
    return lambda term, *arguments: holds(*_weighted(term, arguments))


def _mask(term: Term) -> int:
    return (1 << int(term.size())) - 1


def _signed(value: int, width: int) -> int:
    return value - (1 << width) if value >> (width - 1) else value


def _bits(operation: Callable[..., int]) -> Callable[..., Value]:
    return lambda term, *arguments: operation(*arguments) & _mask(term)


def _fold(operation: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def apply(first: Any, *rest: Any) -> Any:
        for other in rest:
            first = operation(first, other)
        return first

    return apply


def _on_signed(operation: Callable[[int, int], Any], wrap: bool) -> Callable[..., Value]:
    def apply(term: Term, first: int, second: int) -> Value:
        width = term.arg(0).size()
        found = operation(_signed(first, width), _signed(second, width))
        return found & ((1 << width) - 1) if wrap else found

    return apply


def _concat(term: Term, *values: int) -> int:
    found = 0
    for child, value in zip(term.children(), values, strict=True):
        found = found << child.size() | value
    return found


def _rotate(term: Term, value: int, places: int) -> int:
    width = int(term.size())
    places %= width
    return (value << places | value >> (width - places)) & _mask(term)


_LAZY: dict[int, Callable[[_Evaluation, Term], Value]] = {
    z3.Z3_OP_AND: _Evaluation.all,
    z3.Z3_OP_OR: _Evaluation.any,
    z3.Z3_OP_IMPLIES: _Evaluation.implies,
    z3.Z3_OP_ITE: _Evaluation.choose,
    z3.Z3_OP_DISTINCT: _Evaluation.distinct,
}

_STRICT: dict[int, Callable[..., Value]] = {
    z3.Z3_OP_TRUE: lambda t: True,
    z3.Z3_OP_FALSE: lambda t: False,
    z3.Z3_OP_NOT: lambda t, a: not a,
    z3.Z3_OP_XOR: lambda t, *a: sum(a) % 2 == 1,
    z3.Z3_OP_EQ: lambda t, a, b: a == b,
    z3.Z3_OP_PB_AT_MOST: _counted(lambda total, bound: total <= bound),
    z3.Z3_OP_PB_AT_LEAST: _counted(lambda total, bound: total >= bound),
    z3.Z3_OP_PB_LE: _counted(lambda total, bound: total <= bound),
    z3.Z3_OP_PB_GE: _counted(lambda total, bound: total >= bound),
    z3.Z3_OP_PB_EQ: _counted(lambda total, bound: total == bound),
    z3.Z3_OP_LE: lambda t, a, b: a <= b,
    z3.Z3_OP_LT: lambda t, a, b: a < b,
    z3.Z3_OP_GE: lambda t, a, b: a >= b,
    z3.Z3_OP_GT: lambda t, a, b: a > b,
    z3.Z3_OP_ADD: lambda t, *a: sum(a),
    z3.Z3_OP_SUB: lambda t, a, *b: a - sum(b),
    z3.Z3_OP_MUL: lambda t, *a: math.prod(a),
    z3.Z3_OP_UMINUS: lambda t, a: -a,
    z3.Z3_OP_IDIV: _part(0),
    z3.Z3_OP_MOD: _part(1),
    z3.Z3_OP_DIV: lambda t, a, b: None if b == 0 else Fraction(a) / b,
    z3.Z3_OP_TO_REAL: lambda t, a: Fraction(a),
    z3.Z3_OP_BADD: _bits(_fold(lambda a, b: a + b)),
    z3.Z3_OP_BSUB: _bits(_fold(lambda a, b: a - b)),
    z3.Z3_OP_BMUL: _bits(_fold(lambda a, b: a * b)),
    z3.Z3_OP_BNEG: _bits(lambda a: -a),
    z3.Z3_OP_BAND: _bits(_fold(lambda a, b: a & b)),
    z3.Z3_OP_BOR: _bits(_fold(lambda a, b: a | b)),
    z3.Z3_OP_BXOR: _bits(_fold(lambda a, b: a ^ b)),
    z3.Z3_OP_BNOT: _bits(lambda a: ~a),
    z3.Z3_OP_BSHL: lambda t, a, b: a << b & _mask(t) if b < t.size() else 0,
    z3.Z3_OP_BLSHR: lambda t, a, b: a >> b if b < t.size() else 0,
    z3.Z3_OP_BASHR: lambda t, a, b: _signed(a, t.size()) >> min(b, t.size()) & _mask(t),
    z3.Z3_OP_BUDIV: lambda t, a, b: a // b if b else _mask(t),
    z3.Z3_OP_BUREM: lambda t, a, b: a % b if b else a,
    z3.Z3_OP_BSDIV: _on_signed(quotient, wrap=True),
    z3.Z3_OP_BSREM: _on_signed(remainder, wrap=True),
    z3.Z3_OP_BSMOD: _on_signed(modulo, wrap=True),
    z3.Z3_OP_ULEQ: lambda t, a, b: a <= b,
    z3.Z3_OP_ULT: lambda t, a, b: a < b,
    z3.Z3_OP_UGEQ: lambda t, a, b: a >= b,
    z3.Z3_OP_UGT: lambda t, a, b: a > b,
    z3.Z3_OP_SLEQ: _on_signed(lambda a, b: a <= b, wrap=False),
    z3.Z3_OP_SLT: _on_signed(lambda a, b: a < b, wrap=False),
    z3.Z3_OP_SGEQ: _on_signed(lambda a, b: a >= b, wrap=False),
    z3.Z3_OP_SGT: _on_signed(lambda a, b: a > b, wrap=False),
    z3.Z3_OP_CONCAT: _concat,
    z3.Z3_OP_EXTRACT: lambda t, a: a >> t.params()[1] & _mask(t),
    z3.Z3_OP_ZERO_EXT: lambda t, a: a,
    z3.Z3_OP_SIGN_EXT: lambda t, a: _signed(a, t.arg(0).size()) & _mask(t),
    z3.Z3_OP_ROTATE_LEFT: lambda t, a: _rotate(t, a, t.params()[0]),
    z3.Z3_OP_ROTATE_RIGHT: lambda t, a: _rotate(t, a, -t.params()[0]),
    z3.Z3_OP_EXT_ROTATE_LEFT: _rotate,
    z3.Z3_OP_EXT_ROTATE_RIGHT: lambda t, a, b: _rotate(t, a, -b),
    z3.Z3_OP_BV2INT: lambda t, a: a,
    z3.Z3_OP_INT2BV: lambda t, a: a & _mask(t),
}

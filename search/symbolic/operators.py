"""Operators of written constraints on z3 terms and plain numbers, with sorts checked.

A plain number takes the sort of what it meets; two plain numbers stay plain, exactly.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import z3

MAX_SHIFT = 64


class WrongSortError(TypeError):
    """An operator does not take terms of these sorts."""


class UnknownNameError(ValueError):
    """A function of names does not know what it is asked for."""


def exact_number(written: str) -> Fraction:
    """Return the decimal number `written` as a rational, exactly."""
    try:
        mantissa, _, exponent = written.lower().replace("_", "").partition("e")
        if exponent and abs(int(exponent)) > 300:
            raise WrongSortError(f"the exponent of {written} is out of range")
        return Fraction(mantissa) * Fraction(10) ** int(exponent or 0)
    except ValueError:
        raise WrongSortError(f"{written} is not a decimal number") from None


def truth(term: Any) -> z3.BoolRef:
    """Return `term` as a Bool."""
    if isinstance(term, bool):
        return z3.BoolVal(term)
    if isinstance(term, z3.BoolRef):
        return term
    raise WrongSortError(f"{_short(term)} is {_sort(term)}, a truth value is needed")


def arithmetic(name: str, left: Any, right: Any) -> Any:
    """Return `left` and `right` under a binary operator, by the name of its syntax node."""
    left, right = _same_sort(name, left, right)
    if z3.is_bv(left):
        table = _BITS
    elif z3.is_arith(left):
        table = _NUMBERS
        if name in ("FloorDiv", "Mod") and not (left.is_int() and right.is_int()):
            raise WrongSortError(f"{_SIGNS[name]} is for whole numbers; use / for others")
    elif isinstance(left, z3.BoolRef):
        table = _TRUTHS
    else:
        table = _PLAIN
        _check_plain(name, left, right)
    if name not in table:
        sign = _SIGNS.get(name, name)
        raise WrongSortError(f"{sign} does not take {_sort(left)}")
    return table[name](left, right)


def compare(name: str, left: Any, right: Any) -> Any:
    """Return a comparison, by the name of its syntax node; bit-vectors compare as unsigned."""
    if name not in _ORDERS:
        raise WrongSortError(f"{name} is no comparison of constraints; use ==, !=, <, <=, >, >=")
    left, right = _same_sort(name, left, right)
    if z3.is_array(left) or (name not in ("Eq", "NotEq") and isinstance(left, z3.BoolRef)):
        raise WrongSortError(f"{_SIGNS[name]} does not take {_sort(left)}: {_short(left)}")
    if z3.is_bv(left) and name in _UNSIGNED:
        return _UNSIGNED[name](left, right)
    return _ORDERS[name](left, right)


def negate(name: str, term: Any) -> Any:
    """Return `term` under a unary operator, by the name of its syntax node."""
    if name == "Not":
        return z3.Not(truth(term))
    plain = isinstance(term, int | Fraction) and not isinstance(term, bool)
    if name in ("UAdd", "USub") and (plain or z3.is_arith(term) or z3.is_bv(term)):
        return term if name == "UAdd" else -term
    if name == "Invert" and (z3.is_bv(term) or (plain and isinstance(term, int))):
        return ~term
    raise WrongSortError(f"{_SIGNS[name]} does not take {_sort(term)}: {_short(term)}")


def choose(condition: z3.BoolRef, then: Any, otherwise: Any) -> Any:
    """Return `then` where `condition` holds, else `otherwise`."""
    then, otherwise = _same_sort("IfExp", then, otherwise)
    return z3.If(condition, _as_term(then), _as_term(otherwise))


def select(array: Any, index: Any) -> Any:
    """Return `array[index]`."""
    if not z3.is_array(array):
        raise WrongSortError(f"{_short(array)} is {_sort(array)}, it has no elements")
    if isinstance(index, bool) or not (
        isinstance(index, int) or (z3.is_arith(index) and index.is_int())
    ):
        raise WrongSortError(f"an index must be a whole number, {_short(index)} is {_sort(index)}")
    return z3.Select(array, _as_term(index))


def _same_sort(name: str, left: Any, right: Any) -> tuple[Any, Any]:
    """Return both as terms of one sort, or both plain."""
    if not isinstance(left, z3.ExprRef) and not isinstance(right, z3.ExprRef):
        return left, right
    if isinstance(left, z3.ExprRef) and isinstance(right, z3.ExprRef):
        if left.sort() == right.sort():
            return left, right
        if z3.is_arith(left) and z3.is_arith(right):
            return (
                z3.ToReal(left) if left.is_int() else left,
                z3.ToReal(right) if right.is_int() else right,
            )
        raise _mismatch(name, left, right)
    if isinstance(left, z3.ExprRef):
        return _like(name, right, left, left, right)
    right, left = _like(name, left, right, left, right)
    return left, right


def _like(name: str, value: Any, term: Any, left: Any, right: Any) -> tuple[Any, Any]:
    """Return `term` and plain `value` as a term of the same sort."""
    if isinstance(term, z3.BoolRef) and isinstance(value, bool):
        return term, z3.BoolVal(value)
    if isinstance(value, bool):
        raise _mismatch(name, left, right)
    if z3.is_bv(term) and isinstance(value, int):
        if not -(2 ** (term.size() - 1)) <= value < 2 ** term.size():
            raise WrongSortError(f"{value} does not fit into {term.size()} bits")
        return term, z3.BitVecVal(value, term.size())
    if z3.is_arith(term):
        if isinstance(value, int) and term.is_int():
            return term, z3.IntVal(value)
        return (z3.ToReal(term) if term.is_int() else term), _as_term(Fraction(value))
    raise _mismatch(name, left, right)


def _as_term(value: Any) -> Any:
    if isinstance(value, z3.ExprRef):
        return value
    if isinstance(value, bool):
        return z3.BoolVal(value)
    if isinstance(value, int):
        return z3.IntVal(value)
    return z3.RatVal(value.numerator, value.denominator)


def _check_plain(name: str, left: Any, right: Any) -> None:
    if isinstance(left, bool) or isinstance(right, bool):
        raise WrongSortError(f"{_SIGNS[name]} does not take truth values")
    whole = isinstance(left, int) and isinstance(right, int)
    if name in ("LShift", "RShift") and not (whole and 0 <= right <= MAX_SHIFT):
        raise WrongSortError(f"a number is shifted by 0 to {MAX_SHIFT} places, not by {right}")
    if name in ("FloorDiv", "Mod", "BitAnd", "BitOr", "BitXor") and not whole:
        raise WrongSortError(f"{_SIGNS[name]} is for whole numbers")
    if name in ("Div", "FloorDiv", "Mod") and right == 0:
        raise WrongSortError("division by zero")


def _mismatch(name: str, left: Any, right: Any) -> WrongSortError:
    sign = _SIGNS.get(name, name)
    return WrongSortError(
        f"{sign} takes both sides alike, {_short(left)} is {_sort(left)} and "
        f"{_short(right)} is {_sort(right)}"
    )


def _sort(term: Any) -> str:
    if isinstance(term, z3.ExprRef):
        return str(term.sort())
    return {bool: "Bool", int: "Int", Fraction: "Real"}.get(type(term), type(term).__name__)


def _short(term: Any) -> str:
    text = str(term)
    return text if len(text) <= 60 else text[:57] + "…"


def _quotient(left: int, right: int) -> int:
    """Return the quotient whose remainder is never negative, as SMT-LIB's `div`."""
    return left // right if right > 0 else -(left // -right)


def _ratio(left: Any, right: Any) -> Any:
    real = [z3.ToReal(term) if term.is_int() else term for term in (left, right)]
    return real[0] / real[1]


_Table = dict[str, Callable[[Any, Any], Any]]

_NUMBERS: _Table = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "Div": _ratio,
    "FloorDiv": operator.truediv,  # of two Ints: z3's `div`
    "Mod": operator.mod,
}
_BITS: _Table = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "FloorDiv": z3.UDiv,
    "Mod": z3.URem,
    "BitAnd": operator.and_,
    "BitOr": operator.or_,
    "BitXor": operator.xor,
    "LShift": operator.lshift,
    "RShift": z3.LShR,
}
_TRUTHS: _Table = {"BitAnd": z3.And, "BitOr": z3.Or, "BitXor": z3.Xor}
_PLAIN: _Table = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "Div": Fraction,
    "FloorDiv": _quotient,
    "Mod": lambda left, right: left % abs(right),
    "BitAnd": operator.and_,
    "BitOr": operator.or_,
    "BitXor": operator.xor,
    "LShift": operator.lshift,
    "RShift": operator.rshift,
}
_ORDERS: _Table = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
}
_UNSIGNED: _Table = {"Lt": z3.ULT, "LtE": z3.ULE, "Gt": z3.UGT, "GtE": z3.UGE}
_SIGNS = {
    "Add": "+", "Sub": "-", "Mult": "*", "Div": "/", "FloorDiv": "//", "Mod": "%", "Pow": "**",
    "BitAnd": "&", "BitOr": "|", "BitXor": "^", "LShift": "<<", "RShift": ">>", "Eq": "==",
    "NotEq": "!=", "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "UAdd": "+", "USub": "-",
    "Invert": "~", "IfExp": "a choice", "MatMult": "@",
}  # fmt: skip

"""Reals as intervals of floats, rounded outwards."""

from __future__ import annotations

from fractions import Fraction
from math import frexp
from typing import TYPE_CHECKING

import z3

from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.program import Int, Real, Slot, outside, outward

if TYPE_CHECKING:
    from tesuji.search.symbolic.lower import Lowering

_EXACT = 2**53  # ints up to here are floats
_MODERATE = 900  # an int times two to the power of it is a float with all its digits
_REAL_OPERATIONS = {z3.Z3_OP_ADD, z3.Z3_OP_SUB, z3.Z3_OP_MUL, z3.Z3_OP_DIV}


def lower_real(lowering: Lowering, term: z3.ExprRef, kind: int) -> Real:
    """Return the slots of a real term."""
    children = term.children()
    if z3.is_rational_value(term):
        exact = Fraction(term.numerator_as_long(), term.denominator_as_long())
        return _constant(lowering, exact)
    if kind == z3.Z3_OP_TO_REAL:
        return _from_int(lowering, lowering.integer(children[0]))
    if kind == z3.Z3_OP_ITE:
        chosen = lowering.choose(term)
        assert isinstance(chosen, Real)
        return chosen
    if kind == z3.Z3_OP_UMINUS:
        a = lowering.real(children[0])
        low, high = (lowering.program.apply("minus", "float", end) for end in (a.high, a.low))
        return Real(low, high, a.ok)
    if kind not in _REAL_OPERATIONS:
        raise outside(term)
    found = lowering.real(children[0])
    for child in children[1:]:
        found = _arithmetic(lowering, kind, found, lowering.real(child))
    return found


def _constant(lowering: Lowering, exact: Fraction) -> Real:
    try:
        low, high = outward(exact)
    except OverflowError:
        raise ConstraintError(f"the number {exact} is beyond the floats") from None
    constant = lowering.program.constant
    return Real(constant("float", low), constant("float", high), None)


def _from_int(lowering: Lowering, a: Int) -> Real:
    slot = lowering.program.apply("to_float", "float", a.slot)
    if max(abs(a.low), abs(a.high)) <= _EXACT:
        return Real(slot, slot, a.ok)
    return Real(_rounded(lowering, "down", slot), _rounded(lowering, "up", slot), a.ok)


def _rounded(lowering: Lowering, way: str, slot: Slot) -> Slot:
    return lowering.program.apply(way, "float", slot)


def _arithmetic(lowering: Lowering, kind: int, a: Real, b: Real) -> Real:
    apply = lowering.program.apply
    ok = lowering.program.both(a.ok, b.ok)
    if kind == z3.Z3_OP_DIV and (inverse := _inverse(lowering, b)):
        kind, b = z3.Z3_OP_MUL, inverse
    if kind == z3.Z3_OP_ADD:
        low = apply("add_down", "float", a.low, b.low)
        high = apply("add_up", "float", a.high, b.high)
    elif kind == z3.Z3_OP_SUB:
        low = apply("subtract_down", "float", a.low, b.high)
        high = apply("subtract_up", "float", a.high, b.low)
    elif kind == z3.Z3_OP_MUL and (factor := _positive(lowering, a) or _positive(lowering, b)):
        other = b if factor is a else a
        if (shifted := _shifted(lowering, other, factor)) is not None:
            return Real(*shifted, ok)
        low = apply("scaled_down", "float", other.low, factor.low, factor.high)
        high = apply("scaled_up", "float", other.high, factor.low, factor.high)
    else:
        pairs = [(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
        lows, highs = ("multiply_down", "multiply_up")
        if kind == z3.Z3_OP_DIV:
            ok = lowering.program.both(ok, apply("apart_from_zero", "bool", b.low, b.high))
            lows = highs = "divide"
        low = apply("least", "float", *[apply(lows, "float", x, y) for x, y in pairs])
        high = apply("greatest", "float", *[apply(highs, "float", x, y) for x, y in pairs])
        if kind == z3.Z3_OP_DIV:
            low, high = _rounded(lowering, "down", low), _rounded(lowering, "up", high)
    return Real(low, high, ok)


def _inverse(lowering: Lowering, a: Real) -> Real | None:
    """Return 1 / `a` if that is a constant and a float: a power of two."""
    low, high = (lowering.program.instructions[slot] for slot in (a.low, a.high))
    if low.operation != "const" or low.constant != high.constant or low.constant == 0:
        return None
    inverse = 1 / Fraction(low.constant)
    return _constant(lowering, inverse) if outward(inverse)[0] == inverse else None


def _shifted(lowering: Lowering, a: Real, factor: Real) -> tuple[Slot, Slot] | None:
    """Return the ends of `a` times a power of two, which rounds nothing but the smallest numbers.

    None for another factor.
    """
    ends = [lowering.program.instructions[slot] for slot in (factor.low, a.low)]
    mantissa, exponent = frexp(float(ends[0].constant))
    if factor.low != factor.high or mantissa != 0.5:
        return None
    apply = lowering.program.apply
    if ends[1].operation == "to_float" and abs(exponent) <= _MODERATE:
        low = apply("multiply", "float", a.low, factor.low)  # of a whole number: exact
        return low, low if a.low == a.high else apply("multiply", "float", a.high, factor.low)
    low = apply("shift_down", "float", a.low, factor.low)
    return low, apply("shift_up", "float", a.high, factor.low)


def _positive(lowering: Lowering, a: Real) -> Real | None:
    """Return `a` if it is a constant above 0."""
    ends = [lowering.program.instructions[slot] for slot in (a.low, a.high)]
    return a if all(end.operation == "const" and end.constant > 0 for end in ends) else None

"""Bit-vectors of up to 64 bits as unsigned machine words, the unused high bits zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import z3

from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.program import Bits, Program, Slot

if TYPE_CHECKING:
    from tesuji.search.symbolic.lower import Lowering


def bits_constant(program: Program, value: int, width: int) -> Bits:
    """Return a bit-vector's slots."""
    _check(width)
    return Bits(program.constant("bits", value), None, width)


def lower_bits(lowering: Lowering, term: z3.ExprRef) -> Bits:
    """Return the slots of a bit-vector term, or of a comparison, whose width is 0."""
    kind = term.decl().kind()
    if kind in BITS_ONLY:
        return _compare(lowering, term, kind)
    _check(term.size())
    return BIT_OPERATIONS[kind](lowering, term)


def _check(width: int) -> None:
    if width > 64:
        raise ConstraintError(f"bit-vectors have at most 64 bits here, not {width}")


def _mask(program: Program, width: int) -> Slot:
    return program.constant("bits", 2**width - 1)


def _word(program: Program, operation: str, *slots: Slot) -> Slot:
    return program.apply(operation, "bits", *slots)


def _cut(program: Program, slot: Slot, width: int) -> Slot:
    return slot if width == 64 else _word(program, "bits_and", slot, _mask(program, width))


def _compare(lowering: Lowering, term: z3.ExprRef, kind: int) -> Bits:
    operation, turned, signed = BITS_ONLY[kind]
    program = lowering.program
    a, b = (lowering.bits(child) for child in term.children())
    slots = [a.slot, b.slot]
    if signed:
        sign = program.constant("bits", 1 << (a.width - 1))
        slots = [_word(program, "bits_xor", slot, sign) for slot in slots]
    slot = program.apply(operation, "truth", *(reversed(slots) if turned else slots))
    return Bits(program.guarded(slot, program.both(a.ok, b.ok)).slot, None, 0)


def _folded(operation: str) -> Callable[[Lowering, z3.ExprRef], Bits]:
    def lower(lowering: Lowering, term: z3.ExprRef) -> Bits:
        program, width = lowering.program, term.size()
        first, *rest = (lowering.bits(child) for child in term.children())
        slot, ok = first.slot, first.ok
        for other in rest:
            slot = _cut(program, _word(program, operation, slot, other.slot), width)
            ok = program.both(ok, other.ok)
        return Bits(slot, ok, width)

    return lower


def _shift(operation: str) -> Callable[[Lowering, z3.ExprRef], Bits]:
    def lower(lowering: Lowering, term: z3.ExprRef) -> Bits:
        program, width = lowering.program, term.size()
        a, b = (lowering.bits(child) for child in term.children())
        slot = _word(program, operation, a.slot, b.slot, program.constant("bits", width))
        return Bits(_cut(program, slot, width), program.both(a.ok, b.ok), width)

    return lower


def _choose(program: Program, condition: Slot, first: Slot, second: Slot) -> Slot:
    return program.apply("choose", "bits", condition, first, second)


def _negative(program: Program, slot: Slot, width: int) -> Slot:
    """Return the truth of the sign bit."""
    sign = program.constant("bits", 1 << (width - 1))
    return program.apply("at_most", "truth", sign, slot)


def _minus(program: Program, slot: Slot, width: int) -> Slot:
    zero = program.constant("bits", 0)
    return _cut(program, _word(program, "subtract", zero, slot), width)


def _magnitude(program: Program, slot: Slot, width: int) -> Slot:
    turned = _minus(program, slot, width)
    return _choose(program, _negative(program, slot, width), turned, slot)


def _arithmetic_shift(lowering: Lowering, term: z3.ExprRef) -> Bits:
    program, width = lowering.program, term.size()
    a, b = (lowering.bits(child) for child in term.children())
    mask, size = _mask(program, width), program.constant("bits", width)
    shifted = _word(program, "shift_right", a.slot, b.slot, size)
    turned = _word(program, "bits_xor", a.slot, mask)
    ones = _word(program, "bits_xor", _word(program, "shift_right", turned, b.slot, size), mask)
    slot = _choose(program, _negative(program, a.slot, width), ones, shifted)
    return Bits(slot, program.both(a.ok, b.ok), width)


def _divide(operation: str, signed: bool) -> Callable[[Lowering, z3.ExprRef], Bits]:
    def lower(lowering: Lowering, term: z3.ExprRef) -> Bits:
        program, width = lowering.program, term.size()
        a, b = (lowering.bits(child) for child in term.children())
        ok = program.both(a.ok, b.ok)
        extra = (_mask(program, width),) if operation == "bits_quotient" else ()
        if not signed:
            return Bits(_word(program, operation, a.slot, b.slot, *extra), ok, width)
        first, second = (_magnitude(program, side.slot, width) for side in (a, b))
        slot = _word(program, operation, first, second, *extra)
        turn = _negative(program, a.slot, width)
        if operation == "bits_quotient":
            same = program.apply("same_truth", "truth", turn, _negative(program, b.slot, width))
            turn = program.apply("negation", "truth", same)
        return Bits(_choose(program, turn, _minus(program, slot, width), slot), ok, width)

    return lower


def _not(lowering: Lowering, term: z3.ExprRef) -> Bits:
    a = lowering.bits(term.arg(0))
    mask = _mask(lowering.program, a.width)
    return Bits(_word(lowering.program, "bits_xor", a.slot, mask), a.ok, a.width)


def _negate(lowering: Lowering, term: z3.ExprRef) -> Bits:
    a = lowering.bits(term.arg(0))
    return Bits(_minus(lowering.program, a.slot, a.width), a.ok, a.width)


def _moved(program: Program, slot: Slot, places: int, operation: str) -> Slot:
    places_slot, size = program.constant("bits", places), program.constant("bits", 64)
    return slot if places == 0 else _word(program, operation, slot, places_slot, size)


def _concat(lowering: Lowering, term: z3.ExprRef) -> Bits:
    program = lowering.program
    first, *rest = (lowering.bits(child) for child in term.children())
    slot, ok = first.slot, first.ok
    for other in rest:
        slot = _moved(program, slot, other.width, "shift_left")
        slot = _word(program, "bits_or", slot, other.slot)
        ok = program.both(ok, other.ok)
    return Bits(slot, ok, term.size())


def _extract(lowering: Lowering, term: z3.ExprRef) -> Bits:
    program, a = lowering.program, lowering.bits(term.arg(0))
    slot = _moved(program, a.slot, int(term.params()[1]), "shift_right")
    return Bits(_cut(program, slot, term.size()), a.ok, term.size())


def _zero_extend(lowering: Lowering, term: z3.ExprRef) -> Bits:
    a = lowering.bits(term.arg(0))
    return Bits(a.slot, a.ok, term.size())


def _sign_extend(lowering: Lowering, term: z3.ExprRef) -> Bits:
    program, a, width = lowering.program, lowering.bits(term.arg(0)), term.size()
    ones = program.constant("bits", 2**width - 2**a.width)
    filled = _word(program, "bits_or", a.slot, ones)
    slot = _choose(program, _negative(program, a.slot, a.width), filled, a.slot)
    return Bits(slot, a.ok, width)


def _from_int(lowering: Lowering, term: z3.ExprRef) -> Bits:
    a, width = lowering.integer(term.arg(0)), term.size()
    slot = lowering.program.apply("int_to_bits", "bits", a.slot)
    return Bits(_cut(lowering.program, slot, width), a.ok, width)


BITS_ONLY: dict[int, tuple[str, bool, bool]] = {
    z3.Z3_OP_ULEQ: ("at_most", False, False),
    z3.Z3_OP_ULT: ("less", False, False),
    z3.Z3_OP_UGEQ: ("at_most", True, False),
    z3.Z3_OP_UGT: ("less", True, False),
    z3.Z3_OP_SLEQ: ("at_most", False, True),
    z3.Z3_OP_SLT: ("less", False, True),
    z3.Z3_OP_SGEQ: ("at_most", True, True),
    z3.Z3_OP_SGT: ("less", True, True),
}
BIT_OPERATIONS: dict[int, Callable[[Lowering, z3.ExprRef], Bits]] = {
    z3.Z3_OP_BADD: _folded("add"),
    z3.Z3_OP_BSUB: _folded("subtract"),
    z3.Z3_OP_BMUL: _folded("multiply"),
    z3.Z3_OP_BAND: _folded("bits_and"),
    z3.Z3_OP_BOR: _folded("bits_or"),
    z3.Z3_OP_BXOR: _folded("bits_xor"),
    z3.Z3_OP_BNOT: _not,
    z3.Z3_OP_BNEG: _negate,
    z3.Z3_OP_BSHL: _shift("shift_left"),
    z3.Z3_OP_BLSHR: _shift("shift_right"),
    z3.Z3_OP_BASHR: _arithmetic_shift,
    z3.Z3_OP_BUDIV: _divide("bits_quotient", signed=False),
    z3.Z3_OP_BUREM: _divide("bits_remainder", signed=False),
    z3.Z3_OP_BSDIV: _divide("bits_quotient", signed=True),
    z3.Z3_OP_BSREM: _divide("bits_remainder", signed=True),
    z3.Z3_OP_CONCAT: _concat,
    z3.Z3_OP_EXTRACT: _extract,
    z3.Z3_OP_ZERO_EXT: _zero_extend,
    z3.Z3_OP_SIGN_EXT: _sign_extend,
    z3.Z3_OP_INT2BV: _from_int,
}

"""From z3 expressions to a program over machine numbers.

Ints are proven to stay in int64 by intervals, from the declared bounds; reals become intervals of
floats; what an array has outside its shape, and division by zero, is undefined.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import z3

from tesuji.search.symbolic.intervals import BOUNDS
from tesuji.search.symbolic.lower_arrays import element, load
from tesuji.search.symbolic.lower_bits import BIT_OPERATIONS, BITS_ONLY, bits_constant, lower_bits
from tesuji.search.symbolic.lower_reals import lower_real
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.program import (
    FALSE,
    TRUE,
    Bits,
    Int,
    Lowered,
    Program,
    Real,
    Slot,
    Truth,
    outside,
)
from tesuji.search.symbolic.symbols import Symbols, Variable

_LEAST, _GREATEST = -(2**63) + 1, 2**63 - 1
_ORDER = {
    z3.Z3_OP_LE: ("at_most", False),
    z3.Z3_OP_LT: ("less", False),
    z3.Z3_OP_GE: ("at_most", True),
    z3.Z3_OP_GT: ("less", True),
}
_PSEUDO_BOOLEAN = {
    z3.Z3_OP_PB_AT_MOST: "<=",
    z3.Z3_OP_PB_AT_LEAST: ">=",
    z3.Z3_OP_PB_LE: "<=",
    z3.Z3_OP_PB_GE: ">=",
    z3.Z3_OP_PB_EQ: "==",
}


class Lowering:
    """Lowers the terms of one set of constraints into one program.

    Attributes:
        program: the instructions so far.
        symbols: what the terms speak of.
        parameters: the data that the program loads, floats as their bits.
    """

    def __init__(self, symbols: Symbols) -> None:
        self.program = Program()
        self.symbols = symbols
        self._offsets: dict[str, int] = {}
        self._data: list[np.ndarray] = []
        self._size = 0
        self._known: dict[int, Lowered] = {}

    @property
    def parameters(self) -> np.ndarray:
        """Return the data that the program loads `[P]`."""
        return np.concatenate([np.zeros(0, np.int64), *self._data])

    def offset(self, variable: Variable) -> int:
        """Return where the data of `variable` begins."""
        if variable.name not in self._offsets:
            self._offsets[variable.name] = self._size
            data = np.ascontiguousarray(variable.values).ravel()
            data = data.view(np.int64) if data.dtype == np.float64 else data.astype(np.int64)
            self._data.append(data)
            self._size += len(data)
        return self._offsets[variable.name]

    def lower(self, term: z3.ExprRef) -> Lowered:
        """Return the slots of a scalar term.

        Raises:
            ConstraintError: it is outside the fragment, or may leave int64.
        """
        key = term.get_id()
        if key not in self._known:
            self._known[key] = self._lower(term)
        return self._known[key]

    def truth(self, term: z3.ExprRef) -> Slot:
        """Return the slot of a term that is true or false."""
        found = self.lower(term)
        assert isinstance(found, Truth)
        return found.slot

    def integer(self, term: z3.ExprRef) -> Int:
        """Return the slots of an int."""
        found = self.lower(term)
        assert isinstance(found, Int)
        return found

    def bits(self, term: z3.ExprRef) -> Bits:
        """Return the slots of a bit-vector."""
        found = self.lower(term)
        assert isinstance(found, Bits)
        return found

    def real(self, term: z3.ExprRef) -> Real:
        """Return the slots of a real."""
        found = self.lower(term)
        assert isinstance(found, Real)
        return found

    def conjunction(self, terms: Sequence[z3.ExprRef]) -> Slot:
        """Return the slot of the truth of all `terms`."""
        return self._fold("conjunction", [self.truth(term) for term in terms], TRUE)

    def constant_int(self, value: int) -> Int:
        """Return an int's slots."""
        if not _LEAST <= value <= _GREATEST:
            raise ConstraintError(f"the number {value} does not fit into 64 bits")
        return Int(self.program.constant("int", value), None, value, value)

    def _lower(self, term: z3.ExprRef) -> Lowered:  # noqa: PLR0911
        kind = term.decl().kind()
        if kind == z3.Z3_OP_UNINTERPRETED:
            return load(self, self.symbols.variables[term.decl().name()], ())
        if kind == z3.Z3_OP_SELECT:
            return element(self, term, ())
        if z3.is_bool(term):
            return self._bool(term, kind)
        if z3.is_int(term):
            return self._int(term, kind)
        if z3.is_real(term):
            return lower_real(self, term, kind)
        if z3.is_bv_value(term):
            return bits_constant(self.program, term.as_long(), term.size())
        if z3.is_bv(term) and kind == z3.Z3_OP_ITE:
            return self.choose(term)
        if z3.is_bv(term) and kind in BIT_OPERATIONS:
            return lower_bits(self, term)
        raise outside(term)

    def _bool(self, term: z3.ExprRef, kind: int) -> Truth:  # noqa: PLR0911
        program, children = self.program, term.children()
        if kind in (z3.Z3_OP_TRUE, z3.Z3_OP_FALSE):
            return Truth(program.constant("truth", TRUE if kind == z3.Z3_OP_TRUE else FALSE))
        if kind == z3.Z3_OP_NOT:
            return Truth(program.apply("negation", "truth", self.truth(children[0])))
        if kind in (z3.Z3_OP_AND, z3.Z3_OP_OR):
            operation = "conjunction" if kind == z3.Z3_OP_AND else "disjunction"
            empty = TRUE if kind == z3.Z3_OP_AND else FALSE
            return Truth(self._fold(operation, [self.truth(child) for child in children], empty))
        if kind == z3.Z3_OP_IMPLIES:
            first = program.apply("negation", "truth", self.truth(children[0]))
            return Truth(program.apply("disjunction", "truth", first, self.truth(children[1])))
        if kind == z3.Z3_OP_XOR:
            same = self.truth(children[0])
            for child in children[1:]:
                same = program.apply("same_truth", "truth", same, self.truth(child))
                same = program.apply("negation", "truth", same)
            return Truth(same)
        if kind == z3.Z3_OP_ITE:
            slots = [self.truth(child) for child in children]
            return Truth(program.apply("choose_truth", "truth", *slots))
        if kind in (z3.Z3_OP_EQ, z3.Z3_OP_DISTINCT):
            return self._distinct(children, kind)
        if kind in _PSEUDO_BOOLEAN:
            return self._pseudo_boolean(term, _PSEUDO_BOOLEAN[kind])
        if kind in _ORDER:
            operation, turned = _ORDER[kind]
            return self._compare(operation, *(reversed(children) if turned else children))
        if kind in BITS_ONLY:
            return Truth(lower_bits(self, term).slot)
        raise outside(term)

    def _distinct(self, children: list[z3.ExprRef], kind: int) -> Truth:
        pairs = [
            self._compare("equal", first, second).slot
            for i, first in enumerate(children)
            for second in children[:i]
        ]
        if kind == z3.Z3_OP_EQ:
            return Truth(pairs[0])
        apart = [self.program.apply("negation", "truth", pair) for pair in pairs]
        return Truth(self._fold("conjunction", apart, TRUE))

    def _compare(self, operation: str, first: z3.ExprRef, second: z3.ExprRef) -> Truth:
        program = self.program
        if z3.is_array(first):
            raise ConstraintError(f"arrays are compared element by element, not whole: {first}")
        if z3.is_bool(first):
            slots = (self.truth(first), self.truth(second))
            return Truth(program.apply("same_truth", "truth", *slots))
        a, b = self.lower(first), self.lower(second)
        if isinstance(a, Real) and isinstance(b, Real):
            slot = program.apply(f"interval_{operation}", "truth", a.low, a.high, b.low, b.high)
            return program.guarded(slot, program.both(a.ok, b.ok))
        assert isinstance(a, Int | Bits)
        assert isinstance(b, Int | Bits)
        slot = program.apply(operation, "truth", a.slot, b.slot)
        return program.guarded(slot, program.both(a.ok, b.ok))

    def _pseudo_boolean(self, term: z3.ExprRef, order: str) -> Truth:
        program = self.program
        bound, *weights = (int(p) for p in term.params())
        children = term.children()
        weights = weights or [1] * len(children)
        if sum(map(abs, weights)) > _GREATEST:
            raise ConstraintError(f"the weights' sum does not fit into 64 bits: {term}")
        total, ok = program.constant("int", 0), None
        for child, weight in zip(children, weights, strict=True):
            truth = self.truth(child)
            part = program.apply("count", "int", truth, program.constant("int", weight))
            total = program.apply("add", "int", total, part)
            ok = program.both(ok, program.apply("decided", "bool", truth))
        limit = program.constant("int", bound)
        pair = (limit, total) if order == ">=" else (total, limit)
        slot = program.apply("equal" if order == "==" else "at_most", "truth", *pair)
        return program.guarded(slot, ok)

    def _int(self, term: z3.ExprRef, kind: int) -> Int:
        program, children = self.program, term.children()
        if z3.is_int_value(term):
            return self.constant_int(term.as_long())
        if kind == z3.Z3_OP_ITE:
            chosen = self.choose(term)
            assert isinstance(chosen, Int)
            return chosen
        if kind == z3.Z3_OP_BV2INT:
            bits = self.bits(children[0])
            if bits.width > 62:
                raise ConstraintError(f"an int of {bits.width} bits may not fit into 64: {term}")
            slot = program.apply("bits_to_int", "int", bits.slot)
            return Int(slot, bits.ok, 0, 2**bits.width - 1)
        if kind == z3.Z3_OP_UMINUS:
            return self._arithmetic(
                "subtract", self.constant_int(0), self.integer(children[0]), term
            )
        if kind not in _INT_OPERATIONS:
            raise outside(term)
        found = self.integer(children[0])
        for child in children[1:]:
            found = self._arithmetic(_INT_OPERATIONS[kind], found, self.integer(child), term)
        return found

    def _arithmetic(self, operation: str, a: Int, b: Int, term: z3.ExprRef) -> Int:
        program = self.program
        ok = program.both(a.ok, b.ok)
        if operation in ("quotient", "remainder"):
            ok = program.both(ok, self._nonzero(b))
        low, high = BOUNDS[operation](a, b)
        if low < _LEAST or high > _GREATEST:
            raise ConstraintError(
                f"{term} may be as great as {max(abs(low), abs(high))}, beyond 64 bits; "
                "declare narrower bounds of its variables"
            )
        return Int(program.apply(operation, "int", a.slot, b.slot), ok, low, high)

    def _nonzero(self, divisor: Int) -> Slot | None:
        if divisor.low > 0 or divisor.high < 0:
            return None
        return self.program.apply("not_zero", "bool", divisor.slot)

    def choose(self, term: z3.ExprRef) -> Lowered:
        """Return the slots of an if-then-else."""
        condition, then, other = term.children()
        return self.program.choice(self.truth(condition), self.lower(then), self.lower(other))

    def _fold(self, operation: str, slots: list[Slot], empty: int) -> Slot:
        if not slots:
            return self.program.constant("truth", empty)
        found = slots[0]
        for slot in slots[1:]:
            found = self.program.apply(operation, "truth", found, slot)
        return found


_INT_OPERATIONS = {
    z3.Z3_OP_ADD: "add",
    z3.Z3_OP_SUB: "subtract",
    z3.Z3_OP_MUL: "multiply",
    z3.Z3_OP_IDIV: "quotient",
    z3.Z3_OP_MOD: "remainder",
}

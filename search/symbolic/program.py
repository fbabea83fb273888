"""A constraint as a straight-line program over machine numbers, for whatever runs it.

Each instruction applies an operation of `scalar.py` (numba, one state and action) or of
`vector.py` (numpy, many) to earlier results. The value of a term is one or more slots:

- a truth value: one slot, `FALSE < UNDECIDED < TRUE`, so that *and* is min and *or* is max;
- an int or a bit-vector: its value, and `ok`, false where it is undefined (None: always defined);
- a real: an interval `[low, high]` that holds it, rounded outwards, and `ok`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf, nextafter
from typing import Literal, NamedTuple

import z3

from tesuji.search.symbolic.model import ConstraintError

FALSE, UNDECIDED, TRUE = 0, 1, 2

Slot = int
Type = Literal["truth", "bool", "int", "bits", "float"]


@dataclass(frozen=True)
class Instruction:
    """One operation.

    Attributes:
        operation: its name, or `const`, `state`, `parameter`.
        arguments: slots of earlier results.
        type: of the result.
        per_action: whether it depends on the action.
        constant: the value of `const`.
        source: of `state` the field, of `parameter` the offset of its first element.
        shape: of the array that is loaded from; `arguments` are the indices.
    """

    operation: str
    arguments: tuple[Slot, ...]
    type: Type
    per_action: bool
    constant: int | float | bool = 0
    source: str | int = ""
    shape: tuple[int, ...] = ()


class Truth(NamedTuple):
    """The slot of a truth value."""

    slot: Slot


class Int(NamedTuple):
    """An int within proven bounds."""

    slot: Slot
    ok: Slot | None
    low: int
    high: int


class Bits(NamedTuple):
    """A bit-vector, its unused high bits zero."""

    slot: Slot
    ok: Slot | None
    width: int


class Real(NamedTuple):
    """A real between two floats."""

    low: Slot
    high: Slot
    ok: Slot | None


Lowered = Truth | Int | Bits | Real


class Program:
    """Instructions in the order in which they run; equal ones are there once."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self._known: dict[Instruction, Slot] = {}

    def add(self, instruction: Instruction) -> Slot:
        """Return the slot of an instruction's result."""
        if instruction not in self._known:
            self._known[instruction] = len(self.instructions)
            self.instructions.append(instruction)
        return self._known[instruction]

    def apply(self, operation: str, type: Type, *arguments: Slot) -> Slot:
        """Return the slot of `operation` on earlier results."""
        per_action = any(self.instructions[slot].per_action for slot in arguments)
        return self.add(Instruction(operation, arguments, type, per_action))

    def constant(self, type: Type, value: int | float | bool) -> Slot:
        """Return the slot of a constant."""
        # True == 1 == 1.0, but constants of different types are different instructions.
        return self.add(Instruction("const", (), type, False, value))

    def action(self) -> Slot:
        """Return the slot of the action's number."""
        return self.add(Instruction("action", (), "int", True))

    def load(
        self,
        what: Literal["state", "parameter"],
        type: Type,
        source: str | int,
        shape: tuple[int, ...],
        index: tuple[Slot, ...],
    ) -> Slot:
        """Return the slot of an element; the indices are within the shape."""
        per_action = any(self.instructions[slot].per_action for slot in index)
        return self.add(Instruction(what, index, type, per_action, 0, source, shape))

    def both(self, first: Slot | None, second: Slot | None) -> Slot | None:
        """Return where both are defined."""
        if first is None or second is None or first == second:
            return second if first is None else first
        return self.apply("both", "bool", first, second)

    def guarded(self, truth: Slot, ok: Slot | None) -> Truth:
        """Return a truth value that is undecided where `ok` is false."""
        if ok is None:
            return Truth(truth)
        return Truth(self.apply("guard", "truth", truth, ok))

    def choice(self, condition: Slot, a: Lowered, b: Lowered) -> Lowered:
        """Return the branch that `condition` picks; undefined where it is undecided."""
        apply = self.apply
        if isinstance(a, Truth) and isinstance(b, Truth):
            return Truth(apply("choose_truth", "truth", condition, a.slot, b.slot))
        assert not isinstance(a, Truth)
        assert not isinstance(b, Truth)
        ok: Slot | None = apply("decided", "bool", condition)
        if a.ok is not None or b.ok is not None:
            always = self.constant("bool", True)
            sides = (always if side.ok is None else side.ok for side in (a, b))
            ok = self.both(ok, apply("choose", "bool", condition, *sides))
        if isinstance(a, Real) and isinstance(b, Real):
            low = apply("choose", "float", condition, a.low, b.low)
            return Real(low, apply("choose", "float", condition, a.high, b.high), ok)
        if isinstance(a, Bits) and isinstance(b, Bits):
            return Bits(apply("choose", "bits", condition, a.slot, b.slot), ok, a.width)
        assert isinstance(a, Int)
        assert isinstance(b, Int)
        slot = apply("choose", "int", condition, a.slot, b.slot)
        return Int(slot, ok, min(a.low, b.low), max(a.high, b.high))


def outward(exact: Fraction) -> tuple[float, float]:
    """Return the nearest floats at or below and at or above `exact`.

    Raises:
        OverflowError: it is beyond the floats.
    """
    near = float(exact)
    low = near if Fraction(near) <= exact else nextafter(near, -inf)
    high = near if Fraction(near) >= exact else nextafter(near, inf)
    return low, high


def outside(term: z3.ExprRef) -> ConstraintError:
    """Return the error for a term that cannot be compiled."""
    return ConstraintError(f"{term.decl().name()!r} is outside the fragment: {term}")

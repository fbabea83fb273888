"""Variables and elements of arrays: what lies outside a shape or a declared bound is undefined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import z3

from tesuji.search.symbolic.program import Bits, Int, Lowered, Real, Slot, Type, outside
from tesuji.search.symbolic.symbols import Variable

if TYPE_CHECKING:
    from tesuji.search.symbolic.lower import Lowering


def element(lowering: Lowering, array: z3.ExprRef, index: tuple[Int, ...]) -> Lowered:
    """Return the slots of element `index` of an array term."""
    kind, children = array.decl().kind(), array.children()
    if kind == z3.Z3_OP_SELECT:
        return element(lowering, children[0], (lowering.integer(children[1]), *index))
    if kind == z3.Z3_OP_UNINTERPRETED:
        return load(lowering, lowering.symbols.variables[array.decl().name()], index)
    if kind == z3.Z3_OP_STORE:
        at = lowering.integer(children[1])
        same = lowering.program.apply("equal", "truth", at.slot, index[0].slot)
        same = lowering.program.guarded(same, lowering.program.both(at.ok, index[0].ok)).slot
        return lowering.program.choice(
            same, _inner(lowering, children[2], index[1:]), element(lowering, children[0], index)
        )
    if kind == z3.Z3_OP_CONST_ARRAY:
        return _inner(lowering, children[0], index[1:])
    if kind == z3.Z3_OP_ITE:
        branches = (element(lowering, child, index) for child in children[1:])
        return lowering.program.choice(lowering.truth(children[0]), *branches)
    raise outside(array)


def _inner(lowering: Lowering, term: z3.ExprRef, index: tuple[Int, ...]) -> Lowered:
    return element(lowering, term, index) if index else lowering.lower(term)


def load(lowering: Lowering, variable: Variable, index: tuple[Int, ...]) -> Lowered:
    """Return the slots of a variable, or of one element of it."""
    program = lowering.program
    ok: Slot | None = None
    slots = []
    for i, size in zip(index, variable.shape, strict=True):
        ok = program.both(ok, i.ok)
        slots.append(i.slot)
        if i.low < 0 or i.high >= size:
            edges = (program.constant("int", 0), program.constant("int", size - 1))
            ok = program.both(ok, program.apply("within", "bool", i.slot, *edges))
            slots[-1] = program.apply("clamp", "int", i.slot, *edges)
    if variable.name == "action":
        return Int(program.action(), None, variable.low, variable.high)
    slot = _fetch(lowering, variable, tuple(slots))
    if variable.kind == "bool":
        return program.guarded(program.apply("truth", "truth", slot), ok)
    if variable.kind == "bits":
        return Bits(slot, ok, variable.width)
    if variable.kind == "real":
        if variable.role == "state":
            ok = program.both(ok, program.apply("finite", "bool", slot))
        return Real(slot, slot, ok)
    if variable.role == "state":  # a bound that does not hold must not make a proof wrong
        limits = tuple(program.constant("int", b) for b in (variable.low, variable.high))
        if _narrower(lowering, variable):
            ok = program.both(ok, program.apply("within", "bool", slot, *limits))
            slot = program.apply("clamp", "int", slot, *limits)
    return Int(slot, ok, variable.low, variable.high)


def _narrower(lowering: Lowering, variable: Variable) -> bool:
    dtype = getattr(lowering.symbols.domain, "state_dtype", None)
    if dtype is None or variable.name not in dtype.names:
        return True
    info = np.iinfo(dtype[variable.name].base)
    return bool(variable.low > info.min or variable.high < info.max)


def _fetch(lowering: Lowering, variable: Variable, index: tuple[Slot, ...]) -> Slot:
    types: dict[str, Type] = {"bool": "bool", "int": "int", "bits": "bits", "real": "float"}
    kind = types[variable.kind]
    if variable.role == "state":
        return lowering.program.load("state", kind, variable.name, variable.shape, index)
    shape = variable.shape
    if variable.role == "action":
        assert variable.values is not None
        shape, index = variable.values.shape, (lowering.program.action(),)
    return lowering.program.load("parameter", kind, lowering.offset(variable), shape, index)

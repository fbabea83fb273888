"""Random constraints and random states to try the compiler on, and z3's own answer."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import z3

from tesuji.domains.base import DomainSpec
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.search.symbolic.model import constants
from tesuji.search.symbolic.symbols import Symbols, Variable, symbols

NUM_ACTIONS = 5
DTYPE = np.dtype(
    [
        ("flag", np.bool_),
        ("marks", np.int8, 4),
        ("n", np.int16),
        ("grid", np.int8, (2, 3)),
        ("word", np.uint64),
        ("x", np.float64),
        ("v", np.float64, 2),
        ("to_play", np.int8),
    ],
    align=True,
)


def playground() -> Symbols:
    """Return symbols of every kind over a domain without rules."""
    kernels = Kernels(DTYPE)
    spec = DomainSpec("playground", NUM_ACTIONS, (1,), 1, 10)
    return symbols(
        CompiledDomain(spec, kernels),
        bounds={"n": (-40, 40), "to_play": (0, 1), "marks": (0, 1)},
        parts={"row": [0, 1, 2, 1, 0]},
        parameters={"cost": np.arange(-3, 7), "scale": np.array([0.1, 2.5, -1.0])},
    )


def random_states(rng: np.random.Generator, size: int) -> Any:
    """Return records `[B]`, floats often at round numbers, where comparisons are close."""
    states = np.zeros(
        size,
        CompiledDomain(
            DomainSpec("playground", NUM_ACTIONS, (1,), 1, 10), Kernels(DTYPE)
        ).state_dtype,
    )
    states["flag"] = rng.integers(0, 2, size)
    states["marks"] = rng.integers(0, 2, (size, 4))
    states["n"] = rng.integers(-40, 41, size)
    states["grid"] = rng.integers(-128, 128, (size, 2, 3))
    states["word"] = rng.integers(0, 2**64, size, dtype=np.uint64) >> rng.integers(
        0, 64, size
    ).astype(np.uint64)
    for name, shape in (("x", (size,)), ("v", (size, 2))):
        values = rng.integers(-30, 31, shape) / 10.0
        nudge = rng.integers(-1, 2, shape) * np.spacing(values)
        states[name] = np.where(rng.random(shape) < 0.5, values + nudge, values)
    states["to_play"] = rng.integers(0, 2, size)
    return states


class Generator:
    """Builds random expressions over the playground's symbols."""

    def __init__(self, x: Symbols, rng: np.random.Generator) -> None:
        self._x, self._rng = x, rng

    def _pick(self, *choices: Any) -> Any:
        return choices[self._rng.integers(len(choices))]()

    def truth(self, depth: int) -> z3.BoolRef:
        """Return a random constraint."""
        x = self._x.state
        if depth <= 0:
            return self._pick(
                lambda: x.flag,
                lambda: x.marks[self.number(0)] == 1,
                lambda: x.word > 3,
                lambda: x.n <= self._x.action,
            )
        deeper = depth - 1
        truth = lambda: self.truth(deeper)  # noqa: E731
        number = lambda: self.number(deeper)  # noqa: E731
        real = lambda: self.real(deeper)  # noqa: E731
        bits = lambda: self.bits(deeper)  # noqa: E731
        return self._pick(
            lambda: z3.And(truth(), truth()),
            lambda: z3.Or(truth(), truth(), truth()),
            lambda: z3.Not(truth()),
            lambda: z3.Xor(truth(), truth()),
            lambda: z3.Implies(truth(), truth()),
            lambda: z3.If(truth(), truth(), truth()),
            lambda: truth() == truth(),
            lambda: number() <= number(),
            lambda: number() == number(),
            lambda: z3.Distinct(number(), number(), number()),
            lambda: real() < real(),
            lambda: real() >= real(),
            lambda: real() == real(),
            lambda: z3.ULT(bits(), bits()),
            lambda: bits() <= bits(),
            lambda: bits() == bits(),
            lambda: z3.AtMost(truth(), truth(), truth(), 1),
            lambda: z3.PbGe([(truth(), 2), (truth(), 3), (truth(), -1)], 2),
            lambda: z3.PbEq([(truth(), 1), (truth(), 2)], 2),
        )

    def number(self, depth: int) -> z3.ArithRef:
        """Return a random int."""
        x = self._x
        if depth <= 0:
            return self._pick(
                lambda: x.state.n,
                lambda: x.action,
                lambda: x.part.row,
                lambda: x.state.to_play,
                lambda: z3.IntVal(int(self._rng.integers(-6, 7))),
            )
        deeper = depth - 1
        number = lambda: self.number(deeper)  # noqa: E731
        return self._pick(
            lambda: number() + number(),
            lambda: number() - number(),
            lambda: number() * self.number(0),
            lambda: number() / self.number(0),
            lambda: number() % self.number(0),
            lambda: -number(),
            lambda: z3.If(self.truth(deeper), number(), number()),
            lambda: x.state.grid[self.number(0)][self.number(0)],
            lambda: z3.Store(x.state.grid[x.state.to_play], self.number(0), number())[x.action],
            lambda: x.parameter.cost[number()],
            lambda: z3.BV2Int(z3.Extract(6, 0, self.bits(deeper))),
        )

    def real(self, depth: int) -> z3.ArithRef:
        """Return a random real."""
        x = self._x
        if depth <= 0:
            return self._pick(
                lambda: x.state.x,
                lambda: x.state.v[x.state.to_play],
                lambda: x.parameter.scale[x.part.row],
                lambda: z3.RealVal(Fraction(int(self._rng.integers(-30, 31)), 10)),
            )
        deeper = depth - 1
        real = lambda: self.real(deeper)  # noqa: E731
        return self._pick(
            lambda: real() + real(),
            lambda: real() - real(),
            lambda: real() * self.real(0),
            lambda: real() / self.real(0),
            lambda: -real(),
            lambda: z3.ToReal(self.number(deeper)),
            lambda: z3.If(self.truth(deeper), real(), real()),
        )

    def bits(self, depth: int) -> z3.BitVecRef:
        """Return a random 64-bit word."""
        if depth <= 0:
            return self._pick(
                lambda: self._x.state.word,
                lambda: z3.BitVecVal(int(self._rng.integers(0, 2**63)) * 2 + 1, 64),
                lambda: z3.BitVecVal(int(self._rng.integers(0, 70)), 64),
            )
        bits = lambda: self.bits(depth - 1)  # noqa: E731
        low = lambda: z3.Extract(12, 0, bits())  # noqa: E731
        return self._pick(
            lambda: bits() + bits(),
            lambda: bits() - bits(),
            lambda: bits() * bits(),
            lambda: -bits(),
            lambda: ~bits(),
            lambda: bits() & bits(),
            lambda: bits() | bits(),
            lambda: bits() ^ bits(),
            lambda: bits() << self.bits(0),
            lambda: z3.LShR(bits(), self.bits(0)),
            lambda: bits() >> self.bits(0),
            lambda: z3.UDiv(bits(), self.bits(0)),
            lambda: z3.URem(bits(), self.bits(0)),
            lambda: bits() / self.bits(0),
            lambda: z3.SRem(bits(), self.bits(0)),
            lambda: z3.SignExt(51, low() / low()),
            lambda: z3.ZeroExt(51, z3.SRem(low(), low()) >> low()),
            lambda: z3.Concat(z3.Extract(40, 0, bits()), z3.Extract(63, 41, bits())),
            lambda: z3.Int2BV(self.number(depth - 1), 64),
            lambda: z3.If(self.truth(depth - 1), bits(), bits()),
        )


class ByZ3:
    """z3's own evaluation of one expression: substitute what is known, and simplify.

    Arrays are written out once, each element a constant; the instance's data is filled in.
    """

    def __init__(self, x: Symbols, expression: z3.BoolRef) -> None:
        self._x = x
        self._elements: list[tuple[Variable, tuple[int, ...], z3.ExprRef]] = []
        pairs = []
        for variable in (x.variables[name] for name in constants(expression)):
            terms = {index: self._element(variable, index) for index in variable.elements()}
            pairs.append((variable.term, _array(terms, variable.shape, ())))
        self._expression = z3.substitute(expression, *pairs) if pairs else expression
        size = len(self._elements)
        self._terms, self._values = (z3.Ast * size)(), (z3.Ast * size)()
        for place, (_, _, term) in enumerate(self._elements):
            self._terms[place] = term.as_ast()

    def _element(self, variable: Variable, index: tuple[int, ...]) -> z3.ExprRef:
        if variable.role == "parameter":
            return variable.literal(np.asarray(variable.values)[index])
        place = "".join(f"[{i}]" for i in index)
        term = z3.Const(f"{variable.name}{place}!", variable.at(index).sort())
        self._elements.append((variable, index, term))
        return term

    def answer(self, state: Any, action: int) -> bool | None:
        """Return what z3 makes of it, None where it leaves it open."""
        actions = self._x.action_values(action)
        for place, (variable, index, _) in enumerate(self._elements):
            data = actions[variable.name] if variable.role == "action" else state[variable.name]
            self._values[place] = _number(variable, np.asarray(data)[index].item()).as_ast()
        # By z3's C functions: its Python classes would take most of the time.
        context = self._expression.ctx.ref()
        found = z3.Z3_substitute(
            context, self._expression.as_ast(), len(self._elements), self._terms, self._values
        )
        z3.Z3_inc_ref(context, found)
        simple = z3.Z3_simplify(context, found)
        z3.Z3_inc_ref(context, simple)
        answer = z3.Z3_get_bool_value(context, simple)
        z3.Z3_dec_ref(context, simple)
        z3.Z3_dec_ref(context, found)
        return {z3.Z3_L_TRUE: True, z3.Z3_L_FALSE: False}.get(answer)


def _array(terms: Any, shape: tuple[int, ...], index: tuple[int, ...]) -> z3.ExprRef:
    if len(index) == len(shape):
        return terms[index]  # type: ignore[no-any-return]
    parts = [_array(terms, shape, (*index, i)) for i in range(shape[len(index)])]
    array = z3.K(z3.IntSort(), parts[0])
    for i, part in enumerate(parts):
        array = z3.Store(array, i, part)
    return array


@lru_cache(maxsize=100_000)
def _number(variable: Variable, value: Any) -> z3.ExprRef:
    return variable.literal(value)  # type: ignore[no-any-return]

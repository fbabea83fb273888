"""The inner loop of all our matrix products: a tile of the result, held in registers.

`tile(a, a_first, a_stride, b, b_first, b_stride, c, c_first, c_stride, depth)` sets `height` rows
of `LANES` columns of c to a times b, where each is part of a contiguous float32 array of any
shape: `first + row * stride + column` counts its numbers. numba alone leaves such sums in memory,
at a third of the speed; BLAS rounds a row one way or another, depending on the rows beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import void
from numba.core import config as numba_config
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

VECTOR = 8
LANES = 2 * VECTOR  # a product's columns are padded to whole tiles

_WORD = ir.IntType(64)
_INDEX = ir.IntType(32)
_NUMBER = ir.FloatType()
_VECTOR = ir.VectorType(_NUMBER, VECTOR)
_UNDEFINED = ir.Constant(_VECTOR, ir.Undefined)
_FUSED = ("contract", "nsz")  # one rounding for multiply and add, where the processor can


class _Matrix:
    """Part of a flat array, as the code generator sees it."""

    def __init__(self, builder: ir.IRBuilder, data: ir.Value, first: ir.Value, stride: ir.Value):
        self._builder, self._data, self._first, self._stride = builder, data, first, stride

    def row(self, row: ir.Value) -> ir.Value:
        """Return the index of a row's first number."""
        return self._builder.add(self._first, self._builder.mul(row, self._stride))

    def scalar(self, index: ir.Value) -> ir.Value:
        """Return the number at `index` in every lane of a vector."""
        pointer = self._builder.gep(self._data, [index], source_etype=_NUMBER)
        number = self._builder.load(pointer, typ=_NUMBER)
        single = self._builder.insert_element(_UNDEFINED, number, ir.Constant(_INDEX, 0))
        everywhere = ir.Constant(ir.VectorType(_INDEX, VECTOR), [0] * VECTOR)
        return self._builder.shuffle_vector(single, _UNDEFINED, everywhere)

    def vectors(self, index: ir.Value) -> list[ir.Value]:
        """Return pointers to the two vectors from `index` on."""
        starts = [self._builder.add(index, _word(i * VECTOR)) for i in range(2)]
        pointers = [self._builder.gep(self._data, [i], source_etype=_NUMBER) for i in starts]
        return [self._builder.bitcast(pointer, _VECTOR.as_pointer()) for pointer in pointers]


def _word(value: int) -> ir.Constant:
    return ir.Constant(_WORD, value)


def _emit(builder: ir.IRBuilder, height: int, parts: list[_Matrix], depth: ir.Value) -> None:
    """Write the loop over `depth`: two vectors of b, `height` numbers of a, all products."""
    a, b, c = parts
    rows = [a.row(_word(row)) for row in range(height)]
    before = builder.block
    loop, done = builder.append_basic_block("loop"), builder.append_basic_block("done")
    builder.branch(loop)
    builder.position_at_end(loop)
    k = builder.phi(_WORD)
    old = [[builder.phi(_VECTOR) for _ in range(2)] for _ in range(height)]
    right = [builder.load(p, align=4, typ=_VECTOR) for p in b.vectors(b.row(k))]
    new = []
    for row in range(height):
        left = a.scalar(builder.add(rows[row], k))
        products = [builder.fmul(left, vector, flags=_FUSED) for vector in right]
        new.append(
            [builder.fadd(p, t, flags=_FUSED) for p, t in zip(products, old[row], strict=True)]
        )
    following = builder.add(k, _word(1))
    k.add_incoming(_word(0), before)
    k.add_incoming(following, loop)
    for row, i in np.ndindex(height, 2):
        old[row][i].add_incoming(ir.Constant(_VECTOR, [0.0] * VECTOR), before)
        old[row][i].add_incoming(new[row][i], loop)
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)
    builder.position_at_end(done)
    for row in range(height):
        for pointer, total in zip(c.vectors(c.row(_word(row))), new[row], strict=True):
            builder.store(total, pointer, align=4)


def _compiled_tile(height: int) -> Any:
    """Return the intrinsic that computes tiles of `height` rows; `depth` is at least 1."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        parts = [
            _Matrix(
                builder,
                make_array(signature.args[i])(context, builder, args[i]).data,
                args[i + 1],
                args[i + 2],
            )
            for i in (0, 3, 6)
        ]
        _emit(builder, height, parts, args[9])
        return context.get_dummy_value()

    def tile(  # type: ignore[no-untyped-def]
        typing_context, a, a_first, a_stride, b, b_first, b_stride, c, c_first, c_stride, depth
    ):
        types = (a, a_first, a_stride, b, b_first, b_stride, c, c_first, c_stride, depth)
        return void(*types), generate

    return intrinsic(tile)


def plain_tile(height: int) -> Any:
    """Return the slow twin of a compiled tile, for tests and for runs without a JIT."""

    def tile(  # type: ignore[no-untyped-def]
        a, a_first, a_stride, b, b_first, b_stride, c, c_first, c_stride, depth
    ):
        a, b, c = a.reshape(-1), b.reshape(-1), c.reshape(-1)
        for row in range(height):
            total = np.zeros(LANES, np.float32)
            for k in range(depth):
                start = b_first + k * b_stride
                total += a[a_first + row * a_stride + k] * b[start : start + LANES]
            start = c_first + row * c_stride
            c[start : start + LANES] = total

    return tile


_make = plain_tile if numba_config.DISABLE_JIT else _compiled_tile
tile_6, tile_4, tile_1 = (_make(height) for height in (6, 4, 1))

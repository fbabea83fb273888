"""Bits of a `uint64`, by one machine instruction each, and the same in plain Python."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic, overload


def lowest_bit(bits: Any) -> int:
    """Return the index of the lowest set bit; `bits` must not be 0."""
    return (int(bits) & -int(bits)).bit_length() - 1


def highest_bit(bits: Any) -> int:
    """Return the index of the highest set bit; `bits` must not be 0."""
    return int(bits).bit_length() - 1


def count_bits(bits: Any) -> int:
    """Return the number of set bits."""
    return int(bits).bit_count()


def _lowest(typing_context, bits):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.cttz(args[0], context.get_constant(types.boolean, True))

    return types.int64(types.uint64), generate


def _highest(typing_context, bits):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        zeros = builder.ctlz(args[0], context.get_constant(types.boolean, True))
        return builder.sub(context.get_constant(types.int64, 63), zeros)

    return types.int64(types.uint64), generate


def _count(typing_context, bits):  # type: ignore[no-untyped-def]
    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.ctpop(args[0])

    return types.int64(types.uint64), generate


_lowest_at, _highest_at, _count_at = intrinsic(_lowest), intrinsic(_highest), intrinsic(_count)


@overload(lowest_bit)
def _compiled_lowest(bits):  # type: ignore[no-untyped-def]
    return lambda bits: _lowest_at(bits)  # noqa: PLW0108 - numba needs a Python function


@overload(highest_bit)
def _compiled_highest(bits):  # type: ignore[no-untyped-def]
    return lambda bits: _highest_at(bits)  # noqa: PLW0108 - numba needs a Python function


@overload(count_bits)
def _compiled_count(bits):  # type: ignore[no-untyped-def]
    return lambda bits: _count_at(bits)  # noqa: PLW0108 - numba needs a Python function

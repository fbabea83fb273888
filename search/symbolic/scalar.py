"""The operations of a constraint's program on single numbers, for compiled kernels.

Those on reals, which are intervals of floats, are in `scalar_reals`.
"""

# ruff: noqa: D103 - each is what its name says
from __future__ import annotations

import numpy as np
from numba import njit


def operation(function):  # type: ignore[no-untyped-def]
    """Compile `function` once for all kernels."""
    return njit(cache=True, nogil=True, error_model="numpy", inline="never")(function)


@operation
def both(a, b):  # type: ignore[no-untyped-def]
    return a and b


@operation
def within(i, low, high):  # type: ignore[no-untyped-def]
    return low <= i <= high


@operation
def clamp(i, low, high):  # type: ignore[no-untyped-def]
    return min(max(i, low), high)


@operation
def add(a, b):  # type: ignore[no-untyped-def]
    return a + b


@operation
def subtract(a, b):  # type: ignore[no-untyped-def]
    return a - b


@operation
def multiply(a, b):  # type: ignore[no-untyped-def]
    return a * b


@operation
def not_zero(a):  # type: ignore[no-untyped-def]
    return a != 0


@operation
def quotient(a, b):  # type: ignore[no-untyped-def]
    if b == 0:
        return 0
    return a // b if b > 0 else -(a // -b)


@operation
def remainder(a, b):  # type: ignore[no-untyped-def]
    if b == 0:
        return 0
    return a - abs(b) * (a // abs(b))


@operation
def bits_and(a, b):  # type: ignore[no-untyped-def]
    return a & b


@operation
def bits_or(a, b):  # type: ignore[no-untyped-def]
    return a | b


@operation
def bits_xor(a, b):  # type: ignore[no-untyped-def]
    return a ^ b


@operation
def shift_left(a, b, width):  # type: ignore[no-untyped-def]
    return a << b if b < width else np.uint64(0)


@operation
def shift_right(a, b, width):  # type: ignore[no-untyped-def]
    return a >> b if b < width else np.uint64(0)


@operation
def bits_quotient(a, b, mask):  # type: ignore[no-untyped-def]
    return a // b if b != 0 else mask


@operation
def bits_remainder(a, b):  # type: ignore[no-untyped-def]
    return a % b if b != 0 else a


@operation
def bits_to_int(a):  # type: ignore[no-untyped-def]
    return np.int64(a)


@operation
def int_to_bits(a):  # type: ignore[no-untyped-def]
    return np.uint64(a)

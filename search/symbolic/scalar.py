"""The operations of a constraint's program on single numbers, for compiled kernels."""

# ruff: noqa: D103 - each is what its name says
from __future__ import annotations

import numpy as np
from numba import njit

_EPSILON = 2.220446049250313e-16
_TINY = 5e-324
_SPLIT = 134217729.0  # 2**27 + 1: parts a float into halves of 26 bits
_SAFE = 1e-280  # products above it have an error that is a float, too


def _operation(function):  # type: ignore[no-untyped-def]
    return njit(cache=True, nogil=True, error_model="numpy", inline="never")(function)


@_operation
def both(a, b):  # type: ignore[no-untyped-def]
    return a and b


@_operation
def guard(truth, ok):  # type: ignore[no-untyped-def]
    return truth if ok else 1


@_operation
def truth(a):  # type: ignore[no-untyped-def]
    return 2 if a else 0


@_operation
def negation(a):  # type: ignore[no-untyped-def]
    return 2 - a


@_operation
def conjunction(a, b):  # type: ignore[no-untyped-def]
    return min(a, b)


@_operation
def disjunction(a, b):  # type: ignore[no-untyped-def]
    return max(a, b)


@_operation
def same_truth(a, b):  # type: ignore[no-untyped-def]
    if a == 1 or b == 1:
        return 1
    return 2 if a == b else 0


@_operation
def choose_truth(c, a, b):  # type: ignore[no-untyped-def]
    if c == 1:
        return a if a == b else 1
    return a if c == 2 else b


@_operation
def decided(c):  # type: ignore[no-untyped-def]
    return c != 1


@_operation
def choose(c, a, b):  # type: ignore[no-untyped-def]
    return a if c == 2 else b


@_operation
def count(c, weight):  # type: ignore[no-untyped-def]
    return weight if c == 2 else 0


@_operation
def within(i, low, high):  # type: ignore[no-untyped-def]
    return low <= i <= high


@_operation
def clamp(i, low, high):  # type: ignore[no-untyped-def]
    return min(max(i, low), high)


@_operation
def equal(a, b):  # type: ignore[no-untyped-def]
    return 2 if a == b else 0


@_operation
def less(a, b):  # type: ignore[no-untyped-def]
    return 2 if a < b else 0


@_operation
def at_most(a, b):  # type: ignore[no-untyped-def]
    return 2 if a <= b else 0


@_operation
def add(a, b):  # type: ignore[no-untyped-def]
    return a + b


@_operation
def subtract(a, b):  # type: ignore[no-untyped-def]
    return a - b


@_operation
def multiply(a, b):  # type: ignore[no-untyped-def]
    return a * b


@_operation
def not_zero(a):  # type: ignore[no-untyped-def]
    return a != 0


@_operation
def quotient(a, b):  # type: ignore[no-untyped-def]
    if b == 0:
        return 0
    return a // b if b > 0 else -(a // -b)


@_operation
def remainder(a, b):  # type: ignore[no-untyped-def]
    if b == 0:
        return 0
    return a - abs(b) * (a // abs(b))


@_operation
def down(a):  # type: ignore[no-untyped-def]
    return a - abs(a) * _EPSILON - _TINY


@_operation
def up(a):  # type: ignore[no-untyped-def]
    return a + abs(a) * _EPSILON + _TINY


@_operation
def finite(a):  # type: ignore[no-untyped-def]
    return a - a == 0.0


@_operation
def minus(a):  # type: ignore[no-untyped-def]
    return -a


@_operation
def to_float(i):  # type: ignore[no-untyped-def]
    return float(i)


@_operation
def least(a, b, c, d):  # type: ignore[no-untyped-def]
    return min(a, b, c, d) + 0.0 * (a + b + c + d)  # not a number where one is not


@_operation
def greatest(a, b, c, d):  # type: ignore[no-untyped-def]
    return max(a, b, c, d) + 0.0 * (a + b + c + d)


@_operation
def add_error(a, b, total):  # type: ignore[no-untyped-def]
    part = total - a
    return (a - (total - part)) + (b - part)  # Knuth's two-sum; not a number beyond the floats


@_operation
def add_down(a, b):  # type: ignore[no-untyped-def]
    total = a + b
    return total if add_error(a, b, total) >= 0.0 else down(total)


@_operation
def add_up(a, b):  # type: ignore[no-untyped-def]
    total = a + b
    return total if add_error(a, b, total) <= 0.0 else up(total)


@_operation
def subtract_down(a, b):  # type: ignore[no-untyped-def]
    return add_down(a, -b)


@_operation
def subtract_up(a, b):  # type: ignore[no-untyped-def]
    return add_up(a, -b)


@_operation
def multiply_error(a, b, product):  # type: ignore[no-untyped-def]
    # Dekker's two-product, after Veltkamp's split; wrong where it underflows: see `_SAFE`.
    scaled_a, scaled_b = _SPLIT * a, _SPLIT * b
    high_a, high_b = scaled_a - (scaled_a - a), scaled_b - (scaled_b - b)
    low_a, low_b = a - high_a, b - high_b
    return ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b


@_operation
def multiply_down(a, b):  # type: ignore[no-untyped-def]
    product = a * b
    safe = abs(product) > _SAFE or a == 0.0 or b == 0.0
    return product if safe and multiply_error(a, b, product) >= 0.0 else down(product)


@_operation
def multiply_up(a, b):  # type: ignore[no-untyped-def]
    product = a * b
    safe = abs(product) > _SAFE or a == 0.0 or b == 0.0
    return product if safe and multiply_error(a, b, product) <= 0.0 else up(product)


@_operation
def scaled_down(a, low, high):  # type: ignore[no-untyped-def]
    return multiply_down(a, low if a >= 0.0 else high)


@_operation
def scaled_up(a, low, high):  # type: ignore[no-untyped-def]
    return multiply_up(a, high if a >= 0.0 else low)


@_operation
def divide(a, b):  # type: ignore[no-untyped-def]
    return a / b if b != 0.0 else 0.0


@_operation
def apart_from_zero(low, high):  # type: ignore[no-untyped-def]
    return low > 0.0 or high < 0.0


@_operation
def interval_less(a_low, a_high, b_low, b_high):  # type: ignore[no-untyped-def]
    if a_high < b_low:
        return 2
    return 0 if a_low >= b_high else 1


@_operation
def interval_at_most(a_low, a_high, b_low, b_high):  # type: ignore[no-untyped-def]
    if a_high <= b_low:
        return 2
    return 0 if a_low > b_high else 1


@_operation
def interval_equal(a_low, a_high, b_low, b_high):  # type: ignore[no-untyped-def]
    if a_low == a_high and b_low == b_high and a_low == b_low:
        return 2
    return 0 if a_high < b_low or b_high < a_low else 1


@_operation
def bits_and(a, b):  # type: ignore[no-untyped-def]
    return a & b


@_operation
def bits_or(a, b):  # type: ignore[no-untyped-def]
    return a | b


@_operation
def bits_xor(a, b):  # type: ignore[no-untyped-def]
    return a ^ b


@_operation
def shift_left(a, b, width):  # type: ignore[no-untyped-def]
    return a << b if b < width else np.uint64(0)


@_operation
def shift_right(a, b, width):  # type: ignore[no-untyped-def]
    return a >> b if b < width else np.uint64(0)


@_operation
def bits_quotient(a, b, mask):  # type: ignore[no-untyped-def]
    return a // b if b != 0 else mask


@_operation
def bits_remainder(a, b):  # type: ignore[no-untyped-def]
    return a % b if b != 0 else a


@_operation
def bits_to_int(a):  # type: ignore[no-untyped-def]
    return np.int64(a)


@_operation
def int_to_bits(a):  # type: ignore[no-untyped-def]
    return np.uint64(a)

"""The operations of a constraint's program on reals: the ends of intervals, rounded outward."""

# ruff: noqa: D103 - each is what its name says
from __future__ import annotations

from tesuji.search.symbolic.scalar import operation

_EPSILON = 2.220446049250313e-16
_TINY = 5e-324
_SPLIT = 134217729.0  # 2**27 + 1: parts a float into halves of 26 bits
_NORMAL = 2.2250738585072014e-308  # the least float with all its digits
_GREATEST = 1.7976931348623157e308
_SAFE = 1e-280  # products above it have an error that is a float, too


@operation
def down(a):  # type: ignore[no-untyped-def]
    return a - abs(a) * _EPSILON - _TINY


@operation
def up(a):  # type: ignore[no-untyped-def]
    return a + abs(a) * _EPSILON + _TINY


@operation
def finite(a):  # type: ignore[no-untyped-def]
    return a - a == 0.0


@operation
def minus(a):  # type: ignore[no-untyped-def]
    return -a


@operation
def to_float(i):  # type: ignore[no-untyped-def]
    return float(i)


@operation
def least(a, b, c, d):  # type: ignore[no-untyped-def]
    return min(a, b, c, d) + 0.0 * (a + b + c + d)  # not a number where one is not


@operation
def greatest(a, b, c, d):  # type: ignore[no-untyped-def]
    return max(a, b, c, d) + 0.0 * (a + b + c + d)


@operation
def add_error(a, b, total):  # type: ignore[no-untyped-def]
    part = total - a
    return (a - (total - part)) + (b - part)  # Knuth's two-sum; not a number beyond the floats


@operation
def add_down(a, b):  # type: ignore[no-untyped-def]
    total = a + b
    return total if add_error(a, b, total) >= 0.0 else down(total)


@operation
def add_up(a, b):  # type: ignore[no-untyped-def]
    total = a + b
    return total if add_error(a, b, total) <= 0.0 else up(total)


@operation
def subtract_down(a, b):  # type: ignore[no-untyped-def]
    return add_down(a, -b)


@operation
def subtract_up(a, b):  # type: ignore[no-untyped-def]
    return add_up(a, -b)


@operation
def multiply_error(a, b, product):  # type: ignore[no-untyped-def]
    # Dekker's two-product, after Veltkamp's split; wrong where it underflows: see `_SAFE`.
    scaled_a, scaled_b = _SPLIT * a, _SPLIT * b
    high_a, high_b = scaled_a - (scaled_a - a), scaled_b - (scaled_b - b)
    low_a, low_b = a - high_a, b - high_b
    return ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b


@operation
def multiply_down(a, b):  # type: ignore[no-untyped-def]
    product = a * b
    safe = abs(product) > _SAFE or a == 0.0 or b == 0.0
    return product if safe and multiply_error(a, b, product) >= 0.0 else down(product)


@operation
def multiply_up(a, b):  # type: ignore[no-untyped-def]
    product = a * b
    safe = abs(product) > _SAFE or a == 0.0 or b == 0.0
    return product if safe and multiply_error(a, b, product) <= 0.0 else up(product)


@operation
def scaled_down(a, low, high):  # type: ignore[no-untyped-def]
    return multiply_down(a, low if a >= 0.0 else high)


@operation
def scaled_up(a, low, high):  # type: ignore[no-untyped-def]
    return multiply_up(a, high if a >= 0.0 else low)


@operation
def shift_down(a, power):  # type: ignore[no-untyped-def]
    product = a * power  # by a power of two: exact but where digits or the whole are lost
    return product if a == 0.0 or _NORMAL <= abs(product) <= _GREATEST else down(product)


@operation
def shift_up(a, power):  # type: ignore[no-untyped-def]
    product = a * power
    return product if a == 0.0 or _NORMAL <= abs(product) <= _GREATEST else up(product)


@operation
def divide(a, b):  # type: ignore[no-untyped-def]
    return a / b if b != 0.0 else 0.0


@operation
def apart_from_zero(low, high):  # type: ignore[no-untyped-def]
    return low > 0.0 or high < 0.0

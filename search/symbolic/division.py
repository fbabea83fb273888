"""Division as SMT-LIB has it."""

from __future__ import annotations


def euclid(dividend: int, divisor: int) -> tuple[int, int] | None:
    """Return quotient and remainder of ints, the remainder never negative; None by zero."""
    if divisor == 0:
        return None
    quotient, rest = divmod(dividend, abs(divisor))
    return (quotient if divisor > 0 else -quotient), rest


def quotient(first: int, second: int) -> int:
    """Return the quotient of signed bit-vectors, rounded to zero; by zero 1 or -1."""
    if second == 0:
        return -1 if first >= 0 else 1
    return abs(first) // abs(second) * (1 if (first < 0) == (second < 0) else -1)


def remainder(first: int, second: int) -> int:
    """Return what `quotient` leaves, with the sign of `first`."""
    return first - second * quotient(first, second) if second else first


def modulo(first: int, second: int) -> int:
    """Return the remainder with the sign of `second`."""
    return first % second if second else first

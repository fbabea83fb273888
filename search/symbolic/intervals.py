"""Bounds of int arithmetic, in Python's integers: what a result can at most be."""

from __future__ import annotations

from collections.abc import Callable

from tesuji.search.symbolic.program import Int


def _product(a: Int, b: Int) -> tuple[int, int]:
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    return min(corners), max(corners)


def _quotient(a: Int, b: Int) -> tuple[int, int]:
    del b
    most = max(abs(a.low), abs(a.high))
    return -most, most


def _remainder(a: Int, b: Int) -> tuple[int, int]:
    del a
    return 0, max(abs(b.low), abs(b.high), 1) - 1


BOUNDS: dict[str, Callable[[Int, Int], tuple[int, int]]] = {
    "add": lambda a, b: (a.low + b.low, a.high + b.high),
    "subtract": lambda a, b: (a.low - b.high, a.high - b.low),
    "multiply": _product,
    "quotient": _quotient,
    "remainder": _remainder,
}

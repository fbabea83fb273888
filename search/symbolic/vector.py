"""The operations of a constraint's program on arrays `[B]`: serves while a kernel compiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.search.symbolic.program import Instruction, Program

Array = npt.NDArray[Any]

_EPSILON = 2.220446049250313e-16
_TINY = 5e-324
_SPLIT = 134217729.0  # 2**27 + 1: parts a float into halves of 26 bits
_SAFE = 1e-280  # products above it have an error that is a float, too
_NORMAL = np.finfo(np.float64).tiny  # the least float with all its digits
_TYPES = {
    "truth": np.int8,
    "bool": np.bool_,
    "int": np.int64,
    "bits": np.uint64,
    "float": np.float64,
}


def run(program: Program, states: Array, actions: Array, parameters: Array) -> list[Array]:
    """Return the value of every slot, each `[B]`.

    Args:
        program: the instructions.
        states: records `[B]`.
        actions: `[B]`.
        parameters: the data that the program loads `[P]`.
    """
    values: list[Array] = []
    found: Any
    with np.errstate(all="ignore"):
        for instruction in program.instructions:
            kind = _TYPES[instruction.type]
            arguments = [values[slot] for slot in instruction.arguments]
            if instruction.operation == "const":
                found = np.full(len(states), instruction.constant, kind)
            elif instruction.operation == "action":
                found = actions
            elif instruction.operation == "state":
                found = states[instruction.source]
                if arguments:
                    found = found[(np.arange(len(states)), *arguments)]
            elif instruction.operation == "parameter":
                found = _load(instruction, arguments, parameters, len(states))
            else:
                found = OPERATIONS[instruction.operation](*arguments)
            values.append(np.asarray(found).astype(kind, copy=False))
    return values


def _load(instruction: Instruction, index: list[Array], parameters: Array, size: int) -> Array:
    assert isinstance(instruction.source, int)
    place: Array = np.zeros(size, np.int64)
    for i, length in zip(index, instruction.shape, strict=True):
        place = place * length + i
    found: Array = parameters[instruction.source + place]
    return found.view(np.float64) if instruction.type == "float" else found


def _quotient(a: Array, b: Array) -> Array:
    safe = np.where(b == 0, 1, b)
    found = np.where(safe > 0, a // np.abs(safe), -(a // np.abs(safe)))
    return np.where(b == 0, 0, found)


def _remainder(a: Array, b: Array) -> Array:
    safe = np.where(b == 0, 1, np.abs(b))
    return np.where(b == 0, 0, a - safe * (a // safe))


def _outward(found: Array, error: Array, sure: Any, way: int) -> Array:
    """Return `found`, moved where its rounding error points the wrong way."""
    moved = found + way * (np.abs(found) * _EPSILON + _TINY)
    return np.where(sure & (way * error <= 0.0), found, moved)


def _add(a: Array, b: Array, way: int) -> Array:
    total = a + b
    part = total - a
    return _outward(total, (a - (total - part)) + (b - part), True, way)


def _multiply(a: Array, b: Array, way: int) -> Array:
    product, scaled_a, scaled_b = a * b, _SPLIT * a, _SPLIT * b
    high_a, high_b = scaled_a - (scaled_a - a), scaled_b - (scaled_b - b)
    low_a, low_b = a - high_a, b - high_b
    error = ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b
    sure = (np.abs(product) > _SAFE) | (a == 0.0) | (b == 0.0)
    return _outward(product, error, sure, way)


def _shift(a: Array, power: Array, way: int) -> Array:
    product = a * power
    exact = (a == 0.0) | ((np.abs(product) >= _NORMAL) & np.isfinite(product))
    return np.where(exact, product, product + way * (np.abs(product) * _EPSILON + _TINY))


def _three(yes: Array, no: Array) -> Array:
    return np.where(yes, 2, np.where(no, 0, 1))


def _zero(a: Array) -> Array:
    return np.zeros_like(a)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "both": np.logical_and,
    "guard": lambda truth, ok: np.where(ok, truth, 1),
    "truth": lambda a: np.where(a, 2, 0),
    "negation": lambda a: 2 - a,
    "conjunction": np.minimum,
    "disjunction": np.maximum,
    "same_truth": lambda a, b: np.where((a == 1) | (b == 1), 1, np.where(a == b, 2, 0)),
    "choose_truth": lambda c, a, b: np.where(
        c == 1, np.where(a == b, a, 1), np.where(c == 2, a, b)
    ),
    "decided": lambda c: c != 1,
    "choose": lambda c, a, b: np.where(c == 2, a, b),
    "count": lambda c, weight: np.where(c == 2, weight, 0),
    "within": lambda i, low, high: (low <= i) & (i <= high),
    "clamp": lambda i, low, high: np.minimum(np.maximum(i, low), high),
    "equal": lambda a, b: np.where(a == b, 2, 0),
    "less": lambda a, b: np.where(a < b, 2, 0),
    "at_most": lambda a, b: np.where(a <= b, 2, 0),
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "not_zero": lambda a: a != 0,
    "quotient": _quotient,
    "remainder": _remainder,
    "down": lambda a: a - np.abs(a) * _EPSILON - _TINY,
    "up": lambda a: a + np.abs(a) * _EPSILON + _TINY,
    "finite": lambda a: a - a == 0.0,
    "minus": np.negative,
    "to_float": lambda i: i.astype(np.float64),
    "least": lambda a, b, c, d: np.min([a, b, c, d], 0) + 0.0 * (a + b + c + d),
    "greatest": lambda a, b, c, d: np.max([a, b, c, d], 0) + 0.0 * (a + b + c + d),
    "add_down": lambda a, b: _add(a, b, -1),
    "add_up": lambda a, b: _add(a, b, 1),
    "subtract_down": lambda a, b: _add(a, np.negative(b), -1),
    "subtract_up": lambda a, b: _add(a, np.negative(b), 1),
    "multiply_down": lambda a, b: _multiply(a, b, -1),
    "multiply_up": lambda a, b: _multiply(a, b, 1),
    "scaled_down": lambda a, low, high: _multiply(a, np.asarray(np.where(a >= 0.0, low, high)), -1),
    "scaled_up": lambda a, low, high: _multiply(a, np.asarray(np.where(a >= 0.0, high, low)), 1),
    "shift_down": lambda a, power: _shift(a, power, -1),
    "shift_up": lambda a, power: _shift(a, power, 1),
    "divide": lambda a, b: np.where(b != 0.0, a / np.where(b != 0.0, b, 1.0), 0.0),
    "apart_from_zero": lambda low, high: (low > 0.0) | (high < 0.0),
    "interval_less": lambda al, ah, bl, bh: _three(ah < bl, al >= bh),
    "interval_at_most": lambda al, ah, bl, bh: _three(ah <= bl, al > bh),
    "interval_equal": lambda al, ah, bl, bh: _three(
        (al == ah) & (bl == bh) & (al == bl), (ah < bl) | (bh < al)
    ),
    "bits_and": np.bitwise_and,
    "bits_or": np.bitwise_or,
    "bits_xor": np.bitwise_xor,
    "shift_left": lambda a, b, w: np.where(b < w, a << np.where(b < w, b, _zero(b)), _zero(a)),
    "shift_right": lambda a, b, w: np.where(b < w, a >> np.where(b < w, b, _zero(b)), _zero(a)),
    "bits_quotient": lambda a, b, mask: np.where(
        b != 0, a // np.where(b != 0, b, np.ones_like(b)), mask
    ),
    "bits_remainder": lambda a, b: np.where(b != 0, a % np.where(b != 0, b, np.ones_like(b)), a),
    "bits_to_int": lambda a: a.astype(np.int64),
    "int_to_bits": lambda a: a.astype(np.uint64),
}

"""Expressions as data: programs of a small stack machine over a state's facts and numbers.

A new problem thus compiles nothing. Truth values are the numbers 0 and 1. Sums and the rest are
computed in doubles in the order of the text, as `validation.py` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Doubles = npt.NDArray[np.float64]
(
    CONSTANT, NUMBER, FACT, ADD, SUBTRACT, MULTIPLY, DIVIDE, AND, OR, NOT, EQUAL, BELOW, AT_MOST,
    CHOOSE,
) = range(14)  # fmt: skip
_VALUE_BITS = 16  # of a FACT's argument: variable, then value


class Programs(NamedTuple):
    """Programs end to end, in postfix order: program `p` is `start[p]:start[p + 1]`."""

    start: npt.NDArray[np.int32]  # [P + 1]
    code: npt.NDArray[np.int8]
    argument: Doubles  # a CONSTANT's value, a NUMBER's place, a FACT's `fact_argument`

    def take(self, indices: npt.NDArray[np.int64]) -> Programs:
        """Return the programs at `indices`, in that order."""
        lengths = np.diff(self.start)[indices]
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        at = np.repeat(self.start[:-1][indices] - start[:-1], lengths) + np.arange(start[-1])
        return Programs(start, self.code[at], self.argument[at])


def join_programs(parts: Sequence[tuple[Sequence[int], Doubles]]) -> Programs:
    """Return programs from templates: codes `[T]`, and arguments `[n, T]`, a row a program."""
    lengths = [np.full(len(rows), len(codes)) for codes, rows in parts]
    sizes = np.concatenate([np.zeros(1, np.int64), *lengths])
    codes = [np.tile(np.array(codes, np.int8), len(rows)) for codes, rows in parts]
    arguments = [rows.ravel() for _, rows in parts]
    return Programs(
        np.cumsum(sizes).astype(np.int32),
        np.concatenate([np.zeros(0, np.int8), *codes]),
        np.concatenate([np.zeros(0), *arguments]),
    )


def fact_argument(variable: int, value: int) -> float:
    """Return the argument of FACT that asks whether a variable has a value."""
    return float((variable << _VALUE_BITS) | value)


@njit(cache=True, nogil=True)
def evaluate(programs, which, state, numbers, stack):  # type: ignore[no-untyped-def]  # noqa: PLR0912
    """Return the value of a program; NaN where it reads a number that is not defined.

    Args:
        programs: where it stands.
        which: its number.
        state: values of the variables.
        numbers: values of the numbers.
        stack: room for as many values as the program is long.
    """
    top = -1
    for i in range(programs.start[which], programs.start[which + 1]):
        code = programs.code[i]
        argument = programs.argument[i]
        if code == CONSTANT:
            top += 1
            stack[top] = argument
        elif code == NUMBER:
            top += 1
            stack[top] = numbers[np.int64(argument)]
        elif code == FACT:
            top += 1
            fact = np.int64(argument)
            variable, value = fact >> _VALUE_BITS, fact & ((1 << _VALUE_BITS) - 1)
            stack[top] = state[variable] == value
        elif code == NOT:
            stack[top] = stack[top] == 0.0
        elif code == CHOOSE:
            top -= 2
            stack[top] = stack[top + 1] if stack[top] != 0.0 else stack[top + 2]
        else:
            top -= 1
            a, b = stack[top], stack[top + 1]
            if code == ADD:
                stack[top] = a + b
            elif code == SUBTRACT:
                stack[top] = a - b
            elif code == MULTIPLY:
                stack[top] = a * b
            elif code == DIVIDE:
                stack[top] = a / b if b != 0.0 else np.nan
            elif code == AND:
                stack[top] = a != 0.0 and b != 0.0
            elif code == OR:
                stack[top] = a != 0.0 or b != 0.0
            elif code == EQUAL:
                stack[top] = a == b
            elif code == BELOW:
                stack[top] = a < b
            else:
                stack[top] = a <= b
    return stack[0]

"""The part of a ground task that is no finite-domain variable: numbers, and the user's rules.

A state is one row: the variables' values, then, from the next multiple of 8 bytes, a double for
each number. A *numeric fact* is a comparison; it is numbered after the variables' facts, so that
conditions are lists of facts whether they ask for atoms or numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.pddl.programs import Doubles, Programs, evaluate, join_programs

Small = npt.NDArray[np.int32]
STATE = np.uint16  # of a value in a state's row
_PER_WORD = 4  # values in 8 bytes
# What a numeric fact asks of the value of its program.
NOT_NEGATIVE, POSITIVE, ZERO = range(3)
# What a change does with its value.
ASSIGN, INCREASE, DECREASE, SCALE_UP, SCALE_DOWN = range(5)


class Numeric(NamedTuple):
    """Numbers of a task: `K` of them, `C` numeric facts, `M` changes by operators."""

    init: Doubles  # [K], NaN where undefined
    gap: Programs  # [C] the value that a numeric fact asks for
    kind: npt.NDArray[np.int8]  # [C] what of it
    need_start: Small  # [n + 1]
    need: Small  # numeric facts, from 0, that each operator requires
    change_start: Small  # [n + 1]
    target: Small  # [M] the number that changes
    how: npt.NDArray[np.int8]  # [M]
    value: Programs  # [M]
    when_start: Small  # [M + 1]
    when: Small  # facts that each change requires
    fragile: bool  # whether a change may leave a number undefined
    stack: Doubles  # scratch room: not for two threads at once


class Rules(NamedTuple):
    """What the user wants besides: a state must keep rules, an operator its guards."""

    rule: Programs  # of the state that an operator leads to
    rule_start: Small  # [n + 1]
    rules_of: Small  # rules that each operator might break
    guard: Programs  # of the state before an operator
    guard_start: Small  # [n + 1]
    guards_of: Small


def no_programs() -> Programs:
    """Return no programs."""
    return join_programs([])


def no_numbers(num_operators: int) -> Numeric:
    """Return the part of a task without numbers."""
    nowhere, nothing, kinds = _nowhere(num_operators), np.zeros(0, np.int32), np.zeros(0, np.int8)
    return Numeric(
        np.zeros(0), no_programs(), kinds, nowhere, nothing, nowhere, nothing, kinds, no_programs(),
        np.zeros(1, np.int32), nothing, False, np.zeros(1),
    )  # fmt: skip


def no_rules(num_operators: int) -> Rules:
    """Return no rules."""
    nowhere, nothing = _nowhere(num_operators), np.zeros(0, np.int32)
    return Rules(no_programs(), nowhere, nothing, no_programs(), nowhere, nothing)


def _nowhere(num_operators: int) -> Small:
    return np.zeros(num_operators + 1, np.int32)


def row_size(num_variables: int, num_numbers: int = 0) -> int:
    """Return how many values a state's row has: whole words of 8 bytes."""
    return -(-num_variables // _PER_WORD) * _PER_WORD + _PER_WORD * num_numbers


def make_row(values: npt.NDArray[Any], numbers: Doubles) -> npt.NDArray[STATE]:
    """Return a state as a row."""
    row = np.zeros(row_size(len(values), len(numbers)), STATE)
    row[: len(values)] = values
    if len(numbers):
        row[row_size(len(values)) :].view(np.float64)[:] = (
            numbers + 0.0
        )  # no negative zeros: rows are compared
    return row


@njit(cache=True, nogil=True, inline="always")  # kernels without references return no array
def numbers_of(state, num_variables):  # type: ignore[no-untyped-def]
    """Return the numbers of a state's row, as a view."""
    per_double = 8 // state.itemsize
    return state[(num_variables + per_double - 1) // per_double * per_double :].view(np.float64)


@njit(cache=True, nogil=True)
def numeric_fact_holds(numeric, fact, state, numbers):  # type: ignore[no-untyped-def]
    """Return whether a numeric fact, counted from 0, holds."""
    gap = evaluate(numeric.gap, fact, state, numbers, numeric.stack)
    kind = numeric.kind[fact]
    if kind == NOT_NEGATIVE:
        return gap >= 0.0
    return gap > 0.0 if kind == POSITIVE else gap == 0.0


@njit(cache=True, nogil=True)
def change_number(numeric, change, state, numbers, out):  # type: ignore[no-untyped-def]
    """Do a change of a state's `numbers` in `out`, where others may have been done before it."""
    value = evaluate(numeric.value, change, state, numbers, numeric.stack)
    target, how = numeric.target[change], numeric.how[change]
    if how == INCREASE:
        value = out[target] + value
    elif how == DECREASE:
        value = out[target] - value
    elif how == SCALE_UP:
        value = out[target] * value
    elif how == SCALE_DOWN:
        value = out[target] / value if value != 0.0 else np.nan
    out[target] = value + 0.0

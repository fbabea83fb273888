"""What numbers add to relaxed plans: how often an operator must act to make a comparison true.

An operator that moves a comparison by `delta` towards what it asks for must act `deficit / delta`
times (simple numeric conditions: Scala, Haslum & Thiebaux 2016). Where the move depends on the
state it is taken from the state at hand; an operator that does not help there counts twice, since
others may first change what it depends on. So no state is called a dead end that is none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.numeric import (
    DECREASE,
    INCREASE,
    POSITIVE,
    ZERO,
    Numeric,
    Small,
    change_number,
    numbers_of,
)
from tesuji.domains.logistics.pddl.programs import (
    ADD,
    CONSTANT,
    DIVIDE,
    MULTIPLY,
    NUMBER,
    SUBTRACT,
    Programs,
    evaluate,
)
from tesuji.domains.logistics.pddl.ragged import Numbers64, from_pairs

Doubles = npt.NDArray[np.float64]
_MOST_TIMES = 1 << 20


class NumericGuide(NamedTuple):
    """Of each relaxed operator what it changes and which numeric facts that moves."""

    numeric: Numeric
    change_start: Small  # [r + 1]
    change: Small
    pair_start: Small  # [r + 1]
    fact: Small  # numeric facts, from 0, that each operator moves
    delta: Doubles  # by how much; NaN where that depends on the state
    gap: Doubles  # [C] of the state at hand
    times: npt.NDArray[np.int64]  # [C] how often a fact's supporter must act
    after: Doubles  # [K] scratch room


def make_guide(task: FiniteDomain, owner: Numbers64, change: Numbers64, count: int) -> NumericGuide:
    """Return the guide of a task's relaxation.

    Args:
        task: the task.
        owner: the relaxed operator that makes each of `change`.
        change: changes of `task.numeric`, in the order they happen.
        count: of relaxed operators.
    """
    numeric = task.numeric
    changes = from_pairs(owner, change, count)
    reads = np.repeat(np.arange(len(numeric.kind)), np.diff(numeric.gap.start))
    numbers = numeric.gap.code == NUMBER
    readers = from_pairs(
        numeric.gap.argument[numbers].astype(np.int64), reads[numbers], len(numeric.init)
    )
    hit = readers.take(numeric.target[changes.values].astype(np.int64))
    facts = max(1, len(numeric.kind))
    keys = changes.owner()[hit.owner()] * facts + hit.values
    pairs, pair = np.unique(keys, return_inverse=True)
    moved = from_pairs(pairs // facts, pairs % facts, count)
    guide = NumericGuide(
        numeric, changes.start.astype(np.int32), changes.values.astype(np.int32),
        moved.start.astype(np.int32), moved.values.astype(np.int32), np.zeros(len(pairs)),
        np.zeros(len(numeric.kind)), np.zeros(len(numeric.kind), np.int64),
        np.zeros(len(numeric.init)),
    )  # fmt: skip
    # Whether by how much a pair moves depends on the state.
    varies = _varies(numeric)[changes.values][hit.owner()]
    depends = np.bincount(pair, weights=varies, minlength=len(pairs)) > 0
    linear = np.array([_degree(numeric.gap, i) <= 1 for i in range(len(numeric.kind))], np.bool_)
    depends |= ~linear[moved.values]
    _fill_deltas(guide, depends, np.zeros(0, np.uint8), np.ones(len(numeric.init)))
    return guide


def _varies(numeric: Numeric) -> npt.NDArray[np.bool_]:
    """Return for each change whether it is other than adding or subtracting a constant."""
    constant = (np.diff(numeric.value.start) == 1) & np.isin(numeric.how, (INCREASE, DECREASE))
    constant &= numeric.value.code[numeric.value.start[:-1]] == CONSTANT
    varies: npt.NDArray[np.bool_] = ~constant
    return varies


def _degree(programs: Programs, which: int) -> int:
    """Return the degree of a program as a polynomial, at least 2 where it is none."""
    stack: list[int] = []
    for code in programs.code[programs.start[which] : programs.start[which + 1]].tolist():
        if code in (CONSTANT, NUMBER):
            stack.append(int(code == NUMBER))
            continue
        right, left = stack.pop(), stack.pop()
        if code in (ADD, SUBTRACT):
            stack.append(max(left, right))
        elif code == MULTIPLY:
            stack.append(left + right)
        else:
            stack.append(left if code == DIVIDE and right == 0 else 2)
    return stack[0]


@njit(cache=True, nogil=True)
def _fill_deltas(guide, depends, state, numbers):  # type: ignore[no-untyped-def]
    for fact in range(len(guide.gap)):
        numeric = guide.numeric
        guide.gap[fact] = evaluate(numeric.gap, fact, state, numbers, numeric.stack)
    for op in range(len(guide.pair_start) - 1):
        for pair in range(guide.pair_start[op], guide.pair_start[op + 1]):
            guide.delta[pair] = np.nan if depends[pair] else _move(guide, op, pair, state, numbers)


@njit(cache=True, nogil=True)
def _move(guide, op, pair, state, numbers):  # type: ignore[no-untyped-def]
    # By how much a relaxed operator moves the value of a pair's fact.
    numeric = guide.numeric
    for i in range(len(numbers)):
        guide.after[i] = numbers[i]
    for i in range(guide.change_start[op], guide.change_start[op + 1]):
        change_number(numeric, guide.change[i], state, numbers, guide.after)
    fact = guide.fact[pair]
    moved = evaluate(numeric.gap, fact, state, guide.after, numeric.stack)
    return moved - guide.gap[fact]


@njit(cache=True, nogil=True)
def measure_gaps(guide, state, num_variables):  # type: ignore[no-untyped-def]
    """Evaluate all numeric facts in a state."""
    numeric = guide.numeric
    numbers = numbers_of(state, num_variables)
    for fact in range(len(guide.gap)):
        guide.gap[fact] = evaluate(numeric.gap, fact, state, numbers, numeric.stack)


@njit(cache=True, nogil=True)
def is_met(guide, fact):  # type: ignore[no-untyped-def]
    """Return whether a numeric fact holds in the state that was measured."""
    gap, kind = guide.gap[fact], guide.numeric.kind[fact]
    return gap == 0.0 if kind == ZERO else gap > 0.0 if kind == POSITIVE else gap >= 0.0


@njit(cache=True, nogil=True)
def times_needed(guide, op, pair, state, num_variables):  # type: ignore[no-untyped-def]
    """Return how often a relaxed operator must act to make a pair's fact true; 0 for never."""
    fact = guide.fact[pair]
    gap, kind = guide.gap[fact], guide.numeric.kind[fact]
    delta = guide.delta[pair]
    depends = np.isnan(delta)
    if depends:
        delta = _move(guide, op, pair, state, numbers_of(state, num_variables))
    if kind == ZERO and gap > 0.0:
        gap, delta = -gap, -delta
    if not delta > 0.0:  # also where a number is not defined
        return 2 if depends or (kind == ZERO and delta < 0.0) else 0
    if not gap <= 0.0:
        return 1
    exact = -gap / delta
    times = np.floor(exact) + 1.0 if kind == POSITIVE else np.ceil(exact - 1e-9)
    return np.int64(min(max(times, 1.0), _MOST_TIMES))

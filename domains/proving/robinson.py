"""Robinson arithmetic: a family of theorems that grow, for training and tests.

Sums and products of numerals, proved from seven axioms (the stages of Zombori et al. 2019, FLoP):

1. one operation: `plus(2, 3) = 5`, with 2 written `s(s(o))`;
2. an expression and its value: `mul(plus(2, 1), 4) = 12`;
3. two expressions of one value: `plus(mul(2, 3), 1) = plus(4, 3)`.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.proving.formulas import Problem
from tesuji.domains.proving.tptp import parse_problem

AXIOMS = """
fof(zero_successor, axiom, ! [X] : o != s(X)).
fof(different_successors, axiom, ! [X, Y] : (s(X) != s(Y) | X = Y)).
fof(addition_zero, axiom, ! [X] : plus(X, o) = X).
fof(addition_successor, axiom, ! [X, Y] : plus(X, s(Y)) = s(plus(X, Y))).
fof(multiplication_zero, axiom, ! [X] : mul(X, o) = o).
fof(multiplication_successor, axiom, ! [X, Y] : mul(X, s(Y)) = plus(mul(X, Y), X)).
"""
STAGES = (1, 2, 3)

_MOST_VALUE = 400  # of an expression
_TRIES = 1000

Expression = tuple[str, int]  # its text and its value


def random_robinson(
    stage: int, rng: np.random.Generator, operand: int = 9, operations: int = 3
) -> str:
    """Return a random problem as TPTP text.

    Args:
        stage: 1, 2 or 3.
        rng: decides what is random.
        operand: the largest numeral.
        operations: at most so many in an expression, from stage 2 on.

    Raises:
        ValueError: an argument is out of range.
    """
    if stage not in STAGES:
        raise ValueError(f"stage must be 1, 2 or 3, got {stage}")
    if operand < 1 or operations < 1:
        raise ValueError(f"operand and operations must be at least 1, got {operand}, {operations}")
    left = _expression(rng, operand, 1 if stage == 1 else int(rng.integers(1, operations + 1)))
    right = numeral(left[1])
    if stage == 3:
        right = _of_value(left[1], rng, operand, operations)
    return f"{AXIOMS}fof(goal, conjecture, {left[0]} = {right}).\n"


def robinson(stage: int, seed: int = 0, operand: int = 9, operations: int = 3) -> Problem:
    """Return a random problem; see `random_robinson`."""
    text = random_robinson(stage, np.random.default_rng(seed), operand, operations)
    return parse_problem(text, f"robinson_{stage}_{seed}")


def numeral(value: int) -> str:
    """Return a number as a term."""
    return "s(" * value + "o" + ")" * value


def _expression(rng: np.random.Generator, operand: int, operations: int) -> Expression:
    while True:
        text, value = _drawn(rng, operand, operations)
        if value <= _MOST_VALUE:
            return text, value


def _drawn(rng: np.random.Generator, operand: int, operations: int) -> Expression:
    if not operations:
        value = int(rng.integers(operand + 1))
        return numeral(value), value
    before = int(rng.integers(operations))
    (left, a), (right, b) = (
        _drawn(rng, operand, count) for count in (before, operations - 1 - before)
    )
    if rng.integers(2):
        return f"plus({left}, {right})", a + b
    return f"mul({left}, {right})", a * b


def _of_value(value: int, rng: np.random.Generator, operand: int, operations: int) -> str:
    # Another expression of the value; where none is met, what one lacks is added.
    nearest = f"plus({numeral(value)}, o)"
    for _ in range(_TRIES):
        text, reached = _expression(rng, operand, int(rng.integers(1, operations + 1)))
        if reached == value:
            return text
        if 0 < value - reached <= operand:
            nearest = f"plus({text}, {numeral(value - reached)})"
    return nearest

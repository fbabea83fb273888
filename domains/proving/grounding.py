"""Ground instances of the clauses that stand in tableaux, each held once (hash-consing).

A ground term is a number in the bank: its symbol is `symbol[t]`, its arguments are
`arguments[first[t]:first[t + 1]]`. Variables that nothing binds become one constant, term 0. An
instance is a clause with a term for each of its variables, and a clause over numbered atoms:
`2 * a`, and 1 more where it is negated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.matrix import Matrix, Small
from tesuji.domains.proving.tableau import CELLS, CLOSED_BY, LITERAL, NEXT, NONE, OPEN, WITH
from tesuji.domains.proving.unification import FREE, dereference, kernel

TERMS, INSTANCES, ATOMS, DUE, FULL, NUM_COUNTS = range(6)
LEFT_OVER = 0  # the term for variables that are free

_MOST_STEPS = 2_000  # that a term may take
_UNKNOWN = -1


class Bank(NamedTuple):
    """Ground terms and instances; `T` terms, `I` instances, `A` atoms at most."""

    symbol: Small  # [T] -1 for term 0
    first: Small  # [T + 1]
    arguments: Small
    term_slot: Small  # hash table: 1 + term
    atom: Small  # [T] 1 + number of a term that is an atom
    clause: Small  # [I]
    value_first: Small  # [I + 1]
    value: Small  # terms of the variables
    literal_first: Small  # [I + 1]
    literal: Small  # 2 * atom, and 1 where it is negated
    instance_slot: Small  # hash table: 1 + instance
    ground: Small  # [terms of the matrix] 1 + term of the bank
    counts: npt.NDArray[np.int64]  # [5] terms, instances, atoms, due, full
    stack: Small  # [S, 3] room
    values: Small  # [S] room


def make_bank(matrix: Matrix, instances: int = 1 << 16) -> Bank:
    """Return an empty bank with room for so many instances, a power of two, or none."""
    terms, width = 4 * max(instances, 1), 8 * instances
    bank = Bank(
        np.zeros(terms, np.int32), np.zeros(terms + 1, np.int32), np.zeros(width, np.int32),
        np.zeros(2 * terms, np.int32), np.zeros(terms, np.int32), np.zeros(instances, np.int32),
        np.zeros(instances + 1, np.int32), np.zeros(width, np.int32),
        np.zeros(instances + 1, np.int32), np.zeros(width, np.int32),
        np.zeros(2 * instances, np.int32), np.zeros(len(matrix.symbol), np.int32),
        np.zeros(NUM_COUNTS, np.int64), np.zeros((4 * _MOST_STEPS, 3), np.int32),
        np.zeros(4 * _MOST_STEPS, np.int32),
    )  # fmt: skip
    bank.symbol[LEFT_OVER] = _UNKNOWN
    bank.counts[TERMS], bank.counts[FULL] = 1, not instances
    return bank


@kernel
def collect_due(matrix, tableau, bank):  # type: ignore[no-untyped-def]
    """Put the instances of all copies that stand in a tableau into the bank, if that is due."""
    cells, counts = tableau.cells, tableau.counts
    if not bank.counts[DUE] or bank.counts[FULL]:
        return
    bank.counts[DUE] = 0
    goal = counts[OPEN]
    while goal != NONE:  # what closed an open goal before is of no use
        cells[goal, CLOSED_BY] = NONE
        goal = cells[goal, NEXT]
    if counts[CELLS]:
        _add_copy(matrix, tableau, bank, matrix.clause[cells[0, LITERAL]], 0)
    for cell in range(counts[CELLS]):
        literal = cells[cell, CLOSED_BY]
        if literal >= 0:
            _add_copy(matrix, tableau, bank, matrix.clause[literal], cells[cell, WITH])


@kernel
def _add_copy(matrix, tableau, bank, clause, offset):  # type: ignore[no-untyped-def]
    start = bank.value_first[bank.counts[INSTANCES]]
    if start + matrix.num_variables[clause] > len(bank.value):
        bank.counts[FULL] = 1
        return
    for place in range(matrix.num_variables[clause]):
        variable, term = offset + place, LEFT_OVER
        if tableau.bound[variable] != FREE:
            term = _ground(
                matrix, tableau.bound, tableau.copy, bank,
                tableau.bound[variable], tableau.copy[variable], NONE,
            )  # fmt: skip
            if term == NONE:
                return
        bank.value[start + place] = term
    add_instance(matrix, tableau.bound, tableau.copy, bank, clause)


@kernel
def add_instance(matrix, bound, copy, bank, clause):  # type: ignore[no-untyped-def]
    """Put an instance into the bank whose terms stand behind those of the last one.

    Args:
        matrix: the clauses.
        bound: of a tableau; nothing in it matters.
        copy: of it.
        bank: to put it into.
        clause: that it is of.

    Returns:
        Whether it is new.
    """
    counts, value = bank.counts, bank.value
    number = counts[INSTANCES]
    start, at = bank.value_first[number], bank.literal_first[number]
    size = matrix.num_variables[clause]
    literals = matrix.clause_first[clause + 1] - matrix.clause_first[clause]
    if number + 1 >= len(bank.clause) or at + literals > len(bank.literal):
        counts[FULL] = 1
        return False
    hashed = np.uint64(clause + 1)
    for place in range(start, start + size):
        hashed = mixed(hashed, value[place])
    mask = np.uint64(len(bank.instance_slot) - 1)
    slot = hashed & mask
    while bank.instance_slot[slot]:
        other = bank.instance_slot[slot] - 1
        if bank.clause[other] == clause:
            first, same = bank.value_first[other], True
            for place in range(size):
                if value[first + place] != value[start + place]:
                    same = False
                    break
            if same:
                return False
        slot = (slot + np.uint64(1)) & mask
    for literal in range(matrix.clause_first[clause], matrix.clause_first[clause + 1]):
        term = _ground(matrix, bound, copy, bank, matrix.atom[literal], 0, start)
        if term == NONE:
            return False
        if not bank.atom[term]:
            counts[ATOMS] += 1
            bank.atom[term] = counts[ATOMS]
        bank.literal[at] = 2 * (bank.atom[term] - 1) + (matrix.key[literal] & 1)
        at += 1
    bank.instance_slot[slot] = number + 1
    bank.clause[number] = clause
    bank.value_first[number + 1], bank.literal_first[number + 1] = start + size, at
    counts[INSTANCES] += 1
    return True


@kernel
def mixed(hashed, number):  # type: ignore[no-untyped-def]
    """Return the hash of what was hashed and one more number."""
    hashed = (hashed ^ np.uint64(number + 1)) * np.uint64(0x9E3779B97F4A7C15)
    return hashed ^ (hashed >> np.uint64(29))


@kernel
def _ground(matrix, bound, copy, bank, term, offset, start):  # type: ignore[no-untyped-def]
    # The bank's number of a term of a copy, or of a clause whose variables stand for the values
    # from `start`; NONE where it is too large, or there is no room.
    stack, values = bank.stack, bank.values
    stack[0, 0], stack[0, 1], stack[0, 2] = term, offset, 0
    size, done, steps = 1, 0, 0
    while size:
        steps += 1
        top = size - 1
        one, own = stack[top, 0], stack[top, 1]
        if stack[top, 2]:
            size = top
            arity = matrix.first[one + 1] - matrix.first[one]
            done -= arity
            number = put_term(bank, matrix.symbol[one], done, arity)
            if number == NONE:
                return NONE
            if matrix.ground[one]:
                bank.ground[one] = number + 1
            values[done] = number
            done += 1
            continue
        if start == NONE:
            one, own = dereference(matrix.symbol, bound, copy, one, own)
        if matrix.symbol[one] < 0:
            values[done] = (
                LEFT_OVER if start == NONE else bank.value[start - 1 - matrix.symbol[one]]
            )
            done += 1
            size = top
            continue
        if bank.ground[one]:
            values[done] = bank.ground[one] - 1
            done += 1
            size = top
            continue
        arity = matrix.first[one + 1] - matrix.first[one]
        if steps > _MOST_STEPS or size + arity > len(stack):
            return NONE
        stack[top, 0], stack[top, 1], stack[top, 2] = one, own, 1
        for place in range(matrix.first[one + 1] - 1, matrix.first[one] - 1, -1):
            stack[size, 0], stack[size, 1] = matrix.arguments[place], own
            stack[size, 2] = 0
            size += 1
    return values[0]


@kernel
def put_term(bank, symbol, start, arity):  # type: ignore[no-untyped-def]
    """Return the term of a symbol and the arguments `bank.values[start:start + arity]`, or NONE."""
    values, counts = bank.values, bank.counts
    hashed = np.uint64(symbol + 1)
    for place in range(start, start + arity):
        hashed = mixed(hashed, values[place])
    mask = np.uint64(len(bank.term_slot) - 1)
    slot = hashed & mask
    while bank.term_slot[slot]:
        other = bank.term_slot[slot] - 1
        first = bank.first[other]
        if bank.symbol[other] == symbol and bank.first[other + 1] - first == arity:
            same = True
            for place in range(arity):
                if bank.arguments[first + place] != values[start + place]:
                    same = False
                    break
            if same:
                return other
        slot = (slot + np.uint64(1)) & mask
    number = counts[TERMS]
    first = bank.first[number]
    if number + 1 >= len(bank.symbol) or first + arity > len(bank.arguments):
        counts[FULL] = 1
        return NONE
    for place in range(arity):
        bank.arguments[first + place] = values[start + place]
    bank.symbol[number], bank.first[number + 1] = symbol, first + arity
    bank.term_slot[slot] = number + 1
    counts[TERMS] += 1
    return number

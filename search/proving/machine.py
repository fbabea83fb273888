"""The abstract machine of triggers: terms of a bank, one after the other, that a row may match.

De Moura & Bjorner 2007; `triggers.py` says what the rows of a program mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.grounding import Bank
from tesuji.domains.proving.matrix import NONE, Small
from tesuji.domains.proving.unification import forced_kernel, kernel
from tesuji.search.proving.triggers import (
    ANY,
    ANYTHING,
    MEMBERS,
    OPERATION,
    OTHER,
    PLACE,
    REGISTER,
    SAME,
    SYMBOL,
    TERMS,
    USERS,
    WANTED,
    Triggers,
)

MATCHES, COST, TRIED, NUM_COUNTS = range(4)

_MOST_MATCHES = 10_000  # of a round


class Room(NamedTuple):
    """Where terms are looked up, and matches kept; `T` terms, `S` symbols, `M` matches."""

    counts: npt.NDArray[np.int64]  # matches, what they cost, and how many were tried in all
    head: Small  # [S] 1 + a term with a symbol, of each class of congruent ones one
    following: Small  # [T] 1 + the next; NONE for terms that stand for no class
    age: Small  # [T] how many instances had to be made for a term, one after the other
    register: Small
    at: Small  # of each row, the term that was tried last
    place: Small  # [terms of the matrix] the root of what it is for the variables' values
    match: Small  # [M] a trigger
    match_first: Small  # [M + 1]
    match_value: Small  # terms for the variables of its clause


def make_room(bank: Bank, symbols: int, terms: int, triggers: Sequence[Triggers]) -> Room:
    """Return room for the terms of a bank and of a matrix."""
    own = len(bank.symbol)
    registers = max(each.registers for each in triggers)
    rows = max(len(each.row) for each in triggers) + 1
    sizes = (
        symbols, own, own, registers, rows, terms, _MOST_MATCHES, _MOST_MATCHES + 1,
        8 * _MOST_MATCHES,
    )  # fmt: skip
    counts = np.zeros(NUM_COUNTS, np.int64)
    return Room(counts, *(np.zeros(size, np.int32) for size in sizes))


@kernel
def holds(classes, room, code):  # type: ignore[no-untyped-def]
    """Return whether a row that compares a register finds it equal."""
    one, other = classes.root[room.register[code[REGISTER]]], code[OTHER]
    if code[OPERATION] == SAME:
        return one == classes.root[room.register[other]]
    return one == room.place[other]


@kernel
def advance(bank, classes, value, room, row, code, forth, any_terms):  # type: ignore[no-untyped-def]
    """Let a row match its next term, or its first if the program goes forth; False if none is left.

    Args:
        bank: of the terms.
        classes: of equal ones.
        value: of literals.
        room: whose registers take the term and its arguments.
        row: of the program.
        code: what it says.
        forth: whether the row before has just matched.
        any_terms: terms that a row without a pattern goes through.
    """
    operation, last = code[OPERATION], room.at[row]
    if operation == TERMS:
        found = _next_term(bank, value, room, code, last, forth)
    elif operation == USERS:
        found = _next_user(bank, classes, value, room, code, last, forth)
    elif operation == MEMBERS:
        found = _next_member(bank, classes, room, code, last, forth)
    else:
        found = 0 if forth else last + 1
        while found < any_terms and (room.following[found] == NONE or bank.atom[found]):
            found += 1
        found = found if found < any_terms else NONE
    room.at[row] = found
    if found == NONE:
        return False
    to = code[REGISTER]
    if operation != ANY:
        if operation == USERS:
            found = classes.user[found]
        for place in range(bank.first[found], bank.first[found + 1]):
            room.register[to] = bank.arguments[place]
            to += 1
    room.register[to] = found
    return True


@forced_kernel
def _is_wanted(bank, value, term, wanted):  # type: ignore[no-untyped-def]
    atom = bank.atom[term] - 1
    return wanted == ANYTHING or (atom >= 0 and value[2 * atom] * wanted > 0)


@kernel
def _next_term(bank, value, room, code, last, forth):  # type: ignore[no-untyped-def]
    term = (room.head[code[SYMBOL]] if forth else room.following[last]) - 1
    while term != NONE and not _is_wanted(bank, value, term, code[WANTED]):
        term = room.following[term] - 1
    return term


@kernel
def _next_user(bank, classes, value, room, code, last, forth):  # type: ignore[no-untyped-def]
    # The next place of an argument of a class, of terms with a symbol, where it is the right one.
    other = code[OTHER]
    start = room.register[other] if other >= 0 else room.place[-1 - other]
    if start == NONE:
        return NONE
    member = start if forth else bank.arguments[last]
    place = (classes.user_first[member] if forth else classes.user_next[last]) - 1
    while True:
        while place != NONE:
            term = classes.user[place]
            right = bank.symbol[term] == code[SYMBOL] and place - bank.first[term] == code[PLACE]
            right = right and room.following[term] != NONE
            if right and _is_wanted(bank, value, term, code[WANTED]):
                return place
            place = classes.user_next[place] - 1
        member = classes.member[member]
        if member == start:
            return NONE
        place = classes.user_first[member] - 1


@kernel
def _next_member(bank, classes, room, code, last, forth):  # type: ignore[no-untyped-def]
    start = room.register[code[OTHER]]
    term = start if forth else classes.member[last]
    if not forth and term == start:
        return NONE
    while bank.symbol[term] != code[SYMBOL] or room.following[term] == NONE:
        term = classes.member[term]
        if term == start:
            return NONE
    return term

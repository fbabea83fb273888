"""Equality of the ground terms of a bank: which axioms of it does a model of the instances break?

Terms that are equal by the equations that are true are joined to classes, and congruent terms with
them (Downey, Sethi & Tarjan 1980). Each join is an edge of a forest, so that the way between two
terms says why they are equal (Nieuwenhuis & Oliveras 2005). Where an equation is false of equal
terms, or a predicate differs on them, the instances of axioms that say so go into the bank.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.grounding import INSTANCES, TERMS, Bank, add_instance, mixed
from tesuji.domains.proving.matrix import Small
from tesuji.domains.proving.unification import kernel

NONE = -1
EQUALITY, REFLEXIVITY, SYMMETRY, TRANSITIVITY = range(4)  # of `matrix.equality`
LINKED, PENDING, STAMP, ROUND, NUM_COUNTS = range(5)

_MOST_FAULTS = 200  # of a model that are explained
_MOST_PAIRS = 5_000  # of terms whose equality is explained


class Classes(NamedTuple):
    """Classes of equal terms; `T` terms, `W` arguments of all."""

    user: Small  # [W] a term or atom by its places in the bank's arguments
    user_next: Small  # [W] 1 + the next place with the same argument
    user_first: Small  # [T]
    root: Small  # [T]
    member: Small  # [T] the next in the class, in a ring
    size: Small  # [T] of a root's class
    above: Small  # [T] in the forest, or NONE
    why: Small  # [T] the equation of the edge above, or 0 where the terms are congruent
    slot: Small  # hash table: 1 + term, by its symbol and the roots of its arguments
    pending: Small  # [P, 3] terms to join, and why
    stamp: npt.NDArray[np.int64]  # [T]
    told: npt.NDArray[np.int64]  # [2 * T] round in which a congruence was explained, each way
    path: Small  # [T]
    counts: npt.NDArray[np.int64]  # [4] terms linked to users, pending, stamps, rounds


def make_classes(bank: Bank) -> Classes:
    """Return room for the terms of a bank."""
    terms, width = len(bank.symbol), len(bank.arguments)

    def zeros(size: int) -> Small:
        return np.zeros(size, np.int32)

    return Classes(
        zeros(width), zeros(width), zeros(terms), zeros(terms), zeros(terms),
        zeros(terms), zeros(terms), zeros(terms), zeros(8 * terms),
        np.zeros((4 * terms, 3), np.int32), np.zeros(terms, np.int64),
        np.zeros(2 * terms, np.int64), zeros(terms), np.zeros(NUM_COUNTS, np.int64),
    )  # fmt: skip


@kernel
def add_broken_axioms(matrix, bank, classes, value):  # type: ignore[no-untyped-def]
    """Put instances of axioms that a model breaks into the bank; return how many.

    Args:
        matrix: the clauses.
        bank: the instances that the model is of.
        classes: room.
        value: of literals in the model, positive where they are true.
    """
    counts, before = classes.counts, bank.counts[INSTANCES]
    terms = bank.counts[TERMS]
    counts[ROUND] += 1
    _link_users(bank, classes)
    mask = clear_slots(classes, terms)
    for term in range(terms):
        classes.root[term] = classes.member[term] = term
        classes.size[term], classes.above[term] = 1, NONE
    counts[PENDING] = 0
    for term in range(terms):
        if bank.atom[term]:
            if (
                bank.symbol[term] == matrix.equality[EQUALITY]
                and value[2 * (bank.atom[term] - 1)] > 0
            ):
                first = bank.first[term]
                _later(classes, bank.arguments[first], bank.arguments[first + 1], term)
        elif bank.first[term + 1] > bank.first[term]:
            _sign(bank, classes, term, mask)
    _join_pending(bank, classes, mask)
    mask = clear_slots(classes, terms)
    faults = 0
    for term in range(terms):
        atom, first = bank.atom[term] - 1, bank.first[term]
        if atom < 0 or bank.first[term + 1] == first or faults == _MOST_FAULTS:
            continue
        if bank.symbol[term] == matrix.equality[EQUALITY]:
            one, two = bank.arguments[first], bank.arguments[first + 1]
            if value[2 * atom] < 0 and classes.root[one] == classes.root[two]:
                faults += 1
                counts[PENDING] = 0
                _later(classes, one, two, 0)
                _explain(matrix, bank, classes)
            continue
        other = find(bank, classes, term, mask)
        if other != term and value[2 * (bank.atom[other] - 1)] != value[2 * atom]:
            faults += 1
            one, two = (term, other) if value[2 * atom] > 0 else (other, term)
            _congruence(matrix, bank, one, two)
            counts[PENDING] = 0
            for place in range(bank.first[term + 1] - first):
                left = bank.arguments[bank.first[one] + place]
                _later(classes, left, bank.arguments[bank.first[two] + place], 0)
            _explain(matrix, bank, classes)
    return bank.counts[INSTANCES] - before


@kernel
def _link_users(bank, classes):  # type: ignore[no-untyped-def]
    for term in range(classes.counts[LINKED], bank.counts[TERMS]):
        for place in range(bank.first[term], bank.first[term + 1]):
            argument = bank.arguments[place]
            classes.user[place] = term
            classes.user_next[place] = classes.user_first[argument]
            classes.user_first[argument] = place + 1
    classes.counts[LINKED] = bank.counts[TERMS]


@kernel
def clear_slots(classes, terms):  # type: ignore[no-untyped-def]
    """Return the mask of an empty table with room for so many terms and more."""
    size = 16
    while size < 4 * terms:
        size *= 2
    classes.slot[:size] = 0
    return np.uint64(size - 1)


@kernel
def _later(classes, one, two, why):  # type: ignore[no-untyped-def]
    at = classes.counts[PENDING]
    if at < len(classes.pending):
        row = classes.pending[at]
        row[0], row[1], row[2] = one, two, why
        classes.counts[PENDING] += 1


@kernel
def find(bank, classes, term, mask):  # type: ignore[no-untyped-def]
    """Return a term of the table with the same symbol and equal arguments, or put it there."""
    first, arity = bank.first[term], bank.first[term + 1] - bank.first[term]
    hashed = np.uint64(bank.symbol[term] + 1)
    for place in range(first, first + arity):
        hashed = mixed(hashed, classes.root[bank.arguments[place]])
    slot, tries = hashed & mask, 0
    while classes.slot[slot] and tries < 1000:
        tries += 1
        other = classes.slot[slot] - 1
        start = bank.first[other]
        if bank.symbol[other] == bank.symbol[term] and bank.first[other + 1] - start == arity:
            same = True
            for place in range(arity):
                one, two = bank.arguments[start + place], bank.arguments[first + place]
                if classes.root[one] != classes.root[two]:
                    same = False
                    break
            if same:
                return other
        slot = (slot + np.uint64(1)) & mask
    classes.slot[slot] = term + 1
    return term


@kernel
def _sign(bank, classes, term, mask):  # type: ignore[no-untyped-def]
    other = find(bank, classes, term, mask)
    if classes.root[other] != classes.root[term]:
        _later(classes, other, term, 0)


@kernel
def _join_pending(bank, classes, mask):  # type: ignore[no-untyped-def]
    counts = classes.counts
    while counts[PENDING]:
        counts[PENDING] -= 1
        row = classes.pending[counts[PENDING]]
        one, two, why = row[0], row[1], row[2]
        keep, lose = classes.root[one], classes.root[two]
        if keep == lose:
            continue
        if classes.size[keep] < classes.size[lose]:
            one, two, keep, lose = two, one, lose, keep
        _hang(classes, two, one, why)
        classes.size[keep] += classes.size[lose]
        member = lose
        while True:
            classes.root[member] = keep
            member = classes.member[member]
            if member == lose:
                break
        while True:
            place = classes.user_first[member] - 1
            while place >= 0:
                if not bank.atom[classes.user[place]]:
                    _sign(bank, classes, classes.user[place], mask)
                place = classes.user_next[place] - 1
            member = classes.member[member]
            if member == lose:
                break
        classes.member[keep], classes.member[lose] = classes.member[lose], classes.member[keep]


@kernel
def _hang(classes, term, above, why):  # type: ignore[no-untyped-def]
    # Make a term the root of its tree, and hang it below another.
    while term != NONE:
        following, reason = classes.above[term], classes.why[term]
        classes.above[term], classes.why[term] = above, why
        term, above, why = following, term, reason


@kernel
def _explain(matrix, bank, classes):  # type: ignore[no-untyped-def]
    # Put instances into the bank by which the terms of each pair that is pending are equal.
    counts, path, above = classes.counts, classes.path, classes.above
    pairs = 0
    while counts[PENDING] and pairs < _MOST_PAIRS:
        pairs += 1
        counts[PENDING] -= 1
        start, end = classes.pending[counts[PENDING], 0], classes.pending[counts[PENDING], 1]
        if start == end:
            _axiom(matrix, bank, REFLEXIVITY, start, 0, 0)
            continue
        counts[STAMP] += 1
        at = start
        while at != NONE:
            classes.stamp[at] = counts[STAMP]
            at = above[at]
        size, meet = 0, end
        while classes.stamp[meet] != counts[STAMP]:
            path[size] = meet
            size += 1
            meet = above[meet]
        at = start
        while at != meet:
            _step(matrix, bank, classes, start, at, above[at], at)
            at = above[at]
        while size:
            size -= 1
            _step(matrix, bank, classes, start, at, path[size], path[size])
            at = path[size]


@kernel
def _step(matrix, bank, classes, start, at, to, lower):  # type: ignore[no-untyped-def]
    # From `start = at` to `start = to`, by the edge above `lower`.
    why = classes.why[lower]
    if why:
        if bank.arguments[bank.first[why]] != at:
            _axiom(matrix, bank, SYMMETRY, to, at, 0)
    else:
        which = 2 * lower + (lower == at)
        if classes.told[which] != classes.counts[ROUND]:
            classes.told[which] = classes.counts[ROUND]
            _congruence(matrix, bank, at, to)
            for place in range(bank.first[at + 1] - bank.first[at]):
                left = bank.arguments[bank.first[at] + place]
                _later(classes, left, bank.arguments[bank.first[to] + place], 0)
    if at != start:
        _axiom(matrix, bank, TRANSITIVITY, start, at, to)


@kernel
def _axiom(matrix, bank, which, x, y, z):  # type: ignore[no-untyped-def]
    at = bank.value_first[bank.counts[INSTANCES]]
    if at + 3 > len(bank.value):
        return
    bank.value[at], bank.value[at + 1], bank.value[at + 2] = x, y, z
    add_instance(matrix, bank.first, bank.first, bank, matrix.equality[which])


@kernel
def _congruence(matrix, bank, one, two):  # type: ignore[no-untyped-def]
    at = bank.value_first[bank.counts[INSTANCES]]
    arity = bank.first[one + 1] - bank.first[one]
    if at + 2 * arity > len(bank.value) or matrix.congruence[bank.symbol[one]] == NONE:
        return
    for place in range(arity):
        bank.value[at + 2 * place] = bank.arguments[bank.first[one] + place]
        bank.value[at + 2 * place + 1] = bank.arguments[bank.first[two] + place]
    add_instance(matrix, bank.first, bank.first, bank, matrix.congruence[bank.symbol[one]])

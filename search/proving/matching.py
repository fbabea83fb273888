"""E-matching: instances of clauses that a model of the ground instances makes false, or not true.

The programs of the triggers run over the terms of a bank and their classes in the model (de Moura &
Bjorner 2007). Of the instances that they find, those are taken of which no literal is true, and
whose literals are all false but a few that no atom is known for: first those that contradict the
model (Reynolds, Tinelli & de Moura 2014).
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.proving.grounding import INSTANCES, TERMS, add_instance, mixed
from tesuji.domains.proving.matrix import NONE
from tesuji.domains.proving.unification import kernel
from tesuji.search.proving.ground_equality import EQUALITY, clear_slots, find
from tesuji.search.proving.machine import COST, MATCHES, TRIED, advance, holds
from tesuji.search.proving.triggers import ANY, OPERATION

_MOST_STEPS = 200_000  # of a trigger in a round


@kernel
def add_matches(  # type: ignore[no-untyped-def]
    matrix, bank, classes, value, triggers, room, any_terms, oldest, most
):
    """Put the least costly instances into the bank that are not true in a model; return how many.

    Args:
        matrix: the clauses.
        bank: the instances that the model is of.
        classes: of the model, in which no axiom of equality is broken.
        value: of literals in the model, positive where they are true.
        triggers: of the clauses.
        room: to work in.
        any_terms: how many terms a variable that stands in no pattern may be.
        oldest: age of the terms of an instance that does not contradict the model.
        most: matches of a trigger.
    """
    before, terms = bank.counts[INSTANCES], bank.counts[TERMS]
    mask = clear_slots(classes, terms)
    room.head[:] = 0
    for term in range(terms - 1, 0, -1):
        room.following[term] = NONE
        if find(bank, classes, term, mask) == term:
            symbol = bank.symbol[term]
            room.following[term] = room.head[symbol]
            room.head[symbol] = term + 1
    room.counts[MATCHES], room.counts[COST] = 0, 3 * oldest + 3
    for trigger in range(len(triggers.clause)):
        _run(
            matrix, bank, classes, value, triggers, room, min(any_terms, terms), most, trigger,
            mask,
        )  # fmt: skip
    for match in range(room.counts[MATCHES]):
        first, end = room.match_first[match], room.match_first[match + 1]
        at = bank.value_first[bank.counts[INSTANCES]]
        if at + end - first > len(bank.value):
            break
        known, age = bank.counts[TERMS], 0
        for place in range(first, end):
            term = room.match_value[place]
            bank.value[at + place - first] = term
            age = max(age, room.age[term])
        add_instance(matrix, bank.first, bank.first, bank, triggers.clause[room.match[match]])
        room.age[known : bank.counts[TERMS]] = age + 1
    return bank.counts[INSTANCES] - before


@kernel
def _run(  # type: ignore[no-untyped-def]
    matrix, bank, classes, value, triggers, room, any_terms, most, trigger, mask
):
    # Go through all matches of one trigger.
    first, end = triggers.first[trigger], triggers.first[trigger + 1]
    before = room.counts[MATCHES]
    _order_ground(matrix, bank, classes, triggers, room, triggers.clause[trigger], mask)
    row, forth = first, True
    for _ in range(_MOST_STEPS):
        if row < first:
            return
        if row == end:
            _take(matrix, bank, classes, value, triggers, room, trigger, mask)
            before = min(before, room.counts[MATCHES])
            if room.counts[MATCHES] - before >= most:
                return
            row, forth = row - 1, False
            continue
        code = triggers.row[row]
        if code[OPERATION] <= ANY:
            forth = advance(bank, classes, value, room, row, code, forth, any_terms)
        elif forth:
            forth = holds(classes, room, code)
        row += 1 if forth else -1


@kernel
def _order_ground(matrix, bank, classes, triggers, room, clause, mask):  # type: ignore[no-untyped-def]
    for at in range(triggers.order_first[clause], triggers.order_first[clause + 1]):
        term = triggers.order[at]
        if matrix.ground[term]:
            room.place[term] = _root(matrix, bank, classes, room, term, mask, False)


@kernel
def _root(matrix, bank, classes, room, term, mask, swapped):  # type: ignore[no-untyped-def]
    # The root of the term of the bank that a term of the matrix is; of an atom itself; or NONE.
    first, arity = matrix.first[term], matrix.first[term + 1] - matrix.first[term]
    hashed = np.uint64(matrix.symbol[term] + 1)
    for place in range(arity):
        where = arity - 1 - place if swapped else place
        root = room.place[matrix.arguments[first + where]]
        if root == NONE:
            return NONE
        hashed = mixed(hashed, root)
    slot = hashed & mask
    while classes.slot[slot]:
        other = classes.slot[slot] - 1
        start = bank.first[other]
        same = bank.symbol[other] == matrix.symbol[term] and bank.first[other + 1] - start == arity
        for place in range(arity):
            if not same:
                break
            where = arity - 1 - place if swapped else place
            root = classes.root[bank.arguments[start + place]]
            same = root == room.place[matrix.arguments[first + where]]
        if same:
            return classes.root[other]
        slot = (slot + np.uint64(1)) & mask
    return NONE


@kernel
def _take(matrix, bank, classes, value, triggers, room, trigger, mask):  # type: ignore[no-untyped-def]
    # Keep a match if its instance is not true, and costs no more than those kept. What contradicts
    # the model costs nothing; else younger terms count first, then whether more than one atom is
    # not known.
    clause, counts = triggers.clause[trigger], room.counts
    start, end = triggers.variable_first[trigger], triggers.variable_first[trigger + 1]
    counts[TRIED] += 1
    age = 0
    for at in range(start, end):
        age = max(age, room.age[room.register[triggers.variable[at]]])
    unknown, most = 0, min(max(counts[COST] - 3 * age, 0), 2)
    for at in range(triggers.order_first[clause], triggers.order_first[clause + 1]):
        term = triggers.order[at]
        if matrix.symbol[term] < 0:
            own = triggers.variable[start - 1 - matrix.symbol[term]]
            room.place[term] = classes.root[room.register[own]]
        elif not matrix.ground[term]:
            room.place[term] = _root(matrix, bank, classes, room, term, mask, False)
    for literal in range(matrix.clause_first[clause], matrix.clause_first[clause + 1]):
        truth = _truth(matrix, bank, classes, value, room, matrix.atom[literal], mask)
        if matrix.key[literal] & 1:
            truth = -truth
        if truth > 0:
            return
        unknown = min(unknown + (truth == 0), 2)
        if unknown > most:
            return
    cost = 3 * age + unknown if unknown else 0
    if cost < counts[COST]:
        counts[COST], counts[MATCHES] = cost, 0
    at = room.match_first[counts[MATCHES]]
    if counts[MATCHES] + 1 < len(room.match_first) and at + end - start <= len(room.match_value):
        room.match[counts[MATCHES]] = trigger
        for place in range(start, end):
            room.match_value[at] = room.register[triggers.variable[place]]
            at += 1
        counts[MATCHES] += 1
        room.match_first[counts[MATCHES]] = at


@kernel
def _truth(matrix, bank, classes, value, room, atom, mask):  # type: ignore[no-untyped-def]
    # Of an atom of a clause in the model: positive, negative, or 0 where it is not known.
    equation = matrix.symbol[atom] == matrix.equality[EQUALITY]
    if equation:
        one = room.place[matrix.arguments[matrix.first[atom]]]
        if one != NONE and one == room.place[matrix.arguments[matrix.first[atom] + 1]]:
            return 1
    found = _root(matrix, bank, classes, room, atom, mask, False)
    if found == NONE and equation:
        found = _root(matrix, bank, classes, room, atom, mask, True)
    if found == NONE or not bank.atom[found]:
        return 0
    return value[2 * (bank.atom[found] - 1)]

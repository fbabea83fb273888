"""Triggers: patterns of a clause whose matches say with which terms to instantiate it.

E-matching looks for them among the ground terms that are known, up to equality (Detlefs, Nelson &
Saxe 2005). A trigger is a program for an abstract machine (de Moura & Bjorner 2007), `machine.py`,
whose registers hold ground terms. Together its patterns hold all variables of the clause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tesuji.domains.proving.matrix import NONE, Matrix, Small
from tesuji.search.proving.ground_equality import EQUALITY

# Operations: try all terms with a symbol, and a truth value if one is wanted, and write their
# arguments and the term itself; only those with a term that equals a register, or a ground term
# `-1 - t` of the matrix, at a place; only members of the class of a register. Does a register equal
# a ground term, another register? Try all terms, up to so many.
TERMS, USERS, MEMBERS, ANY, IS, SAME = range(6)
OPERATION, SYMBOL, REGISTER, OTHER, WANTED, PLACE, NUM_COLUMNS = range(7)

_MOST = 6  # triggers of a clause
ANYTHING = 2  # may be the truth value of a pattern


class Triggers(NamedTuple):
    """Programs for all clauses; `P` triggers, `R` rows of all of them."""

    row: Small  # [R, NUM_COLUMNS]
    first: Small  # [P + 1] of its rows
    clause: Small  # [P]
    variable_first: Small  # [P + 1]
    variable: Small  # register of each variable
    order_first: Small  # [C + 1]
    order: Small  # terms of a clause without its atoms, arguments before what they are of
    registers: int  # at most


class _Pattern(NamedTuple):
    term: int
    wanted: int
    variables: frozenset[int]
    swapped: bool = False  # an equation, read from right to left
    equal: int = NONE  # what the term should be equal to


def make_triggers(matrix: Matrix, clauses: Sequence[int], patterns: bool = True) -> Triggers:
    """Return the triggers of clauses that have variables; without patterns all terms match."""
    rows: list[tuple[int, ...]] = []
    firsts, owners, variable_firsts, variables, registers = [0], list[int](), [0], list[int](), 1
    for clause in clauses:
        for chosen in _chosen(matrix, clause) if patterns else [[]]:
            program, places, used = _program(matrix, clause, chosen)
            rows += program
            firsts.append(len(rows))
            owners.append(clause)
            variables += places
            variable_firsts.append(len(variables))
            registers = max(registers, used)
    orders = [_order(matrix, clause) for clause in range(len(matrix.num_variables))]
    flat = [term for order in orders for term in order]
    return Triggers(
        np.array(rows, np.int32).reshape(-1, NUM_COLUMNS), _small(firsts), _small(owners),
        _small(variable_firsts), _small(variables), _small([0, *np.cumsum([*map(len, orders)])]),
        _small(flat), registers,
    )  # fmt: skip


def _chosen(matrix: Matrix, clause: int) -> Iterator[Sequence[_Pattern]]:
    # Patterns that have all variables alone, the least of them; else some together.
    whole = frozenset(range(int(matrix.num_variables[clause])))
    found = list(_candidates(matrix, clause))
    single = [each for each in found if each.variables == whole]
    alone = {each.term for each in single}
    least = [each for each in single if alone.isdisjoint(_below(matrix, each.term)[:-1])]
    if least:
        for each in least[:_MOST]:
            yield [each]
        return
    seen = set[frozenset[_Pattern]]()
    for start in found:
        patterns, known = [start], start.variables
        while known != whole:
            best = max(found, key=lambda each: _gain(each, known))
            if not best.variables - known:
                break
            patterns.append(best)
            known |= best.variables
        key = frozenset(patterns)
        if key not in seen and len(seen) < _MOST:
            seen.add(key)
            yield patterns
    if not found:
        yield []


def _gain(pattern: _Pattern, known: frozenset[int]) -> tuple[int, ...]:
    # What a pattern adds to known variables; it had better share some with them.
    new, shared = len(pattern.variables - known), len(pattern.variables & known)
    return min(new, 1), min(shared, 1), new, shared


def _candidates(matrix: Matrix, clause: int) -> Iterator[_Pattern]:
    seen = set[int]()
    for literal in range(matrix.clause_first[clause], matrix.clause_first[clause + 1]):
        atom, negated = int(matrix.atom[literal]), int(matrix.key[literal]) & 1
        equation = matrix.symbol[atom] == matrix.equality[EQUALITY]
        if equation and negated:
            yield from _equal_sides(matrix, atom)
        terms = _below(matrix, atom)[:-1]
        for term in terms if equation and negated else [*terms, atom]:
            variables = _variables(matrix, term)
            if matrix.symbol[term] >= 0 and variables and term not in seen:
                seen.add(term)
                wanted = (1 if negated else -1) if term == atom else ANYTHING
                yield _Pattern(term, wanted, variables)
                if equation and term == atom:
                    yield _Pattern(term, wanted, variables, swapped=True)


def _equal_sides(matrix: Matrix, equation: int) -> Iterator[_Pattern]:
    # An equation that should be true of terms.
    one, two = _arguments(matrix, equation)
    for term, other in ((one, two), (two, one)):
        variables = _variables(matrix, term)
        if matrix.symbol[term] >= 0 and variables:
            yield _Pattern(term, ANYTHING, variables | _variables(matrix, other), equal=other)


def _program(
    matrix: Matrix, clause: int, patterns: Sequence[_Pattern]
) -> tuple[list[tuple[int, ...]], list[int], int]:
    # Rows, a register for each variable, and how many registers there are.
    rows: list[tuple[int, ...]] = []
    known: dict[int, int] = {}
    used = 0

    def take(start: int, arguments: Sequence[int]) -> Iterator[tuple[int, int]]:
        # Note the arguments that stand in registers from `start`; yield those to look into.
        for place, argument in enumerate(arguments, start):
            symbol = int(matrix.symbol[argument])
            if symbol < 0:
                if symbol in known:
                    rows.append((SAME, 0, place, known[symbol], 0, 0))
                known.setdefault(symbol, place)
            elif matrix.ground[argument]:
                rows.append((IS, 0, place, argument, 0, 0))
            else:
                yield place, argument

    for pattern in patterns:
        arguments = _arguments(matrix, pattern.term)
        symbol, operation, other, at = int(matrix.symbol[pattern.term]), TERMS, 0, 0
        for place, argument in enumerate(arguments):
            if matrix.ground[argument]:
                operation, other, at = USERS, -1 - argument, place
            elif int(matrix.symbol[argument]) in known:
                operation, other, at = USERS, known[int(matrix.symbol[argument])], place
        equal = int(matrix.symbol[pattern.equal])
        if pattern.equal != NONE and equal in known:
            operation, other = MEMBERS, known[equal]
        if pattern.swapped:
            arguments, at = arguments[::-1], 1 - at
        rows.append((operation, symbol, used, other, pattern.wanted, at))
        waiting = list(take(used, arguments))
        used += len(arguments)
        if pattern.equal != NONE:
            waiting += take(used, [pattern.equal])
        used += 1  # the term itself
        while waiting:
            place, term = waiting.pop(0)
            rows.append((MEMBERS, int(matrix.symbol[term]), used, place, 0, 0))
            waiting += take(used, _arguments(matrix, term))
            used += len(_arguments(matrix, term)) + 1
    for variable in range(int(matrix.num_variables[clause])):
        if -1 - variable not in known:
            rows.append((ANY, 0, used, 0, 0, 0))
            known[-1 - variable] = used
            used += 1
    places = [known[-1 - variable] for variable in range(int(matrix.num_variables[clause]))]
    return rows, places, used


def _order(matrix: Matrix, clause: int) -> list[int]:
    literals = range(matrix.clause_first[clause], matrix.clause_first[clause + 1])
    terms = (term for each in literals for term in _below(matrix, int(matrix.atom[each]))[:-1])
    return list(dict.fromkeys(terms))


def _below(matrix: Matrix, term: int) -> list[int]:
    # A term and all in it, arguments first, each once.
    found: dict[int, None] = {}
    waiting = [term]
    while waiting:
        one = waiting[-1]
        missing = [each for each in _arguments(matrix, one) if each not in found]
        waiting += missing[::-1]
        if not missing:
            found[waiting.pop()] = None
    return list(found)


def _arguments(matrix: Matrix, term: int) -> list[int]:
    found: list[int] = matrix.arguments[matrix.first[term] : matrix.first[term + 1]].tolist()
    return found


def _variables(matrix: Matrix, term: int) -> frozenset[int]:
    below = _below(matrix, term)
    return frozenset(-1 - int(matrix.symbol[t]) for t in below if matrix.symbol[t] < 0)


def _small(values: object) -> Small:
    return np.ascontiguousarray(values, np.int32)

"""What a policy sees of a goal and of the steps that may close it: hashed walks over symbols.

A *walk* goes from a literal's predicate down to a symbol inside, with the places of the arguments
that it goes through; what it meets is hashed into one of `BUCKETS` features (as in FEMaLeCoP and
rlCoP, Kaliszyk et al. 2018). Names are hashed, not numbers, so that problems with a vocabulary in
common share features. Variables are all alike, as are Skolem functions and definitions.

A *sight* says what else there is: with the sight `names` nothing; with `graph` names are hidden -
symbols differ by their arity alone - and each symbol of the goal, in the part that it plays, and
the literal that the goal comes from are features of their own, beyond `BUCKETS`, which mean
something in one problem only: what, a network says that has read the problem's clauses as a graph
(`clause_graph.py`). `both` hides nothing.

`S` symbols, `L` literals, `K` predicates with a sign, `A = L + K` actions: an extension by each
literal, and a reduction with a goal above that has each key.
"""

from __future__ import annotations

import re
import zlib
from typing import Literal, NamedTuple

import numpy as np

from tesuji.domains.proving.formulas import EQUALITY
from tesuji.domains.proving.matrix import Matrix, NamedMatrix, Small
from tesuji.domains.proving.tableau import ABOVE, DEPTH, LITERAL, NONE, OFFSET, make_tableau
from tesuji.domains.proving.unification import dereference, forced_kernel, kernel

BUCKETS = 4096
MOST = 176  # features of a goal or of an action

Sight = Literal["names", "graph", "both"]

# Parts that symbols play: predicate of the goal, either sign; the head of an argument, by its
# place; deeper; predicate of the goal above, and further above.
ROLES = 8
_ARGUMENT, _DEEPER, _ABOVE_ROLE, _PATH_ROLE = 2, 5, 6, 7

_MADE_UP = re.compile(r"_*(s[KP])\d+")
_NODES = 40  # of a literal that are walked to
_OWN, _PAIR, _ABOVE, _FROM, _PATH, _DEPTH, _ACTION, _OTHER = range(1, 9)
_CLAUSE, _SIZE, _VARIABLES, _GOAL, _REDUCTION, _INSIDE = range(9, 15)
_VARIABLE = 77  # the name of them all
_GOAL_WALK, _ABOVE_WALK, _ACTION_WALK, _OTHER_WALK = 3, 2, 3, 2  # symbols deep
_PATH_GOALS, _FROM_GOALS = 8, 3
_INSIDE_NODES, _INSIDE_SYMBOLS = 128, 6  # that are looked at of an argument, and told
_LAST = 0x7FFFFFFF


class Names(NamedTuple):
    """Hashes that do not depend on a problem's numbers."""

    symbol: Small  # [S]
    literal: Small  # [L] of the clause and the place in it
    graph: Small  # [1] whether symbols and literals are features of their own


class Features(NamedTuple):
    """Features of each action."""

    first: Small  # [A + 1]
    feature: Small  # below `BUCKETS`


def name_matrix(named: NamedMatrix, sight: Sight = "names") -> Names:
    """Return the hashes of a matrix' names."""
    shown = named.symbols if sight != "graph" else _hidden(named)
    symbols = [zlib.crc32(_MADE_UP.sub(r"\1", name).encode()) & _LAST for name in shown]
    names = Names(
        np.array(symbols, np.int32), np.zeros(len(named.matrix.atom), np.int32),
        np.array([sight != "names"], np.int32),
    )  # fmt: skip
    _name_literals(named.matrix, names, np.zeros((1 << 12, 4), np.int32))
    return names


def _hidden(named: NamedMatrix) -> list[str]:
    # Instead of names, how many arguments there are; equality is no name.
    matrix = named.matrix
    arity = np.zeros(len(named.symbols), np.int32)
    heads = matrix.symbol >= 0
    arity[matrix.symbol[heads]] = (matrix.first[1:] - matrix.first[:-1])[heads]
    shown = [f"of {count}" for count in arity.tolist()]
    if matrix.equality[0] != NONE:
        shown[matrix.equality[0]] = EQUALITY
    return shown


def action_features(matrix: Matrix, names: Names) -> Features:
    """Return the features of each action of a matrix."""
    tableau = make_tableau(int(matrix.num_variables.max(initial=1)) + 1, 1)
    number = len(matrix.atom) + 2 * len(names.symbol)
    first = np.zeros(number + 1, np.int32)
    feature = np.zeros(number * MOST, np.int32)
    size = _describe_actions(matrix, names, tableau, first, feature)
    return Features(first, feature[:size].copy())


@forced_kernel
def mix(one, two):  # type: ignore[no-untyped-def]
    """Return a hash of two numbers below 2^31, below 2^31."""
    mixed = ((np.int64(one) * 0x01000193) ^ np.int64(two)) * 0x9E3779B1
    mixed ^= mixed >> 29
    return (mixed * 0x85EBCA6B >> 13) & 0x7FFFFFFF


@forced_kernel
def _bucket(tag, hashed):  # type: ignore[no-untyped-def]
    return mix(hashed, tag) % BUCKETS


@kernel
def _name_literals(matrix, names, stack):  # type: ignore[no-untyped-def]
    for clause in range(len(matrix.num_variables)):
        hashed = np.int64(0)
        start, end = matrix.clause_first[clause], matrix.clause_first[clause + 1]
        for literal in range(start, end):
            hashed = mix(hashed, matrix.key[literal] & 1)
            size = 1
            stack[0, 0] = matrix.atom[literal]
            while size:
                size -= 1
                term = stack[size, 0]
                symbol = matrix.symbol[term]
                hashed = mix(hashed, names.symbol[symbol] if symbol >= 0 else -symbol)
                for place in range(matrix.first[term], matrix.first[term + 1]):
                    if size < len(stack):
                        stack[size, 0] = matrix.arguments[place]
                        size += 1
        for literal in range(start, end):
            names.literal[literal] = mix(hashed, literal - start)


@kernel
def _walk(matrix, names, tableau, literal, offset, tag, depth, out, size):  # type: ignore[no-untyped-def]
    # Write the features of a literal's walks; return how many features there are then.
    stack, room = tableau.stack, tableau.room
    waiting, nodes = 1, 0
    stack[0, 0], stack[0, 1] = matrix.atom[literal], offset
    stack[0, 2], stack[0, 3] = matrix.key[literal] & 1, 0
    room[0, 0], room[0, 1] = 0, stack[0, 2]
    while waiting and nodes < _NODES and size + 3 < len(out):
        waiting -= 1
        nodes += 1
        own, parent, role = stack[waiting, 3], room[waiting, 0], room[waiting, 1]
        hashed = np.int64(stack[waiting, 2])
        term, at = dereference(
            matrix.symbol, tableau.bound, tableau.copy, stack[waiting, 0], stack[waiting, 1]
        )
        symbol = matrix.symbol[term]
        name = names.symbol[symbol] if symbol >= 0 else _VARIABLE
        hashed = mix(hashed, name)
        out[size] = _bucket(tag, hashed)
        size += 1
        if tag == _OWN and own > 1:
            out[size] = _bucket(_PAIR, mix(parent, name))
            size += 1
        if tag == _OWN and names.graph[0] and symbol >= 0:
            out[size] = BUCKETS + ROLES * symbol + role
            size += 1
        if symbol < 0 or own + 1 > depth:
            continue
        start, end = matrix.first[term], matrix.first[term + 1]
        for place in range(end - 1, start - 1, -1):
            if waiting < len(stack):
                stack[waiting, 0], stack[waiting, 1] = matrix.arguments[place], at
                stack[waiting, 2], stack[waiting, 3] = mix(hashed, place - start + 1), own + 1
                room[waiting, 0], room[waiting, 1] = name, _DEEPER
                if own == 0:
                    room[waiting, 1] = _ARGUMENT + min(place - start, 2)
                waiting += 1
    return size


@kernel
def _inside(matrix, names, tableau, goal, out, size):  # type: ignore[no-untyped-def]
    # Write which symbols occur in each argument, however deep; return how many features there are.
    stack, cells = tableau.stack, tableau.cells
    atom, offset = matrix.atom[cells[goal, LITERAL]], cells[goal, OFFSET]
    sign = matrix.key[cells[goal, LITERAL]]
    for argument in range(matrix.first[atom], matrix.first[atom + 1]):
        waiting, nodes, first = 1, 0, size
        place = mix(sign, argument - matrix.first[atom])
        stack[0, 0], stack[0, 1] = matrix.arguments[argument], offset
        while waiting and nodes < _INSIDE_NODES and size < min(first + _INSIDE_SYMBOLS, len(out)):
            waiting -= 1
            nodes += 1
            term, at = dereference(
                matrix.symbol, tableau.bound, tableau.copy, stack[waiting, 0], stack[waiting, 1]
            )
            symbol = matrix.symbol[term]
            name = names.symbol[symbol] if symbol >= 0 else _VARIABLE
            feature, known = _bucket(_INSIDE, mix(place, name)), False
            for before in range(first, size):
                known = known or out[before] == feature
            if not known:
                out[size] = feature
                size += 1
            for below in range(matrix.first[term], matrix.first[term + 1]):
                if waiting < len(stack):
                    stack[waiting, 0], stack[waiting, 1] = matrix.arguments[below], at
                    waiting += 1
    return size


@kernel
def describe_goal(matrix, names, tableau, goal, out):  # type: ignore[no-untyped-def]
    """Write the features of a goal as it is, and of what is above it; return how many."""
    cells = tableau.cells
    literal, above = cells[goal, LITERAL], cells[goal, ABOVE]
    size = _walk(
        matrix, names, tableau, literal, cells[goal, OFFSET], _OWN, _GOAL_WALK, out[:100], 0
    )
    size = _inside(matrix, names, tableau, goal, out[:120], size)
    out[size] = _bucket(_DEPTH, min(cells[goal, DEPTH], 10))
    size += 1
    origin, hashed = goal, np.int64(0)
    for _ in range(_FROM_GOALS):
        if origin == NONE:
            break
        hashed = mix(hashed, names.literal[cells[origin, LITERAL]])
        out[size] = _bucket(_FROM, hashed)
        size += 1
        origin = cells[origin, ABOVE]
    if names.graph[0]:
        out[size] = BUCKETS + ROLES * len(names.symbol) + literal
        size += 1
    if above != NONE:
        size = _walk(
            matrix, names, tableau, cells[above, LITERAL], cells[above, OFFSET],
            _ABOVE, _ABOVE_WALK, out[:150], size,
        )  # fmt: skip
    first = True
    for _ in range(_PATH_GOALS):
        if above == NONE:
            break
        key = matrix.key[cells[above, LITERAL]]
        out[size] = _bucket(_PATH, mix(names.symbol[key >> 1], key & 1))
        size += 1
        if names.graph[0]:
            out[size] = BUCKETS + ROLES * (key >> 1) + (_ABOVE_ROLE if first else _PATH_ROLE)
            size += 1
        first = False
        above = cells[above, ABOVE]
    return size


@kernel
def _describe_actions(matrix, names, tableau, first, feature):  # type: ignore[no-untyped-def]
    size = 0
    for literal in range(len(matrix.atom)):
        clause = matrix.clause[literal]
        start, end = matrix.clause_first[clause], matrix.clause_first[clause + 1]
        limit = size + 60
        size = _walk(
            matrix, names, tableau, literal, 0, _ACTION, _ACTION_WALK, feature[:limit], size
        )
        feature[size] = _bucket(_CLAUSE, names.literal[literal])
        feature[size + 1] = _bucket(_SIZE, min(end - start, 8))
        feature[size + 2] = _bucket(_VARIABLES, min(matrix.num_variables[clause], 8))
        feature[size + 3] = _bucket(_GOAL, matrix.goal[clause])
        size += 4
        limit = size + 60
        for other in range(start, end):
            if other != literal:
                size = _walk(
                    matrix, names, tableau, other, 0, _OTHER, _OTHER_WALK, feature[:limit], size
                )
        first[literal + 1] = size
    for key in range(2 * len(names.symbol)):
        feature[size] = _bucket(_REDUCTION, 0)
        feature[size + 1] = _bucket(_REDUCTION, mix(names.symbol[key >> 1], key & 1))
        size += 2
        first[len(matrix.atom) + key + 1] = size
    return size

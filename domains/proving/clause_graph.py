"""A matrix as a graph without names: what a symbol is follows from where it occurs.

Nodes are symbols, terms, literals and clauses, in this order. Edges go from the whole to its parts
and have a kind: a clause to a literal, a literal to its atom, a term to its symbol, and to its
first, its second and its later arguments. Renaming symbols or changing the order of clauses changes
nothing but the numbers of nodes (cf. Olsak, Kaliszyk & Urban 2020).

`S` symbols, `T` terms, `L` literals, `C` clauses, `N = S + T + L + C` nodes, `E` edges.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tesuji.domains.proving.matrix import NONE, Matrix, Small

(
    CONSTANT, UNARY, BINARY, LARGER, PROPOSITION, UNARY_PREDICATE, PREDICATE, EQUALITY_SYMBOL,
    VARIABLE, TERM, POSITIVE, NEGATIVE, CLAUSE, GOAL, AXIOM_OF_EQUALITY,
) = range(15)  # fmt: skip
NUM_NODE_KINDS = 15
TO_LITERAL, TO_ATOM, TO_SYMBOL, TO_FIRST, TO_SECOND, TO_LATER = range(6)
NUM_EDGE_KINDS = 6


class ClauseGraph(NamedTuple):
    """The graph of one problem."""

    kind: Small  # [N] of each node
    whole: Small  # [E] a node
    part: Small  # [E] a node
    edge: Small  # [E] kind of each edge
    sizes: tuple[int, int, int, int]  # S, T, L, C


def clause_graph(matrix: Matrix) -> ClauseGraph:
    """Return the graph of a matrix."""
    terms, literals, clauses = len(matrix.symbol), len(matrix.atom), len(matrix.num_variables)
    arity = matrix.first[1:] - matrix.first[:-1]
    heads = matrix.symbol >= 0
    symbols = (len(matrix.partner_first) - 1) // 2
    kind = np.concatenate([
        _symbol_kinds(matrix, symbols, arity), np.where(heads, TERM, VARIABLE),
        POSITIVE + (matrix.key & 1), _clause_kinds(matrix),
    ])  # fmt: skip
    term, literal = symbols, symbols + terms
    clause = literal + literals
    of = np.repeat(np.arange(terms), arity)
    place = np.arange(len(matrix.arguments)) - matrix.first[of]
    number = np.arange(literals)
    parts = [
        (clause + matrix.clause, literal + number, np.full(literals, TO_LITERAL)),
        (literal + number, term + matrix.atom, np.full(literals, TO_ATOM)),
        (term + np.flatnonzero(heads), matrix.symbol[heads], np.full(heads.sum(), TO_SYMBOL)),
        (term + of, term + matrix.arguments, TO_FIRST + np.minimum(place, 2)),
    ]
    whole, part, edge = (np.concatenate(each).astype(np.int32) for each in zip(*parts, strict=True))
    return ClauseGraph(
        kind.astype(np.int32), whole, part, edge, (symbols, terms, literals, clauses)
    )


def _symbol_kinds(matrix: Matrix, symbols: int, arity: Small) -> Small:
    kinds = np.full(symbols, CONSTANT, np.int32)
    heads = np.flatnonzero(matrix.symbol >= 0)
    kinds[matrix.symbol[heads]] = CONSTANT + np.minimum(arity[heads], LARGER - CONSTANT)
    atoms = matrix.atom
    places = np.minimum(arity[atoms], PREDICATE - PROPOSITION)
    kinds[matrix.symbol[atoms]] = PROPOSITION + places
    if matrix.equality[0] != NONE:
        kinds[matrix.equality[0]] = EQUALITY_SYMBOL
    return kinds


def _clause_kinds(matrix: Matrix) -> Small:
    kinds = np.where(matrix.goal, GOAL, CLAUSE)
    axioms = np.concatenate([matrix.equality[1:], matrix.congruence])
    kinds[axioms[axioms != NONE]] = AXIOM_OF_EQUALITY
    return kinds.astype(np.int32)

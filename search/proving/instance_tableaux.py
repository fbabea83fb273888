"""A closed tableau from instances that contradict each other.

Instances refute a problem, but name no steps. Taken as propositions they have a closed connection
tableau, if one of them is of the conjecture and none can be left out; its steps close a tableau of
the clauses themselves, as unifiers are most general.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tesuji.domains.proving.grounding import Bank
from tesuji.domains.proving.matrix import NONE, NOTHING_APART, Matrix, Small, all_steps
from tesuji.domains.proving.tableau import CELLS, CLOSED_BY, LITERAL, Tableau
from tesuji.search.proving.deepening import Deepening

_INFERENCES = 200_000


class GroundClauses(NamedTuple):
    """`I` instances of a matrix' clauses, as propositions."""

    clause: Small  # [I]
    first: Small  # [I + 1]
    literal: Small  # in the order of the clause's: 2 * atom, and 1 more where it is negated


def banked_clauses(bank: Bank, numbers: Sequence[int]) -> GroundClauses:
    """Return instances of a bank."""
    rows = [bank.literal[bank.literal_first[n] : bank.literal_first[n + 1]] for n in numbers]
    first = np.cumsum([0, *map(len, rows)]).astype(np.int32)
    return GroundClauses(bank.clause[list(numbers)], first, np.concatenate(rows))


def instance_tableau(
    matrix: Matrix, instances: GroundClauses, inferences: int = _INFERENCES
) -> tuple[int, Tableau] | None:
    """Return a start clause and a closed tableau of a matrix; None where none is found.

    It tells only what closes its goals; its variables are not bound.

    Args:
        matrix: the clauses.
        instances: that contradict each other.
        inferences: that it may cost.
    """
    search = Deepening(_propositional(matrix, instances), cut=False)
    found = search.run(inferences)
    if found is None or found.copies is None:
        return None
    sizes = np.diff(instances.first)
    place = np.arange(len(instances.literal)) - np.repeat(instances.first[:-1], sizes)
    origin = np.repeat(matrix.clause_first[instances.clause], sizes) + place
    cells = search.tableau.cells[: search.tableau.counts[CELLS]]
    for column in (LITERAL, CLOSED_BY):
        own = cells[:, column] >= 0
        cells[own, column] = origin[cells[own, column]]
    return int(instances.clause[search.start]), search.tableau


def _propositional(matrix: Matrix, instances: GroundClauses) -> Matrix:
    atoms, atom = np.unique(instances.literal >> 1, return_inverse=True)
    number, clauses = len(atoms), len(instances.clause)
    key = 2 * atom + (instances.literal & 1)
    order = np.argsort(key, kind="stable")
    # A variable that occurs nowhere: the limit of the depth is for clauses that have some.
    return Matrix(
        _small(np.arange(number)), np.zeros(number + 1, np.int32), np.zeros(0, np.int32),
        _small(atom), _small(key), _small(np.repeat(np.arange(clauses), np.diff(instances.first))),
        instances.first, np.ones(clauses, np.int32), matrix.goal[instances.clause],
        _small(np.searchsorted(key[order], np.arange(2 * number + 1))), _small(order),
        np.ones(number, np.int32), NOTHING_APART, np.full(4, NONE, np.int32),
        np.full(number, NONE, np.int32), all_steps(len(key)),
    )  # fmt: skip


def _small(values: object) -> Small:
    return np.ascontiguousarray(values, np.int32)

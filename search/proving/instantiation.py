"""Proofs by instances alone: a SAT solver's models say which to look for.

The ground clauses and the goal's come first. Whenever they can be true, E-matching (`matching.py`)
finds instances that the model does not make true, with terms that are known; those go to the solver,
until it finds no model. It is what SMT solvers do with quantifiers (Detlefs, Nelson & Saxe 2005).
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.proving.grounding import FULL, INSTANCES, TERMS, add_instance
from tesuji.domains.proving.matrix import Matrix
from tesuji.domains.proving.unification import kernel
from tesuji.search.proving.matching import add_matches, make_room
from tesuji.search.proving.rising import Refutation
from tesuji.search.proving.sat_help import SatHelp
from tesuji.search.proving.triggers import make_triggers

_OLDEST = 8


class Instantiation:
    """A search for instances that contradict each other.

    Attributes:
        bank: of the instances.
        limit: rounds.
    """

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._help = SatHelp(matrix, matching=True)
        self.bank = self._help.bank
        self.limit = 0
        _add_first(matrix, self.bank)
        own = np.setdiff1d(np.flatnonzero(matrix.num_variables), matrix.congruence)
        own = np.setdiff1d(own, matrix.equality[1:])
        self._triggers = make_triggers(matrix, own.tolist())
        symbols, terms = len(matrix.congruence), len(matrix.symbol)
        self._room = make_room(self.bank, symbols, terms, self._triggers)
        self._first_terms = int(self.bank.counts[TERMS])

    @property
    def inferences(self) -> int:
        """Return how many instances were made."""
        return int(self.bank.counts[INSTANCES])

    def run(self, inferences: int) -> Refutation | None:
        """Return the result, or None where so many instances have not brought one."""
        while self.inferences < inferences:
            core = self._help.ask(self.inferences)
            if core:
                return Refutation(None, False, self.inferences, self.limit, tuple(core))
            if self._help.value is None or self.bank.counts[FULL]:
                return Refutation(None, False, self.inferences, self.limit)
            self.limit += 1
            if not self._match():
                return Refutation(None, False, self.inferences, self.limit)
        return None

    def _match(self) -> bool:
        return bool(
            add_matches(
                self._matrix, self.bank, self._help.classes, self._help.value, self._triggers,
                self._room, self._first_terms, _OLDEST,
            )
        )  # fmt: skip


@kernel
def _add_first(matrix, bank):  # type: ignore[no-untyped-def]
    # The clauses without variables, and the goal's with one constant for theirs.
    for clause in range(len(matrix.num_variables)):
        if not matrix.num_variables[clause] or matrix.goal[clause]:
            add_instance(matrix, bank.first, bank.first, bank, clause)

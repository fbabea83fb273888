"""Proofs by instances alone: a SAT solver's models say which to look for.

The ground clauses and the goal's come first. Whenever they can be true, E-matching (`matching.py`)
finds instances that the model does not make true, with terms that are known; the solver gets those,
until it finds no model. It is what SMT solvers do with quantifiers (Detlefs, Nelson & Saxe 2005).
Where the triggers find nothing, all terms are tried, the oldest first (Reynolds, Barbosa & Fontaine
2018). An *inference* is an instance that was tried, or a question to the SAT solver.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.proving.grounding import FULL, TERMS, add_instance
from tesuji.domains.proving.matrix import Matrix
from tesuji.domains.proving.unification import kernel
from tesuji.search.proving.machine import TRIED, make_room
from tesuji.search.proving.matching import add_matches
from tesuji.search.proving.rising import Refutation
from tesuji.search.proving.sat_help import SatHelp
from tesuji.search.proving.triggers import Triggers, make_triggers

_OLDEST = 8  # terms that instances are made of, but for those that contradict a model
_MOST, _FEW = 100, 10  # instances of a trigger in a round, and of a clause that all terms match
_FEW_TERMS = 8  # that are tried first


class Instantiation:
    """A search for instances that contradict each other.

    Attributes:
        bank: of the instances.
        limit: how many models were found.
    """

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._help = SatHelp(matrix, matching=True)
        self.bank = self._help.bank
        self.limit = self._asked = 0
        _add_first(matrix, self.bank)
        axioms = np.concatenate((matrix.congruence, matrix.equality[1:]))
        own = np.setdiff1d(np.flatnonzero(matrix.num_variables), axioms).tolist()
        self._triggers = make_triggers(matrix, own)
        self._everything = make_triggers(matrix, own, patterns=False)
        symbols, terms = len(matrix.congruence), len(matrix.symbol)
        self._room = make_room(self.bank, symbols, terms, (self._triggers, self._everything))
        self._first_terms = int(self.bank.counts[TERMS])

    @property
    def inferences(self) -> int:
        """Return how many inferences were made."""
        return self._asked + int(self._room.counts[TRIED])

    def run(self, inferences: int) -> Refutation | None:
        """Return the result, or None where so many inferences in all have not brought one."""
        while self.inferences < inferences:
            core = self._help.ask(self.inferences)
            self._asked += 1
            if core or self.bank.counts[FULL]:
                return Refutation(None, False, self.inferences, self.limit, tuple(core))
            if self._help.value is None:
                continue
            self.limit += 1
            if not self._match():
                return Refutation(None, False, self.inferences, self.limit)
        return None

    def _match(self) -> bool:
        # Add instances; return whether there are any.
        if self._added(self._triggers, self._first_terms, _MOST):
            return True
        terms = _FEW_TERMS
        while terms < 2 * self.bank.counts[TERMS]:
            if self._added(self._everything, terms, _FEW):
                return True
            terms *= 2
        return False

    def _added(self, triggers: Triggers, terms: int, most: int) -> int:
        added: int = add_matches(
            self._matrix, self.bank, self._help.classes, self._help.value, triggers, self._room,
            terms, _OLDEST, most,
        )  # fmt: skip
        return added


@kernel
def _add_first(matrix, bank):  # type: ignore[no-untyped-def]
    # The clauses without variables, and the goal's with one constant for theirs.
    for clause in range(len(matrix.num_variables)):
        if not matrix.num_variables[clause] or matrix.goal[clause]:
            add_instance(matrix, bank.first, bank.first, bank, clause)

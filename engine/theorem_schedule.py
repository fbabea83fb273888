"""The schedule of searches by tableaux."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tesuji.domains.proving.clauses import ClauseSet
from tesuji.domains.proving.matrix import NamedMatrix, make_matrix
from tesuji.domains.proving.tableau import OVERFLOWS
from tesuji.search.proving.deepening import Deepening

_SLICE_SECONDS = 0.05
_FIRST_SLICE = 500  # inferences
_RESTART = 50_000  # inferences of a search in random order
_MOST_FRUITLESS = 100  # searches in random order that end without a proof, one after another
_WIDEST = 10_000  # literals or variables of a clause that a tableau surely has room for


class Strategy(NamedTuple):
    """A search of the schedule.

    Attributes:
        name: in words.
        cut: whether it restricts backtracking.
        goals: whether it begins with the conjecture; else with all clauses that a refutation may
            begin with.
        share: of the processor time.
        shuffled: whether it begins again and again, with clauses and their literals in another
            order: with restricted backtracking, much hangs on it.
    """

    name: str
    cut: bool
    goals: bool
    share: float
    shuffled: bool = False


SCHEDULE = (
    Strategy("tableaux with restricted backtracking", True, True, 0.2),
    Strategy("tableaux", False, True, 0.1),
    Strategy("tableaux from all negative clauses", False, False, 0.3),
    Strategy("tableaux in random order", True, True, 0.25, shuffled=True),
    Strategy("tableaux in random order from all negative clauses", True, False, 0.15, True),
)


class Search:
    """A search of the schedule under way.

    Attributes:
        strategy: what it does.
        named: the clauses as it orders them.
        deepening: where it is.
        seconds: of processor time, so far.
        ended: whether it has nothing left to try.
        is_saturated: whether that means that there is no proof.
        copies: of clauses, that make one.
    """

    def __init__(self, clauses: ClauseSet, named: NamedMatrix, strategy: Strategy) -> None:
        self.strategy = strategy
        self.named, self._clauses = named, clauses
        self.seconds = 0.0
        self._slice = _FIRST_SLICE
        self._rng = np.random.default_rng(0)
        self._before = self._fruitless = 0  # inferences of what was begun before; searches
        self.ended = self.is_saturated = False
        self.copies: list[tuple[int, int]] | None = None
        if strategy.shuffled:
            self._shuffle()
        else:
            self._begin()

    def _begin(self) -> None:
        matrix = self.named.matrix
        self._fits = max(np.diff(matrix.clause_first).max(), matrix.num_variables.max()) < _WIDEST
        if not self.strategy.goals:
            # Each unsatisfiable set holds a clause without positive literals in its refutation.
            counts = np.add.reduceat(matrix.key & 1 ^ 1, matrix.clause_first[:-1])
            matrix = matrix._replace(goal=(counts == 0).astype(np.int32))
        self.deepening = Deepening(matrix, self.strategy.cut)

    def _shuffle(self) -> None:
        draw = self._rng
        clauses = tuple(
            replace(
                each, literals=tuple(each.literals[i] for i in draw.permutation(len(each.literals)))
            )
            for each in self._clauses.clauses
        )
        named = make_matrix(replace(self._clauses, clauses=clauses))
        matrix = named.matrix
        keys = matrix.key[matrix.partner]
        order = np.lexsort((draw.permutation(len(keys)), keys))
        partner = np.ascontiguousarray(matrix.partner[order])
        self.named = named._replace(matrix=matrix._replace(partner=partner))
        self._begin()

    @property
    def inferences(self) -> int:
        """Return how many were made."""
        return self._before + self.deepening.inferences

    def go_on(self, most: int | None) -> None:
        """Search for a slice of time, and at most so many inferences."""
        began = time.process_time()
        slice_ = self._slice if most is None else min(self._slice, most)
        found = self.deepening.run(self.deepening.inferences + slice_)
        spent = time.process_time() - began
        faster = _SLICE_SECONDS / max(spent, 1e-4)
        self._slice = max(_FIRST_SLICE, int(self._slice * min(2.0, faster)))
        if self.strategy.shuffled and (found is None or found.copies is None):
            self._restart(found is not None)
        elif found is not None:
            self.ended, self.copies = True, found.copies
            # What begins with the conjecture alone does not see that axioms contradict each other.
            whole = not self.strategy.goals and not self.deepening.tableau.counts[OVERFLOWS]
            self.is_saturated = found.saturated and whole and bool(self._fits)
        self.seconds += time.process_time() - began

    def _restart(self, fruitless: bool) -> None:
        self._fruitless = self._fruitless + 1 if fruitless else 0
        self.ended = self._fruitless > _MOST_FRUITLESS
        if fruitless or self.deepening.inferences >= _RESTART:
            self._before += self.deepening.inferences
            self._shuffle()

"""SAT help: the instances that a search by tableaux meets may contradict each other.

All clauses that stand in tableaux are grounded (`grounding.py`), whether the tableaux close or not,
and go to a SAT solver now and then. If it refutes them, those that it needs are a proof (Rawson &
Reger 2021 let a SAT solver help a tableau prover so).
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.proving.grounding import INSTANCES, Bank, make_bank
from tesuji.domains.proving.matrix import NONE, Matrix, Small
from tesuji.search.proving.ground_equality import add_broken_axioms, make_classes
from tesuji.search.proving.sat import FULL as NO_ROOM
from tesuji.search.proving.sat import (
    REFUTED,
    SATISFIABLE,
    Solver,
    core,
    give_clauses,
    make_solver,
    solve,
)

_FIRST = 250  # inferences before the solver is asked, and a quarter more each time
_MOST_ROUNDS = 50  # of models that break axioms of equality, each time
_CONFLICTS = 2_000  # each time
_MOST_SHRUNK = 300  # instances, of which each is left out to see whether the others do


class SatHelp:
    """The instances that were met, and a solver that knows those that were there when it was asked.

    Attributes:
        bank: of the instances.
        classes: of equal terms in the model that was found last; None where all differ.
        value: of literals in that model; None where none is known that keeps equality's axioms.
        due: how many inferences are to be made before it is asked again.
    """

    def __init__(self, matrix: Matrix, instances: int = 1 << 16, matching: bool = False) -> None:
        self.bank: Bank = make_bank(matrix, instances)
        self.due = _FIRST
        self.value: Small | None = None
        self._solver: Solver | None = None
        self._told = 0
        self._matrix = matrix
        equal = matching or matrix.equality[0] != NONE
        self.classes = make_classes(self.bank) if equal else None

    def ask(self, inferences: int) -> list[int]:
        """Return instances of the bank that contradict each other; none where none are known."""
        self.due = inferences + max(_FIRST, inferences // 4)
        self.value = None
        for _ in range(_MOST_ROUNDS):
            if self._solver is None or not self._give():
                self._solver, self._told = self._new_solver(), 0
                self._give()
            found = solve(self._solver, _CONFLICTS)
            if found == REFUTED:
                return self._shrunk(self._needed(self._solver))
            if found == NO_ROOM:
                self._solver = None
            if found != SATISFIABLE or self.classes is None:
                break
            assert self._solver is not None
            if not add_broken_axioms(self._matrix, self.bank, self.classes, self._solver.value):
                self.value = self._solver.value
                break
        return []

    def _new_solver(self) -> Solver:
        room = len(self.bank.clause)
        return make_solver(4 * room, len(self.bank.atom), 4 * len(self.bank.literal))

    def _give(self) -> bool:
        bank, told, met = self.bank, self._told, int(self.bank.counts[INSTANCES])
        self._told = met
        return bool(give_clauses(self._solver, bank.literal_first, bank.literal, told, met))

    @staticmethod
    def _needed(solver: Solver) -> Small:
        numbers = np.zeros(len(solver.given), np.int32)
        return np.sort(numbers[: core(solver, numbers)])

    def _shrunk(self, numbers: Small) -> list[int]:
        # Each new refutation may need less; at last each instance is left out for a try. What takes
        # too many conflicts stays as it is.
        smaller = self._refuted(numbers[::-1])
        if not len(smaller):
            return sorted(numbers.tolist())
        while len(smaller) < len(numbers):
            numbers, smaller = smaller, self._refuted(smaller[::-1])
            smaller = smaller if len(smaller) else numbers
        if len(numbers) <= _MOST_SHRUNK:
            for number in numbers.tolist():
                if number in numbers:
                    smaller = self._refuted(numbers[numbers != number])
                    numbers = smaller if len(smaller) else numbers
        return sorted(numbers.tolist())

    def _refuted(self, numbers: Small) -> Small:
        # Those that refute the instances anew; none where they can be true.
        bank = self.bank
        rows = [bank.literal[bank.literal_first[n] : bank.literal_first[n + 1]] for n in numbers]
        literal = np.concatenate([np.zeros(0, np.int32), *rows])
        atoms, atom = np.unique(literal >> 1, return_inverse=True)
        literal = (2 * atom + (literal & 1)).astype(np.int32)
        first = np.cumsum([0, *map(len, rows)]).astype(np.int32)
        solver = make_solver(len(rows) + _CONFLICTS, len(atoms), len(literal) + 100 * _CONFLICTS)
        give_clauses(solver, first, literal, 0, len(rows))
        if solve(solver, _CONFLICTS) != REFUTED:
            return numbers[:0]
        return numbers[self._needed(solver)]


def load_solver() -> None:
    """Have the solver's kernels compiled, or loaded: it refutes four clauses over two atoms."""
    solver = make_solver(100, 2, 400)
    first, literal = (
        np.arange(0, 9, 2, dtype=np.int32),
        np.array([0, 2, 1, 2, 0, 3, 1, 3], np.int32),
    )
    give_clauses(solver, first, literal, 0, 4)
    if solve(solver, _CONFLICTS) == REFUTED:
        core(solver, np.zeros(len(solver.given), np.int32))

"""Theorems: what of a TPTP file is so, by tableaux in a schedule, with a proof that was checked.

A search of the schedule goes on where it was, a slice at a time, so that each gets its share of the
processor time. Restricted backtracking finds most of what is found; the complete searches find the
rest, and only what none of them left out is called satisfiable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tesuji.domains.proving.clauses import ClauseSet, Instance
from tesuji.domains.proving.clausify import TooLargeError, clausify
from tesuji.domains.proving.formulas import Problem
from tesuji.domains.proving.instances import Goal, goals_of, instances_of
from tesuji.domains.proving.matrix import NamedMatrix, make_matrix
from tesuji.domains.proving.tableau import OVERFLOWS, Tableau
from tesuji.domains.proving.tptp import parse_problem, read_problem
from tesuji.engine.errors import TesujiError
from tesuji.engine.limits import TimeUpError, cpu_limit, memory_limit
from tesuji.engine.theorem_proof import theorem_proof
from tesuji.engine.theorem_reading import TheoremFault
from tesuji.engine.theorem_verification import verify_theorem
from tesuji.search.proving.deepening import Deepening

SOLVED = frozenset({"Theorem", "Unsatisfiable"})
REFUTED = frozenset({"CounterSatisfiable", "Satisfiable"})

_SLICE_SECONDS = 0.05
_FIRST_SLICE = 500  # inferences
_WIDEST = 10_000  # literals or variables of a clause that a tableau surely has room for


@dataclass(frozen=True)
class TheoremBudget:
    """What a proof may cost.

    Attributes:
        seconds: of processor time.
        inferences: of all searches together; None for no limit.
        memory_mb: that this process may hold; None for no limit.
    """

    seconds: float = 10.0
    inferences: int | None = None
    memory_mb: float | None = None

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ValueError(f"time must be above 0, got {self.seconds}")
        if self.inferences is not None and self.inferences < 1:
            raise ValueError(f"inferences must be at least 1, got {self.inferences}")


class Strategy(NamedTuple):
    """A search of the schedule.

    Attributes:
        name: in words.
        cut: whether it restricts backtracking.
        goals: whether it begins with the conjecture; else with all clauses that a refutation may
            begin with.
        share: of the processor time.
    """

    name: str
    cut: bool
    goals: bool
    share: float


SCHEDULE = (
    Strategy("tableaux with restricted backtracking", True, True, 0.6),
    Strategy("tableaux", False, True, 0.25),
    Strategy("tableaux from all negative clauses", False, False, 0.15),
)


class TheoremProgress(NamedTuple):
    """How far a proof search is."""

    seconds: float
    inferences: int
    limit: int


Listener = Callable[[TheoremProgress], None]


@dataclass(frozen=True)
class TheoremAnswer:
    """What was found.

    Attributes:
        status: of the SZS ontology (Sutcliffe 2008).
        reason: why it is no other.
        problem: as read; None where that failed.
        clauses: of it.
        instances: that contradict each other, for Theorem and Unsatisfiable.
        prover: what found it.
        inferences: made in all.
        seconds: of processor time, reading and all but the check.
        check_seconds: that the verifier took.
    """

    status: str
    reason: str = ""
    problem: Problem | None = None
    clauses: ClauseSet | None = None
    instances: tuple[Instance, ...] = ()
    prover: str = ""
    inferences: int = 0
    seconds: float = 0.0
    check_seconds: float = 0.0
    tableau: Tableau | None = field(default=None, repr=False)

    def goals(self) -> tuple[Goal, ...]:
        """Return the goals of the tableau that proved it; none where something else did."""
        if self.tableau is None or self.clauses is None:
            return ()
        return goals_of(make_matrix(self.clauses), self.tableau)

    @property
    def proof(self) -> dict[str, Any]:
        """Return the proof, for a theorem."""
        assert self.problem is not None
        assert self.clauses is not None
        return theorem_proof(self.problem, self.clauses, self.instances)


def prove_file(
    path: Path,
    budget: TheoremBudget,
    listen: Listener | None = None,
    schedule: Sequence[Strategy] = SCHEDULE,
) -> TheoremAnswer:
    """Say whether a file's conjecture is a theorem, or whether its formulas are unsatisfiable.

    Args:
        path: a TPTP file of FOF or CNF.
        budget: what it may cost. Nothing is raised where that is used up.
        listen: is told now and then how far the search is.
        schedule: the searches.

    Raises:
        TptpError: the file is malformed.
        OSError: it cannot be read.
        UsageError: the memory is less than the program needs.
    """
    load_kernels()
    work = _Work(budget, listen)
    try:
        with memory_limit(budget.memory_mb):
            return work.run(path, schedule)
    except (MemoryError, TooLargeError) as error:
        return work.answer("ResourceOut", str(error) or "out of memory")
    except TimeUpError:
        return work.answer("Timeout", "the time was up before the problem was read")
    except KeyboardInterrupt:
        return work.answer("Unknown", "stopped")


def load_kernels() -> None:
    """Have kernels compiled, or loaded, before time is taken."""
    if not _LOADED:
        problem = parse_problem("fof(a, axiom, p). fof(c, conjecture, p).")
        Deepening(make_matrix(clausify(problem)).matrix).run(10)
        _LOADED.append(True)


_LOADED: list[bool] = []


class _Work:
    """One problem; what is known stays here whatever happens."""

    def __init__(self, budget: TheoremBudget, listen: Listener | None) -> None:
        self._budget, self._listen = budget, listen
        self._began = time.process_time()
        self._problem: Problem | None = None
        self._clauses: ClauseSet | None = None
        self._searches: list[_Search] = []

    def answer(self, status: str, reason: str) -> TheoremAnswer:
        """Return an answer without proof."""
        inferences = sum(each.inferences for each in self._searches)
        return TheoremAnswer(
            status, reason, self._problem, self._clauses, inferences=inferences,
            seconds=self._seconds(),
        )  # fmt: skip

    def run(self, path: Path, schedule: Sequence[Strategy]) -> TheoremAnswer:
        """Return the answer."""
        with cpu_limit(self._budget.seconds):
            self._problem = read_problem(path)
            self._clauses = clausify(self._problem)
            for number, clause in enumerate(self._clauses.clauses):
                if not clause.literals:
                    return self._checked((Instance(number, {}),), "clauses alone", None)
            if not self._clauses.clauses:
                return self._satisfiable("there are no clauses")
            named = make_matrix(self._clauses)
            self._searches = [_Search(named, each) for each in schedule]
        return self._search(named)

    def _search(self, named: NamedMatrix) -> TheoremAnswer:
        most = self._budget.inferences
        while running := [each for each in self._searches if not each.ended]:
            if self._seconds() >= self._budget.seconds:
                return self.answer("Timeout", f"{self._budget.seconds:g} s are used up")
            done = sum(each.inferences for each in self._searches)
            if most is not None and done >= most:
                return self.answer("ResourceOut", f"{most:,} inferences are made")
            search = min(running, key=lambda each: each.seconds / each.strategy.share)
            search.go_on(None if most is None else most - done)
            if search.copies is not None:
                tableau = search.deepening.tableau
                instances = instances_of(named, tableau, search.copies)
                return self._checked(instances, search.strategy.name, tableau)
            if search.is_saturated:
                return self._satisfiable("all tableaux were tried")
            if self._listen is not None:
                self._listen(TheoremProgress(self._seconds(), done, search.deepening.limit))
        return self.answer("Unknown", "all searches ended without a proof")

    def _satisfiable(self, reason: str) -> TheoremAnswer:
        return self.answer("CounterSatisfiable" if self._has_conjecture else "Satisfiable", reason)

    @property
    def _has_conjecture(self) -> bool:
        return self._problem is not None and self._problem.has_conjecture

    def _checked(
        self, instances: tuple[Instance, ...], prover: str, tableau: Tableau | None
    ) -> TheoremAnswer:
        # A proof counts if the verifier accepts it.
        assert self._problem is not None
        assert self._clauses is not None
        seconds, began = self._seconds(), time.process_time()
        proof = theorem_proof(self._problem, self._clauses, instances)
        try:
            verify_theorem(proof)
        except TheoremFault as fault:
            raise TesujiError(
                f"{self._problem.name}: the proof found was refused, which is a fault of this "
                f"program: {fault}"
            ) from None
        return TheoremAnswer(
            "Theorem" if self._has_conjecture else "Unsatisfiable", "", self._problem,
            self._clauses, instances, prover, sum(each.inferences for each in self._searches),
            seconds, time.process_time() - began, tableau,
        )  # fmt: skip

    def _seconds(self) -> float:
        return time.process_time() - self._began


class _Search:
    """A search of the schedule under way."""

    def __init__(self, named: NamedMatrix, strategy: Strategy) -> None:
        self.strategy = strategy
        matrix = named.matrix
        if not strategy.goals:
            # Each unsatisfiable set holds a clause without positive literals in its refutation.
            counts = np.add.reduceat(matrix.key & 1 ^ 1, matrix.clause_first[:-1])
            matrix = matrix._replace(goal=(counts == 0).astype(np.int32))
        self._fits = max(np.diff(matrix.clause_first).max(), matrix.num_variables.max()) < _WIDEST
        self.deepening = Deepening(matrix, strategy.cut)
        self.seconds = 0.0
        self._slice = _FIRST_SLICE
        self.ended = self.is_saturated = False
        self.copies: list[tuple[int, int]] | None = None

    @property
    def inferences(self) -> int:
        """Return how many were made."""
        return self.deepening.inferences

    def go_on(self, most: int | None) -> None:
        """Search for a slice of time, and at most so many inferences."""
        began = time.process_time()
        slice_ = self._slice if most is None else min(self._slice, most)
        found = self.deepening.run(self.inferences + slice_)
        spent = time.process_time() - began
        self.seconds += spent
        faster = _SLICE_SECONDS / max(spent, 1e-4)
        self._slice = max(_FIRST_SLICE, int(self._slice * min(2.0, faster)))
        if found is not None:
            self.ended, self.copies = True, found.copies
            # What begins with the conjecture alone does not see that axioms contradict each other.
            whole = not self.strategy.goals and not self.deepening.tableau.counts[OVERFLOWS]
            self.is_saturated = found.saturated and whole and bool(self._fits)

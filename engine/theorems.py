"""Theorems: what of a TPTP file is so, by tableaux and z3, with a proof that was checked.

Whoever proves says so by instances of clauses, and counts only if the verifier accepts them; z3's
word alone is nothing, and its finite models are checked.

A search of the schedule goes on where it was, a slice at a time, so that each gets its share of the
processor time. Restricted backtracking finds most of what is found; the complete searches find the
rest, and only what none of them left out is called satisfiable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tesuji.domains.proving.clauses import ClauseSet, Instance
from tesuji.domains.proving.clausify import TooLargeError, clausify
from tesuji.domains.proving.formulas import Problem
from tesuji.domains.proving.instances import Goal, goals_of, instances_of
from tesuji.domains.proving.matrix import NamedMatrix, make_matrix
from tesuji.domains.proving.tableau import Tableau
from tesuji.domains.proving.tptp import read_problem
from tesuji.engine.errors import TesujiError
from tesuji.engine.limits import TimeUpError, cpu_limit, data_mb, memory_limit
from tesuji.engine.theorem_choices import Choice
from tesuji.engine.theorem_kernels import load_kernels
from tesuji.engine.theorem_proof import theorem_proof
from tesuji.engine.theorem_reading import TheoremFault
from tesuji.engine.theorem_schedule import GUIDED, SCHEDULE, Search
from tesuji.engine.theorem_tree import open_tree
from tesuji.engine.theorem_verification import verify_theorem
from tesuji.engine.theorem_z3 import MODELS, run_stage
from tesuji.search.proving.policy import Guide

if TYPE_CHECKING:
    from tesuji.search.proving.models import FiniteModel

SOLVED = frozenset({"Theorem", "Unsatisfiable"})
REFUTED = frozenset({"CounterSatisfiable", "Satisfiable"})


@dataclass(frozen=True)
class TheoremBudget:
    """What a proof may cost.

    Attributes:
        seconds: of processor time.
        inferences: of all searches together; None for no limit.
        memory_mb: that it may take; None for no limit.
    """

    seconds: float = 10.0
    inferences: int | None = None
    memory_mb: float | None = None

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ValueError(f"time must be above 0, got {self.seconds}")
        if self.memory_mb is not None and not self.memory_mb > 0:
            raise ValueError(f"memory must be above 0, got {self.memory_mb}")
        if self.inferences is not None and self.inferences < 1:
            raise ValueError(f"inferences must be at least 1, got {self.inferences}")


class TheoremProgress(NamedTuple):
    """How far a proof search is."""

    seconds: float
    inferences: int
    limit: int


# Who has how much of the time, in turn: each stage ends at a part of it.
Prover = Literal["ours", "z3", "together", "tree"]
STAGES: dict[Prover, tuple[tuple[str, float], ...]] = {
    "ours": (("tableaux", 1.0),),
    "tree": (("tree", 1.0),),
    "z3": (("z3", 0.5), ("z3 again", 0.9), (MODELS, 1.0)),
    "together": (
        ("tableaux", 0.35), ("z3", 0.5), ("z3 again", 0.75), (MODELS, 0.8), ("tableaux", 1.0),
    ),
}  # fmt: skip

Closed = tuple[NamedMatrix, Tableau]
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
        seconds: of processor time, reading and z3's and all but the check.
        check_seconds: that the verifier took.
        closed: the tableau that proves it, where one does, and its clauses.
        choices: of the policy that guided the search for it, if one did.
        model: of the clauses, where one shows that there is no proof.
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
    model: FiniteModel | None = None
    closed: Closed | None = field(default=None, repr=False)
    choices: tuple[Choice, ...] = ()

    def goals(self) -> tuple[Goal, ...]:
        """Return the goals of the tableau that proved it; none where something else did."""
        return () if self.closed is None else goals_of(*self.closed)

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
    prover: Prover = "together",
    guide: Guide | None = None,
) -> TheoremAnswer:
    """Say whether a file's conjecture is a theorem, or whether its formulas are unsatisfiable.

    Args:
        path: a TPTP file of FOF or CNF.
        budget: what it may cost. Nothing is raised where that is used up.
        listen: is told now and then how far the search is.
        prover: tableaux alone, z3 alone (its proofs proved again without it), both, or tree search.
        guide: its policy's search has half of the tableaux' time, or guides the tree.

    Raises:
        TptpError: the file is malformed.
        OSError: it cannot be read.
    """
    load_kernels(guide, tree=prover == "tree")
    work = _Work(budget, listen, guide)
    try:
        with memory_limit(budget.memory_mb):
            return work.run(path, STAGES[prover])
    except (MemoryError, RecursionError, TooLargeError) as error:
        return work.answer("ResourceOut", str(error) or "out of memory")
    except TimeUpError:
        return work.answer("Timeout", "time was up before the problem was read")
    except KeyboardInterrupt:
        return work.answer("Unknown", "stopped")


class _Work:
    """One problem; what is known stays here whatever happens."""

    def __init__(self, budget: TheoremBudget, listen: Listener | None, guide: Guide | None) -> None:
        self._budget, self._listen, self._guide = budget, listen, guide
        self._began = time.process_time()
        self._elsewhere = 0.0  # CPU-seconds of other processes
        self._held = data_mb()
        self._end = "Unknown", ""
        self._problem: Problem | None = None
        self._clauses: ClauseSet | None = None
        self._searches: list[Search] = []

    def answer(self, status: str, reason: str) -> TheoremAnswer:
        """Return an answer without proof."""
        inferences = sum(each.inferences for each in self._searches)
        return TheoremAnswer(
            status, reason, self._problem, self._clauses, inferences=inferences,
            seconds=self._seconds(),
        )  # fmt: skip

    def run(self, path: Path, stages: Sequence[tuple[str, float]]) -> TheoremAnswer:
        """Return the answer."""
        with cpu_limit(self._budget.seconds):
            self._problem = read_problem(path)
            self._clauses = clauses = clausify(self._problem)
            for number, clause in enumerate(clauses.clauses):
                if not clause.literals:
                    return self._checked((Instance(number, {}),), "clauses alone", None)
            if not clauses.clauses:
                return self._satisfiable("there are no clauses")
            named = make_matrix(clauses)
            if stages is STAGES["tree"]:
                self._searches = [open_tree(clauses, self._guide)]
            else:
                self._searches = [Search(named, each) for each in SCHEDULE]
                if self._guide is not None:
                    self._searches.append(Search(named, GUIDED, self._guide(named)))
        self._end = "Unknown", "all searches ended without a proof"
        for stage, part in stages:
            until = part * self._budget.seconds
            if stage in ("tableaux", "tree"):
                answer = self._by_tableaux(named, until)
            else:
                answer = self._by_z3(clauses, named, stage, until)
            if answer is not None:
                return answer
        if self._seconds() >= self._budget.seconds:
            self._end = "Timeout", f"{self._budget.seconds:g} s are used up"
        return self.answer(*self._end)

    def _by_tableaux(self, named: NamedMatrix, until: float) -> TheoremAnswer | None:
        most = self._budget.inferences
        while running := [each for each in self._searches if not each.ended]:
            if self._seconds() >= until:
                return None
            done = sum(each.inferences for each in self._searches)
            if most is not None and done >= most:
                self._end = "ResourceOut", f"{most:,} inferences are made"
                return None
            search = min(running, key=lambda each: each.seconds / each.strategy.share)
            search.go_on(None if most is None else most - done)
            if search.copies is not None:
                closed = named, search.tableau
                instances = instances_of(*closed, search.copies)
                answer = self._checked(instances, search.strategy.name, closed)
                return replace(answer, choices=search.choices())
            if search.core:
                return self._checked(search.instances(named), search.strategy.name, None)
            if search.is_saturated:
                return self._satisfiable("all tableaux were tried")
            if self._listen is not None:
                self._listen(TheoremProgress(self._seconds(), done, search.deepening.limit))
        return None

    def _by_z3(
        self, clauses: ClauseSet, named: NamedMatrix, stage: str, until: float
    ) -> TheoremAnswer | None:
        memory = self._budget.memory_mb
        if memory is not None:
            memory -= data_mb() - self._held
        found = run_stage(stage, clauses, named, until - self._seconds(), memory)
        self._elsewhere += found.seconds
        if found.instances is not None:
            return self._checked(found.instances, "z3, proved again without it", None)
        if found.model is not None:
            return self._satisfiable("there is a finite model", found.model)
        return None

    def _satisfiable(self, reason: str, model: FiniteModel | None = None) -> TheoremAnswer:
        status = "CounterSatisfiable" if self._has_conjecture else "Satisfiable"
        return replace(self.answer(status, reason), model=model)

    @property
    def _has_conjecture(self) -> bool:
        return self._problem is not None and self._problem.has_conjecture

    def _checked(
        self, instances: tuple[Instance, ...], prover: str, closed: Closed | None
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
            seconds, time.process_time() - began, None, closed,
        )  # fmt: skip

    def _seconds(self) -> float:
        return time.process_time() - self._began + self._elsewhere

"""Proves theorems of Metamath databases by connection tableaux, backwards from what is stated.

At first it searches with restricted backtracking in the order of the database. From a part of the
time on a search without restrictions takes turns with that one, guided by a policy that is learned
from the proofs of earlier theorems and from no others; unguided where those are few. What a search
finds counts if it keeps variables apart that must be, and if the verifier accepts it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tesuji.domains.proving.metamath_clauses import Library, make_library
from tesuji.domains.proving.metamath_proofs import write_proof
from tesuji.domains.proving.metamath_reader import read_database
from tesuji.engine.errors import TesujiError
from tesuji.engine.limits import memory_limit
from tesuji.engine.metamath_policy import MetamathTeacher
from tesuji.engine.metamath_verification import check_proofs
from tesuji.engine.metamath_words import MetamathFault
from tesuji.engine.theorem_kernels import load_kernels
from tesuji.engine.theorem_schedule import COMPLETE, GUIDED, RESTRICTED, Search, Strategy
from tesuji.engine.theorems import TheoremBudget
from tesuji.search.proving.policy import Guidance, Policy

_ALONE = 0.1  # of the time, before the guided search begins

Listener = Callable[[float, int], None]  # seconds and inferences


@dataclass(frozen=True)
class MetamathAnswer:
    """What was found for a theorem.

    Attributes:
        label: of the theorem.
        status: Theorem, Timeout, ResourceOut, or Unknown where all was tried.
        proof: compressed, as the database would have it; empty without one.
        prover: what found it.
        inferences: made in all.
        seconds: of processor time, without learning.
    """

    label: str
    status: str
    proof: str = ""
    prover: str = ""
    inferences: int = 0
    seconds: float = 0.0


class MetamathProver:
    """Proves theorems of one database.

    Args:
        path: of the database.
        until: a label after which nothing is read.
        guided: whether to learn a policy and search by it.
        seed: of the policy.

    Attributes:
        library: of the database.
        teacher: what learns; None without.

    Raises:
        MetamathError: the database is malformed.
        OSError: it cannot be read.
    """

    def __init__(
        self, path: Path, until: str | None = None, guided: bool = True, seed: int = 0
    ) -> None:
        load_kernels()
        self._path = path
        self.library: Library = make_library(read_database(path, until))
        self.teacher = MetamathTeacher(self.library, seed) if guided else None

    def open_theorems(self) -> list[str]:
        """Return the labels of the theorems whose proofs have gaps."""
        assertions = self.library.database.assertions
        return [label for label in self.library.theorems() if assertions[label].is_open]

    def prove(
        self, label: str, budget: TheoremBudget, listen: Listener | None = None
    ) -> MetamathAnswer:
        """Prove a theorem from what is before it in the database.

        Raises:
            KeyError: there is no such theorem.
            TesujiError: a proof was found that the verifier refuses.
        """
        if label not in self.library.theorems():
            raise KeyError(label)
        work = _Work(self.library, label, budget)
        try:
            with memory_limit(budget.memory_mb):
                reason, proof = self._search(work, label, listen)
        except MemoryError:
            reason, proof = "ResourceOut", ""
        if not proof:
            return MetamathAnswer(label, reason, "", "", work.inferences, work.seconds)
        try:
            check_proofs(self._path, {label: proof})
        except MetamathFault as fault:
            raise TesujiError(
                f"{label}: the proof found was refused, which is a fault of this program: {fault}"
            ) from None
        prover = work.last.strategy.name
        return MetamathAnswer(label, "Theorem", proof, prover, work.inferences, work.seconds)

    def _search(self, work: _Work, label: str, listen: Listener | None) -> tuple[str, str]:
        # Return why the search ended, or the proof.
        reason, proof = "", ""
        while not (reason or proof):
            proof, reason = work.go_on(), work.end()
            if not proof and work.is_stuck(reason):
                policy = None if self.teacher is None else self.teacher.policy_for(label)
                work.add(COMPLETE if policy is None else GUIDED, policy)
                reason = work.end()
            if listen is not None:
                listen(work.seconds, work.inferences)
        return reason, proof


class _Work:
    """The searches for one proof, which take turns."""

    def __init__(self, library: Library, label: str, budget: TheoremBudget) -> None:
        self._library, self._label, self._budget = library, label, budget
        self._named = library.named._replace(matrix=library.matrix_for(label))
        self._searches: list[Search] = []
        self.add(RESTRICTED, None)
        self.last = self._searches[0]

    def add(self, strategy: Strategy, policy: Policy | None) -> None:
        """Begin another search."""
        guidance = None if policy is None else Guidance(policy)
        self._searches.append(Search(self._named, strategy, guidance))

    @property
    def seconds(self) -> float:
        """Return the processor time of all searches."""
        return sum(each.seconds for each in self._searches)

    @property
    def inferences(self) -> int:
        """Return how many were made."""
        return sum(each.inferences for each in self._searches)

    def is_stuck(self, reason: str) -> bool:
        """Return whether the first search is alone and has had its time."""
        budget = self._budget
        spent = self.seconds / budget.seconds
        if budget.inferences is not None:
            spent = max(spent, self.inferences / budget.inferences)
        return len(self._searches) == 1 and (spent >= _ALONE or reason == "Unknown")

    def end(self) -> str:
        """Return why nothing more is to be done; empty where something is."""
        if all(each.ended for each in self._searches):
            return "Unknown"
        if self._budget.inferences is not None and self.inferences >= self._budget.inferences:
            return "ResourceOut"
        return "Timeout" if self.seconds >= self._budget.seconds else ""

    def go_on(self) -> str:
        """Search for a slice of time; return the proof, if one was found."""
        running = [each for each in self._searches if not each.ended]
        self.last = min(running, key=lambda each: each.seconds / each.strategy.share)
        most = self._budget.inferences
        if most is not None:
            alone = len(self._searches) == 1
            most = max(1, int(most * (_ALONE if alone else 1.0)) - self.inferences)
        self.last.go_on(most)
        if self.last.copies is None:
            return ""
        began = time.process_time()
        proof = write_proof(self._library, self._label, self.last.tableau)
        self.last.seconds += time.process_time() - began
        if proof is None:
            self.last.look_for_another()
        return proof or ""

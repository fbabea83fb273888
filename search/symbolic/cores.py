"""Minimal unsatisfiable cores under a budget, each proved twice."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from threading import Lock

import z3

from tesuji.search.symbolic.smt_text import claim
from tesuji.search.symbolic.solver_pool import MEMORY_MB, borrow, give_back
from tesuji.search.symbolic.solver_process import Check


class Verdict(Enum):
    """What is known of an action; only `ALLOWED` means that it may be taken."""

    REFUSED = "refused"
    UNDEFINED = "undefined"  # a constraint has no value there, such as one that divides by zero
    ALLOWED = "allowed"
    UNKNOWN = "unknown"  # the budget ran out


@dataclass(frozen=True)
class SolverBudget:
    """How much one question to z3 may cost.

    Attributes:
        rlimit: z3's own count of work, the same on every machine; 0 for no limit.
        milliseconds: wall-clock time; of a check, and again to make a core small, and to prove it.
        memory_mb: address space of the process that z3 works in, in MiB.
    """

    rlimit: int = 20_000_000
    milliseconds: int = 5_000
    memory_mb: int = MEMORY_MB

    def __post_init__(self) -> None:
        if self.rlimit < 0:
            raise ValueError(f"rlimit must be at least 0, got {self.rlimit}")
        if self.milliseconds < 1:
            raise ValueError(f"milliseconds must be at least 1, got {self.milliseconds}")
        if self.memory_mb < 1:
            raise ValueError(f"memory_mb must be positive, got {self.memory_mb}")

    def check(self, wanted: Mapping[str, str], assumed: Sequence[str]) -> Check:
        """Return a question under these limits."""
        return Check(self.milliseconds / 1000, self.rlimit, wanted, assumed)


class Cores:
    """Finds minimal unsatisfiable cores of claims, under facts that come and go.

    z3 works in a process with a memory limit, which knows the claims for as long as this lives;
    if it dies, the answer is unknown and the next question gets a new one.

    Args:
        claims: SMT-LIB text of claims, see `smt_text`.
        size: how many they are.
        background: SMT-LIB text of what holds anyway.
        budget: of one question.
        wanted: constants whose values to report where z3 finds a model, with their sorts.

    Attributes:
        values: of the last question, where z3 found a model.
        minimal: whether no claim of the last core can be left out.
    """

    def __init__(
        self,
        claims: str,
        size: int,
        background: str,
        budget: SolverBudget,
        wanted: Mapping[str, str] | None = None,
    ) -> None:
        self.values: Mapping[str, Fraction] = {}
        self.minimal = False
        self._names = [claim(i) for i in range(size)]
        self._budget = budget
        self._wanted = dict(wanted or {})
        self._turn = Lock()
        self._process = borrow(budget.memory_mb)
        weakref.finalize(self, give_back, self._process)
        if background:
            self._process.add_text(background)
        if size:
            self._process.claim(claims)

    @property
    def cpu_seconds(self) -> float:
        """Return the processor time that z3's process took, since it was started."""
        return self._process.cpu_seconds

    def find(self, facts: str = "") -> tuple[Verdict, tuple[int, ...]]:
        """Return the verdict on all claims under `facts`, and a core of their numbers."""
        with self._turn:
            question = self._budget.check(self._wanted, self._names)
            answer = self._process.find_core(question, facts)
            self.values, self.minimal = self._process.values, self._process.minimal
            if answer != z3.unsat:
                return (Verdict.ALLOWED if answer == z3.sat else Verdict.UNKNOWN), ()
            return Verdict.REFUSED, self._numbers(self._process.core)

    def refuted(self, numbers: Iterable[int], facts: str) -> bool:
        """Return whether some claims are refuted under `facts`."""
        with self._turn:
            names = [self._names[i] for i in numbers]
            self._process.push()
            self._process.add_text(facts)
            answer = self._process.check(self._budget.check({}, names))
            self._process.pop()
            return bool(answer == z3.unsat)

    def proved(self, numbers: Iterable[int], facts: str) -> bool:
        """Return whether a new solver refutes some claims under `facts`."""
        with self._turn:
            names = [self._names[i] for i in numbers]
            return bool(self._process.prove(self._budget.check({}, names), facts) == z3.unsat)

    def _numbers(self, names: Iterable[str]) -> tuple[int, ...]:
        return tuple(sorted(self._names.index(name) for name in names))

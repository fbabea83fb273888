"""Minimal unsatisfiable cores under a budget, each proved twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

import z3


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
        milliseconds: wall-clock time.
    """

    rlimit: int = 20_000_000
    milliseconds: int = 5_000

    def __post_init__(self) -> None:
        if self.rlimit < 0:
            raise ValueError(f"rlimit must be at least 0, got {self.rlimit}")
        if self.milliseconds < 1:
            raise ValueError(f"milliseconds must be at least 1, got {self.milliseconds}")

    def apply(self, solver: z3.Solver) -> z3.Solver:
        """Set the limits and return the solver."""
        solver.set("rlimit", self.rlimit)
        solver.set("timeout", self.milliseconds)
        return solver


class Cores:
    """Finds minimal unsatisfiable cores of named formulas, under facts that come and go.

    Attributes:
        model: of the last question, where z3 found one.
    """

    def __init__(
        self,
        formulas: Mapping[str, z3.BoolRef],
        background: list[z3.BoolRef],
        budget: SolverBudget,
    ) -> None:
        self._formulas = formulas
        self._background = background
        self._budget = budget
        self.model: z3.ModelRef | None = None
        self._literals = {name: z3.Bool(f"holds@{name}") for name in formulas}
        self._solver = budget.apply(z3.SimpleSolver())
        self._solver.add(background)
        for name, formula in formulas.items():
            self._solver.add(z3.Implies(self._literals[name], formula))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all formulas."""
        return tuple(self._formulas)

    def find(self, facts: list[z3.BoolRef]) -> tuple[Verdict, tuple[str, ...], bool]:
        """Return the verdict on all formulas under `facts`, a core, and whether it is minimal."""
        self._solver.push()
        try:
            self._solver.add(facts)
            answer = self._ask(self._literals)
            self.model = self._solver.model() if answer == z3.sat else None
            if answer != z3.unsat:
                return (Verdict.ALLOWED if answer == z3.sat else Verdict.UNKNOWN), (), False
            core, minimal = self._shrink(self._core())
        finally:
            self._solver.pop()
        if self._prove(facts, core) != z3.unsat:
            return Verdict.UNKNOWN, (), False
        return Verdict.REFUSED, tuple(core), minimal

    def _ask(self, names: Iterable[str]) -> z3.CheckSatResult:
        return self._solver.check([self._literals[name] for name in names])

    def _core(self) -> list[str]:
        found = {str(literal) for literal in self._solver.unsat_core()}
        return [name for name in self._formulas if f"holds@{name}" in found]

    def _shrink(self, core: list[str]) -> tuple[list[str], bool]:
        """Return `core` without what can be left out, each name tried once."""
        minimal = True
        for name in list(core):
            if name not in core:
                continue
            rest = [other for other in core if other != name]
            answer = self._ask(rest)
            if answer == z3.unsat:
                core = self._core()
            elif answer != z3.sat:
                minimal = False
        return core, minimal

    def _prove(self, facts: list[z3.BoolRef], core: list[str]) -> z3.CheckSatResult:
        solver = self._budget.apply(z3.Solver())
        solver.add(self._background)
        solver.add(facts)
        solver.add([self._formulas[name] for name in core])
        return solver.check()

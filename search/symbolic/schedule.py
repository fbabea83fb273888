"""`Schedule`: the formulas of a scheduling problem of jobs on machines, as SMT-LIB text."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from tesuji.search.symbolic.facts import Plan

HOME = 0


class Schedule:
    """One scheduling problem; machine 0 is the next to be used.

    Constants: `now`; of each job `j` its begin `beginJ`, whether it must be done, `needJ`, and
    whether it is on machine `k`, `onJ_K`.
    """

    def __init__(self, jobs: list[int], machines: range) -> None:
        self.jobs, self.machines = jobs, machines
        self._sorts = {"now": "Int"}
        self._sorts |= {f"begin{j}": "Int" for j in jobs}
        self._sorts |= {f"need{j}": "Bool" for j in jobs}
        self._sorts |= {f"on{j}_{k}": "Bool" for j in jobs for k in machines}
        self._text: list[str] = []

    @property
    def declarations(self) -> str:
        """Return text that declares all constants."""
        return "".join(f"(declare-const {n} {s})" for n, s in self._sorts.items())

    @property
    def wanted(self) -> dict[str, str]:
        """Return the constants that `decode` needs, with their sorts."""
        return {n: s for n, s in self._sorts.items() if n.startswith(("begin", "on"))}

    def state(self, formula: str) -> None:
        """State a formula, as SMT-LIB has it."""
        self._text.append(f"(assert {formula})")

    def script(self) -> str:
        """Return all that was stated, with declarations."""
        return self.declarations + "".join(self._text)

    def decode(self, values: Mapping[str, Fraction]) -> Plan:
        """Return the plan of a model: each vehicle's jobs in their order."""
        routes: dict[int, list[tuple[Fraction, int]]] = {k: [] for k in self.machines}
        for j in self.jobs:
            k = next(k for k in self.machines if values[f"on{j}_{k}"])
            routes[k].append((values[f"begin{j}"], j))
        plan: list[int] = []
        for k, jobs in routes.items():
            if jobs or k == 0:
                plan += [j for _, j in sorted(jobs)] + [HOME]
        return tuple(plan)


def at_most(most: int, weights: list[int], terms: list[str]) -> str:
    """Return that the weights of the terms that are true come to no more than `most`."""
    if most < 0:
        return "false"
    return f"((_ pble {most} {' '.join(map(str, weights))}) {' '.join(terms)})"

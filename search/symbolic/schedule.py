"""`Schedule`: the terms and formulas of a scheduling problem of jobs on machines."""

from __future__ import annotations

import z3

from tesuji.search.symbolic.facts import Plan

HOME = 0


class Schedule:
    """The terms of one scheduling problem; machine 0 is the next to be used.

    The formulas are text, which z3 reads ten times as fast as Python can build them.
    """

    def __init__(self, jobs: list[int], machines: range) -> None:
        self.jobs, self.machines = jobs, machines
        self.now = z3.Int("now")
        self.begin = {j: z3.Int(f"begin{j}") for j in jobs}
        self.needed = {j: z3.Bool(f"need{j}") for j in jobs}
        self.on = {(j, k): z3.Bool(f"on{j}_{k}") for j in jobs for k in machines}
        self._text: list[str] = []

    def state(self, formula: str) -> None:
        """State a formula, as SMT-LIB has it."""
        self._text.append(f"(assert {formula})")

    def formulas(self) -> list[z3.BoolRef]:
        """Return all that was stated."""
        terms = [self.now, *self.begin.values(), *self.needed.values(), *self.on.values()]
        return list(z3.parse_smt2_string("".join(self._text), decls={str(t): t for t in terms}))

    def decode(self, model: z3.ModelRef) -> Plan:
        """Return the plan of a model: each vehicle's jobs in their order."""
        routes: dict[int, list[tuple[int, int]]] = {k: [] for k in self.machines}
        for j, begin in self.begin.items():
            k = next(k for k in self.machines if z3.is_true(model.eval(self.on[j, k], True)))
            routes[k].append((model.eval(begin, True).as_long(), j))
        plan: list[int] = []
        for k, jobs in routes.items():
            if jobs or k == 0:
                plan += [j for _, j in sorted(jobs)] + [HOME]
        return tuple(plan)

"""Why no schedule keeps side constraints: a smallest set of reasons, proved by z3 twice.

z3 is asked of the operations that the constraints name alone, and of what every schedule says of
them: the order in each job, with shortest durations in between, and machines that do one at a time.
What it refutes has no schedule at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import z3

from tesuji.search.scheduling.shop_constraints import (
    END,
    MACHINE,
    START,
    ShopConstraints,
    constants,
)
from tesuji.search.symbolic.cores import Cores, SolverBudget, Verdict
from tesuji.search.symbolic.smt_text import claims, script
from tesuji.search.symbolic.terms import MAIN

_MOST_PAIRS = 20_000  # of operations on one machine that z3 is told of


def refuted(side: ShopConstraints, budget: SolverBudget | None = None) -> tuple[str, ...]:
    """Return a smallest set of reasons why no schedule keeps the constraints.

    Names of constraints, and words for what the shop says; empty where nothing is proved.
    """
    model = _Model(side)
    with MAIN:
        facts = list(model.facts())
        named = [*side.expressions.items(), *facts]
        text = claims([formula for _, formula in named])
        background = script(list(model.background()))
    cores = Cores(text, len(named), background, budget or SolverBudget())
    verdict, core = cores.find()
    if verdict != Verdict.REFUSED or not cores.proved(core, ""):
        return ()
    return tuple(named[i][0] for i in core)


class _Model:
    """What is true of every schedule, of the operations that constraints name."""

    def __init__(self, side: ShopConstraints) -> None:
        self._shop = side.instance
        named = {side.operation(word) for e in side.expressions.values() for word in constants(e)}
        operations = {operation for _, operation in named}
        if -1 in operations:
            operations = set(range(self._shop.num_operations))
        self._operations = sorted(operations)
        self._job = self._shop.job_of.tolist()
        self._shortest = self._shop.shortest.tolist()

    def _term(self, array: str, operation: int) -> z3.ArithRef:
        job = self._job[operation]
        return z3.Int(f"{array}[{job},{operation - int(self._shop.job_start[job])}]")

    def background(self) -> Iterator[z3.BoolRef]:
        """Yield how long operations take, and when all is done."""
        makespan = z3.Int("makespan")
        starts = self._shop.job_start.tolist()
        for i in self._operations:
            start, end = self._term(START, i), self._term(END, i)
            machine = self._term(MACHINE, i)
            yield start >= 0
            yield z3.Or(*(z3.And(machine == m, end == start + d) for m, d in self._shop.choices(i)))
            yield makespan >= end + sum(self._shortest[i + 1 : starts[self._job[i] + 1]])

    def facts(self) -> Iterator[tuple[str, z3.BoolRef]]:
        """Yield what the shop says of each job and of each machine, with words for it."""
        starts = self._shop.job_start.tolist()
        by_job: dict[int, list[int]] = {}
        for i in self._operations:
            by_job.setdefault(self._job[i], []).append(i)
        for job, own in by_job.items():
            before = sum(self._shortest[starts[job] : own[0]])
            order = [self._term(START, own[0]) >= before]
            for a, b in pairwise(own):
                between = sum(self._shortest[a + 1 : b])
                order.append(self._term(START, b) >= self._term(END, a) + between)
            yield f"the order of job {job}", z3.And(*order)
        for machine in range(self._shop.num_machines):
            able = [i for i in self._operations
                    if machine in dict(self._shop.choices(i))]  # fmt: skip
            if len(able) > 1 and len(able) ** 2 < _MOST_PAIRS:
                one = z3.And(*(self._apart(a, b, machine) for a, b in combinations(able, 2)))
                yield f"machine {machine} does one at a time", one

    def _apart(self, a: int, b: int, machine: int) -> z3.BoolRef:
        parts = [
            self._term(END, a) <= self._term(START, b),
            self._term(END, b) <= self._term(START, a),
        ]
        for i in (a, b):
            if len(self._shop.choices(i)) > 1:
                parts.append(self._term(MACHINE, i) != machine)
        return z3.Or(*parts)

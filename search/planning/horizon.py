"""Planning as satisfiability, one step more at a time, in a process of z3's.

Where no plan of T steps exists, one of T + 1 is asked for. That there is none of any length is
proven by induction (Sheeran, Singh & Stålmarck 2000): if no path of T steps without a repeated
state leads to its first goal, no state is T steps away from a goal, nor more.
"""

from __future__ import annotations

import selectors
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from time import monotonic

import numpy as np
import z3

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.ragged import Ragged
from tesuji.search.planning.horizon_text import HorizonText
from tesuji.search.planning.planner import PlanStep
from tesuji.search.symbolic.solver_pool import borrow, give_back
from tesuji.search.symbolic.solver_process import Check

_SLICE = 0.05  # seconds between looks at the clock
_PATIENCE = 10.0  # seconds to read an answer that is there
_LONGEST = 3600.0  # seconds of a question that nobody ends
_RLIMIT = 4_000_000_000
_INDUCTION = 20_000_000  # rlimit of a proof by induction
_MOST_APART = 300_000  # facts to compare on a path, beyond which none is tried

# The text of what must hold besides: of the state at a time, and of a step from it.
Rules = Callable[[int], tuple[str, str]]


def no_rules(time: int) -> tuple[str, str]:
    """Return no text."""
    return "", ""


class HorizonSearch:
    """Looks for a plan of as few steps as possible.

    Args:
        task: without numbers.
        groups: facts of which at most one holds.
        parallel: let a step hold several operators, where effects have no conditions.
        rules: what must hold besides; not for parallel steps.

    Attributes:
        bound: no plan costs less.
        gave_up: why there is neither a plan nor a proof; empty where there is, or may be yet.
    """

    def __init__(
        self, task: FiniteDomain, groups: Ragged, parallel: bool = False, rules: Rules = no_rules
    ) -> None:
        self._task, self._rules = task, rules
        self._text = HorizonText(task, groups, parallel)
        self._process = borrow()
        self._checks = 0
        self._verdict = z3.unknown
        self.bound = 0.0
        self.gave_up = ""

    def steps(self) -> Iterator[PlanStep]:
        """Yield again and again, last with a plan, a proof that there is none, or `gave_up`.

        `exhausted` says that the plan is the cheapest, or that there is none.
        """
        try:
            yield from self._horizons()
        finally:
            if not self._process.alive:
                self._process.interrupt()
            give_back(self._process)

    def _horizons(self) -> Iterator[PlanStep]:
        cost = self._task.cost
        cheapest = float(cost.min(initial=np.inf))
        self._process.add_text(self._text.start())
        for time in count():
            self._process.add_text(self._rules(time)[0])
            names = [f"o{o}@{t}" for t in range(time) for o in range(len(cost))]
            yield from self._ask(["init", f"goal@{time}"], _RLIMIT, names)
            if self._verdict == z3.sat:
                done = [i for i, name in enumerate(names) if self._process.values[name]]
                alike = not self._text.parallel and bool((cost == cheapest).all())
                yield self._step(tuple(i % len(cost) for i in done), alike)
                return
            if self._verdict != z3.unsat:
                self.gave_up = f"z3 gave up after {time} steps: {self._process.reason}"
                return
            self.bound = cheapest * (1 if self._text.parallel else time + 1)
            if time * time * int(self._task.first[-1]) < _MOST_APART:
                self._process.add_text(self._text.path(time))
                yield from self._ask([f"path@{time}", f"goal@{time}"], _INDUCTION)
                if self._verdict == z3.unsat:
                    self.bound = np.inf
                    yield self._step(None, True)
                    return
            self._process.add_text(self._text.step(time))
            self._process.add_text(self._rules(time)[1])

    def _ask(
        self, assumed: Sequence[str], rlimit: int, wanted: Sequence[str] = ()
    ) -> Iterator[PlanStep]:
        """Set the verdict on what is assumed; yield while z3 works."""
        self._checks += 1
        sorts = dict.fromkeys(wanted, "Bool")
        self._process.ask(Check(_LONGEST, rlimit, sorts, assumed))
        with selectors.DefaultSelector() as selector:
            selector.register(self._process, selectors.EVENT_READ)
            while not selector.select(_SLICE):
                yield self._step(None, False)
        self._verdict = self._process.answer(monotonic() + _PATIENCE)

    def _step(self, plan: tuple[int, ...] | None, exhausted: bool) -> PlanStep:
        return PlanStep(plan, exhausted, self._checks, 0, 0)

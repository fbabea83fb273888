"""The lower bound of a plan's cost, sought in a thread beside the search for plans.

Weights come first, for they are proofs that can be written down; as much time again, and all that
is left when no better weights are found, goes to A* with the best of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Thread

from tesuji.domains.logistics.pddl.alike import fact_names
from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain, classical
from tesuji.domains.logistics.pddl.operators import Operators
from tesuji.engine.solving import SolveClock
from tesuji.search.planning.optimal import OptimalSearch
from tesuji.search.planning.proofs import BoundProof, BoundSearch

_PATIENCE = 10.0  # seconds that a thread may take to end


def bound_search(
    operators: Operators, task: FiniteDomain, is_over: Callable[[], bool] = lambda: False
) -> BoundSearch:
    """Return a search for proofs of a task whose goal can be reached if nothing is deleted."""
    return BoundSearch(task, fact_names(operators, task), is_over)


def best_proof(
    operators: Operators, task: FiniteDomain, is_over: Callable[[], bool] = lambda: False
) -> BoundProof:
    """Return the best proof that is found until told to end."""
    search = bound_search(operators, task, is_over)
    for _ in search.improve():
        pass
    return search.best


def load_bound_kernels(operators: Operators, task: FiniteDomain) -> None:
    """Have all kernels loaded, or compiled the first time ever, by a small task."""
    proof = best_proof(operators, task)
    for _ in OptimalSearch(task, proof, proof.bound + 1.0).slices():
        pass


class BoundThread:
    """Looks for proofs from when it is started until it is closed.

    Attributes:
        best: the best proof so far.
        bound: the most that is proved, by weights or by a search.
        upper: what the best plan costs.
    """

    def __init__(self, operators: Operators, task: FiniteDomain, clock: SolveClock) -> None:
        self._closed = Event()
        self._task = task
        self._is_classical = classical(task) is task
        self._search = bound_search(
            operators, task, lambda: self._closed.is_set() or clock.is_over()
        )
        self.best: BoundProof = self._search.best
        self.bound, self.upper = 0.0, float("inf")
        self._plan: tuple[int, ...] | None = None
        # No daemon: a solver in C++ that is cut off by the end of the process aborts it.
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        began, searching = time.monotonic(), 0.0
        for proof in self._search.improve():
            self.best, self.bound = proof, max(self.bound, proof.bound)
            share = time.monotonic() - began - 2 * searching
            searching += self._search_on(share) if share > 0 else 0.0
        self._search_on(float("inf"))

    def _search_on(self, seconds: float) -> float:
        """Search with the best weights for some time; return how long it was."""
        began = time.monotonic()
        if not self._is_classical or self._search.is_over() or self.upper <= self.bound:
            return 0.0
        search = OptimalSearch(self._task, self.best, self.upper)
        for _ in search.slices():
            search.upper = self.upper
            self.bound = max(self.bound, search.bound)
            if self._search.is_over() or time.monotonic() - began > seconds:
                break
        self.bound = max(self.bound, search.bound)
        self._plan = self._plan if search.plan is None else search.plan
        return time.monotonic() - began

    def start(self, upper: float) -> None:
        """Begin, unless that is done; `upper` is what the best plan costs by now."""
        self.upper = upper
        if self._thread.ident is None:
            self._thread.start()

    def take_plan(self) -> tuple[int, ...] | None:
        """Return a cheapest plan, once, if a search found one below `upper`."""
        plan, self._plan = self._plan, None
        return plan

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)

"""The lower bound of a plan's cost, sought in a thread beside the search for plans."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from tesuji.domains.logistics.pddl.alike import fact_names
from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.operators import Operators
from tesuji.engine.solving import SolveClock
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


class BoundThread:
    """Looks for proofs from when it is started until it is closed.

    Attributes:
        best: the best proof so far.
    """

    def __init__(self, operators: Operators, task: FiniteDomain, clock: SolveClock) -> None:
        self._closed = Event()
        self._search = bound_search(
            operators, task, lambda: self._closed.is_set() or clock.is_over()
        )
        self.best: BoundProof = self._search.best
        # No daemon: a solver in C++ that is cut off by the end of the process aborts it.
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        for proof in self._search.improve():
            self.best = proof

    def start(self) -> None:
        """Begin, unless that is done."""
        if self._thread.ident is None:
            self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)

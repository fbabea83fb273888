"""The lower bound of a plan's cost, sought in a thread beside the search for plans."""

from __future__ import annotations

from threading import Event, Thread

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.engine.solving import SolveClock
from tesuji.search.planning.proofs import BoundProof, BoundSearch

_PATIENCE = 10.0  # seconds that a thread may take to end


class BoundThread:
    """Looks for proofs from when it is started until it is closed.

    Attributes:
        best: the best proof so far.
    """

    def __init__(self, task: FiniteDomain, clock: SolveClock) -> None:
        self._closed = Event()
        self._search = BoundSearch(task, lambda: self._closed.is_set() or clock.is_over())
        self.best: BoundProof = self._search.best
        self._thread = Thread(target=self._run, daemon=True)

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

"""Several ways to look for a plan, which race: what one finds out spares the others their work.

A contender is a generator. It yields questions for its own solver process, is sent the verdicts,
and enters what it finds in the `Ledger` that all of them share.
"""

from __future__ import annotations

import math
import selectors
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import z3

from tesuji.search.symbolic.solver_process import Check, SolverProcess

_GRACE = 2.0  # seconds that an answer may be late before its process is killed


@dataclass(frozen=True)
class Ask:
    """A question of a contender.

    Attributes:
        check: what to ask z3; None only lets the others have their turn.
        stale: whether others have made the question pointless.
    """

    check: Check | None
    stale: Callable[[], bool] = lambda: False


Moves = Generator[Ask, z3.CheckSatResult, None]


class Ledger:
    """What is known of one question: the best plan, and the lengths that have no better one.

    Attributes:
        actions: the best plan so far; None without one.
        cost: its cost.
        found_by: who found it.
        proved_by: who refuted the last length that was open.
        extinct: no way through the model has so many steps, or more; `horizon + 1` if unknown.
    """

    def __init__(self, horizon: int, by_steps: bool) -> None:
        self.actions: tuple[int, ...] | None = None
        self.cost = Fraction(0)
        self.found_by = ""
        self.proved_by = ""
        self.extinct = horizon + 1
        self.horizon = horizon
        self.by_steps = by_steps
        self._refuted: dict[int, Fraction | float] = {}  # no plan of a length costs less

    @property
    def bound(self) -> Fraction | float:
        """Return what a plan must cost less than."""
        return math.inf if self.actions is None else self.cost

    def open(self, length: int) -> bool:
        """Return whether there may be a plan of `length` steps that is better than the best."""
        if length >= self.extinct or (self.by_steps and length >= self.bound):
            return False
        return length not in self._refuted or self._refuted[length] < self.bound

    @property
    def closed(self) -> bool:
        """Return whether all is known."""
        return not any(self.open(length) for length in range(self.horizon + 1))

    @property
    def lower_bound(self) -> Fraction | None:
        """Return what no plan within the horizon costs less than; None where that is unknown."""
        if self.closed:
            return None if self.actions is None else self.cost
        if not self.by_steps:
            return None
        return Fraction(next(n for n in range(self.horizon + 1) if self.open(n)))

    def offer(self, name: str, actions: tuple[int, ...], cost: Fraction) -> None:
        """Enter a valid plan."""
        if cost < self.bound:
            self.actions, self.cost, self.found_by = actions, cost, name
            self.proved_by = name if self.closed else ""

    def refute(self, name: str, length: int, bound: Fraction | float) -> None:
        """Enter that no plan of `length` steps costs less than `bound`."""
        self._refuted[length] = max(bound, self._refuted.get(length, -math.inf))
        self._note(name)

    def end(self, name: str, length: int) -> None:
        """Enter that no way through the model has `length` steps."""
        self.extinct = min(self.extinct, length)
        self._note(name)

    def _note(self, name: str) -> None:
        if not self.proved_by and self.closed:
            self.proved_by = name


class Contender:
    """One of those who race.

    Attributes:
        name: what it is called.
        process: its solver.
    """

    def __init__(self, name: str, process: SolverProcess, moves: Moves) -> None:
        self.name = name
        self.process = process
        self._moves = moves
        self._asked: Ask | None = None
        self._started = False
        self._late = 0.0
        self.done = False

    @property
    def busy(self) -> bool:
        """Return whether its solver has a question."""
        return self._asked is not None and self._asked.check is not None

    def go_on(self, verdict: z3.CheckSatResult) -> None:
        """Take the verdict on the last question and ask the next one, or be done."""
        try:
            self._asked = self._moves.send(verdict) if self._started else next(self._moves)
        except StopIteration:
            self.done, self._asked = True, None
            return
        self._started = True
        if self._asked.check is not None:
            self._late = time.monotonic() + self._asked.check.seconds + _GRACE
            self.process.ask(self._asked.check)

    def receive(self, ready: bool) -> bool:
        """Return whether it has gone on: with an answer, or because there was no point in one."""
        if not self.busy:
            self.go_on(z3.unknown)
        elif ready or time.monotonic() > self._late:
            self.go_on(self.process.answer(time.monotonic()))
        elif self._asked is not None and self._asked.stale():
            self.process.interrupt()
            self.go_on(z3.unknown)
        else:
            return False
        return True

    def stop(self) -> None:
        """Drop what it is at."""
        if self.busy:
            self.process.interrupt()
            self._asked = None
        self._moves.close()


def contest(ledger: Ledger, contenders: Sequence[Contender], deadline: float) -> Iterator[None]:
    """Run the race until all is known, all have given up or the time is over.

    Yields whenever there is a better plan.
    """
    running = list(contenders)
    bound = ledger.bound
    while running and not ledger.closed and time.monotonic() < deadline:
        ready = _ready(running, deadline)
        for contender in list(running):
            contender.receive(contender.process in ready)
            if contender.done:
                running.remove(contender)
            if ledger.bound < bound:
                bound = ledger.bound
                yield


def _ready(running: Sequence[Contender], deadline: float) -> set[SolverProcess]:
    """Return the processes that have an answer; wait for one where all contenders wait."""
    waiting = [contender for contender in running if contender.busy]
    patience = max(0.0, deadline - time.monotonic()) if len(waiting) == len(running) else 0.0
    with selectors.DefaultSelector() as selector:
        for contender in waiting:
            selector.register(contender.process, selectors.EVENT_READ)
        found = selector.select(min(patience, _GRACE)) if waiting else []
    return {contender.process for contender in waiting if _is_in(contender.process, found)}


def _is_in(process: SolverProcess, found: Sequence[tuple[selectors.SelectorKey, int]]) -> bool:
    return any(key.fileobj is process for key, _ in found)

"""Solving an instance of vehicle routing: cheaper routes and a higher bound until time is up.

Two threads: one ruins and recreates, one adds cuts to a linear program; both work in compiled code
that leaves the other alone. The routes follow from the seed and the number of iterations only.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Protocol

from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.files import read_routing
from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.engine.errors import TesujiError
from tesuji.engine.routing_certificate import write_certificate
from tesuji.engine.solving import Listener, SolveBudget, SolveClock, SolveProgress
from tesuji.search.routing.anneal import Annealing
from tesuji.search.routing.duality import Multipliers

if TYPE_CHECKING:
    from tesuji.search.routing.bound import CutBound

__all__ = ["RoutingAnswer", "read_routing", "solve_routing"]

_SLICE = 0.05  # seconds between two looks at the clock
_COUNTED = 1000  # iterations of a slice where iterations are the budget
_MOST_BOUNDED = 1500  # nodes of an instance whose linear program is solved


@dataclass(frozen=True)
class RoutingAnswer:
    """The best routes, and what is proven of them.

    Attributes:
        instance: what has to be driven.
        routes: the customers of each vehicle; None where none were found that need no more
            vehicles than there are.
        cost: of the routes, in the file's units.
        bound: no routes cost less.
        multipliers: what proves the bound.
        seconds: it took.
        iterations: of ruin and recreate.
        bounded: whether a linear program was solved for the bound.
    """

    instance: RoutingInstance
    routes: tuple[tuple[int, ...], ...] | None
    cost: float | None
    bound: float
    multipliers: Multipliers
    seconds: float
    iterations: int
    bounded: bool

    @property
    def gap(self) -> float | None:
        """Return the part of the cost that might be saved at most."""
        return SolveProgress(self.cost, self.bound, self.seconds).gap

    @property
    def optimal(self) -> bool:
        """Return whether no routes are cheaper; proven."""
        return self.cost is not None and self.cost <= self.bound

    def write_certificate(self, path: Path) -> None:
        """Write routes and bound as a file that `tesuji verify` checks.

        Raises:
            StorageError: it could not be written.
        """
        write_certificate(path, self.instance, self.routes, self.multipliers)


class Bound(Protocol):
    """What raises a lower bound round by round."""

    best: Multipliers
    done: bool

    def step(self, seconds: float) -> None:
        """Do one round."""


def solve_routing(
    instance: RoutingInstance,
    budget: SolveBudget | None = None,
    listener: Listener | None = None,
    stop: Event | None = None,
    *,
    iterations: int | None = None,
    forbidden: Sequence[tuple[int, int]] = (),
    start: Sequence[Sequence[int]] = (),
) -> RoutingAnswer:
    """Return cheap routes of an instance, and a lower bound.

    Args:
        instance: what has to be driven.
        budget: when to stop.
        listener: told of the best routes and of the bound, every 50 ms at most.
        stop: set by whoever wants the best so far at once.
        iterations: of ruin and recreate at most; with it the same seed gives the same routes, if
            neither time nor gap ends the search before.
        forbidden: pairs of customers that may not share a route.
        start: routes to begin with.
    """
    clock = SolveClock(budget or SolveBudget(), stop or Event())
    annealing = Annealing(instance, clock.budget.seed, forbidden, start)
    bound = _make_bound(instance, annealing.routes)
    finished = Event()
    with ThreadPoolExecutor(1) as threads:
        raised = threads.submit(_raise_bound, bound, clock, finished) if bound else None
        try:
            _improve(instance, annealing, bound, raised, clock, listener, iterations)
        finally:
            finished.set()
    if raised is not None:
        raised.result()
    return _answer(instance, annealing, bound, clock)


def _make_bound(instance: RoutingInstance, routes: Sequence[Sequence[int]]) -> CutBound | None:
    if instance.num_nodes > _MOST_BOUNDED:
        return None
    try:
        from tesuji.search.routing.bound import CutBound  # noqa: PLC0415
    except ImportError:  # the extra `logistics` is not installed
        return None
    return CutBound(instance, routes)


def _raise_bound(bound: Bound, clock: SolveClock, finished: Event) -> None:
    while not bound.done and not finished.is_set() and not clock.is_over():
        bound.step(clock.budget.seconds - clock.seconds())


def _improve(
    instance: RoutingInstance,
    annealing: Annealing,
    bound: Bound | None,
    raised: Future[None] | None,
    clock: SolveClock,
    listener: Listener | None,
    limit: int | None,
) -> None:
    count = 100 if limit is None else _COUNTED
    while True:
        progress = _progress(instance, annealing, bound, clock)
        if listener is not None:
            listener(progress)
        if raised is not None and raised.done():
            raised.result()  # a fault there ends the search here
        if clock.is_over(progress) or (limit is not None and annealing.iterations >= limit):
            return
        if limit is not None:
            count, begin = min(count, limit - annealing.iterations), annealing.iterations / limit
            annealing.run(count, begin, (annealing.iterations + count) / limit)
            continue
        before = clock.seconds()
        begin = before / clock.budget.seconds
        annealing.run(count, begin, min(begin + _SLICE / clock.budget.seconds, 1.0))
        took = max(clock.seconds() - before, 1e-4)
        left = clock.budget.seconds - clock.seconds()
        count = max(1, int(count * min(4.0, max(min(_SLICE, left), 0.0) / took)))


def _progress(
    instance: RoutingInstance, annealing: Annealing, bound: Bound | None, clock: SolveClock
) -> SolveProgress:
    cost = annealing.cost / instance.scale if annealing.is_feasible else None
    seconds = clock.seconds()
    proven = 0 if bound is None else bound.best.bound
    return SolveProgress(
        cost, proven / instance.scale, seconds, annealing.iterations / max(seconds, 1e-9)
    )


def _answer(
    instance: RoutingInstance, annealing: Annealing, bound: Bound | None, clock: SolveClock
) -> RoutingAnswer:
    none = Multipliers((0,) * instance.num_nodes, (), 0)
    multipliers = none if bound is None else bound.best
    routes = tuple(tuple(route) for route in annealing.routes) if annealing.is_feasible else None
    if routes is not None:
        checked = check_routes(instance, routes)
        if checked != (annealing.cost, ()):
            raise TesujiError(
                f"a defect of the solver: the checker refuses its routes ({checked}); "
                "please report it with the instance"
            )
    cost = None if routes is None else annealing.cost / instance.scale
    return RoutingAnswer(
        instance, routes, cost, multipliers.bound / instance.scale, multipliers, clock.seconds(),
        annealing.iterations, bound is not None,
    )  # fmt: skip

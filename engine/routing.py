"""Solving an instance of vehicle routing: cheaper routes and a higher bound until time is up.

One thread betters routes, one adds cuts to a linear program, in compiled code both. The routes
follow from the seed and the number of iterations only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.files import read_routing
from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.engine.errors import TesujiError
from tesuji.engine.routing_bound import Bound, make_bound
from tesuji.engine.routing_certificate import write_certificate
from tesuji.engine.solving import Listener, SolveBudget, SolveClock, SolveProgress
from tesuji.search.routing.anneal import Annealing, load_kernels
from tesuji.search.routing.construct import PolicyTables, construction_task, edge_odds
from tesuji.search.routing.duality import Multipliers
from tesuji.search.routing.policy_search import PolicySearch

if TYPE_CHECKING:
    import z3

    from tesuji.search.routing.side_constraints import SideConstraints

__all__ = ["RoutingAnswer", "read_routing", "solve_routing"]

_SLICE = 0.05  # seconds between two looks at the clock
_CONSTRUCTION = 0.1  # of the time, for tree search where there is a policy
_COUNTED = 1000  # iterations of a slice where iterations are the budget
_MOST_REASONS = 5  # customers of which it is said why no route may visit them

_Search = Annealing | PolicySearch


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
        constraints: names of the side constraints that the routes keep to.
        refuted: why some customers can be in no route, proved: there is no answer.
    """

    instance: RoutingInstance
    routes: tuple[tuple[int, ...], ...] | None
    cost: float | None
    bound: float
    multipliers: Multipliers
    seconds: float
    iterations: int
    bounded: bool
    constraints: tuple[str, ...] = ()
    refuted: tuple[str, ...] = ()

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


def solve_routing(
    instance: RoutingInstance,
    budget: SolveBudget | None = None,
    listener: Listener | None = None,
    stop: Event | None = None,
    *,
    iterations: int | None = None,
    constraints: Mapping[str, z3.BoolRef] | Sequence[str] = (),
    rest: float | None = None,
    start: Sequence[Sequence[int]] = (),
    policy: PolicyTables | None = None,
    alone: bool = False,
) -> RoutingAnswer:
    """Return cheap routes of an instance, and a lower bound.

    Routes that are returned keep to all constraints, which is decided exactly; the bound holds
    without them, and so with them.

    Args:
        instance: what has to be driven.
        budget: when to stop.
        listener: told of the best routes and of the bound, every 50 ms at most.
        stop: set by whoever wants the best so far at once.
        iterations: of ruin and recreate at most; with it the same seed gives the same routes, if
            neither time nor gap ends the search before.
        constraints: what must hold of each route, as text or as expressions over
            `route_symbols(instance)`; see `tesuji.search.routing.side_constraints`.
        rest: how long a stop must be for the driver to have rested, in the file's units.
        start: routes to begin with; where constraints speak of vehicles, the first is vehicle 1's.
        policy: says where ruins begin; see `engine/route_policy.py`.
        alone: the policy constructs and rebuilds, without ruin and recreate.

    Raises:
        ValueError: a policy alone was given constraints, of which it knows nothing.
        ConstraintError: a constraint cannot be read or compiled; it is named.
    """
    if alone and (policy is None or constraints):
        raise ValueError("alone takes a policy and no constraints")
    load_kernels()
    side = _side_constraints(instance, constraints, rest)
    clock = SolveClock(budget or SolveBudget(), stop or Event())
    refuted = () if side is None else _refuted(side)
    if refuted:
        return _no_answer(instance, refuted, clock)
    forbidden, rules = ((), None) if side is None else (side.forbidden, side.rules)
    search: _Search
    if policy is not None and alone:
        until = _CONSTRUCTION * clock.budget.seconds
        search = PolicySearch(
            instance, policy, clock.budget.seed, is_over=lambda: clock.seconds() > until
        )
    else:
        odds = None if policy is None else edge_odds(policy, construction_task(instance))
        search = Annealing(instance, clock.budget.seed, forbidden, start, rules, odds)
    bound = make_bound(instance, search.routes)
    finished = Event()
    with ThreadPoolExecutor(1) as threads:
        raised = threads.submit(_raise_bound, bound, clock, finished) if bound else None
        try:
            _improve(instance, search, bound, raised, clock, listener, iterations)
        finally:
            finished.set()
    if raised is not None:
        raised.result()
    return _answer(instance, search, bound, clock, side)


def _side_constraints(
    instance: RoutingInstance,
    constraints: Mapping[str, z3.BoolRef] | Sequence[str],
    rest: float | None,
) -> SideConstraints | None:
    if not constraints:
        return None
    # It loads z3, which only constraints need.
    from tesuji.search.routing.side_constraints import SideConstraints  # noqa: PLC0415

    return SideConstraints(instance, constraints, rest)


def _refuted(side: SideConstraints) -> tuple[str, ...]:
    # Why some customers fit no route at all.
    from tesuji.search.routing.refute import Refuter  # noqa: PLC0415

    refuter, found = Refuter(side), []
    for node in range(1, side.instance.num_nodes):
        reasons = refuter.reasons(node)
        if reasons:
            found.append(f"no route may visit customer {node}: {' + '.join(reasons)}")
        if len(found) == _MOST_REASONS:
            break
    return tuple(found)


def _no_answer(
    instance: RoutingInstance, refuted: tuple[str, ...], clock: SolveClock
) -> RoutingAnswer:
    none = Multipliers((0,) * instance.num_nodes, (), 0)
    return RoutingAnswer(
        instance, None, None, 0.0, none, clock.seconds(), 0, bounded=False, refuted=refuted
    )


def _raise_bound(bound: Bound, clock: SolveClock, finished: Event) -> None:
    while not bound.done and not finished.is_set() and not clock.is_over():
        bound.step(clock.budget.seconds - clock.seconds())


def _improve(
    instance: RoutingInstance,
    search: _Search,
    bound: Bound | None,
    raised: Future[None] | None,
    clock: SolveClock,
    listener: Listener | None,
    limit: int | None,
) -> None:
    count = 100 if limit is None else _COUNTED
    while True:
        progress = _progress(instance, search, bound, clock)
        if listener is not None:
            listener(progress)
        if raised is not None and raised.done():
            raised.result()  # a fault there ends the search here
        if clock.is_over(progress) or (limit is not None and search.iterations >= limit):
            return
        if limit is not None:
            count, begin = min(count, limit - search.iterations), search.iterations / limit
            search.run(count, begin, (search.iterations + count) / limit)
            continue
        before = clock.seconds()
        begin = before / clock.budget.seconds
        search.run(count, begin, min(begin + _SLICE / clock.budget.seconds, 1.0))
        took = max(clock.seconds() - before, 1e-4)
        left = clock.budget.seconds - clock.seconds()
        count = max(1, int(count * min(4.0, max(min(_SLICE, left), 0.0) / took)))


def _progress(
    instance: RoutingInstance,
    search: _Search,
    bound: Bound | None,
    clock: SolveClock,
) -> SolveProgress:
    cost = search.cost / instance.scale if search.is_feasible else None
    seconds = clock.seconds()
    proven = 0 if bound is None else bound.best.bound
    return SolveProgress(
        cost, proven / instance.scale, seconds, search.iterations / max(seconds, 1e-9)
    )


def _answer(
    instance: RoutingInstance,
    search: _Search,
    bound: Bound | None,
    clock: SolveClock,
    side: SideConstraints | None,
) -> RoutingAnswer:
    none = Multipliers((0,) * instance.num_nodes, (), 0)
    multipliers = none if bound is None else bound.best
    routes = tuple(tuple(route) for route in search.routes) if search.is_feasible else None
    if routes is not None:
        checked = check_routes(instance, routes)
        if side is not None:
            checked = checked._replace(faults=checked.faults + side.faults(routes))
        if checked != (search.cost, ()):
            raise TesujiError(
                f"a defect of the solver: the checker refuses its routes ({checked}); "
                "please report it with the instance"
            )
    cost = None if routes is None else search.cost / instance.scale
    return RoutingAnswer(
        instance, routes, cost, multipliers.bound / instance.scale, multipliers, clock.seconds(),
        search.iterations, bound is not None, () if side is None else tuple(side.constraints),
    )  # fmt: skip

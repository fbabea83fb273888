"""Routes as linked lists, for kernels: what a problem is, what a plan is, and how plans are copied.

`N` nodes, 0 is the depot and both ends of every route; `R` routes at most, empty ones included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.search.routing.rules import Rules, broken_with, no_rules
from tesuji.search.tree import forced_kernel

Integers = npt.NDArray[np.int64]
Small = npt.NDArray[np.int32]

ABSENT = -1
NEAR = 100  # customers around one that a ruin may reach
PLACES = 40  # customers beside which one may be put


class Problem(NamedTuple):
    """An instance as kernels read it."""

    distance: Small  # [N, N]
    demand: Integers  # [N]
    earliest: Integers  # [N]
    latest: Integers  # [N]
    service: Integers  # [N]
    partner: Small  # [N] the other end of a pair, 0 without
    picks: npt.NDArray[np.bool_]  # [N] whether it is the pick-up of its pair
    near: Small  # [N, NEAR] customers, nearest first, each itself before all
    places: Small  # [N, PLACES] customers that may well stand beside it
    conflict_start: Integers  # [N + 1]
    conflict: Small  # customers that may not share a route with it
    capacity: int
    fleet: int
    excess: int  # what a route beyond the fleet costs
    penalty: int  # what a broken rule costs, more than any plan
    windows: bool
    pairs: bool
    ruled: bool
    rules: Rules
    odds: npt.NDArray[np.float32]  # [N, N] how likely a policy drives so or back; [0, 0] without


class Tours(NamedTuple):
    """A plan; the customers that are in no route are `ABSENT`."""

    after: Small  # [N]
    before: Small  # [N]
    route: Small  # [N]
    begin: Integers  # [N] when service begins, at the earliest
    due: Integers  # [N] when it must begin for the rest to be in time
    aboard: Integers  # [N] the load after it, where there are pairs
    first: Small  # [R]
    last: Small  # [R]
    size: Small  # [R]
    load: Integers  # [R]
    broken: Integers  # [R] how many rules
    free: Small  # [R] a stack of empty routes
    totals: Integers  # cost without what excess routes and broken rules cost, routes in use, broken


COST, USED, BROKEN = 0, 1, 2


def make_problem(
    instance: RoutingInstance,
    forbidden: Iterable[tuple[int, int]] = (),
    rules: Rules | None = None,
    odds: npt.NDArray[np.float32] | None = None,
) -> Problem:
    """Return what the kernels read of an instance.

    Args:
        instance: what has to be driven.
        forbidden: pairs of customers that may not share a route.
        rules: what else must hold of each route.
        odds: `[N, N]` how likely a policy drives from one to another, or back.
    """
    rules = no_rules(instance.num_nodes) if rules is None else rules
    distance = instance.distance.copy()
    np.fill_diagonal(distance, 0)  # nobody stays where it is
    partner = instance.delivery.copy()
    pickups = np.flatnonzero(partner)
    partner[partner[pickups]] = pickups
    start, conflict = _conflicts(instance.num_nodes, forbidden)
    return Problem(
        distance.astype(np.int32), instance.demand, instance.earliest, instance.latest,
        instance.service, partner.astype(np.int32), instance.delivery > 0,
        _nearest(np.minimum(distance, distance.T), NEAR, True),
        _nearest(_nearness(instance), PLACES, False), start, conflict,
        instance.capacity, instance.num_vehicles, 4 * int(distance.max()) + 1,
        6 * int(distance.max()) * instance.num_nodes + 1,
        instance.has_windows, instance.has_pairs, len(rules.holds) > 0 or rules.fleet > 0, rules,
        np.zeros((0, 0), np.float32) if odds is None else odds,
    )  # fmt: skip


def _conflicts(num_nodes: int, forbidden: Iterable[tuple[int, int]]) -> tuple[Integers, Small]:
    pairs = {pair for a, b in forbidden for pair in ((a, b), (b, a))}
    both = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    start = np.searchsorted(both[:, 0], np.arange(num_nodes + 1)).astype(np.int64)
    return start, np.ascontiguousarray(both[:, 1], np.int32)


def _nearness(instance: RoutingInstance) -> npt.NDArray[np.float64]:
    # What lies near in space and time (Vidal et al. 2013): waiting counts a fifth, lateness whole.
    distance = instance.distance.astype(np.float64)
    if instance.has_windows:
        there = instance.service[:, None] + instance.distance
        wait = instance.earliest[None, :] - instance.latest[:, None] - there
        late = instance.earliest[:, None] + there - instance.latest[None, :]
        distance += 0.2 * np.maximum(wait, 0) + np.maximum(late, 0)
    return np.minimum(distance, distance.T)


def _nearest(apart: npt.NDArray[np.generic], width: int, itself: bool) -> Small:
    apart = apart.astype(np.float64)
    np.fill_diagonal(apart, -1.0 if itself else np.inf)
    count = min(width, len(apart) - (1 if itself else 2))
    order = np.argsort(apart[:, 1:], axis=1, kind="stable")[:, :count] + 1
    return np.ascontiguousarray(order, np.int32)


def make_tours(num_nodes: int) -> Tours:
    """Return a plan without routes."""
    small = [np.zeros(num_nodes, np.int32) for _ in range(6)]
    large = [np.zeros(num_nodes, np.int64) for _ in range(5)]
    free = np.arange(num_nodes, dtype=np.int32)[::-1].copy()
    small[2][:] = ABSENT
    return Tours(
        small[0], small[1], small[2], large[0], large[1], large[2], small[3], small[4], small[5],
        large[3], large[4], free, np.zeros(3, np.int64),
    )  # fmt: skip


def routes_of(tours: Tours) -> list[list[int]]:
    """Return the customers of every route, in the order of the vehicles, up to the last in use."""
    used = np.flatnonzero(tours.size)
    routes: list[list[int]] = [[] for _ in range(int(used.max()) + 1 if len(used) else 0)]
    for route in used:
        node = int(tours.first[route])
        while node:
            routes[route].append(node)
            node = int(tours.after[node])
    return routes


def set_routes(problem: Problem, tours: Tours, routes: Sequence[Sequence[int]]) -> None:
    """Make an empty plan drive the given routes."""
    for number, customers in enumerate(routes):
        route = -1
        if problem.rules.fleet and customers:
            top = len(tours.free) - 1 - int(tours.totals[USED])
            free = list(tours.free[: top + 1]).index(number)
            tours.free[free], tours.free[top] = tours.free[top], tours.free[free]
        for node in customers:
            before = 0 if route < 0 else int(tours.last[route])
            route = insert(problem, tours, node, route, before)
        if route >= 0:
            refresh(problem, tours, route)


@forced_kernel
def detour(problem, before, node, after):  # type: ignore[no-untyped-def]
    """Return how much longer the way from `before` to `after` is by `node`."""
    distance = problem.distance
    return np.int64(distance[before, node]) + distance[node, after] - distance[before, after]


@forced_kernel
def insert(problem, tours, node, route, before):  # type: ignore[no-untyped-def]
    """Put a customer behind `before` (0: first) into a route (-1: a new one); return the route."""
    if route < 0:
        route = np.int64(tours.free[len(tours.free) - 1 - tours.totals[USED]])
        tours.totals[USED] += 1
        tours.first[route] = 0
        tours.last[route] = 0
    after = np.int64(tours.after[before]) if before else np.int64(tours.first[route])
    tours.totals[COST] += detour(problem, before, node, after)
    tours.after[node] = after
    tours.before[node] = before
    if before:
        tours.after[before] = node
    else:
        tours.first[route] = node
    if after:
        tours.before[after] = node
    else:
        tours.last[route] = node
    tours.route[node] = route
    tours.size[route] += 1
    tours.load[route] += problem.demand[node]
    return route


@forced_kernel
def remove(problem, tours, node):  # type: ignore[no-untyped-def]
    """Take a customer out of its route."""
    route = np.int64(tours.route[node])
    before, after = np.int64(tours.before[node]), np.int64(tours.after[node])
    tours.totals[COST] -= detour(problem, before, node, after)
    if before:
        tours.after[before] = after
    else:
        tours.first[route] = after
    if after:
        tours.before[after] = before
    else:
        tours.last[route] = before
    tours.route[node] = ABSENT
    tours.size[route] -= 1
    tours.load[route] -= problem.demand[node]
    if tours.size[route] == 0:
        tours.totals[USED] -= 1
        tours.free[len(tours.free) - 1 - tours.totals[USED]] = route


@forced_kernel
def refresh(problem, tours, route):  # type: ignore[no-untyped-def]
    """Compute anew when service begins, when it must, what is on board and which rules break."""
    if problem.ruled:
        tours.totals[BROKEN] -= tours.broken[route]
        tours.broken[route] = 0
        if tours.size[route]:
            tours.broken[route] = broken_with(problem, tours, route, 0, 0, 0, 0)
        tours.totals[BROKEN] += tours.broken[route]
    if tours.size[route] == 0 or not (problem.windows or problem.pairs):
        return
    before, clock, load = np.int64(0), problem.earliest[0] + problem.service[0], np.int64(0)
    node = np.int64(tours.first[route])
    while node:
        clock = max(clock + problem.distance[before, node], problem.earliest[node])
        load += problem.demand[node]
        tours.begin[node] = clock
        tours.aboard[node] = load
        clock += problem.service[node]
        before = node
        node = np.int64(tours.after[node])
    after, due = np.int64(0), problem.latest[0]
    node = np.int64(tours.last[route])
    while node:
        due = min(due - problem.distance[node, after] - problem.service[node], problem.latest[node])
        tours.due[node] = due
        after = node
        node = np.int64(tours.before[node])


@forced_kernel
def copy_route(source, target, route):  # type: ignore[no-untyped-def]
    """Copy a route; what is not in it is left alone."""
    target.first[route] = source.first[route]
    target.last[route] = source.last[route]
    target.size[route] = source.size[route]
    target.load[route] = source.load[route]
    target.broken[route] = source.broken[route]
    if source.size[route] == 0:
        return
    node = np.int64(source.first[route])
    while node:
        target.after[node] = source.after[node]
        target.before[node] = source.before[node]
        target.route[node] = route
        target.begin[node] = source.begin[node]
        target.due[node] = source.due[node]
        target.aboard[node] = source.aboard[node]
        node = np.int64(source.after[node])


@forced_kernel
def copy_free(source, target):  # type: ignore[no-untyped-def]
    """Copy the totals and which routes are empty."""
    for i in range(len(source.free)):
        target.free[i] = source.free[i]
    target.totals[COST] = source.totals[COST]
    target.totals[USED] = source.totals[USED]
    target.totals[BROKEN] = source.totals[BROKEN]

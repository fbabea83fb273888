"""Recreate: put absent customers where they cost least, with blinks.

Greedy insertion that overlooks a place now and then (Christiaens & Vanden Berghe 2020, section
5.3). Places beside near customers are looked at first, all others only if none of those is allowed.
"""

from __future__ import annotations

import numpy as np

from tesuji.search.random import below, uniform
from tesuji.search.routing.pairs import find_pair
from tesuji.search.routing.ruin import ABSENTS, bits, touch
from tesuji.search.routing.rules import broken_rules, broken_with
from tesuji.search.routing.tours import ABSENT, USED, detour, insert, refresh
from tesuji.search.tree import forced_kernel

NOWHERE = np.int64(1) << 60
_BLINK = np.uint64(0.01 * 2**24)
_COST, _ROUTE, _BEFORE = 0, 1, 2


@forced_kernel
def is_allowed(problem, tours, node, route):  # type: ignore[no-untyped-def]
    """Return whether no customer of the route is forbidden beside `node`."""
    for i in range(problem.conflict_start[node], problem.conflict_start[node + 1]):
        if tours.route[problem.conflict[i]] == route:
            return False
    return True


@forced_kernel
def _consider(problem, tours, found, node, route, before, after):  # type: ignore[no-untyped-def]
    # Keep a place if it costs less than the best so far and is in time.
    distance = problem.distance
    cost = detour(problem, before, node, after) - problem.penalty * tours.broken[route]
    if cost >= found[_COST]:
        return
    if problem.windows:
        leave = tours.begin[before] if before else problem.earliest[0]
        begin = leave + problem.service[before] + distance[before, node]
        if begin > problem.latest[node]:
            return
        begin = max(begin, problem.earliest[node])
        due = tours.due[after] if after else problem.latest[0]
        if begin + problem.service[node] + distance[node, after] > due:
            return
    if problem.ruled:
        cost += problem.penalty * broken_with(problem, tours, route, node, before, 0, 0)
        if cost >= found[_COST]:
            return
    found[_COST] = cost
    found[_ROUTE] = route
    found[_BEFORE] = before


@forced_kernel
def _find_near(problem, tours, scratch, node):  # type: ignore[no-untyped-def]
    # Look beside the near customers; every place is overlooked with a small probability.
    found, room = scratch.found, problem.capacity - problem.demand[node]
    limited = problem.conflict_start[node] < problem.conflict_start[node + 1]
    chance = bits(scratch)
    for k in range(problem.places.shape[1]):
        near = np.int64(problem.places[node, k])
        route = np.int64(tours.route[near])
        if route == ABSENT or tours.load[route] > room:
            continue
        if limited and not is_allowed(problem, tours, node, route):
            continue
        chance = chance * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
        if (chance >> np.uint64(40)) >= _BLINK:
            _consider(problem, tours, found, node, route, near, np.int64(tours.after[near]))
        chance = chance * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
        if (chance >> np.uint64(40)) >= _BLINK:
            _consider(problem, tours, found, node, route, np.int64(tours.before[near]), near)


@forced_kernel
def _find_anywhere(problem, tours, scratch, node):  # type: ignore[no-untyped-def]
    found, room = scratch.found, problem.capacity - problem.demand[node]
    for near in range(1, len(problem.demand)):
        route = np.int64(tours.route[near])
        if route == ABSENT or tours.load[route] > room:
            continue
        if not is_allowed(problem, tours, node, route):
            continue
        _consider(problem, tours, found, node, route, near, np.int64(tours.after[near]))
        if tours.before[near] == 0:
            _consider(problem, tours, found, node, route, np.int64(0), near)


@forced_kernel
def _take_vehicle(problem, tours, node, other):  # type: ignore[no-untyped-def]
    # What rules cost where a free vehicle visits `node`, then `other`; it will leave next.
    if not problem.ruled:
        return np.int64(0)
    rules, top = problem.rules, len(tours.free) - 1 - tours.totals[USED]
    fewest, chosen = np.int64(-1), top
    rules.way[0], rules.way[1] = node, other
    for i in range(top, -1, -1):
        count = broken_rules(
            rules, problem.distance, problem.demand, problem.earliest, problem.service,
            2 if other else 1, np.int64(tours.free[i]),
        )  # fmt: skip
        if fewest < 0 or count < fewest:
            fewest, chosen = count, i
        if fewest == 0 or not rules.fleet:
            break
    tours.free[chosen], tours.free[top] = tours.free[top], tours.free[chosen]
    return problem.penalty * fewest


@forced_kernel
def _place(problem, tours, scratch, node):  # type: ignore[no-untyped-def]
    # Insert one customer at the cheapest place, a route of its own among them.
    found = scratch.found
    found[_COST] = NOWHERE
    _find_near(problem, tours, scratch, node)
    if found[_COST] == NOWHERE:
        _find_anywhere(problem, tours, scratch, node)
    alone = detour(problem, np.int64(0), node, np.int64(0))
    alone += _take_vehicle(problem, tours, node, np.int64(0))
    if tours.totals[USED] >= problem.fleet:
        alone += problem.excess
    if alone < found[_COST]:
        found[_ROUTE], found[_BEFORE] = -1, 0
    route = insert(problem, tours, node, found[_ROUTE], found[_BEFORE])
    touch(scratch, route)
    refresh(problem, tours, route)


@forced_kernel
def _place_pair(problem, tours, scratch, node):  # type: ignore[no-untyped-def]
    # Insert both ends of a pair into one route.
    partner = np.int64(problem.partner[node])
    pickup, delivery = (node, partner) if problem.picks[node] else (partner, node)
    found, distance = scratch.found, problem.distance
    alone = np.int64(distance[0, pickup]) + distance[pickup, delivery] + distance[delivery, 0]
    alone += _take_vehicle(problem, tours, pickup, delivery)
    if tours.totals[USED] >= problem.fleet:
        alone += problem.excess
    found[0], found[1], found[2], found[3] = alone, -1, 0, pickup
    for route in range(len(tours.size)):
        if tours.size[route] == 0 or bits(scratch) >> np.uint64(40) < _BLINK:
            continue
        if is_allowed(problem, tours, pickup, route) and is_allowed(
            problem, tours, delivery, route
        ):
            find_pair(problem, tours, found, pickup, delivery, route)
    before = found[3]
    route = insert(problem, tours, pickup, found[1], found[2])
    insert(problem, tours, delivery, route, before)
    touch(scratch, route)
    refresh(problem, tours, route)


@forced_kernel
def _sort_absent(problem, scratch):  # type: ignore[no-untyped-def]
    # By chance, demand, distance from the depot, or windows; ties stay as they are.
    kind = below(bits(scratch), 17 if problem.windows else 11)
    for i in range(scratch.counts[ABSENTS]):
        node = np.int64(scratch.absent[i])
        if kind < 4:
            key = np.int64(bits(scratch) >> np.uint64(2))
        elif kind < 8:
            key = -abs(problem.demand[node])
        elif kind < 10:
            key = -np.int64(problem.distance[0, node])
        elif kind < 11:
            key = np.int64(problem.distance[0, node])
        elif kind < 13:
            key = problem.latest[node] - problem.earliest[node]
        elif kind < 15:
            key = problem.earliest[node]
        else:
            key = -problem.latest[node]
        j = i
        while j > 0 and scratch.key[j - 1] > key:
            scratch.key[j] = scratch.key[j - 1]
            scratch.absent[j] = scratch.absent[j - 1]
            j -= 1
        scratch.key[j] = key
        scratch.absent[j] = node


@forced_kernel
def recreate(problem, tours, scratch):  # type: ignore[no-untyped-def]
    """Put all absent customers into routes."""
    _sort_absent(problem, scratch)
    for i in range(scratch.counts[ABSENTS]):
        node = np.int64(scratch.absent[i])
        if problem.partner[node]:
            _place_pair(problem, tours, scratch, node)
        else:
            _place(problem, tours, scratch, node)
    scratch.counts[ABSENTS] = 0


@forced_kernel
def chance_of(scratch):  # type: ignore[no-untyped-def]
    """Return a random number in (0, 1)."""
    return uniform(bits(scratch))

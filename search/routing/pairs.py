"""Where both ends of a pair fit best into a route: all places, in one walk for each pick-up's."""

from __future__ import annotations

import numpy as np

from tesuji.search.routing.rules import broken_with
from tesuji.search.routing.tours import detour
from tesuji.search.tree import forced_kernel


@forced_kernel
def _keep(problem, tours, found, cost, route, pickup, before, delivery, behind):  # type: ignore[no-untyped-def]
    # Keep two places in time unless rules make them cost too much.
    if problem.ruled:
        cost += problem.penalty * broken_with(
            problem, tours, route, pickup, before, delivery, behind
        )
        if cost >= found[0]:
            return
    found[0], found[1], found[2], found[3] = cost, route, before, behind


@forced_kernel
def _walk(problem, tours, found, before, pickup, delivery, route, longer):  # type: ignore[no-untyped-def]
    # The pick-up stands behind `before`; try the delivery at each place from there on.
    distance, load = problem.distance, problem.demand[pickup]
    leave = tours.begin[before] if before else problem.earliest[0]
    clock = leave + problem.service[before] + distance[before, pickup]
    if clock > problem.latest[pickup]:
        return
    clock = max(clock, problem.earliest[pickup]) + problem.service[pickup]
    node = pickup
    after = np.int64(tours.after[before]) if before else np.int64(tours.first[route])
    while True:
        cost = longer + detour(problem, node, delivery, after)
        if cost < found[0]:
            begin = clock + distance[node, delivery]
            if begin <= problem.latest[delivery]:
                begin = max(begin, problem.earliest[delivery]) + problem.service[delivery]
                due = tours.due[after] if after else problem.latest[0]
                if begin + distance[delivery, after] <= due:
                    _keep(problem, tours, found, cost, route, pickup, before, delivery, node)
        if after == 0 or tours.aboard[after] + load > problem.capacity:
            return
        clock += distance[node, after]
        if clock > problem.latest[after]:
            return
        clock = max(clock, problem.earliest[after]) + problem.service[after]
        node, after = after, np.int64(tours.after[after])


@forced_kernel
def find_pair(problem, tours, found, pickup, delivery, route):  # type: ignore[no-untyped-def]
    """Improve `found`: the detour, the route, what stands before pick-up and delivery."""
    load = problem.demand[pickup]
    before, after = np.int64(0), np.int64(tours.first[route])
    while True:
        aboard = tours.aboard[before] if before else np.int64(0)
        if aboard + load <= problem.capacity:
            longer = detour(problem, before, pickup, after)
            longer -= problem.penalty * tours.broken[route]
            _walk(problem, tours, found, before, pickup, delivery, route, longer)
        if after == 0:
            return
        before, after = after, np.int64(tours.after[after])

"""Where both ends of a pair fit best into a route: all places, in one walk for each pick-up's."""

from __future__ import annotations

import numpy as np

from tesuji.search.tree import forced_kernel


@forced_kernel
def _walk(problem, tours, found, before, pickup, delivery, route, detour):  # type: ignore[no-untyped-def]
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
        more = np.int64(distance[node, delivery]) + distance[delivery, after]
        more -= distance[node, after]
        if detour + more < found[0]:
            begin = clock + distance[node, delivery]
            if begin <= problem.latest[delivery]:
                begin = max(begin, problem.earliest[delivery]) + problem.service[delivery]
                due = tours.due[after] if after else problem.latest[0]
                if begin + distance[delivery, after] <= due:
                    found[0], found[1], found[2] = detour + more, route, before
                    found[3] = node
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
    distance, load = problem.distance, problem.demand[pickup]
    before, after = np.int64(0), np.int64(tours.first[route])
    while True:
        aboard = tours.aboard[before] if before else np.int64(0)
        if aboard + load <= problem.capacity:
            detour = np.int64(distance[before, pickup]) + distance[pickup, after]
            detour -= distance[before, after]
            _walk(problem, tours, found, before, pickup, delivery, route, detour)
        if after == 0:
            return
        before, after = after, np.int64(tours.after[after])

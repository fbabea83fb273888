"""Simulated annealing over ruin and recreate, in slices that return to Python."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.routing.instance import RoutingInstance, make_instance
from tesuji.search.routing.recreate import chance_of, recreate
from tesuji.search.routing.ruin import ABSENTS, TOUCHED, make_scratch, ruin
from tesuji.search.routing.rules import Rules
from tesuji.search.routing.tours import (
    BROKEN,
    COST,
    USED,
    copy_free,
    copy_route,
    make_problem,
    make_tours,
    routes_of,
    set_routes,
)
from tesuji.search.tree import forced_kernel, kernel

HOT, COLD = 0.2, 0.002  # temperatures, in mean distances


@forced_kernel
def _charged(problem, tours):  # type: ignore[no-untyped-def]
    # The cost with that of excess routes and of broken rules.
    beyond = max(np.int64(0), tours.totals[USED] - problem.fleet)
    return tours.totals[COST] + problem.excess * beyond + problem.penalty * tours.totals[BROKEN]


@forced_kernel
def _copy_all(source, target):  # type: ignore[no-untyped-def]
    for route in range(len(source.size)):
        copy_route(source, target, route)
    copy_free(source, target)


@kernel
def _build(problem, current, working, best, scratch):  # type: ignore[no-untyped-def]
    # The first plan: whoever is in no route is inserted.
    for node in range(1, len(problem.demand)):
        partner = np.int64(problem.partner[node])
        if working.route[node] < 0 and (partner == 0 or problem.picks[node]):
            scratch.absent[scratch.counts[ABSENTS]] = node
            scratch.counts[ABSENTS] += 1
    recreate(problem, working, scratch)
    for i in range(scratch.counts[TOUCHED]):
        scratch.is_touched[scratch.touched[i]] = False
    scratch.counts[TOUCHED] = 0
    _copy_all(working, current)
    _copy_all(working, best)


@kernel
def _anneal(problem, current, working, best, scratch, iterations, temperature, factor):  # type: ignore[no-untyped-def]
    # Ruin and recreate `iterations` times while the temperature falls by a factor each.
    for _ in range(iterations):
        ruin(problem, working, scratch)
        recreate(problem, working, scratch)
        cost = _charged(problem, working)
        limit = _charged(problem, current) - temperature * math.log(chance_of(scratch))
        accepted = cost < limit
        for i in range(scratch.counts[TOUCHED]):
            route = np.int64(scratch.touched[i])
            scratch.is_touched[route] = False
            if accepted:
                copy_route(working, current, route)
            else:
                copy_route(current, working, route)
        if accepted:
            copy_free(working, current)
            if cost < _charged(problem, best):
                _copy_all(working, best)
        else:
            copy_free(current, working)
        scratch.counts[TOUCHED] = 0
        temperature *= factor


def load_kernels() -> None:
    """Compile or load what a search runs on, so that no budget pays for it."""
    distance = np.ones((3, 3), np.int64) - np.eye(3, dtype=np.int64)
    Annealing(make_instance("pair", distance, np.array([0, 1, 1]), 2), 0).run(1, 0.0, 1.0)


class Annealing:
    """A search for cheap routes that can be stopped and gone on with.

    Attributes:
        iterations: done so far.
    """

    def __init__(
        self,
        instance: RoutingInstance,
        seed: int,
        forbidden: Iterable[tuple[int, int]] = (),
        start: Sequence[Sequence[int]] = (),
        rules: Rules | None = None,
        odds: npt.NDArray[np.float32] | None = None,
    ) -> None:
        """Make the first plan.

        Args:
            instance: what has to be driven.
            seed: of everything random.
            forbidden: pairs of customers that may not share a route.
            start: routes to begin with; customers that are in none are inserted.
            rules: what else must hold of each route.
            odds: `[N, N]` how likely a policy drives from one to another or back: ruins begin
                rather where it would not.
        """
        nodes = instance.num_nodes
        self._problem = make_problem(instance, forbidden, rules, odds)
        self._current, self._working, self._best = (make_tours(nodes) for _ in range(3))
        self._scratch = make_scratch(nodes, seed)
        self._mean = float(instance.distance.mean())
        self.iterations = 0
        set_routes(self._problem, self._working, start)
        _build(self._problem, self._current, self._working, self._best, self._scratch)

    def run(self, iterations: int, begin: float, end: float) -> None:
        """Go on for a number of iterations.

        Args:
            iterations: how many.
            begin: which part of the whole search is done before them, 0 to 1.
            end: which part is done after them.
        """
        fall = math.log(COLD / HOT)
        temperature = self._mean * HOT * math.exp(fall * begin)
        factor = math.exp(fall * (end - begin) / max(iterations, 1))
        _anneal(
            self._problem, self._current, self._working, self._best, self._scratch, iterations,
            temperature, factor,
        )  # fmt: skip
        self.iterations += iterations

    @property
    def cost(self) -> int:
        """Return the length of the best routes."""
        return int(self._best.totals[COST])

    @property
    def is_feasible(self) -> bool:
        """Return whether the best routes keep to the fleet and to the rules."""
        totals = self._best.totals
        return int(totals[USED]) <= self._problem.fleet and not totals[BROKEN]

    @property
    def routes(self) -> list[list[int]]:
        """Return the best routes; where rules speak of vehicles, the first is vehicle 1's."""
        routes = routes_of(self._best)
        return routes if self._problem.rules.fleet else sorted(filter(None, routes))

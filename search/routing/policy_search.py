"""Routes by a learned policy alone: constructed whole at first, then rebuilt in parts.

Large-neighbourhood search (Hottung & Tierney 2020): the policy says which customer lies least
likely in its route; the routes around it are cut before, and the policy drives them on, with the
customers that came behind. What costs less, or hardly more, is gone on with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from tesuji.domains.logistics.routing.construction import MAX_PLACES
from tesuji.domains.logistics.routing.instance import Integers, RoutingInstance, make_instance
from tesuji.search.routing.construct import (
    PolicyTables,
    construction_task,
    edge_odds,
    make_room,
    roll_out,
    routes_from,
)
from tesuji.search.routing.policy_rebuild import (
    COST,
    LENGTH,
    ROUTES,
    Cuts,
    index,
    make_plan,
    rebuild,
)
from tesuji.search.routing.policy_tree import construct_by_search

HOT, COLD = 0.1, 0.001  # temperatures, in mean distances
_NEAR = 40
_SIMULATIONS = 16  # of tree search, a move


def load_kernels() -> None:
    """Compile or load what a search runs on, so that no budget pays for it."""
    distance = np.ones((3, 3), np.int64) - np.eye(3, dtype=np.int64)
    instance = make_instance("pair", distance, np.array([0, 1, 1]), 2)
    flat, square = np.zeros((3, 4), np.float32), np.zeros((3, 3), np.float32)
    tables = PolicyTables(flat, flat[0].copy(), flat, flat, flat, square, 2)
    PolicySearch(instance, tables, 0, is_over=lambda: False).run(1, 0.0, 1.0)


class PolicySearch:
    """A search that can be stopped and gone on with.

    Attributes:
        iterations: parts that were rebuilt.
        sampled: cost of the best routes before any was.
    """

    def __init__(
        self,
        instance: RoutingInstance,
        tables: PolicyTables,
        seed: int,
        samples: int = 64,
        is_over: Callable[[], bool] | None = None,
    ) -> None:
        """Draw routes whole, construct some by tree search, and keep the best.

        Args:
            instance: what has to be driven; of windows, pairs and fleets a policy knows nothing.
            tables: the policy, having read the instance.
            seed: of everything random.
            samples: routes that are drawn whole.
            is_over: asked whether to end tree search; there is none where it is None, nor for
                instances that are too large for it.
        """
        nodes, self._vehicles = instance.num_nodes, instance.num_vehicles
        self._tables, self._task = tables, construction_task(instance)
        self._near = np.ascontiguousarray(_neighbours(instance))
        self._odds = edge_odds(tables, self._task)
        self._current, self._best = make_plan(nodes), make_plan(nodes)
        self._scratch = np.zeros(2 * nodes, np.int32)
        self._cuts = Cuts(
            np.zeros(nodes, np.int64), np.zeros(nodes, np.int64), np.zeros(1, np.int64),
            np.zeros(2 * nodes, np.int32),
        )  # fmt: skip
        self._room = make_room(tables, seed)
        self._mean = float(instance.distance.mean())
        found = roll_out(tables, self._task, np.zeros(samples, np.int64), 1.0, seed)
        self._begin_with(routes_from(found.moves[found.cost.argmin()]))
        self.iterations, self.sampled = 0, self.cost
        if is_over is not None and nodes <= MAX_PLACES:
            routes = construct_by_search(instance, tables, _SIMULATIONS, seed, is_over)
            if instance.cost(routes) < self.cost:
                self._begin_with(routes)

    def _begin_with(self, routes: Sequence[Sequence[int]]) -> None:
        moves = [node for route in routes for node in (*route, 0)]
        for plan in (self._current, self._best):
            plan.moves[: len(moves)] = moves
            plan.counts[LENGTH] = len(moves)
            index(self._task, plan)

    def run(self, iterations: int, begin: float, end: float) -> None:
        """Go on for a number of iterations; see `Annealing.run`."""
        fall = math.log(COLD / HOT)
        temperature = self._mean * HOT * math.exp(fall * begin)
        factor = math.exp(fall * (end - begin) / max(iterations, 1))
        rebuild(
            self._tables, self._task, self._near, self._odds, self._current, self._best,
            self._scratch, self._cuts, self._room, iterations, temperature, factor,
        )  # fmt: skip
        self.iterations += iterations

    @property
    def cost(self) -> int:
        """Return the length of the best routes."""
        return int(self._best.counts[COST])

    @property
    def is_feasible(self) -> bool:
        """Return whether there are vehicles for the best routes."""
        return int(self._best.counts[ROUTES]) <= self._vehicles

    @property
    def routes(self) -> list[list[int]]:
        """Return the best routes."""
        return sorted(routes_from(self._best.moves[: self._best.counts[LENGTH]]))


def _neighbours(instance: RoutingInstance) -> Integers:
    """Return the nearest customers of each node, itself first `[N, K]`."""
    apart = (instance.distance + instance.distance.T)[:, 1:]
    apart[np.arange(1, len(apart)), np.arange(len(apart) - 1)] = -1
    return np.argsort(apart, axis=1, kind="stable")[:, :_NEAR] + 1

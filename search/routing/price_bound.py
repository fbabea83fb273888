"""A lower bound of routing with time windows: column generation over routes.

A linear program chooses parts of known routes and says what customers are worth; routes that cost
less than their customers are added. Prices between the best so far and the program's are asked for
routes first, since the program's jump about (Wentges 1997). What prices prove is computed in
integers (`price_routes.py`). Needs highspy, the extra `logistics`.
"""

from __future__ import annotations

from collections.abc import Sequence

import highspy
import numpy as np

from tesuji.domains.logistics.routing.instance import Floats, RoutingInstance
from tesuji.search.linear_program import make_program
from tesuji.search.routing.duality import UNIT, Multipliers
from tesuji.search.routing.price_routes import (
    make_labels,
    proven_by_prices,
    route_to,
    step_width,
)

_KEPT = 0.7  # how much of the best prices
_ADDED = 60  # routes that enter at once
_SCALED = 4  # rounds from one trial of smaller prices to the next
_MARGIN = 0.995  # of prices that the routes found would allow


class PriceBound:
    """The linear program, round by round.

    Attributes:
        best: the prices that prove most so far.
        done: whether no round will prove more.
    """

    def __init__(self, instance: RoutingInstance, routes: Sequence[Sequence[int]] = ()) -> None:
        """Set up the program.

        Args:
            instance: what has to be driven, with time windows.
            routes: that are in it from the start.
        """
        self._instance = instance
        self._width = step_width(instance)
        self.done = not instance.has_windows or self._width == 0
        self.best = Multipliers((0,) * instance.num_nodes, (), 0)
        if self.done:
            return
        self._labels = make_labels(instance, self._width)
        self._last = np.zeros((instance.num_nodes, 2), np.int64)
        self._program = make_program()
        self._program.add_rows(instance.num_nodes - 1, 1.0, highspy.kHighsInf)
        self._known = set[tuple[int, ...]]()
        for route in [*routes, *([node] for node in range(1, instance.num_nodes))]:
            self._add(route)
        self._centre = np.zeros(instance.num_nodes)
        self._rounds = 0

    def _add(self, route: Sequence[int]) -> bool:
        # Add a route, or part of one, in which a customer may come twice.
        if tuple(route) in self._known or not route:
            return False
        self._known.add(tuple(route))
        customers, times = np.unique(np.array(route), return_counts=True)
        self._program.addCol(
            float(self._instance.cost([route])), 0.0, highspy.kHighsInf, len(customers),
            (customers - 1).astype(np.int32), times.astype(np.float64),
        )  # fmt: skip
        return True

    def step(self, seconds: float) -> None:
        """Solve the program once, price routes, and add those that it lacks.

        Args:
            seconds: after which a solution is given up.
        """
        if not self._program.solve(seconds):
            self.done = True
            return
        prices = np.concatenate([[0.0], self._program.getSolution().row_dual])
        if self._priced(_KEPT * self._centre + (1 - _KEPT) * prices, prices):
            return
        # The middle has nothing new: ask the program's own prices.
        self.done = not self._priced(prices, prices)

    def _priced(self, prices: Floats, wanted: Floats) -> bool:
        # Note what prices prove; add routes; return whether some are worth it by `wanted` prices.
        instance, labels, last = self._instance, self._labels, self._last
        self._note(prices)
        found, least = False, 1.0
        for node in np.argsort(last[:, 0], kind="stable")[:_ADDED].tolist():
            if last[node, 0] >= 0:
                break
            route = route_to(labels, node, int(last[node, 1]))
            cost = instance.cost([route])
            least = min(least, cost / float(prices[route].sum()))
            found |= self._add(route) and cost < wanted[route].sum() - 1e-6
        self._rounds += 1
        if self._rounds % _SCALED == 0 and least < 1.0:
            self._note(_MARGIN * least * prices)  # so that hardly a route costs less (Farley 1990)
        return found

    def _note(self, prices: Floats) -> None:
        # Fill the labels; keep the prices if they prove more than any so far.
        whole = np.rint(prices * UNIT).astype(np.int64).tolist()
        bound = proven_by_prices(self._instance, whole, self._width, self._labels, self._last)
        if bound > self.best.bound:
            none = (0,) * self._instance.num_nodes
            self.best = Multipliers(none, (), bound, tuple(whole), self._width)
            self._centre = prices

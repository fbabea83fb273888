"""Why no route may visit a customer: a smallest set of reasons, proved by z3 twice.

z3 is asked of one route at a time, and of what every route that visits the customer must satisfy:
the side constraints, and lower bounds from the shortest ways. What it refutes has no route at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import z3

from tesuji.domains.logistics.routing.instance import Integers
from tesuji.search.routing.side_constraints import SideConstraints, elements
from tesuji.search.symbolic.cores import Cores, SolverBudget, Verdict
from tesuji.search.symbolic.model import constants
from tesuji.search.symbolic.smt_text import claims, script
from tesuji.search.symbolic.terms import MAIN

Named = tuple[str, z3.BoolRef]


def shortest_from(distance: Integers, node: int) -> Integers:
    """Return the lengths `[N]` of the shortest ways from a node (Dijkstra 1959)."""
    length: Integers = distance[node].astype(np.int64)
    length[node] = 0
    left = np.ones(len(length), np.bool_)
    for _ in range(len(length)):
        near = int(np.argmin(np.where(left, length, np.iinfo(np.int64).max)))
        left[near] = False
        length = np.minimum(length, length[near] + distance[near])
    return length


class Refuter:
    """Asks of customers whether side constraints let any route visit them."""

    def __init__(self, side: SideConstraints, budget: SolverBudget | None = None) -> None:
        self._side = side
        self._budget = budget or SolverBudget()
        distance = side.instance.distance
        self._out = shortest_from(distance, 0)
        self._home = shortest_from(distance.T, 0)

    def reasons(self, node: int) -> tuple[str, ...]:
        """Return a smallest set of reasons why no route may visit a customer.

        Names of constraints, and words for what the instance says; empty where a route is known or
        nothing is proved.
        """
        instance = self._side.instance
        partner = np.flatnonzero(instance.delivery == node)
        first = int(partner[0]) if len(partner) else node
        alone = [n for n in (first, int(instance.delivery[first])) if n]
        vehicles = range(instance.num_vehicles if self._side.rules.fleet else 1)
        if not all(self._side.broken(alone, vehicle) for vehicle in vehicles):
            return ()
        with MAIN:
            named = [*self._side.constraints.items(), *self._facts(node)]
            text = claims([formula for _, formula in named])
            background = script(list(self._background(node)))
        cores = Cores(text, len(named), background, self._budget)
        verdict, core = cores.find()
        if verdict != Verdict.REFUSED or not cores.proved(core, ""):
            return ()
        return tuple(named[i][0] for i in core)

    def _customers(self, node: int) -> list[int]:
        # The customers that constraints name, and this one, in order.
        found = {node}
        for expression in self._side.constraints.values():
            found |= {index for _, index in elements(expression) if index is not None}
        return sorted(found)

    def _background(self, node: int) -> Iterator[z3.BoolRef]:
        # What is true of every route that visits the customer, whatever the instance.
        names = self._side.symbols
        x: Any = names.state
        used = {n for e in self._side.constraints.values() for n in constants(e)}
        for name in sorted(used | {"visits", "place", "begin", "stops", "load", "vehicle"}):
            yield from names.variables[name].bounds()
        yield from names.fix_parameters()
        customers = self._customers(node)
        for other in customers:
            yield (x.visits[other] == 1) == (x.place[other] >= 1)
            yield x.place[other] <= x.stops
            yield z3.Or(x.visits[other] == 1, x.begin[other] == 0)
        for i, a in enumerate(customers):
            yield from (z3.Or(x.place[a] != x.place[b], x.place[a] == 0) for b in customers[:i])
        yield x.stops >= z3.Sum([x.visits[other] for other in customers])
        yield x.visits[node] == 1

    def _facts(self, node: int) -> Iterator[Named]:
        # What the instance says of a route that visits the customer.
        instance, x = self._side.instance, self._side.symbols.state
        way = int(self._out[node] + self._home[node])
        yield f"the way to customer {node} and back ({way / instance.scale:g})", x.length >= way
        service = int(instance.service[node])
        begin = max(int(instance.earliest[node]), int(instance.earliest[0] + self._out[node]))
        if instance.has_windows or service:
            yield (
                f"the window of customer {node}",
                z3.And(x.begin[node] >= begin, x.begin[node] <= int(instance.latest[node])),
            )
        yield (
            f"the way home from customer {node}",
            x.back >= x.begin[node] + service + int(self._home[node]),
        )
        yield f"the time for customer {node}", x.duration >= way + service
        wanted = [
            int(instance.demand[other]) * x.visits[other]
            for other in self._customers(node)
            if instance.demand[other] > 0
        ]
        yield "what the customers want", x.load >= z3.Sum([z3.IntVal(0), *wanted])
        if not instance.has_pairs:
            yield f"the capacity ({instance.capacity})", x.load <= instance.capacity

"""A lower bound of routing: a linear program over edges with rounded capacity cuts.

What comes out of floats is only a proposal, multipliers of the degree equations and of the cuts;
what they prove is computed in integers (`duality.py`). Needs highspy, the extra `logistics`.
"""

from __future__ import annotations

from collections.abc import Sequence

import highspy
import numpy as np

from tesuji.domains.logistics.routing.instance import Floats, Integers, RoutingInstance
from tesuji.search.linear_program import make_program
from tesuji.search.routing.cuts import vehicles, violated_sets
from tesuji.search.routing.duality import UNIT, Multipliers, demands_of, drivable, proven_bound

_NEAR = 10  # edges of each customer to begin with
_MORE = 200  # edges or cuts that enter at once
_SLACK = 1e-4


class CutBound:
    """The linear program, round by round.

    Attributes:
        best: the multipliers that prove most so far.
        done: whether no round will prove more.
    """

    def __init__(self, instance: RoutingInstance, routes: Sequence[Sequence[int]] = ()) -> None:
        """Set up the program without cuts.

        Args:
            instance: what has to be driven.
            routes: whose edges are in it from the start.
        """
        self._instance = instance
        self._demand = demands_of(instance)
        self._length = np.minimum(instance.distance, instance.distance.T)
        self._possible = drivable(instance)
        self._cuts: list[tuple[int, ...]] = []
        self._members = np.zeros((0, instance.num_nodes), np.bool_)
        self._program = make_program()
        self._round = 0
        self.done = False
        self.best = Multipliers((0,) * instance.num_nodes, (), 0)
        self._program.add_rows(instance.num_nodes - 1, 2.0, 2.0)
        self._edges = np.zeros((0, 2), np.int64)
        self._add_edges(self._first_edges(routes))
        self._add_cut(tuple(range(1, instance.num_nodes)))

    def _first_edges(self, routes: Sequence[Sequence[int]]) -> Integers:
        nodes = self._instance.num_nodes
        wanted = np.zeros((nodes, nodes), np.bool_)
        wanted[0] = True
        apart = np.where(self._possible, self._length, np.iinfo(np.int64).max)
        near = np.argsort(apart, axis=1, kind="stable")[:, :_NEAR]
        wanted[np.arange(nodes)[:, None], near] = True
        for route in routes:
            wanted[list(route[:-1]), list(route[1:])] = True
        wanted = (wanted | wanted.T) & self._possible
        return np.argwhere(np.triu(wanted))

    def _add_edges(self, edges: Integers) -> None:
        # Rows 0 to N - 2 are the customers' degrees, then the cuts.
        for a, b in edges.tolist():
            inside = np.flatnonzero(self._members[:, a] & self._members[:, b])
            ends = [b - 1] if a == 0 else [a - 1, b - 1]
            rows = np.concatenate([ends, inside + self._instance.num_nodes - 1]).astype(np.int32)
            cost, most = float(self._length[a, b]), 2.0 if a == 0 else 1.0
            self._program.addCol(cost, 0.0, most, len(rows), rows, np.ones(len(rows)))
        self._edges = np.concatenate([self._edges, edges])

    def _add_cut(self, members: tuple[int, ...]) -> None:
        row = np.zeros((1, self._instance.num_nodes), np.bool_)
        row[0, list(members)] = True
        self._cuts.append(members)
        self._members = np.concatenate([self._members, row])
        edges = np.flatnonzero(row[0][self._edges].all(axis=1)).astype(np.int32)
        needed = vehicles(self._demand[list(members)], self._instance.capacity)
        most = float(len(members) - needed)
        self._program.addRow(-highspy.kHighsInf, most, len(edges), edges, np.ones(len(edges)))

    def step(self, seconds: float) -> None:
        """Solve the program once, note what it proves, and add edges and cuts that it lacks.

        Args:
            seconds: after which a solution is given up.
        """
        if not self._program.solve(seconds):
            self.done = True
            return
        solution = self._program.getSolution()
        dual, value = np.array(solution.row_dual), np.array(solution.col_value)
        reduced = self._note(dual)
        self._round += 1
        missing = self._missing(reduced)
        self._add_edges(missing)
        weight = np.zeros_like(reduced)
        drawn = self._edges[: len(value)]
        weight[drawn[:, 0], drawn[:, 1]] = weight[drawn[:, 1], drawn[:, 0]] = value
        sets = violated_sets(weight, self._demand, self._instance.capacity, self._round)
        fresh = sorted(set(sets) - set(self._cuts))[:_MORE]
        for members in fresh:
            self._add_cut(members)
        self.done = not fresh and not len(missing)

    def _note(self, dual: Floats) -> Floats:
        # Round the multipliers, compute what they prove, return the reduced lengths [N, N].
        customers = self._instance.num_nodes - 1
        nodes = np.concatenate([[0.0], dual[:customers]])
        of_cut = np.maximum(-dual[customers:], 0.0)
        whole = np.rint(nodes * UNIT).astype(np.int64).tolist()
        used = [
            (members, round(value * UNIT))
            for members, value in zip(self._cuts, of_cut.tolist(), strict=True)
            if round(value * UNIT) > 0
        ]
        bound = proven_bound(self._instance, whole, used)
        if bound > self.best.bound:
            self.best = Multipliers(tuple(whole), tuple(used), bound)
        reduced: Floats = self._length - nodes[:, None] - nodes[None, :]
        for members, multiplier in used:
            reduced[np.ix_(members, members)] += multiplier / UNIT
        return reduced

    def _missing(self, reduced: Floats) -> Integers:
        # The edges that the program lacks and that would make its answer cheaper.
        lacks = np.triu(self._possible & (reduced < -_SLACK))
        lacks[self._edges[:, 0], self._edges[:, 1]] = False
        edges = np.argwhere(lacks)
        worst = np.argsort(reduced[edges[:, 0], edges[:, 1]], kind="stable")[:_MORE]
        return edges[worst]

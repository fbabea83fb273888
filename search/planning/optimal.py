"""A* with potentials: a search for a cheapest plan, or for a proof that none is cheaper.

What it proves it proves by having looked: unlike weights, that is no certificate.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.numeric import make_row
from tesuji.domains.logistics.pddl.successors import make_steps
from tesuji.search.planning.bounds import whole_costs
from tesuji.search.planning.nodes import larger, make_nodes, make_successors, twice
from tesuji.search.planning.optimal_kernels import (
    CLOSED,
    ENTRIES,
    FULL,
    GOAL,
    LEAST,
    NODES,
    Open,
    begin,
    make_potentials,
    run,
)
from tesuji.search.planning.proofs import BoundProof

_FIRST_NODES = 1 << 12
_QUOTA = 256  # nodes between looks at the clock, at first


class OptimalSearch:
    """Searches for a plan that is cheaper than a known one, or for a proof that there is none.

    Args:
        task: in finite-domain variables, without numbers and rules.
        proof: whose weights guide the search.
        upper: what the known plan costs.
        most_bytes: of nodes.

    Attributes:
        upper: only cheaper plans are sought; it may be lowered.
        bound: no plan costs less than this or than `upper`; both in units of the task's costs.
        plan: a cheapest plan, where it is cheaper than `upper`.
    """

    def __init__(
        self, task: FiniteDomain, proof: BoundProof, upper: float, most_bytes: int = 1 << 30
    ) -> None:
        cost, self._unit = whole_costs(task)
        self._step = max(1, int(np.gcd.reduce(cost, initial=0)))
        self._cost, self._most = cost // self._step, most_bytes
        self.upper, self.bound = upper, 0.0
        self.plan: tuple[int, ...] | None = None
        self._steps = make_steps(task)
        self._init = make_row(task.init, task.numeric.init)
        self._potentials = make_potentials(task, proof, proof.unit // self._unit, self._step)
        self._successors = make_successors(self._steps, len(self._init), self._init.dtype)
        words = -(-len(proof.landmarks) // 64)
        count = _FIRST_NODES
        while count < 2 * len(cost):
            count *= 2
        self._nodes = make_nodes(count, len(self._init), words, self._init.dtype)
        self._open = Open(
            np.zeros(self._below() + 1, np.int32), np.zeros(count, np.int32),
            np.zeros(count, np.int32),
        )  # fmt: skip
        self._counts = np.zeros(GOAL + 1, np.int64)
        self._counts[GOAL] = -1
        begin(self._steps, self._nodes, self._open, self._potentials, self._counts, self._init)

    def slices(self, slice_seconds: float = 0.05) -> Iterator[None]:
        """Search until `bound` meets `upper`, there is a plan or the memory is used up."""
        quota = _QUOTA
        while True:
            began = time.perf_counter()
            below = self._below()
            status = run(
                self._steps, self._nodes, self._open, self._potentials, self._cost,
                self._successors, self._counts, below, quota,
            )  # fmt: skip
            least = below if status == CLOSED else int(self._counts[LEAST])
            goal = int(self._counts[GOAL])
            if goal >= 0:
                self.plan, least = self._way(goal), int(self._nodes.cost[goal])
            self.bound = max(self.bound, min(least * self._step / self._unit, self.upper))
            if status == CLOSED or (status == FULL and not self._grow()):
                return
            quota = quota * 2 if time.perf_counter() - began < slice_seconds / 2 else quota
            yield

    def _below(self) -> int:
        """Return what plans must cost less than, in steps."""
        return math.ceil(self.upper * self._unit / self._step - 1e-6)

    def _way(self, node: int) -> tuple[int, ...]:
        found: list[int] = []
        while self._nodes.parent[node] >= 0:
            found.append(int(self._nodes.operator[node]))
            node = int(self._nodes.parent[node])
        return tuple(reversed(found))

    def _grow(self) -> bool:
        """Double the room; return whether the memory allows it."""
        if (
            2 * sum(array.nbytes for part in (self._nodes, self._open) for array in part)
            > self._most
        ):
            return False
        room, counts = len(self._successors.bits), self._counts
        if counts[NODES] + room > len(self._nodes.state):
            self._nodes = larger(self._nodes, int(counts[NODES]))
        if counts[ENTRIES] + room > len(self._open.node):
            self._open = self._open._replace(
                node=twice(self._open.node), next=twice(self._open.next)
            )
        return True

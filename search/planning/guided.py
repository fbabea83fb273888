"""Search for a plan that is guided by a learned model: greedy, Levin tree search, PHS*."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.numeric import make_row, no_numbers
from tesuji.domains.logistics.pddl.object_graph import Hashes, ObjectGraph
from tesuji.domains.logistics.pddl.successors import Steps, apply, make_steps
from tesuji.search.planning.colours import Colours, make_colours, make_model
from tesuji.search.planning.guided_arrays import Nodes, Queue, Room, Search
from tesuji.search.planning.guided_kernels import (
    ENTRIES,
    EVALUATED,
    EXHAUSTED,
    FOUND,
    FULL,
    GENERATED,
    GREEDY,
    LEVIN,
    NODES,
    PHS,
    SEEN,
    UNIT,
    differences,
    move,
    place,
    refill,
    run,
    start,
)
from tesuji.search.planning.nodes import twice
from tesuji.search.planning.planner import PlanStep, scaled_costs
from tesuji.search.planning.relaxation import make_relaxation

Order = Literal["greedy", "levin", "phs"]
ORDERS: dict[str, int] = {"greedy": GREEDY, "levin": LEVIN, "phs": PHS}
_QUOTA = 64  # nodes between looks at the clock, at first


class Ranking(NamedTuple):
    """A learned model of a domain: what each colour weighs, and how states are coloured."""

    colour: Hashes  # [m]
    weight: npt.NDArray[np.float32]  # [m]
    depth: int
    most: int


class Differences(NamedTuple):
    """In which colours the successors of a state differ from it."""

    operators: npt.NDArray[np.int32]  # [s] of each successor
    member: npt.NDArray[np.int32]  # [d] which successor
    colour: Hashes  # [d]
    sign: npt.NDArray[np.int8]  # [d] 1 where the successor has it, -1 where the state had it


class GuidedSearch:
    """Searches for one plan of a task.

    Args:
        task: in finite-domain variables.
        graph: its objects and atoms.
        ranking: values states; lower is nearer to the goal.
        order: of the queue.
        most_bytes: of nodes and queue; at the limit the search ends.
    """

    def __init__(
        self,
        task: FiniteDomain,
        graph: ObjectGraph,
        ranking: Ranking,
        order: Order = "greedy",
        most_bytes: int = 2 << 30,
    ) -> None:
        self.task = task
        self._most = most_bytes
        cost, _ = scaled_costs(task.cost)
        model = make_model(
            ranking.colour, np.rint(ranking.weight.astype(np.float64) * UNIT).astype(np.int64)
        )
        self._init = make_row(task.init, task.numeric.init)
        count, variables = len(task.cost), len(task.init)
        steps: Steps = make_steps(task)
        colours: Colours = make_colours(graph, model, variables, ranking.depth, ranking.most)
        judged = task if order == "phs" else _without_operators(task)
        self._search = Search(
            steps, colours, make_relaxation(judged, np.ones(len(judged.cost), np.int64)),
            cost, ORDERS[order], np.zeros(SEEN + 1, np.int64), np.zeros(1 << 12, np.uint64),
        )  # fmt: skip
        self._room = Room(
            np.zeros_like(self._init), np.zeros_like(self._init), np.zeros(count, np.int32),
            np.zeros(max(1, len(steps.switches.own)), np.int32), np.zeros(variables, np.int32),
            np.zeros(variables, np.int32), np.zeros(2 * variables, np.int32),
            np.zeros(2 * variables, np.uint8), np.zeros(count, np.int64), np.zeros(count, np.int32),
            np.zeros(1024, np.int32),
        )  # fmt: skip

        place(self._search, self._room, self._init)

    @property
    def evaluated(self) -> int:
        """Return how many states were valued."""
        return int(self._search.counts[EVALUATED])

    def steps(self, slice_seconds: float = 0.05) -> Iterator[PlanStep]:
        """Search until there is a plan or nothing is left; yield after each slice."""
        self._nodes = self._make_nodes(1 << 8)
        size = max(1 << 12, 2 * len(self.task.cost))
        self._queue = Queue(
            np.zeros(size, np.int64), np.zeros(size, np.int32), np.zeros(size, np.int32),
            np.zeros(size, np.float64),
        )  # fmt: skip
        self._grow()
        status = start(*self._arguments(), self._init)
        quota = _QUOTA
        while status != FOUND:
            began = time.perf_counter()
            status = run(*self._arguments(), quota)
            seconds = time.perf_counter() - began
            if seconds < slice_seconds / 2:
                quota = min(2 * quota, 1 << 20)
            elif seconds > slice_seconds:
                quota = max(quota // 2, 1)
            if status == EXHAUSTED or (status == FULL and not self._grow()):
                return
            if status != FOUND:
                yield self._step(None)
        yield self._step(self._plan())

    def value(self, state: npt.NDArray[Any]) -> float:
        """Return what the ranking says of `state` `[V]`; lower is nearer to the goal."""
        move(self._search, self._room, make_row(state, self.task.numeric.init))
        return float(self._search.colours.value[0]) / UNIT

    def differences(self, state: npt.NDArray[Any]) -> Differences:
        """Return in which colours each successor of `state` `[V]` differs from it."""
        room = 1 << 16
        while True:
            member, sign = np.zeros(room, np.int32), np.zeros(room, np.int8)
            colour = np.zeros(room, np.uint64)
            found, size = differences(
                self._search,
                make_row(state, self.task.numeric.init),
                self._room,
                member,
                colour,
                sign,
            )
            if size <= room:
                operators = self._room.entry[:found].copy()
                return Differences(operators, member[:size], colour[:size], sign[:size])
            room = 2 * size

    def states_of(self, plan: Sequence[int]) -> npt.NDArray[Any]:
        """Return the states that a plan goes through, the first among them `[n + 1, V]`."""
        states = np.zeros((len(plan) + 1, len(self._init)), self._init.dtype)
        states[0] = self._init
        for at, operator in enumerate(plan):
            apply(self._search.steps, operator, states[at], states[at + 1])
        return states[:, : len(self.task.init)]

    def _arguments(self) -> tuple[Any, ...]:
        return self._search, self._nodes, self._queue, self._room

    def _step(self, plan: tuple[int, ...] | None) -> PlanStep:
        counts = self._search.counts
        return PlanStep(plan, False, int(counts[EVALUATED]), int(counts[GENERATED]), 0)

    def _plan(self) -> tuple[int, ...]:
        node = int(self._search.counts[NODES]) - 1
        found: list[int] = []
        while self._nodes.parent[node] >= 0:
            found.append(int(self._nodes.operator[node]))
            node = int(self._nodes.parent[node])
        return tuple(reversed(found))

    def _make_nodes(self, count: int) -> Nodes:
        return Nodes(
            np.zeros((count, len(self._init)), self._init.dtype), np.zeros(count, np.int32),
            np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros(count, np.int64),
            np.zeros(count, np.float64),
        )  # fmt: skip

    def _grow(self) -> bool:
        """Double what is full; return whether the memory allows it."""
        counts, room = self._search.counts, len(self._room.applicable)
        used = sum(array.nbytes for part in (self._nodes, self._queue) for array in part)
        if 2 * (used + self._search.seen.nbytes) > self._most:
            return False
        if counts[NODES] + 1 >= len(self._nodes.state):
            self._nodes = Nodes(*(twice(array) for array in self._nodes))
        if counts[ENTRIES] + room > len(self._queue.key):
            self._queue = Queue(*(twice(array) for array in self._queue))
        old = self._search.seen
        size = len(old)
        while 2 * (counts[SEEN] + room) > size:
            size *= 2
        if size > len(old):
            self._search = self._search._replace(seen=np.zeros(size, np.uint64))
            refill(self._search, old)
        return True


def _without_operators(task: FiniteDomain) -> FiniteDomain:
    """Return a task of which nothing has to be relaxed."""
    none, start = np.zeros(0, np.int32), np.zeros(1, np.int32)
    return task._replace(
        before_start=start, before=none, effect_start=start, effect=none, when_start=start,
        when=none, cost=np.zeros(0), operator=none, numeric=no_numbers(0),
    )  # fmt: skip

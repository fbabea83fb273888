"""Anytime planning: greedy search first, then weighted A* with smaller and smaller weights."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain, classical
from tesuji.domains.logistics.pddl.numeric import STATE, make_row
from tesuji.domains.logistics.pddl.successors import make_steps
from tesuji.search.planning.best_first import (
    BEST,
    BEST_LANDMARKS,
    COUNTER,
    EVALUATED,
    EXHAUSTED,
    FOUND,
    FULL,
    GENERATED,
    GOAL,
    NODES,
    RUNNING,
    Control,
    begin,
    make_scratch,
    run,
)
from tesuji.search.planning.improvement import PlanImprovement
from tesuji.search.planning.landmarks import find_landmarks
from tesuji.search.planning.nodes import Queue, larger, make_nodes, make_queue, twice
from tesuji.search.planning.novelty import NoveltySearch
from tesuji.search.planning.relaxation import DEAD_END, make_relaxation

WEIGHTS = (0, 5, 3, 2, 1)  # greedy search first; LAMA's sequence
_NO_BOUND = np.iinfo(np.int64).max // 4
_QUOTA = 1  # states between looks at the clock, at first
_START_NODES, _START_QUEUE = 1 << 12, 1 << 15


class PlanStep(NamedTuple):
    """What a slice of the search brought."""

    plan: tuple[int, ...] | None  # operators, where this slice found a better plan
    exhausted: bool  # nothing is left that is better than the best plan: it is optimal
    evaluated: int  # states so far
    generated: int
    weight: int


def scaled_costs(cost: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], float]:
    """Return whole costs and what one of them is worth; thousandths where costs are fractions."""
    whole = np.rint(cost)
    if np.array_equal(whole, cost):
        return whole.astype(np.int64), 1.0
    return np.rint(cost * 1000.0).astype(np.int64), 1e-3


class PlanSearch:
    """Searches for better and better plans of one task.

    Args:
        task: in finite-domain variables.
        most_bytes: of nodes and queues; at the limit the search goes on to the next weight.
        novelty: whether a search by novelty takes turns with this one until there is a plan.
    """

    def __init__(
        self, task: FiniteDomain, most_bytes: int = 3 << 30, novelty: bool = False
    ) -> None:
        self.task = task
        self.cost, self.unit = scaled_costs(task.cost)
        self._most = most_bytes
        self._steps = make_steps(task)
        # One more for each operator, so that short plans of free operators count as better.
        unit = bool(len(self.cost)) and bool((self.cost == self.cost[0]).all())
        judged = np.ones_like(self.cost) if unit else self.cost + 1
        self._relaxation = make_relaxation(task, judged)
        plain = classical(task)
        relaxed = self._relaxation if plain is task else make_relaxation(plain, judged)
        self._landmarks = find_landmarks(plain, relaxed)
        self._init = make_row(task.init, task.numeric.init)
        self._scratch = make_scratch(len(self._init), len(task.cost), len(self._steps.switches.own))
        self._is_classical = plain is task  # numbers and rules are left to the restarts
        self._novelty: NoveltySearch | None = None
        if novelty and self._is_classical:
            self._novelty = NoveltySearch(self._steps, self._relaxation, self._init, self._scratch)
        self.improvement: PlanImprovement | None = None  # from the first plan on
        self.bound = np.array([_NO_BOUND], np.int64)
        self._control = Control(np.zeros(COUNTER + 1, np.int64), 0, self.bound, self.cost)
        self._weight = WEIGHTS[0]
        self.evaluated = self.generated = 0

    def steps(
        self, slice_seconds: float = 0.05, plan: Sequence[int] | None = None
    ) -> Iterator[PlanStep]:
        """Search on and on; yield after each slice, and last when nothing better is left.

        From the first plan on, restarts with smaller weights get a third of the time, improvement
        of the best plan the rest. With a `plan` only better ones are looked for.
        """
        restarts: Iterator[PlanStep] = self._restarts(slice_seconds)
        if self._novelty is not None and plan is None:
            restarts = self._in_turns(self._novelty, restarts, slice_seconds)
        rounds: Iterator[bool] | None = None
        if plan is not None:
            self.bound[0] = min(self.bound[0], self.cost[list(plan)].sum())
            rounds = self._rounds(plan)
        ahead = 0.0  # how much more of its share the improvement has had
        while True:
            began = time.perf_counter()
            if rounds is not None and ahead <= 0:
                better = next(rounds, None)
                if better is None:
                    rounds, ahead = None, float("-inf")
                    continue
                ahead += (time.perf_counter() - began) / 2
                yield self._step(self._improved() if better else None, self._weight)
                continue
            step = next(restarts, None)
            ahead -= time.perf_counter() - began
            if step is None and rounds is None:
                return
            if step is None:
                ahead = float("-inf")
                continue
            yield step
            if step.exhausted:
                return
            if step.plan is not None and self._is_classical:
                rounds, ahead = self._rounds(step.plan), max(ahead, 0.0)
                yield self._step(self._improved(), self._weight)

    def _rounds(self, plan: Sequence[int]) -> Iterator[bool] | None:
        """Have a plan improved."""
        if not self._is_classical:
            return None
        if self.improvement is None:
            self.improvement = PlanImprovement(
                self.task, self._steps, self._relaxation, self.cost, self._scratch
            )
        self.improvement.take(plan)
        return self.improvement.rounds()

    def _improved(self) -> tuple[int, ...] | None:
        """Return the improvement's plan where it is the best so far."""
        if self.improvement is None:
            return None
        plan = self.improvement.plan
        cost = int(self.cost[plan].sum())
        if cost >= self.bound[0]:
            return None
        self.bound[0] = cost
        return tuple(plan.tolist())

    def _in_turns(
        self, novelty: NoveltySearch, restarts: Iterator[PlanStep], slice_seconds: float
    ) -> Iterator[PlanStep]:
        """Let a search by novelty and the restarts take turns until there is a plan."""
        slices, ahead = novelty.slices(slice_seconds), 0.0  # how much more time novelty has had
        while True:
            began = time.perf_counter()
            step = next(restarts, None)
            ahead -= time.perf_counter() - began
            if step is None:
                return
            yield step
            found = None
            if step.plan is None and ahead <= 0:
                began = time.perf_counter()
                found = next(slices, None)
                ahead += time.perf_counter() - began
            if found is not None:
                self.bound[0] = self.cost[list(found)].sum()
                yield self._step(found, self._weight)
            if found is not None or step.plan is not None:
                yield from restarts
                return

    def _restarts(self, slice_seconds: float) -> Iterator[PlanStep]:
        for self._weight in WEIGHTS:
            status = yield from self._search(self._weight, slice_seconds)
            if status == EXHAUSTED:
                yield self._step(None, self._weight, exhausted=True)
                return

    def _search(self, weight: int, slice_seconds: float) -> Generator[PlanStep, None, int]:
        self._allocate(_START_NODES, _START_QUEUE)
        self._control = Control(np.zeros(COUNTER + 1, np.int64), weight, self.bound, self.cost)
        self._control.counts[BEST] = self._control.counts[BEST_LANDMARKS] = DEAD_END
        begin(self._steps, self._nodes, self._landmarks, self._control, self._init)
        status, quota = RUNNING, _QUOTA
        while True:
            if status == FOUND:
                yield self._step(self._plan(), weight)
                if weight != 1:
                    break
            began = time.perf_counter()
            status = run(*self._arguments(), quota)
            seconds = time.perf_counter() - began
            if seconds < slice_seconds / 2:
                quota = min(2 * quota, 1 << 20)
            elif seconds > slice_seconds:
                quota = max(quota // 2, 1)
            if status == EXHAUSTED:
                break
            if status == FULL and not self._grow():
                break
            if status != FOUND:
                yield self._step(None, weight)
        self.evaluated += int(self._control.counts[EVALUATED])
        self.generated += int(self._control.counts[GENERATED])
        self._control.counts[:] = 0
        return int(status)

    def _arguments(self) -> tuple[Any, ...]:
        return (
            self._steps, self._nodes, self._queues, self._relaxation, self._landmarks,
            self._control, self._scratch,
        )  # fmt: skip

    def _step(self, plan: tuple[int, ...] | None, weight: int, exhausted: bool = False) -> PlanStep:
        counts = self._control.counts
        apart = 0 if self.improvement is None else self.improvement.evaluated
        generated = self.generated + int(counts[GENERATED])
        if self._novelty is not None:
            apart += self._novelty.evaluated
            generated += self._novelty.generated
        return PlanStep(
            plan, exhausted, self.evaluated + int(counts[EVALUATED]) + apart, generated, weight
        )

    def _plan(self) -> tuple[int, ...]:
        node = int(self._control.counts[GOAL])
        found: list[int] = []
        while self._nodes.parent[node] >= 0:
            found.append(int(self._nodes.operator[node]))
            node = int(self._nodes.parent[node])
        self.bound[0] = min(self.bound[0], self.cost[found].sum() if found else 0)
        return tuple(reversed(found))

    def _allocate(self, num_nodes: int, size: int) -> None:
        self._nodes = make_nodes(num_nodes, len(self._init), self._landmarks.before.shape[1], STATE)
        size = max(size, 4 * len(self.task.cost))
        self._queues = make_queue(size), make_queue(size), make_queue(size), make_queue(size)

    def _grow(self) -> bool:
        """Double what is full; return whether the memory allows it."""
        room = len(self._scratch.applicable)
        used = sum(array.nbytes for part in (self._nodes, *self._queues) for array in part)
        if 2 * used > self._most:
            return False
        count = int(self._control.counts[NODES])
        if count + len(self._scratch.followed) >= len(self._nodes.state):
            self._nodes = larger(self._nodes, count)
        one, two, three, four = (
            queue if queue.size[0] + room <= len(queue.key) else _larger(queue)
            for queue in self._queues
        )
        self._queues = one, two, three, four
        return True


def _larger(queue: Queue) -> Queue:
    return queue._replace(
        key=twice(queue.key), node=twice(queue.node), operator=twice(queue.operator)
    )

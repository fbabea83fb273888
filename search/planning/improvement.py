"""Improvement of a plan: steps it can do without, windows searched anew, goals put in elsewhere.

The steps of a plan can mostly come in many orders. Each sweep takes one that lays together what
belongs together, by variable or by goal (Siddiqui & Haslum 2015), and searches a cheaper way for
one window of it after the other: from the state where it begins to the facts that the rest of the
plan needs. When a round of sweeps finds nothing, windows get longer and searches larger.
Reinsertion takes out a few goals and puts them in where it costs least, at once or one after the
other; now and then it takes out half of them or more, and may leave a worse plan to go on from.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.numeric import STATE, make_row, row_size
from tesuji.domains.logistics.pddl.successors import Steps, make_steps
from tesuji.search.planning.best_first import Scratch, make_scratch
from tesuji.search.planning.nodes import make_nodes, make_queue
from tesuji.search.planning.plan_order import (
    dependencies,
    eliminate,
    goal_ranks,
    goal_steps,
    reorder,
    trace,
)
from tesuji.search.planning.reinsertion import Variables, make_reinsertion
from tesuji.search.planning.relaxation import Relaxation, make_relaxation
from tesuji.search.planning.windows import needed_facts, search_window

_MAX_STATES = 1 << 12  # of one window
_MAX_WORK = 40_000_000  # relaxed operators times states of one window
_QUEUE = 1 << 18
_FIRST_LENGTH, _FIRST_STATES = 6, 64
_LONGER = 1.5
_MAX_STEPS = 3000  # of plans; the tables of dependencies grow with the square
_MAX_TRIED = 200_000
_MAX_FAILURES = 2000  # reinsertions without success, one after the other
_WEIGHTS = (2, 5)  # of the heuristic, in turn by chance
_TOGETHER = 0.5  # of the reinsertions of a few goals put them in at once
_MOST_TOGETHER = 3
_STATES_A_STEP = 8  # of the rest, judged by a reinsertion at first
_PATIENCE = 50  # reinsertions without a new best plan before one that may make it worse
_WORSE = 0.15
_RANDOM = 0.3  # of the reinsertions take goals that have nothing to do with each other


class PlanImprovement:
    """Searches for cheaper plans near the best one.

    Args:
        task: in finite-domain variables.
        steps: of the task.
        relaxation: of the task; its room is used between yields only.
        cost: whole costs of the operators.
        scratch: room for one expansion.
        seed: of offsets and orders.
    """

    def __init__(
        self, task: FiniteDomain, steps: Steps, relaxation: Relaxation, cost: npt.NDArray[np.int64],
        scratch: Scratch, seed: int = 0,
    ) -> None:  # fmt: skip
        self._task, self._steps = task, steps
        self._variables = Variables(task)
        # Among plans of the same cost, those with fewer free steps.
        self._cost = cost * 1000 + 1 if bool((cost == 0).any()) else cost
        self._relaxation = relaxation._replace(cost=self._cost[relaxation.operator])
        self._scratch = scratch
        self._init = make_row(task.init, task.numeric.init)
        self._rng = np.random.default_rng(seed)
        self._nodes = make_nodes(_MAX_STATES, len(self._init), 1, STATE)
        self._nodes_along = make_nodes(_MAX_STATES, row_size(len(task.init) + 1), 1, STATE)
        self._queue = make_queue(_QUEUE)
        self._needed = np.zeros(len(task.atom), np.uint8)
        self._out = np.zeros(_MAX_STATES, np.int32)
        most = _MAX_WORK // max(1, len(relaxation.operator))
        self._max_states = min(max(most, _FIRST_STATES), _MAX_STATES)
        self._tried: dict[int, int] = {}
        self._version = 0
        self.plan: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._current = self.plan
        self.evaluated = 0

    def take(self, plan: Sequence[int]) -> None:
        """Go on from another plan, without the steps that it can do without."""
        self._go_on(np.array(plan, np.int64))
        self.plan = self._current

    def _go_on(self, plan: npt.NDArray[np.int64]) -> bool:
        """Search around a plan from now on; return whether it is the best."""
        self._current = self._without(plan, self._steps)
        self._version += 1
        return self._keep()

    def _keep(self) -> bool:
        """Keep the current plan if it is the best."""
        better = bool(self._cost[self._current].sum() < self._cost[self.plan].sum())
        if better:
            self.plan = self._current
        return better

    def rounds(self) -> Iterator[bool]:
        """Search; yield after each attempt whether `plan` became better; end when all is tried.

        Windows and reinsertions get equal time.
        """
        sources = [self._windows(), self._reinsertions()]
        seconds = [0.0, 0.0]
        while sources and 0 < len(self.plan) <= _MAX_STEPS:
            chosen = int(np.argmin(seconds))
            began = time.perf_counter()
            better = next(sources[chosen], None)
            seconds[chosen] += time.perf_counter() - began
            if better is None:
                del sources[chosen], seconds[chosen]
            else:
                yield better

    def _windows(self) -> Iterator[bool]:
        level, version = 0, self._version
        while True:
            if version != self._version:
                level, version = 0, self._version
            length = int(_FIRST_LENGTH * _LONGER**level)
            limit = min(_FIRST_STATES << level, self._max_states)
            improved = tried = False
            for order in (self._as_it_is, self._by_variable, self._by_goal):
                better, some = yield from self._sweep(order(), length, limit)
                improved |= better
                tried |= some
            if improved:
                continue
            if length <= 2 * len(self._current) or limit < self._max_states:
                level += 1
            elif not tried:
                return

    def _reinsertions(self) -> Iterator[bool]:
        failures = 0
        while failures < _MAX_FAILURES:
            if failures % _PATIENCE == _PATIENCE - 1:
                self._current = self.plan
                better = self._reinsert(failures, _WORSE)
            else:
                better = self._reinsert(failures % _PATIENCE)
            failures = 0 if better else failures + 1
            yield better

    def _reinsert(self, failures: int, worse: float = 0.0) -> bool:
        """Take some goals out of the plan and put them in at the least cost, at once or in turn.

        The plan may become `worse` by that share; then at least half of the goals are taken.
        Return whether a new best plan was found.
        """
        goals = self._steps.goal
        most = min(2 + failures // len(goals), len(goals))
        plan = self._by_variable() if self._rng.random() < 0.5 else self._current
        count = int(self._rng.integers(most)) + 1
        if worse:
            count = int(self._rng.integers((len(goals) + 1) // 2, len(goals) + 1))
        chosen = self._neighbours(plan, count)
        reached = np.delete(goals, chosen)
        rest = self._without(plan, self._steps._replace(goal=reached))
        cost = int(self._cost[plan].sum() * (1.0 + worse))
        if cost == self._cost[rest].sum():
            return False
        together = count if count <= _MOST_TOGETHER and self._rng.random() < _TOGETHER else 1
        chosen = self._rng.permutation(chosen)
        states = _STATES_A_STEP * (len(rest) + _FIRST_STATES) << (failures // (4 * len(goals)))
        for first in range(0, count, together):
            group = goals[chosen[first : first + together]]
            reached = np.concatenate([reached, group])
            near = self._variables.around(group.astype(np.int64), plan, self._rng)
            longer = self._insert(rest, near, reached, cost, min(states, _MAX_STATES))
            if longer is None:
                return False
            rest = longer
        return self._go_on(rest)

    def _insert(
        self, rest: npt.NDArray[np.int64], near: npt.NDArray[np.bool_],
        goals: npt.NDArray[np.int32], most: int, limit: int,
    ) -> npt.NDArray[np.int64] | None:  # fmt: skip
        """Return a plan along `rest` for `goals` that costs below `most`; None if none is found."""
        task = self._task._replace(goal=goals)
        found = make_reinsertion(task, self._cost, rest, self._variables, near)
        steps = make_steps(found.task)
        relaxation = make_relaxation(found.task, found.cost)
        init = make_row(found.task.init, found.task.numeric.init)
        scratch = make_scratch(len(init), len(found.cost), len(steps.switches.own))
        better, size, judged = search_window(
            steps, relaxation, self._nodes_along, self._queue, found.cost, scratch, init,
            most - int(self._cost[rest].sum()), int(self._rng.choice(_WEIGHTS)), limit, self._out,
        )  # fmt: skip
        self.evaluated += int(judged)
        return found.plan(self._out[:size][::-1].astype(np.int64)) if better else None

    def _neighbours(self, plan: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
        """Return places of `count` goals: one at random, and those reached next to it or others."""
        goals = self._steps.goal
        reached = np.zeros(len(goals))
        goal_steps(self._steps, plan, reached)
        first = int(self._rng.integers(len(goals)))
        distance = np.abs(reached - reached[first]) * self._rng.random(len(goals))
        if self._rng.random() < _RANDOM:
            distance = self._rng.random(len(goals))
        distance[first] = -1.0
        return np.argsort(distance, kind="stable")[:count]

    def _without(self, plan: npt.NDArray[np.int64], steps: Steps) -> npt.NDArray[np.int64]:
        """Return a plan without steps that `steps.goal` does not need."""
        kept = np.zeros(len(plan), np.uint8)
        eliminate(steps, plan, self._init, self._states(len(plan) + 1), kept)
        return plan[kept.astype(np.bool_)]

    def _states(self, size: int) -> npt.NDArray[Any]:
        return np.zeros((size + 1, len(self._init)), self._init.dtype)

    def _as_it_is(self) -> npt.NDArray[np.int64]:
        return self._current

    def _by_variable(self) -> npt.NDArray[np.int64]:
        return self._reordered(self._rng.random(len(self._current)), chain=True)

    def _by_goal(self) -> npt.NDArray[np.int64]:
        return self._reordered(None, chain=False)

    def _reordered(
        self, priority: npt.NDArray[np.float64] | None, chain: bool
    ) -> npt.NDArray[np.int64]:
        size = len(self._current)
        after, shared = np.zeros((size, size), np.uint8), np.zeros((size, size), np.uint8)
        dependencies(self._steps, self._current, after, shared)
        if priority is None:
            rank = self._rng.permutation(len(self._steps.goal)).astype(np.float64)
            priority = np.zeros(size)
            reached = np.zeros(len(rank))
            goal_steps(self._steps, self._current, reached)
            goal_ranks(reached, after, rank, priority)
        order = np.zeros(size, np.int64)
        reorder(after, shared, priority, chain, order)
        return self._current[order]

    def _sweep(
        self, plan: npt.NDArray[np.int64], length: int, limit: int
    ) -> Generator[bool, None, tuple[bool, bool]]:
        """Search the windows of one order; return whether any was better, any was new."""
        version = self._version
        improved = tried = False
        stride = max(1, length // 2)
        begin = -int(self._rng.integers(stride))
        while begin < len(plan):
            low, high = max(begin, 0), min(begin + length, len(plan))
            segment = self._window(plan, low, high, limit)
            begin += stride
            if segment is None:
                continue
            tried = True
            better = bool(self._cost[segment].sum() < self._cost[plan[low:high]].sum())
            if better:
                improved = True
                plan = np.concatenate([plan[:low], segment, plan[high:]])
                self._current = plan
                begin -= stride
            yield self._keep()
            if self._version != version:
                return True, True
        return improved, tried

    def _window(
        self, plan: npt.NDArray[np.int64], low: int, high: int, limit: int
    ) -> npt.NDArray[np.int64] | None:
        """Return a cheaper way through a window, or its own; None where that was tried before."""
        bound = int(self._cost[plan[low:high]].sum())
        states = self._states(len(plan))
        trace(self._steps, plan, self._init, states)
        needed_facts(self._steps, plan, states, high, self._needed)
        goal = np.flatnonzero(self._needed).astype(np.int32)
        key = hash((states[low].tobytes(), goal.tobytes(), bound))
        if self._tried.get(key, 0) >= limit:
            return None
        if len(self._tried) >= _MAX_TRIED:
            self._tried.clear()
        self._tried[key] = limit
        weight = int(self._rng.choice(_WEIGHTS))
        better, size, judged = search_window(
            self._steps._replace(goal=goal), self._relaxation._replace(goal=goal), self._nodes,
            self._queue, self._cost, self._scratch, states[low], bound, weight, limit, self._out,
        )  # fmt: skip
        self.evaluated += int(judged)
        if better:
            return self._out[:size][::-1].astype(np.int64)
        return plan[low:high]

"""Following an old plan as far as it goes, and bridging its gaps by search.

Where a step cannot be done, a plan is sought from the state at hand to what the rest of the old
plan needs: its conditions, taken back step by step from the goal (regression).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.numeric import make_row, numbers_of
from tesuji.domains.logistics.pddl.successors import applicable, apply, holds, make_steps
from tesuji.search.planning.planner import PlanSearch

Row = npt.NDArray[Any]


def follow(
    task: FiniteDomain,
    track: Sequence[Sequence[int]],
    intended: Sequence[Sequence[int]],
    is_over: Callable[[int], bool],
) -> list[int]:
    """Return operators that follow an old plan where they can and bridge its gaps.

    They need not reach the goal.

    Args:
        task: what is to be done now; bridges keep its costs low.
        track: for each step of the old plan the operators that do it; none where nothing does.
        intended: facts that each of those impossible steps was to make true.
        is_over: given how many states the search for a bridge has judged, says when to give up.
    """
    return _Follower(task, is_over).run(track, _needs(task, track, intended))


def _needs(
    task: FiniteDomain, track: Sequence[Sequence[int]], intended: Sequence[Sequence[int]]
) -> list[set[int]]:
    """Return what must hold before each step, and at the end, for the rest to go as it was."""
    limit = int(task.first[-1])
    needs = [set(task.goal.tolist())]
    for operators, hoped in zip(reversed(track), reversed(intended), strict=True):
        if not operators:
            needs.append({fact for fact in needs[-1] if fact < limit} - set(hoped))
            continue
        op = operators[0]
        made = set(task.effect[task.effect_start[op] : task.effect_start[op + 1]].tolist())
        asked = set(task.before[task.before_start[op] : task.before_start[op + 1]].tolist())
        needs.append({fact for fact in (needs[-1] - made) | asked if fact < limit})
    return needs[::-1]


class _Follower:
    def __init__(self, task: FiniteDomain, is_over: Callable[[int], bool]) -> None:
        self._task, self._is_over = task, is_over
        self._steps = make_steps(task)
        self._state = make_row(task.init, task.numeric.init)
        self._out = np.zeros(len(task.cost), np.int32)
        self._stack = np.zeros(len(self._steps.switches.own), np.int32)
        self._done: list[int] = []

    def run(self, track: Sequence[Sequence[int]], needs: Sequence[set[int]]) -> list[int]:
        for at, operators in enumerate(track):
            if self._can(operators) or (operators and self._bridge(needs[at], operators)):
                self._do(next(op for op in operators if op in self._applicable()))
            elif not self._holds(needs[at + 1]):
                self._bridge(needs[at + 1], None)
        if not self._holds(needs[-1]):
            self._bridge(needs[-1], None)
        return self._done

    def _applicable(self) -> Row:
        count = applicable(self._steps, self._state, self._out, self._stack)
        return self._out[:count]

    def _can(self, operators: Sequence[int]) -> bool:
        return bool(operators) and any(op in self._applicable() for op in operators)

    def _do(self, operator: int) -> None:
        after = np.zeros_like(self._state)
        apply(self._steps, operator, self._state, after)
        self._state = after
        self._done.append(operator)

    def _holds(self, facts: set[int]) -> bool:
        return all(holds(self._steps, fact, self._state) for fact in facts)

    def _bridge(self, facts: set[int], following: Sequence[int] | None) -> bool:
        """Reach `facts` if a plan is found in time; return whether one of `following` applies."""
        variables = [int(self._task.variable[fact]) for fact in facts]
        if len(set(variables)) < len(variables):
            return False  # what no state can have
        plan = self._search(facts)
        if plan is None:
            return False
        for operator in plan:
            self._do(operator)
        return following is not None and self._can(following)

    def _search(self, facts: set[int]) -> tuple[int, ...] | None:
        count = len(self._task.init)
        numeric = self._task.numeric
        if len(numeric.init):
            numeric = numeric._replace(init=numbers_of(self._state, count).copy())
        search = PlanSearch(
            self._task._replace(
                init=self._state[:count].astype(np.int32),
                goal=np.array(sorted(facts), np.int32),
                numeric=numeric,
            )
        )
        for step in search.steps():
            if step.plan is not None:
                return step.plan
            if step.exhausted or self._is_over(step.evaluated):
                break
        return None

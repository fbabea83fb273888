"""Mending a plan after a disruption, so that most of it stays."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import classical
from tesuji.domains.logistics.pddl.syntax import Atom, Task
from tesuji.domains.logistics.pddl.validation import PlanFault, Step, validate_plan
from tesuji.engine.plan_rules import PlanRules
from tesuji.engine.planning import UNREACHABLE, GroundTask, ground
from tesuji.engine.solving import Listener, SolveClock, SolveProgress
from tesuji.search.planning.bounds import lower_bound
from tesuji.search.planning.bridges import follow
from tesuji.search.planning.planner import PlanSearch
from tesuji.search.planning.repair import repair_task

_FOLLOW_SHARE = 0.4  # of the time, at most, to bridge the gaps of the old plan
_BRIDGE_STATES = 20_000  # that the search for a bridge may judge
_BOUND_SHARE = 0.2  # of the time, at most, for a lower bound
Line = tuple[Literal[" ", "-", "+"], Step]  # a step that stayed, went, or is new


@dataclass(frozen=True)
class Repair:
    """A mended plan, validated.

    Attributes:
        plan: its steps.
        cost: by the task's metric.
        lines: old and new plan together, in order.
        total: cost and changes.
    """

    plan: tuple[Step, ...]
    cost: float
    lines: tuple[Line, ...]
    total: float

    def steps(self, mark: str) -> list[Step]:
        """Return the steps that stayed (" "), went ("-") or are new ("+")."""
        return [step for own, step in self.lines if own == mark]


@dataclass(frozen=True)
class RepairAnswer:
    """What became of a plan.

    Attributes:
        status: `optimal` (no plan has a lower sum of cost and changes), `solved`, `unsolvable`, or
            `unknown`.
        best: None where there is none.
        change: what one change counts.
        bound: no plan has a lower sum; proven.
        reason: what was wrong with the old plan; why there is no new one.
        seconds: in all.
    """

    status: str
    best: Repair | None
    change: float
    bound: float
    reason: str
    seconds: float


def compare(old: Sequence[Step], new: Sequence[Step]) -> tuple[Line, ...]:
    """Return old and new steps in order, as many as possible staying (longest common sequence)."""
    best = np.zeros((len(old) + 1, len(new) + 1), np.int32)  # of what follows
    for i in range(len(old) - 1, -1, -1):
        for k in range(len(new) - 1, -1, -1):
            same = old[i] == new[k]
            best[i, k] = best[i + 1, k + 1] + 1 if same else max(best[i + 1, k], best[i, k + 1])
    lines: list[Line] = []
    i = k = 0
    while i < len(old) or k < len(new):
        if i < len(old) and k < len(new) and old[i] == new[k]:
            lines.append((" ", old[i]))
            i, k = i + 1, k + 1
        elif k == len(new) or (i < len(old) and best[i + 1, k] >= best[i, k + 1]):
            lines.append(("-", old[i]))
            i += 1
        else:
            lines.append(("+", new[k]))
            k += 1
    return tuple(lines)


def repair_plan(
    task: Task,
    old: Sequence[Step],
    clock: SolveClock,
    change: float | None = None,
    listener: Listener = lambda _: None,
    rules: PlanRules | None = None,
) -> Iterator[Repair | RepairAnswer]:
    """Yield each plan that is better than the last, and how the repair ended.

    Args:
        task: what is to be done now, after the disruption.
        old: the plan from before it.
        clock: when to stop.
        change: what one step that goes or comes counts; None for the mean cost of an action of
            the old plan.
        listener: told of the least sum of cost and changes, and of its lower bound.
        rules: what must hold besides.
    """
    grounded = ground(task, rules=rules)
    if grounded.operators.solvable:
        yield from _Search(grounded, old, clock, change, listener).answers()
        return
    found = change or 0.0, float("inf"), UNREACHABLE, clock.seconds()
    yield RepairAnswer("unsolvable", None, *found)


class _Search:
    def __init__(
        self,
        grounded: GroundTask,
        old: Sequence[Step],
        clock: SolveClock,
        change: float | None,
        listener: Listener,
    ) -> None:
        self._grounded, self._old = grounded, [tuple(step) for step in old]
        self._clock, self._listener = clock, listener
        names = [grounded.operators.action(int(op)) for op in grounded.variables.operator]
        cost = grounded.variables.cost
        of: dict[Step, list[int]] = {}
        for operator, name in enumerate(names):
            of.setdefault(name, []).append(operator)
        track = [of.get(step, []) for step in self._old]
        self._track = track
        self._change = _mean_cost(cost, track) if change is None else change
        self._changes = np.where([bool(name[0]) for name in names], self._change, 0.0)
        self._task, self._origin = repair_task(
            grounded.variables, track, self._changes, self._change
        )
        self._best: Repair | None = None
        self._bound, self._bounded = grounded.least, False
        self._reason = ""

    def answers(self) -> Iterator[Repair | RepairAnswer]:
        search = PlanSearch(self._task)
        for whole in (True, False):
            try:
                better = self._take(self._old if whole else self._followed())
            except PlanFault as fault:
                self._reason = self._reason or f"the old plan fails: {fault}"
                continue
            if better is not None:
                yield better
                break
        exhausted = False
        told = 0.0
        for step in search.steps():
            better = None if step.plan is None else self._take(self._named(step.plan))
            if better is not None:
                yield better
            if self._best is not None:
                if self._grounded.adds_up:
                    total = (self._best.total - self._grounded.least) / search.unit
                    search.bound[0] = min(int(search.bound[0]), int(np.ceil(total - 1e-6)))
                if not self._bounded:
                    self._bounded = True
                    seconds = _BOUND_SHARE * self._clock.budget.seconds
                    self._bound += lower_bound(classical(self._task), seconds)
            exhausted = step.exhausted
            if better is not None or time.monotonic() - told > 0.1:
                told = time.monotonic()
                self._listener(self._progress())
            if exhausted or self._clock.is_over(self._progress()):
                break
        yield self._last(exhausted)

    def _named(self, plan: Sequence[int]) -> list[Step]:
        own = [int(self._origin[op]) for op in plan]
        return list(self._grounded.steps([op for op in own if op >= 0]))

    def _followed(self) -> list[Step]:
        """Return a plan that follows the old one and bridges the gaps by search."""
        variables = self._grounded.variables
        judged = variables._replace(cost=variables.cost + self._changes)
        limit = _FOLLOW_SHARE * self._clock.budget.seconds

        def is_over(evaluated: int) -> bool:
            late = self._clock.seconds() > limit or self._clock.stop.is_set()
            return late or evaluated > _BRIDGE_STATES

        return list(self._grounded.steps(follow(judged, self._track, self._intended(), is_over)))

    def _intended(self) -> list[list[int]]:
        """Return which facts the impossible steps of the old plan were to make true."""
        operators, variables = self._grounded.operators, self._grounded.variables
        facts = np.flatnonzero(variables.atom >= 0)
        of = {operators.atom_name(int(variables.atom[fact])): int(fact) for fact in facts}
        actions = {action.name: action for action in self._grounded.task.actions}
        found: list[list[int]] = []
        for step, own in zip(self._old, self._track, strict=True):
            made: list[int] = []
            action = actions.get(step[0]) if not own else None
            if action is not None and len(action.parameters) == len(step) - 1:
                binding = dict(zip((v.name for v in action.parameters), step[1:], strict=True))
                for effect in action.effects:
                    if isinstance(effect.change, Atom) and not effect.variables:
                        terms = (binding.get(term, term) for term in effect.change.terms)
                        fact = of.get(str(Atom(effect.change.name, tuple(terms))))
                        made += [] if fact is None else [fact]
            found.append(made)
        return found

    def _take(self, plan: Sequence[Step]) -> Repair | None:
        """Return a plan as an answer if it is the best so far, after it is validated."""
        cost = validate_plan(self._grounded.task, plan)
        broken = self._grounded.rules and self._grounded.rules.broken(plan)
        if broken:
            raise PlanFault(f"it breaks {broken}")
        lines = compare(self._old, plan)
        total = cost + self._change * sum(mark != " " for mark, _ in lines)
        if self._best is not None and total >= self._best.total:
            return None
        self._best = Repair(tuple(plan), cost, lines, total)
        return self._best

    def _progress(self) -> SolveProgress:
        total = None if self._best is None else self._best.total
        return SolveProgress(total, self._bound, self._clock.seconds())

    def _last(self, exhausted: bool) -> RepairAnswer:
        reason = self._reason
        if self._best is not None:
            if exhausted and self._grounded.adds_up:
                self._bound = self._best.total
            status = "optimal" if self._best.total <= self._bound else "solved"
        else:
            status = "unsolvable" if exhausted else "unknown"
            reason = "every state that can be reached was seen" if exhausted else "the time is up"
        return RepairAnswer(
            status, self._best, self._change, self._bound, reason, self._clock.seconds()
        )


def _mean_cost(cost: npt.NDArray[np.float64], track: Sequence[Sequence[int]]) -> float:
    """Return what an action of a plan costs on average, rounded; 1 where that is nothing."""
    known = [float(cost[list(own)].min()) for own in track if own]
    mean = sum(known) / max(1, len(known))
    return float(round(mean)) if mean >= 1.0 else round(mean, 3) or 1.0

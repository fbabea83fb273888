"""Reinsertion: a plan without some goals, and the task to reach those on its way.

As routes are improved by taking customers out and putting them in elsewhere (Shaw 1998), here the
steps that only some goals need leave the plan. What is left must still be done step by step, at no
cost; between its steps other operators may come, at theirs. The cheapest way through that task
puts the goals back where they cost least.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.numeric import no_numbers, no_rules
from tesuji.domains.logistics.pddl.ragged import Ragged, starts

Numbers = npt.NDArray[np.int64]


class Reinsertion(NamedTuple):
    """The task to go along the rest of a plan; one more variable says how far one has come."""

    task: FiniteDomain
    cost: Numbers  # of its operators
    operator: Numbers  # of the first task, of each

    def plan(self, found: Numbers) -> Numbers:
        """Return a plan of this task as one of the first task."""
        return self.operator[found]


def make_reinsertion(
    task: FiniteDomain, cost: Numbers, rest: Numbers, useful: npt.NDArray[np.bool_]
) -> Reinsertion:
    """Return the task to reach all goals along `rest`.

    Args:
        task: the task, without numbers and rules.
        cost: whole costs of its operators.
        rest: `[m]` the operators of what is left of the plan; it is a plan for the other goals.
        useful: `[n]` operators that may come between.
    """
    kept = np.flatnonzero(useful)
    chosen = np.concatenate([kept, rest])
    num_facts = len(task.atom)
    place = num_facts + np.arange(len(rest))  # the facts of the new variable
    ours = np.arange(len(chosen)) >= len(kept)
    before = _ragged(task.before_start, task.before).take(chosen)
    before = before.with_more(Ragged(starts(ours.astype(np.int64)), place))
    old = _ragged(task.effect_start, task.effect)
    effects = old.take(chosen).with_more(Ragged(starts(ours.astype(np.int64)), place + 1))
    # The conditions of an operator's effects, and none for the new one behind them.
    when = _ragged(np.append(task.when_start, task.when_start[-1:]), task.when)
    at = Ragged(old.start, np.arange(len(old.values))).take(chosen)
    none = Ragged(starts(ours.astype(np.int64)), np.full(len(rest), len(old.values)))
    conditions = when.take(at.with_more(none).values)
    facts = num_facts + len(rest) + 1
    values = np.full(len(rest) + 1, len(task.init))
    whole = np.concatenate([task.first, [facts]])
    return Reinsertion(
        FiniteDomain(
            first=_small(whole), init=_small(np.append(task.init, 0)),
            goal=_small(np.append(task.goal, facts - 1)),
            before_start=_small(before.start), before=_small(before.values),
            effect_start=_small(effects.start), effect=_small(effects.values),
            when_start=_small(conditions.start), when=_small(conditions.values),
            cost=np.zeros(len(chosen)), variable=_small(np.concatenate([task.variable, values])),
            atom=_small(np.concatenate([task.atom, np.full(len(rest) + 1, -1)])),
            operator=_small(chosen), numeric=no_numbers(len(chosen)), rules=no_rules(len(chosen)),
        ),
        np.where(ours, 0, cost[chosen]),
        chosen,
    )  # fmt: skip


class GoalVariables:
    """What variables are to a task's goals."""

    def __init__(self, task: FiniteDomain) -> None:
        count, size = len(task.cost), len(task.init)
        owner = np.repeat(np.arange(count), np.diff(task.before_start))
        self._task = task
        self._changer = np.repeat(np.arange(count), np.diff(task.effect_start))
        self._changed = task.variable[task.effect]
        reads = owner * size + task.variable[task.before]
        looks = ~np.isin(reads, self._changer * size + self._changed)
        # Variables of goals that no operator looks at without changing them.
        self._private = np.zeros(size, np.bool_)
        self._private[task.variable[task.goal]] = True
        self._private[(reads % size)[looks]] = False
        self._private[task.variable[task.when]] = False

    def useful_operators(self, goals: Numbers) -> npt.NDArray[np.bool_]:
        """Return `[n]` the operators that leave alone what other goals than `goals` are about."""
        closed = self._private.copy()
        closed[self._task.variable[goals]] = False
        useful = np.ones(len(self._task.cost), np.bool_)
        useful[self._changer[closed[self._changed]]] = False
        return useful


def _ragged(start: npt.NDArray[np.int32], values: npt.NDArray[np.int32]) -> Ragged:
    return Ragged(start.astype(np.int64), values.astype(np.int64))


def _small(array: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    return array.astype(np.int32)

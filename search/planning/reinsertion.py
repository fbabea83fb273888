"""Reinsertion: a plan without some goals, and the task to reach those on its way.

As routes are improved by taking customers out and putting them in elsewhere (Shaw 1998), here the
steps that only some goals need leave the plan. What is left must still be done step by step, at no
cost; between its steps other operators may come, at theirs. The cheapest way through that task
puts the goals back where they cost least.

Mostly only some variables may change, say those of one or two trucks: then all steps that touch
none of them stay where they are, and neither they nor those variables are in the task.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.search.planning.track import track_task

Numbers = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
_ANYTHING = 0.2  # of the reinsertions may change any variable but other goals' own


class Reinsertion(NamedTuple):
    """The task to go along the rest of a plan; one more variable says how far one has come."""

    task: FiniteDomain
    cost: Numbers  # of its operators
    operator: Numbers  # of the first task, of those that may come between; the rest is after them
    parts: list[Numbers]  # the rest, cut before each step that is a step of this task's too

    def plan(self, found: Numbers) -> Numbers:
        """Return a plan of this task as one of the first task."""
        between = len(self.operator)
        return np.concatenate([
            self.parts[0],
            *(self.operator[op : op + 1] if op < between else self.parts[1 + op - between]
              for op in found.tolist()),
        ])  # fmt: skip


def make_reinsertion(
    task: FiniteDomain, cost: Numbers, rest: Numbers, variables: Variables, near: BoolArray
) -> Reinsertion:
    """Return the task to reach all goals along `rest`, projected to the variables `near`.

    Only operators that touch no other variables may come between. They do not meddle with the
    steps that touch none of `near`, so that those stay where they are in the rest.

    Args:
        task: the task, without numbers and rules.
        cost: whole costs of its operators.
        rest: `[m]` the operators of what is left of the plan; it is a plan for the other goals.
        variables: what the operators touch.
        near: `[V]` the variables that may be changed between.
    """
    kept = np.flatnonzero(~variables.touches(~near))
    on_track = variables.touches(near)[rest]
    track = rest[on_track]
    along = track_task(
        task, kept, track, np.arange(len(track)), len(track), skips=False, near=near
    )  # fmt: skip
    return Reinsertion(
        along,
        np.concatenate([cost[kept], np.zeros(len(track), np.int64)]),
        kept,
        np.split(rest, np.flatnonzero(on_track)),
    )


class Variables:
    """What variables are to a task's goals, and to each other."""

    def __init__(self, task: FiniteDomain) -> None:
        count, size = len(task.cost), len(task.init)
        owner = np.repeat(np.arange(count), np.diff(task.before_start))
        changer = np.repeat(np.arange(count), np.diff(task.effect_start))
        reads = owner * size + task.variable[task.before]
        changes = changer * size + task.variable[task.effect]
        lookers = np.repeat(changer, np.diff(task.when_start))
        looks = lookers * size + task.variable[task.when]
        self._task, self._size = task, count
        self._owner, self._touched = np.divmod(
            np.unique(np.concatenate([reads, changes, looks])), size
        )
        # Variables of goals that no operator looks at without changing them.
        self._private = np.zeros(size, np.bool_)
        self._private[task.variable[task.goal]] = True
        self._private[(reads % size)[~np.isin(reads, changes)]] = False
        self._private[task.variable[task.when]] = False
        self._part = self._parts()

    def _parts(self) -> Numbers:
        """Return `[V]` the same number for variables that are changed without a private one."""
        part = np.arange(len(self._private))
        aside = ~self.touches(self._private)[self._owner]
        owner, touched = self._owner[aside], self._touched[aside]
        while True:
            least = np.full(self._size, len(part))
            np.minimum.at(least, owner, part[touched])
            narrower = part.copy()
            np.minimum.at(narrower, touched, least[owner])
            if np.array_equal(part, narrower):
                return part
            part = narrower

    def touches(self, some: BoolArray) -> BoolArray:
        """Return `[n]` which operators read or change one of some variables `[V]`."""
        found = np.zeros(self._size, np.bool_)
        found[self._owner[some[self._touched]]] = True
        return found

    def open(self, goals: Numbers) -> BoolArray:
        """Return `[V]` the variables that no other goals than `goals` are about."""
        found = ~self._private
        found[self._task.variable[goals]] = True
        return found

    def around(self, goals: Numbers, plan: Numbers, rng: np.random.Generator) -> BoolArray:
        """Return `[V]` the variables of goals, and of what reaches them.

        That is what a plan's steps and one or two operators by chance use for it; sometimes, and
        where effects have conditions, all that no other goal is about.
        """
        if len(self._task.when) or rng.random() < _ANYTHING:
            return self.open(goals)
        found = np.zeros(len(self._private), np.bool_)
        found[self._task.variable[goals]] = True
        users = self.touches(found)
        used = np.zeros(self._size, np.bool_)
        used[plan[users[plan]]] = True
        used[rng.choice(np.flatnonzero(users), int(rng.integers(1, 3)))] = True
        shared = self._touched[used[self._owner] & ~self._private[self._touched]]
        return found | (np.isin(self._part, self._part[shared]) & ~self._private)

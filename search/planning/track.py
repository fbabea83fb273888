"""The task of going along a plan: one more variable says how much of it lies behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain, Small
from tesuji.domains.logistics.pddl.numeric import Numeric, Rules
from tesuji.domains.logistics.pddl.ragged import BoolArray, Numbers64, Ragged, starts


def track_task(
    task: FiniteDomain, between: Numbers64, follow: Numbers64, place: Numbers64, length: int,
    skips: bool, near: BoolArray | None = None,
) -> FiniteDomain:  # fmt: skip
    """Return the task to reach the goal and come to the end of a track.

    Its operators are those between the steps, those that follow the track and, with `skips`, one
    for each step that leaves it out, at no cost; in that order.

    Args:
        task: what is to be done.
        between: operators that may be put in anywhere.
        follow: operators that do a step of the track.
        place: `[len(follow)]` which step each does.
        length: steps of the track.
        skips: whether steps may be left out.
        near: `[V]` variables to which the task is projected; all where it is None.
    """
    empty = length if skips else 0
    own = np.concatenate([between, follow]).astype(np.int64)
    place = np.concatenate([place, np.arange(empty)]).astype(np.int64)
    size, track = len(own) + empty, int(task.first[-1])
    values = length + 2  # the last one stands for none of them, as in every variable
    tracked = Ragged(starts((np.arange(size) >= len(between)).astype(np.int64)), track + place)

    def shifted(facts: Small) -> Numbers64:
        """Return facts after the track's were put between those of variables and of numbers."""
        return np.where(facts < track, facts, facts + values).astype(np.int64)

    before = _taken(task.before_start, task.before, own, empty)
    # Effects by number, those on the track after all others.
    effects = _taken(task.effect_start, np.arange(len(task.effect)), own, empty)
    goal = task.goal
    if near is not None:
        before = before.keep(near[task.variable[before.values]])
        effects = effects.keep(near[task.variable[task.effect[effects.values]]])
        goal = goal[near[task.variable[goal]]]
    before = Ragged(before.start, shifted(before.values.astype(np.int32))).with_more(tracked)
    effects = effects.with_more(Ragged(tracked.start, len(task.effect) + np.arange(len(place))))
    effect = np.concatenate([task.effect, track + place + 1])[effects.values]
    no_conditions = np.full(len(place), task.when_start[-1])
    when = _taken(np.append(task.when_start, no_conditions), shifted(task.when), effects.values)
    variables = len(task.init)
    variable = [task.variable[:track], np.full(values, variables), task.variable[track:] + 1]
    return FiniteDomain(
        first=_small(np.append(task.first, track + values)),
        init=_small(np.append(task.init, 0)),
        goal=_small(np.append(shifted(goal), track + length)),
        before_start=_small(before.start),
        before=_small(before.values),
        effect_start=_small(effects.start),
        effect=_small(effect),
        when_start=_small(when.start),
        when=_small(when.values),
        cost=np.concatenate([task.cost[own], np.zeros(empty)]),
        variable=_small(np.concatenate(variable)),
        atom=_small(np.append(task.atom, np.full(values, -1))),
        operator=_small(np.arange(size)),
        numeric=_numeric(task.numeric, shifted(task.numeric.when), own, empty),
        rules=_rules(task.rules, own, empty),
    )


def _numeric(numeric: Numeric, when: Numbers64, own: Numbers64, length: int) -> Numeric:
    need = _taken(numeric.need_start, numeric.need, own, length)
    changes = _taken(numeric.change_start, np.arange(len(numeric.target)), own, length)
    which = changes.values
    conditions = _taken(numeric.when_start, when, which)
    return numeric._replace(
        need_start=_small(need.start),
        need=_small(need.values),
        change_start=_small(changes.start),
        target=numeric.target[which],
        how=numeric.how[which],
        value=numeric.value.take(which),
        when_start=_small(conditions.start),
        when=_small(conditions.values),
    )


def _rules(rules: Rules, own: Numbers64, length: int) -> Rules:
    kept = _taken(rules.rule_start, rules.rules_of, own, length)
    guards = _taken(rules.guard_start, rules.guards_of, own, length)
    return rules._replace(
        rule_start=_small(kept.start),
        rules_of=_small(kept.values),
        guard_start=_small(guards.start),
        guards_of=_small(guards.values),
    )


def _taken(
    start: npt.NDArray[np.integer[Any]],
    values: npt.NDArray[np.integer[Any]],
    own: Numbers64,
    empty: int = 0,
) -> Ragged:
    """Return the lists at `own`, and empty ones after them."""
    lists = Ragged(start.astype(np.int64), values.astype(np.int64)).take(own)
    return Ragged(np.append(lists.start, np.full(empty, lists.start[-1])), lists.values)


def _small(array: Numbers64) -> Small:
    return array.astype(np.int32)

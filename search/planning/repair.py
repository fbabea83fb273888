"""Plan repair as planning: the old plan becomes a track to be followed, left and skipped.

One more variable says how much of the old plan lies behind. Its next step may be *followed*, at
its own cost, or *skipped*, at the cost of a change; any other operator may be put in, at its own
cost and that of a change. Cheapest is then what has the least sum of cost and changes (plan
stability: Fox, Gerevini, Long & Serina 2006), and the searches, heuristics and bounds of planning
serve as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain, Small
from tesuji.domains.logistics.pddl.numeric import Numeric, Rules
from tesuji.domains.logistics.pddl.ragged import Numbers64, Ragged, starts


def repair_task(
    task: FiniteDomain, plan: Sequence[Sequence[int]], changes: npt.NDArray[np.float64], skip: float
) -> tuple[FiniteDomain, Numbers64]:
    """Return the task of repairing a plan, and which operator of `task` each of its own is.

    Args:
        task: what is to be done now.
        plan: for each step of the old plan the operators that do it; none where nothing does.
        changes: `[n]` what it costs to put in each operator, beside its own cost.
        skip: what it costs to leave a step out.

    Returns:
        The task; and `[n']` operators of `task`, -1 for those that skip a step.
    """
    count, length = len(task.cost), len(plan)
    follows = [(at, op) for at, operators in enumerate(plan) for op in operators]
    own = np.concatenate([np.arange(count), [op for _, op in follows]]).astype(np.int64)
    place = np.concatenate([[at for at, _ in follows], np.arange(length)]).astype(np.int64)
    size, track = count + len(place), int(task.first[-1])
    values = length + 2  # the last one stands for none of them, as in every variable
    tracked = Ragged(starts((np.arange(size) >= count).astype(np.int64)), track + place)

    def shifted(facts: Small) -> Numbers64:
        """Return facts after the track's were put between those of variables and of numbers."""
        return np.where(facts < track, facts, facts + values).astype(np.int64)

    before = _taken(task.before_start, shifted(task.before), own, length).with_more(tracked)
    # Effects by number, those on the track after all others.
    numbers = Ragged(tracked.start, len(task.effect) + np.arange(len(place)))
    effects = _taken(task.effect_start, np.arange(len(task.effect)), own, length)
    effects = effects.with_more(numbers)
    effect = np.concatenate([task.effect, track + place + 1])[effects.values]
    no_conditions = np.full(len(place), task.when_start[-1])
    when_start = np.append(task.when_start, no_conditions)
    when = _taken(when_start, shifted(task.when), effects.values)
    cost = np.concatenate([task.cost[own], np.full(length, skip)])
    cost[:count] += changes
    variables = len(task.init)
    repair = FiniteDomain(
        first=_small(np.append(task.first, track + values)),
        init=_small(np.append(task.init, 0)),
        goal=_small(np.append(shifted(task.goal), track + length)),
        before_start=_small(before.start),
        before=_small(before.values),
        effect_start=_small(effects.start),
        effect=_small(effect),
        when_start=_small(when.start),
        when=_small(when.values),
        cost=cost,
        variable=_small(
            np.concatenate(
                [
                    task.variable[:track],
                    np.full(values, variables),
                    task.variable[track:] + 1,
                ]
            )
        ),
        atom=_small(np.append(task.atom, np.full(values, -1))),
        operator=_small(np.arange(size)),
        numeric=_numeric(task.numeric, shifted(task.numeric.when), own, length),
        rules=_rules(task.rules, own, length),
    )
    return repair, np.concatenate([own, np.full(length, -1)])


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

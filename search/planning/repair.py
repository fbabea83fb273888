"""Plan repair as planning: the old plan becomes a track to be followed, left and skipped.

One more variable says how much of the old plan lies behind. Its next step may be *followed*, at
its own cost, or *skipped*, at the cost of a change; any other operator may be put in, at its own
cost and that of a change. Cheapest is then what has the least sum of cost and changes (plan
stability: Fox, Gerevini, Long & Serina 2006), and the searches, heuristics and bounds of planning
serve as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain, Small
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

    def extended(lists: Ragged, more: Numbers64) -> Ragged:
        """Return the lists of all operators, with one value more for those on the track."""
        mine = lists.take(own)
        mine = Ragged(np.append(mine.start, np.full(length, mine.start[-1])), mine.values)
        return mine.with_more(Ragged(starts((np.arange(size) >= count).astype(np.int64)), more))

    before = extended(Ragged(_wide(task.before_start), _wide(task.before)), track + place)
    # Effects by number, those on the track after all others.
    effects = extended(
        Ragged(_wide(task.effect_start), np.arange(len(task.effect))),
        len(task.effect) + np.arange(len(place)),
    )
    effect = np.concatenate([task.effect, track + place + 1])[effects.values]
    no_conditions = np.full(len(place), task.when_start[-1])
    when = Ragged(_wide(np.append(task.when_start, no_conditions)), _wide(task.when))
    when = when.take(effects.values)
    cost = np.concatenate([task.cost[own], np.full(length, skip)])
    cost[:count] += changes
    repair = FiniteDomain(
        first=_small(np.append(task.first, track + values)),
        init=_small(np.append(task.init, 0)),
        goal=_small(np.append(task.goal, track + length)),
        before_start=_small(before.start),
        before=_small(before.values),
        effect_start=_small(effects.start),
        effect=_small(effect),
        when_start=_small(when.start),
        when=_small(when.values),
        cost=cost,
        variable=_small(np.append(task.variable, np.full(values, len(task.init)))),
        atom=_small(np.append(task.atom, np.full(values, -1))),
        operator=_small(np.arange(size)),
    )
    return repair, np.concatenate([own, np.full(length, -1)])


def _wide(array: Small) -> Numbers64:
    return array.astype(np.int64)


def _small(array: Numbers64) -> Small:
    return array.astype(np.int32)

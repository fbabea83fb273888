"""Plan repair as planning: the old plan becomes a track to be followed, left and skipped.

Its next step may be *followed*, at its own cost, or *skipped*, at the cost of a change; any other
operator may be put in, at its own cost and that of a change. Cheapest is then what has the least
sum of cost and changes (plan stability: Fox, Gerevini, Long & Serina 2006), and the searches,
heuristics and bounds of planning serve as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.ragged import Numbers64
from tesuji.search.planning.track import track_task


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
    place = np.array([at for at, operators in enumerate(plan) for _ in operators], np.int64)
    follow = np.array([op for operators in plan for op in operators], np.int64)
    repair = track_task(task, np.arange(count), follow, place, length, skips=True)
    added = np.concatenate([changes, np.zeros(len(follow)), np.full(length, skip)])
    own = np.concatenate([np.arange(count), follow, np.full(length, -1)])
    return repair._replace(cost=repair.cost + added), own

"""A guided search beside the anytime planner: the first plan is whoever's is first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tesuji.engine.plan_config import Guide
from tesuji.engine.plan_model import guided, load_ranking
from tesuji.engine.planning import GroundTask
from tesuji.search.planning.guided import Ranking
from tesuji.search.planning.planner import PlanSearch, PlanStep

_ALONE = 100_000  # states that the guided search values before the planner joins in


def guided_steps(grounded: GroundTask, guide: Guide) -> Iterator[PlanStep]:
    """Yield the steps of both searches in turn, those of the planner alone once there is a plan.

    Args:
        grounded: the task.
        guide: a ranking, and how it guides.

    Raises:
        UsageError: there is no such ranking, or it is for another domain.
    """
    search = guided(grounded, load_ranking(guide, grounded.task), guide.order)
    planner: PlanSearch | None = None
    own: Iterator[PlanStep] = iter(())
    plan: tuple[int, ...] | None = None
    seen = PlanStep(None, False, 0, 0, 0)
    for step in search.steps():
        yield step
        plan, seen = step.plan, step
        if plan is None and step.evaluated > _ALONE:
            if planner is None:
                planner = PlanSearch(grounded.variables)
                own = planner.steps()
            other = next(own, step)
            yield _added(other, step)
            if other.exhausted:
                return
            if other.plan is not None:
                break
    if planner is None:
        planner = PlanSearch(grounded.variables)
        own = planner.steps(plan=plan)
    elif plan is not None:
        planner.bound[0] = min(planner.bound[0], planner.cost[list(plan)].sum())
    for other in own:
        yield _added(other, seen)


def _added(own: PlanStep, guided: PlanStep) -> PlanStep:
    if own is guided:
        return own
    return own._replace(
        evaluated=own.evaluated + guided.evaluated, generated=own.generated + guided.generated
    )


def load_guided_kernels(grounded: GroundTask) -> None:
    """Have the kernels of guided searches loaded, or compiled the first time ever."""
    none = Ranking(np.zeros(0, np.uint64), np.zeros(0, np.float32), 1, 1)
    for _ in guided(grounded, none).steps():
        pass

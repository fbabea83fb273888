"""Plans of as few steps as possible by z3 (`tesuji solve --planner smt`), then by the planner."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from tesuji.domains.logistics.pddl.alike import fact_groups
from tesuji.engine.errors import UsageError
from tesuji.engine.planning import GroundTask
from tesuji.search.planning.horizon import HorizonSearch, no_rules
from tesuji.search.planning.planner import PlanSearch, PlanStep

_LOG = logging.getLogger(__name__)


def horizon_search(grounded: GroundTask) -> HorizonSearch:
    """Return z3's search of a task, side constraints in the same questions.

    Where all actions cost the same or there are constraints, a step is one action, and the first
    plan is the cheapest; else a step holds as many as can be done in any order.

    Raises:
        UsageError: the task has numbers.
    """
    task = grounded.variables
    if len(task.numeric.init):
        raise UsageError("the planner smt knows atoms only and this task has numbers")
    groups = fact_groups(grounded.operators, task)
    if grounded.rules is not None:
        return HorizonSearch(task, groups, rules=grounded.rules.texts(grounded.operators, task))
    return HorizonSearch(task, groups, len(np.unique(task.cost)) > 1, no_rules)


def horizon_steps(search: HorizonSearch, grounded: GroundTask) -> Iterator[PlanStep]:
    """Yield the steps of z3's search, then those of the planner, unless all is proven."""
    last = PlanStep(None, False, 0, 0, 0)
    for last in search.steps():
        yield last
    if last.exhausted:
        return
    if search.gave_up:
        _LOG.warning("%s; going on without it", search.gave_up)
    yield from PlanSearch(grounded.variables).steps(plan=last.plan)

"""Shortest plans in MiniGrid.

The pattern is found by refinement (Clarke et al. 2000; Seipp & Helmert 2018): a shortest plan of
the pattern is tried in the grid, and what it walked through joins the pattern. If it goes, it is a
shortest plan of the grid. If it fails for things that were put down, the distances to the
pattern's goal guide A* through the grid itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from tesuji.search.planning.grid_astar import GridSearch
from tesuji.search.planning.grid_limits import NO_LIMITS, Limits
from tesuji.search.planning.grid_pattern import GridTask
from tesuji.search.planning.grid_space import CLOSED, FULL
from tesuji.search.planning.grid_table import Table


class Outcome(Enum):
    """What a search for a plan ended with."""

    SHORTEST = "shortest"  # a plan, and none is shorter
    NONE = "none"  # there is no plan within the limit of steps
    UNKNOWN = "unknown"  # the memory was used up


@dataclass(frozen=True)
class GridPlan:
    """What a search found.

    Attributes:
        outcome: how it ended.
        actions: of the plan; empty without one.
        bound: no plan has fewer actions.
        parts: of the last pattern.
        abstract_states: of all patterns, that were explored.
        states: of the grid, that A* met.
    """

    outcome: Outcome
    actions: tuple[int, ...] = ()
    bound: int = 0
    parts: int = 0
    abstract_states: int = 0
    states: int = 0


def find_shortest(
    instance: npt.NDArray[np.int64],
    most_abstract: int = 1 << 22,
    most_states: int = 1 << 20,
    limits: Limits = NO_LIMITS,
) -> GridPlan:
    """Return a shortest plan from where an instance of `grid_rules` begins.

    Args:
        instance: of the domain.
        most_abstract: states that a pattern may have.
        most_states: that A* may meet.
        limits: constraints, which the first state keeps.

    Raises:
        ValueError: a box contains what cannot be carried.
    """
    task = GridTask(instance, limits)
    parts, explored, bound = task.needed, 0, 0
    tables: list[Table] = []
    while True:
        table = Table(task, parts, most_abstract)
        status = table.explore(stop=True)
        explored += table.met
        if status == CLOSED:
            return GridPlan(Outcome.NONE, (), bound, len(parts), explored)
        if status == FULL:
            break
        tables.append(table)
        plan = table.plan()
        bound = len(plan)
        if bound > task.left:
            return GridPlan(Outcome.NONE, (), bound, len(parts), explored)
        if table.goes(plan):
            return GridPlan(Outcome.SHORTEST, plan, bound, len(parts), explored)
        more = task.extend(parts, table.used())
        if more == parts:
            break
        parts = more
    facts = (len(parts), explored)
    # The last pattern that can be explored to the end guides best.
    best = next((each for each in reversed(tables) if each.explore(stop=False) == CLOSED), None)
    if best is None:
        return GridPlan(Outcome.UNKNOWN, (), bound, *facts)
    facts = (len(best.parts), explored + best.met)
    search = GridSearch(best, most_states)
    enough = search.run()
    if search.plan is not None:
        return GridPlan(Outcome.SHORTEST, search.plan, len(search.plan), *facts, search.met)
    outcome = Outcome.NONE if enough else Outcome.UNKNOWN
    return GridPlan(outcome, (), max(bound, search.bound), *facts, search.met)

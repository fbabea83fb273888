"""The search for schedules that keep side constraints: annealing at one heat, from order to order.

What cannot be kept has a price; schedules with such are searched through and never given out.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.logistics.scheduling.shop import ShopInstance, ShopSchedule, random_shop
from tesuji.search.scheduling.constrained_schedules import (
    BROKEN,
    SPAN,
    Genes,
    Layout,
    Scratch,
    Timetable,
    build,
    improve,
    keep,
)
from tesuji.search.scheduling.constraint_programs import Clauses, compile_clauses
from tesuji.search.scheduling.shop_constraints import ShopConstraints


class ConstrainedSearch:
    """A search that goes on for as long as it is asked to; seed and moves say what it finds.

    Attributes:
        moves: changes made so far.
    """

    def __init__(
        self, instance: ShopInstance, side: ShopConstraints, first: ShopSchedule, seed: int = 0
    ) -> None:
        """Begin in the order of a schedule.

        Raises:
            ConstraintError: a constraint cannot be compiled.
        """
        self.instance, self.moves = instance, 0
        size = instance.num_operations
        self._shop = Layout(
            instance.job_of.astype(np.int64), instance.job_start, instance.choice_start,
            instance.choice_machine, instance.choice_duration,
        )  # fmt: skip
        self._clauses: Clauses = compile_clauses(side)
        self._scratch = Scratch(
            np.zeros(instance.num_jobs, np.int64), np.zeros(instance.num_machines, np.int64),
            np.zeros(instance.num_machines, np.int64), np.array([seed], np.uint64),
        )  # fmt: skip
        order = self._shop.job[np.lexsort((np.arange(size), first.start))]
        choice = [
            [own for own, _ in instance.choices(operation)].index(machine)
            for operation, machine in enumerate(first.machine.tolist())
        ]
        self._genes = Genes(order, np.array(choice, np.int64), np.zeros(size, np.int64))
        self._trial = Genes(*(array.copy() for array in self._genes))
        self._now, self._table, self._best = (
            Timetable(*(np.zeros(number, np.int64) for number in (*[size] * 6, 3)))
            for _ in range(3)
        )
        self._unit = max(1, instance.longest // size)
        build(self._shop, self._clauses, self._genes, self._now, self._scratch)
        keep(self._now, self._best)

    @property
    def is_feasible(self) -> bool:
        """Return whether the best schedule keeps all constraints."""
        return not self._best.counts[BROKEN]

    @property
    def makespan(self) -> int:
        """Return when all is done in the best schedule."""
        return int(self._best.counts[SPAN])

    def advance(self, moves: int, target: int = 0) -> int:
        """Make `moves` changes, fewer where the makespan `target` is met; return their number."""
        done = int(
            improve(
                self._shop, self._clauses, self._genes, self._now, self._trial, self._table,
                self._best, self._scratch, moves, target, self._unit,
            )
        )  # fmt: skip
        self.moves += done
        return done

    def schedule(self) -> ShopSchedule:
        """Return the best schedule."""
        return ShopSchedule(self._best.start.copy(), self._best.machine.copy(), self.makespan)


def load_kernels() -> None:
    """Compile or load what a search runs on, so that no budget pays for it."""
    instance = random_shop(2, 2)
    side = ShopConstraints(instance, ["start[0, 0] >= 1"])
    nothing = ShopSchedule(np.zeros(4, np.int64), instance.choice_machine.copy(), 0)
    ConstrainedSearch(instance, side, nothing).advance(5)

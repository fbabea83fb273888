"""Shops by CP-SAT: schedules and bounds of the solver of OR-Tools (extra `cpsat`).

Its bounds are its own word: no file comes with them that another program could check.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from tesuji.domains.logistics.scheduling.shop import ShopInstance, ShopSchedule

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

_POLL = 0.05  # seconds between two looks at whether to stop


@dataclass(frozen=True)
class CPSATAnswer:
    """What CP-SAT found.

    Attributes:
        schedule: its best, None without one.
        bound: no schedule is shorter, as it says.
    """

    schedule: ShopSchedule | None
    bound: int


class ShopModel:
    """The model of a shop: intervals that follow each other, machines that do one at a time."""

    def __init__(self, instance: ShopInstance, hint: ShopSchedule) -> None:
        from ortools.sat.python import cp_model  # noqa: PLC0415

        self.instance = instance
        self.model = cp_model.CpModel()
        self.horizon = hint.makespan
        self.makespan = self.model.new_int_var(0, self.horizon, "makespan")
        self.starts = [
            self.model.new_int_var(0, self.horizon, "") for _ in range(instance.num_operations)
        ]
        self.chosen: list[list[cp_model.IntVar]] = []
        self._on_machine: list[list[cp_model.IntervalVar]] = [
            [] for _ in range(instance.num_machines)
        ]
        ends = [self._add_operation(operation) for operation in range(instance.num_operations)]
        for first, beyond in zip(instance.job_start[:-1], instance.job_start[1:], strict=True):
            for operation in range(int(first), int(beyond) - 1):
                self.model.add(self.starts[operation + 1] >= ends[operation])
            self.model.add(self.makespan >= ends[int(beyond) - 1])
        for intervals in self._on_machine:
            self.model.add_no_overlap(intervals)
        for start, at in zip(self.starts, hint.start.tolist(), strict=True):
            self.model.add_hint(start, at)
        for operation, machine in enumerate(hint.machine.tolist()):
            for variable, (own, _) in zip(
                self.chosen[operation], instance.choices(operation), strict=True
            ):
                self.model.add_hint(variable, own == machine)
        self.model.minimize(self.makespan)

    def _add_operation(self, operation: int) -> cp_model.IntVar:
        model, start = self.model, self.starts[operation]
        end = model.new_int_var(0, self.horizon, "")
        choices = self.instance.choices(operation)
        chosen = [model.new_bool_var("") for _ in choices]
        for variable, (machine, duration) in zip(chosen, choices, strict=True):
            self._on_machine[machine].append(
                model.new_optional_interval_var(start, duration, end, variable, "")
            )
        model.add_exactly_one(chosen)
        self.chosen.append(chosen)
        return end


def solve_by_cp_sat(
    instance: ShopInstance,
    hint: ShopSchedule,
    seconds: float,
    seed: int = 0,
    workers: int = 1,
    stop: Event | None = None,
) -> CPSATAnswer:
    """Return what CP-SAT finds in `seconds`, from a schedule that is known.

    Raises:
        ModuleNotFoundError: OR-Tools is not installed.
    """
    try:
        from ortools.sat.python import cp_model  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "CP-SAT is missing: pip install 'tesuji[cpsat]'", name=error.name
        ) from None
    shop = ShopModel(instance, hint)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed
    with ThreadPoolExecutor(1) as pool:
        solving = pool.submit(solver.solve, shop.model)
        while not wait([solving], _POLL).done:
            if stop is not None and stop.is_set():
                solver.stop_search()
    status = solving.result()
    bound = max(0, int(np.ceil(solver.best_objective_bound - 1e-6)))
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return CPSATAnswer(None, min(bound, hint.makespan))
    machine = [
        next(own for variable, (own, _) in pairs if solver.value(variable))
        for pairs in (
            list(zip(chosen, instance.choices(operation), strict=True))
            for operation, chosen in enumerate(shop.chosen)
        )
    ]
    start = np.array([solver.value(variable) for variable in shop.starts], np.int64)
    schedule = ShopSchedule(start, np.array(machine, np.int64), int(solver.objective_value))
    return CPSATAnswer(schedule, bound)

"""A checker of schedules that shares nothing with those who make them."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from tesuji.domains.logistics.scheduling.shop import ShopInstance, ShopSchedule


def check_schedule(shop: ShopInstance, schedule: ShopSchedule) -> str | None:
    """Return the first thing that is wrong with the schedule, or None."""
    starts, machines = schedule.start.tolist(), schedule.machine.tolist()
    number = shop.num_operations
    if len(starts) != number or len(machines) != number:
        return f"{len(starts)} starts and {len(machines)} machines for {number} operations"
    busy: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    last = 0
    for job in range(shop.num_jobs):
        free = 0
        first, beyond = int(shop.job_start[job]), int(shop.job_start[job + 1])
        for operation in range(first, beyond):
            name = f"operation {operation - first} of job {job}"
            start, machine = starts[operation], machines[operation]
            duration = dict(reversed(shop.choices(operation))).get(machine)
            if duration is None:
                return f"{name} cannot be done by machine {machine}"
            if start < free:
                return f"{name} begins at {start}, before {free}"
            free = start + duration
            busy[machine].append((start, free, name))
        last = max(last, free)
    for machine, times in busy.items():
        times.sort(key=lambda time: time[:2])
        for (_, end, one), (start, _, other) in pairwise(times):
            if start < end:
                return f"machine {machine} does {other} at {start}, before {one} ends at {end}"
    if last != schedule.makespan:
        return f"the last operation ends at {last}, not at {schedule.makespan}"
    return None

"""Schedules as graphs: machine orders, heads and tails.

Operation `O`, one beyond the last, stands for "none": it takes no time, begins at 0 and nothing
follows it, so that no kernel has to ask whether there is a neighbour.

    head  when an operation begins at the earliest
    tail  from its begin to the end of the schedule, along the longest way; its duration included
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.scheduling.shop import ShopInstance, ShopSchedule
from tesuji.search.random import advance, below, mix

Array = npt.NDArray[np.int64]


class Shop(NamedTuple):
    """A shop as kernels read it."""

    num_machines: int
    job: Array  # [O + 1]
    previous: Array  # of the same job [O + 1]
    following: Array  # of the same job [O + 1]
    choice_start: Array  # [O + 1]
    choice_machine: Array  # [C]
    choice_duration: Array  # [C]
    work_left: Array  # shortest durations of the job from here on [O + 1]


class Plan(NamedTuple):
    """A schedule that kernels change in place; all arrays are `[O + 1]`."""

    machine: Array
    duration: Array
    before: Array  # on the same machine
    after: Array  # on the same machine
    order: Array  # operations so that each stands after all that it waits for
    place: Array  # of each operation in `order`
    head: Array
    tail: Array


def shop_arrays(instance: ShopInstance) -> Shop:
    """Return the instance as kernels read it."""
    size = instance.num_operations
    previous, following = np.arange(-1, size), np.arange(1, size + 2)
    previous[instance.job_start] = size
    following[instance.job_start[1:] - 1] = size
    following[size] = size
    left = np.append(instance.shortest, 0)
    for operation in range(size - 2, -1, -1):
        if following[operation] != size:
            left[operation] += left[operation + 1]
    return Shop(
        instance.num_machines,
        np.append(instance.job_of, instance.num_jobs),
        previous,
        following,
        instance.choice_start,
        instance.choice_machine,
        instance.choice_duration,
        left,
    )


def empty_plan(size: int) -> Plan:
    """Return room for a schedule of `size` operations."""
    return Plan(*(np.zeros(size + 1, np.int64) for _ in Plan._fields))


def copy_plan(plan: Plan) -> Plan:
    """Return a copy."""
    return Plan(*(array.copy() for array in plan))


def as_schedule(plan: Plan) -> ShopSchedule:
    """Return what the kernels found."""
    ends = plan.head[:-1] + plan.duration[:-1]
    return ShopSchedule(plan.head[:-1].copy(), plan.machine[:-1].copy(), int(ends.max()))


@njit(cache=True, nogil=True)
def set_heads(shop, plan, first):  # type: ignore[no-untyped-def]
    """Set the heads from place `first` on."""
    order, head, duration = plan.order, plan.head, plan.duration
    for place in range(first, len(order) - 1):
        operation = order[place]
        job, machine = shop.previous[operation], plan.before[operation]
        head[operation] = max(head[job] + duration[job], head[machine] + duration[machine])


@njit(cache=True, nogil=True)
def set_tails(shop, plan, last):  # type: ignore[no-untyped-def]
    """Set the tails from place `last` back."""
    order, tail = plan.order, plan.tail
    for place in range(last, -1, -1):
        operation = order[place]
        rest = max(tail[shop.following[operation]], tail[plan.after[operation]])
        tail[operation] = plan.duration[operation] + rest


@njit(cache=True, nogil=True)
def makespan(plan):  # type: ignore[no-untyped-def]
    """Return when all is done."""
    longest = 0
    for operation in range(len(plan.head) - 1):
        longest = max(longest, plan.head[operation] + plan.duration[operation])
    return longest


@njit(cache=True, nogil=True)
def append(shop, plan, last, operation, machine, duration):  # type: ignore[no-untyped-def]
    """Put the operation behind what its machine does so far; `last` is `[M]`."""
    none = len(plan.head) - 1
    plan.machine[operation] = machine
    plan.duration[operation] = duration
    ahead, job = last[machine], shop.previous[operation]
    plan.before[operation] = ahead
    plan.after[operation] = none
    if ahead != none:
        plan.after[ahead] = operation
    last[machine] = operation
    plan.head[operation] = max(
        plan.head[job] + plan.duration[job], plan.head[ahead] + plan.duration[ahead]
    )


@njit(cache=True, nogil=True)
def finish(shop, plan):  # type: ignore[no-untyped-def]
    """Set places, heads and tails of a plan whose order is known; return its makespan."""
    none = len(plan.head) - 1
    plan.before[none] = plan.after[none] = plan.order[none] = plan.place[none] = none
    plan.head[none] = plan.tail[none] = plan.duration[none] = 0
    plan.machine[none] = -1
    for place in range(none):
        plan.place[plan.order[place]] = place
    set_heads(shop, plan, 0)
    set_tails(shop, plan, none - 1)
    return makespan(plan)


@njit(cache=True, nogil=True)
def build(shop, plan, order, machine, duration):  # type: ignore[no-untyped-def]
    """Schedule the operations one by one in `order` `[O]` on these machines; return makespan."""
    none = len(plan.head) - 1
    last = np.full(shop.num_machines, none)
    plan.before[none] = plan.after[none] = none
    plan.head[none] = plan.duration[none] = 0
    for place in range(none):
        operation = order[place]
        plan.order[place] = operation
        append(shop, plan, last, operation, machine[operation], duration[operation])
    return finish(shop, plan)


@njit(cache=True, nogil=True)
def earliest(shop, plan, last, operation):  # type: ignore[no-untyped-def]
    """Return `(choice, begin, end)` of the machine that would end the operation first."""
    job = shop.previous[operation]
    ready = plan.head[job] + plan.duration[job]
    best, begin, end = -1, 0, np.int64(2**62)
    for choice in range(shop.choice_start[operation], shop.choice_start[operation + 1]):
        ahead = last[shop.choice_machine[choice]]
        start = max(ready, plan.head[ahead] + plan.duration[ahead])
        if start + shop.choice_duration[choice] < end:
            best, begin, end = choice, start, start + shop.choice_duration[choice]
    return best, begin, end


@njit(cache=True, nogil=True)
def dispatch(shop, plan, first, noise, seed):  # type: ignore[no-untyped-def]
    """Build an active schedule: most work remaining first, blurred by `noise` (per cent).

    Giffler & Thompson (1960): of the operations that may begin before the earliest possible end
    on its machine, the preferred one goes next. `first` is each job's first operation `[J]`.
    """
    none = len(plan.head) - 1
    last = np.full(shop.num_machines, none)
    plan.before[none] = plan.after[none] = none
    plan.head[none] = plan.duration[none] = 0
    ready = first.copy()
    for place in range(none):
        soonest, machine = np.int64(2**62), -1
        for operation in ready:
            if operation != none:
                choice, _, end = earliest(shop, plan, last, operation)
                if end < soonest:
                    soonest, machine = end, shop.choice_machine[choice]
        chosen, chosen_choice, most = -1, -1, -1
        for operation in ready:
            if operation == none:
                continue
            choice, begin, end = earliest(shop, plan, last, operation)
            # What takes no time may end where it begins.
            in_conflict = begin < soonest or end == soonest
            if shop.choice_machine[choice] == machine and in_conflict:
                seed = advance(seed)
                work = (1 + shop.work_left[operation]) * (1000 + below(mix(seed), 1 + 10 * noise))
                if work > most:
                    chosen, chosen_choice, most = operation, choice, work
        machine, duration = shop.choice_machine[chosen_choice], shop.choice_duration[chosen_choice]
        append(shop, plan, last, chosen, machine, duration)
        plan.order[place] = chosen
        ready[shop.job[chosen]] = shop.following[chosen]
    return finish(shop, plan)

"""Moves of flexible shops: an operation leaves its machine and goes to the best place on any."""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.search.random import advance, below, mix
from tesuji.search.scheduling.graph import set_heads, set_tails


@njit(cache=True, nogil=True)
def first_on_machines(plan, first):  # type: ignore[no-untyped-def]
    """Write the first operation of each machine to `first` `[M]`."""
    none = len(plan.head) - 1
    first[:] = none
    for operation in range(none):
        if plan.before[operation] == none:
            first[plan.machine[operation]] = operation


@njit(cache=True, nogil=True)
def detach(plan, operation):  # type: ignore[no-untyped-def]
    """Take the operation from its machine."""
    none = len(plan.head) - 1
    plan.after[plan.before[operation]] = plan.after[operation]
    plan.before[plan.after[operation]] = plan.before[operation]
    plan.before[none] = plan.after[none] = none


@njit(cache=True, nogil=True)
def attach(plan, operation, ahead, beyond):  # type: ignore[no-untyped-def]
    """Put the operation between two neighbours."""
    none = len(plan.head) - 1
    plan.before[operation], plan.after[operation] = ahead, beyond
    plan.after[ahead] = operation
    plan.before[beyond] = operation
    plan.before[none] = plan.after[none] = none


@njit(cache=True, nogil=True)
def set_without(shop, plan, bare, operation):  # type: ignore[no-untyped-def]
    """Set heads and tails of `bare` as if the operation took no time; return the makespan.

    It is detached; `bare` shares all of `plan` but heads and tails.
    """
    none = len(plan.head) - 1
    duration, before, after = (
        plan.duration[operation],
        plan.before[operation],
        plan.after[operation],
    )
    plan.duration[operation] = 0
    plan.before[operation] = plan.after[operation] = none
    bare.head[:] = plan.head
    bare.tail[:] = plan.tail
    set_heads(shop, bare, plan.place[operation])
    set_tails(shop, bare, none - 1)
    longest = 0
    for other in range(none):
        longest = max(longest, bare.head[other] + plan.duration[other])
    plan.duration[operation] = duration
    plan.before[operation], plan.after[operation] = before, after
    return longest


@njit(cache=True, nogil=True)
def choose_place(shop, plan, bare, operation, start, shift, choice):  # type: ignore[no-untyped-def]
    """Return `(value, ahead, beyond)`: the best place of a detached operation on a machine.

    `start` is the machine's first operation. Heads and tails without the operation make the value,
    the longest way through it, exact (Mastrolilli & Gambardella 2000); where a place might close a
    cycle it is passed over. `shift` is the place it comes from (its neighbour ahead), or -1.
    """
    none = len(plan.head) - 1
    head, tail, duration = bare.head, bare.tail, plan.duration
    job, following = shop.previous[operation], shop.following[operation]
    ready, rest = head[job] + duration[job], tail[following]
    follows = head[following] + duration[following]
    least, place, behind = np.int64(2**62), none, none
    ahead, beyond = none, start
    while True:
        late = ahead == following or head[ahead] >= follows
        if late and max(ahead, following) < none:
            break  # it might wait for the operation's follower
        early = beyond == job or head[job] >= head[beyond] + duration[beyond]
        early = early and max(beyond, job) < none
        if not early and ahead != shift:
            value = max(ready, head[ahead] + duration[ahead]) + max(rest, tail[beyond])
            value += shop.choice_duration[choice]
            if value < least:
                least, place, behind = value, ahead, beyond
        if beyond == none:
            break
        ahead, beyond = beyond, plan.after[beyond]
    return least, place, behind


@njit(cache=True, nogil=True)
def choose_assignment(shop, plan, bare, path, size, tabu, now, best, first, seed):  # type: ignore[no-untyped-def]
    """Return `(operation, choice, ahead, beyond, seed)`: the best move; operation -1: none.

    `tabu[operation, J + machine]` tells until when the operation may not go to that machine.
    """
    none = len(plan.head) - 1
    num_jobs = shop.job[none]
    first_on_machines(plan, first)
    move, least, ties = (-1, -1, none, none), np.int64(2**62), 0
    spare, num_spare = move, 0
    for i in range(size):
        operation = path[i]
        home, origin = plan.machine[operation], plan.before[operation]
        detach(plan, operation)
        length = set_without(shop, plan, bare, operation)
        for choice in range(shop.choice_start[operation], shop.choice_start[operation + 1]):
            machine = shop.choice_machine[choice]
            start = first[machine]
            if start == operation:
                start = plan.after[operation]
            shift = origin if machine == home else np.int64(-1)
            value, ahead, beyond = choose_place(shop, plan, bare, operation, start, shift, choice)
            if value == np.int64(2**62):
                continue
            seed = advance(seed)
            after = max(value, length)
            if after >= best and tabu[operation, num_jobs + machine] > now:
                num_spare += 1
                if below(mix(seed), num_spare) == 0:
                    spare = (operation, choice, ahead, beyond)
                continue
            key = (after << 31) + value
            ties = 1 if key < least else ties + (key == least)
            if key < least or (key == least and below(mix(seed), ties) == 0):
                move, least = (operation, choice, ahead, beyond), key
        attach(plan, operation, plan.before[operation], plan.after[operation])
    operation, choice, ahead, beyond = move if move[0] >= 0 else spare
    return operation, choice, ahead, beyond, seed


@njit(cache=True, nogil=True)
def assignment_move(shop, plan, operation, choice, ahead, beyond, degree):  # type: ignore[no-untyped-def]
    """Do the move; `degree` `[O + 1]` is scratch."""
    none = len(plan.head) - 1
    detach(plan, operation)
    attach(plan, operation, ahead, beyond)
    plan.machine[operation] = shop.choice_machine[choice]
    plan.duration[operation] = shop.choice_duration[choice]
    order, size = plan.order, 0
    for other in range(none):
        degree[other] = (shop.previous[other] != none) + (plan.before[other] != none)
        if degree[other] == 0:
            order[size] = other
            size += 1
    for place in range(none):
        plan.place[order[place]] = place
        for other in (shop.following[order[place]], plan.after[order[place]]):
            if other != none:
                degree[other] -= 1
                if degree[other] == 0:
                    order[size] = other
                    size += 1
    set_heads(shop, plan, 0)
    set_tails(shop, plan, none - 1)

"""Moves on one machine: an operation goes behind or before another one of its critical block."""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.search.random import advance, below, mix
from tesuji.search.scheduling.graph import set_heads, set_tails


@njit(cache=True, nogil=True)
def critical_path(shop, plan, length, path, seed):  # type: ignore[no-untyped-def]
    """Write one of the longest ways to `path`, last operation first; return `(size, seed)`."""
    none = len(plan.head) - 1
    head, duration = plan.head, plan.duration
    operation, ties = none, 0
    for candidate in range(none):
        if head[candidate] + duration[candidate] == length:
            ties += 1
            seed = advance(seed)
            if below(mix(seed), ties) == 0:
                operation = candidate
    size = 0
    while operation != none:
        path[size] = operation
        size += 1
        job, machine = shop.previous[operation], plan.before[operation]
        by_job = job != none and head[job] + duration[job] == head[operation]
        by_machine = machine != none and head[machine] + duration[machine] == head[operation]
        if by_job and by_machine:
            seed = advance(seed)
            by_job = below(mix(seed), 2) == 0
        operation = job if by_job else (machine if by_machine else none)
    return size, seed


@njit(cache=True, nogil=True)
def may_go_behind(shop, plan, one, other):  # type: ignore[no-untyped-def]
    """Return whether `one`, now ahead of `other` on its machine, can surely go behind it."""
    job = shop.following[one]
    return job != other and plan.tail[job] < plan.duration[job] + plan.tail[other]


@njit(cache=True, nogil=True)
def may_go_before(shop, plan, one, other):  # type: ignore[no-untyped-def]
    """Return whether `one`, now behind `other` on its machine, can surely go before it."""
    job = shop.previous[one]
    return job != other and plan.head[job] < plan.head[other] + plan.duration[other]


@njit(cache=True, nogil=True)
def estimate(shop, plan, one, other, forward, heads, row):  # type: ignore[no-untyped-def]
    """Return the longest way through the operations that a move of `one` concerns, about.

    Their new heads and tails are exact but for ways that leave the machine in between (Balas &
    Vazacopoulos 1998). `heads` and `row` are room for them.
    """
    head, tail, duration, previous = plan.head, plan.tail, plan.duration, shop.previous
    size = 0
    if forward:  # a, one, b, c, other, z -> a, b, c, other, one, z
        ahead, operation, beyond = plan.before[one], plan.after[one], plan.after[other]
        while operation != beyond:
            row[size] = operation
            size += 1
            operation = plan.after[operation]
        row[size] = one
        size += 1
    else:
        ahead, operation, beyond = plan.before[other], other, plan.after[one]
        row[0] = one
        size = 1
        while operation != one:
            row[size] = operation
            size += 1
            operation = plan.after[operation]
    free = head[ahead] + duration[ahead]
    for i in range(size):
        job = previous[row[i]]
        heads[i] = max(free, head[job] + duration[job])
        free = heads[i] + duration[row[i]]
    rest = tail[beyond]
    longest = 0
    for i in range(size - 1, -1, -1):
        rest = duration[row[i]] + max(rest, tail[shop.following[row[i]]])
        longest = max(longest, heads[i] + rest)
    return longest


@njit(cache=True, nogil=True)
def is_tabu(shop, plan, one, other, forward, tabu, now):  # type: ignore[no-untyped-def]
    """Return whether the move sets two operations in an order that is forbidden now.

    `tabu[operation, job]` tells until when the operation may not go ahead of one of that job.
    """
    operation = other
    while operation != one:
        if forward:
            if tabu[operation, shop.job[one]] > now:
                return True
            operation = plan.before[operation]
        else:
            if tabu[one, shop.job[operation]] > now:
                return True
            operation = plan.after[operation]
    return False


@njit(cache=True, nogil=True)
def forbid_return(shop, plan, one, other, forward, tabu, until):  # type: ignore[no-untyped-def]
    """Forbid the orders that the move is about to reverse."""
    operation = other
    while operation != one:
        if forward:
            tabu[one, shop.job[operation]] = until
            operation = plan.before[operation]
        else:
            tabu[operation, shop.job[one]] = until
            operation = plan.after[operation]


@njit(cache=True, nogil=True)
def relink(plan, one, other, forward):  # type: ignore[no-untyped-def]
    """Take `one` from its place on the machine and put it behind or before `other`."""
    before, after = plan.before, plan.after
    none = len(before) - 1
    after[before[one]] = after[one]
    before[after[one]] = before[one]
    before[one] = other if forward else before[other]
    after[one] = after[other] if forward else other
    after[before[one]] = one
    before[after[one]] = one
    before[none] = after[none] = none


@njit(cache=True, nogil=True)
def sequence_move(shop, plan, one, other, forward, mark, room):  # type: ignore[no-untyped-def]
    """Do the move and mend order, heads and tails where they change.

    `mark` `[O + 1]` is all 0 before and after; `room` `[O + 1]` is scratch. Between the two
    operations' places, those that wait for `one` now go behind it; backward, the mirror image.
    """
    relink(plan, one, other, forward)
    order, place = plan.order, plan.place
    low, high = min(place[one], place[other]), max(place[one], place[other])
    kept = 0
    target = low if forward else high
    step = 1 if forward else -1
    source = target
    mark[one] = 1
    room[0] = one
    kept = 1
    for _ in range(high - low):
        source += step
        operation = order[source]
        if forward:
            bound = mark[shop.previous[operation]] or mark[plan.before[operation]]
        else:
            bound = mark[shop.following[operation]] or mark[plan.after[operation]]
        if bound:
            mark[operation] = 1
            room[kept] = operation
            kept += 1
        else:
            order[target] = operation
            target += step
    for i in range(kept):
        order[target] = room[i]
        mark[room[i]] = 0
        target += step
    for at in range(low, high + 1):
        place[order[at]] = at
    set_heads(shop, plan, low)
    set_tails(shop, plan, high)


@njit(cache=True, nogil=True)
def choose_sequence(shop, plan, path, size, tabu, now, best, heads, row, seed):  # type: ignore[no-untyped-def]
    """Return `(one, other, forward, seed)`: the best move of the critical blocks; one -1: none.

    Of every block all operations may go to its begin or its end, and the first and last one into
    it (N6, Balas & Vazacopoulos 1998; N7, Zhang et al. 2007). What is tabu counts where it
    promises less than `best`; where all is tabu, any move may come.
    """
    move, least, ties = (np.int64(-1), np.int64(-1), True), np.int64(2**62), 0
    spare, num_spare = move, 0
    start = 0
    while start < size:  # path[start : end] is a block, its last operation first
        end = start + 1
        while end < size and plan.before[path[end - 1]] == path[end]:
            end += 1
        last, first = path[start], path[end - 1]
        for i in range(start, end):
            for kind in range(4):
                one = first if kind == 2 else (last if kind == 3 else path[i])
                other = last if kind == 0 else (first if kind == 1 else path[i])
                forward = kind in (0, 2)
                inner = kind < 2 or (i != start and i != end - 1)
                if one == other or not inner:
                    continue
                if forward and not may_go_behind(shop, plan, one, other):
                    continue
                if not forward and not may_go_before(shop, plan, one, other):
                    continue
                value = estimate(shop, plan, one, other, forward, heads, row)
                seed = advance(seed)
                if value >= best and is_tabu(shop, plan, one, other, forward, tabu, now):
                    num_spare += 1
                    if below(mix(seed), num_spare) == 0:
                        spare = (one, other, forward)
                    continue
                ties = 1 if value < least else ties + (value == least)
                if value < least or (value == least and below(mix(seed), ties) == 0):
                    move, least = (one, other, forward), value
        start = end
    one, other, forward = move if move[0] >= 0 else spare
    return one, other, forward, seed

"""Tabu search on schedules: the best move of the critical path that is not forbidden, always."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.search.random import advance, below, mix
from tesuji.search.scheduling.assignment import assignment_move, choose_assignment
from tesuji.search.scheduling.graph import Array, Plan, Shop, empty_plan, makespan
from tesuji.search.scheduling.sequence import (
    choose_sequence,
    critical_path,
    forbid_return,
    sequence_move,
)

NOW, SINCE, BEST = range(3)  # of `counts`: moves made, moves since the best, its makespan


class Walk(NamedTuple):
    """A tabu search between two calls of `improve`."""

    plan: Plan  # where it is
    best: Plan  # the best since it set out
    bare: Plan  # as `plan`, with own heads and tails
    tabu: Array  # [O + 1, J + M]
    counts: Array  # [3]
    seed: npt.NDArray[np.uint64]  # [1]
    path: Array  # [O + 1], as the rest: scratch
    heads: Array
    row: Array
    mark: Array
    first: Array  # [M]


def new_walk(shop: Shop, seed: int) -> Walk:
    """Return a walk that has not set out."""
    size = len(shop.job) - 1
    plan = empty_plan(size)
    return Walk(
        plan,
        empty_plan(size),
        plan._replace(head=np.zeros(size + 1, np.int64), tail=np.zeros(size + 1, np.int64)),
        np.zeros((size + 1, int(shop.job[-1]) + shop.num_machines), np.int64),
        np.zeros(3, np.int64),
        np.array([seed], np.uint64),
        path=np.zeros(size + 1, np.int64),
        heads=np.zeros(size + 1, np.int64),
        row=np.zeros(size + 1, np.int64),
        mark=np.zeros(size + 1, np.int64),
        first=np.zeros(shop.num_machines, np.int64),
    )


@njit(cache=True, nogil=True)
def keep_best(walk):  # type: ignore[no-untyped-def]
    """Copy the plan to the best."""
    walk.best.machine[:] = walk.plan.machine
    walk.best.duration[:] = walk.plan.duration
    walk.best.before[:] = walk.plan.before
    walk.best.after[:] = walk.plan.after
    walk.best.order[:] = walk.plan.order
    walk.best.place[:] = walk.plan.place
    walk.best.head[:] = walk.plan.head
    walk.best.tail[:] = walk.plan.tail


@njit(cache=True, nogil=True)
def set_out(walk):  # type: ignore[no-untyped-def]
    """Begin from the plan that stands in the walk; what was forbidden no longer is."""
    walk.tabu[:] = 0
    walk.counts[NOW] = 1
    walk.counts[SINCE] = 0
    walk.counts[BEST] = makespan(walk.plan)
    keep_best(walk)


@njit(cache=True, nogil=True)
def make_move(shop, walk, length, tenure):  # type: ignore[no-untyped-def]
    """Make the next move; return whether there was one."""
    plan, tabu, now, best = walk.plan, walk.tabu, walk.counts[NOW], walk.counts[BEST]
    size, seed = critical_path(shop, plan, length, walk.path, walk.seed[0])
    seed = advance(seed)
    until = now + tenure + below(mix(seed), 1 + tenure // 2)
    if len(shop.choice_machine) == len(shop.job) - 1:
        one, other, forward, seed = choose_sequence(
            shop, plan, walk.path, size, tabu, now, best, walk.heads, walk.row, seed
        )
        if one >= 0:
            forbid_return(shop, plan, one, other, forward, tabu, until)
            sequence_move(shop, plan, one, other, forward, walk.mark, walk.row)
    else:
        one, choice, ahead, beyond, seed = choose_assignment(
            shop, plan, walk.bare, walk.path, size, tabu, now, best, walk.first, seed
        )
        if one >= 0:
            tabu[one, shop.job[len(shop.job) - 1] + plan.machine[one]] = until + size // 2
            assignment_move(shop, plan, one, choice, ahead, beyond, walk.row)
    walk.seed[0] = seed
    return one >= 0


@njit(cache=True, nogil=True)
def improve(shop, walk, moves, patience, target, tenure):  # type: ignore[no-untyped-def]
    """Make up to `moves` moves; return how many were made.

    It ends early after `patience` moves without a better schedule, at the makespan `target`, and
    where no move is left.
    """
    counts = walk.counts
    length = makespan(walk.plan)
    for made in range(moves):
        if counts[BEST] <= target or counts[SINCE] >= patience:
            return made
        if not make_move(shop, walk, length, tenure):
            counts[SINCE] = patience
            return made
        counts[NOW] += 1
        counts[SINCE] += 1
        length = makespan(walk.plan)
        if length < counts[BEST]:
            counts[BEST] = length
            counts[SINCE] = 0
            keep_best(walk)
    return moves

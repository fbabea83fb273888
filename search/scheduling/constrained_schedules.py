"""Schedules under side constraints for kernels: how an order becomes one, and how orders change.

An order names a job for each place: its next operation is placed then, on its machine behind all
that the machine has to do, at the earliest time at which the conjuncts that it is the last to
complete are kept. `hold` says before when an operation may not be placed, for constraints that want
one to wait for another (no more than so long between them). What cannot be kept is counted and
measured, and has a price; schedules with such are searched through and never given out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.scheduling.shop import Array
from tesuji.search.random import advance, below, mix, uniform
from tesuji.search.scheduling.constraint_programs import NEVER, evaluate

SPAN, BROKEN, DISTANCE = range(3)
_HEAT = 0.002  # how much longer, as part of the best, schedules that are gone on with are at e
_PRICE = 3  # of a unit of time by which a constraint is missed
_LEAPS = 200  # delays that are tried for one operation


class Layout(NamedTuple):
    """A shop as the kernels read it."""

    job: Array  # [O]
    first: Array  # of each job [J + 1]
    choice_start: Array  # [O + 1]
    choice_machine: Array  # [C]
    choice_duration: Array  # [C]


class Genes(NamedTuple):
    """What a schedule is made from."""

    order: Array  # jobs [O]
    choice: Array  # of a machine, from 0 [O]
    hold: Array  # [O]


class Timetable(NamedTuple):
    """What was made."""

    start: Array  # [O]
    end: Array  # [O]
    machine: Array  # [O]
    place: Array  # in the order [O]
    before: Array  # on the same machine, -1 without [O]
    missed: Array  # by how much it misses the conjuncts that it completes [O]
    counts: Array  # makespan, conjuncts that are missed, and by how much in all [3]


class Scratch(NamedTuple):
    """Room for making one."""

    following: Array  # [J]
    free: Array  # [M]
    last: Array  # [M]
    seed: npt.NDArray[np.uint64]  # [1]


@njit(cache=True, nogil=True)
def _draw(scratch, limit):  # type: ignore[no-untyped-def]
    scratch.seed[0] = advance(scratch.seed[0])
    return below(mix(scratch.seed[0]), limit)


@njit(cache=True, nogil=True)
def _misses(clauses, table, operation, begin, duration):  # type: ignore[no-untyped-def]
    # How far and how many conjuncts are missed that it completes, and the next change of those.
    table.start[operation], table.end[operation] = begin, begin + duration
    far, broken, change = 0, 0, NEVER
    for at in range(clauses.of_start[operation], clauses.of_start[operation + 1]):
        number = clauses.of[at]
        if clauses.left[number] == 1:
            missed, later = evaluate(
                clauses, number, table.start, table.end, table.machine, operation
            )
            if missed > 0:
                far, broken, change = far + missed, broken + 1, min(change, later)
    return far, broken, change


@njit(cache=True, nogil=True)
def _put(clauses, table, operation, begin, duration):  # type: ignore[no-untyped-def]
    # Place an operation as early as its conjuncts allow, or where they are missed least.
    far, broken, change = _misses(clauses, table, operation, begin, duration)
    best, least, count, now = begin, far, broken, begin
    for _ in range(_LEAPS):
        if least == 0 or change == NEVER:
            break
        now += change
        far, broken, change = _misses(clauses, table, operation, now, duration)
        if far < least:
            best, least, count = now, far, broken
    table.start[operation], table.end[operation] = best, best + duration
    table.missed[operation] = least
    table.counts[DISTANCE] += least
    table.counts[BROKEN] += count
    for at in range(clauses.of_start[operation], clauses.of_start[operation + 1]):
        clauses.left[clauses.of[at]] -= 1


@njit(cache=True, nogil=True)
def build(shop, clauses, genes, table, scratch):  # type: ignore[no-untyped-def]
    """Make the schedule of an order."""
    scratch.following[:] = shop.first[:-1]
    scratch.free[:] = 0
    scratch.last[:] = -1
    clauses.left[:] = clauses.size
    table.counts[:] = 0
    for place in range(len(genes.order)):
        job = genes.order[place]
        operation = scratch.following[job]
        scratch.following[job] += 1
        choice = shop.choice_start[operation] + genes.choice[operation]
        machine = shop.choice_machine[choice]
        begin = max(scratch.free[machine], genes.hold[operation])
        if operation > shop.first[job]:
            begin = max(begin, table.end[operation - 1])
        table.machine[operation] = machine
        table.place[operation] = place
        table.before[operation] = scratch.last[machine]
        _put(clauses, table, operation, begin, shop.choice_duration[choice])
        scratch.free[machine], scratch.last[machine] = table.end[operation], operation
        table.counts[SPAN] = max(table.counts[SPAN], table.end[operation])


@njit(cache=True, nogil=True)
def _cost(table, unit):  # type: ignore[no-untyped-def]
    counts = table.counts
    return counts[SPAN] + _PRICE * counts[DISTANCE] + unit * counts[BROKEN]


@njit(cache=True, nogil=True)
def _shift(order, one, other):  # type: ignore[no-untyped-def]
    # Take what stands at a place to another place.
    job, way = order[one], 1 if other > one else -1
    for place in range(one, other, way):
        order[place] = order[place + way]
    order[other] = job


@njit(cache=True, nogil=True)
def _missing(table, scratch):  # type: ignore[no-untyped-def]
    # A random operation that misses a conjunct; there is one.
    operation = _draw(scratch, len(table.missed))
    while not table.missed[operation]:
        operation = (operation + 1) % len(table.missed)
    return operation


@njit(cache=True, nogil=True)
def _critical(shop, table, last, scratch):  # type: ignore[no-untyped-def]
    # One on the longest way to `last` that waits for another on its machine, -1 without.
    operation, found, seen = np.int64(last), np.int64(-1), 0
    while operation >= 0:
        before, begin = table.before[operation], table.start[operation]
        own = operation > shop.first[shop.job[operation]]
        if before >= 0 and table.end[before] == begin and shop.job[before] != shop.job[operation]:
            seen += 1
            if _draw(scratch, seen) == 0:
                found = operation
            operation = before
        elif own and table.end[operation - 1] == begin:
            operation -= 1
        else:
            # It was delayed, or begins the schedule.
            operation = operation - 1 if own else before
    return found


@njit(cache=True, nogil=True)
def _hurry(shop, genes, last):  # type: ignore[no-untyped-def]
    # An operation and those before it in its job go before all others, each where it takes least.
    job = shop.job[last]
    found = 0
    for place in range(len(genes.order)):
        if genes.order[place] == job and shop.first[job] + found <= last:
            _shift(genes.order, place, found)
            found += 1
    for operation in range(shop.first[job], last + 1):
        first, beyond = shop.choice_start[operation], shop.choice_start[operation + 1]
        genes.choice[operation] = np.argmin(shop.choice_duration[first:beyond])
        genes.hold[operation] = 0


@njit(cache=True, nogil=True)
def _change(shop, clauses, genes, table, scratch):  # type: ignore[no-untyped-def]
    # Make one random change.
    size = len(genes.order)
    kind = _draw(scratch, 100)
    last = np.int64(np.argmax(table.end))
    if table.counts[BROKEN] and kind < 60:
        last = _missing(table, scratch)
        if kind < 10:
            # Another that it has to do with is held, to come with it; or none any longer.
            number = clauses.of[
                clauses.of_start[last]
                + _draw(scratch, clauses.of_start[last + 1] - clauses.of_start[last])
            ]
            operation = _draw(scratch, size)
            genes.hold[operation] = 0
            for at in range(clauses.of_start[operation], clauses.of_start[operation + 1]):
                if clauses.of[at] == number:
                    far = _draw(scratch, table.counts[DISTANCE] + 1)
                    genes.hold[operation] = table.start[operation] + 1 + far
            return
        if kind < 12:
            _hurry(shop, genes, last)
            return
        if kind < 25:
            _shift(genes.order, table.place[last], _draw(scratch, size))
            return
        if kind < 35:
            # It, or one before it in its job, goes to any machine.
            first = shop.first[shop.job[last]]
            operation = first + _draw(scratch, last - first + 1)
            choices = shop.choice_start[operation + 1] - shop.choice_start[operation]
            genes.choice[operation] = _draw(scratch, choices)
            return
    operation = _critical(shop, table, last, scratch) if kind < 75 else -1
    if operation >= 0:
        _shift(genes.order, table.place[operation], table.place[table.before[operation]])
        return
    operation = _draw(scratch, size)
    choices = shop.choice_start[operation + 1] - shop.choice_start[operation]
    if choices > 1 and kind < 95:
        genes.choice[operation] = _draw(scratch, choices)
    if kind >= 98:
        genes.hold[operation] = 0
    near = max(0, min(size - 1, table.place[operation] + _draw(scratch, 41) - 20))
    _shift(genes.order, table.place[operation], near)


@njit(cache=True, nogil=True)
def _copy(source, target):  # type: ignore[no-untyped-def]
    for part in range(3):
        target[part][:] = source[part]


@njit(cache=True, nogil=True)
def keep(source, target):  # type: ignore[no-untyped-def]
    """Copy a timetable."""
    for part in range(7):
        target[part][:] = source[part]


@njit(cache=True, nogil=True)
def improve(shop, clauses, genes, now, trial, table, best, scratch, moves, target, unit):  # type: ignore[no-untyped-def]
    """Make up to `moves` changes, fewer where a schedule meets the `target`; return how many.

    `genes` and `now` are what is gone on with, `trial` and `table` what is tried; `best` is the
    best schedule so far, by its cost.
    """
    for made in range(moves):
        if best.counts[BROKEN] == 0 and best.counts[SPAN] <= target:
            return made
        _copy(genes, trial)
        _change(shop, clauses, trial, now, scratch)
        build(shop, clauses, trial, table, scratch)
        scratch.seed[0] = advance(scratch.seed[0])
        spare = -np.log(uniform(mix(scratch.seed[0]))) * _HEAT * best.counts[SPAN]
        if _cost(table, unit) <= _cost(now, unit) + spare:
            _copy(trial, genes)
            keep(table, now)
            kept, whole = table.counts[BROKEN] == 0, best.counts[BROKEN] == 0
            if kept > whole or (kept == whole and _cost(table, unit) < _cost(best, unit)):
                keep(table, best)
    return moves

"""Routes by insertion: place jobs, take some out around one that does not fit, place them again.

Ruin and recreate with absence counts, after Christiaens & Vanden Berghe (2020), "Slack Induction
by String Removals", here for feasibility alone. What it finds is a proposal, nothing more.

Place 0 is the depot. Dimensions: `P` places, `V` routes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.search.random import advance, below, mix

Array = npt.NDArray[np.int64]

_BLINK = 64  # one place in so many is overlooked
_RUIN = 12  # most jobs that are taken out at once
_FAR = 2**40


class Work(NamedTuple):
    """The jobs; times and loads are whole numbers."""

    travel: Array  # [P, P]
    demand: Array  # [P]
    ready: Array  # [P]
    due: Array  # [P] latest begin of service; of the depot, latest return
    service: Array  # [P]
    near: Array  # [P, P] all places, those first that go well beside each other
    capacity: int


class Routes(NamedTuple):
    """Routes under way; `leave` and `late` follow from the rest, see `refresh`."""

    jobs: Array  # [V, P]
    length: Array  # [V]
    origin: Array  # [V] where each route stands
    clock: Array  # [V] when
    load: Array  # [V] with what it has and will take
    leave: Array  # [V, P] earliest departure from each job
    late: Array  # [V, P + 1] latest begin of each job, then latest return


def nearness(travel: Array, ready: Array, due: Array, service: Array) -> Array:
    """Return for each place all places, sorted by travel and waiting between the two `[P, P]`."""
    sooner = service[:, None] + travel
    wait = np.maximum(ready[None, :] - due[:, None] - sooner, 0)
    gap = np.where(ready[:, None] + sooner > due[None, :], _FAR, travel + wait)
    return np.ascontiguousarray(np.argsort(np.minimum(gap, gap.T), axis=1, kind="stable"))


@njit(cache=True)
def refresh(work, routes, v):  # type: ignore[no-untyped-def]
    """Write earliest departures and latest begins of route `v`; return whether it can be driven."""
    size = routes.length[v]
    at, time = routes.origin[v], routes.clock[v]
    for i in range(size):
        job = routes.jobs[v, i]
        time = max(time + work.travel[at, job], work.ready[job])
        routes.late[v, i] = time  # for now
        time += work.service[job]
        routes.leave[v, i] = time
        at = job
    fits = routes.load[v] <= work.capacity and time + work.travel[at, 0] <= work.due[0]
    routes.late[v, size] = work.due[0]
    following, latest = 0, work.due[0]
    for i in range(size - 1, -1, -1):
        job = routes.jobs[v, i]
        latest = min(work.due[job], latest - work.travel[job, following] - work.service[job])
        fits = fits and routes.late[v, i] <= latest
        routes.late[v, i] = latest
        following = job
    return fits


@njit(cache=True)
def detour(work, routes, v, i, job):  # type: ignore[no-untyped-def]
    """Return the way that `job` costs at place `i` of route `v`; `_FAR` where it does not fit."""
    before = routes.origin[v] if i == 0 else routes.jobs[v, i - 1]
    time = routes.clock[v] if i == 0 else routes.leave[v, i - 1]
    after = routes.jobs[v, i] if i < routes.length[v] else 0
    begin = max(time + work.travel[before, job], work.ready[job])
    if begin > work.due[job]:
        return _FAR
    if begin + work.service[job] + work.travel[job, after] > routes.late[v, i]:
        return _FAR
    return work.travel[before, job] + work.travel[job, after] - work.travel[before, after]


@njit(cache=True)
def insert(work, routes, v, i, job):  # type: ignore[no-untyped-def]
    """Put `job` at place `i` of route `v`."""
    for k in range(routes.length[v], i, -1):
        routes.jobs[v, k] = routes.jobs[v, k - 1]
    routes.jobs[v, i] = job
    routes.length[v] += 1
    routes.load[v] += work.demand[job]
    refresh(work, routes, v)


@njit(cache=True)
def insert_best(work, routes, job, blink, seed):  # type: ignore[no-untyped-def]
    """Put `job` where it costs least; return whether it fits, and the next seed."""
    best, place_v, place_i = _FAR, -1, -1
    for v in range(len(routes.length)):
        if routes.load[v] + work.demand[job] > work.capacity:
            continue
        for i in range(routes.length[v] + 1):
            cost = detour(work, routes, v, i, job)
            if cost >= best:
                continue
            if blink:
                seed = advance(seed)
                if below(mix(seed), _BLINK) == 0:
                    continue
            best, place_v, place_i = cost, v, i
    if place_v < 0:
        return False, seed
    insert(work, routes, place_v, place_i, job)
    return True, seed


@njit(cache=True)
def remove(work, routes, job):  # type: ignore[no-untyped-def]
    """Take `job` out of its route; return whether it was in one."""
    for v in range(len(routes.length)):
        for i in range(routes.length[v]):
            if routes.jobs[v, i] == job:
                for k in range(i, routes.length[v] - 1):
                    routes.jobs[v, k] = routes.jobs[v, k + 1]
                routes.length[v] -= 1
                routes.load[v] -= work.demand[job]
                refresh(work, routes, v)
                return True
    return False


@njit(cache=True)
def order(bank, size, keys):  # type: ignore[no-untyped-def]
    """Sort the first `size` jobs of `bank` by `keys`, greatest first."""
    for i in range(1, size):
        job = bank[i]
        k = i
        while k > 0 and keys[bank[k - 1]] < keys[job]:
            bank[k] = bank[k - 1]
            k -= 1
        bank[k] = job


@njit(cache=True)
def ruin(work, routes, bank, size, seed):  # type: ignore[no-untyped-def]
    """Take jobs near a random one of `bank` out, into `bank`; return its size and the seed."""
    seed = advance(seed)
    center = bank[below(mix(seed), size)]
    seed = advance(seed)
    wanted = 1 + below(mix(seed), _RUIN)
    for k in range(work.near.shape[1]):
        if wanted == 0:
            break
        job = work.near[center, k]
        if job in (0, center):
            continue
        seed = advance(seed)
        if below(mix(seed), 4) and remove(work, routes, job):
            bank[size] = job
            size += 1
            wanted -= 1
    return size, seed


@njit(cache=True)
def recreate(work, routes, bank, size, keys, seed):  # type: ignore[no-untyped-def]
    """Insert the jobs of `bank` where they fit; return how many are left in it, and the seed."""
    order(bank, size, keys)
    left = 0
    for i in range(size):
        fits, seed = insert_best(work, routes, bank[i], True, seed)
        if not fits:
            bank[left] = bank[i]
            left += 1
    return left, seed


@njit(cache=True)
def draw_keys(work, absences, keys, seed):  # type: ignore[no-untyped-def]
    """Write keys for one of four orders: chance, absences, due times, demand; return the seed."""
    seed = advance(seed)
    rule = below(mix(seed), 4)
    for place in range(len(keys)):
        seed = advance(seed)
        chance = below(mix(seed), 1 << 20)
        keys[place] = (chance, absences[place], -work.due[place], work.demand[place])[rule]
    return seed


@njit(cache=True)
def copy(source, target):  # type: ignore[no-untyped-def]
    """Copy what routes hold, but not the times that follow from it."""
    target.jobs[:] = source.jobs
    target.length[:] = source.length
    target.load[:] = source.load


@njit(cache=True)
def repair(work, routes, spare, bank, size, absences, iterations, seed):  # type: ignore[no-untyped-def]
    """Try to bring every job of `bank` in; return how many are left.

    Args:
        work: the jobs.
        routes: routes that can be driven; changed.
        spare: room for a copy of them.
        bank: jobs without a place `[P]`, the first `size` of them.
        size: how many.
        absences: how often each job was left over `[P]`; counted on.
        iterations: how often to ruin and recreate.
        seed: of the random numbers.
    """
    keys = np.empty(len(bank), np.int64)
    keys[:] = -work.due
    size, seed = recreate(work, routes, bank, size, keys, seed)
    kept, kept_size = bank.copy(), size
    copy(routes, spare)
    for _ in range(iterations):
        if size == 0:
            break
        size, seed = ruin(work, routes, bank, size, seed)
        seed = draw_keys(work, absences, keys, seed)
        size, seed = recreate(work, routes, bank, size, keys, seed)
        balance = 0
        for i in range(size):
            absences[bank[i]] += 1
        for i in range(size):
            balance += absences[bank[i]]
        for i in range(kept_size):
            balance -= absences[kept[i]]
        if balance <= 0:
            copy(routes, spare)
            kept[:], kept_size = bank, size
            continue
        copy(spare, routes)
        bank[:], size = kept, kept_size
        for v in range(len(routes.length)):
            refresh(work, routes, v)
    return size

"""The dearest route: what a vehicle can at most earn if each job has a price, exactly.

Labels grow from job to job in the order of time, after Feillet, Dejax, Gendreau & Gueguen (2004),
with the "ng" relaxation of Baldacci, Mingozzi & Roberti (2011): a route remembers the jobs it did
among the neighbours of where it is, so that it may come back to one after a long way round. The
maximum is over more than the real routes, so it is a bound for these.

Dimensions: `K` jobs with a price, at most 128; `L` labels; `T` steps of a window.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Array = npt.NDArray[np.int64]

MAX_JOBS = 128
TOO_MANY = -2  # routes: there was no room for all labels
_LABELS = 20_000
_NONE = -1


class Market(NamedTuple):
    """Jobs and what each is worth; times are begins of service."""

    lag: Array  # [K, K] least time from begin to begin
    ready: Array  # [K]
    due: Array  # [K]
    demand: Array  # [K]
    price: Array  # [K] above 0
    near: npt.NDArray[np.uint64]  # [K, 2] which jobs a route at each one remembers
    stride: int  # of the steps of a window, no longer than any lag


class Labels(NamedTuple):
    """Room for the ways that routes begin; a label is one way to one job."""

    job: npt.NDArray[np.int32]  # [L]
    begin: Array  # [L]
    load: Array  # [L]
    worth: Array  # [L]
    done: npt.NDArray[np.uint64]  # [L, 2]
    parent: npt.NDArray[np.int32]  # [L]
    dominated: npt.NDArray[np.bool_]  # [L]
    later: npt.NDArray[np.int32]  # [L] the next label of the same time
    beside: npt.NDArray[np.int32]  # [L] the next label at the same job


def allocate_labels(size: int = _LABELS) -> Labels:
    """Return room for `size` labels."""
    return Labels(
        np.zeros(size, np.int32),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
        np.zeros((size, 2), np.uint64),
        np.zeros(size, np.int32),
        np.zeros(size, np.bool_),
        np.zeros(size, np.int32),
        np.zeros(size, np.int32),
    )


@njit(cache=True)
def tails(market):  # type: ignore[no-untyped-def]
    """Return what can be earned after each job from each step of its window on, loads forgotten.

    A route may come back to a job, but not by way of a single other one. Returns the best
    `[K, T]`, the job it goes on with, and the best that goes on with another one.
    """
    jobs, stride = len(market.price), market.stride
    steps = 1 + max(0, (market.due - market.ready).max()) // stride  # a window may be empty
    best, other = np.zeros((jobs, steps), np.int64), np.zeros((jobs, steps), np.int64)
    follower = np.full((jobs, steps), _NONE)
    for now in range(market.due.max(), market.ready.min() - 1, -1):
        for i in range(jobs):
            if now < market.ready[i] or now > market.due[i] or (now - market.ready[i]) % stride:
                continue
            step = (now - market.ready[i]) // stride
            for j in range(jobs):
                begin = max(now + market.lag[i, j], market.ready[j])
                if j == i or begin > market.due[j]:
                    continue
                at = (begin - market.ready[j]) // stride
                rest = other[j, at] if follower[j, at] == i else best[j, at]
                worth = market.price[j] + rest
                if worth > best[i, step]:
                    other[i, step] = best[i, step]
                    best[i, step], follower[i, step] = worth, j
                elif worth > other[i, step]:
                    other[i, step] = worth
    return best, follower, other


@njit(cache=True)
def packed(market, room):  # type: ignore[no-untyped-def]
    """Return what jobs of each total load are worth at most, each taken once `[room + 1]`."""
    most = np.zeros(room + 1, np.int64)
    for i in range(len(market.price)):
        for load in range(room, market.demand[i] - 1, -1):
            most[load] = max(most[load], most[load - market.demand[i]] + market.price[i])
    return most


@njit(cache=True)
def covers(labels, head, size, hasty):  # type: ignore[no-untyped-def]
    """Unlink what the draft, label `size`, dominates; return whether it is dominated, and a head.

    `head` begins the chain of labels at the same job. In haste, what was done does not count.
    """
    label, before = head, _NONE
    while label != _NONE:
        beside = labels.beside[label]
        early = labels.begin[label] - labels.begin[size]
        light = labels.load[label] - labels.load[size]
        dear = labels.worth[size] - labels.worth[label]
        if early <= 0 and light <= 0 and dear <= 0:
            extra = labels.done[label, 0] & ~labels.done[size, 0]
            if hasty or (extra == 0 and labels.done[label, 1] & ~labels.done[size, 1] == 0):
                return True, head
        if early >= 0 and light >= 0 and dear >= 0:
            extra = labels.done[size, 0] & ~labels.done[label, 0]
            if hasty or (extra == 0 and labels.done[size, 1] & ~labels.done[label, 1] == 0):
                labels.dominated[label] = True
                if before == _NONE:
                    head = beside
                else:
                    labels.beside[before] = beside
                label = beside
                continue
        before, label = label, beside
    return False, head


@njit(cache=True)
def remembers(market, job, other):  # type: ignore[no-untyped-def]
    """Return whether a route at `job` still knows that it did `other`."""
    word, bit = other >> 6, np.uint64(1) << np.uint64(other & 63)
    return market.near[job, word] & bit != 0


@njit(cache=True)
def draft(market, labels, label, job, begin, load, size):  # type: ignore[no-untyped-def]
    """Write label `size`: from `label`, or from nowhere, on to `job`."""
    word, bit = job >> 6, np.uint64(1) << np.uint64(job & 63)
    labels.job[size], labels.begin[size], labels.load[size] = job, begin, load
    labels.parent[size], labels.dominated[size] = label, False
    labels.worth[size] = market.price[job]
    labels.done[size] = 0
    if label != _NONE:
        labels.worth[size] += labels.worth[label]
        for k in range(2):
            labels.done[size, k] = labels.done[label, k] & market.near[job, k]
    labels.done[size, word] |= bit


@njit(cache=True)
def following(labels, queue, label, now):  # type: ignore[no-untyped-def]
    """Return the label to go on from after `label`, which is of time `now`, and its time."""
    if label != _NONE:
        label = np.int64(labels.later[label])
    while label == _NONE or labels.dominated[label]:
        if label != _NONE:
            label = np.int64(labels.later[label])
            continue
        now += 1
        if now == len(queue):
            break
        label = np.int64(queue[now])
    return label, now


@njit(cache=True)
def dearest(market, first, room, floor, hasty, bounds, most, labels, routes, lengths):  # type: ignore[no-untyped-def]
    """Find routes that are worth more than `floor`; return how many, and the greatest worth.

    Args:
        market: the jobs.
        first: when the vehicle can begin each job, as its first `[K]`.
        room: the load that it can take.
        floor: what is worth no more is of no interest.
        hasty: whether some routes are enough; then the greatest worth is no bound.
        bounds: from `tails`.
        most: from `packed`.
        labels: room to work in.
        routes: the routes found, the dearest of each last job `[R, K]`.
        lengths: how long each is `[R]`.

    Returns:
        `(number of routes, greatest worth)`, at least `floor`; `TOO_MANY` for the number where
        there was no room for all labels.
    """
    jobs, size, since = len(market.price), 0, market.ready.min()
    queue = np.full(max(1, market.due.max() - since + 1), _NONE)  # labels by time
    chains, ends = np.full(jobs, _NONE), np.full(jobs, _NONE)
    best = floor
    label, now = np.int64(_NONE), np.int64(-1)
    while True:
        for job in range(jobs):
            word, bit = job >> 6, np.uint64(1) << np.uint64(job & 63)
            if label == _NONE:
                begin, load, worth = first[job], market.demand[job], market.price[job]
            elif labels.done[label, word] & bit:
                continue
            else:
                begin = labels.begin[label] + market.lag[labels.job[label], job]
                load = labels.load[label] + market.demand[job]
                worth = labels.worth[label] + market.price[job]
            begin = max(begin, market.ready[job])
            if begin > market.due[job] or load > room:
                continue
            step = (begin - market.ready[job]) // market.stride
            # Nobody goes right back to a job, but a label speaks also for those that it dominates:
            # only what it remembers is done on all of these ways.
            back = label != _NONE and bounds[1][job, step] == labels.job[label]
            back = back and remembers(market, job, labels.job[label])
            rest = bounds[2][job, step] if back else bounds[0][job, step]
            if worth + min(rest, most[room - load]) <= floor:
                continue
            if size == len(labels.job):
                return TOO_MANY, best
            draft(market, labels, label, job, begin, load, size)
            dominated, chains[job] = covers(labels, chains[job], size, hasty)
            if dominated:
                continue
            labels.beside[size], chains[job] = chains[job], size
            labels.later[size], queue[begin - since] = queue[begin - since], size
            if worth > floor and (ends[job] == _NONE or worth > labels.worth[ends[job]]):
                ends[job] = size
                best = max(best, worth)
            size += 1
        label, now = following(labels, queue, label, now)
        if label == _NONE:
            return unwind(labels, ends, routes, lengths), best


@njit(cache=True)
def unwind(labels, ends, routes, lengths):  # type: ignore[no-untyped-def]
    """Write the routes of the dearest of some labels; return how many."""
    found = 0
    worths = np.zeros(len(ends), np.int64)
    for k in range(len(ends)):
        worths[k] = labels.worth[ends[k]] if ends[k] != _NONE else 0
    for k in np.argsort(-worths):
        if worths[k] == 0 or found == len(routes):
            break
        label, length = np.int64(ends[k]), 0
        while label != _NONE:
            routes[found, length] = labels.job[label]
            length += 1
            label = np.int64(labels.parent[label])
        lengths[found] = length
        found += 1
    return found

"""Rollouts of a dispatching policy: one operation is scheduled after the other.

Of the operations that compete for the machine that could end one first (Giffler & Thompson 1960)
one is drawn by the softmax of what a small network says of each; those held keep an older order.

`J` jobs, `M` machines, `O` operations, `F` features, `H` units; `C` candidates of all choices
in a rollout, `S` choices among more than one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.scheduling.shop import Array, ShopInstance
from tesuji.search.random import advance, mix, uniform
from tesuji.search.tree import forced_kernel, kernel

Floats = npt.NDArray[np.float64]
FEATURES = 12
SPAN, CHOICES, CANDIDATES = range(3)


class PolicyWeights(NamedTuple):
    """A network of one hidden layer that scores a candidate."""

    hidden: Floats  # [F, H]
    shift: Floats  # [H]
    out: Floats  # [H]


class PolicyShop(NamedTuple):
    """A shop as rollouts read it."""

    job_start: Array  # [J + 1]
    choice_start: Array  # [O + 1]
    machine: Array  # of each choice
    duration: Array
    left: Array  # [O + 1] work of the job from this operation on
    home: Array  # [O] the machine that does it soonest
    shortest: Array  # [O]
    unit: float  # mean duration


class Sequence(NamedTuple):
    """A rollout: what was chosen from what."""

    counts: Array  # makespan, choices, candidates
    start: Array  # [O]
    on: Array  # [O] the machine
    first: Array  # [O + 1] of each choice its first candidate
    chosen: Array  # [O] of each choice its candidate
    features: Floats  # [C, F]


class Room(NamedTuple):
    """Where a rollout stands, and what is held; not for two threads at once."""

    following: Array  # [J] next operation
    job_time: Array  # [J]
    begin: Array  # [J] of the next operation
    end: Array  # [J]
    on: Array  # [J]
    machine_time: Array  # [M]
    machine_left: Array  # [M] work
    rivals: Array  # [J]
    held: Floats  # [O] how fast its logit falls with its begin in the schedule gone on with
    was: Array  # [O] that begin
    job: Array  # [O]
    seed: npt.NDArray[np.uint64]  # [1]


def first_weights(seed: int, hidden: int = 16) -> PolicyWeights:
    """Return random weights."""
    random = np.random.default_rng(seed)
    return PolicyWeights(
        random.normal(0, FEATURES**-0.5, (FEATURES, hidden)),
        np.zeros(hidden),
        random.normal(0, hidden**-0.5, hidden),
    )


@forced_kernel
def _look(shop, room, job):  # type: ignore[no-untyped-def]
    # Where and when the next operation of a job would end first.
    operation = room.following[job]
    room.end[job] = np.int64(1) << 60
    for choice in range(shop.choice_start[operation], shop.choice_start[operation + 1]):
        machine = shop.machine[choice]
        begin = max(room.job_time[job], room.machine_time[machine])
        if begin + shop.duration[choice] < room.end[job]:
            room.begin[job], room.end[job] = begin, begin + shop.duration[choice]
            room.on[job] = machine


@forced_kernel
def _describe(shop, room, job, rivals, soonest, first, latest, most, done, out):  # type: ignore[no-untyped-def]
    # The features of a candidate, about -1 to 3 each.
    operation, unit = room.following[job], shop.unit
    last = operation + 1 == shop.job_start[job + 1]
    out[0] = (room.end[job] - room.begin[job]) / unit - 1.0
    out[1] = (room.begin[job] - first) / unit
    out[2] = (room.end[job] - soonest) / unit
    out[3] = (room.begin[job] + shop.left[operation] - latest) / (5.0 * unit)
    out[4] = shop.left[operation] / max(latest, 1)
    whole = shop.job_start[job + 1] - shop.job_start[job]
    out[5] = (shop.job_start[job + 1] - operation) / whole
    out[6], out[7], out[11] = 0.0, 0.0, -1.0
    if not last:
        after = shop.home[operation + 1]
        out[6] = min(3.0, max(-3.0, (room.machine_time[after] - room.end[job]) / unit))
        out[7] = room.machine_left[after] / most
        out[11] = shop.shortest[operation + 1] / unit
    out[8] = room.machine_left[room.on[job]] / most
    out[9] = rivals / 8.0
    out[10] = done


@forced_kernel
def _score(weights, features):  # type: ignore[no-untyped-def]
    total = 0.0
    for unit in range(len(weights.out)):
        value = weights.shift[unit]
        for i in range(FEATURES):
            value += features[i] * weights.hidden[i, unit]
        if value > 0.0:
            total += weights.out[unit] * value
    return total


@kernel
def roll_out(shop, weights, room, sequence, greedy):  # type: ignore[no-untyped-def]
    """Schedule everything once; write what was chosen from what."""
    jobs, size = len(room.following), len(shop.home)
    room.job_time[:], room.machine_time[:], room.machine_left[:] = 0, 0, 0
    sequence.counts[:] = 0
    for operation in range(size):
        room.machine_left[shop.home[operation]] += shop.shortest[operation]
    for job in range(jobs):
        room.following[job] = shop.job_start[job]
        if room.following[job] < shop.job_start[job + 1]:
            _look(shop, room, job)
    single = len(shop.machine) == size
    for step in range(size):
        soonest, at, latest = np.int64(1) << 60, np.int64(0), np.int64(0)
        for job in range(jobs):
            if room.following[job] < shop.job_start[job + 1]:
                if room.end[job] < soonest:
                    soonest, at = room.end[job], room.on[job]
                latest = max(latest, room.job_time[job] + shop.left[room.following[job]])
        rivals, first = 0, np.int64(1) << 60
        for job in range(jobs):
            left = room.following[job] < shop.job_start[job + 1]
            if left and room.on[job] == at and room.begin[job] < soonest:
                room.rivals[rivals] = job
                rivals += 1
                first = min(first, room.begin[job])
        job = room.rivals[0]
        if rivals > 1:
            chosen = _choose(
                shop, weights, room, sequence, greedy, rivals, soonest, first, latest,
                step / size,
            )  # fmt: skip
            job = room.rivals[chosen]
        operation = room.following[job]
        sequence.start[operation], sequence.on[operation] = room.begin[job], at
        room.job_time[job] = room.machine_time[at] = room.end[job]
        sequence.counts[SPAN] = max(sequence.counts[SPAN], room.end[job])
        room.machine_left[shop.home[operation]] -= shop.shortest[operation]
        room.following[job] += 1
        for other in range(jobs):
            left = room.following[other] < shop.job_start[other + 1]
            if left and (other == job or room.on[other] == at or not single):
                _look(shop, room, other)


@forced_kernel
def draw(room):  # type: ignore[no-untyped-def]
    """Return a random number in (0, 1)."""
    room.seed[0] = advance(room.seed[0])
    return uniform(mix(room.seed[0]))


@forced_kernel
def _choose(shop, weights, room, sequence, greedy, rivals, soonest, first, latest, done):  # type: ignore[no-untyped-def]
    # Draw one of the rivals, or take the best; note the choice.
    most, earliest = 1.0, np.int64(1) << 60
    for machine in range(len(room.machine_left)):
        most = max(most, room.machine_left[machine])
    begin, number = sequence.counts[CANDIDATES], sequence.counts[CHOICES]
    rivals = min(rivals, len(sequence.features) - begin)
    for i in range(rivals):
        earliest = min(earliest, room.was[room.following[room.rivals[i]]])
    best, chosen = -1e300, 0
    for i in range(rivals):
        row, operation = sequence.features[begin + i], room.following[room.rivals[i]]
        _describe(shop, room, room.rivals[i], rivals, soonest, first, latest, most, done, row)
        value = _score(weights, row)
        value -= room.held[operation] * (room.was[operation] - earliest) / shop.unit
        if not greedy:
            value -= np.log(-np.log(draw(room)))
        if value > best:
            best, chosen = value, i
    if rivals > 0:
        sequence.first[number], sequence.chosen[number] = begin, begin + chosen
        sequence.counts[CHOICES] += 1
        sequence.counts[CANDIDATES] += rivals
        sequence.first[number + 1] = begin + rivals
    return chosen


def make_sequence(size: int, width: int) -> Sequence:
    """Return room for a rollout of `size` operations with `width` candidates."""
    return Sequence(
        np.zeros(3, np.int64), np.zeros(size, np.int64), np.zeros(size, np.int64),
        np.zeros(size + 1, np.int64), np.zeros(size, np.int64), np.zeros((width, FEATURES)),
    )  # fmt: skip


def policy_shop(instance: ShopInstance) -> PolicyShop:
    """Return what rollouts read of a shop."""
    shortest = instance.shortest.astype(np.int64)
    home = np.array(
        [min(instance.choices(i), key=lambda c: c[1])[0] for i in range(len(shortest))], np.int64
    )
    left = np.zeros(len(shortest) + 1, np.int64)
    for first, end in zip(instance.job_start[:-1], instance.job_start[1:], strict=True):
        left[first:end] = np.cumsum(shortest[first:end][::-1])[::-1]
    return PolicyShop(
        instance.job_start.astype(np.int64), instance.choice_start.astype(np.int64),
        instance.choice_machine.astype(np.int64), instance.choice_duration.astype(np.int64),
        left, home, shortest, max(1.0, float(shortest.mean())),
    )  # fmt: skip

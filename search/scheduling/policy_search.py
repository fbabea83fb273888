"""Schedules by a learned dispatching policy, and large-neighbourhood search in which it rebuilds.

A rollout schedules one operation after the other. Of the operations that compete for the machine
that could end one first (Giffler & Thompson 1960) one is drawn by the softmax of what a small
network says of each. The search keeps a schedule, frees the operations of a span of time, of some
machines or of some jobs, and lets the policy draw those anew, while all others keep their order.
What is not longer, or hardly, is gone on with.

`J` jobs, `M` machines, `O` operations, `F` features, `H` units; `C` candidates of all choices
in a rollout, `S` choices among more than one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.scheduling.shop import Array, ShopInstance, ShopSchedule, random_shop
from tesuji.search.random import advance, mix, uniform
from tesuji.search.tree import forced_kernel, kernel

Floats = npt.NDArray[np.float64]
FEATURES = 12
_HELD = 1000.0  # how fast a held operation's logit falls with its begin, in mean durations
_HEAT = 0.002  # how much longer, as part of the best, schedules that are gone on with are at e
_FEWEST, _MOST = 8.0, 50.0  # operations that a span frees, about
_SAMPLED = 50  # schedules drawn by the policy alone, before the first is rebuilt
_SPAN, _CHOICES, _CANDIDATES = range(3)


class PolicyWeights(NamedTuple):
    """A network of one hidden layer that scores a candidate."""

    hidden: Floats  # [F, H]
    shift: Floats  # [H]
    out: Floats  # [H]


class _Shop(NamedTuple):
    job_start: Array  # [J + 1]
    choice_start: Array  # [O + 1]
    machine: Array  # of each choice
    duration: Array
    left: Array  # [O + 1] work of the job from this operation on
    home: Array  # [O] the machine that does it soonest
    shortest: Array  # [O]
    unit: float  # mean duration


class _Sequence(NamedTuple):
    """A rollout: what was chosen from what."""

    counts: Array  # makespan, choices, candidates
    start: Array  # [O]
    on: Array  # [O] the machine
    first: Array  # [O + 1] of each choice its first candidate
    chosen: Array  # [O] of each choice its candidate
    features: Floats  # [C, F]


class _Room(NamedTuple):
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


def load_kernels() -> None:
    """Compile or load what a search runs on, so that no budget pays for it."""
    PolicySearch(random_shop(3, 3), first_weights(0)).advance(2)


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
def _rollout(shop, weights, room, sequence, greedy):  # type: ignore[no-untyped-def]  # noqa: PLR0912 - one walk
    # Schedule everything once; write what was chosen from what.
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
            if room.following[job] < shop.job_start[job + 1] and room.on[job] == at:
                if room.begin[job] < soonest:
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
        sequence.counts[_SPAN] = max(sequence.counts[_SPAN], room.end[job])
        room.machine_left[shop.home[operation]] -= shop.shortest[operation]
        room.following[job] += 1
        for other in range(jobs):
            if room.following[other] < shop.job_start[other + 1]:
                if other == job or room.on[other] == at or not single:
                    _look(shop, room, other)


@forced_kernel
def _random(room):  # type: ignore[no-untyped-def]
    room.seed[0] = advance(room.seed[0])
    return uniform(mix(room.seed[0]))


@forced_kernel
def _choose(shop, weights, room, sequence, greedy, rivals, soonest, first, latest, done):  # type: ignore[no-untyped-def]
    # Draw one of the rivals, or take the best; note the choice.
    most, earliest = 1.0, np.int64(1) << 60
    for machine in range(len(room.machine_left)):
        most = max(most, room.machine_left[machine])
    begin, number = sequence.counts[_CANDIDATES], sequence.counts[_CHOICES]
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
            value -= np.log(-np.log(_random(room)))
        if value > best:
            best, chosen = value, i
    if rivals > 0:
        sequence.first[number], sequence.chosen[number] = begin, begin + chosen
        sequence.counts[_CHOICES] += 1
        sequence.counts[_CANDIDATES] += rivals
        sequence.first[number + 1] = begin + rivals
    return chosen


@forced_kernel
def _release(shop, room, sequence):  # type: ignore[no-untyped-def]
    # Hold the order of all operations but those of a span, of machines or of jobs.
    size = len(room.held)
    kind = _random(room)
    length = sequence.counts[_SPAN]
    share = min(0.5, (_FEWEST + (_MOST - _FEWEST) * _random(room)) / size)
    begin = np.int64(_random(room) * length * (1.0 - share))
    machines, jobs = len(room.machine_time), len(room.following)
    share_of = min(1.0, (1.0 + 2.0 * _random(room)) / (machines if kind < 0.8 else jobs))
    salt = np.uint64(_random(room) * 2.0**53)
    for operation in range(size):
        room.held[operation], room.was[operation] = _HELD, sequence.start[operation]
        if kind < 0.6:
            free = begin <= room.was[operation] <= begin + np.int64(share * length)
        else:
            group = sequence.on[operation] if kind < 0.8 else room.job[operation]
            free = uniform(mix(salt + np.uint64(group))) < share_of
        if free:
            room.held[operation] = 0.0


@kernel
def _improve(shop, weights, room, now, current, best, rollouts, target):  # type: ignore[no-untyped-def]
    # Rebuild parts of a schedule; return how often.
    for done in range(rollouts):
        if best.counts[_SPAN] <= target:
            return done
        _release(shop, room, current)
        _rollout(shop, weights, room, now, False)
        limit = current.counts[_SPAN] - np.log(_random(room)) * _HEAT * best.counts[_SPAN]
        if now.counts[_SPAN] <= limit:
            _keep(now, current)
            if now.counts[_SPAN] < best.counts[_SPAN]:
                _keep(now, best)
    return rollouts


@kernel
def _keep(source, target):  # type: ignore[no-untyped-def]
    # Only the schedule.
    target.counts[_SPAN] = source.counts[_SPAN]
    for operation in range(len(source.start)):
        target.start[operation] = source.start[operation]
        target.on[operation] = source.on[operation]


class PolicySearch:
    """A search that goes on for as long as it is asked to; seed and rollouts say what it finds.

    Attributes:
        instance: the shop.
        moves: rollouts so far.
    """

    def __init__(self, instance: ShopInstance, weights: PolicyWeights, seed: int = 0) -> None:
        """Schedule by the policy alone: greedily, then some drawn at random."""
        self.instance, self.moves = instance, 0
        self._shop, self._weights = _shop_arrays(instance), weights
        jobs, size = instance.num_jobs, instance.num_operations
        small = [np.zeros(jobs, np.int64) for _ in range(6)]
        time, left = (np.zeros(instance.num_machines, np.int64) for _ in range(2))
        self._room = _Room(
            small[0], small[1], small[2], small[3], small[4], time, left, small[5], np.zeros(size),
            np.zeros(size, np.int64), instance.job_of.astype(np.int64), np.array([seed], np.uint64),
        )  # fmt: skip
        width = min(size * jobs, 64 * size)
        self._now, self._current, self._best = (_sequence(size, width) for _ in range(3))
        _rollout(self._shop, weights, self._room, self._best, True)
        self.greedy = self.makespan
        for _ in range(_SAMPLED):
            _rollout(self._shop, weights, self._room, self._now, False)
            if self._now.counts[_SPAN] < self._best.counts[_SPAN]:
                _keep(self._now, self._best)
        _keep(self._best, self._current)

    @property
    def makespan(self) -> int:
        """Return when all is done in the best schedule."""
        return int(self._best.counts[_SPAN])

    def advance(self, rollouts: int, target: int = 0) -> int:
        """Do `rollouts` more, fewer where the makespan `target` is met; return their number."""
        done = int(
            _improve(
                self._shop, self._weights, self._room, self._now, self._current, self._best,
                rollouts, target,
            )
        )  # fmt: skip
        self.moves += done
        return done

    def schedule(self) -> ShopSchedule:
        """Return the best schedule."""
        return ShopSchedule(self._best.start.copy(), self._best.on.copy(), self.makespan)

    def lesson(self) -> tuple[Floats, Array, Array]:
        """Return what the best schedule chose from what.

        Its candidates `[C, F]`, the first of each choice `[S + 1]`, the chosen `[S]`.
        """
        self._room.held[:] = _HELD
        self._room.was[:] = self._best.start
        _rollout(self._shop, self._weights, self._room, self._now, True)
        _, choices, candidates = self._now.counts.tolist()
        return (
            self._now.features[:candidates].copy(),
            self._now.first[: choices + 1].copy(),
            self._now.chosen[:choices].copy(),
        )


def _sequence(size: int, width: int) -> _Sequence:
    return _Sequence(
        np.zeros(3, np.int64), np.zeros(size, np.int64), np.zeros(size, np.int64),
        np.zeros(size + 1, np.int64), np.zeros(size, np.int64), np.zeros((width, FEATURES)),
    )  # fmt: skip


def _shop_arrays(instance: ShopInstance) -> _Shop:
    shortest = instance.shortest.astype(np.int64)
    home = np.array(
        [min(instance.choices(i), key=lambda c: c[1])[0] for i in range(len(shortest))], np.int64
    )
    left = np.zeros(len(shortest) + 1, np.int64)
    for first, end in zip(instance.job_start[:-1], instance.job_start[1:], strict=True):
        left[first:end] = np.cumsum(shortest[first:end][::-1])[::-1]
    return _Shop(
        instance.job_start.astype(np.int64), instance.choice_start.astype(np.int64),
        instance.choice_machine.astype(np.int64), instance.choice_duration.astype(np.int64),
        left, home, shortest, max(1.0, float(shortest.mean())),
    )  # fmt: skip

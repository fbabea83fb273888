"""Schedules by a learned dispatching policy: large-neighbourhood search in which it rebuilds.

The search keeps a schedule, frees the operations of a span of time, of some machines or of some
jobs, and lets the policy draw those anew (`policy_rollout.py`), while all others keep their order.
What is not longer, or hardly, is gone on with.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.logistics.scheduling.shop import Array, ShopInstance, ShopSchedule, random_shop
from tesuji.search.random import mix, uniform
from tesuji.search.scheduling.policy_rollout import (
    FEATURES,
    SPAN,
    Floats,
    PolicyWeights,
    Room,
    draw,
    first_weights,
    make_sequence,
    policy_shop,
    roll_out,
)
from tesuji.search.tree import forced_kernel, kernel

__all__ = ["FEATURES", "PolicySearch", "PolicyWeights", "first_weights", "load_kernels"]

_HELD = 1000.0  # how fast a held operation's logit falls with its begin, in mean durations
_HEAT = 0.002  # how much longer, as part of the best, schedules that are gone on with are at e
_FEWEST, _MOST = 8.0, 50.0  # operations that a span frees, about
_SAMPLED = 50  # schedules drawn by the policy alone, before the first is rebuilt


def load_kernels() -> None:
    """Compile or load what a search runs on, so that no budget pays for it."""
    PolicySearch(random_shop(3, 3), first_weights(0)).advance(2)


@forced_kernel
def _release(shop, room, sequence):  # type: ignore[no-untyped-def]
    # Hold the order of all operations but those of a span, of machines or of jobs.
    size = len(room.held)
    kind = draw(room)
    length = sequence.counts[SPAN]
    share = min(0.5, (_FEWEST + (_MOST - _FEWEST) * draw(room)) / size)
    begin = np.int64(draw(room) * length * (1.0 - share))
    machines, jobs = len(room.machine_time), len(room.following)
    share_of = min(1.0, (1.0 + 2.0 * draw(room)) / (machines if kind < 0.8 else jobs))
    salt = np.uint64(draw(room) * 2.0**53)
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
        if best.counts[SPAN] <= target:
            return done
        _release(shop, room, current)
        roll_out(shop, weights, room, now, False)
        limit = current.counts[SPAN] - np.log(draw(room)) * _HEAT * best.counts[SPAN]
        if now.counts[SPAN] <= limit:
            _keep(now, current)
            if now.counts[SPAN] < best.counts[SPAN]:
                _keep(now, best)
    return rollouts


@kernel
def _keep(source, target):  # type: ignore[no-untyped-def]
    # Only the schedule.
    target.counts[SPAN] = source.counts[SPAN]
    for operation in range(len(source.start)):
        target.start[operation] = source.start[operation]
        target.on[operation] = source.on[operation]


class PolicySearch:
    """A search that goes on for as long as it is asked to; seed and rollouts say what it finds.

    Attributes:
        instance: the shop.
        moves: rollouts so far.
    """

    is_feasible = True  # every schedule is, without side constraints

    def __init__(self, instance: ShopInstance, weights: PolicyWeights, seed: int = 0) -> None:
        """Schedule by the policy alone: greedily, then some drawn at random."""
        self.instance, self.moves = instance, 0
        self._shop, self._weights = policy_shop(instance), weights
        jobs, size = instance.num_jobs, instance.num_operations
        small = [np.zeros(jobs, np.int64) for _ in range(6)]
        time, left = (np.zeros(instance.num_machines, np.int64) for _ in range(2))
        self._room = Room(
            small[0], small[1], small[2], small[3], small[4], time, left, small[5], np.zeros(size),
            np.zeros(size, np.int64), instance.job_of.astype(np.int64), np.array([seed], np.uint64),
        )  # fmt: skip
        width = min(size * jobs, 64 * size)
        self._now, self._current, self._best = (make_sequence(size, width) for _ in range(3))
        roll_out(self._shop, weights, self._room, self._best, True)
        self.greedy = self.makespan
        for _ in range(_SAMPLED):
            roll_out(self._shop, weights, self._room, self._now, False)
            if self._now.counts[SPAN] < self._best.counts[SPAN]:
                _keep(self._now, self._best)
        _keep(self._best, self._current)

    @property
    def makespan(self) -> int:
        """Return when all is done in the best schedule."""
        return int(self._best.counts[SPAN])

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
        roll_out(self._shop, self._weights, self._room, self._now, True)
        _, choices, candidates = self._now.counts.tolist()
        return (
            self._now.features[:candidates].copy(),
            self._now.first[: choices + 1].copy(),
            self._now.chosen[:choices].copy(),
        )

"""Landmarks: facts that every plan must make true at some time, and how many are still to come.

A fact's landmarks are itself and what all operators that add it have among the landmarks of their
conditions; that is computed to a fixpoint, deletions ignored (Zhu & Givan 2003; Keyder, Richter &
Helmert 2010). The count of those not seen yet on the way to a state, and of those that must be made
true again, guides the search (Richter & Westphal 2010).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain, Small
from tesuji.search.planning.relaxation import Relaxation
from tesuji.search.tree import kernel

MAX_WORK = 2_000_000_000  # words of the fixpoint; tasks beyond that have their goals alone
Words = npt.NDArray[np.uint64]


class Landmarks(NamedTuple):
    """Landmarks `L` of the goal, as numbers and as sets of `W` words."""

    fact: Small  # [L]
    number: Small  # [F] of a fact, -1 where it is no landmark
    is_goal: npt.NDArray[np.uint8]  # [L]
    before: Words  # [L, W] landmarks that come before it for certain
    next_start: Small  # [L + 1]
    next: Small  # landmarks whose every first achiever requires it


def find_landmarks(task: FiniteDomain, relaxation: Relaxation) -> Landmarks:
    """Return the landmarks of a task's goal that are facts."""
    facts = len(task.atom)
    init = task.first[:-1] + task.init
    width = (facts + 63) // 64
    goal = np.unique(task.goal).astype(np.int32)
    sets = np.zeros((facts, width), np.uint64)
    if len(relaxation.operator) * width * 3 <= MAX_WORK:
        _fixpoint(relaxation, init, sets)
    union = np.zeros(width, np.uint64)
    for fact in goal:
        union |= sets[fact]
    bits = np.unpackbits(union.view(np.uint8), bitorder="little")[:facts]
    bits[goal] = 1
    found = np.flatnonzero(bits).astype(np.int32)
    number = np.full(facts, -1, np.int32)
    number[found] = np.arange(len(found))
    words = (len(found) + 63) // 64
    before = np.zeros((len(found), max(1, words)), np.uint64)
    for i, fact in enumerate(found):
        own = np.unpackbits(sets[fact].view(np.uint8), bitorder="little")[:facts]
        own[fact] = 0
        for other in number[np.flatnonzero(own & bits)]:
            before[i, other >> 6] |= np.uint64(1) << np.uint64(other & 63)
    pairs = _greedy_orders(relaxation, sets, found, number, init)
    order = np.argsort(pairs[:, 0], kind="stable")
    start = np.searchsorted(pairs[order, 0], np.arange(len(found) + 1))
    return Landmarks(
        found, number, np.isin(found, goal).astype(np.uint8), before,
        start.astype(np.int32), pairs[order, 1].astype(np.int32),
    )  # fmt: skip


@kernel
def _narrow(sets, fact, union, fresh):  # type: ignore[no-untyped-def]
    # Keep of a fact's landmarks those of one more way to make it true; return whether any went.
    changed = fresh
    for w in range(len(union)):
        value = union[w]
        if w == fact >> 6:
            value |= np.uint64(1) << np.uint64(fact & 63)
        if not fresh:
            value &= sets[fact, w]
        if value != sets[fact, w]:
            changed = True
            sets[fact, w] = value
    return changed


@kernel
def _wake(relaxation, fact, fresh, left, waiting, queue, head, size):  # type: ignore[no-untyped-def]
    # Have the operators that require a fact looked at (again); return the queue's size.
    for i in range(relaxation.user_start[fact], relaxation.user_start[fact + 1]):
        user = relaxation.user[i]
        if fresh:
            left[user] -= 1
        if left[user] == 0 and not waiting[user]:
            waiting[user] = 1
            queue[(head + size) % len(queue)] = user
            size += 1
    return size


@njit(cache=True, nogil=True)
def _fixpoint(relaxation, init, sets):  # type: ignore[no-untyped-def]
    # Fill `sets` `[F, W]` with each fact's landmarks; those of facts that cannot be reached stay
    # empty. Operators are looked at again when the landmarks of a condition became fewer.
    count = len(relaxation.left)
    reached = np.zeros(len(sets), np.uint8)  # 2 at first
    waiting = np.zeros(count, np.uint8)
    queue = np.empty(count, np.int64)
    head, size = 0, 0
    left = np.empty(count, np.int64)
    union = np.empty(sets.shape[1], np.uint64)
    for op in range(count):
        left[op] = relaxation.before_start[op + 1] - relaxation.before_start[op]
    for op in relaxation.free:
        waiting[op] = 1
        queue[size] = op
        size += 1
    for fact in init:
        reached[fact] = 2
        sets[fact, fact >> 6] |= np.uint64(1) << np.uint64(fact & 63)
        size = _wake(relaxation, fact, True, left, waiting, queue, head, size)
    while size:
        op = queue[head]
        head = (head + 1) % count
        size -= 1
        waiting[op] = 0
        union[:] = 0
        for i in range(relaxation.before_start[op], relaxation.before_start[op + 1]):
            union |= sets[relaxation.before[i]]
        for k in range(relaxation.effect_start[op], relaxation.effect_start[op + 1]):
            fact = np.int64(relaxation.effect[k])
            fresh = reached[fact] == 0
            if reached[fact] != 2 and _narrow(sets, fact, union, fresh):
                reached[fact] = 1
                size = _wake(relaxation, fact, fresh, left, waiting, queue, head, size)


@kernel
def _find_first(relaxation, sets, ops, facts, first):  # type: ignore[no-untyped-def]
    # Mark in `first` the operators without a fact of their own among their conditions' landmarks.
    for i in range(len(ops)):
        word, bit = facts[i] >> 6, np.uint64(1) << np.uint64(facts[i] & 63)
        first[i] = True
        for k in range(relaxation.before_start[ops[i]], relaxation.before_start[ops[i] + 1]):
            if sets[relaxation.before[k], word] & bit:
                first[i] = False
                break


def _greedy_orders(
    relaxation: Relaxation, sets: Words, found: Small, number: Small, init: Small
) -> npt.NDArray[np.int64]:
    """Return pairs `(a, b)` of landmarks: all that can make `b` true first require `a`."""
    size = max(1, len(found))
    made = number[relaxation.effect]
    owner = np.repeat(np.arange(len(relaxation.operator)), np.diff(relaxation.effect_start))
    ops, marks = owner[made >= 0], made[made >= 0]
    # An operator that has the fact among its own conditions' landmarks is never the first.
    first = np.zeros(len(ops), np.bool_)
    _find_first(relaxation, sets, ops, found[marks], first)
    ops, marks = ops[first], marks[first]
    achievers = np.bincount(marks, minlength=size)
    lengths = np.diff(relaxation.before_start)[ops]
    at = np.repeat(np.arange(len(ops)), lengths)
    shift = np.arange(len(at)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    conditions = number[relaxation.before[relaxation.before_start[ops][at] + shift]]
    keys = conditions.astype(np.int64) * size + marks[at]
    keys, counts = np.unique(keys[conditions >= 0], return_counts=True)
    a, b = keys // size, keys % size
    kept = (counts == achievers[b]) & ~np.isin(found[b], init)
    return np.stack([a[kept], b[kept]], axis=1)


@kernel
def accept(landmarks, state, first, out):  # type: ignore[no-untyped-def]
    """Add to `out` `[W]`, the landmarks seen on the way, those that hold in `state`."""
    for variable in range(len(first) - 1):
        mark = landmarks.number[first[variable] + state[variable]]
        if mark >= 0:
            out[mark >> 6] |= np.uint64(1) << np.uint64(mark & 63)


@kernel
def _has(words, mark):  # type: ignore[no-untyped-def]
    return (words[mark >> 6] >> np.uint64(mark & 63)) & np.uint64(1) != 0


@kernel
def count_landmarks(landmarks, state, steps, accepted):  # type: ignore[no-untyped-def]
    """Return how many landmarks are still to be made true, or again."""
    total = np.int64(0)
    for mark in range(len(landmarks.fact)):
        if not _has(accepted, mark):
            total += 1
            continue
        fact = landmarks.fact[mark]
        variable = steps.variable[fact]
        if state[variable] == fact - steps.first[variable]:
            continue
        again = landmarks.is_goal[mark] != 0
        for i in range(landmarks.next_start[mark], landmarks.next_start[mark + 1]):
            if not _has(accepted, landmarks.next[i]):
                again = True
                break
        total += again
    return total


@kernel
def leads_on(landmarks, steps, operator, accepted):  # type: ignore[no-untyped-def]
    """Return whether an operator makes a landmark true whose turn it is."""
    for effect in range(steps.effect_start[operator], steps.effect_start[operator + 1]):
        mark = landmarks.number[steps.effect[effect]]
        if mark < 0 or _has(accepted, mark):
            continue
        due = True
        for word in range(len(accepted)):
            if landmarks.before[mark, word] & ~accepted[word]:
                due = False
                break
        if due:
            return True
    return False

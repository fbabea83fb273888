"""Lower bounds of the makespan that can be checked by adding up.

    no operation of S begins before the least head, and after the last of them the least tail goes
    by; in between, K machines share the work of S:

    bound(S) = min head + ceil(sum of durations / K) + min tail        K machines can do S

With one machine the best S reaches the preemptive bound of Jackson's rule (Carlier 1982). Heads and
tails are those of the job alone, with shortest durations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tesuji.domains.logistics.scheduling.shop import Array, ShopInstance


@dataclass(frozen=True)
class ShopBound:
    """A lower bound and what shows it.

    Attributes:
        value: no schedule is shorter.
        operations: the set S; or, where `is_chain`, one after the other of one job.
        is_chain: whether the operations follow each other, so that they take the sum of them.
    """

    value: int
    operations: tuple[int, ...]
    is_chain: bool


def job_heads(instance: ShopInstance) -> tuple[Array, Array]:
    """Return what must go by before each operation begins and after it ends `[O]`, by its job."""
    shortest = instance.shortest
    until = np.cumsum(shortest)
    first, last = instance.job_start[:-1], instance.job_start[1:] - 1
    job = instance.job_of
    head = until - shortest - (until - shortest)[first][job]
    return head, until[last][job] - until


def shop_bound(instance: ShopInstance) -> ShopBound:
    """Return the best bound by one job or by one set of machines."""
    head, tail = job_heads(instance)
    shortest = instance.shortest
    best = _longest_job(instance, shortest)
    machines = _machines_of(instance)
    for group in _groups(machines):
        inside = np.array([operation for operation, own in enumerate(machines) if own <= group])
        value, chosen = _best_set(head[inside], shortest[inside], tail[inside], len(group))
        if value > best.value:
            best = ShopBound(value, tuple(inside[chosen].tolist()), False)
    return best


def _longest_job(instance: ShopInstance, shortest: Array) -> ShopBound:
    work = np.add.reduceat(shortest, instance.job_start[:-1])
    job = int(work.argmax())
    operations = range(int(instance.job_start[job]), int(instance.job_start[job + 1]))
    return ShopBound(int(work[job]), tuple(operations), True)


def _machines_of(instance: ShopInstance) -> list[frozenset[int]]:
    return [
        frozenset(machine for machine, _ in instance.choices(operation))
        for operation in range(instance.num_operations)
    ]


def _groups(machines: list[frozenset[int]]) -> list[frozenset[int]]:
    """Return sets of machines that some operations cannot leave: own, of two of them, of all."""
    own = sorted(set(machines), key=sorted)
    pairs = {one | other for one in own for other in own} if len(own) <= 64 else set()
    whole = frozenset[int]().union(*own)
    return sorted({*own, *pairs, whole} if len(own) > 1 else set(own), key=sorted)


def _best_set(head: Array, duration: Array, tail: Array, machines: int) -> tuple[int, Array]:
    """Return the best bound of a set of these operations, and the set.

    Of all sets with a least head and a least tail the largest is the best, so that one pass for
    each head, over the operations by falling tail, meets it.
    """
    order = np.argsort(-tail, kind="stable")
    head, duration, tail = head[order], duration[order], tail[order]
    best, chosen = 0, order[:0]
    for least in np.unique(head):
        late = np.flatnonzero(head >= least)
        values = least - np.cumsum(duration[late]) // -machines + tail[late]
        place = int(values.argmax())
        if values[place] > best:
            best, chosen = int(values[place]), order[late[: place + 1]]
    return best, np.sort(chosen)

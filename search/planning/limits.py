"""How many facts hold together at most, such as parcels in a truck: counted by a variable.

A limit is a set of facts that count one each, and a variable whose values count so much that no
operator adds to the sum. What it is at first, it never exceeds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.ragged import Numbers64

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Limit:
    """A sum over facts that never exceeds what it is at first.

    Attributes:
        most: what it is at first.
        weight: `[F]` of each fact.
    """

    most: int
    weight: Numbers64


def find_limits(
    task: FiniteDomain, gains: tuple[Numbers64, Numbers64], losses: tuple[Numbers64, Numbers64]
) -> list[Limit]:
    """Return limits of facts that are only gained by operators that count.

    Args:
        task: the task.
        gains: operators and the facts that they may make true.
        losses: operators and the facts that they make false for certain.
    """
    gained = np.bincount(gains[1], minlength=len(task.atom))
    found: list[Limit] = []
    for variable, (operators, start, end) in _counters(task, losses, gains).items():
        mine = np.isin(gains[0], operators)
        own = np.bincount(gains[1][mine], minlength=len(task.atom))
        only = (own == gained) & (own > 0) & (task.variable != variable)
        # Facts that come with the same steps of the counter belong together.
        step = np.full(len(task.cost), -1, np.int64)
        step[operators] = start * len(task.atom) + end
        kinds: dict[frozenset[int], list[int]] = defaultdict(list)
        order = np.flatnonzero(mine & only[gains[1]])
        steps = _by_fact(gains[1][order], step[gains[0][order]])
        for fact, own_steps in steps.items():
            kinds[own_steps].append(fact)
        for facts in kinds.values():
            limit = _limit(task, np.array(facts), (operators, start, end), gains, losses)
            if limit is not None:
                found.append(limit)
    return found


def _by_fact(facts: Numbers64, steps: Numbers64) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for fact, step in zip(facts.tolist(), steps.tolist(), strict=True):
        found[fact].add(step)
    return {fact: frozenset(own) for fact, own in found.items()}


_Steps = tuple[Numbers64, Numbers64, Numbers64]  # operators, from which fact, to which


def _counters(
    task: FiniteDomain,
    losses: tuple[Numbers64, Numbers64],
    gains: tuple[Numbers64, Numbers64],
) -> dict[int, _Steps]:
    """Return for each variable the operators that take it from one known value to another."""
    size = len(task.init)
    lost = losses[0] * size + task.variable[losses[1]]
    won = gains[0] * size + task.variable[gains[1]]
    keys, at_lost, at_won = np.intersect1d(lost, won, return_indices=True)
    found = {}
    for variable in np.unique(keys % size).tolist():
        here = keys % size == variable
        found[variable] = (
            keys[here] // size, losses[1][at_lost[here]], gains[1][at_won[here]],
        )  # fmt: skip
    return found


def _limit(
    task: FiniteDomain,
    facts: Numbers64,
    steps: _Steps,
    gains: tuple[Numbers64, Numbers64],
    losses: tuple[Numbers64, Numbers64],
) -> Limit | None:
    """Return the limit of some facts by a counter's steps, if there is one that says something."""
    counted = np.zeros(len(task.atom), np.int64)
    counted[facts] = 1
    change = np.bincount(gains[0], counted[gains[1]], len(task.cost))
    change -= np.bincount(losses[0], counted[losses[1]], len(task.cost))
    operators, start, end = steps
    triples = np.unique(np.stack([start, end, change[operators].astype(np.int64)]), axis=1)
    weight = np.zeros(len(task.atom), np.int64)
    values = np.unique(np.concatenate([start, end]))
    for _ in range(len(values) + 1):  # weights fall until no step adds to the sum
        before = weight.copy()
        np.minimum.at(weight, triples[1], before[triples[0]] - triples[2])
        if np.array_equal(before, weight):
            break
    else:
        return None
    weight[values] -= weight[values].min()
    weight[facts] = 1
    at_first = int(weight[task.first[:-1] + task.init].sum())
    if at_first >= len(np.unique(task.variable[facts])):
        return None
    return Limit(at_first, weight)

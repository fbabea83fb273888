"""A ground task in finite-domain variables: the form that searches step (SAS+).

Each variable stands for a group of atoms of which at most one holds; its last value is none of
them. A state is one small number a variable.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.invariants import mutex_groups
from tesuji.domains.logistics.pddl.operators import Operators
from tesuji.domains.logistics.pddl.ragged import Numbers64, Ragged, starts

Small = npt.NDArray[np.int32]


class FiniteDomain(NamedTuple):
    """Variables, operators and the goal as arrays; a *fact* is `first[variable] + value`.

    Effects of an operator happen in order, each where its conditions held before the operator.
    """

    first: Small  # [V + 1], the first fact of each variable
    init: Small  # [V] values
    goal: Small  # facts
    before_start: Small  # [n + 1]
    before: Small  # facts that each operator requires
    effect_start: Small  # [n + 1]
    effect: Small  # facts that each operator makes true
    when_start: Small  # [m + 1]
    when: Small  # facts that each effect requires
    cost: npt.NDArray[np.float64]  # [n]
    variable: Small  # of each fact
    atom: Small  # of each fact, -1 for none of them
    operator: Small  # [n] of the `Operators`


def make_finite_domain(task: Operators) -> FiniteDomain:
    """Return a task in finite-domain variables."""
    groups = _cover(mutex_groups(task), task.num_atoms)
    sizes = np.array([len(group) + 1 for group in groups], np.int64)
    first = starts(sizes)
    fact = np.zeros(task.num_atoms, np.int64)
    atom = np.full(int(first[-1]), -1, np.int64)
    init = sizes - 1
    for variable, group in enumerate(groups):
        fact[group] = first[variable] + np.arange(len(group))
        atom[fact[group]] = group
        true = np.flatnonzero(task.init[group])
        if len(true):
            init[variable] = true[0]
    variable_of = np.repeat(np.arange(len(groups)), sizes)
    before = task.before.mapped(fact)
    possible = _consistent(before, variable_of)
    effects, when = _effects(task, fact, first, variable_of)
    kept = np.flatnonzero(possible & (np.bincount(effects[0], minlength=len(task.cost)) > 0))
    mine = np.flatnonzero(np.isin(effects[0], kept))
    before, when = before.take(kept), when.take(mine)
    counts = np.bincount(effects[0], minlength=len(task.cost))[kept]
    return FiniteDomain(
        first=first.astype(np.int32), init=init.astype(np.int32),
        goal=np.sort(fact[task.goal]).astype(np.int32),
        before_start=before.start.astype(np.int32), before=before.values.astype(np.int32),
        effect_start=starts(counts).astype(np.int32), effect=effects[1][mine].astype(np.int32),
        when_start=when.start.astype(np.int32), when=when.values.astype(np.int32),
        cost=task.cost[kept], variable=variable_of.astype(np.int32), atom=atom.astype(np.int32),
        operator=kept.astype(np.int32),
    )  # fmt: skip


def _cover(groups: list[Numbers64], num_atoms: int) -> list[Numbers64]:
    """Return disjoint groups that hold each atom once, large ones first (greedy set cover)."""
    free = np.ones(num_atoms, np.bool_)
    queue = [(-len(group), i) for i, group in enumerate(groups)]
    heapq.heapify(queue)
    found: list[Numbers64] = []
    while queue:
        size, i = heapq.heappop(queue)
        left = groups[i][free[groups[i]]]
        if len(left) < 2:
            continue
        if len(left) < -size:
            heapq.heappush(queue, (-len(left), i))
            continue
        free[left] = False
        found.append(left)
    return found + [np.array([atom]) for atom in np.flatnonzero(free)]


def _consistent(before: Ragged, variable_of: Numbers64) -> npt.NDArray[np.bool_]:
    """Return which operators do not require two values of one variable."""
    size = int(variable_of.max(initial=0)) + 1
    keys = np.unique(
        np.stack([before.owner() * size + variable_of[before.values], before.values]), axis=1
    )
    twice = keys[0][1:][np.diff(keys[0]) == 0]
    possible = np.ones(len(before.start) - 1, np.bool_)
    possible[twice // size] = False
    return possible


def _effects(
    task: Operators, fact: Numbers64, first: Numbers64, variable_of: Numbers64
) -> tuple[tuple[Numbers64, Numbers64], Ragged]:
    """Return `(operator, fact)` of all effects in the order they happen, and their conditions.

    A deletion sets a variable to its last value where the atom holds; one whose variable gets a
    value anyway is left out.
    """
    effects = task.effects
    size = len(first)
    variable = variable_of[fact[effects.atom]]
    owner = effects.operator * size + variable
    certain = effects.when.lengths() == 0
    replaced = np.isin(owner, owner[effects.adds & certain])
    keep = np.flatnonzero(effects.adds | ~replaced)
    keep = keep[np.lexsort((effects.adds[keep], effects.late[keep], effects.operator[keep]))]
    chosen = effects.take(keep)
    target = np.where(chosen.adds, fact[chosen.atom], first[variable_of[fact[chosen.atom]] + 1] - 1)
    # Whether the atom must be seen to hold: not where the operator requires it, nor for a twin,
    # whose atom is added at the same time.
    required = task.before.owner() * task.num_atoms + task.before.values
    unseen = ~chosen.adds & ~chosen.late
    unseen &= ~np.isin(chosen.operator * task.num_atoms + chosen.atom, required)
    own = Ragged(starts(unseen.astype(np.int64)), fact[chosen.atom[unseen]])
    when = chosen.when.mapped(fact).with_more(own)
    return (chosen.operator, target), when

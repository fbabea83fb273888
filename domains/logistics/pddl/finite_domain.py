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
from tesuji.domains.logistics.pddl.numeric import (
    SCALE_DOWN,
    Numeric,
    Rules,
    no_numbers,
    no_rules,
)
from tesuji.domains.logistics.pddl.operators import Operators
from tesuji.domains.logistics.pddl.programs import CONSTANT, DIVIDE
from tesuji.domains.logistics.pddl.ragged import BoolArray, Numbers64, Ragged, is_in, starts
from tesuji.domains.logistics.pddl.twins import CHANGE, NUMERIC_FACT

Small = npt.NDArray[np.int32]


class FiniteDomain(NamedTuple):
    """Variables, operators and the goal as arrays; a *fact* is `first[variable] + value`.

    Facts from `first[-1]` on are numeric (`numeric.py`), each a variable of its own in `variable`.
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
    numeric: Numeric
    rules: Rules


class FactNames(NamedTuple):
    """What facts say.

    Attributes:
        predicate: `[F]`; each negation and each "none" has one of its own, below 0.
        terms: `[F, most places]` objects, -1 where there is none.
        alike: `[objects]` those of one number play the same part.
        groups: facts of which at most one holds.
    """

    predicate: Numbers64
    terms: Numbers64
    alike: Numbers64
    groups: Ragged


def make_finite_domain(task: Operators) -> FiniteDomain:
    """Return a task in finite-domain variables."""
    groups = _cover(mutex_groups(task), task.numeric == 0)
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
    asked = np.flatnonzero(task.numeric == NUMERIC_FACT)
    fact[asked] = first[-1] + np.arange(len(asked))
    variable_of = np.repeat(np.arange(len(groups) + len(asked)), [*sizes, *np.ones_like(asked)])
    before = task.before.mapped(fact)
    possible = _consistent(before, variable_of)
    effects, when = _effects(task, fact, first, variable_of)
    acts = np.zeros(len(task.cost), np.bool_)
    acts[effects[0]] = True
    acts[task.effects.operator[task.numeric[task.effects.atom] == CHANGE]] = True
    kept = np.flatnonzero(possible & acts)
    mine = np.flatnonzero(is_in(effects[0], kept))
    before, when = before.take(kept), when.take(mine)
    counts = np.bincount(effects[0], minlength=len(task.cost))[kept]
    return FiniteDomain(
        first=first.astype(np.int32), init=init.astype(np.int32),
        goal=np.sort(fact[task.goal]).astype(np.int32),
        before_start=before.start.astype(np.int32), before=before.values.astype(np.int32),
        effect_start=starts(counts).astype(np.int32), effect=effects[1][mine].astype(np.int32),
        when_start=when.start.astype(np.int32), when=when.values.astype(np.int32),
        cost=task.cost[kept], variable=variable_of.astype(np.int32), atom=atom.astype(np.int32),
        operator=kept.astype(np.int32), rules=no_rules(len(kept)),
        numeric=_numeric(task, fact, int(first[-1]), before, kept),
    )  # fmt: skip


def _numeric(
    task: Operators, fact: Numbers64, num_facts: int, before: Ragged, kept: Numbers64
) -> Numeric:
    """Return what is of numbers; `before` is of the operators `kept`."""
    fluents = task.ground.grounder.fluents
    init = fluents.init()
    if not len(init):
        return no_numbers(len(kept))
    asked = (task.codes[task.numeric == NUMERIC_FACT] - fluents.limit) // 2
    gap, kind = fluents.gaps()
    gap = gap.take(asked)
    mine = (task.numeric[task.effects.atom] == CHANGE) & is_in(task.effects.operator, kept)
    changes = task.effects.take(np.flatnonzero(mine))
    which = (task.codes[changes.atom] - fluents.limit) // 2
    target, how, value = fluents.changes()
    value = value.take(which)
    need = before.keep(before.values >= num_facts)
    counts = np.bincount(changes.operator, minlength=len(task.cost))[kept]
    when = changes.when.mapped(fact)
    constants = value.argument[value.code == CONSTANT]
    fragile = not np.isfinite(init).all() or not np.isfinite(constants).all()
    divides = (value.code == DIVIDE).any() or (how[which] == SCALE_DOWN).any()
    longest = max(int(np.diff(programs.start).max(initial=1)) for programs in (gap, value))
    return Numeric(
        init, gap, kind[asked], need.start.astype(np.int32),
        (need.values - num_facts).astype(np.int32), starts(counts).astype(np.int32),
        target[which].astype(np.int32), how[which], value, when.start.astype(np.int32),
        when.values.astype(np.int32), bool(fragile or divides), np.zeros(longest),
    )  # fmt: skip


def classical(task: FiniteDomain) -> FiniteDomain:
    """Return a task without its numbers and rules: what it lets be done is more, or the same."""
    count, facts = len(task.cost), int(task.first[-1])
    if (
        not len(task.numeric.init)
        and not len(task.rules.rules_of)
        and not len(task.rules.guards_of)
    ):
        return task
    before = _lists(task.before_start, task.before)
    when = _lists(task.when_start, task.when)
    before = before.keep(before.values < facts)
    when = when.keep(when.values < facts)
    return task._replace(
        goal=task.goal[task.goal < facts],
        before_start=before.start.astype(np.int32), before=before.values.astype(np.int32),
        when_start=when.start.astype(np.int32), when=when.values.astype(np.int32),
        variable=task.variable[:facts], numeric=no_numbers(count), rules=no_rules(count),
    )  # fmt: skip


def _lists(start: Small, values: Small) -> Ragged:
    return Ragged(start.astype(np.int64), values.astype(np.int64))


def _cover(groups: list[Numbers64], atoms: BoolArray) -> list[Numbers64]:
    """Return disjoint groups that hold each atom once, large ones first (greedy set cover)."""
    free = atoms.copy()
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
    effects = task.effects.take(np.flatnonzero(task.numeric[task.effects.atom] == 0))
    size = len(first)
    variable = variable_of[fact[effects.atom]]
    owner = effects.operator * size + variable
    certain = effects.when.lengths() == 0
    replaced = is_in(owner, owner[effects.adds & certain])
    keep = np.flatnonzero(effects.adds | ~replaced)
    keep = keep[np.lexsort((effects.adds[keep], effects.late[keep], effects.operator[keep]))]
    chosen = effects.take(keep)
    target = np.where(chosen.adds, fact[chosen.atom], first[variable_of[fact[chosen.atom]] + 1] - 1)
    # Whether the atom must be seen to hold: not where the operator requires it, nor for a twin,
    # whose atom is added at the same time.
    required = task.before.owner() * task.num_atoms + task.before.values
    unseen = ~chosen.adds & ~chosen.late
    unseen &= ~is_in(chosen.operator * task.num_atoms + chosen.atom, required)
    own = Ragged(starts(unseen.astype(np.int64)), fact[chosen.atom[unseen]])
    when = chosen.when.mapped(fact).with_more(own)
    return (chosen.operator, target), when

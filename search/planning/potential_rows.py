"""What a potential function over facts and pairs of facts must keep, as rows of a linear program.

Each *feature*, a fact or two facts that hold together, has a weight of at least 0, and h(state) is
a constant minus the weights that hold (Pommerening, Helmert & Bonet 2017). h bounds the cost of
plans from below if no operator takes more off it than it costs. What an operator takes off depends
on what it requires and changes, and on *contexts*: facts of other variables that stay. A variable
has one value, so its contexts enter by the largest of them, which is a column of its own.

Features are those that operators speak of: what one changes, beside what it requires and leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FactNames, FiniteDomain
from tesuji.domains.logistics.pddl.ragged import Numbers64, Ragged, from_pairs
from tesuji.search.planning.limits import Limit, find_limits

Floats = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_SEVERAL = 3


class Entries(NamedTuple):
    """A sparse matrix by its entries."""

    row: Numbers64
    column: Numbers64
    value: Numbers64


class _Pairs(NamedTuple):
    operator: Numbers64
    fact: Numbers64


@dataclass(frozen=True)
class PotentialRows:
    """Rows in three tables.

    Attributes:
        features: `[K, 2]` facts; -1 second where it is one fact.
        base: what operators take off by features that are certain: operator, feature, value.
        context: of the rows under a column for contexts: row, feature, value.
        column: `[R]` for each row of `context` the column that is no less than it.
        uses: for operators, the context columns that count: operator, column, 1.
        most: `[n]` how many of its limited rows hold together, -1 where no limit is known.
        limited: `[R]` which rows are.
        limits: why.
    """

    features: Numbers64
    base: Entries
    context: Entries
    column: Numbers64
    uses: Entries
    most: Numbers64
    limited: BoolArray
    limits: tuple[Limit, ...]


def make_rows(
    task: FiniteDomain, certain: BoolArray, groups: Ragged, few: bool = False
) -> PotentialRows:
    """Return the rows of a task.

    Args:
        task: without numbers.
        certain: `[m]` which effects happen whenever their operators do.
        groups: facts of which at most one holds.
        few: pairs only where a fact stays beside several values of a variable, as what is carried
            does: these prove nearly as much.
    """
    return _Maker(task, certain, groups).rows(few)


def tied(features: Numbers64, names: FactNames) -> Numbers64:
    """Return a number for each feature, the same for those that speak of alike objects alike."""
    one, two = features.T
    swap = (two >= 0) & (names.predicate[one] > names.predicate[two])
    sides = np.where(swap, two, one), np.where(swap, one, two)
    places = names.terms.shape[1]
    none = np.full((len(one), 1), -1)
    terms = np.concatenate([none, *(names.terms[side] for side in sides)], axis=1)
    terms[two < 0, 1 + places :] = -1
    kind = np.append(names.alike, -1)[terms]
    first = np.argmax(terms[:, :, None] == terms[:, None, :], axis=2)  # where each was first named
    predicates = names.predicate[sides[0]], np.where(two >= 0, names.predicate[sides[1]], -1)
    whole = np.concatenate([np.stack(predicates, axis=1), kind, first], axis=1)
    _, number = np.unique(whole, axis=0, return_inverse=True)
    return np.asarray(number.ravel(), np.int64)


class _Maker:
    def __init__(self, task: FiniteDomain, certain: BoolArray, groups: Ragged) -> None:
        self._task = task
        self._num_groups = len(groups.start) - 1
        self._groups_of = from_pairs(groups.values, groups.owner(), len(task.atom))
        self._facts, self._variables = len(task.atom), len(task.init)
        count = len(task.cost)
        operators = np.arange(count)
        before = np.repeat(operators, np.diff(task.before_start)), task.before.astype(np.int64)
        made = np.repeat(operators, np.diff(task.effect_start)), task.effect.astype(np.int64)
        self._before = np.unique(self._key(*before))
        made_keys = np.unique(self._key(*made))
        named = task.atom[made_keys % self._facts] >= 0
        self._gains = np.setdiff1d(made_keys[named], self._before)
        # Variables that get a value for certain, and what they are required to be before.
        self._set = np.unique(made[0][certain] * self._variables + task.variable[made[1][certain]])
        order = np.argsort(before[0] * self._variables + task.variable[before[1]])
        self._required = (before[0] * self._variables + task.variable[before[1]])[order]
        self._required_fact = before[1][order]
        lost = np.isin(self._variable_key(self._before), self._set)
        self._losses = np.setdiff1d(self._before[lost], made_keys)
        self._kept = np.setdiff1d(self._before, self._losses)
        self._held = np.unique(self._group_keys(*self._split(self._before))[1])

    def _key(self, operator: Numbers64, fact: Numbers64) -> Numbers64:
        return np.asarray(operator * self._facts + fact, np.int64)

    def _split(self, keys: Numbers64) -> _Pairs:
        return _Pairs(keys // self._facts, keys % self._facts)

    def _variable_key(self, keys: Numbers64) -> Numbers64:
        operator, fact = self._split(keys)
        return np.asarray(operator * self._variables + self._task.variable[fact], np.int64)

    def _required_of(self, keys: Numbers64) -> Numbers64:
        """Return for operators and variables the fact that is required, -1 where none is."""
        if not len(self._required):
            return np.full(len(keys), -1, np.int64)
        at = np.minimum(np.searchsorted(self._required, keys), len(self._required) - 1)
        return np.where(self._required[at] == keys, self._required_fact[at], -1)

    def _features(self, few: bool) -> Numbers64:
        named = np.flatnonzero(self._task.atom >= 0)
        changed = self._split(np.union1d(self._gains, self._losses))
        kept = self._split(self._kept)
        lists = from_pairs(kept.operator, kept.fact, len(self._task.cost))
        one, other = _beside(changed.fact, lists.take(changed.operator))
        apart = self._task.variable[one] != self._task.variable[other]
        low, high = np.minimum(one, other)[apart], np.maximum(one, other)[apart]
        pairs = np.unique(low * self._facts + high)
        if few:
            low, high = self._split(pairs)
            beside = np.maximum(self._partners(low, high), self._partners(high, low))
            pairs = pairs[beside >= _SEVERAL]
        singles = np.stack([named, np.full(len(named), -1)], axis=1)
        return np.concatenate([singles, np.stack(self._split(pairs), axis=1)]).astype(np.int64)

    def _partners(self, fact: Numbers64, other: Numbers64) -> Numbers64:
        # In how many pairs each fact is with values of the other's variable.
        keys = fact * self._variables + self._task.variable[other]
        _, place, count = np.unique(keys, return_inverse=True, return_counts=True)
        return np.asarray(count[place], np.int64)

    def rows(self, few: bool) -> PotentialRows:
        """Return the rows; see `make_rows`."""
        features = self._features(few)
        paired = np.flatnonzero(features[:, 1] >= 0)
        ends = features[paired].ravel(order="F")
        partner = from_pairs(
            ends, np.concatenate([features[paired, 1], features[paired, 0]]), self._facts
        )
        number = from_pairs(ends, np.concatenate([paired, paired]), self._facts)
        single = np.full(self._facts, -1, np.int64)
        single[features[: len(features) - len(paired), 0]] = np.arange(len(features) - len(paired))
        base: list[tuple[Numbers64, Numbers64, Numbers64]] = []
        contexts: list[tuple[Numbers64, Numbers64, Numbers64, Numbers64]] = []
        for keys, sign in ((self._gains, 1), (self._losses, -1)):
            operator, fact = self._split(keys)
            base.append((operator, single[fact], np.full(len(fact), sign)))
            owner, other = _beside(np.arange(len(fact)), partner.take(fact))
            feature = number.take(fact).values
            sure, context = self._classify(operator[owner], fact[owner], other, sign)
            base.append((operator[owner][sure], feature[sure], np.full(sure.sum(), sign)))
            contexts.append(
                (operator[owner][context], other[context], feature[context],
                 np.full(context.sum(), sign))
            )  # fmt: skip
        return self._assemble(features, base, contexts)

    def _classify(
        self, operator: Numbers64, fact: Numbers64, other: Numbers64, sign: int
    ) -> tuple[BoolArray, BoolArray]:
        # Which pairs change for certain, and which where `other` holds all along.
        keys = self._key(operator, other)
        variable = self._variable_key(keys)
        required = self._required_of(variable)
        gained = np.isin(keys, self._gains)
        lost = np.isin(keys, self._losses)
        once = fact < other
        known = required == other
        both, held = (gained, known & ~lost) if sign > 0 else (lost, known)
        sure = np.where(both, once, held)
        free = (required < 0) & ~gained & ~np.isin(variable, self._set)
        free &= self._task.atom[other] >= 0
        free[free] = ~self._excluded(operator[free], other[free])
        return sure, free

    def _group_keys(self, operator: Numbers64, fact: Numbers64) -> tuple[Numbers64, Numbers64]:
        # The groups that facts are in, each with its operator; and the place of each such fact.
        place, group = _beside(np.arange(len(fact)), self._groups_of.take(fact))
        return place, np.asarray(operator[place] * self._num_groups + group, np.int64)

    def _excluded(self, operator: Numbers64, fact: Numbers64) -> BoolArray:
        """Return which facts cannot hold beside what their operators require."""
        place, keys = self._group_keys(operator, fact)
        found = np.zeros(len(fact), np.bool_)
        found[place[np.isin(keys, self._held)]] = True
        return found

    def _assemble(
        self,
        features: Numbers64,
        base: list[tuple[Numbers64, Numbers64, Numbers64]],
        contexts: list[tuple[Numbers64, Numbers64, Numbers64, Numbers64]],
    ) -> PotentialRows:
        operator, other, feature, sign = (np.concatenate(c) for c in zip(*contexts, strict=True))
        keys, row = np.unique(self._key(operator, other), return_inverse=True)
        gains = np.zeros(len(keys), np.bool_)
        gains[row[sign > 0]] = True  # a row that only takes less off bounds nothing
        kept = gains[row]
        renumber = np.cumsum(gains) - 1
        keys = keys[gains]
        column_key, column = np.unique(self._variable_key(keys), return_inverse=True)
        limits = find_limits(self._task, self._split(self._gains), self._split(self._losses))
        most, limited = self._limited(keys, column_key, column, limits)
        return PotentialRows(
            features,
            Entries(*(np.concatenate(c) for c in zip(*base, strict=True))),
            Entries(renumber[row[kept]], feature[kept], sign[kept]),
            column.astype(np.int64),
            Entries(
                column_key // self._variables, np.arange(len(column_key)),
                np.ones(len(column_key), np.int64),
            ),
            most, limited, tuple(limits),
        )  # fmt: skip

    def _limited(
        self, keys: Numbers64, column_key: Numbers64, column: Numbers64, limits: list[Limit]
    ) -> tuple[Numbers64, BoolArray]:
        # The limit of each operator that holds for most of its columns, and the rows it is about.
        owner = column_key // self._variables
        most = np.full(len(self._task.cost), -1, np.int64)
        limited = np.zeros(len(keys), np.bool_)
        covered = np.zeros(len(most), np.int64)
        before = self._split(self._before)
        for limit in limits:
            inside = limit.weight[keys % self._facts] == 1
            count = np.bincount(owner[np.unique(column[inside])], minlength=len(most))
            held = np.bincount(before.operator, limit.weight[before.fact], len(most))
            left = np.maximum(limit.most - held.astype(np.int64), 0)
            better = (count > left) & (count > covered)
            most[better], covered[better] = left[better], count[better]
            limited = np.where(better[owner[column]], inside, limited)
        return most, limited


def _beside(keys: Numbers64, lists: Ragged) -> tuple[Numbers64, Numbers64]:
    """Return each key beside each entry of its list."""
    return np.repeat(keys, lists.lengths()), lists.values

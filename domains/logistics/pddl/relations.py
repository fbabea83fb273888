"""Relations of objects as tables of numbers, and their joins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


class GroundingError(ValueError):
    """A task has more ground actions than the budget allows."""


@dataclass(frozen=True)
class Pattern:
    """A predicate's terms in a schema: parameter `i` as `i`, object `o` as `-1 - o`."""

    terms: tuple[int, ...]
    rows: IntArray  # [n, k], the tuples for which the predicate may hold

    def variables(self) -> tuple[int, ...]:
        """Return the parameters among the terms, each once."""
        return tuple(dict.fromkeys(term for term in self.terms if term >= 0))

    def matches(self, domains: Sequence[BoolArray]) -> IntArray:
        """Return the values of `variables()` that fit constants, repetitions and domains."""
        keep = np.ones(len(self.rows), np.bool_)
        first: dict[int, int] = {}
        for position, term in enumerate(self.terms):
            column = self.rows[:, position]
            if term < 0:
                keep &= column == -1 - term
            elif term in first:
                keep &= column == self.rows[:, first[term]]
            else:
                first[term] = position
                keep &= domains[term][column]
        return np.unique(self.rows[keep][:, list(first.values())], axis=0)


def join(
    domains: Sequence[BoolArray],
    patterns: Sequence[Pattern],
    different: Sequence[tuple[int, int]],
    most: int,
) -> IntArray:
    """Return all values of the parameters `[n, P]` that fit every pattern.

    Args:
        domains: which objects each parameter may be, `[P]` of `[O]`.
        patterns: relations between parameters.
        different: pairs of parameters that must differ.
        most: rows that there may be at any time.

    Raises:
        GroundingError: there would be more; the message says how many.
    """
    table = np.zeros((1, 0), np.int32)
    bound: list[int] = []
    base = len(domains[0]) if domains else 1
    waiting = [(p.variables(), p.matches(domains)) for p in patterns]
    if any(not variables and not len(rows) for variables, rows in waiting):
        table = table[:0]
    for parameter, domain in enumerate(domains):
        values = np.flatnonzero(domain).astype(np.int32)[:, None]
        waiting.append(((parameter,), values))
    while len(bound) < len(domains):
        scored = [
            (len(rows) / max(1, _spread(variables, rows, bound)), i)
            for i, (variables, rows) in enumerate(waiting)
            if not set(variables) <= set(bound)
        ]
        _, index = min(scored)
        variables, rows = waiting.pop(index)
        table = _extend(table, bound, variables, rows, base, most)
        bound += [variable for variable in variables if variable not in bound]
        for known in [w for w in waiting if set(w[0]) <= set(bound) and w[0]]:
            table = table[_contained(table, bound, *known, base)]
            waiting.remove(known)
        for a, b in different:
            if a in bound and b in bound:
                table = table[table[:, bound.index(a)] != table[:, bound.index(b)]]
    return np.ascontiguousarray(table[:, np.argsort(bound)]) if bound else table


def _spread(variables: Sequence[int], rows: IntArray, bound: Sequence[int]) -> int:
    """Return how many different values the bound variables have in a relation."""
    shared = [i for i, variable in enumerate(variables) if variable in bound]
    return len(np.unique(rows[:, shared], axis=0)) if shared else 1


def keys_of(columns: IntArray, base: int) -> npt.NDArray[np.int64]:
    """Return a number for each row of numbers below `base`: the same for equal rows alone.

    Raises:
        GroundingError: the numbers would not fit in 63 bits.
    """
    if base ** columns.shape[1] >= 1 << 63:
        raise GroundingError(f"{base} objects in {columns.shape[1]} places are too many to count")
    keys = np.zeros(len(columns), np.int64)
    for i in range(columns.shape[1]):
        keys = keys * base + columns[:, i]
    return keys


def _extend(
    table: IntArray,
    bound: Sequence[int],
    variables: Sequence[int],
    rows: IntArray,
    base: int,
    most: int,
) -> IntArray:
    shared = [i for i, variable in enumerate(variables) if variable in bound]
    fresh = [i for i, variable in enumerate(variables) if variable not in bound]
    own = [list(bound).index(variables[i]) for i in shared]
    keys = keys_of(rows[:, shared], base)
    order = np.argsort(keys, kind="stable")
    sought = keys_of(table[:, own], base)
    left = np.searchsorted(keys[order], sought, "left")
    counts = np.searchsorted(keys[order], sought, "right") - left
    total = int(counts.sum())
    if total > most:
        raise GroundingError(f"{total:,} ground instances, more than the {most:,} allowed")
    source = np.repeat(np.arange(len(table)), counts)
    within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    partner = order[np.repeat(left, counts) + within]
    return np.concatenate([table[source], rows[partner][:, fresh]], axis=1)


def _contained(
    table: IntArray, bound: Sequence[int], variables: Sequence[int], rows: IntArray, base: int
) -> BoolArray:
    own = [list(bound).index(variable) for variable in variables]
    return np.isin(keys_of(table[:, own], base), keys_of(rows, base))

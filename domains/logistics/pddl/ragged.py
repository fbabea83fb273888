"""Lists of numbers of different lengths in two flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Numbers64 = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class Ragged(NamedTuple):
    """Lists end to end: list `i` is `values[start[i]:start[i + 1]]`."""

    start: Numbers64  # [n + 1]
    values: Numbers64

    def lengths(self) -> Numbers64:
        """Return the length of each list."""
        return np.diff(self.start)

    def owner(self) -> Numbers64:
        """Return for each value the list that it is in."""
        return np.repeat(np.arange(len(self.start) - 1), self.lengths())

    def row(self, index: int) -> Numbers64:
        """Return one list."""
        return self.values[self.start[index] : self.start[index + 1]]

    def take(self, indices: Numbers64) -> Ragged:
        """Return the lists at `indices`, in that order."""
        lengths = self.lengths()[indices]
        start = starts(lengths)
        shift = np.repeat(self.start[:-1][indices] - start[:-1], lengths)
        return Ragged(start, self.values[np.arange(start[-1]) + shift])

    def keep(self, mask: BoolArray) -> Ragged:
        """Return the lists without the values where `mask` is false."""
        count = np.concatenate([[0], np.cumsum(mask)])
        return Ragged(count[self.start].astype(np.int64), self.values[mask])

    def mapped(self, table: Numbers64) -> Ragged:
        """Return the lists with each value replaced by its entry in `table`."""
        return Ragged(self.start, table[self.values])

    def with_more(self, other: Ragged) -> Ragged:
        """Return each list with the list of `other` at its end."""
        owner = np.concatenate([self.owner(), other.owner()])
        order = np.argsort(owner, kind="stable")
        values = np.concatenate([self.values, other.values])[order]
        return Ragged(starts(self.lengths() + other.lengths()), values)


def starts(lengths: Numbers64) -> Numbers64:
    """Return where lists of these lengths begin, and where the last ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def from_matrices(matrices: Sequence[Numbers64]) -> Ragged:
    """Return the rows of matrices, one after the other, as lists."""
    lengths = [np.full(len(matrix), matrix.shape[1], np.int64) for matrix in matrices]
    none = np.zeros(0, np.int64)
    values = np.concatenate([none, *(matrix.ravel() for matrix in matrices)])
    return Ragged(starts(np.concatenate([none, *lengths])), values)


def from_pairs(owner: Numbers64, values: Numbers64, count: int) -> Ragged:
    """Return `count` lists of which `owner[i]` holds `values[i]`."""
    order = np.argsort(owner, kind="stable")
    return Ragged(starts(np.bincount(owner, minlength=count)), values[order])


def is_in(values: Numbers64, among: Numbers64) -> BoolArray:
    """Return which values are among others; faster than numpy where there are many."""
    if not len(among):
        return np.zeros(len(values), np.bool_)
    ordered = np.sort(among)
    at = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: BoolArray = ordered[at] == values
    return found

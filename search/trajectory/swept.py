"""Numbers along segments: polynomials of degree 2 in `s` from 0 to 1, and how far they may be off.

Between two substeps quantities are taken to move in a line. Sums and products of those are
polynomials; up to degree 2 their least value is known exactly, what goes beyond is enclosed in an
interval (Taylor models of degree 2, Makino & Berz 2003). Rounding is not enclosed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Swept:
    """`first + rise * s + bend * s**2`, give or take `off`; all are arrays or numbers."""

    first: Any
    rise: Any = 0.0
    bend: Any = 0.0
    off: Any = 0.0

    __array_ufunc__ = None  # arrays leave arithmetic with it to it

    def __add__(self, other: Any) -> Swept:
        it = _swept(other)
        return Swept(
            self.first + it.first, self.rise + it.rise, self.bend + it.bend, self.off + it.off
        )

    def __neg__(self) -> Swept:
        return Swept(-self.first, -self.rise, -self.bend, self.off)

    def __sub__(self, other: Any) -> Swept:
        return self.__add__(-_swept(other))

    def __mul__(self, other: Any) -> Swept:
        it = _swept(other)
        if (_bends(self) and _moves(it)) or (_bends(it) and _moves(self)):
            return _times(self.range(), it.range())
        off: Any = 0.0
        if np.any(self.off) or np.any(it.off):
            off = _size(self) * it.off + _size(it) * self.off + self.off * it.off
        return Swept(
            self.first * it.first,
            self.first * it.rise + self.rise * it.first,
            self.first * it.bend + self.rise * it.rise + self.bend * it.first,
            off,
        )

    def __truediv__(self, other: Any) -> Swept:
        it = _swept(other)
        low, high = it.range()
        with np.errstate(divide="ignore"):
            if not _moves(it) and not np.any(it.off):
                return self * Swept(1.0 / np.asarray(it.first))
            apart = (low > 0) | (high < 0)
            inverse = np.where(apart, 1.0 / high, -np.inf), np.where(apart, 1.0 / low, np.inf)
        return _times(self.range(), inverse)

    def __radd__(self, other: Any) -> Swept:
        return self.__add__(other)

    def __rsub__(self, other: Any) -> Swept:
        return (-self).__add__(other)

    def __rmul__(self, other: Any) -> Swept:
        return self.__mul__(other)

    def __rtruediv__(self, other: Any) -> Swept:
        return _swept(other).__truediv__(self)

    def least(self) -> Any:
        """Return the least value along each segment."""
        last = self.first + self.rise + self.bend
        least = np.minimum(self.first, last)
        if np.any(self.bend):
            with np.errstate(divide="ignore", invalid="ignore"):
                at = -self.rise / (2.0 * self.bend)
                turn = self.first - self.rise**2 / (4.0 * self.bend)
            inside = (self.bend > 0.0) & (at > 0.0) & (at < 1.0)
            least = np.where(inside, np.minimum(least, turn), least)
        return least - self.off

    def range(self) -> tuple[Any, Any]:
        """Return the least and the greatest value along each segment."""
        return self.least(), -(-self).least()


def hull(use: Any, then: Any, other: Any, avoid: Any) -> Swept:
    """Return `then` where `use`, `other` where `avoid`, and what encloses both elsewhere."""
    then, other = _swept(then), _swept(other)
    one, two = then.range(), other.range()
    low, high = np.minimum(one[0], two[0]), np.maximum(one[1], two[1])
    middle, off = (low + high) / 2, (high - low) / 2

    def pick(of_then: Any, of_other: Any, of_both: Any) -> Any:
        return np.where(use, of_then, np.where(avoid, of_other, of_both))

    return Swept(
        pick(then.first, other.first, middle),
        pick(then.rise, other.rise, 0.0),
        pick(then.bend, other.bend, 0.0),
        pick(then.off, other.off, off),
    )


def _swept(number: Any) -> Swept:
    return number if isinstance(number, Swept) else Swept(number)


def _moves(number: Swept) -> bool:
    return bool(np.any(number.rise) or np.any(number.bend))


def _bends(number: Swept) -> bool:
    return bool(np.any(number.bend))


def _size(number: Swept) -> Any:
    # Without what it is off.
    low, high = Swept(number.first, number.rise, number.bend).range()
    return np.maximum(np.abs(low), np.abs(high))


def _times(one: tuple[Any, Any], two: tuple[Any, Any]) -> Swept:
    with np.errstate(invalid="ignore"):
        ends = np.stack(np.broadcast_arrays(*(a * b for a in one for b in two)))
        ends = np.where(np.isnan(ends), 0.0, ends)  # 0 times infinity
        low, high = ends.min(axis=0), ends.max(axis=0)
        unbounded = ~(np.isfinite(low) & np.isfinite(high))
        middle = np.where(unbounded, 0.0, (low + high) / 2)
        return Swept(middle, 0.0, 0.0, np.where(unbounded, np.inf, (high - low) / 2))

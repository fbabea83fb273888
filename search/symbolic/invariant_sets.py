"""Sets of states that some input never has to leave: polygons, in fractions.

For one axis `s' = A s + B u + w` with bounded input `u` and slack `w`, the greatest such set inside
a box is found by taking away, again and again, the states from which no input leads back into what
is left, whatever `w` does (Blanchini 1999). The states that can be led back are cut out by
half-planes, which follow by Fourier-Motzkin elimination of the input.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np

Point = tuple[Fraction, Fraction]
_MOST_ROUNDS = 100
_WIDE = 1e-9  # far above what floats round here


class HalfPlane(NamedTuple):
    """The states `s` with `p s_0 + q s_1 <= bound`."""

    p: Fraction
    q: Fraction
    bound: Fraction

    def excess(self, s: Point) -> Fraction:
        """Return by how much a state is outside; negative inside."""
        return self.p * s[0] + self.q * s[1] - self.bound


@dataclass(frozen=True)
class Dynamics:
    """`s' = A s + B u + w` with `|u| <= power` and `|w_i| <= slack_i`."""

    matrix: tuple[Point, Point]
    gain: Point
    power: Fraction
    slack: Point

    def after(self, s: Point, u: Fraction) -> Point:
        """Return the next state, without slack."""
        (a, b), (c, d) = self.matrix
        return a * s[0] + b * s[1] + self.gain[0] * u, c * s[0] + d * s[1] + self.gain[1] * u


class NoInvariantError(ValueError):
    """No such set was found."""


@dataclass(frozen=True)
class Polygon:
    """A convex polygon by its corners, counter-clockwise.

    Attributes:
        corners: at least three.
    """

    corners: tuple[Point, ...]

    @cached_property
    def edges(self) -> tuple[HalfPlane, ...]:
        """Return the half-planes whose meeting it is."""
        found = []
        ends = (*self.corners[1:], self.corners[0])
        for (x, y), (to_x, to_y) in zip(self.corners, ends, strict=True):
            p, q = to_y - y, x - to_x
            scale = max(abs(p), abs(q))
            found.append(HalfPlane(p / scale, q / scale, (p * x + q * y) / scale))
        return tuple(found)

    def holds(self, s: Point) -> bool:
        """Return whether a state is inside."""
        return all(edge.excess(s) <= 0 for edge in self.edges)

    def cut(self, half: HalfPlane) -> Polygon:
        """Return what of it lies in a half-plane.

        Raises:
            NoInvariantError: nothing, or no more than a line.
        """
        kept: list[Point] = []
        previous = self.corners[-1]
        before = half.excess(previous)
        for corner in self.corners:
            now = half.excess(corner)
            if (before < 0 < now) or (now < 0 < before):
                share = before / (before - now)
                kept.append(
                    (
                        previous[0] + share * (corner[0] - previous[0]),
                        previous[1] + share * (corner[1] - previous[1]),
                    )
                )
            if now <= 0:
                kept.append(corner)
            previous, before = corner, now
        if len(kept) < 3:
            raise NoInvariantError("no input keeps any state inside")
        return Polygon(tuple(kept))


def box(low: Point, high: Point) -> Polygon:
    """Return a box."""
    return Polygon((low, (high[0], low[1]), high, (low[0], high[1])))


def invariant_polygon(dynamics: Dynamics, low: Point, high: Point) -> Polygon:
    """Return the greatest set of states in a box that some input never has to leave.

    Raises:
        NoInvariantError: there is none, or it is not reached in so many rounds.
    """
    found = box(low, high)
    for _ in range(_MOST_ROUNDS):
        smaller = found
        for half in _cuts(dynamics, found):
            if any(half.excess(corner) > 0 for corner in smaller.corners):
                smaller = smaller.cut(half)
        if smaller == found:
            return found
        found = smaller
    raise NoInvariantError(f"no set that stays the same was found in {_MOST_ROUNDS} rounds")


def _cuts(dynamics: Dynamics, polygon: Polygon) -> Iterator[HalfPlane]:
    """Return half-planes that cut out the states that some input leads back into a polygon.

    Half-planes that hold all of it by a wide margin, as floats see it, are left out.

    Raises:
        NoInvariantError: no state is led there.
    """
    nothing = HalfPlane(Fraction(0), Fraction(0), dynamics.power)
    upper, lower = [nothing], [HalfPlane(Fraction(0), Fraction(0), -dynamics.power)]
    for half in polygon.edges:
        row, gain = _before(dynamics, half)
        if gain:  # u <= bound - p s_0 - q s_1, or the other way round
            side = upper if gain > 0 else lower
            side.append(HalfPlane(row.p / gain, row.q / gain, row.bound / gain))
        else:
            yield row
    corners = np.array(polygon.corners, np.float64)
    above, below = np.array(upper, np.float64), np.array(lower, np.float64)
    both = above[:, None] - below[None]
    excess = both[..., :2] @ corners.T - both[..., 2:]
    for i, j in np.argwhere(excess.max(axis=-1) > -_WIDE).tolist():
        one, other = upper[i], lower[j]
        half = HalfPlane(one.p - other.p, one.q - other.q, one.bound - other.bound)
        if half.p or half.q:
            yield half
        elif half.bound < 0:
            raise NoInvariantError("no input keeps any state inside")


def inputs(dynamics: Dynamics, target: Polygon, s: Point) -> tuple[Fraction, Fraction]:
    """Return the least and the greatest input that lead from `s` into `target`, whatever slack.

    The least is above the greatest where none does.
    """
    low, high = -dynamics.power, dynamics.power
    for half in target.edges:
        row, coefficient = _before(dynamics, half)
        left = -row.excess(s)
        if coefficient > 0:
            high = min(high, left / coefficient)
        elif coefficient < 0:
            low = max(low, left / coefficient)
        elif left < 0:
            return Fraction(1), Fraction(0)
    return low, high


def _before(dynamics: Dynamics, half: HalfPlane) -> tuple[HalfPlane, Fraction]:
    """Return the half-plane of states that are led into `half`, and the input's coefficient."""
    (a, b), (c, d) = dynamics.matrix
    slack = abs(half.p) * dynamics.slack[0] + abs(half.q) * dynamics.slack[1]
    row = HalfPlane(half.p * a + half.q * c, half.p * b + half.q * d, half.bound - slack)
    return row, half.p * dynamics.gain[0] + half.q * dynamics.gain[1]

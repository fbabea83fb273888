"""Derive connections in Hex by three rules, each step checked; a part of `hex_verification`.

A connection of two points says that its side can join them inside its carrier, a set of cells: a
*full* one even if the other side moves first, a *semi* one if it moves first itself. Points are
cells that the side does not hold, its chains, by any of their cells, and its edges, `size ** 2` and
the number after it. What the other side holds is not asked: the carriers must be free of it.

A set of cells is a whole number, its bit `row * size + column` set for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tesuji.engine.errors import TesujiError

AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 0), (1, -1), (0, -1))  # in a ring


class HexFault(TesujiError):
    """A proof does not hold; the message says where."""


class Connection(NamedTuple):
    """Two points that a side can join."""

    ends: frozenset[int]
    carrier: int
    full: bool


@cache
def around(size: int) -> tuple[int, ...]:
    """Return the neighbours of each cell of a board."""
    found = []
    for cell in range(size * size):
        row, column = divmod(cell, size)
        near = [(row + down, column + right) for down, right in AROUND]
        inside = [(r, c) for r, c in near if 0 <= r < size and 0 <= c < size]
        found.append(sum(1 << r * size + c for r, c in inside))
    return tuple(found)


@cache
def along(side: int, size: int) -> tuple[int, int]:
    """Return the cells along both edges of a side: top and bottom, or left and right."""
    step = 1 if side == 0 else size
    line = sum(1 << i * step for i in range(size))
    return line, line << (size - 1) * (size if side == 0 else 1)


def cells_of(cells: int) -> Iterator[int]:
    """Yield the cells of a set."""
    while cells:
        last = cells & -cells
        yield last.bit_length() - 1
        cells ^= last


class Points:
    """The points of a side that holds `stones`."""

    def __init__(self, stones: int, side: int, size: int) -> None:
        self.stones = stones
        self.size = size
        self.top = size * size
        self.lines = along(side, size)
        self._names: dict[int, int] = {}
        self._groups: dict[int, int] = {}
        for edge in (0, 1):
            name = self.top + edge
            self._groups[name] = self._flood(self.lines[edge] & stones)
            for cell in cells_of(self._groups[name]):
                self._names.setdefault(cell, name)

    def name(self, point: int) -> int:
        """Return the one name of a point.

        Raises:
            HexFault: there is none.
        """
        if not 0 <= point < self.top + 2:
            raise HexFault(f"there is no point {point}")
        if point >= self.top or not self.stones >> point & 1:
            return point
        if point not in self._names:
            group = self._flood(1 << point)
            self._groups[point] = group
            for cell in cells_of(group):
                self._names[cell] = point
        return self._names[point]

    def touch(self, one: int, two: int) -> bool:
        """Return whether two points, given by their names, are neighbours."""
        return bool(self._reach(one) & self._group(two) or self._reach(two) & self._group(one))

    def _group(self, name: int) -> int:
        return self._groups[name] if name in self._groups else 1 << name

    def _reach(self, name: int) -> int:
        line = self.lines[name - self.top] if name >= self.top else 0
        return line | self._beside(self._group(name))

    def _beside(self, cells: int) -> int:
        near = 0
        for cell in cells_of(cells):
            near |= around(self.size)[cell]
        return near

    def _flood(self, cells: int) -> int:
        """Return all stones that are joined to some, those included."""
        new = cells
        while new:
            new = self._beside(new) & self.stones & ~cells
            cells |= new
        return cells

    def is_chain(self, name: int) -> bool:
        """Return whether the side holds the point, as a chain or an edge."""
        return name >= self.top or bool(self.stones >> name & 1)


def derive(points: Points, numbers: tuple[int, ...]) -> list[Connection]:
    """Return the connections that a node's steps derive, each step checked.

    Raises:
        HexFault: a step does not hold.
    """
    made: list[Connection] = []
    rest = list(reversed(numbers))

    def take() -> int:
        if not rest:
            raise HexFault("its last step is cut off")
        return rest.pop()

    def earlier() -> Connection:
        index = take()
        if index >= len(made):
            raise HexFault(f"step {len(made)} uses step {index}, which is none before it")
        return made[index]

    while rest:
        kind = take()
        if kind == 0:
            made.append(_base(points, take(), take()))
        elif kind == 1:
            made.append(_and(points, earlier(), earlier()))
        elif kind == 2:
            made.append(_or([earlier() for _ in range(min(take(), len(numbers)))]))
        else:
            raise HexFault(f"no step is of kind {kind}")
    return made


def _base(points: Points, first: int, second: int) -> Connection:
    one, two = points.name(first), points.name(second)
    if one == two or not points.touch(one, two):
        raise HexFault(f"points {first} and {second} do not touch")
    return Connection(frozenset((one, two)), 0, full=True)


def _and(points: Points, one: Connection, two: Connection) -> Connection:
    shared = one.ends & two.ends
    ends = one.ends ^ two.ends
    if not (one.full and two.full) or len(shared) != 1:
        raise HexFault("an *and* of what are not two connections that share one point")
    cells = sum(1 << point for point in ends if not points.is_chain(point))
    if one.carrier & two.carrier or (one.carrier | two.carrier) & cells:
        raise HexFault("an *and* of connections that need the same cells")
    [middle] = shared
    if points.is_chain(middle):
        return Connection(ends, one.carrier | two.carrier, full=True)
    return Connection(ends, one.carrier | two.carrier | 1 << middle, full=False)


def _or(parts: list[Connection]) -> Connection:
    if len({part.ends for part in parts}) != 1:
        raise HexFault("an *or* of connections of different points")
    common, union = -1, 0
    for part in parts:
        common &= part.carrier
        union |= part.carrier
    if common:
        raise HexFault("an *or* of connections that all need one cell")
    return Connection(parts[0].ends, union, full=True)

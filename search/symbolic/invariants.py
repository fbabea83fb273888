"""Invariants of linear worlds: where a robot may be to keep constraints for ever.

Constraints over positions and velocities leave boxes of states free; in each, every axis has the
greatest set of states that some input never has to leave (`invariant_sets.py`). The invariant is
the union over the boxes. z3 proves it once (`invariant_proof.py`); then one look at the state that
a step enters is enough.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import z3

from tesuji.domains.robotics.linear_world import INPUT_GRID, STATE_GRID, Axis
from tesuji.search.symbolic.interval_truth import Range, holds_in, thresholds
from tesuji.search.symbolic.invariant_sets import (
    Dynamics,
    NoInvariantError,
    Point,
    Polygon,
    inputs,
    invariant_polygon,
)
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.symbols import Variable
from tesuji.search.symbolic.terms import MAIN
from tesuji.search.symbolic.text import parse_constraint

_MOST_BOXES = 200_000

State = tuple[Fraction, ...]  # positions, then velocities


@dataclass(frozen=True)
class Mode:
    """A box of states that the constraints leave free, with what can stay in it.

    Attributes:
        ranges: of each variable: positions, then velocities.
        polygons: of each axis.
    """

    ranges: tuple[Range, ...]
    polygons: tuple[Polygon, ...]

    def holds(self, state: State) -> bool:
        """Return whether a state can stay."""
        size = len(self.polygons)
        return all(
            polygon.holds((state[i], state[size + i])) for i, polygon in enumerate(self.polygons)
        )

    def spans(self, state: State) -> bool:
        """Return whether the positions of a state lie in the box."""
        places = zip(self.ranges[: len(self.polygons)], state, strict=False)
        return all(low <= x <= high for (low, high), x in places)


class WorldNames:
    """What constraints on a linear world speak of: its positions and velocities."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        names = [*(a.position for a in axes), *(a.velocity for a in axes)]
        self.variables: Mapping[str, Variable] = {
            name: Variable(name, "state", "real") for name in names
        }


class Invariant:
    """States from which the constraints can be kept for ever.

    Args:
        axes: of the world.
        texts: constraints, such as `"zone: not (x > 1 and x < 2 and y > 0 and y < 2)"`.

    Attributes:
        axes: of the world.
        constraints: expressions by name.
        dynamics: of each axis, with all that rounding may do as slack.
        modes: whose union it is.

    Raises:
        ConstraintError: one cannot be read, or nothing can keep them.
    """

    def __init__(self, axes: Sequence[Axis], texts: Sequence[str] = ()) -> None:
        self.axes, names = tuple(axes), WorldNames(axes)
        with MAIN:
            parsed = [parse_constraint(text, names) for text in texts]
        self.texts = tuple(texts)
        self.constraints: dict[str, z3.BoolRef] = dict(parsed)
        if len(self.constraints) < len(parsed):
            raise ConstraintError("two constraints have the same name")
        self.dynamics = tuple(dynamics_of(axis) for axis in self.axes)
        self._found: dict[tuple[int, Range, Range], Polygon | None] = {}
        with MAIN:
            boxes = list(self._free_boxes(tuple(names.variables)))
        modes = (self._mode(box) for box in boxes)
        self.modes = tuple(mode for mode in modes if mode is not None)
        if not self.modes:
            raise ConstraintError(
                f"no invariant: nothing can keep {', '.join(self.constraints) or 'the limits'}"
            )

    def mode_of(self, state: State) -> int | None:
        """Return the first mode that a state can stay in, None for none."""
        return next((i for i, mode in enumerate(self.modes) if mode.holds(state)), None)

    def way(self, state: State, entered: State) -> int | None:
        """Return the mode that allows a step: the way lies in its box, the end can stay there."""
        for i, mode in enumerate(self.modes):
            if mode.spans(state) and mode.holds(entered):
                return i
        return None

    def nearest(self, state: State, wanted: Sequence[Fraction]) -> State | None:
        """Return the allowed action nearest to `wanted`, on the inputs' grid.

        From a state of the invariant there always is one.
        """
        best: tuple[Fraction, State] | None = None
        for mode in self.modes:
            if not mode.spans(state):
                continue
            action = self._into(mode, state, wanted)
            if action is None:
                continue
            away = sum(((a - w) ** 2 for a, w in zip(action, wanted, strict=True)), Fraction(0))
            if best is None or away < best[0]:
                best = away, action
        return None if best is None else best[1]

    def _into(self, mode: Mode, state: State, wanted: Sequence[Fraction]) -> State | None:
        action = []
        for i, (dynamics, polygon) in enumerate(zip(self.dynamics, mode.polygons, strict=True)):
            low, high = inputs(dynamics, polygon, (state[i], state[len(self.axes) + i]))
            if low > high:
                return None
            action.append(round(min(max(wanted[i], low), high) / INPUT_GRID) * INPUT_GRID)
        return tuple(action)

    def _free_boxes(self, names: tuple[str, ...]) -> Iterator[tuple[Range, ...]]:
        """Return the greatest boxes of states in which all constraints hold."""
        limits = [*(a.limit for a in self.axes), *(a.speed for a in self.axes)]
        cuts: dict[str, set[Fraction]] = {}
        for name, limit in zip(names, limits, strict=True):
            cuts[name] = {-limit, limit}
        for name, expression in self.constraints.items():
            for variable, value in thresholds(name, expression, STATE_GRID):
                limit = limits[names.index(variable)]
                if -limit < value < limit:
                    cuts[variable].add(value)
        ranges = [list(itertools.combinations(sorted(cuts[name]), 2)) for name in names]
        number = 1
        for each in ranges:
            number *= len(each)
            each.sort(key=lambda r: r[0] - r[1])  # wide ones first
        if number > _MOST_BOXES:
            raise ConstraintError(f"these constraints leave {number} boxes to look at; too many")
        found: list[tuple[Range, ...]] = []
        candidates = sorted(
            itertools.product(*ranges), key=lambda box: -sum(high - low for low, high in box)
        )
        for box in candidates:
            if any(_inside(box, other) for other in found):
                continue
            known = dict(zip(names, box, strict=True))
            if all(holds_in(n, e, known) is True for n, e in self.constraints.items()):
                found.append(box)
                yield box

    def _mode(self, box: tuple[Range, ...]) -> Mode | None:
        polygons = []
        for i in range(len(self.axes)):
            key = i, box[i], box[len(self.axes) + i]
            if key not in self._found:
                self._found[key] = self._polygon(*key)
            polygon = self._found[key]
            if polygon is None:
                return None
            polygons.append(polygon)
        return Mode(box, tuple(polygons))

    def _polygon(self, axis: int, places: Range, speeds: Range) -> Polygon | None:
        low, high = (places[0], speeds[0]), (places[1], speeds[1])
        try:
            return invariant_polygon(self.dynamics[axis], low, high)
        except NoInvariantError:
            return None


def dynamics_of(axis: Axis) -> Dynamics:
    """Return an axis's dynamics; what rounding an input does counts as slack."""
    slack: Point = (
        axis.slack[0] + axis.gain[0] * INPUT_GRID / 2,
        axis.slack[1] + axis.gain[1] * INPUT_GRID / 2,
    )
    return Dynamics(axis.matrix, axis.gain, axis.power, slack)


def _inside(box: tuple[Range, ...], other: tuple[Range, ...]) -> bool:
    return all(
        there[0] <= here[0] and here[1] <= there[1] for here, there in zip(box, other, strict=True)
    )

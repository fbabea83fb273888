"""The verifier of invariants: exact, without the search, its invariants, or z3.

    {"format": "tesuji invariant certificate", "version": 1, "world": ...,
     "constraints": [text, ...], "proof": ...,
     "polygons": [{"axis": i, "corners": [[x, v], ...], "inputs": [u, ...]}, ...],
     "modes": [{"ranges": [[low, high], ...], "polygons": [number, ...]}, ...],
     "episodes": [{"seed": ..., "start": [...], "steps": [{"action", "state", "mode"}, ...]}, ...]}

Numbers are fractions. A polygon can be kept for ever if it is convex and each corner has an input
that leads back into it, whatever rounding does: any other state is a mean of corners, and the same
mean of their inputs leads back, since the world is linear. A mode is a box in which the
constraints hold, by the arithmetic of intervals; its polygons lie in it. A step is allowed by a
mode whose box holds the positions before and after it, and whose polygons hold the state after it.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from tesuji.domains.robotics.linear_world import INPUT_GRID, STEP, WORLDS, Axis
from tesuji.engine.errors import UnprovenError
from tesuji.engine.interval_reading import Reading, UnreadableError
from tesuji.engine.storage import load_json

FORMAT = "tesuji invariant certificate"
VERSION = 1

Point = tuple[Fraction, ...]
Corners = list[Point]


class InvariantFault(UnprovenError):
    """What a certificate claims does not follow from it."""


class VerifiedInvariant(NamedTuple):
    """What a certificate shows."""

    world: str
    constraints: list[str]
    modes: int
    episodes: int
    steps: int


def verify_invariant_file(path: Path) -> VerifiedInvariant:
    """Check the certificate in a file.

    Raises:
        InvariantFault: it does not show what it claims.
        DamagedFileError: it is not byte for byte what was written.
    """
    content = load_json(path)
    try:
        return verify_invariant(content)
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise InvariantFault(f"it is not written as it should be ({error!r})") from None


def verify_invariant(content: dict[str, Any]) -> VerifiedInvariant:
    """Check a certificate.

    Raises:
        InvariantFault: it does not show what it claims.
    """
    if content["format"] != FORMAT or content["version"] != VERSION:
        raise InvariantFault(f"it is no {FORMAT} of version {VERSION}")
    if content["world"] not in WORLDS:
        raise InvariantFault(f"no world is called {content['world']!r}")
    axes = WORLDS[content["world"]]
    polygons = [(each["axis"], _polygon(axes, each)) for each in content["polygons"]]
    texts = [str(text) for text in content["constraints"]]
    modes = [_mode(axes, polygons, texts, each) for each in content["modes"]]
    steps = 0
    for episode in content["episodes"]:
        state = _point(episode["start"], 2 * len(axes))
        if not any(_stays(state, mode) for mode in modes):
            raise InvariantFault(f"episode {episode['seed']} starts where no mode holds")
        for number, step in enumerate(episode["steps"]):
            state = _step(axes, modes, state, step, f"episode {episode['seed']}, step {number}")
            steps += 1
    return VerifiedInvariant(content["world"], texts, len(modes), len(content["episodes"]), steps)


class _Mode(NamedTuple):
    ranges: list[tuple[Fraction, Fraction]]
    polygons: list[Corners]


def _polygon(axes: tuple[Axis, ...], written: dict[str, Any]) -> Corners:
    axis = axes[written["axis"]]
    corners = [_point(corner, 2) for corner in written["corners"]]
    if len(corners) < 3 or not all(_inside(corner, corners) for corner in corners):
        raise InvariantFault("a polygon is not convex, with its corners counter-clockwise")
    # An input is on a grid, and a state may be rounded: both count as slack.
    slack = [
        rounding + gain * INPUT_GRID / 2
        for rounding, gain in zip(axis.slack, (STEP**2 / 2, STEP), strict=True)
    ]
    given = _point(written["inputs"], len(corners))
    for corner, u in zip(corners, given, strict=True):
        x, v = _after(axis, corner, u)
        ends = [
            (x + p * slack[0], v + q * slack[1]) for p, q in itertools.product((-1, 1), repeat=2)
        ]
        if abs(u) > axis.power or not all(_inside(end, corners) for end in ends):
            raise InvariantFault("the input of a polygon's corner does not lead back into it")
    return corners


def _mode(
    axes: tuple[Axis, ...], polygons: list[tuple[int, Corners]], texts: list[str],
    written: dict[str, Any],
) -> _Mode:  # fmt: skip
    size = len(axes)
    ranges = [(Fraction(low), Fraction(high)) for low, high in written["ranges"]]
    limits = [*(axis.limit for axis in axes), *(axis.speed for axis in axes)]
    if any(low < -limit or high > limit for (low, high), limit in zip(ranges, limits, strict=True)):
        raise InvariantFault("a mode passes the world's limits")
    chosen = []
    for i, number in enumerate(written["polygons"]):
        axis, corners = polygons[number]
        bounds = ranges[i], ranges[size + i]
        inside = all(
            low <= value <= high
            for corner in corners
            for value, (low, high) in zip(corner, bounds, strict=True)
        )
        if axis != i or not inside:
            raise InvariantFault("a polygon does not lie in its mode's box")
        chosen.append(corners)
    if len(chosen) != size:
        raise InvariantFault("a mode has a polygon for each axis")
    names = [*(axis.position for axis in axes), *(axis.velocity for axis in axes)]
    reading = Reading(dict(zip(names, ranges, strict=True)))
    for text in texts:
        try:
            holds = reading.holds(text)
        except UnreadableError as error:
            raise InvariantFault(f"constraint {text!r} cannot be read: {error}") from None
        if holds is not True:
            raise InvariantFault(f"constraint {text!r} does not hold in all of a mode's box")
    return _Mode(ranges, chosen)


def _step(
    axes: tuple[Axis, ...], modes: list[_Mode], state: Point, step: dict[str, Any], where: str
) -> Point:
    size = len(axes)
    action, entered = _point(step["action"], size), _point(step["state"], 2 * size)
    for i, axis in enumerate(axes):
        if abs(action[i]) > axis.power or action[i] % INPUT_GRID:
            raise InvariantFault(f"{where}: the action is none of the world's")
        exact = _after(axis, (state[i], state[size + i]), action[i])
        for place, value, slack in zip((i, size + i), exact, axis.slack, strict=True):
            if abs(entered[place] - value) > slack:
                raise InvariantFault(f"{where}: the world does not go there")
    mode = modes[step["mode"]]
    spans = all(low <= x <= high for x, (low, high) in zip(state, mode.ranges[:size], strict=False))
    if not spans or not _stays(entered, mode):
        raise InvariantFault(f"{where}: its mode does not allow it")
    return entered


def _after(axis: Axis, state: Point, u: Fraction) -> Point:
    x, v = state
    return x + v * STEP + u * STEP**2 / 2, v - axis.drag * v + u * STEP


def _stays(state: Point, mode: _Mode) -> bool:
    size = len(mode.polygons)
    return all(
        _inside((state[i], state[size + i]), corners) for i, corners in enumerate(mode.polygons)
    )


def _inside(point: Point, corners: Corners) -> bool:
    """Return whether a point is on the left of every edge."""
    return all(
        (b[0] - a[0]) * (point[1] - a[1]) >= (b[1] - a[1]) * (point[0] - a[0])
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
    )


def _point(written: list[str], size: int) -> Point:
    if len(written) != size:
        raise InvariantFault(f"{size} numbers are expected, not {len(written)}")
    return tuple(Fraction(each) for each in written)

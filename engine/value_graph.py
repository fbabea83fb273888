"""The value graph of a reviewed game: the first side's chances after every move, faults marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from tesuji.engine.pictures import write_picture

COLOURS = {"blunder": "#c2402a", "mistake": "#d9822b", "inaccuracy": "#d8b23a"}

_WIDTH, _HEIGHT = 760, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 34, 34


class Point(NamedTuple):
    """A position of the game."""

    label: str  # the move that led there, with its number
    chance: float | None  # of the first side
    grade: str = ""  # what the move is called


def write_graph(path: Path, title: str, side: str, points: Sequence[Point]) -> None:
    """Write a value graph, as SVG or PNG by the name of the file.

    Raises:
        UsageError: the name ends with neither, or PNG cannot be drawn here.
    """
    write_picture(path, graph_svg(title, side, points))


def graph_svg(title: str, side: str, points: Sequence[Point]) -> str:
    """Return the graph as an SVG file of its own.

    Args:
        title: a line above it.
        side: what the first side is called.
        points: the start and the position after every move.
    """
    style = (
        "text{font:12px system-ui,sans-serif;fill:#5c564b}.grid{stroke:#e0d9ca}"
        ".curve{fill:none;stroke:#26231e;stroke-width:1.7;stroke-linejoin:round}"
        ".first{fill:#2b6a73;fill-opacity:.22}.second{fill:#a8452f;fill-opacity:.18}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f"<title>{escape(title)}</title><style>{style}</style>"
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fffdf7"/>'
        + "".join(_parts(title, side, points))
        + "</svg>\n"
    )


def _x(ply: int, plies: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * ply / max(plies, 1)


def _y(chance: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - chance)


def _parts(title: str, side: str, points: Sequence[Point]) -> Iterator[str]:
    plies, right = len(points) - 1, _WIDTH - _RIGHT
    yield f'<text x="{_LEFT}" y="20">{escape(title)}: chances of {escape(side)}</text>'
    for index, (grade, colour) in enumerate(COLOURS.items()):
        start = right - 86 * (len(COLOURS) - index)
        yield f'<circle cx="{start}" cy="16" r="5" fill="{colour}"/>'
        yield f'<text x="{start + 9}" y="20">{grade}</text>'
    for chance in (0.0, 0.5, 1.0):
        y = _y(chance)
        yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{chance:.0%}</text>'
    step = next(size for size in (1, 2, 5, 10, 20, 50, 100, 500, 5000) if plies <= 16 * size)
    for ply in range(0, plies + 1, step):
        x = _x(ply, plies)
        yield f'<text x="{x:.1f}" y="{_HEIGHT - 12}" text-anchor="middle">{ply}</text>'
    found = [(_x(ply, plies), one) for ply, one in enumerate(points) if one.chance is not None]
    if len(found) > 1:
        path = "L".join(f"{x:.1f} {_y(one.chance or 0.0):.1f}" for x, one in found)
        middle = _y(0.5)
        area = f"M{found[0][0]:.1f} {middle}L{path}L{found[-1][0]:.1f} {middle}z"
        for name, top in (("first", _TOP), ("second", middle)):
            size = f'width="{_WIDTH}" height="{middle - _TOP:.1f}"'
            yield f'<clipPath id="{name}"><rect y="{top:.1f}" {size}/></clipPath>'
            yield f'<path class="{name}" clip-path="url(#{name})" d="{area}"/>'
        yield f'<path class="curve" d="M{path}"/>'
    for x, one in found:
        told = f"{one.label}: {one.chance:.1%}" + (f", {one.grade}" if one.grade else "")
        colour, radius = (COLOURS[one.grade], 5) if one.grade else ("#26231e", 1.8)
        mark = f'<circle cx="{x:.1f}" cy="{_y(one.chance or 0.0):.1f}" r="{radius}"'
        yield f'{mark} fill="{colour}"><title>{escape(told)}</title></circle>'

"""Boards as SVG: one drawing for files and for the page, which adds only clicks and movement.

Layers from below: base, stones, frame (for discs), candidates (moves of an analysis), ghosts,
cells. What stands on a cell is a `use` of its value's shape (`tesuji.engine.glyphs`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import NamedTuple

from tesuji.domains.base import Board
from tesuji.engine.board_ground import Frame, frame_of, front, ground, hexagon, label_size
from tesuji.engine.glyphs import shape

SQUARES = ("marks", "pieces", "tiles")  # styles that show the last move by its cells
STYLE = Path(__file__).parent / "web" / "static" / "board.css"

_MOST_MARKS = 12  # candidate moves shown on a board


class Candidate(NamedTuple):
    """A move that a search looks at, to be shown on the board."""

    name: str
    cell: tuple[int, int] | None  # where its stone comes to lie
    origin: tuple[int, int] | None  # where it leaves from
    visits: int
    chance: float | None  # of the side that moves


def skeleton(board: Board, *, flipped: bool = False) -> str:
    """Return an empty board for the page, with cells to be clicked; it depends on no stone."""
    frame = frame_of(board, flipped=flipped)
    layers = [
        '<g class="stones"/>',
        *front(board, frame),
        '<g class="candidates"/><g class="ghosts"/>',
    ]
    return "".join([_head(board, frame), *ground(board, frame), *layers, _cells(board, frame)]) + (
        "</svg>"
    )


def board_svg(
    board: Board,
    *,
    last: Sequence[tuple[int, int]] = (),
    candidates: Sequence[Candidate] = (),
    caption: str = "",
    flipped: bool = False,
) -> str:
    """Return a position as an SVG file of its own.

    Args:
        board: what stands where.
        last: cells of the last move.
        candidates: moves that a search looks at, best first.
        caption: a line below the board.
        flipped: seen from the second side.
    """
    frame = frame_of(board, flipped=flipped)
    text = "   ".join(filter(None, [caption, board.note]))
    dots = board.style not in SQUARES
    lasts = "".join(_last(frame, row, column, dots=dots) for row, column in last)
    parts = [
        _head(board, frame, text),
        f"<style>{_flat(board.style)}</style>",
        *ground(board, frame),
        "" if dots else lasts,
        '<g class="stones">',
        *(_use(frame, board.cells[row][column], row, column) for row, column in _places(board)),
        "</g>",
        *front(board, frame),
        lasts if dots else "",
        f'<g class="candidates">{marks(board, candidates, flipped=flipped)}</g>',
    ]
    if text:
        size = 1.2 * label_size(frame)
        y = frame.height + (22 + 0.9 * size if board.columns else 14) + 1.3 * size
        parts.append(f'<text class="caption" x="0" y="{y:.0f}" font-size="{size:.0f}">')
        parts.append(f"{escape(text)}</text>")
    return "".join(parts) + "</svg>\n"


def marks(board: Board, candidates: Sequence[Candidate], *, flipped: bool = False) -> str:
    """Return the candidate moves of a board as SVG: chances above visits, arrows for movers."""
    frame = frame_of(board, flipped=flipped)
    placed = [one for one in candidates if one.cell is not None and one.visits > 0][:_MOST_MARKS]
    most = max((one.visits for one in placed), default=1)
    taken: set[tuple[int, int] | None] = set()
    parts: list[str] = []
    for rank, one in enumerate(placed):
        share = one.visits / most
        best = " best" if rank == 0 else ""
        if one.origin is not None and one.cell is not None:
            parts.append(_arrow(frame, one.origin, one.cell, share, best))
        elif one.cell not in taken and one.cell is not None:
            parts.append(_badge(frame, one, one.cell, share, best))
        taken.add(one.cell)
    return "".join(reversed(parts))  # the best one lies on top


def _badge(frame: Frame, one: Candidate, cell: tuple[int, int], share: float, best: str) -> str:
    x, y = frame.centre(*cell)
    chance = "" if one.chance is None else f"{100 * one.chance:.0f}"
    visits = f"{one.visits}" if one.visits < 10_000 else f"{one.visits / 1000:.0f}k"
    return (
        f'<g class="candidate{best}"><circle cx="{x:.0f}" cy="{y:.0f}" r="42" '
        f'fill-opacity="{0.55 + 0.4 * share:.2f}"/>'
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="34">{chance}</text>'
        f'<text x="{x:.0f}" y="{y + 24:.0f}" font-size="22">{visits}</text></g>'
    )


def _arrow(
    frame: Frame, origin: tuple[int, int], cell: tuple[int, int], share: float, best: str
) -> str:
    (x1, y1), (x2, y2) = frame.centre(*origin), frame.centre(*cell)
    length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1.0)
    dx, dy = (x2 - x1) / length, (y2 - y1) / length
    half, head = 3 + 7 * share, 14 + 14 * share
    x3, y3 = x2 - dx * 2 * head, y2 - dy * 2 * head  # where shaft and head meet
    corners = [
        (x1 - dy * half, y1 + dx * half), (x3 - dy * half, y3 + dx * half),
        (x3 - dy * head, y3 + dx * head), (x2, y2), (x3 + dy * head, y3 - dx * head),
        (x3 + dy * half, y3 - dx * half), (x1 + dy * half, y1 - dx * half),
    ]  # fmt: skip
    points = " ".join(f"{x:.0f},{y:.0f}" for x, y in corners)
    opacity = 0.25 + 0.5 * share
    return f'<polygon class="arrow{best}" points="{points}" fill-opacity="{opacity:.2f}"/>'


def _places(board: Board) -> Iterator[tuple[int, int]]:
    for row, cells in enumerate(board.cells):
        for column, value in enumerate(cells):
            if value:
                yield row, column


def _use(frame: Frame, value: int, row: int, column: int) -> str:
    x, y = frame.centre(row, column)
    return f'<use class="stone" href="#value-{value}" x="{x:.0f}" y="{y:.0f}"/>'


def _last(frame: Frame, row: int, column: int, *, dots: bool) -> str:
    x, y = frame.centre(row, column)
    if dots:
        return f'<circle class="last" cx="{x:.0f}" cy="{y:.0f}" r="8"/>'
    place = f'x="{x - 50:.0f}" y="{y - 50:.0f}" width="100" height="100"'
    return f'<rect class="last square" {place}/>'


def _head(board: Board, frame: Frame, caption: str = "") -> str:
    """Return the opening of the element and the shapes that it uses."""
    text = label_size(frame)
    edge = 26 if frame.hexagons else 14
    left = edge + 6 + text * (0.4 + 0.6 * max(map(len, board.rows))) if board.rows else edge
    bottom = edge + 8 + text if board.columns else edge
    bottom += 2.4 * text if caption else 0
    box = (-left, -edge, frame.width + left + edge, frame.height + edge + bottom)
    values = len(board.glyphs) or 3
    shapes = "".join(shape(board, value) for value in range(1, values))
    side = f'data-style="{board.style}" data-flipped="{str(frame.flipped).lower()}"'
    last = "square" if board.style in SQUARES else "dot"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{" ".join(f"{n:.0f}" for n in box)}" '
        f'class="board {board.style}" {side} data-last="{last}" data-columns="{frame.columns}">'
        f"<defs>{shapes}</defs>"
    )


def _cells(board: Board, frame: Frame) -> str:
    """Return what takes clicks and focus: transparent cells with their place and middle."""
    parts = ['<g class="cells">']
    for row in range(frame.rows):
        parts.append('<g role="row">')
        for column in range(frame.columns):
            x, y = frame.centre(row, column)
            common = f'class="cell" role="gridcell" data-cell="{row},{column}" data-x="{x:.0f}"'
            common += f' data-y="{y:.0f}"'
            if frame.hexagons:
                parts.append(f'<polygon {common} points="{hexagon(x, y, 0.96)}"/>')
            else:
                place = f'x="{x - 46:.0f}" y="{y - 46:.0f}" width="92" height="92"'
                parts.append(f'<rect {common} {place} rx="14"/>')
        parts.append("</g>")
    return "".join([*parts, "</g>"])


@cache
def _flat(style: str) -> str:
    """Return the style sheet of boards with its variables filled in, for viewers without them."""
    sheet = re.sub(r"/\*.*?\*/", "", STYLE.read_text(encoding="utf-8"), flags=re.DOTALL)
    values: dict[str, str] = {}
    rules = []
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet):
        found = dict(re.findall(r"(--[\w-]+):\s*([^;]+);", body))
        if not found:
            rules.append(f"{selector.strip()}{{{body.strip()}}}")
        elif selector.strip() in (":root", f'[data-style="{style}"]'):
            values |= found
    return re.sub(r"var\((--[\w-]+)\)", lambda match: values[match[1]], "".join(rules))

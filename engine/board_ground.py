"""What lies under the stones of a drawn board, and where its cells are."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from tesuji.domains.base import Board

CELL = 100

_ROW = 0.75**0.5 * CELL  # from a row of hexagons to the next
_CORNER = CELL / 3**0.5  # from a hexagon's centre to its corners
_STARS = {9: (2, 4, 6), 13: (3, 6, 9), 15: (3, 7, 11), 17: (3, 8, 13), 19: (3, 9, 15)}


class Frame(NamedTuple):
    """Where things lie: the size of the grid, and whether it is seen from the other side."""

    rows: int
    columns: int
    hexagons: bool
    flipped: bool

    @property
    def width(self) -> float:
        """Return the width of the grid."""
        return CELL * (self.columns + (self.rows - 1) / 2 * self.hexagons)

    @property
    def height(self) -> float:
        """Return the height of the grid."""
        return _ROW * (self.rows - 1) + 2 * _CORNER if self.hexagons else CELL * self.rows

    def centre(self, row: float, column: float) -> tuple[float, float]:
        """Return the middle of a cell."""
        if self.flipped:
            row, column = self.rows - 1 - row, self.columns - 1 - column
        if self.hexagons:
            return CELL * (column + row / 2 + 0.5), _ROW * row + _CORNER
        return CELL * (column + 0.5), CELL * (row + 0.5)


def frame_of(board: Board, *, flipped: bool = False) -> Frame:
    """Return where the cells of a board lie."""
    hexagons = board.style == "hexagons"
    return Frame(len(board.cells), len(board.cells[0]), hexagons, flipped and not hexagons)


def label_size(frame: Frame) -> float:
    """Return the size of labels: much the same on screen for any board."""
    return min(44.0, 0.031 * frame.width)


def ground(board: Board, frame: Frame) -> Iterator[str]:
    """Yield the ground, its lines and its labels."""
    yield '<g class="base">'
    if frame.hexagons:
        yield from _hexagons(frame)
    else:
        yield f'<rect class="ground" x="-12" y="-12" width="{frame.width + 24:.0f}" '
        yield f'height="{frame.height + 24:.0f}" rx="22"/>'
        yield from _lines(board, frame)
    size = label_size(frame)
    for column, text in enumerate(board.columns):
        x, y = frame.centre(0 if frame.flipped else frame.rows - 1, column)
        y += (_CORNER + 26 if frame.hexagons else CELL / 2 + 16) + size
        yield f'<text class="label" x="{x:.0f}" y="{y:.0f}" font-size="{size:.0f}">'
        yield f"{escape(text)}</text>"
    for row, text in enumerate(board.rows):
        x, y = frame.centre(row, frame.columns - 1 if frame.flipped else 0)
        x -= CELL / 2 + (24 if frame.hexagons else 17)
        yield f'<text class="label row" x="{x:.0f}" y="{y + size / 3:.0f}" font-size="{size:.0f}">'
        yield f"{escape(text)}</text>"
    yield "</g>"


def _lines(board: Board, frame: Frame) -> Iterator[str]:
    width, height = frame.width, frame.height
    if board.style == "pieces":
        dark = "".join(
            f"M{CELL * column} {CELL * row}h{CELL}v{CELL}h-{CELL}z"
            for row in range(frame.rows)
            for column in range(frame.columns)
            if (row + column) % 2
        )
        yield f'<rect class="light" width="{width:.0f}" height="{height:.0f}"/>'
        yield f'<path class="dark" d="{dark}"/>'
    elif board.style == "points":
        half = CELL / 2
        across = "".join(f"M{half} {half + CELL * y}H{width - half}" for y in range(frame.rows))
        down = "".join(f"M{half + CELL * x} {half}V{height - half}" for x in range(frame.columns))
        yield f'<path class="lines" d="{across}{down}"/>'
        for row, column in _star_points(frame):
            x, y = frame.centre(row, column)
            yield f'<circle class="star" cx="{x:.0f}" cy="{y:.0f}" r="9"/>'
    elif board.style == "tiles":
        if not any(glyph == "#" for glyph in board.glyphs):
            for row in range(frame.rows):
                for column in range(frame.columns):
                    yield f'<rect class="slot" x="{CELL * column + 4}" y="{CELL * row + 4}" '
                    yield 'width="92" height="92" rx="9"/>'
    elif board.style != "discs":
        inner = 1 if board.style == "marks" else 0
        xs, ys = range(inner, frame.columns + 1 - inner), range(inner, frame.rows + 1 - inner)
        down = "".join(f"M{CELL * x} 0V{height:.0f}" for x in xs)
        yield f'<path class="lines" d="{down}{"".join(f"M0 {CELL * y}H{width:.0f}" for y in ys)}"/>'


def _star_points(frame: Frame) -> list[tuple[int, int]]:
    """Return the points that a board of Go or Gomoku marks."""
    size = frame.rows
    if frame.rows != frame.columns or size < 5 or size % 2 == 0:
        return []
    if size not in _STARS:
        return [(size // 2, size // 2)]
    low, middle, high = _STARS[size]
    corners = [(row, column) for row in (low, high) for column in (low, high)]
    sides = [(low, middle), (middle, low), (middle, high), (high, middle)] if size >= 17 else []
    return [*corners, *sides, (middle, middle)]


def hexagon(x: float, y: float, scale: float = 1.0) -> str:
    """Return the corners of a hexagon around a point."""
    dx, dy = CELL / 2 * scale, _CORNER * scale
    points = [(0, -dy), (dx, -dy / 2), (dx, dy / 2), (0, dy), (-dx, dy / 2), (-dx, -dy / 2)]
    return " ".join(f"{x + a:.1f},{y + b:.1f}" for a, b in points)


def _hexagons(frame: Frame) -> Iterator[str]:
    """Yield the cells, and the edges in the colours of the sides that own them."""
    top, bottom = [], []
    for column in range(frame.columns):
        x, y = frame.centre(0, column)
        top += [(x - 50, y - _CORNER / 2), (x, y - _CORNER)]
        x, y = frame.centre(frame.rows - 1, column)
        bottom += [(x, y + _CORNER), (x + 50, y + _CORNER / 2)]
    left, right = [], []
    for row in range(frame.rows):
        x, y = frame.centre(row, 0)
        left += [(x - 50, y - _CORNER / 2), (x - 50, y + _CORNER / 2)]
        x, y = frame.centre(row, frame.columns - 1)
        right += [(x + 50, y - _CORNER / 2), (x + 50, y + _CORNER / 2)]
    x, y = frame.centre(0, frame.columns - 1)
    top.append((x + 50 * 0.5, y - _CORNER * 0.75))
    right.insert(0, (x + 50 * 0.5, y - _CORNER * 0.75))
    x, y = frame.centre(frame.rows - 1, 0)
    bottom.insert(0, (x - 50 * 0.5, y + _CORNER * 0.75))
    left.append((x - 50 * 0.5, y + _CORNER * 0.75))
    for side, edges in enumerate(((top, bottom), (left, right))):
        for edge in edges:
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in edge)
            yield f'<polyline class="edge side-{side}" points="{points}"/>'
    for row in range(frame.rows):
        for column in range(frame.columns):
            points = hexagon(*frame.centre(row, column))
            yield f'<polygon class="hexagon" points="{points}"/>'


def front(board: Board, frame: Frame) -> Iterator[str]:
    """Yield what lies before the stones: the frame that discs hang in."""
    if board.style != "discs":
        return
    width, height = frame.width, frame.height
    corner = "a22 22 0 0 1"
    holes = (
        f"M10-12H{width - 10:.0f}{corner} 22 22V{height - 10:.0f}{corner}-22 22H10{corner}-22-22"
        f"V10{corner} 22-22z"
    )
    rims = ""
    for row in range(frame.rows):
        for column in range(frame.columns):
            x, y = frame.centre(row, column)
            holes += f"M{x - 40:.0f} {y:.0f}a40 40 0 1 0 80 0a40 40 0 1 0-80 0z"
            rims += f'<circle class="rim" cx="{x:.0f}" cy="{y:.0f}" r="41.5"/>'
    path = f'<path class="front" d="{holes}" fill-rule="evenodd"/>'
    yield f'<g class="frame">{path}{rims}</g>'

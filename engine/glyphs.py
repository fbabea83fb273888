"""The shapes of what stands on a board, as SVG centred on the origin of a cell 100 units wide."""

from __future__ import annotations

from html import escape

from tesuji.domains.base import Board

WHITE, BLACK = "♔♕♖♗♘♙", "♚♛♜♝♞♟"

_FOOT = "M-27 36v-7q0-6 7-8h40q7 2 7 8v7z"
_PAWN = (
    "M-24 36v-6q0-5 6-8c7-5 10-12 10-20h-5q-4 0-4-4t4-4h3a14 14 0 1 1 20 0h3q4 0 4 4t-4 4h-5"
    "c0 8 3 15 10 20q6 3 6 8v6z"
)
# Body and inner lines, for each piece.
_CHESS = {
    "king": (
        "M-4-43h8v7h7v8h-7v7h-8v-7h-7v-8h7zM-18 18c-6-8-16-15-16-25c0-13 20-18 34-3"
        f"c14-15 34-10 34 3c0 10-10 17-16 25z{_FOOT}",
        "M0-8v24M-22 24h44",
    ),
    "queen": (
        "M-20 18l-14-37l15 17l2-29l12 27l5-31l5 31l12-27l2 29l15-17l-14 37z"
        "M-39-22a5 5 0 1 1 10 0a5 5 0 1 1-10 0M-22-34a5 5 0 1 1 10 0a5 5 0 1 1-10 0"
        "M-5-38a5 5 0 1 1 10 0a5 5 0 1 1-10 0M12-34a5 5 0 1 1 10 0a5 5 0 1 1-10 0"
        f"M29-22a5 5 0 1 1 10 0a5 5 0 1 1-10 0{_FOOT}",
        "M-22 24h44M-17 12h34",
    ),
    "rook": (
        "M-25-35h11v7h8v-7h12v7h8v-7h11v15l-8 7v22l4 9h-42l4-9v-22l-8-7z" + _FOOT,
        "M-17-13h34M-17 10h34M-22 24h44",
    ),
    "bishop": (
        "M-5-38a5 5 0 1 1 10 0a5 5 0 1 1-10 0M-15 19l3-13c-9-4-11-12-7-21c3-7 12-14 19-18"
        f"c7 4 16 11 19 18c4 9 2 17-7 21l3 13z{_FOOT}",
        "M-5-13h10M0-18v10M-12 6h24M-22 24h44",
    ),
    "knight": (
        "M-21 21c0-17 17-18 19-31c-7 5-14 6-18 13c-2 4-6 5-9 2s-5-7-3-11c5-8 9-20 17-25l-1-9l9 6"
        f"c20-3 32 15 32 33c0 10-2 16-3 22z{_FOOT}",
        "M-11-17l-5 3M-22 24h44M7-23c9 5 13 16 12 36",
    ),
    "pawn": (_PAWN, "M-20 26h40"),
}
_NAMES = dict(zip("♔♕♖♗♘♙", _CHESS, strict=True)) | dict(zip("♚♛♜♝♞♟", _CHESS, strict=True))
_WORDS = {"#": "wall", "@": "person", "$": "box", ".": "goal", "*": "box on goal",
          "+": "person on goal"}  # fmt: skip

_PERSON = '<path class="person" d="M-22 34c0-24 6-32 22-32s22 8 22 32z"/>' + (
    '<circle class="person" cy="-16" r="16"/>'
)
_BOX = '<rect class="box" x="-36" y="-36" width="72" height="72" rx="6"/>' + (
    '<path class="crate" d="M-36-20h72M-36 20h72M-24-20l48 40M24-20l-48 40"/>'
)
_GOAL = '<circle class="goal" r="15"/>'
_MAZE = {
    "#": '<rect class="wall" x="-50" y="-50" width="100" height="100"/>'
    '<path class="mortar" d="M-50-17h100M-50 17h100M-12-50v33M22-17v34M-12 17v33"/>',
    "@": _PERSON,
    "$": _BOX,
    ".": _GOAL,
    "*": f'<g class="home">{_BOX}</g>',
    "+": f'<circle class="goal" r="40"/>{_PERSON}',
}


def side_of(board: Board, value: int) -> int | None:
    """Return the side that a cell's value belongs to; None for what is nobody's."""
    if not board.glyphs:
        return value - 1 if value in (1, 2) else None
    glyph = board.glyphs[value]
    if not glyph:
        return None
    if glyph in WHITE or glyph.isupper():
        return 0
    return 1 if glyph in BLACK or glyph.islower() else None


def name_of(board: Board, value: int) -> str:
    """Return what stands on a cell in words; empty where nothing does."""
    side = side_of(board, value)
    if not board.glyphs:
        return board.sides[side] if side is not None else ""
    glyph = board.glyphs[value].strip()
    word = _NAMES.get(glyph) or _WORDS.get(glyph) or glyph
    return f"{board.sides[side]} {word}" if side is not None and glyph else word


def shape(board: Board, value: int) -> str:
    """Return the drawing of a cell's value, centred on the origin."""
    side = side_of(board, value)
    if board.glyphs:
        content = _glyph(board.style, board.glyphs[value], value)
    else:
        content = _stone(board.style, side or 0)
    owner = f" side-{side}" if side is not None else ""
    # In a `use`, rules see nothing above this element, so it names the style of the board itself.
    return f'<g id="value-{value}" class="piece {board.style}{owner}">{content}</g>'


def _stone(style: str, side: int) -> str:
    """Return a stone of a side. Shapes tell the sides apart where colours do not."""
    if style == "marks":
        return '<circle r="28"/>' if side else '<path d="M-26-26l52 52M26-26l-52 52"/>'
    if style == "discs":
        return f'<circle class="body" r="40"/><circle class="inlay" r="{13 if side else 26}"/>'
    if style == "pieces":
        return _piece("pawn")
    radius = {"points": 47, "hexagons": 37}.get(style, 41)
    inner = radius * 0.7
    shine = f"M{-0.9 * inner:.0f} {-0.42 * inner:.0f}a{inner:.0f} {inner:.0f} 0 0 1 20-17"
    return f'<circle class="body" r="{radius}"/><path class="shine" d="{shine}"/>'


def _glyph(style: str, glyph: str, value: int) -> str:
    """Return what a glyph stands for, or the glyph itself."""
    if glyph in _NAMES:
        return _piece(_NAMES[glyph])
    if glyph in _MAZE:
        return _MAZE[glyph]
    if not glyph.strip():
        return ""
    size = {1: 52, 2: 46, 3: 37, 4: 30}.get(len(glyph), 24)
    text = f'<text y="{0.35 * size:.0f}" font-size="{size}">{escape(glyph)}</text>'
    if style != "tiles":
        return text
    level = min(value, 16)
    tile = f'<rect class="tile" x="-46" y="-46" width="92" height="92" rx="9"/>{text}'
    return f'<g class="level-{level}">{tile}</g>'


def _piece(name: str) -> str:
    body, lines = _CHESS[name]
    content = f'<path class="body" d="{body}"/><path class="detail" d="{lines}"/>'
    return f'<g transform="scale(1.2)">{content}</g>'

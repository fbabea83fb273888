"""Boards as rich text, for the terminal."""

from __future__ import annotations

from rich.text import Text

from tesuji.domains.base import Board
from tesuji.engine.glyphs import side_of

# Shapes tell the sides apart where colours do not.
_SYMBOLS = {"marks": "XO", "pieces": "♙♟"}
_COLOURS = {
    "discs": ("bold red", "bold yellow"),
    "stones": ("bold green", "bold default"),
    "points": ("bold green", "bold default"),
    "hexagons": ("bold red", "bold blue"),
    "marks": ("bold cyan", "bold magenta"),
    "pieces": ("bold default", "bold magenta"),
    "tiles": ("bold default", "bold default"),
}


def draw(board: Board, last: tuple[int, int] | None = None) -> Text:
    """Return a board with the stone at `last` marked."""
    slanted = board.style == "hexagons"
    margin = max((len(label) for label in board.rows), default=0) + 1
    width = max(map(len, board.glyphs), default=1)
    frame = "─" * ((width + 1) * len(board.cells[0]) + 1)
    top, side = (
        (f"{_COLOURS['hexagons'][0]}", _COLOURS["hexagons"][1]) if slanted else ("dim", "dim")
    )
    text = Text(f"{'':{margin}}╭{frame}╮\n", style=top)
    for row, cells in enumerate(board.cells):
        label = board.rows[row] if board.rows else ""
        text.append(" " * row if slanted else "")
        text.append(f"{label:>{margin - 1}}", style="dim")
        text.append(" ╲ " if slanted else " │ ", style=side)
        for column, value in enumerate(cells):
            symbol, style = _cell(board, value)
            style += " reverse" if (row, column) == last else ""
            text.append(f"{symbol:>{width}}", style=style)
            text.append(" ")
        text.append("╲\n" if slanted else "│\n", style=side)
    shift = margin + (len(board.cells) if slanted else 0)
    text.append(f"{'':{shift}}╰{frame}╯\n", style=top)
    if board.columns:
        labels = " ".join(f"{label:>{width}}" for label in board.columns)
        text.append(f"{'':{shift}}  {labels}\n", style="dim")
    if _legend(board):
        text.append(f"{'':{margin}}  {'   '.join(_legend(board))}", style="dim")
    return text


def _cell(board: Board, value: int) -> tuple[str, str]:
    """Return what to write for a cell's value, and its style."""
    side = side_of(board, value)
    style = _COLOURS[board.style][side] if side is not None else "bold" if value else "dim"
    if board.glyphs:
        glyph = board.glyphs[value]
        empty = " " if board.style == "tiles" else "·"
        return (glyph, style) if glyph.strip() else (empty, style)
    return (_SYMBOLS.get(board.style, "●○")[side], style) if side is not None else ("·", "dim")


def _legend(board: Board) -> list[str]:
    """Return what to say of a board: whose stones are which, and its note."""
    sides = []
    if not board.glyphs:
        symbols = _SYMBOLS.get(board.style, "●○")
        sides = [f"{symbols[side]} {board.sides[side]}" for side in range(2)]
    return [*sides, board.note] if board.note else sides

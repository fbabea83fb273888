"""Boards and analyses as rich text, for the terminal."""

from __future__ import annotations

import math

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tesuji.domains.base import Board
from tesuji.engine.game import Position
from tesuji.engine.session import Session, verdict
from tesuji.search.base import Edge, SearchResult

# Shapes tell the sides apart where colours do not.
_SYMBOLS = {"discs": "●○", "stones": "●○", "marks": "XO"}
_COLOURS = {
    "discs": ("bold red", "bold yellow"),
    "stones": ("bold green", "bold default"),
    "marks": ("bold cyan", "bold magenta"),
}
_MOVES_SHOWN = 12
_BAR = 12


def draw(board: Board, last: tuple[int, int] | None = None) -> Text:
    """Return a board with the stone at `last` marked."""
    margin = max((len(label) for label in board.rows), default=0) + 1
    width = len(board.cells[0])
    frame = "─" * (2 * width + 1)
    text = Text(f"{'':{margin}}╭{frame}╮\n", style="dim")
    for row, cells in enumerate(board.cells):
        label = board.rows[row] if board.rows else ""
        text.append(f"{label:>{margin - 1}} │ ", style="dim")
        for column, stone in enumerate(cells):
            symbol, style = "·", "dim"
            if stone:
                symbol, style = _SYMBOLS[board.style][stone - 1], _COLOURS[board.style][stone - 1]
            text.append(symbol, style=style + (" reverse" if (row, column) == last else ""))
            text.append(" ")
        text.append("│\n", style="dim")
    text.append(f"{'':{margin}}╰{frame}╯\n", style="dim")
    if board.columns:
        labels = " ".join(f"{label:<1}" for label in board.columns)
        text.append(f"{'':{margin}}  {labels}\n", style="dim")
    names = (f"{_SYMBOLS[board.style][side]} {board.sides[side]}" for side in range(2))
    text.append(f"{'':{margin}}  {'   '.join(names)}", style="dim")
    return text


def tabulate(session: Session, position: Position, result: SearchResult) -> Group:
    """Return an analysis: the moves most searched, and what is known of the position."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("move")
    table.add_column("visits", justify="right")
    table.add_column("prior", justify="right")
    table.add_column("wins", justify="right")
    table.add_column("")
    edges = result.edges()
    for edge in edges[:_MOVES_SHOWN]:
        name = session.game.domain.action_name(position.state, edge.action)
        row = (name, f"{edge.visits:,}", f"{edge.prior:.0%}", *_worth(session, edge))
        style = "bold green" if edge.action == result.action else ""
        table.add_row(*row, style=style)
    if len(edges) > _MOVES_SHOWN:
        table.add_row(f"and {len(edges) - _MOVES_SHOWN} more", style="dim")
    line = " ".join(s.name for s in session.game.steps(position.state, result.principal_variation))
    rate = f"{result.num_simulations / result.seconds:,.0f} a second, " if result.seconds else ""
    summary = f"{result.num_simulations:,} simulations, {rate}{result.status.value}"
    return Group(table, Text(f"line: {line}\n{summary}", style="dim"))


def _worth(session: Session, edge: Edge) -> tuple[str, str]:
    """Return the winning chances of the side to move after `edge`, and a bar or what is proven."""
    proof = verdict(edge.lower, edge.upper, session.game.domain.spec.value_range)
    value = edge.lower if proof is not None else edge.q
    if math.isnan(value):  # not visited
        return "", ""
    share = session.chance(value, 0)
    bar = "█" * round(share * _BAR)
    return f"{share:.0%}", f"{bar:<{_BAR}}" + (f" proven {proof}" if proof is not None else "")

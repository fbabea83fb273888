"""Analyses as rich text, for the terminal."""

from __future__ import annotations

import math

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tesuji.engine.game import Position
from tesuji.engine.session import Session, verdict
from tesuji.search.base import Edge, SearchResult

_MOVES_SHOWN = 12
_BAR = 12


def tabulate(session: Session, position: Position, result: SearchResult) -> Group:
    """Return an analysis: the moves most searched, and what is known of the position."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("move")
    table.add_column("visits", justify="right")
    table.add_column("prior", justify="right")
    two = session.game.domain.spec.num_players == 2
    table.add_column("wins" if two else "value", justify="right")
    table.add_column("")
    edges = result.edges()
    for edge in edges[:_MOVES_SHOWN]:
        name = session.game.domain.action_name(position.state, edge.action)
        row = (name, f"{edge.visits:,}", f"{edge.prior:.0%}", *_worth(session, edge))
        style = "bold green" if edge.action == result.action else ""
        table.add_row(*row, style=style)
    if len(edges) > _MOVES_SHOWN:
        table.add_row(f"and {len(edges) - _MOVES_SHOWN} more", style="dim")
    steps = session.game.steps(position.state, result.principal_variation, result.principal_keys)
    line = " ".join(step.name for step in steps)
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
    return session.told(share), f"{bar:<{_BAR}}" + (f" proven {proof}" if proof is not None else "")

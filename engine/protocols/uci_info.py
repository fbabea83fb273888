"""UCI's `info` lines: what a search has found, as GUIs show it."""

from __future__ import annotations

import math
from typing import Protocol

from tesuji.domains.base import Domain, State
from tesuji.search.base import Edge, SearchResult

_SHOWN = 64  # moves of a line


class HasLines(Protocol):
    """What is needed of a search: the line that begins with a move."""

    def line(self, action: int) -> tuple[int, ...]:
        """Return it."""
        ...


def centipawns(value: float) -> int:
    """Return a value in [-1, 1] on the scale of pawns (Leela's tangent)."""
    held = min(max(value, -0.9999), 0.9999)
    return round(90 * math.tan(1.5637541897 * held))


def info_lines(
    domain: Domain, state: State, result: SearchResult, search: HasLines, num_lines: int
) -> list[str]:
    """Return an `info` line for each of the best moves, the best one first."""
    nodes = max(result.num_simulations, 1)
    nps = round(nodes / max(result.seconds, 1e-3))
    spent = f"nodes {nodes} nps {nps} time {round(1000 * result.seconds)}"
    edges = sorted(result.edges(), key=lambda edge: edge.action != result.action)
    lines = []
    for number, edge in enumerate(edges[:num_lines], start=1):
        line = result.principal_variation
        if edge.action != result.action:
            line = search.line(edge.action) or (edge.action,)
        names, ended = _walk(domain, state, line[:_SHOWN])
        value = result.value if number == 1 and math.isnan(edge.q) else edge.q
        score = _score(edge, value, len(names), ended)
        lines.append(
            f"info depth {max(len(names), 1)} multipv {number} score {score} {spent} "
            f"pv {' '.join(names)}"
        )
    return lines


def _walk(domain: Domain, state: State, line: tuple[int, ...]) -> tuple[list[str], bool]:
    """Return the names of a line's moves, and whether it ends the game by a win."""
    names: list[str] = []
    for action in line:
        names.append(domain.action_name(state, action))
        state, reward, discount = domain.step(state, action)
        if discount == 0:
            return names, reward == 1
    return names, False


def _score(edge: Edge, value: float, length: int, ended: bool) -> str:
    """Return a score; `mate` only where it is proven and the line leads there."""
    if edge.lower == edge.upper and ended:
        if edge.lower == 1 and length % 2 == 1:
            return f"mate {(length + 1) // 2}"
        if edge.lower == -1 and length % 2 == 0:
            return f"mate -{length // 2}"
    return f"cp {0 if math.isnan(value) else centipawns(value)}"

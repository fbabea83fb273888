"""Answers of the analysis protocol: what a search found, by KataGo's names where it has one.

All values are for the side to move at the root.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

from tesuji.domains.base import Domain
from tesuji.engine.game import Position
from tesuji.search.base import Edge, SearchResult, Status

_KEPT = ("value", "wdl", "status", "proven", "simulations", "raw_value")


class HasLines(Protocol):
    """What is needed of a search: the line that begins with a move."""

    def line(self, action: int, root: int = 0) -> tuple[int, ...]:
        """Return it, for one of the roots that are searched together."""
        ...


class Answers:
    """Makes the answers of one game.

    Args:
        domain: the game.
        search: has found what is told.
    """

    def __init__(self, domain: Domain, search: HasLines) -> None:
        self._domain, self._search = domain, search

    def answer(
        self, position: Position, result: SearchResult, root: int, *, policy: bool
    ) -> dict[str, Any]:
        """Return what was found at one of the roots that were searched together."""
        facts = result.to_json()
        share = self._share(result.value)
        answer: dict[str, Any] = {
            "rootInfo": {
                "currentPlayer": position.to_play,
                "visits": int(result.visits.sum()),
                "winrate": share,
                **{name: facts[name] for name in _KEPT},
            },
            "moveInfos": self._moves(position.state, result, root),
        }
        if policy:
            legal = result.legal
            answer["policy"] = [
                round(float(prior), 6) if may else -1
                for prior, may in zip(result.priors, legal, strict=True)
            ]
            answer["searchPolicy"] = [round(float(part), 6) for part in result.policy]
        return answer

    def _share(self, value: float) -> float | None:
        low, high = self._domain.spec.value_range
        return None if math.isnan(value) else round((value - low) / (high - low), 6)

    def _moves(self, state: Any, result: SearchResult, root: int) -> list[dict[str, Any]]:
        if result.status is Status.TERMINAL:
            return []
        edges = sorted(result.edges(), key=lambda edge: edge.action != result.action)
        plain = {edge["action"]: edge for edge in result.to_json()["edges"]}
        moves = []
        for order, edge in enumerate(edges):
            share = self._share(edge.q)
            moves.append(
                {
                    "move": self._domain.action_name(state, edge.action),
                    "order": order,
                    "winrate": share,
                    "utility": plain[edge.action]["q"],
                    "lcb": None if share is None else _lower_bound(share, edge.visits),
                    **plain[edge.action],
                    "pv": self._line(state, result, edge, root),
                }
            )
        return moves

    def _line(self, state: Any, result: SearchResult, edge: Edge, root: int) -> list[str]:
        keys: tuple[int, ...] = ()
        if edge.action == result.action:
            line, keys = result.principal_variation, result.principal_keys
        elif edge.visits and self._domain.spec.deterministic:
            line = self._search.line(edge.action, root)
        else:
            line = (edge.action,)
        names = []
        for action, key in zip(line, keys or (0,) * len(line), strict=True):
            names.append(self._domain.action_name(state, action))
            state, _, discount = self._domain.step(state, action, key)
            if discount == 0:
                break
        return names


def _lower_bound(share: float, visits: int) -> float:
    """Return a normal approximation's lower bound, as KataGo's is; it may lie below 0."""
    return round(share - 1.96 * math.sqrt(share * (1 - share) / max(visits, 1)), 6)

"""What a search found, as `lz-analyze` and `kata-analyze` tell it."""

from __future__ import annotations

import math

from tesuji.engine.game import Game, Position
from tesuji.search.base import Edge, SearchResult

_MOVES = 30  # told of; the least searched are left out


def format_analysis(game: Game, here: Position, result: SearchResult, kata: bool) -> str:
    """Return one line of `info` for each move, run together, the best first.

    Args:
        game: names the moves.
        here: the position that was searched.
        result: what was found there.
        kata: chances as KataGo tells them, from 0 to 1; as Leela Zero does, to 10000, otherwise.
    """
    edges = [edge for edge in result.edges() if edge.visits > 0 or edge.action == result.action]
    edges.sort(key=lambda edge: edge.action != result.action)
    infos = [_info(game, here, result, edge, order, kata) for order, edge in enumerate(edges)]
    return " ".join(infos[:_MOVES])


def _info(
    game: Game, here: Position, result: SearchResult, edge: Edge, order: int, kata: bool
) -> str:
    low, high = game.domain.spec.value_range
    value = result.value if math.isnan(edge.q) else edge.q
    chance = min(max((value - low) / (high - low), 0.0), 1.0)
    # A normal approximation, as both programs' own bounds are.
    spread = 1.96 * math.sqrt(chance * (1 - chance) / max(edge.visits, 1))
    lcb = max(chance - spread, 0.0)
    line = result.principal_variation if order == 0 else (edge.action,)
    pv = " ".join(step.name for step in game.steps(here.state, line or (edge.action,)))
    name = game.domain.action_name(here.state, edge.action)
    if kata:
        numbers = f"winrate {chance:.6f} utility {value:.6f} prior {edge.prior:.6f} lcb {lcb:.6f}"
    else:
        numbers = (
            f"winrate {round(10000 * chance)} prior {round(10000 * edge.prior)} "
            f"lcb {round(10000 * lcb)}"
        )
    return f"info move {name} visits {edge.visits} {numbers} order {order} pv {pv}"

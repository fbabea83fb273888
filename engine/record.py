"""Games as files: written whole, with variations, and read back with every move checked."""

from __future__ import annotations

from typing import Any, TypeGuard

from tesuji.domains.base import Domain
from tesuji.engine.game import Game

FORMAT = "tesuji game 1"


def save_game(game: Game) -> dict[str, Any]:
    """Return the game with its variations as plain JSON values, for `load_game`."""
    moves = [[p.parent.index, p.move.name] for p in game.positions if p.parent and p.move]
    return {
        "format": FORMAT,
        "game": game.domain.spec.name,
        "seed": game.seed,
        "moves": moves,
        "current": game.current.index,
    }


def load_game(domain: Domain, saved: object) -> Game:
    """Return the game that `save_game` wrote.

    Raises:
        ValueError: it is damaged or of another game; the message says where.
    """
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise ValueError(f'not a saved game: expected JSON with "format": "{FORMAT}"')
    if saved.get("game") != domain.spec.name:
        raise ValueError(f"this is a game of {saved.get('game')!r}, not {domain.spec.name!r}")
    seed, moves, current = (saved.get(name) for name in ("seed", "moves", "current"))
    if not _is_count(seed) or not _is_count(current) or not isinstance(moves, list):
        raise ValueError("the saved game is damaged: seed, moves or current is missing or odd")
    game = Game(domain, seed=seed)
    for number, move in enumerate(moves, start=1):
        parent, name = move if isinstance(move, list) and len(move) == 2 else (None, None)
        if not _is_count(parent) or not isinstance(name, str):
            raise ValueError(f"the saved game is damaged at move {number}: {move!r:.60}")
        try:
            game.goto(parent)
            game.play(name)
        except ValueError as error:
            raise ValueError(f"the saved game is damaged at move {number}: {error}") from None
    game.goto(current)
    return game


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0

"""Positions as people write them: the moves from the start."""

from __future__ import annotations

from typing import NamedTuple

from tesuji.domains.base import Domain, State
from tesuji.engine.errors import UsageError
from tesuji.engine.game import Game, IllegalMoveError

_SEPARATORS = " ,;\t\n"


class Line(NamedTuple):
    """A line of play from the start."""

    actions: tuple[int, ...]
    state: State  # after them
    ended: bool


def read_line(domain: Domain, moves: str) -> Line:
    """Return the line that `moves` tells, as `read_game` reads it."""
    game = read_game(domain, moves)
    made = [position.move for position in game.line()[: game.current.ply + 1]]
    actions = tuple(move.action for move in made if move is not None)
    return Line(actions, game.current.state, game.current.ended)


def read_game(domain: Domain, moves: str, seed: int = 0) -> Game:
    """Return the game after `moves`: their names run together (`4453`) or apart (`d3 c5`).

    Raises:
        UsageError: a move is not legal where it stands; the message says which, and why.
    """
    game = Game(domain, seed)
    rest = moves.strip(_SEPARATORS)
    while rest:
        name = _first_name(game, rest)
        try:
            game.play(name)
        except IllegalMoveError as error:
            raise UsageError(f"move {game.current.ply + 1} of {moves!r}: {error}") from None
        rest = rest[len(name) :].lstrip(_SEPARATORS)
    return game


def _first_name(game: Game, rest: str) -> str:
    """Return the longest legal name that `rest` begins with, or what stands there instead."""
    names = sorted(game.legal_moves(), key=len, reverse=True)
    for name in names:
        if rest.lower().startswith(name.lower()):
            return name
    length = len(names[0]) if names else 1
    return rest[:length].split(maxsplit=1)[0].rstrip(_SEPARATORS)

"""Positions as people write them: in the game's own notation, or the moves from the start."""

from __future__ import annotations

import re
from typing import NamedTuple

from tesuji.domains.base import Domain, State
from tesuji.engine.errors import UsageError
from tesuji.engine.game import Game, IllegalMoveError

_SEPARATORS = " ,;\t\n"
_MOVES = " moves "  # between a position and the moves from there


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


def read_game(domain: Domain, text: str, seed: int = 0) -> Game:
    """Return the game after the moves in `text`: run together (`4453`) or apart (`d3 c5`).

    Where the domain has a notation for positions, the text may begin with one, and `moves` before
    what was played from there: `8/8/8/8/8/k7/1p6/1K6 w - - 0 1 moves b1a1`.

    Raises:
        UsageError: a move is not legal where it stands, or the position is malformed; the message
            says which, and why.
    """
    game, rest = _start(domain, text.strip(_SEPARATORS), seed)
    while rest:
        name = _first_name(game, rest)
        try:
            game.play(name)
        except IllegalMoveError as error:
            raise UsageError(f"move {game.current.ply + 1} of {text!r:.200}: {error}") from None
        rest = rest[len(name) :].lstrip(_SEPARATORS)
    return game


def _start(domain: Domain, text: str, seed: int) -> tuple[Game, str]:
    """Return the game where `text` begins, and the moves in it."""
    game = Game(domain, seed)
    if not text or domain.format_state(game.current.state) is None:
        return game, text
    position, _, moves = text.partition(_MOVES)
    try:
        return Game(domain, seed, domain.parse_state(position)), moves.lstrip(_SEPARATORS)
    except ValueError as error:
        if _first_name(game, text) in game.legal_moves() or _reads(game, _first_name(game, text)):
            return game, text
        raise UsageError(f"neither a legal move nor a position: {error}") from None


def _first_name(game: Game, rest: str) -> str:
    """Return the move that `rest` begins with, or what stands there instead."""
    word = re.split(r"[ ,;\t\n]", rest, maxsplit=1)[0]
    if _reads(game, word):
        return word
    names = sorted(game.legal_moves(), key=len, reverse=True)
    for name in names:
        if rest.lower().startswith(name.lower()):
            return name
    length = len(names[0]) if names else 1
    return rest[: max(length, 1)].split(maxsplit=1)[0].rstrip(_SEPARATORS)


def _reads(game: Game, name: str) -> bool:
    """Return whether the domain knows a legal action by this name."""
    try:
        game.domain.parse_action(game.current.state, name)
    except ValueError:
        return False
    return True

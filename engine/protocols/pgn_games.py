"""Games of PGN by the rules: every move checked, and games of ours written as PGN."""

from __future__ import annotations

from collections.abc import Callable

from tesuji.domains.base import Domain, State
from tesuji.domains.games.chess_notation import format_san
from tesuji.engine.game import Game, IllegalMoveError, Position
from tesuji.engine.protocols.pgn import PgnError, PgnGame, PgnMove
from tesuji.engine.protocols.pgn_writer import format_pgn

# How a game's moves are written where that is not their name.
_WRITERS: dict[str, Callable[[State, int], str]] = {"chess": format_san, "chess960": format_san}


def writes_pgn(domain: Domain) -> bool:
    """Return whether people keep games of `domain` as PGN."""
    return domain.spec.name in _WRITERS


def pgn_to_game(domain: Domain, pgn: PgnGame) -> Game:
    """Return the game with its variations; the current position is the end of the main line.

    Raises:
        PgnError: a move is not legal, or the position of the tag FEN is malformed.
    """
    game = Game(domain, start=_start(domain, pgn))
    stack = [(game.current, pgn.moves)]
    end = game.current
    while stack:
        here, moves = stack.pop()
        for move in moves:
            game.current = here
            stack += [(here, variation) for variation in reversed(move.variations)]
            try:
                here = game.play(move.text)
            except IllegalMoveError as error:
                raise PgnError(f"{move.text}: {error}", *move.place) from None
            except ValueError as error:
                raise PgnError(str(error), *move.place) from None
        if moves is pgn.moves:
            end = here
    game.goto(end.index)
    return game


def _start(domain: Domain, pgn: PgnGame) -> State | None:
    text = pgn.tags.get("FEN")
    if text is None:
        return None
    try:
        return domain.parse_state(text)
    except ValueError as error:
        raise PgnError(f"the tag FEN: {error}", *pgn.place) from None


def game_to_pgn(game: Game, tags: dict[str, str] | None = None) -> str:
    """Return a game with its variations as PGN.

    Args:
        game: the game; its main line are the moves that were played first.
        tags: beside those that follow from the game.
    """
    pgn = PgnGame(dict(tags or {}))
    start = game.positions[0]
    position = game.domain.format_state(start.state)
    if position is not None and (game.given or game.seed):
        pgn.tags |= {"SetUp": "1", "FEN": position}
    if game.domain.spec.name == "chess960":
        pgn.tags["Variant"] = "Chess960"
    write = _WRITERS.get(game.domain.spec.name, game.domain.action_name)
    stack = [(start, pgn.moves)]
    last = start
    while stack:
        here, line = stack.pop()
        while here.children:
            main, *others = here.children
            move = _move(write, here, main)
            for other in others:
                move.variations.append([_move(write, here, other)])
                stack.append((other, move.variations[-1]))
            line.append(move)
            here = main
        if line is pgn.moves:
            last = here
    pgn.result = _result(last)
    return format_pgn(pgn, start.to_play)


def _move(write: Callable[[State, int], str], here: Position, child: Position) -> PgnMove:
    assert child.move is not None
    return PgnMove(write(here.state, child.move.action))


def _result(last: Position) -> str:
    if not last.ended:
        return "*"
    return "1/2-1/2" if last.score == 0 else "1-0" if last.score > 0 else "0-1"

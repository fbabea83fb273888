"""Games as files: written whole, with variations, and read back with every move checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeGuard

from tesuji.domains.base import Domain
from tesuji.engine.errors import UsageError
from tesuji.engine.game import Game
from tesuji.engine.protocols.pgn import parse_pgn
from tesuji.engine.protocols.pgn_games import game_to_pgn, pgn_to_game, writes_pgn
from tesuji.engine.protocols.sgf import parse_sgf
from tesuji.engine.protocols.sgf_games import code_of, game_to_sgf, sgf_domain, sgf_to_game

FORMAT = "tesuji game 1"
MAX_BYTES = 1 << 20  # of a file with a game


def read_record(domain: Domain, path: Path) -> Game:
    """Return the game in a file: SGF, PGN or saved by `save_game`.

    Raises:
        UsageError: it cannot be read, is malformed or of another game.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        return parse_record(domain, content)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


def parse_record(domain: Domain, content: bytes) -> Game:
    """Return the game that a file holds; what it starts with tells its format.

    Raises:
        ValueError: it is too large, malformed or of another game; the message says where.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"a game has at most {MAX_BYTES >> 20} MB")
    if content.lstrip().startswith(b"("):  # SGF names its own encoding
        return _parse_sgf_game(domain, content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("this is no text; expected SGF, PGN or a saved game") from None
    start = text.lstrip()[:1]
    if start == "{":
        try:
            return load_game(domain, json.loads(text))
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"the saved game is damaged: {error}") from None
    if not writes_pgn(domain):
        raise ValueError("this is neither SGF nor PGN nor a saved game")
    games = parse_pgn(text)
    if not games:
        raise ValueError("there is no game in this text; expected SGF, PGN or a saved game")
    return pgn_to_game(domain, games[0])


def _parse_sgf_game(domain: Domain, content: bytes) -> Game:
    roots = parse_sgf(content)
    if not roots:
        raise ValueError("there is no game in this SGF file")
    board, named = domain.board(domain.reset()), sgf_domain(roots[0])
    theirs = named.board(named.reset())
    same_size = board and theirs and len(board.cells) == len(theirs.cells)
    if code_of(domain) != code_of(named) or not same_size:
        raise ValueError(f"this is a game of {named.spec.name}, not {domain.spec.name}")
    return sgf_to_game(roots[0], domain)


def formats(domain: Domain) -> list[str]:
    """Return the formats that a game of `domain` can be written in, the best known first."""
    known = {"pgn": writes_pgn(domain), "sgf": code_of(domain) is not None, "json": True}
    return [kind for kind, holds in known.items() if holds]


def write_record(game: Game, kind: str) -> str:
    """Return a game as a file of one of `formats`.

    Raises:
        ValueError: its domain has no such format.
    """
    known = formats(game.domain)
    if kind not in known:
        raise ValueError(f"{game.domain.spec.name} is saved as {' or '.join(known)}, not {kind!r}")
    match kind:
        case "pgn":
            return game_to_pgn(game)
        case "sgf":
            return game_to_sgf(game)
    return json.dumps(save_game(game))


def save_game(game: Game) -> dict[str, Any]:
    """Return the game with its variations as plain JSON values, for `load_game`."""
    moves = [[p.parent.index, p.move.name] for p in game.positions if p.parent and p.move]
    saved = {
        "format": FORMAT,
        "game": game.domain.spec.name,
        "seed": game.seed,
        "moves": moves,
        "current": game.current.index,
    }
    if game.given:  # from another position than the usual one
        saved["position"] = game.domain.format_state(game.positions[0].state)
    return saved


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
    position = saved.get("position")
    if position is not None and not isinstance(position, str):
        raise ValueError("the saved game is damaged: its position is no text")
    game = Game(domain, seed, None if position is None else domain.parse_state(position))
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

"""Queries of the analysis protocol: what one line of JSON asks, checked field by field.

The names are those of KataGo's analysis engine, where it has a name for a thing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tesuji.domains.base import Domain
from tesuji.engine.game import Game, IllegalMoveError
from tesuji.search.base import Budget

MAX_TURNS = 2000  # positions of one query
MAX_VISITS = 10_000_000
MAX_SECONDS = 86_400.0
MAX_ID = 200  # characters
_ACTIONS = ("query_version", "clear_cache", "terminate", "terminate_all")
_FIELDS = {
    "id",
    "moves",
    "initialPosition",
    "analyzeTurns",
    "maxVisits",
    "maxTime",
    "reportDuringSearchEvery",
    "priority",
    "seed",
    "includePolicy",
    "action",
    "terminateId",
}


class QueryError(ValueError):
    """A query that cannot be answered; `field` is to blame, `query_id` is whose it is."""

    def __init__(self, message: str, field: str | None = None, query_id: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.query_id = query_id


@dataclass(frozen=True)
class Query:
    """Positions to search, or an action on the engine itself.

    Attributes:
        id: what the answers are to bear.
        game: the game as far as it was played; None for an action.
        turns: plies of the positions to search.
        budget: of each position.
        report_every: seconds between reports while it is searched, None for none.
        priority: higher ones are searched first.
        seed: decides what is random in the search.
        policy: whether answers hold the policy of every action.
        action: one of the engine's own actions, empty for a search.
        terminate: the query that `terminate` ends.
    """

    id: str
    game: Game | None = None
    turns: tuple[int, ...] = ()
    budget: Budget | None = None
    report_every: float | None = None
    priority: int = 0
    seed: int = 0
    policy: bool = False
    action: str = ""
    terminate: str = ""


def read_query(domain: Domain, line: str, default: Budget) -> Query:
    """Return what a line asks.

    Raises:
        QueryError: it is no JSON, or a field is missing, unknown, of a wrong kind or out of range.
    """
    try:
        message = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise QueryError(f"not a JSON object: {error}") from None
    if not isinstance(message, dict):
        raise QueryError("not a JSON object: expected {…}")
    query_id = message.get("id")
    if not isinstance(query_id, str) or not 0 < len(query_id) <= MAX_ID:
        raise QueryError(f"must be a string of 1 to {MAX_ID} characters", "id")
    try:
        for name in message:
            if name not in _FIELDS:
                raise QueryError(f"unknown field; known: {', '.join(sorted(_FIELDS))}", name[:80])
        if "action" in message:
            return _read_action(query_id, message)
        return _read_search(domain, query_id, message, default)
    except QueryError as error:
        error.query_id = query_id
        raise


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _read_action(query_id: str, message: dict[str, Any]) -> Query:
    action = message["action"]
    if action not in _ACTIONS:
        raise QueryError(f"unknown action; known: {', '.join(_ACTIONS)}", "action")
    terminate = message.get("terminateId", "")
    if action == "terminate" and (not isinstance(terminate, str) or not terminate):
        raise QueryError("must name the query to end", "terminateId")
    return Query(query_id, action=action, terminate=str(terminate))


def _read_search(domain: Domain, query_id: str, message: dict[str, Any], default: Budget) -> Query:
    game = _read_game(domain, message)
    last = len(game.line()) - 1
    turns = message.get("analyzeTurns", [last])
    if not isinstance(turns, list) or not 0 < len(turns) <= MAX_TURNS:
        raise QueryError(f"must be a list of 1 to {MAX_TURNS} turns", "analyzeTurns")
    for turn in turns:
        if type(turn) is not int or not 0 <= turn <= last:
            raise QueryError(f"turns go from 0 to {last}, got {str(turn)[:40]}", "analyzeTurns")
    report = _number(message, "reportDuringSearchEvery", 0.001, MAX_SECONDS)
    policy = message.get("includePolicy", False)
    if not isinstance(policy, bool):
        raise QueryError("must be true or false", "includePolicy")
    return Query(
        query_id,
        game,
        tuple(dict.fromkeys(turns)),
        _read_budget(message, default),
        report,
        int(_number(message, "priority", -1e9, 1e9, whole=True) or 0),
        int(_number(message, "seed", 0, 2**63 - 1, whole=True) or 0),
        policy,
    )


def _read_game(domain: Domain, message: dict[str, Any]) -> Game:
    moves = message.get("moves", [])
    if not isinstance(moves, list) or any(not isinstance(move, str) for move in moves):
        raise QueryError("must be a list of strings", "moves")
    position = message.get("initialPosition")
    if position is not None and not isinstance(position, str):
        raise QueryError("must be a string", "initialPosition")
    try:
        game = Game(domain, start=None if position is None else domain.parse_state(position))
    except ValueError as error:
        raise QueryError(str(error), "initialPosition") from None
    for number, move in enumerate(moves, start=1):
        try:
            game.play(move[:100])
        except IllegalMoveError as error:
            raise QueryError(f"move {number}: {error}", "moves") from None
    return game


def _read_budget(message: dict[str, Any], default: Budget) -> Budget:
    visits = _number(message, "maxVisits", 1, MAX_VISITS, whole=True)
    seconds = _number(message, "maxTime", 0.001, MAX_SECONDS)
    if visits is None and seconds is None:
        return default
    simulations = None if visits is None else int(visits)
    return Budget(simulations=simulations, seconds=seconds, memory_mb=default.memory_mb)


def _number(
    message: dict[str, Any], name: str, low: float, high: float, *, whole: bool = False
) -> float | None:
    value = message.get(name)
    if value is None:
        return None
    if type(value) is not int and (whole or type(value) is not float):
        raise QueryError(f"must be a {'whole ' if whole else ''}number", name)
    if not low <= value <= high:
        raise QueryError(f"must be between {low:g} and {high:g}, got {str(value)[:40]}", name)
    return value

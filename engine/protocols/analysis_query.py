"""Queries of the analysis protocol: what one line of JSON asks, checked field by field.

The names are those of KataGo's analysis engine, where it has a name for a thing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from tesuji.domains.base import Domain
from tesuji.engine.game import Game
from tesuji.search.base import Budget

MAX_TURNS = 2000  # positions of one query
MAX_VISITS = 10_000_000
MAX_SECONDS = 86_400.0
MAX_ID = 200  # characters
MEMORY_MB = 512.0  # of the trees that are searched together
_ACTIONS = ("query_version", "clear_cache", "terminate", "terminate_all")
_FIELDS = {
    "id",
    "moves",
    "initialPosition",
    "boardXSize",
    "boardYSize",
    "analyzeTurns",
    "maxVisits",
    "maxTime",
    "overrideSettings",
    "reportDuringSearchEvery",
    "firstReportDuringSearchAfter",
    "priority",
    "priorities",
    "seed",
    "includePolicy",
    "action",
    "terminateId",
    "turnNumbers",
}
# Fields of KataGo's that make the position another one: to pass over them would be wrong.
_REFUSED = {
    "rules": "the rules are those of --game",
    "komi": "the komi is that of --game",
    "whiteHandicapBonus": "the rules are those of --game",
    "initialStones": "give the position as initialPosition",
    "initialPlayer": "give the position as initialPosition",
    "avoidMoves": "give constraints at the start of the engine",
    "allowMoves": "give constraints at the start of the engine",
}
_LIMITS = ("maxVisits", "maxTime")
_MOST_WARNINGS = 10


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
        turns: plies of the positions to search; of `terminate`, those to end, all where None.
        budget: of each position.
        report_every: seconds between reports while it is searched, None for none.
        report_first: seconds before the first of them.
        priorities: of the turns; higher ones are searched first.
        seed: decides what is random in the search.
        policy: whether answers hold the policy of every action.
        action: one of the engine's own actions, empty for a search.
        terminate: the query that `terminate` ends.
        message: what was asked, for actions to echo.
        warnings: fields that were passed over, and why.
    """

    id: str
    game: Game | None = None
    turns: tuple[int, ...] | None = None
    budget: Budget | None = None
    report_every: float | None = None
    report_first: float = 0.0
    priorities: tuple[int, ...] = ()
    seed: int = 0
    policy: bool = False
    action: str = ""
    terminate: str = ""
    message: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[tuple[str, str], ...] = ()


def read_query(domain: Domain, line: str, default: Budget) -> Query:
    """Return what a line asks.

    Raises:
        QueryError: it is no JSON, or a field is missing, refused, of a wrong kind or out of range.
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
        for name, advice in _REFUSED.items():
            if name in message:
                raise QueryError(f"not for a query: {advice}", name)
        if "action" in message:
            query = _read_action(query_id, message)
        else:
            query = _read_search(domain, query_id, message, default)
    except QueryError as error:
        error.query_id = query_id
        raise
    unknown = [name for name in message if name not in _FIELDS][:_MOST_WARNINGS]
    said = tuple((name[:80], "unknown field, passed over") for name in unknown)
    return replace(query, warnings=(*said, *query.warnings))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _read_action(query_id: str, message: dict[str, Any]) -> Query:
    action = message["action"]
    if action not in _ACTIONS:
        raise QueryError(f"unknown action; known: {', '.join(_ACTIONS)}", "action")
    terminate = message.get("terminateId", "")
    if action == "terminate" and (not isinstance(terminate, str) or not terminate):
        raise QueryError("must name the query to end", "terminateId")
    turns = message.get("turnNumbers")
    if turns is not None and (
        not isinstance(turns, list) or any(type(t) is not int for t in turns)
    ):
        raise QueryError("must be a list of turns", "turnNumbers")
    return Query(
        query_id,
        turns=None if turns is None else tuple(turns),
        action=action,
        terminate=str(terminate),
        message=message,
    )


def _read_search(domain: Domain, query_id: str, message: dict[str, Any], default: Budget) -> Query:
    for name, axis in (("boardXSize", -1), ("boardYSize", -2)):
        size = domain.spec.observation_shape[axis]
        if message.get(name, size) != size:
            raise QueryError(f"the board of {domain.spec.name} has {size} lines", name)
    game = _read_game(domain, message)
    turns = _read_turns(message, len(game.line()) - 1)
    policy = message.get("includePolicy", False)
    if not isinstance(policy, bool):
        raise QueryError("must be true or false", "includePolicy")
    every = _number(message, "reportDuringSearchEvery", 0.001, MAX_SECONDS)
    first = _number(message, "firstReportDuringSearchAfter", 0.001, MAX_SECONDS)
    budget, warnings = _read_budget(message, default)
    return Query(
        query_id,
        game,
        turns,
        budget,
        every if every is not None else MAX_SECONDS if first is not None else None,
        first if first is not None else every or 0.0,
        _read_priorities(message, len(turns)),
        int(_number(message, "seed", 0, 2**63 - 1, whole=True) or 0),
        policy,
        warnings=warnings,
    )


def _read_turns(message: dict[str, Any], last: int) -> tuple[int, ...]:
    turns = message.get("analyzeTurns", [last])
    if not isinstance(turns, list) or not 0 < len(turns) <= MAX_TURNS:
        raise QueryError(f"must be a list of 1 to {MAX_TURNS} turns", "analyzeTurns")
    for turn in turns:
        if type(turn) is not int or not 0 <= turn <= last:
            raise QueryError(f"turns go from 0 to {last}, got {str(turn)[:40]}", "analyzeTurns")
    if len(set(turns)) < len(turns):
        raise QueryError("a turn is named twice", "analyzeTurns")
    return tuple(turns)


def _read_priorities(message: dict[str, Any], number: int) -> tuple[int, ...]:
    each = message.get("priorities")
    if each is None:
        return (int(_number(message, "priority", -1e9, 1e9, whole=True) or 0),) * number
    if not isinstance(each, list) or len(each) != number or "priority" in message:
        raise QueryError(f"must be a list of {number}, one a turn, without priority", "priorities")
    return tuple(
        int(_number({"priorities": value}, "priorities", -1e9, 1e9, whole=True) or 0)
        for value in each
    )


def _read_game(domain: Domain, message: dict[str, Any]) -> Game:
    moves = message.get("moves", [])
    if not isinstance(moves, list):
        raise QueryError("must be a list of moves", "moves")
    position = message.get("initialPosition")
    if position is not None and not isinstance(position, str):
        raise QueryError("must be a string", "initialPosition")
    try:
        game = Game(domain, start=None if position is None else domain.parse_state(position))
    except ValueError as error:
        raise QueryError(str(error), "initialPosition") from None
    for number, move in enumerate(moves, start=1):
        try:
            game.play(_read_move(game, move))
        except ValueError as error:
            raise QueryError(f"move {number}: {error}", "moves") from None
    return game


def _read_move(game: Game, move: object) -> str:
    """Return the name of a move: `"C4"`, or `["B", "C4"]` with the side that makes it."""
    if isinstance(move, list) and len(move) == 2 and all(isinstance(part, str) for part in move):
        side = game.side_name(game.current.to_play)
        if move[0].upper() not in (side[:1].upper(), side.upper()):
            raise ValueError(f"it is {side}'s turn, not {move[0][:20]!r}'s")
        move = move[1]
    if not isinstance(move, str):
        raise ValueError("expected a string, or a list of side and move")
    return move[:100]


def _read_budget(
    message: dict[str, Any], default: Budget
) -> tuple[Budget, tuple[tuple[str, str], ...]]:
    """Return the budget, and warnings of settings that are passed over."""
    settings = message.get("overrideSettings", {})
    if not isinstance(settings, dict):
        raise QueryError("must be an object", "overrideSettings")
    limits: dict[str, Any] = {}
    for given in (settings, message):
        limits |= {name: given[name] for name in _LIMITS if name in given}
    visits = _number(limits, "maxVisits", 1, MAX_VISITS, whole=True)
    seconds = _number(limits, "maxTime", 0.001, MAX_SECONDS)
    others = [name[:40] for name in settings if name not in _LIMITS][:_MOST_WARNINGS]
    warnings = [("overrideSettings", f"no setting {name!r} here, passed over") for name in others]
    if visits is None and seconds is None:
        return default, tuple(warnings)
    simulations = None if visits is None else int(visits)
    memory = default.memory_mb or MEMORY_MB
    return Budget(simulations=simulations, seconds=seconds, memory_mb=memory), tuple(warnings)


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

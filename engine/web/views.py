"""What the page is told: sessions, analyses and trees as plain JSON values.

Chances are the first side's, so that a line has one scale whoever moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tesuji.domains.base import Board, State
from tesuji.engine.board_svg import Candidate, marks, skeleton
from tesuji.engine.game import Position
from tesuji.engine.glyphs import name_of, side_of
from tesuji.engine.record import formats
from tesuji.engine.review import review
from tesuji.engine.session import LEVELS, Hint, Session, verdict
from tesuji.search.base import Edge, SearchResult

Json = dict[str, Any]

_LINE = 10  # moves of an expected line


def view_state(session: Session) -> Json:
    """Return all of a session but its analysis."""
    game, here = session.game, session.game.current
    domain = game.domain
    board = domain.board(here.state)
    return {
        "type": "state",
        "game": domain.spec.name,
        "seed": game.seed,
        "position": domain.format_state(game.positions[0].state) if game.given else None,
        "board": _board(board) if board is not None else None,
        "text": domain.render(here.state) if board is None else None,
        "sides": [game.side_name(side) for side in range(2)],
        "players": domain.spec.num_players,
        "range": domain.spec.value_range,
        "toPlay": here.to_play,
        "ended": here.ended,
        "outcome": game.outcome(),
        "score": round(here.score, 4),
        "person": session.person,
        "level": session.level,
        "levels": [level._asdict() for level in LEVELS],
        "formats": formats(domain),
        "current": here.index,
        "line": [position.index for position in game.line()],
        "positions": [_position(session, position) for position in game.positions],
        "moves": [
            {
                "action": action,
                "name": name,
                "cells": domain.action_cells(here.state, action),
                "origin": domain.action_origin(here.state, action),
            }
            for name, action in game.legal_moves().items()
        ],
    }


def _board(board: Board) -> Json:
    """Return what stands where, and what each value of a cell is called and whose it is."""
    values = range(len(board.glyphs) or 3)
    return {
        "cells": board.cells,
        "style": board.style,
        "columns": board.columns,
        "rows": board.rows,
        "note": board.note,
        "names": [name_of(board, value) for value in values],
        "owners": [side_of(board, value) for value in values],
        "glyphs": bool(board.glyphs),
    }


def view_skeleton(session: Session, *, flipped: bool) -> Json:
    """Return the empty board, drawn; None for a domain without one."""
    game = session.game
    board = game.domain.board(game.current.state)
    svg = skeleton(board, flipped=flipped) if board is not None else None
    return {"type": "board", "svg": svg}


def _position(session: Session, position: Position) -> Json:
    chance, result = session.win_rate(position), session.results.get(position.index)
    found, before = review(session, position), position.parent
    best = None
    if found is not None and found.grade and before is not None:
        best = session.game.domain.action_name(before.state, found.best)
    return {
        "parent": position.parent.index if position.parent is not None else None,
        "name": position.move.name if position.move is not None else None,
        "side": position.move.side if position.move is not None else None,
        "cell": position.move.cell if position.move is not None else None,
        "origin": position.move.origin if position.move is not None else None,
        "chance": None if chance is None else round(chance, 4),
        "grade": found.grade if found is not None else "",
        "best": best,
        "proven": position.ended or (result is not None and result.status.proven),
    }


def view_analysis(
    session: Session, position: Position, result: SearchResult, done: bool, *, flipped: bool = False
) -> Json:
    """Return an analysis, finished or not."""
    moves = _edges(session, position, (), result.edges(), result.principal_variation)
    return {
        "type": "analysis",
        "position": position.index,
        "done": done,
        "simulations": result.num_simulations,
        "rate": round(result.num_simulations / max(result.seconds, 1e-6)),
        "chance": round(session.chance(result.value, position.to_play), 4),
        "wdl": [round(share, 4) for share in result.wdl],
        "status": result.status.value,
        "proven": result.status.proven,
        "line": _line(session, position.state, result.principal_variation, result.principal_keys),
        "moves": moves,
        "marks": _marks(session, position, moves, flipped=flipped),
    }


def _marks(
    session: Session, position: Position, moves: Sequence[Json], *, flipped: bool
) -> str | None:
    """Return the moves of an analysis, drawn on the board."""
    board = session.game.domain.board(position.state)
    if board is None or session.game.domain.spec.num_players == 1:
        return None  # there are no chances to show
    candidates = [
        Candidate(m["name"], m["cell"], m["origin"], m["visits"], own_chance(m)) for m in moves
    ]
    return marks(board, candidates, flipped=flipped)


def own_chance(move: Json) -> float | None:
    """Return the chances of the side that makes a move."""
    chance: float | None = move["chance"]
    return 1 - chance if chance is not None and move["side"] == 1 else chance


def view_tree(session: Session, position: Position, path: Sequence[int]) -> Json:
    """Return what lies after `path` in the search tree of a position; empty where nothing does."""
    edges = session.explore(position, path)
    return {
        "type": "tree",
        "position": position.index,
        "path": list(path),
        "moves": _edges(session, position, path, edges, ()) if edges else [],
    }


def view_hint(hint: Hint) -> Json:
    """Return a hint."""
    return {
        "type": "hint",
        "step": hint.step._asdict(),
        "chance": round(hint.chance, 4),
        "status": hint.status.value,
        "proven": hint.status.proven,
        "line": [step._asdict() for step in hint.line[:_LINE]],
    }


def _edges(
    session: Session,
    position: Position,
    path: Sequence[int],
    edges: Sequence[Edge],
    expected: Sequence[int],
) -> list[Json]:
    """Return edges that leave the node after `path`; `expected` is the best line, where known."""
    game = session.game
    state = position.state
    for action, key in zip(path, session.keys_of(position, path) or [0] * len(path), strict=True):
        state, _, _ = game.domain.step(state, action, key)
    side, value_range = game.domain.to_play(state), game.domain.spec.value_range
    found = []
    for edge in edges:
        proof = verdict(edge.lower, edge.upper, value_range)
        value = edge.lower if proof is not None else edge.q
        line = _best_line(session, position, [*path, edge.action])[len(path) :]
        if edge.action in expected[:1]:
            line = list(expected)
        steps = _line(session, state, line)
        found.append(
            {
                **steps[0],
                "visits": edge.visits,
                "prior": round(edge.prior, 4),
                "chance": None if math.isnan(value) else round(session.chance(value, side), 4),
                "proven": proof,
                "line": steps,
            }
        )
    return found


def _best_line(session: Session, position: Position, path: Sequence[int]) -> list[int]:
    """Return `path` and the moves most visited after it, as far as the kept tree goes."""
    line = list(path)
    while len(line) < len(path) + _LINE - 1:
        edges = session.explore(position, line)
        if not edges or edges[0].visits == 0:
            break
        line.append(edges[0].action)
    return line


def _line(
    session: Session, state: State, actions: Sequence[int], keys: Sequence[int] = ()
) -> list[Json]:
    return [step._asdict() for step in session.game.steps(state, actions[: 2 * _LINE], keys)]

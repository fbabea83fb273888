"""A played game under review: every position searched, every move compared with the best one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tesuji.engine.game import Position
from tesuji.engine.session import Session
from tesuji.search.base import Budget

# What a move is called that gives away so much of its side's chances, the worst first.
GRADES = (("blunder", 0.15), ("mistake", 0.10), ("inaccuracy", 0.05))

BATCH = 8  # positions searched at once, so that progress shows and a stop is heard


class Review(NamedTuple):
    """What a search thinks of a move that was made."""

    loss: float  # the share of chances that its side gave away
    grade: str  # one of GRADES, or empty for a fair move
    best: int  # the action that the search prefers


def search_positions(
    session: Session,
    positions: Sequence[Position],
    budget: Budget,
    *,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Search those positions of a game that no search as deep has seen; keep what is found.

    Args:
        session: whose game, and where the results are kept.
        positions: which ones; ends need no search.
        budget: of each.
        stop: set it from another thread to stop early.
        progress: told how many positions are done.
    """
    session.reviewed |= {one.index for one in positions if known(session, one, budget)}
    unknown = [one for one in positions if not one.ended and not known(session, one, budget)]
    done = len(positions) - len(unknown)
    for start in range(0, len(unknown), BATCH):
        if stop is not None and stop.is_set():
            return
        part = unknown[start : start + BATCH]
        states = [position.state for position in part]
        results = session.search.run(states, budget, seed=session.game.seed, stop=stop)
        if stop is not None and stop.is_set():
            return
        for position, result in zip(part, results, strict=True):
            session.note(position, result)
            session.reviewed.add(position.index)
        done += len(part)
        if progress is not None:
            progress(done)


def known(session: Session, position: Position, budget: Budget) -> bool:
    """Return whether a search of `position` within `budget` would hardly tell more."""
    result = session.results.get(position.index)
    if result is None or position.index in session.reviewed:
        return result is not None
    return result.status.proven or result.num_simulations >= (budget.simulations or 0)


def review(session: Session, position: Position) -> Review | None:
    """Return what is thought of the move that led to `position`.

    None where not both it and the position before have been reviewed.
    """
    before, move = position.parent, position.move
    if before is None or move is None or before.index not in session.reviewed:
        return None
    if not position.ended and position.index not in session.reviewed:
        return None
    best = session.results[before.index].action
    had, has = session.win_rate(before), session.win_rate(position)
    if had is None or has is None or best == move.action:
        return Review(0.0, "", best)
    loss = max((has - had) if move.side == 1 else (had - has), 0.0)
    grade = next((name for name, least in GRADES if loss >= least), "")
    return Review(loss, grade, best)

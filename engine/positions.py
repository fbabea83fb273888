"""Solved positions: sets that tell the exact score of every move.

Dimensions: `N` positions, `A` actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import Domain, State
from tesuji.engine.agent import SolverAgent
from tesuji.engine.errors import UsageError

ILLEGAL = -1000  # score of an illegal move, as in Pons' files

Scores = npt.NDArray[np.int16]  # [N, A]


@dataclass(frozen=True)
class SolvedSet:
    """Positions whose every move has an exact score, above 0 where it wins, 0 where it draws.

    Attributes:
        name: what the set is called in reports.
        states: the positions.
        scores: exact scores for the side to move `[N, A]`, `ILLEGAL` where illegal.
    """

    name: str
    states: Sequence[State]
    scores: Scores

    def __post_init__(self) -> None:
        if len(self.states) != len(self.scores):
            raise ValueError(
                f"{self.name}: {len(self.states)} positions but {len(self.scores)} rows of scores"
            )

    def first(self, number: int) -> SolvedSet:
        """Return the first `number` positions as a set."""
        return SolvedSet(self.name, self.states[:number], self.scores[:number])


def read_positions(path: str | Path, domain: Domain) -> SolvedSet:
    """Read a set in Pons' format: `moves score` a line, with the scores of every move.

    Those stand in a file of the same name and `.moves` beside it, `moves s1 s2 ...`, with
    `ILLEGAL` for illegal moves; a Connect Four file without one is solved here.

    Raises:
        UsageError: the file cannot be read, a line is malformed, or the two files disagree.
    """
    path = Path(path)
    companion = path.with_name(path.name + ".moves")
    lines = _read_lines(path)
    if companion.exists():
        lines = _merge(path, lines, _read_lines(companion))
    unsolved = any(len(line) <= domain.spec.num_actions for line in lines)
    solver = SolverAgent(domain) if unsolved else None
    states, rows = [], []
    for number, fields in enumerate(lines, 1):
        try:
            state = _position(domain, fields[0])
            rows.append(_scores(domain, state, [_score(field) for field in fields[1:]], solver))
        except ValueError as error:
            raise UsageError(f"{path}, line {number}: {error}") from None
        states.append(state)
    return SolvedSet(path.name, states, np.stack(rows))


def _read_lines(path: Path) -> list[list[str]]:
    """Return the fields of each line."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read positions from {path}: {error}") from None
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines:
        raise UsageError(f"{path} has no positions; expected lines of 'moves score'")
    return lines


def _merge(path: Path, lines: list[list[str]], scored: list[list[str]]) -> list[list[str]]:
    """Return each line's moves, the scores of all moves, and last the score of the position."""
    if [line[0] for line in lines] != [line[0] for line in scored]:
        raise UsageError(f"{path} and {path.name}.moves do not list the same positions")
    return [row + line[1:] for line, row in zip(lines, scored, strict=True)]


def _position(domain: Domain, moves: str) -> State:
    """Return the state after `moves`, names of actions run together."""
    state, discount, rest = domain.reset(), 1.0, moves
    while rest and discount != 0:
        names = {domain.action_name(state, int(a)): a for a in np.flatnonzero(domain.legal(state))}
        found = [name for name in names if rest.startswith(name)]
        if not found:
            raise ValueError(f"no legal move at {rest!r} of {moves!r}")
        name = max(found, key=len)
        state, _, discount = domain.step(state, int(names[name]))
        rest = rest[len(name) :]
    if discount == 0:
        raise ValueError(f"the game is over before the end of {moves!r}")
    return state


def _score(text: str) -> int:
    if text.removeprefix("-").isdecimal() and ILLEGAL <= int(text) < -ILLEGAL:
        return int(text)
    raise ValueError(f"{text!r} is no score; expected a number, {ILLEGAL} where illegal")


def _scores(domain: Domain, state: State, numbers: list[int], solver: SolverAgent | None) -> Scores:
    """Return the score of every action `[A]`, checked against the rules and the position's own."""
    num_actions = domain.spec.num_actions
    scores, own = np.array(numbers[:num_actions], np.int16), numbers[num_actions:]
    if len(numbers) < num_actions and solver is not None:
        scores, own = solver.scores(state), numbers
    if ((scores != ILLEGAL) != domain.legal(state)).any():
        raise ValueError(f"the scores {scores.tolist()} do not match the legal moves")
    if own and own != [scores.max()]:
        raise ValueError(f"score {own[0]}, but its best move has {scores.max()}")
    return scores


def shipped_sets(domain: Domain) -> list[SolvedSet]:
    """Return the solved sets that ship for a game, made by its own solver; none for most games."""
    if domain.spec.name != "connect_four" or domain.constraints:
        return []
    from tesuji.domains.games.connect_four_positions import load_positions  # noqa: PLC0415

    return [
        SolvedSet(part.name, [_after_columns(domain, moves) for moves in part.moves], part.scores)
        for part in load_positions().values()
    ]


def _after_columns(domain: Domain, moves: str) -> State:
    """Return the Connect Four state after `moves`, digits from 1, which are known to be legal."""
    state = domain.reset()
    for move in moves:
        state, _, _ = domain.step(state, int(move) - 1)
    return state

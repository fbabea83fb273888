"""Solved Connect Four positions to measure players on: a fixed file, and how it was made.

Sets are named by phase and difficulty, with the bounds of Pons' test sets: `Begin` up to 14
stones, `Middle` up to 28, `End` from 29; `Easy` where perfect play ends within 14 moves, `Medium`
within 28, `Hard` later; none is won or lost within two moves. They come from random play, of a
uniformly random length, that never ends the game.

Make the file again with

    python -m tesuji.domains.games.connect_four_positions --out FILE --seed 0
"""

from __future__ import annotations

import argparse
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.games.connect_four_bitboard import (
    BOARD,
    EMPTY,
    NUM_COLUMNS,
    NUM_SQUARES,
    Bitboard,
    has_four,
    position_from_moves,
)
from tesuji.domains.games.connect_four_solver import ILLEGAL, Solver

SET_SIZES = {
    "End-Easy": 300,
    "Middle-Easy": 300,
    "Begin-Easy": 300,
    "Middle-Medium": 300,
    "Begin-Medium": 100,
}
_PHASES = {"Begin": (1, 14), "Middle": (15, 28), "End": (29, 41)}  # stones
_DIFFICULTIES = {"Easy": (1, 14), "Medium": (15, 28), "Hard": (29, 42)}  # moves left


@dataclass(frozen=True)
class PositionSet:
    """Positions with the exact score of every move.

    Attributes:
        name: phase and difficulty, such as `Begin-Easy`.
        moves: `N` games so far, one digit 1 to 7 a move.
        scores: score of every move `[N, 7]` as the solver gives it, `ILLEGAL` for a full column.
    """

    name: str
    moves: tuple[str, ...]
    scores: npt.NDArray[np.int16]

    @property
    def positions(self) -> tuple[Bitboard, ...]:
        """Return the `N` positions."""
        return tuple(position_from_moves(moves) for moves in self.moves)

    @property
    def outcomes(self) -> npt.NDArray[np.int16]:
        """Return 1, 0 or -1 for every move `[N, 7]`, `ILLEGAL` for a full column."""
        return np.where(self.scores == ILLEGAL, np.int16(ILLEGAL), np.sign(self.scores))


def moves_left(score: int, num_stones: int) -> int:
    """Return how many moves perfect play lasts from a position with this score."""
    if score == 0:
        return NUM_SQUARES - num_stones
    stones_of_winner = NUM_SQUARES // 2 + 1 - abs(score)
    if score > 0:
        return 2 * (stones_of_winner - num_stones // 2) - 1
    return 2 * (stones_of_winner - (num_stones + 1) // 2)


def random_games(
    name: str, num_positions: int, generator: np.random.Generator, solver: Solver
) -> list[str]:
    """Return random games so far, to that many distinct positions of the named set."""
    phase, _, difficulty = name.partition("-")
    if phase not in _PHASES or difficulty not in _DIFFICULTIES:
        raise ValueError(
            f"no set is called {name!r}; join one of {', '.join(_PHASES)} and one of "
            f"{', '.join(_DIFFICULTIES)} with a hyphen"
        )
    shortest, longest = _DIFFICULTIES[difficulty]
    low, high = _PHASES[phase]
    games: dict[Bitboard, str] = {}
    while len(games) < num_positions:
        num_moves = int(generator.integers(low, high + 1))
        moves = random_game(num_moves, generator)
        position = position_from_moves(moves)
        complete = len(moves) == num_moves
        if complete and position not in games and _lasts(position, shortest, longest, solver):
            games[position] = moves
    return list(games.values())


def solved_positions(
    name: str, num_positions: int, generator: np.random.Generator, solver: Solver
) -> PositionSet:
    """Return that many distinct random positions of the named set, solved."""
    games = random_games(name, num_positions, generator, solver)
    scores = [solver.scores(position_from_moves(moves)) for moves in games]
    return PositionSet(name, tuple(games), np.array(scores, np.int16))


def random_game(num_moves: int, generator: np.random.Generator) -> str:
    """Return so many random moves, none of which ends the game; fewer where all others would."""
    position = EMPTY
    moves = ""
    for draw in generator.random(num_moves).tolist():
        children = _open_children(position)
        if not children:
            break
        column, position = children[int(draw * len(children))]
        moves += str(column + 1)
    return moves


def _open_children(position: Bitboard) -> list[tuple[int, Bitboard]]:
    """Return the moves after which the game goes on, each with the position it leads to."""
    columns = [column for column in range(NUM_COLUMNS) if position.landing(column)]
    children = [(column, position.play(column)) for column in columns]
    return [
        (column, child)
        for column, child in children
        if child.mask != BOARD and not has_four(child.own ^ child.mask)
    ]


def _lasts(position: Bitboard, shortest: int, longest: int, solver: Solver) -> bool:
    """Return whether perfect play takes from `shortest` to `longest` moves."""
    half = NUM_SQUARES // 2
    fitting = [
        score
        for score in range(-half, half + 1)
        if shortest <= moves_left(score, position.num_stones) <= longest
        and (score == 0 or moves_left(score, position.num_stones) > 2)
    ]
    wins, losses = [s for s in fitting if s > 0], [s for s in fitting if s < 0]
    runs = [fitting] if 0 in fitting else [wins, losses]  # without gaps
    return any(
        solver.at_least(position, run[0]) and not solver.at_least(position, run[-1] + 1)
        for run in runs
        if run
    )


def load_positions(path: Path | None = None) -> dict[str, PositionSet]:
    """Return the sets by name, those that come with the package where no file is named."""
    source = path or files("tesuji.domains.games") / "data" / "connect_four_positions.npz"
    try:
        with source.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            names = [key.removesuffix(".moves") for key in arrays if key.endswith(".moves")]
            return {name: _read_set(name, arrays) for name in names}
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
        raise ValueError(f"{source} is not a file of solved positions: {error}") from error


def _read_set(name: str, arrays: Mapping[str, npt.NDArray[np.generic]]) -> PositionSet:
    """Return one set of an open file."""
    moves = tuple(arrays[f"{name}.moves"].astype(str).tolist())
    scores = arrays[f"{name}.scores"].astype(np.int16)
    if scores.shape != (len(moves), NUM_COLUMNS):
        raise ValueError(f"{len(moves)} positions of {name} but scores {scores.shape}")
    return PositionSet(name, moves, scores)


def save_positions(path: Path, sets: Mapping[str, PositionSet], note: str) -> None:
    """Write the sets into an npz file, all of it or nothing."""
    arrays: dict[str, Any] = {"note": np.array(note)}
    for name, positions in sets.items():
        arrays[f"{name}.moves"] = np.array(positions.moves, f"S{NUM_SQUARES}")
        arrays[f"{name}.scores"] = positions.scores
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as stream:
        try:
            np.savez_compressed(stream, **arrays)
            stream.flush()
            os.fsync(stream.fileno())
            os.replace(stream.name, path)
        except BaseException:
            os.unlink(stream.name)
            raise


def main() -> None:
    """Make the file of solved positions again."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="npz file to write")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    solver = Solver()
    sets = {n: solved_positions(n, size, generator, solver) for n, size in SET_SIZES.items()}
    command = f"python -m tesuji.domains.games.connect_four_positions --seed {arguments.seed}"
    save_positions(arguments.out, sets, f"made by: {command}")


if __name__ == "__main__":
    main()

"""Random games move for move against OpenSpiel: legal moves, rewards, ends and boards.

    python benchmarks/differential.py [--games 10000] [--seed 0] [--only hex gomoku] [--json FILE]

A kernel plays a random game of ours and keeps what it saw; OpenSpiel (dev-only) then plays the same
moves. Compared are: the legal moves before each move, who is to move, the reward and whether the
game is over after it, and the whole board at the end. In 2048 the tiles that our chance brought are
given to OpenSpiel as its chance's outcome, which must be among those that it allows.

OpenSpiel 2.0.2's list of legal moves in 2048 lacks some in which tiles only merge and none slides,
as left on `4 4 . .`, though it carries them out when asked. Such a move of ours is counted as
*unlisted*, not as a difference; boards, rewards and ends must agree all the same.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyspiel
from numba import njit

from tesuji.domains.compiled import (
    CompiledDomain,
    choose_legal,
    legal_at,
    reset_at,
    row_pointer,
    step_at,
)
from tesuji.domains.playout import next_random
from tesuji.domains.registry import make

Cells = list[list[int]]


@njit(cache=True)
def play_game(table, instance, bits, rows, masks, actions, outcomes):
    """Play a random game; keep each row, mask, action and outcome, and return how many steps."""
    reset, legal, step = reset_at(table), legal_at(table), step_at(table)
    rows[0] = 0
    bits = next_random(bits)
    reset(row_pointer(rows, 0), instance, bits)
    for ply in range(len(actions)):
        legal(row_pointer(rows, ply), instance, masks[ply])
        bits = next_random(bits)
        actions[ply] = choose_legal(masks[ply], bits)
        rows[ply + 1] = rows[ply]
        bits = next_random(bits)
        pointer = row_pointer(rows, ply + 1)
        outcomes[ply] = step(pointer, actions[ply], instance, bits)
        if outcomes[ply, 1] == 0:
            return ply + 1
    return -1


class Game(NamedTuple):
    """A random game of ours; `T` steps."""

    states: list[Any]  # T + 1
    legal: list[list[int]]  # T
    actions: list[int]  # T
    outcomes: npt.NDArray[np.float64]  # [T, 2], reward and discount


class Recorder:
    """Room for the games of one domain."""

    def __init__(self, domain: CompiledDomain) -> None:
        self.domain = domain
        length = domain.spec.max_steps
        self.rows = np.zeros((length + 1, domain.row_size), np.uint8)
        self.masks = np.zeros((length, domain.spec.num_actions), np.bool_)
        self.actions = np.zeros(length, np.int64)
        self.outcomes = np.zeros((length, 2))

    def play(self, seed: int) -> Game:
        """Return the random game of `seed`."""
        bits = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] | np.uint64(1)
        room = (self.rows, self.masks, self.actions, self.outcomes)
        domain = self.domain
        steps = play_game(domain.kernels.addresses(), domain.instance, bits, *room)
        if steps < 0:
            raise SystemExit(f"{domain.spec.name}: game {seed} is longer than max_steps")
        plies, cells = np.nonzero(self.masks[:steps])
        cuts = np.searchsorted(plies, np.arange(steps + 1)).tolist()
        whole = cells.tolist()
        legal = [whole[cuts[ply] : cuts[ply + 1]] for ply in range(steps)]
        states = [domain.state(row) for row in self.rows[: steps + 1]]
        return Game(states, legal, self.actions[:steps].tolist(), self.outcomes[:steps].copy())


# Reads our action for each legal one of OpenSpiel.
Mapping = Callable[["Pair", Any, list[int], Any], dict[int, int]]


@dataclass
class Pair:
    """One game, ours and theirs."""

    name: str
    spiel: str
    read: Callable[[str], Cells]  # their text of a position -> cells as our board has them
    mapping: Mapping | None = None  # None where the actions have equal numbers
    params: dict[str, Any] = field(default_factory=dict)
    unlisted: int = 0  # positions in which they do not list all moves, see above

    def __post_init__(self) -> None:
        domain = make(self.name, **self.params)
        assert isinstance(domain, CompiledDomain)
        self.domain = domain
        self.size = domain.spec.observation_shape[-1]
        self.game = pyspiel.load_game(self.spiel)
        self.recorder = Recorder(domain)


def read_words(text: str, first: int = 0, last: int | None = None) -> Cells:
    """Return cells written with blanks between them."""
    values = {".": 0, "-": 0, "x": 1, "o": 2}
    lines = [line.split()[first:last] for line in text.strip().splitlines()]
    return [[values[word] for word in line] for line in lines]


def read_letters(text: str) -> Cells:
    """Return cells written one letter each."""
    values = {".": 0, "x": 1, "o": 2, "b": 1, "w": 2}
    return [[values[letter] for letter in line] for line in text.split()]


def read_othello(text: str) -> Cells:
    """Return the cells between the numbers at both sides."""
    lines = [line for line in text.splitlines() if line[:1].isdigit()]
    return read_words("\n".join(lines), 1, -1)


def read_gomoku(text: str) -> Cells:
    """Return the cells beneath the side to move."""
    return read_letters(text.split("\n", 1)[1])


def read_breakthrough(text: str) -> Cells:
    """Return the cells, turned over: their first side begins at the top, ours below."""
    lines = [line[1:] for line in text.splitlines() if line[:1].isdigit()]
    return read_letters("\n".join(lines))[::-1]


def read_numbers(text: str) -> Cells:
    """Return the exponents of the tiles."""
    lines = [line.split() for line in text.strip().splitlines()]
    return [[int(word).bit_length() - 1 if word != "0" else 0 for word in line] for line in lines]


def swap_actions(pair: Pair, theirs: Any, legal: list[int], state: Any) -> dict[int, int]:
    """Their swap has a number of its own, ours is the cell of the stone."""
    cells = pair.size**2
    stones = np.flatnonzero(state.board)
    return {(int(stones[0]) if action == cells else action): action for action in legal}


def breakthrough_actions(pair: Pair, theirs: Any, legal: list[int], state: Any) -> dict[int, int]:
    """Theirs are by cell, way and whether it takes; ours by way and cell as the mover sees it."""
    size = pair.size
    found = {}
    for action in legal:
        cell, way = divmod(action // 2, 6)
        row, column = divmod(cell, size)
        if theirs.current_player() == 0:
            row = size - 1 - row
        found[way % 3 * size * size + row * size + column] = action
    return found


def pairs() -> list[Pair]:
    """Return all games that both sides have."""
    return [
        Pair("tic_tac_toe", "tic_tac_toe", read_letters),
        Pair("connect_four", "connect_four", read_letters),
        Pair("othello", "othello", read_othello),
        *(
            Pair("hex", f"hex(board_size={size})", read_words, params={"size": size})
            for size in (3, 7, 11)
        ),
        Pair("hex_swap", "hex(board_size=5,swap=True)", read_words, swap_actions, {"size": 5}),
        Pair("gomoku", "gomoku(size=9)", read_gomoku, params={"size": 9}),
        Pair("gomoku", "gomoku(size=15)", read_gomoku),
        Pair(
            "breakthrough",
            "breakthrough(rows=8,columns=8)",
            read_breakthrough,
            breakthrough_actions,
        ),
        Pair(
            "breakthrough",
            "breakthrough(rows=6,columns=6)",
            read_breakthrough,
            breakthrough_actions,
            {"size": 6},
        ),
        Pair("2048", "2048(max_tile=2048)", read_numbers),
        Pair("2048", "2048(max_tile=64)", read_numbers, params={"max_tile": 64}),
    ]


def difference(pair: Pair, game: Game) -> str | None:
    """Return where OpenSpiel plays `game` in another way than ours, or None."""
    theirs = pair.game.new_initial_state()
    scale = _score_of_one(pair)
    side = 0
    for ply, (state, legal, action) in enumerate(
        zip(game.states, game.legal, game.actions, strict=False)
    ):
        while theirs.is_chance_node():
            fault = _give_chance(theirs, state, tiles=1 if ply else 2)
            if fault:
                return f"ply {ply}: {fault}"
        if theirs.is_terminal() or theirs.current_player() != side:
            return f"ply {ply}: they have player {theirs.current_player()} to move, we {side}"
        numbers = theirs.legal_actions()
        if pair.mapping is None:
            same, number = numbers == legal, action
            if not same and pair.name == "2048":
                lacking = sorted(set(legal) - set(numbers))
                same = set(numbers) < set(legal) and not any(slides(state, a) for a in lacking)
                pair.unlisted += same
        else:
            found = pair.mapping(pair, theirs, numbers, state)
            same, number = sorted(found) == legal, found.get(action, -1)
        if not same:
            return f"ply {ply}: legal are {legal}, theirs are {numbers}"
        theirs.apply_action(number)
        reward, discount = game.outcomes[ply]
        if discount == 0 and theirs.is_chance_node() and not _is_highest(pair, game):
            _give_chance(theirs, game.states[-1], tiles=1)
        if theirs.is_terminal() != (discount == 0):
            return f"ply {ply}: over is {discount == 0}, theirs is {theirs.is_terminal()}"
        earned = theirs.rewards()[side]
        if abs(earned - reward * scale) > 1e-6:
            return f"ply {ply}: the reward is {reward * scale}, theirs is {earned}"
        side ^= int(discount < 0)
    return _compare_boards(pair, game, str(theirs))


def slides(state: Any, action: int) -> bool:
    """Return whether a tile of 2048 has a free cell before it on its way."""
    rows = np.rot90(state.board[:16].reshape(4, 4), (1, 2, 3, 0)[action])
    return bool(((rows[:, :-1] == 0) & (rows[:, 1:] != 0)).any())


def _score_of_one(pair: Pair) -> float:
    """Return how many of their points a reward of 1 is."""
    if pair.name != "2048":
        return 1.0
    highest = int(pair.domain.instance[1])
    return float((1 << highest) * (highest - 1))


def _is_highest(pair: Pair, game: Game) -> bool:
    return int(game.states[-1].board.max()) == pair.domain.instance[1]


def _give_chance(theirs: Any, state: Any, tiles: int) -> str | None:
    """Let their chance bring the tiles that `state` has where they have none yet."""
    board = state.board
    outcomes = [a for a, _ in theirs.chance_outcomes()]
    new = [a for a in outcomes if board[a // 2] == 1 + a % 2]
    free = {a // 2 for a in outcomes}
    if len([cell for cell in free if board[cell]]) not in {1, tiles} or not new:
        return f"no single new tile: ours are {board[:16].tolist()}, their free cells {free}"
    theirs.apply_action(new[0])
    return None


def _compare_boards(pair: Pair, game: Game, text: str) -> str | None:
    board = pair.domain.board(game.states[-1])
    assert board is not None
    ours = [list(row) for row in board.cells]
    theirs = pair.read(text)
    return None if ours == theirs else f"at the end the board is {ours}, theirs is {theirs}"


def compare(pair: Pair, num_games: int, seed: int, progress: bool) -> dict[str, Any]:
    """Return a row of the result: games, steps and differences."""
    steps, faults = 0, []
    start = time.process_time()
    for number in range(num_games):
        game = pair.recorder.play(seed + number)
        steps += len(game.actions)
        fault = difference(pair, game)
        if fault:
            faults.append(f"game {seed + number}, {fault}")
        if progress and (number + 1) % max(num_games // 5, 1) == 0:
            sys.stderr.write(f"{pair.spiel}: {number + 1} games, {len(faults)} differences\n")
    return {
        "game": pair.domain.spec.name,
        "open_spiel": pair.spiel,
        "games": num_games,
        "steps": steps,
        "differences": len(faults),
        "first": faults[:3],
        "unlisted": pair.unlisted,
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def main() -> int:
    """Print a table, write JSON if asked; leave with 1 if there is a difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--games", type=int, default=10_000, help="random games a game")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", help="names, ours or theirs")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    options = parser.parse_args()
    rows = []
    for pair in pairs():
        if not options.only or {pair.name, pair.spiel} & set(options.only):
            row = compare(pair, options.games, options.seed, progress=True)
            rows.append(row)
            sys.stdout.write(
                f"{row['game']:18} {row['open_spiel']:32} {row['games']:7,} games "
                f"{row['steps']:10,} steps {row['differences']:4} differences\n"
            )
            if row["unlisted"]:
                sys.stdout.write(f"    in {row['unlisted']:,} positions they list fewer moves\n")
            for fault in row["first"]:
                sys.stdout.write(f"    {fault}\n")
            sys.stdout.flush()
    if options.json:
        found = {"open_spiel": pyspiel.__version__, "seed": options.seed, "rows": rows}
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return int(any(row["differences"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())

"""Random games of Go, move for move beside OpenSpiel's C++: legal moves and results.

    python benchmarks/go_games.py --games 10000 [--size 9] [--seed 0]

OpenSpiel forbids suicide and the immediate retaking of a ko, as we do by Chinese rules, but
*allows* a move that repeats an earlier position, and ends the game there with a draw, where
positional superko forbids it. So its legal moves must be ours and those that, played there, end
its game at once with a draw; nothing else may differ. Scores, komi and the limit of moves (twice
the points) are alike.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, NamedTuple

import numpy as np
import pyspiel

from tesuji.domains.registry import make


class Compared(NamedTuple):
    """What was compared, and how often superko was the difference."""

    games: int
    moves: int
    repetitions: int  # moves that are legal in OpenSpiel because it has no superko
    full_length: int  # games that the limit of moves ended


def ends_as_repetition(peer: Any, action: int) -> bool:
    """Return whether OpenSpiel ends its game as repeated when `action` is played."""
    child = peer.child(action)
    return child.is_terminal() and child.returns() == [0.0, 0.0]


def compare(size: int, num_games: int, seed: int, progress: bool = False) -> Compared:
    """Play random games on both; raise at the first difference."""
    domain = make("go", size=size, komi=7.5)
    game = pyspiel.load_game(f"go(board_size={size},komi=7.5)")
    rng = np.random.default_rng(seed)
    moves = repetitions = full_length = 0
    began = time.time()
    for number in range(num_games):
        state, peer, discount, reward, ply = domain.reset(), game.new_initial_state(), 1.0, 0.0, 0
        while discount != 0:
            ours = set(np.flatnonzero(domain.legal(state)).tolist())
            # OpenSpiel numbers rows from below.
            theirs = {flip(action, size): action for action in peer.legal_actions()}
            for action in theirs.keys() - ours:
                if not ends_as_repetition(peer, theirs[action]):
                    raise SystemExit(f"game {number}, move {ply}: only OpenSpiel allows {action}")
                repetitions += 1
            if ours - theirs.keys():
                raise SystemExit(f"game {number}, move {ply}: only we allow {ours - theirs.keys()}")
            action = int(rng.choice(sorted(ours)))
            side = domain.to_play(state)
            state, reward, discount = domain.step(state, action)
            peer.apply_action(theirs[action])
            ply += 1
            if (discount == 0) != peer.is_terminal():
                raise SystemExit(f"game {number}, move {ply}: only one of the two has ended")
        if peer.returns()[side] != reward:
            raise SystemExit(f"game {number}: returns {reward} and {peer.returns()[side]}")
        moves += ply
        full_length += ply == domain.spec.max_steps
        if progress and (number + 1) % 500 == 0:
            sys.stdout.write(f"{number + 1} games, {moves} moves, {time.time() - began:.0f} s\n")
            sys.stdout.flush()
    return Compared(num_games, moves, repetitions, full_length)


def flip(action: int, size: int) -> int:
    """Return the action with rows numbered from the other end."""
    row, column = divmod(action, size)
    return action if row == size else (size - 1 - row) * size + column


def main() -> None:
    """Compare and print what was compared."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--games", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = compare(options.size, options.games, options.seed, progress=True)
    sys.stdout.write(
        f"go {options.size}x{options.size}: {found.games} games, {found.moves} moves, "
        f"0 differences; {found.repetitions} moves were forbidden by superko only, "
        f"{found.full_length} games ended by the limit of moves\n"
    )


if __name__ == "__main__":
    main()

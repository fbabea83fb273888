"""Random games of chess move for move against python-chess: no difference is allowed.

    python benchmarks/chess_games.py --games 10000 [--seed 0]

Every other game is Chess960. At each position are compared: the legal moves as UCI, the FEN, the
check, the end and its result; in a sample of them SAN, read and written, and the position read back
from its FEN. python-chess is under the GPL: a peer for tests, never a part of tesuji.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from typing import Any

import chess
import numpy as np

from tesuji.domains.base import Domain
from tesuji.domains.games.chess_notation import format_san, in_check, parse_move
from tesuji.domains.registry import make


def without_number(fen: str) -> str:
    """Return a FEN without the number of the move, which our positions do not have."""
    return fen.rsplit(" ", 1)[0]


def result_of(board: chess.Board, fen: str, seen: Counter[str]) -> tuple[bool, float]:
    """Return whether python-chess sees an end, where draws come by themselves, and the reward.

    Args:
        board: the position.
        fen: the same.
        seen: how often each one was seen, as FEN without clocks: `is_repetition` takes long.
    """
    place = fen.rsplit(" ", 2)[0]
    seen[place] += 1
    if not any(board.generate_legal_moves()):
        return True, float(board.is_check())
    drawn = board.is_insufficient_material() or board.halfmove_clock >= 100
    return drawn or seen[place] == 3, 0.0


def compare_notation(domain: Domain, state: Any, board: chess.Board) -> None:
    """Compare SAN and the position read from its FEN."""
    for move in board.legal_moves:
        action = domain.parse_action(state, board.uci(move))
        san = board.san(move)
        assert format_san(state, action) == san, (board.fen(), san, format_san(state, action))
        assert parse_move(state, san, board.chess960) == action, (board.fen(), san)
    fen = domain.format_state(state)
    assert fen is not None
    read = domain.parse_state(fen)
    assert domain.format_state(read) == fen
    assert np.array_equal(domain.legal(read), domain.legal(state)), fen
    if board.chess960:
        assert domain.format_state(domain.parse_state(board.shredder_fen())) == fen


def compare_game(game: int, seed: int, domains: dict[bool, Domain]) -> int:
    """Play one random game on both sides; return its plies.

    Raises:
        AssertionError: they differ; it names the position.
    """
    rng = random.Random(1_000_003 * seed + game)
    chess960 = game % 2 == 1
    domain = domains[chess960]
    state = domain.reset(game)
    board = chess.Board.from_chess960_pos(game % 960) if chess960 else chess.Board()
    seen: Counter[str] = Counter()
    plies, fen = 0, board.fen()
    ended, _ = result_of(board, fen, seen)
    while not ended:
        assert without_number(domain.format_state(state) or "") == without_number(fen), fen
        assert in_check(state) == board.is_check(), fen
        legal = [int(action) for action in np.flatnonzero(domain.legal(state))]
        ours = {domain.action_name(state, action): action for action in legal}
        theirs = {board.uci(move): move for move in board.legal_moves}
        assert ours.keys() == theirs.keys(), (fen, set(ours) ^ set(theirs))
        if rng.random() < 0.02:
            compare_notation(domain, state, board)
        name = rng.choice(sorted(ours))
        state, reward, discount = domain.step(state, ours[name])
        board.push(theirs[name])
        plies, ended, fen = plies + 1, discount == 0, board.fen()
        assert (ended, reward) == result_of(board, fen, seen), (fen, reward, discount)
    return plies


def main() -> None:
    """Play the games and tell how far they are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--games", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first game")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    domains = {False: make("chess"), True: make("chess960")}
    began, plies = time.process_time(), 0
    last = options.first + options.games
    for game in range(options.first, last):
        plies += compare_game(game, options.seed, domains)
        if (game + 1) % 100 == 0 or game + 1 == last:
            spent = time.process_time() - began
            sys.stdout.write(f"{game + 1} of {last} games, {plies} plies, {spent:.0f} CPU-s\n")
            sys.stdout.flush()
    sys.stdout.write("no difference\n")


if __name__ == "__main__":
    main()

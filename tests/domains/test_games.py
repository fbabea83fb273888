"""The shipped games against numbers that others counted."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from numba import njit

from tesuji.domains.base import State
from tesuji.domains.compiled import CompiledDomain, legal_at, reset_at, row_pointer, step_at
from tesuji.domains.registry import make

Rows = npt.NDArray[np.uint8]


def domain(name: str, **params: object) -> CompiledDomain:
    made = make(name, **params)
    assert isinstance(made, CompiledDomain)
    return made


@njit(cache=True)
def count_leaves(addresses, instance, rows, masks, depth):
    """Return how many paths of `depth` steps there are from the start."""
    reset, legal, step = reset_at(addresses), legal_at(addresses), step_at(addresses)
    action = np.zeros(depth, np.int64)
    reset(row_pointer(rows, 0), instance, np.uint64(0))
    legal(row_pointer(rows, 0), instance, masks[0])
    ply, count = 0, 0
    while ply >= 0:
        while action[ply] < masks.shape[1] and not masks[ply, action[ply]]:
            action[ply] += 1
        if action[ply] == masks.shape[1]:
            ply -= 1
            continue
        action[ply] += 1
        if ply == depth - 1:
            count += 1
            continue
        rows[ply + 1] = rows[ply]
        discount = step(row_pointer(rows, ply + 1), action[ply] - 1, instance, np.uint64(0))[1]
        if discount != 0:
            ply += 1
            action[ply] = 0
            legal(row_pointer(rows, ply), instance, masks[ply])
    return count


def perft(game: CompiledDomain, depth: int) -> int:
    rows = np.zeros((depth, game.row_size), np.uint8)
    masks = np.zeros((depth, game.spec.num_actions), np.bool_)
    return count_leaves(game.kernels.addresses(), game.instance, rows, masks, depth)


@njit(cache=True)
def expand(addresses, instance, rows, following, mask):
    """Write the rows after each move of `rows`; return their number and which are not ends."""
    legal, step = legal_at(addresses), step_at(addresses)
    alive = np.zeros(len(following), np.bool_)
    count = 0
    for row in range(len(rows)):
        legal(row_pointer(rows, row), instance, mask)
        for action in range(len(mask)):
            if mask[action]:
                following[count] = rows[row]
                discount = step(row_pointer(following, count), action, instance, np.uint64(0))[1]
                alive[count] = discount != 0
                count += 1
    return count, alive


def layers(game: CompiledDomain, num_plies: int) -> list[int]:
    """Return how many positions there are after 0, 1, ... plies."""
    rows, counts = game.row(game.reset())[None], [1]
    for _ in range(num_plies):
        mask = np.zeros(game.spec.num_actions, np.bool_)
        following = np.zeros((len(rows) * len(mask), game.row_size), np.uint8)
        count, alive = expand(game.kernels.addresses(), game.instance, rows, following, mask)
        whole = following[:count].view(f"V{game.row_size}").ravel()
        _, first = np.unique(whole, return_index=True)
        counts.append(len(first))
        rows = following[first][alive[first]]
    return counts


# The published perft of Othello; a pass is a ply.
OTHELLO_PERFT = [4, 12, 56, 244, 1396, 8200, 55092, 390216, 3005288]


@pytest.mark.parametrize("depth", range(1, 7))
def test_othello_perft(depth: int) -> None:
    assert perft(domain("othello"), depth) == OTHELLO_PERFT[depth - 1]


@pytest.mark.parametrize("depth", [7, 8, 9])
def test_othello_perft_deeper(depth: int, needs_jit: None) -> None:
    assert perft(domain("othello"), depth) == OTHELLO_PERFT[depth - 1]


def test_tic_tac_toe_has_255168_games_and_5478_positions(needs_jit: None) -> None:
    game = domain("tic_tac_toe")
    assert sum(layers(game, 9)) == 5478
    # A game that ends early has no leaf at depth 9, so the paths of full length are fewer.
    assert [perft(game, depth) for depth in range(1, 6)] == [9, 72, 504, 3024, 15120]
    assert perft(game, 9) == 127872


def test_connect_four_positions(needs_jit: None) -> None:
    # https://oeis.org/A212693
    counts = [1, 7, 49, 238, 1120, 4263, 16422, 54859, 184275]
    assert layers(domain("connect_four"), 8) == counts


def connect_four_keys(rows: Rows) -> npt.NDArray[np.uint64]:
    """Return a number for each position, equal for equal ones (Pons' key)."""
    stones = rows.view(np.uint64)
    bottom = np.uint64(sum(1 << 7 * column for column in range(7)))
    return stones[:, 0] + (stones[:, 0] | stones[:, 1]) + bottom


# https://oeis.org/A212693, from 9 plies on
CONNECT_FOUR_DEEPER = [558186, 1662623, 4568683, 12236101]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_connect_four_positions_to_12_plies(needs_jit: None) -> None:
    game = domain("connect_four")
    rows, counts = game.row(game.reset())[None], []
    for _ in range(12):
        keys, kept = [], []
        for chunk in np.array_split(rows, len(rows) // 200_000 + 1):
            mask = np.zeros(game.spec.num_actions, np.bool_)
            following = np.zeros((len(chunk) * len(mask), game.row_size), np.uint8)
            count, alive = expand(game.kernels.addresses(), game.instance, chunk, following, mask)
            found, first = np.unique(connect_four_keys(following[:count]), return_index=True)
            keys.append(found)
            kept.append((following[first], alive[first]))
        found, first = np.unique(np.concatenate(keys), return_index=True)
        counts.append(len(found))
        alive = np.concatenate([chunk_alive for _, chunk_alive in kept])[first]
        rows = np.concatenate([chunk for chunk, _ in kept])[first][alive]
    assert counts[8:] == CONNECT_FOUR_DEEPER


def othello_state(text: str, to_play: int) -> tuple[CompiledDomain, State]:
    """Return the board drawn in `text`; the move before it is a pass, so that `moves` is set."""
    rows = text.split()
    game = domain("othello", size=len(rows))
    state = game.reset()
    for side, symbol in enumerate("XO"):
        bits = (8 * r + c for r, row in enumerate(rows) for c, s in enumerate(row) if s == symbol)
        state.stones[side] = sum(1 << bit for bit in bits)
    state.to_play = 1 - to_play
    return game, game.step(state, game.spec.num_actions - 1)[0]


def legal_names(game: CompiledDomain, state: State) -> list[str]:
    return [game.action_name(state, int(a)) for a in np.flatnonzero(game.legal(state))]


def test_a_disc_captures_in_every_direction() -> None:
    game, state = othello_state(
        """
        X..X..X.
        .O.O.O..
        ..OOO...
        XOO.OOOX
        ..OOO...
        .O.O.O..
        X..O..X.
        ...X....
        """,
        to_play=0,
    )
    state, _, _ = game.step(state, game.parse_action(state, "d4"))
    assert game.board(state) == game.board(
        othello_state(
            """
            X..X..X.
            .X.X.X..
            ..XXX...
            XXXXXXXX
            ..XXX...
            .X.X.X..
            X..X..X.
            ...X....
            """,
            to_play=1,
        )[1]
    )


def test_captures_do_not_wrap_around_the_edge() -> None:
    game, state = othello_state(
        """
        ......OX
        O.......
        X.......
        .......O
        X......X
        ........
        ........
        ........
        """,
        to_play=0,
    )
    assert legal_names(game, state) == ["a1", "f1", "h3"]


def play(game: CompiledDomain, moves: str) -> tuple[State, list[tuple[float, float]]]:
    state, outcomes = game.reset(), []
    for move in moves.split():
        state, reward, discount = game.step(state, game.parse_action(state, move))
        outcomes.append((reward, discount))
    return state, outcomes


def test_a_side_without_a_move_must_pass() -> None:
    # O . . .
    # O X X .     X is to move and captures nothing.
    # O X X .
    # . . X .
    game = domain("othello", size=4)
    state, _ = play(game, "a2 a3 c4 a1")
    assert legal_names(game, state) == ["pass"]
    state, reward, discount = game.step(state, game.spec.num_actions - 1)
    assert (reward, discount) == (0, -1)
    assert legal_names(game, state) == ["c1", "d2", "d3", "d4"]


def test_the_shortest_othello_game_ends_at_once_without_discs_to_capture() -> None:
    game = domain("othello")
    state, outcomes = play(game, "e6 f4 e3 f6 g5 d6 e7 f5 c5")
    assert outcomes == [(0, -1)] * 8 + [(1, 0)]
    assert int(state.stones[0]).bit_count() == 13
    assert state.stones[1] == 0
    assert not game.legal(state).any()


def test_square_symmetries_are_a_group() -> None:
    game = domain("tic_tac_toe")
    cells = range(9)
    maps = {tuple(game.transform_action(a, s) for a in cells) for s in range(8)}
    assert len(maps) == 8
    assert {tuple(f[g[a]] for a in cells) for f in maps for g in maps} == maps


@pytest.mark.parametrize("size", [4, 6, 8])
def test_othello_bits_turn_as_their_cells(size: int) -> None:
    game = domain("othello", size=size)
    state = game.reset()
    for action in (1, 5, 7):
        state = game.step(state, int(np.flatnonzero(game.legal(state))[action % 3]))[0]
    cells = np.array(game.board(state).cells).ravel()  # type: ignore[union-attr]
    for symmetry in range(8):
        to = [game.transform_action(cell, symmetry) for cell in range(size * size)]
        turned = game.board(game.transform(state, symmetry)).cells  # type: ignore[union-attr]
        assert np.array_equal(np.array(turned).ravel()[to], cells)


@pytest.mark.parametrize(
    ("moves", "reward"),
    [
        ("a1 b1 a2 b2 a3", 1),  # a column
        ("a1 a2 b2 a3 c3", 1),  # a diagonal
        ("a1 b1 c1 b2 a2 c2 b3 a3 c3", 0),
    ],
)
def test_tic_tac_toe_ends(moves: str, reward: float) -> None:
    _, outcomes = play(domain("tic_tac_toe"), moves)
    assert outcomes == [(0, -1)] * (len(outcomes) - 1) + [(reward, 0)]


def test_connect_four_sides_alternate() -> None:
    game = domain("connect_four")
    states = [game.reset()]
    for _ in range(6):
        states.append(game.step(states[-1], 3)[0])
    assert all(game.to_play(a) != game.to_play(b) for a, b in pairwise(states))
    assert not game.legal(states[-1])[3]

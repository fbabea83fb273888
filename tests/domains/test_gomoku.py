"""Gomoku and Breakthrough on positions set up by hand and beside slow twins."""

import numpy as np
import pytest

from tesuji.domains.base import State
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.registry import make


def domain(name: str, **params: object) -> CompiledDomain:
    made = make(name, **params)
    assert isinstance(made, CompiledDomain)
    return made


def play(game: CompiledDomain, moves: str) -> tuple[State, float, float]:
    state, reward, discount = game.reset(), 0.0, -1.0
    for move in moves.split():
        state, reward, discount = game.step(state, game.parse_action(state, move))
    return state, reward, discount


def longest(cells: np.ndarray, row: int, column: int) -> list[int]:
    """Return the lengths of the four runs through a cell."""
    lengths = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        length = 1
        for sign in (1, -1):
            r, c = row + sign * down, column + sign * right
            while 0 <= r < len(cells) and 0 <= c < len(cells) and cells[r, c] == cells[row, column]:
                length, r, c = length + 1, r + sign * down, c + sign * right
        lengths.append(length)
    return lengths


@pytest.mark.parametrize("name", ["gomoku", "gomoku_standard"])
@pytest.mark.parametrize("size", [5, 6, 9, 19])
def test_gomoku_agrees_with_counting_runs(name: str, size: int, needs_jit: None) -> None:
    game = domain(name, size=size)
    rng = np.random.default_rng(size)
    # Rows of six must come up, so the games are played by sides that like to stay together.
    for _ in range(8):
        state, discount, cells = game.reset(), -1.0, np.zeros((size, size), np.int8)
        while discount:
            legal = np.flatnonzero(game.legal(state))
            assert set(legal) == set(np.flatnonzero(cells == 0))
            lines = (legal // size + state.to_play) % 2 == 0
            action = int(rng.choice(legal[lines] if lines.any() else legal))
            row, column = divmod(action, size)
            cells[row, column] = state.to_play + 1
            state, reward, discount = game.step(state, action)
            runs = longest(cells, row, column)
            won = 5 in runs or (name == "gomoku" and max(runs) > 5)
            over = won or bool((cells != 0).all())
            assert (reward, discount) == (float(won), 0.0 if over else -1.0)


def test_six_in_a_row_win_only_in_the_freestyle_game() -> None:
    moves = "a1 a9 b1 b9 c1 d9 e1 e9 f1 g9 d1"
    assert play(domain("gomoku_9x9"), moves)[1:] == (1, 0)
    assert play(domain("gomoku_standard_9x9"), moves)[1:] == (0, -1)


def test_five_win_in_the_standard_game_though_another_row_is_too_long() -> None:
    # the last stone, d1, makes six along the edge and five upwards
    moves = "a1 a9 b1 b9 c1 d9 e1 e9 f1 g9 d2 h9 d3 a7 d4 b7 d5 d7 d1"
    assert play(domain("gomoku_standard_9x9"), moves)[1:] == (1, 0)


def test_rows_do_not_wrap_around_the_edge() -> None:
    game = domain("gomoku_9x9")
    assert play(game, "h9 a1 i9 c1 a8 e1 b8 g1 c8")[1:] == (0, -1)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"size": 4}, "size must be 5 to 19, got 4"),
        ({"size": 20}, "size must be 5 to 19, got 20"),
        ({"rule": "renju"}, "rule must be freestyle or standard, got 'renju'"),
    ],
)
def test_wrong_gomoku_params_are_refused(params: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make("gomoku", **params)


def slow_moves(cells: tuple[tuple[int, ...], ...], side: int) -> set[str]:
    """Return the moves on a drawn Breakthrough board, by name."""
    size = len(cells)
    ahead = 1 if side else -1
    moves = set()
    for row in range(size):
        for column in range(size):
            for target in (column - 1, column, column + 1):
                if cells[row][column] != side + 1 or not 0 <= target < size:
                    continue
                there = cells[row + ahead][target]
                if there == 0 or (target != column and there == 2 - side):
                    names = (f"{'abcdefgh'[column]}{size - row}", f"{'abcdefgh'[target]}")
                    moves.add(f"{names[0]}{names[1]}{size - row - ahead}")
    return moves


@pytest.mark.parametrize("size", [4, 5, 6, 7, 8])
def test_breakthrough_agrees_with_its_twin(size: int, needs_jit: None) -> None:
    game = domain("breakthrough", size=size)
    rng = np.random.default_rng(size)
    for _ in range(4):
        state, discount = game.reset(), -1.0
        while discount:
            board, side = game.board(state), game.to_play(state)
            assert board is not None
            cells = board.cells
            legal = [int(action) for action in np.flatnonzero(game.legal(state))]
            assert {game.action_name(state, a) for a in legal} == slow_moves(cells, side)
            action = int(rng.choice(legal))
            origin, ((row, column),) = (
                game.action_origin(state, action),
                game.action_cells(state, action),
            )
            assert origin is not None
            expected = [list(line) for line in cells]
            expected[row][column], expected[origin[0]][origin[1]] = side + 1, 0
            state, reward, discount = game.step(state, action)
            after = game.board(state)
            assert after is not None
            assert [list(line) for line in after.cells] == expected
            gone = not any(2 - side in line for line in expected)
            won = gone or row == (size - 1 if side else 0)
            assert (reward, discount) == (float(won), 0.0 if won else -1.0)


def test_both_sides_of_breakthrough_see_the_same() -> None:
    game = domain("breakthrough_6x6")
    first = game.reset()
    second = first.copy()
    second.to_play = 1
    assert np.array_equal(game.observe(first), game.observe(second))
    assert np.array_equal(game.legal(first), game.legal(second))

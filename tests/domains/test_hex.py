"""Hex beside a slow twin that searches for a chain of stones anew after every move."""

import numpy as np
import pytest

from tesuji.domains.base import State
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.games.hex import STONE, neighbours
from tesuji.domains.registry import make


def domain(name: str, **params: object) -> CompiledDomain:
    made = make(name, **params)
    assert isinstance(made, CompiledDomain)
    return made


def reached(stones: list[int], stone: int, size: int, first_edge: bool) -> set[int]:
    """Return the cells of `stone` that are joined to its first or second edge."""
    place = [0 if first_edge else size - 1] * size
    line = list(range(size))
    rows, columns = (place, line) if stone == 1 else (line, place)
    border = [r * size + c for r, c in zip(rows, columns, strict=True)]
    border = [cell for cell in border if stones[cell] == stone]
    found = set(border)
    while border:
        for other in neighbours(border.pop(), size):
            if stones[other] == stone and other not in found:
                found.add(other)
                border.append(other)
    return found


def check_against_twin(state: State, size: int, reward: float) -> None:
    values = [int(value) for value in state.board[: size * size]]
    stones = [value & STONE for value in values]
    won = False
    for stone in (1, 2):
        first, second = (reached(stones, stone, size, edge) for edge in (True, False))
        won |= bool(first & second)
        if not first & second:  # at an end only the last stone need know that it joins both
            edges = [4 * (cell in first) + 8 * (cell in second) for cell in range(size * size)]
            mine = [cell for cell in range(size * size) if stones[cell] == stone]
            assert [values[c] - stone for c in mine] == [edges[c] for c in mine]
    assert reward == won
    assert not state.board[size * size :].any()


@pytest.mark.parametrize("size", [3, 4, 5, 7, 11, 13])
def test_hex_agrees_with_a_search_for_a_chain(size: int, needs_jit: None) -> None:
    game = domain("hex", size=size)
    rng = np.random.default_rng(size)
    for _ in range(4):
        state, discount = game.reset(), -1.0
        while discount:
            action = int(rng.choice(np.flatnonzero(game.legal(state))))
            state, reward, discount = game.step(state, action)
            check_against_twin(state, size, reward)
        assert reward == 1  # hex has no draw


def play(game: CompiledDomain, moves: str) -> tuple[State, float, float]:
    state, reward, discount = game.reset(), 0.0, -1.0
    for move in moves.split():
        state, reward, discount = game.step(state, game.parse_action(state, move))
    return state, reward, discount


def test_red_joins_top_and_bottom_and_blue_left_and_right() -> None:
    game = domain("hex_3x3")
    assert play(game, "b1 a1 b2 c1 b3")[1:] == (1, 0)
    assert play(game, "a1 a2 a3 b2 c3 c2")[1:] == (1, 0)
    assert play(game, "a2 a1 b2 b1 c2")[1:] == (0, -1)
    # Cells that only look like neighbours do not touch: a1 and b2.
    assert play(game, "a1 c1 b2 c2 c3")[1:] == (0, -1)
    assert play(game, "c1 a1 b2 c2 a3")[1:] == (1, 0)


def test_news_of_an_edge_runs_along_a_winding_chain() -> None:
    # X . . . .      the last stone to come is a1, which alone touches the top
    #  X X X X .
    #   . . . X .
    #    X X X X .
    #     . . . . .
    game = domain("hex_5x5")
    state, *_ = play(game, "a2 e1 b2 e2 c2 e3 d2 e4 d3 e5 d4 a5 c4 b5 b4 c5 a4 d5 a1")
    chain = [0, 5, 6, 7, 8, 13, 18, 17, 16, 15]
    assert [int(state.board[cell]) for cell in chain] == [1 | 4] * 10


def test_swap_takes_the_first_stone_over_and_mirrors_it() -> None:
    game = domain("hex_swap_5x5")
    state, *_ = play(game, "b1 swap")
    assert np.flatnonzero(state.board).tolist() == [5]
    assert (state.board[5], state.to_play) == (2 | 4, 0)
    assert not game.legal(state)[5]
    assert game.legal(play(game, "b1 a2")[0]).sum() == 23
    with pytest.raises(ValueError, match="'swap' is not a legal action"):
        game.parse_action(game.reset(), "swap")
    with pytest.raises(ValueError, match="'swap' is not a legal action"):
        play(domain("hex_5x5"), "b1 swap")


def test_mirroring_at_the_long_diagonal_exchanges_the_sides() -> None:
    game = domain("hex_3x3")
    state, *_ = play(game, "b1 a2 b2 c1")
    turned = game.transform(state, 2)
    assert game.key(turned) != game.key(play(game, "a2 b1 b2 a3")[0])
    assert [value & STONE for value in turned.board[:9]] == [0, 1, 0, 2, 2, 0, 1, 0, 0]
    assert (game.to_play(state), game.to_play(turned)) == (0, 1)
    assert game.step(turned, game.transform_action(7, 2))[1:] == (1, 0)
    assert game.step(state, 7)[1:] == (1, 0)


@pytest.mark.parametrize("size", [2, 14, 5.0, "7"])
def test_a_wrong_hex_size_is_refused(size: object) -> None:
    with pytest.raises(ValueError, match="hex: size must be 3 to 13"):
        make("hex", size=size)

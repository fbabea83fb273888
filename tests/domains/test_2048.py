"""2048 beside a slow twin, and its chance beside the shares that it should have."""

from collections import Counter

import numpy as np
import pytest

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.registry import make


def domain(**params: object) -> CompiledDomain:
    made = make("2048", **params)
    assert isinstance(made, CompiledDomain)
    return made


def push(line: list[int]) -> tuple[list[int], int]:
    """Return a line of tiles pushed to its beginning, and the sum of the tiles made."""
    tiles = [tile for tile in line if tile]
    pushed, made = [], 0
    while tiles:
        if tiles[0] in tiles[1:2]:
            pushed.append(tiles[0] + 1)
            made += 2 << tiles[0]
            tiles = tiles[2:]
        else:
            pushed.append(tiles.pop(0))
    return pushed + [0] * (len(line) - len(pushed)), made


def push_board(board: np.ndarray, action: int) -> tuple[np.ndarray, int]:
    """Turn the board until `action` means left, push the rows, and turn it back."""
    turns = {0: 1, 1: 2, 2: 3, 3: 0}[action]
    rows = [push(list(row)) for row in np.rot90(board, turns).tolist()]
    return np.rot90(np.array([row for row, _ in rows]), -turns), sum(made for _, made in rows)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_2048_agrees_with_its_twin(size: int, needs_jit: None) -> None:
    game = domain(size=size, max_tile=64)
    rng = np.random.default_rng(size)
    for seed in range(6):
        state, discount = game.reset(seed), 1.0
        while discount:
            board = state.board[: size * size].reshape(size, size).copy()
            pushed = [push_board(board, action) for action in range(4)]
            can = [not np.array_equal(after, board) for after, _ in pushed]
            assert game.legal(state).tolist() == can
            action = int(rng.choice(np.flatnonzero(can)))
            after, made = pushed[action]
            state, reward, discount = game.step(state, action, int(rng.integers(2**63)))
            assert reward == pytest.approx(made / (64 * 5))
            now = state.board[: size * size].reshape(size, size)
            new = np.flatnonzero(now.ravel() != after.ravel())
            if after.max() == 6:
                assert (discount, len(new)) == (0, 0)
            else:
                assert len(new) == 1
                assert after.ravel()[new[0]] == 0
                assert now.ravel()[new[0]] in {1, 2}
                stuck = all(np.array_equal(push_board(now, a)[0], now) for a in range(4))
                assert discount == (0 if stuck else 1)


def test_a_tile_merges_once_a_move() -> None:
    assert push([1, 1, 2, 2]) == ([2, 3, 0, 0], 12)
    assert push([2, 1, 1, 0]) == ([2, 2, 0, 0], 4)
    game = domain()
    state = game.reset()
    state.board[:16] = [1, 1, 2, 2, 2, 1, 1, 0, 0, 3, 0, 3, 1, 1, 1, 1]
    after, reward, _ = game.step(state, 3)
    assert reward == (12 + 4 + 16 + 8) / 20480
    assert after.board[[0, 1, 4, 5, 8, 12, 13]].tolist() == [2, 3, 2, 2, 4, 2, 2]


def test_new_tiles_are_spread_evenly_and_one_of_ten_is_a_4(needs_jit: None) -> None:
    """Keys that differ little, as counters do, must do as well as random ones."""
    game = domain()
    state = game.reset()
    state.board[:16] = 0
    state.board[5] = 1
    seen: Counter[tuple[int, int]] = Counter()
    for key in range(15_000):
        board = game.step(state, 3, key)[0].board[:16].copy()
        assert board[4] == 1
        board[4] = 0
        cell = int(np.flatnonzero(board)[0])
        seen[cell, int(board[cell])] += 1
    cells = [seen[cell, 1] + seen[cell, 2] for cell in range(16) if cell != 4]
    assert min(cells) > 880  # 1000 expected, of a standard deviation of 31
    assert max(cells) < 1120
    assert 1350 < sum(count for (_, tile), count in seen.items() if tile == 2) < 1650


@pytest.mark.parametrize("params", [{"size": 6}, {"size": 1}, {"max_tile": 100}, {"max_tile": 4}])
def test_wrong_2048_params_are_refused(params: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="2048: "):
        make("2048", **params)

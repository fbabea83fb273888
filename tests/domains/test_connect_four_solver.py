"""The solver against a plain twin, known values and, where they are at hand, Pons' test sets."""

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.games.connect_four_bitboard import (
    BOARD,
    EMPTY,
    Bitboard,
    has_four,
    position_from_grid,
    position_from_moves,
)
from tesuji.domains.games.connect_four_positions import (
    SET_SIZES,
    load_positions,
    moves_left,
    random_game,
    save_positions,
    solved_positions,
)
from tesuji.domains.games.connect_four_solver import ILLEGAL, SolveBudget, Solver, SolveStopped

HARD = "7422341"  # takes some hundred thousand nodes


@pytest.fixture(scope="module")
def solver() -> Solver:
    return Solver(table_bits=18)


@cache
def plain_score(position: Bitboard) -> int:
    """Return the score by plain negamax."""
    return max(score for score in plain_scores(position) if score != ILLEGAL)


def plain_scores(position: Bitboard) -> list[int]:
    """Return the score of every move by plain negamax."""
    return [
        plain_move(position, column) if position.landing(column) else ILLEGAL for column in range(7)
    ]


def plain_move(position: Bitboard, column: int) -> int:
    child = position.play(column)
    if has_four(child.own ^ child.mask):
        return 22 - (child.own ^ child.mask).bit_count()
    return 0 if child.mask == BOARD else -plain_score(child)


def late_positions(num_positions: int, seed: int) -> list[Bitboard]:
    generator = np.random.default_rng(seed)
    games = (random_game(n, generator) for n in generator.integers(32, 42, num_positions))
    return [position_from_moves(moves) for moves in games]


def test_late_positions_have_the_scores_of_plain_negamax(solver: Solver) -> None:
    for position in late_positions(1000, seed=1):
        assert solver.score(position) == plain_score(position)


def test_late_moves_have_the_scores_and_outcomes_of_plain_negamax(solver: Solver) -> None:
    for position in late_positions(1000, seed=2):
        expected = np.array(plain_scores(position))
        assert solver.scores(position).tolist() == expected.tolist()
        signs = np.where(expected == ILLEGAL, ILLEGAL, np.sign(expected))
        assert solver.outcomes(position).tolist() == signs.tolist()
        assert solver.value(position) == signs.max()


@pytest.mark.parametrize(
    ("moves", "score"),
    [("121212", 18), ("112233", 18), ("4455", 18), ("44556", -18)],
)
def test_a_short_win_has_the_stones_left(solver: Solver, moves: str, score: int) -> None:
    assert solver.score(position_from_moves(moves)) == score


def test_a_tiny_table_gives_the_same_scores() -> None:
    small, large = Solver(table_bits=10), Solver(table_bits=18)
    for position in load_positions()["Middle-Easy"].positions[:50]:
        assert small.score(position) == large.score(position)


def test_mirrored_positions_have_mirrored_scores(solver: Solver) -> None:
    for position in load_positions()["Middle-Easy"].positions[:30]:
        mirrored = Solver(table_bits=18).scores(position.mirror())
        assert mirrored[::-1].tolist() == solver.scores(position).tolist()


@pytest.mark.parametrize("name", SET_SIZES)
def test_the_fixed_positions_keep_their_scores(name: str) -> None:
    solver = Solver(table_bits=20)
    positions = load_positions()[name]
    assert len(positions.moves) == SET_SIZES[name]
    count = 1 if name == "Begin-Medium" else 20
    for position, scores in zip(positions.positions[:count], positions.scores, strict=False):
        assert solver.score(position) == scores.max()
        if not name.startswith("Begin"):  # there a poor move takes seconds
            assert solver.scores(position).tolist() == scores.tolist()


@pytest.mark.parametrize("name", SET_SIZES)
def test_the_fixed_positions_are_distinct_and_of_their_class(name: str) -> None:
    positions = load_positions()[name]
    assert len(set(positions.positions)) == len(positions.moves)
    phase, _, difficulty = name.partition("-")
    low, high = {"Begin": (1, 14), "Middle": (15, 28), "End": (29, 41)}[phase]
    first, last = {"Easy": (1, 14), "Medium": (15, 28)}[difficulty]
    for moves, scores in zip(positions.moves, positions.scores, strict=True):
        assert low <= len(moves) <= high
        assert first <= moves_left(int(scores.max()), len(moves)) <= last


def test_a_seed_makes_the_same_positions_and_file(tmp_path: Path) -> None:
    contents = []
    for name in ("a.npz", "b.npz"):
        positions = solved_positions("End-Easy", 20, np.random.default_rng(3), Solver(16))
        save_positions(tmp_path / name, {"End-Easy": positions}, "test")
        assert load_positions(tmp_path / name)["End-Easy"].moves == positions.moves
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_a_damaged_position_file_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "positions.npz"
    damaged.write_bytes(b"PK\x03\x04 nothing more")
    with pytest.raises(ValueError, match=r"positions\.npz is not a file of solved positions"):
        load_positions(damaged)


def test_an_unknown_set_is_refused(solver: Solver) -> None:
    with pytest.raises(ValueError, match="no set is called 'Late-Easy'"):
        solved_positions("Late-Easy", 1, np.random.default_rng(0), solver)


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        ("48", "move 2 must be a column from 1 to 7, got '8'"),
        ("4444444", "move 7 is not legal: column 4 is full"),
        ("12121212", "move 8 comes after the end of the game"),
    ],
)
def test_an_illegal_move_is_named(moves: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        position_from_moves(moves)


@pytest.mark.parametrize(
    ("position", "message"),
    [
        (position_from_moves("1212121"), "the game is over: four in a row"),
        (Bitboard(0, 0b10), "a stone hangs above an empty square"),
        (Bitboard(0b11, 0b11), "2 stones to move against 0"),
        (Bitboard(0b10, 0b01), "off the board"),
        (Bitboard(0, 1 << 6), "off the board"),
    ],
)
def test_a_position_without_a_game_is_refused(
    solver: Solver, position: Bitboard, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        solver.score(position)


def test_a_drawn_grid_is_the_position_of_its_moves() -> None:
    grid = np.zeros((6, 7), np.int8)
    grid[5, 3], grid[4, 3], grid[5, 0] = -1, 1, -1
    assert position_from_grid(grid) == position_from_moves("441")


def test_a_node_budget_stops_the_solver_and_it_goes_on_after() -> None:
    solver, position = Solver(table_bits=18), position_from_moves(HARD)
    with pytest.raises(SolveStopped, match="max_nodes"):
        solver.score(position, SolveBudget(max_nodes=1000))
    assert solver.num_nodes == 1000
    late = position_from_moves("2252576253462244111563365343671351441")
    assert solver.score(late, SolveBudget(max_nodes=1000)) == plain_score(late)


def test_a_time_budget_stops_the_solver() -> None:
    with pytest.raises(SolveStopped, match="max_seconds"):
        Solver(table_bits=12).score(EMPTY, SolveBudget(max_seconds=0.01))


def test_a_negative_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="max_nodes must be at least 0, got -1"):
        SolveBudget(max_nodes=-1)


@pytest.mark.slow
def test_the_first_player_wins_from_the_empty_board_in_the_centre_only() -> None:
    assert Solver(table_bits=24).scores(EMPTY).tolist() == [-2, -1, 0, 1, 0, -1, -2]


@pytest.mark.parametrize("name", ["Test_L3_R1", "Test_L2_R1"])
def test_published_positions_have_the_published_scores(name: str) -> None:
    folder = Path(os.environ.get("TESUJI_DATA", ""), "games", "connect4")
    if "TESUJI_DATA" not in os.environ or not folder.is_dir():
        pytest.skip("set TESUJI_DATA to a folder with games/connect4/")
    solver = Solver(table_bits=20)
    own = {position for set_ in load_positions().values() for position in set_.positions}
    lines = (folder / name).read_text().splitlines()
    rows = (folder / f"{name}.moves").read_text().splitlines()
    for line, row in zip(lines, rows, strict=True):
        moves, score = line.split()
        position = position_from_moves(moves)
        assert solver.score(position) == int(score)
        assert solver.scores(position).tolist() == [int(s) for s in row.split()[1:]]
        assert position not in own

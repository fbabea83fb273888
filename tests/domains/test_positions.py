"""Positions in one line: what is written is read again, and what cannot be is refused in words."""

import numpy as np
import pytest

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.registry import make

STONES = [
    "hex_3x3", "hex_5x5", "hex", "hex_swap_5x5", "gomoku_5x5", "gomoku", "gomoku_standard_9x9",
    "breakthrough_4x4", "breakthrough", "othello_6x6", "othello",
]  # fmt: skip


def random_states(domain: CompiledDomain, num_games: int):
    """Return the positions of random games, ends left out."""
    rng = np.random.default_rng(7)
    for game in range(num_games):
        state, discount = domain.reset(game), 1.0
        while discount != 0:
            yield state
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            state, _, discount = domain.step(state, action, int(rng.integers(2**63)))


@pytest.mark.parametrize("name", [*STONES, "2048", "2048_3x3"])
def test_every_position_of_a_random_game_reads_back(name: str) -> None:
    domain = make(name)
    for state in random_states(domain, 4):
        text = domain.format_state(state)
        assert "\n" not in text
        assert domain.key(domain.parse_state(text)) == domain.key(state)
        assert domain.format_state(domain.parse_state(f" {text}\n")) == text


@pytest.mark.parametrize("name", STONES)
def test_stones_of_a_board_are_arranged_as_they_lie(name: str) -> None:
    domain = make(name)
    for state in random_states(domain, 2):
        arranged = domain.arrange(domain.board(state).cells, domain.to_play(state))
        assert domain.key(arranged) == domain.key(state)


def test_positions_are_written_as_people_read_them() -> None:
    domain = make("hex_5x5")
    state = domain.step(domain.reset(), domain.parse_action(domain.reset(), "b3"))[0]
    assert domain.format_state(state) == "5/5/1X3/5/5 o"
    assert make("breakthrough_5x5").format_state(make("breakthrough_5x5").reset()) == (
        "OOOOO/OOOOO/5/XXXXX/XXXXX x"
    )
    assert make("othello_6x6").format_state(make("othello_6x6").reset()) == ("6/6/2OX2/2XO2/6/6 x")
    state = make("2048").parse_state("2,0,0,4/0,0,8,0/0,0,0,0/0,0,0,0")
    assert make("2048").board(state).cells[:2] == ((1, 0, 0, 2), (0, 0, 3, 0))


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("hex_5x5", "", r"not a position of Hex: ''; expected e.g. '1X3/5/5/5/5 o'"),
        ("hex_5x5", "5/5/5/5 x", "expected 5 rows of 5 cells"),
        ("hex_5x5", "5/5/5/5/6 x", "expected 5 rows of 5 cells"),
        ("hex_5x5", "5/5/5/5/99999999999999999999 x", "expected 5 rows of 5 cells"),
        ("hex_5x5", "X4/X4/X4/X4/X4 o", "Red has won there"),
        ("hex_5x5", "OOOOO/5/5/5/5 x", "Blue has won there"),
        ("hex_5x5", "5/5/5/5/5 w", "not a position of Hex"),
        ("gomoku_5x5", "XXXXX/5/5/5/5 o", "Black has won there"),
        ("gomoku_5x5", "XXOOX/OOXXO/XXOOX/OOXXO/XXOOX o", "the board is full"),
        ("breakthrough_5x5", "X4/OOOOO/5/5/XXXX1 o", "White has won there"),
        ("breakthrough_5x5", "5/5/5/5/XXXX1 o", "Black has 0 men, expected 1 to 10"),
        ("breakthrough_5x5", "O4/5/XXXXX/XXXXX/XXXXX o", "White has 15 men, expected 1 to 10"),
        ("othello_6x6", "6/6/2XX2/2XX2/6/6 x", "neither side can move there"),
        ("2048", "2,0/0,0", "expected 4 rows of 4"),
        ("2048", "3,0,0,0/0,0,0,0/0,0,0,0/0,0,0,0", "up to 1024, got '3'"),
        ("2048", "2048,0,0,0/0,0,0,0/0,0,0,0/0,0,0,0", "up to 1024, got '2048'"),
        ("2048", "2,4,2,4/4,2,4,2/2,4,2,4/4,2,4,2", "nothing moves there"),
        ("2048", "0,0,0,0/0,0,0,0/0,0,0,0/0,0,0,0", "nothing moves there"),
    ],
)
def test_a_wrong_position_is_refused_in_words(name: str, text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as told:
        make(name).parse_state(text)
    assert str(told.value).startswith("not a position of ")
    assert len(str(told.value)) < 250


def test_cells_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="a cell holds 0, 1 or 2, got 3"):
        make("hex_3x3").arrange([[0, 0, 0], [0, 3, 0], [0, 0, 0]], 0)
    with pytest.raises(ValueError, match="the side to move is 0 or 1, got 2"):
        make("hex_3x3").arrange([[0, 0, 0]] * 3, 2)

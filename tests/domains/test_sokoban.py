"""Sokoban beside a slow twin on text, its levels, and what is wrong with some."""

from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.games.sokoban import DISCOUNT
from tesuji.domains.games.sokoban_levels import make_level, read_levels
from tesuji.domains.registry import make
from tesuji.search.base import Budget, Status, UniformEvaluator
from tesuji.search.search import Search

CORRIDOR = "#######\n#. $@ #\n#######\n"
STEPS = {"u": (-1, 0), "r": (0, 1), "d": (1, 0), "l": (0, -1)}


def domain(level: str) -> CompiledDomain:
    made = make("sokoban", level=level)
    assert isinstance(made, CompiledDomain)
    return made


class Twin:
    """The rules on a dictionary of symbols, without any test for lost boxes."""

    def __init__(self, text: str) -> None:
        rows = enumerate(text.splitlines())
        cells = {(row, column): symbol for row, line in rows for column, symbol in enumerate(line)}
        self.walls = {cell for cell, symbol in cells.items() if symbol == "#"}
        self.goals = {cell for cell, symbol in cells.items() if symbol in ".*+"}
        self.boxes = {cell for cell, symbol in cells.items() if symbol in "$*"}
        [self.man] = [cell for cell, symbol in cells.items() if symbol in "@+"]

    def moves(self) -> list[str]:
        return [name for name in STEPS if self._after(name) is not None]

    def _after(self, name: str) -> tuple[set[tuple[int, int]], tuple[int, int]] | None:
        down, right = STEPS[name.lower()]
        ahead = (self.man[0] + down, self.man[1] + right)
        behind = (ahead[0] + down, ahead[1] + right)
        if ahead in self.walls or (ahead in self.boxes and behind in self.walls | self.boxes):
            return None
        return (self.boxes - {ahead} | {behind} if ahead in self.boxes else self.boxes), ahead

    def play(self, name: str) -> bool:
        after = self._after(name)
        assert after is not None
        self.boxes, self.man = after
        return self.boxes == self.goals


def test_sokoban_agrees_with_its_twin(needs_jit: None) -> None:
    game = make("sokoban", levels=20, boxes=3)
    rng = np.random.default_rng(1)
    for seed in range(60):
        state, discount = game.reset(seed), 1.0
        twin = Twin(game.render(state))
        while discount:
            names = [game.action_name(state, int(a)) for a in np.flatnonzero(game.legal(state))]
            assert [name.lower() for name in names] == twin.moves()
            name = str(rng.choice(names))
            state, reward, discount = game.step(state, game.parse_action(state, name))
            assert (reward == 1.0) == twin.play(name)
            assert Twin(game.render(state)).boxes == twin.boxes


def test_a_push_is_a_capital_and_solving_pays() -> None:
    game = domain(CORRIDOR)
    state = game.reset()
    assert [game.action_name(state, a) for a in (1, 3)] == ["r", "L"]
    state, reward, discount = game.step(state, 3)
    assert (reward, discount) == (0.0, DISCOUNT)
    state, reward, discount = game.step(state, 3)
    assert (reward, discount) == (1.0, 0.0)
    assert game.render(state) == "#######\n#*@   #\n#######"


def test_a_box_that_cannot_come_to_a_goal_ends_the_game() -> None:
    game = domain("#####\n#@$ #\n#.  #\n#   #\n#####\n")
    _, reward, discount = game.step(game.reset(), 1)  # into a corner
    assert (reward, discount) == (0.0, 0.0)


def test_a_block_of_four_is_lost() -> None:
    level = "########\n#      #\n#  $   #\n# @ $  #\n#  $$  #\n# .... #\n#      #\n########\n"
    game = domain(level)
    state = game.reset()
    for name in ("u", "u", "r"):
        state, _, discount = game.step(state, game.parse_action(state, name))
        assert discount == DISCOUNT
    _, reward, discount = game.step(state, game.parse_action(state, "D"))
    assert (reward, discount) == (0.0, 0.0)


def test_a_search_proves_the_shortest_solution() -> None:
    game = domain(CORRIDOR)
    search = Search(game, UniformEvaluator(4))
    [result] = search.run([game.reset()], Budget(simulations=200), seed=0)
    assert result.status is Status.SOLVED
    assert result.value == pytest.approx(DISCOUNT)
    assert result.principal_variation == (3, 3)


def test_every_made_level_can_be_solved_since_it_was_pulled_apart() -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        level = make_level(rng, 7, 2)
        assert len(level.boxes) == len(level.goals) == 2
        assert not level.boxes & (level.goals | level.dead)


def test_a_file_of_levels_is_read_and_reset_picks_one(tmp_path: Path) -> None:
    file = tmp_path / "levels.xsb"
    file.write_text("; two levels\n\n" + CORRIDOR + "Title: first\n\n#####\n#@$.#\n#####\n")
    game = make("sokoban", level=str(file))
    assert game.render(game.reset(0)) == CORRIDOR.rstrip()
    assert game.render(game.reset(1)) == "#####\n#@$.#\n#####"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "no level found"),
        ("####\n#$.#\n####\n", "0 men"),
        ("#####\n#@$ #\n#####\n", "1 boxes and 0 goals"),
        ("#####\n#@* #\n#####\n", "solved already"),
        ("#####\n#@$.\n#####\n", "open at row 2, column 5"),
        ("#######\n#@#$.##\n#######\n", "outside the walls"),
        ("#" * 500 + "\n", "at most 448"),
    ],
)
def test_a_level_that_is_not_sound_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_levels(text)


@pytest.mark.parametrize("params", [{"size": 5}, {"boxes": 9}, {"levels": 0}, {"max_steps": 0}])
def test_wrong_params_are_refused(params: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="sokoban: "):
        make("sokoban", **params)

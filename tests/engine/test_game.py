"""A game as a tree of moves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tesuji.domains import registry
from tesuji.engine import game as game_module
from tesuji.engine.game import Game, IllegalMoveError
from tesuji.engine.record import load_game, save_game

DICE = Path(__file__).parents[1] / "domains" / "dice_games.py"


def played(*moves: str, name: str = "connect_four") -> Game:
    game = Game(registry.make(name))
    for move in moves:
        game.play(move)
    return game


def test_a_move_may_be_a_name_or_an_action() -> None:
    assert played("4").current.state == Game(registry.make("connect_four")).play(3).state


def test_undo_and_redo_walk_along_the_line() -> None:
    game = played("4", "3", "5")
    game.undo()
    game.undo()
    assert game.current.ply == 1
    assert game.redo().ply == 2
    assert game.redo().ply == 3


def test_undo_at_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to undo"):
        Game(registry.make("connect_four")).undo()


def test_redo_at_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to redo"):
        played("4").redo()


def test_undo_goes_back_to_the_side_that_is_asked_for() -> None:
    game = played("4", "3", "5")
    assert game.undo(0).ply == 2
    assert game.undo(0).ply == 0
    with pytest.raises(ValueError, match="nothing to undo"):
        game.undo(0)


def test_redo_goes_on_to_the_side_that_is_asked_for() -> None:
    game = played("4", "3", "5")
    game.goto(0)
    assert game.redo(0).ply == 2
    assert game.redo(0).ply == 3  # the end of the line


def test_another_move_after_undo_is_a_branch() -> None:
    game = played("4", "3")
    game.undo()
    game.play("5")
    assert [child.move.name for child in game.positions[1].children if child.move] == ["3", "5"]
    assert [position.index for position in game.line()] == [0, 1, 3]


def test_a_known_move_does_not_branch_again() -> None:
    game = played("4", "3")
    game.undo()
    game.play("3")
    assert len(game.positions) == 3


def test_goto_a_variation_makes_it_the_line_of_redo() -> None:
    game = played("4", "3", "2")
    game.goto(1)
    game.play("5")
    game.goto(2)
    assert [position.index for position in game.line()] == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="no position 99"):
        game.goto(99)


@pytest.mark.parametrize(
    ("moves", "illegal", "reason"),
    [
        ("444444", "4", "4 is full"),
        ("", "9", "'9' is not a legal action here; legal: 1, 2, 3, 4, 5, 6, 7"),
        ("", "", "'' is not a legal action"),
        ("1212121", "4", "the game is over .Red wins.; undo or start a new game"),
    ],
)
def test_a_refusal_says_why(moves: str, illegal: str, reason: str) -> None:
    game = played(*moves)
    with pytest.raises(IllegalMoveError, match=reason):
        game.play(illegal)


def test_a_taken_cell_and_a_senseless_one_are_told_apart() -> None:
    othello = played(name="othello")
    with pytest.raises(IllegalMoveError, match="d4 is taken"):
        othello.play("d4")
    with pytest.raises(IllegalMoveError, match="the rules do not allow a1 here; legal: d3, c4"):
        othello.play("a1")
    with pytest.raises(IllegalMoveError, match="there is no action 999"):
        othello.play(999)


def test_the_outcome_names_the_winner() -> None:
    assert played(*"121212").outcome() is None
    assert played(*"1212121").outcome() == "Red wins"
    assert played(*"71212121").outcome() == "Yellow wins"
    draw = played("a1", "b2", "c3", "b1", "b3", "a3", "c1", "c2", "a2", name="tic_tac_toe")
    assert draw.outcome() == "draw"


def test_a_saved_game_loads_with_its_variations() -> None:
    game = played("4", "3", "2")
    game.goto(1)
    game.play("5")
    game.goto(2)
    saved = json.loads(json.dumps(save_game(game)))
    again = load_game(game.domain, saved)
    assert save_game(again) == saved
    assert again.current.state == game.current.state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "pgn"}, "not a saved game"),
        ({"game": "chess"}, "this is a game of 'chess', not 'connect_four'"),
        ({"seed": -1}, "damaged"),
        ({"moves": None}, "damaged"),
        ({"moves": [[0, "4"], [7, "4"]]}, "damaged at move 2: there is no position 7"),
        ({"moves": [[0, "9"]]}, "damaged at move 1: '9' is not a legal action"),
        ({"moves": ["4"]}, "damaged at move 1"),
        ({"moves": [[True, "4"]]}, "damaged at move 1"),
        ({"current": 50}, "there is no position 50"),
    ],
)
def test_a_damaged_saved_game_is_refused(change: dict[str, object], message: str) -> None:
    game = played("4")
    with pytest.raises(ValueError, match=message):
        load_game(game.domain, {**save_game(game), **change})


def test_the_tree_of_a_game_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(game_module, "MAX_POSITIONS", 3)
    game = played("4", "4")
    with pytest.raises(ValueError, match="this game has 3 positions"):
        game.play("4")


def test_a_line_after_chance_is_shown_by_the_outcomes_it_was_found_with() -> None:
    game = Game(registry.make(f"{DICE}:press_your_luck"), seed=4)
    rolls = game.steps(game.current.state, [1, 1, 0], [3 << 62, 1 << 62, 0])
    assert [step.name for step in rolls] == ["1", "1", "0"]
    # The first roll loses everything: the line ends there.
    assert len(game.steps(game.current.state, [1, 1, 0], [0, 1 << 62, 0])) == 1


def test_a_game_of_chance_draws_every_outcome() -> None:
    totals = set()
    for seed in range(40):
        game = Game(registry.make(f"{DICE}:press_your_luck"), seed=seed)
        totals.add(int(game.play(1).state.total))
        again = Game(game.domain, seed=seed)
        assert again.play(1).state == game.current.state
    assert totals == {0, 10, 20, 30}

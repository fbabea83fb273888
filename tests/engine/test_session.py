"""A person, a game and an engine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tesuji.domains import registry
from tesuji.engine.session import LEVELS, Session, pick, stoppable
from tesuji.search.base import Budget, SearchResult, Status, UniformEvaluator
from tesuji.search.search import Search

Make = Callable[..., Any]


def session(plain_search: Make, *moves: str, name: str = "connect_four", **options: Any) -> Session:
    domain = registry.make(name)
    made = Session(domain, plain_search(domain), **options)
    for move in moves:
        made.game.play(move)
    return made


def test_the_engine_moves_when_it_is_its_turn(plain_search: Make) -> None:
    made = session(plain_search, "4")
    assert made.engine_to_move
    action = made.choose()
    assert action is not None
    made.game.play(action)
    assert not made.engine_to_move


def test_after_a_switch_the_engine_takes_the_other_side(plain_search: Make) -> None:
    made = session(plain_search)
    made.switch()
    assert made.person == 1
    assert made.engine_to_move


def test_without_a_seat_the_engine_waits(plain_search: Make) -> None:
    made = session(plain_search, person=None)
    assert not made.engine_to_move
    with pytest.raises(ValueError, match="no side"):
        made.switch()


def test_the_same_seed_gives_the_same_engine_moves(plain_search: Make) -> None:
    def game() -> list[str]:
        made = session(plain_search, person=None, level=3, seed=7)
        for _ in range(6):
            made.game.play(made.choose() or 0)
        return [p.move.name for p in made.game.positions if p.move]

    assert game() == game()


def test_a_hint_finds_the_win_in_one(plain_search: Make) -> None:
    hint = session(plain_search, *"414141").hint(Budget(simulations=50))
    assert hint.step.name == "4"
    assert hint.chance == 1.0
    assert hint.status is Status.PROVEN_WIN


def test_win_rates_are_those_of_the_first_side(plain_search: Make) -> None:
    made = session(plain_search, *"4141412")
    assert made.win_rate(made.game.current) is None
    made.game.undo()
    made.analyse(Budget(simulations=50))
    assert made.win_rate(made.game.current) == 1.0
    mirrored = session(plain_search, *"74141416")
    mirrored.game.undo()
    mirrored.analyse(Budget(simulations=50))
    assert mirrored.win_rate(mirrored.game.current) == 0.0


def test_an_end_has_its_outcome_as_win_rate(plain_search: Make) -> None:
    made = session(plain_search, *"1212121")
    assert made.win_rate(made.game.current) == 1.0
    with pytest.raises(ValueError, match="the game is over"):
        made.analyse(Budget(simulations=2))
    with pytest.raises(ValueError, match="the game is over"):
        made.choose()


def test_analysis_reports_on_the_way_and_stops_when_asked(plain_search: Make) -> None:
    made, stop, seen = session(plain_search), threading.Event(), list[SearchResult]()

    def progress(result: SearchResult) -> None:
        seen.append(result)
        stop.set()

    result = made.analyse(Budget(seconds=60), stop=stop, progress=progress)
    assert len(seen) == 1
    assert result.status is Status.INTERRUPTED


def test_a_stopped_engine_does_not_move(plain_search: Make) -> None:
    made, stop = session(plain_search, "4"), threading.Event()
    stop.set()
    assert made.choose(stop=stop) is None
    assert made.game.current.ply == 1


def test_a_shallower_search_does_not_replace_a_deeper_one(plain_search: Make) -> None:
    made = session(plain_search)
    deep = made.analyse(Budget(simulations=50))
    made.analyse(Budget(simulations=5))
    assert made.results[0] is deep


def test_the_kept_tree_can_be_explored(plain_search: Make) -> None:
    made = session(plain_search)
    assert made.explore(made.game.current, []) == []
    made.analyse(Budget(simulations=100), keep_tree=True)
    top = made.explore(made.game.current, [])
    assert sum(edge.visits for edge in top) == 100
    assert len(made.explore(made.game.current, [top[0].action])) == 7
    assert made.explore(made.game.current, [0] * 30) == []


@pytest.mark.parametrize("level", [0, 11, -1])
def test_a_level_out_of_range_is_refused(plain_search: Make, level: int) -> None:
    with pytest.raises(ValueError, match=f"level must be between 1 and 10, got {level}"):
        session(plain_search, level=level)


def test_the_real_search_serves_as_engine_adviser_and_tree() -> None:
    domain = registry.make("connect_four")
    made = Session(domain, Search(domain, UniformEvaluator(domain.spec.num_actions)), level=8)
    for move in "41414":
        made.game.play(move)
    assert made.choose() == 3  # Yellow must block
    made.game.play("1")
    seen = list[SearchResult]()
    made.analyse(Budget(simulations=2000), progress=seen.append, keep_tree=True)
    assert made.win_rate(made.game.current) == 1.0
    assert made.hint(Budget(simulations=10)).step.name == "4"
    top = made.explore(made.game.current, [])
    assert {edge.action for edge in top} == set(range(7))
    assert made.explore(made.game.current, [9]) == []


def test_a_warm_choice_is_still_legal(plain_search: Make) -> None:
    made = session(plain_search, *"444444")
    result = made.analyse(Budget(simulations=3))
    rng = np.random.default_rng(0)
    assert {pick(result, 3.0, rng) for _ in range(400)} == {0, 1, 2, 4, 5, 6}


def test_ctrl_c_stops_a_search_and_keeps_what_it_found() -> None:
    def think(stop: threading.Event) -> str:
        signal.raise_signal(signal.SIGINT)
        return "found" if stop.is_set() else "torn up"

    assert stoppable(think) == "found"
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_levels_rise() -> None:
    assert list(LEVELS) == sorted(LEVELS, key=lambda level: (level.simulations, -level.temperature))
    assert LEVELS[-1].temperature == 0


def test_temperature_sharpens_the_choice(plain_search: Make) -> None:
    made = session(plain_search)
    result = made.analyse(Budget(simulations=200))
    rng = np.random.default_rng(0)
    assert pick(result, 0, rng) == result.action
    warm = [pick(result, 1.0, rng) for _ in range(200)]
    cool = [pick(result, 0.05, rng) for _ in range(200)]
    assert len(set(warm)) > len(set(cool))

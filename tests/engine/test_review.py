"""Games under review: positions searched, faults named, value graphs drawn."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tesuji.domains import registry
from tesuji.engine import cli
from tesuji.engine.errors import UsageError
from tesuji.engine.game import Game
from tesuji.engine.game_report import GameReport
from tesuji.engine.record import save_game
from tesuji.engine.review import review, search_positions
from tesuji.engine.session import Session
from tesuji.engine.value_graph import Point, graph_svg, write_graph
from tesuji.search.base import Budget

Make = Callable[..., Any]
BUDGET = Budget(simulations=40)
BLUNDER = [*"414141", "7", "2", "4"]  # Red overlooks a win by 4, Yellow one by 1


def played(*moves: str) -> Game:
    game = Game(registry.make("connect_four"))
    for move in moves:
        game.play(move)
    return game


@pytest.fixture
def session(plain_search: Make) -> Session:
    game = played(*BLUNDER)
    session = Session(game.domain, plain_search(game.domain), person=None)
    session.start(game)
    return session


def test_an_overlooked_win_is_a_blunder(session: Session) -> None:
    search_positions(session, session.game.line(), BUDGET)
    found = review(session, session.game.positions[7])
    assert found is not None
    assert (found.grade, found.best) == ("blunder", 3)
    assert found.loss > 0.15


def test_the_best_move_loses_nothing(session: Session) -> None:
    search_positions(session, session.game.line(), BUDGET)
    last = review(session, session.game.positions[9])
    assert last is not None
    assert (last.loss, last.grade, last.best) == (0.0, "", 3)


def test_a_move_is_not_graded_before_both_its_positions_are_reviewed(session: Session) -> None:
    assert review(session, session.game.positions[0]) is None
    session.game.goto(6)
    session.analyse(Budget(simulations=5))
    assert review(session, session.game.positions[7]) is None
    search_positions(session, session.game.positions[6:7], BUDGET)
    assert review(session, session.game.positions[7]) is None
    search_positions(session, session.game.positions[7:8], BUDGET)
    assert review(session, session.game.positions[7]) is not None


def test_a_review_does_not_search_again_what_it_knows(session: Session) -> None:
    told = list[int]()
    search_positions(session, session.game.line(), BUDGET, progress=told.append)
    assert told == [9, 10]  # of ten, of which the end needs no search
    again = list[int]()
    search_positions(session, session.game.line(), BUDGET, progress=again.append)
    assert again == []


def test_a_review_can_be_stopped(session: Session) -> None:
    stop = threading.Event()
    stop.set()
    search_positions(session, session.game.line(), BUDGET, stop=stop)
    assert session.results == {}


def test_rewards_on_the_way_count_for_the_chances(plain_search: Make) -> None:
    game = played("4")
    session = Session(game.domain, plain_search(game.domain), person=None)
    session.start(game)
    game.positions[1].score = 1.0
    session.analyse(Budget(simulations=8))
    assert session.win_rate(game.positions[1]) == pytest.approx(
        session.chance(1.0 - session.results[1].value, 0)
    )


def test_a_report_names_faults_and_counts_them(plain_search: Make) -> None:
    game = played(*BLUNDER)
    report = GameReport(game.domain, plain_search(game.domain), game, BUDGET)
    rows = report.text().splitlines()
    assert len(rows) == 1 + 10 + 1 + 2 + 1
    assert rows[8].split()[:2] == ["7", "7"]
    assert rows[8].endswith("4         blunder proven")
    assert rows[-1] == "Red wins"
    fact = report.facts()[7]
    assert (fact["move"], fact["best"], fact["grade"], fact["side"]) == ("7", "4", "blunder", 0)


def test_a_value_graph_marks_the_faults() -> None:
    points = [Point("start", 0.5), Point("1. a", 0.3, "blunder"), Point("2. <b>", None)]
    svg = ElementTree.fromstring(graph_svg("a & b", "Red", points))
    titles = [title.text for title in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["a & b", "start: 50.0%", "1. a: 30.0%, blunder"]


@pytest.mark.parametrize("name", ["graph.svg", "graph.png"])
def test_a_value_graph_is_written_by_the_name_of_its_file(tmp_path: Path, name: str) -> None:
    write_graph(tmp_path / name, "title", "Red", [Point("start", 0.5), Point("1. a", 0.4)])
    start = (tmp_path / name).read_bytes()[:8]
    assert start.startswith(b"<svg" if name.endswith("svg") else b"\x89PNG")


def test_a_value_graph_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"written as \.svg or \.png, got"):
        write_graph(tmp_path / "graph.gif", "title", "Red", [])


# The verb.


def test_analyze_reviews_a_saved_game(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    game, graph = tmp_path / "game.json", tmp_path / "graph.svg"
    game.write_text(json.dumps(save_game(played(*BLUNDER))))
    words = ["analyze", "connect_four", "--file", str(game), "--plot", str(graph), "--sims", "64"]
    assert cli.main([*words, "--agent", "uniform", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [one["move"] for one in facts["positions"][1:]] == BLUNDER
    assert facts["positions"][7]["grade"] == "blunder"
    assert b"blunder</title>" in graph.read_bytes()


def test_analyze_draws_a_position(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    board = tmp_path / "board.svg"
    words = ["analyze", "connect_four", "4453", "--svg", str(board), "--sims", "64"]
    assert cli.main([*words, "--agent", "uniform"]) == 0
    svg = ElementTree.fromstring(board.read_text())
    assert len(svg.findall(".//*[@class='stones']/*")) == 4
    assert svg.find(".//*[@class='candidate best']") is not None


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--file", "no/such.sgf"], "cannot read no/such.sgf: No such file"),
        (["--plot", "x.svg"], "--plot draws the chances over a game; give the game with --file"),
        (["44", "--file", "x.sgf"], "moves goes with one position, not with --file"),
    ],
)
def test_analyze_says_what_goes_with_what(
    capsys: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    assert cli.main(["analyze", "connect_four", *words]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe\x00", "this is no text; expected SGF, PGN or a saved game"),
        (b"hello", "this is neither SGF nor PGN nor a saved game"),
        (b'{"format": "tesuji game 1"', "the saved game is damaged"),
        (b"{}", "not a saved game"),
        (b"[" * 100_000, "this is neither"),
        (b" " * (1 << 20) + b" ", "a game has at most 1 MB"),
    ],
)
def test_a_malformed_file_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "game.sgf"
    path.write_bytes(content)
    assert cli.main(["analyze", "connect_four", "--file", str(path)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "game.sgf" in told
    assert reason in told

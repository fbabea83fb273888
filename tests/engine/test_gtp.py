"""GTP: its commands, its errors, its clocks, and a match against another program."""

import io
import shutil
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tesuji.domains.base import Domain
from tesuji.engine.agent import SearchAgent
from tesuji.engine.protocols.clock import Lag
from tesuji.engine.protocols.gtp import GtpEngine
from tesuji.engine.protocols.gtp_board import GtpBoard, GtpError
from tesuji.engine.protocols.gtp_clock import SideClock, TimeSettings
from tesuji.engine.protocols.lines import TooLong, read_lines
from tesuji.search.base import Budget, UniformEvaluator

Ask = Callable[[str], str]


def agent(domain: Domain) -> SearchAgent:
    return SearchAgent(domain, UniformEvaluator(domain.spec.num_actions), budget=Budget(20))


class Talk:
    """A controller that hands over one line at a time and reads the answer."""

    def __init__(self, name: str = "go", size: int | None = 5) -> None:
        self.engine = GtpEngine(GtpBoard(name, size), agent, "1.0")
        self.said: list[str] = []
        self.engine._write = self.said.append

    def __call__(self, line: str) -> str:
        self.said.clear()
        self.engine.answer(line)
        return "\n".join(self.said)


@pytest.fixture
def ask() -> Ask:
    return Talk()


def test_the_commands_that_gtp_requires_are_there(ask: Ask) -> None:
    required = [
        "protocol_version",
        "name",
        "version",
        "known_command",
        "list_commands",
        "quit",
        "boardsize",
        "clear_board",
        "komi",
        "play",
        "genmove",
        "undo",
        "showboard",
        "final_score",
        "final_status_list",
        "fixed_handicap",
        "time_settings",
        "place_free_handicap",
        "set_free_handicap",
        "time_left",
        "loadsgf",
        "reg_genmove",
        "kgs-time_settings",
        "lz-analyze",
        "kata-analyze",
    ]
    listed = ask("list_commands").removeprefix("= ").split()
    assert set(required) <= set(listed)
    assert {ask(f"known_command {name}") for name in listed} == {"= true\n"}
    assert ask("known_command dance") == "= false\n"


def test_answers_carry_the_id_and_comments_are_ignored(ask: Ask) -> None:
    assert ask("7 protocol_version # two") == "=7 2\n"
    assert ask("8 dance") == "?8 unknown command\n"
    assert ask("# nothing") == ask("") == ask("   ") == ""
    assert ask("\x07na\x00me\t\r") == "= tesuji\n"


def test_moves_are_played_refused_and_taken_back(ask: Ask) -> None:
    assert ask("play b C3") == "=\n"
    assert ask("1 play w c3") == "?1 illegal move: C3 is taken\n"
    assert ask("play w Z9").startswith("? illegal move")
    assert ask("play green A1") == "? syntax error: 'green' is no colour\n"
    assert ask("play w") == "? syntax error: an argument is missing\n"
    assert ask("play b D3") == "=\n"  # the same side again
    assert ask("showboard").count("X") == 2
    assert [ask("undo") for _ in range(3)] == ["=\n", "=\n", "? cannot undo\n"]


def test_the_engine_moves_for_either_side_and_goes_on_after_the_end(ask: Ask) -> None:
    assert ask("genmove w") not in ("= pass\n", "")
    before = ask("showboard")
    assert ask("reg_genmove w").startswith("= ")
    assert ask("showboard") == before
    ask("play b pass")
    ask("play w pass")
    assert ask("final_score").startswith("= ")
    assert ask("play b C3") == "=\n"


def test_sizes_komi_and_handicap(ask: Ask) -> None:
    assert ask("boardsize 4") == ask("boardsize 99") == "? unacceptable size\n"
    assert ask("boardsize 1e9").startswith("? syntax error")
    assert ask("komi 0.5") == "=\n"
    assert ask("final_score") == "= W+0.5\n"
    assert ask("komi 0.3").startswith("? go: komi must be whole or half")
    assert ask("komi nan").startswith("? syntax error")
    assert ask("fixed_handicap 2") == "? invalid number of stones\n"
    assert ask("set_free_handicap A1 A1") == "? bad vertex list\n"
    assert ask("set_free_handicap A1 C3") == "=\n"
    assert ask("set_free_handicap A1 C3") == "? board not empty\n"
    assert ask("final_score") == "= B+24.5\n"
    assert ask("final_status_list alive") == "= C3\nA1\n"
    assert ask("final_status_list dead") == "=\n"


def test_fixed_handicaps_are_those_of_the_standard() -> None:
    board = GtpBoard("go", 19)
    assert board.star_points(5) == ["D4", "Q16", "D16", "Q4", "K10"]
    assert board.star_points(8) == ["D4", "Q16", "D16", "Q4", "D10", "Q10", "K4", "K16"]
    assert GtpBoard("go", 9).star_points(2) == ["C3", "G7"]


def test_an_analysis_runs_until_the_next_line() -> None:
    written = io.StringIO()
    talk = Talk()
    talk("play b C3")

    def lines() -> object:
        yield "5 kata-analyze w 1"
        while written.getvalue().count("info move") < 2:
            pass
        yield "6 name"

    talk.engine.serve(lines(), lambda text: written.write(text + "\n"))
    start, *infos, blank, answer, end, last = written.getvalue().split("\n")
    assert (start, blank, answer, end, last) == ("=5", "", "=6 tesuji", "", "")
    assert all(" visits " in info and " order 0 " in info and " pv " in info for info in infos)
    talk.said.clear()
    talk.engine._write = talk.said.append
    talk("lz-analyze 1")
    talk("name")
    assert "winrate" in talk.said[0] or talk.said[-1] == "= tesuji\n"


def test_a_file_is_loaded_up_to_a_move(ask: Ask, tmp_path: object) -> None:
    file = tmp_path / "game.sgf"
    file.write_text("(;GM[1]SZ[7]KM[9.5];B[cc];W[dd];B[ee])")
    assert ask(f"loadsgf {file} 3") == "=\n"
    assert ask("query_boardsize") == "= 7\n"
    assert ask("showboard").count("X") == 2  # a stone, and who is to move
    assert ask(f"loadsgf {file}.none") == "? cannot load file\n"
    file.write_text("(;GM[1]SZ[7];B[cc];W[cc])")
    board = ask("showboard")
    assert ask(f"loadsgf {file}") == "? W[cc] after move 1: C5 is taken\n"
    assert ask("showboard") == board


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("hex", "c3", "d3"),
        ("gomoku", "c3", "d3"),
        ("othello", "a2", "a1"),
        ("connect_four", "4", "4"),
    ],
)
def test_other_games_are_played(name: str, first: str, second: str) -> None:
    ask = Talk(name, 4 if name == "othello" else None)
    assert ask(f"play b {first}") == "=\n"
    assert ask(f"play w {second}") == "=\n"
    assert ask("genmove b").startswith("= ")
    # Either side may move at any time, where stones can be arranged anew for it.
    again = "? illegal move: it is " if name == "connect_four" else "= "
    assert ask("genmove b").startswith(again)
    scored = "= B+" if name == "othello" else "? cannot score"  # discs count at any time
    assert ask("final_score").startswith(scored)
    assert ask("undo") == "=\n"


def test_games_that_gtp_does_not_fit_are_refused() -> None:
    for name in ("2048", "delivery", "nothing"):
        with pytest.raises((GtpError, ValueError)):
            GtpBoard(name)


def test_what_a_clock_allows_is_never_more_than_it_has() -> None:
    for settings_ in (
        TimeSettings(10),
        TimeSettings(0.2),
        TimeSettings(0, 5, 5),
        TimeSettings(3, 2, 1, periods=3),
        TimeSettings(0, 0.3, 1),
    ):
        clock = SideClock.begin(settings_)
        for _ in range(200):
            seconds = clock.seconds(Lag())
            assert seconds < max(clock.main + (clock.period if settings_.period else 0), 0.002)
            clock = clock.spend(seconds)
        assert clock.periods == settings_.periods


def test_times_are_heard_and_absurd_ones_refused(ask: Ask) -> None:
    assert ask("time_settings 30 0 0") == ask("time_left b 12 0") == "=\n"
    assert ask("kgs-time_settings byoyomi 30 10 3") == "=\n"
    assert ask("kgs-time_settings canadian 30 10 3") == ask("kgs-time_settings none") == "=\n"
    for wrong in ("time_settings -1 0 0", "time_settings 1e9 0 0", "time_left b nan 0"):
        assert ask(wrong).startswith("? syntax error")
    assert ask("kgs-time_settings byoyomi 30").startswith("? syntax error")
    ask("time_settings 1 0 0")
    assert ask("genmove b").startswith("= ")
    assert ask("time_left w -3 0") == "=\n"
    assert ask("genmove w").startswith("= ")


def test_a_line_of_ten_megabytes_is_refused(ask: Ask) -> None:
    [line, after] = read_lines(io.BytesIO(b"play b " + b"C" * 10_000_000 + b"\nname\n"))
    assert isinstance(line, TooLong)
    assert ask(line).startswith("? a line has at most")
    assert ask(after) == "= tesuji\n"


_WORDS = st.sampled_from(
    [
        "boardsize",
        "clear_board",
        "komi",
        "play",
        "genmove",
        "undo",
        "showboard",
        "final_score",
        "fixed_handicap",
        "time_left",
        "time_settings",
        "kgs-time_settings",
        "loadsgf",
        "reg_genmove",
        "lz-analyze",
        "set_free_handicap",
        "byoyomi",
        "b",
        "w",
        "black",
        "white",
        "A1",
        "C3",
        "E5",
        "pass",
        "resign",
        "5",
        "5",
        "0",
        "-1",
        "9999999999",
        "1e5",
        "nan",
        ".",
        "#",
        "alive",
        "dead",
    ]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(_WORDS | st.text(max_size=6), max_size=4).map(" ".join), max_size=12))
def test_no_lines_break_the_engine_or_its_position(lines: list[str]) -> None:
    ask = TALK
    ask("boardsize 5")
    ask("komi 0.5")
    for line in lines:
        ask("name")  # ends an analysis, whose last words are no board
        before = ask("showboard")
        reply = ask(line)
        assert reply == "" or reply[0] in "=?i"
        if reply.startswith("?"):
            assert "\n" not in reply.removesuffix("\n")
            assert ask("showboard") == before


TALK = Talk()


GNUGO = shutil.which("gnugo", path="/usr/games:/usr/bin:/usr/local/bin")


def test_a_game_against_gnu_go_has_no_protocol_error() -> None:
    if GNUGO is None:
        pytest.skip("gnugo is missing: apt-get install gnugo")
    peer = subprocess.Popen(
        [GNUGO, "--mode", "gtp", "--chinese-rules", "--level", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def tell(line: str) -> str:
        peer.stdin.write(line + "\n")
        peer.stdin.flush()
        answer = peer.stdout.readline()
        while peer.stdout.readline().strip():
            pass
        return answer

    ask = Talk("go", 9)
    for black, ours in ((ask, True), (tell, False)):
        for player in (ask, tell):
            assert [player(c)[0] for c in ("boardsize 9", "clear_board", "komi 7.5")] == ["="] * 3
        passes, colour = 0, "b"
        for _ in range(100):
            mover, other = (ask, tell) if (colour == "b") == ours else (tell, ask)
            move = mover(f"genmove {colour}").removeprefix("=").strip()
            if move.lower() == "resign":
                break
            assert other(f"play {colour} {move}")[0] == "=", move
            passes = passes + 1 if move.lower() == "pass" else 0
            if passes == 2:
                break
            colour = "w" if colour == "b" else "b"
        assert black("final_score")[0] == "="
    peer.communicate("quit\n", timeout=20)
    assert peer.returncode == 0

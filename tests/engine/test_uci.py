"""UCI: what a GUI says and hears, noise, and a match with Stockfish through python-chess."""

import re
import shutil
import sys
import time

import chess
import chess.engine
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tesuji.domains.base import Domain
from tesuji.domains.registry import make
from tesuji.engine.agent import SearchAgent, load_agent
from tesuji.engine.protocols.lines import TooLong, read_lines
from tesuji.engine.protocols.uci import UciEngine
from tesuji.engine.protocols.uci_info import centipawns
from tesuji.engine.protocols.uci_options import Options
from tesuji.engine.protocols.uci_text import MAX_MOVES, Go, parse_go

MATE_IN_ONE = "position fen r5k1/5ppp/8/8/8/8/5PPP/R3R1K1 w - - 0 1"


def load(agent: str, chess960: bool) -> tuple[Domain, SearchAgent, str]:
    domain = make("chess960" if chess960 else "chess")
    made = load_agent("uniform" if agent == "net" else agent, domain)
    assert isinstance(made, SearchAgent)
    return domain, made, ""


class Talk:
    """A conversation whose answers are kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.engine = UciEngine(load, lambda text: self.lines.extend(text.split("\n")), Options())

    def say(self, *lines: str) -> list[str]:
        """Say lines and return what is answered until then."""
        self.lines = []
        for line in lines:
            self.engine.handle(line)
        return self.lines

    def wait(self, seconds: float = 60.0) -> list[str]:
        """Wait for `bestmove` and return all that was said."""
        end = time.monotonic() + seconds
        while not any(line.startswith("bestmove") for line in self.lines):
            assert time.monotonic() < end, self.lines
            time.sleep(0.002)
        return self.lines


@pytest.fixture(scope="module")
def ready() -> Talk:
    talk = Talk()
    assert talk.say("isready") == ["readyok"]
    return talk


@pytest.fixture
def talk(ready: Talk) -> Talk:
    ready.say("stop", "setoption name MultiPV value 1", "setoption name UCI_Chess960 value false")
    ready.say("ucinewgame")
    return ready


def test_it_says_who_it_is(talk: Talk) -> None:
    lines = talk.say("uci")
    assert lines[0].startswith("id name tesuji")
    assert lines[-1] == "uciok"
    assert "option name MultiPV type spin default 1 min 1 max 64" in lines


def test_a_mate_is_found_and_said_only_because_it_is_proven(talk: Talk) -> None:
    talk.say(MATE_IN_ONE, "go nodes 100")
    lines = talk.wait()
    assert re.search(r"score mate 1 .* pv (a1a8|e1e8)", lines[-2])
    assert lines[-1] in ("bestmove a1a8", "bestmove e1e8")


def test_a_loss_is_said_as_mate_against_us(talk: Talk) -> None:
    talk.say("position fen 7k/5K2/8/8/8/8/8/6R1 b - - 0 1", "go nodes 200")
    lines = talk.wait()
    assert "score mate -1 " in lines[-2]
    assert lines[-1] == "bestmove h8h7 ponder g1h1"


def test_several_best_moves_are_shown(talk: Talk) -> None:
    talk.say("setoption name MultiPV value 4", "position startpos moves e2e4", "go nodes 300")
    lines = [line for line in talk.wait() if line.startswith("info")][-4:]
    found = [re.search(r"multipv (\d) score cp -?\d+ nodes 300 .* pv (\w+)", ln) for ln in lines]
    assert [match[1] for match in found if match] == ["1", "2", "3", "4"]
    assert len({match[2] for match in found if match}) == 4


def test_only_the_moves_that_were_asked_for_are_searched(talk: Talk) -> None:
    talk.say("position startpos", "go nodes 50 searchmoves a2a3 h2h4")
    assert talk.wait()[-1].split()[1] in ("a2a3", "h2h4")


def test_infinite_search_tells_no_move_before_stop(talk: Talk) -> None:
    assert talk.say(MATE_IN_ONE, "go infinite") is talk.lines
    talk.engine._thinker.wait()  # it is proven at once
    assert not any(line.startswith("bestmove") for line in talk.lines)
    assert talk.say("isready") == ["readyok"]
    assert talk.say("stop")[-1].startswith("bestmove")
    assert talk.say("stop") == []


def test_pondering_becomes_thinking_by_ponderhit(talk: Talk) -> None:
    talk.say("position startpos moves e2e4 e7e5", "go ponder wtime 3000 btime 3000")
    time.sleep(0.15)
    assert not any(line.startswith("bestmove") for line in talk.lines)
    began = time.monotonic()
    talk.say("ponderhit")
    assert talk.wait()[-1].startswith("bestmove")
    assert time.monotonic() - began < 3.0


def test_movetime_is_kept(talk: Talk) -> None:
    talk.say("position startpos")
    began = time.monotonic()
    talk.say("go movetime 300")
    talk.wait()
    assert 0.2 < time.monotonic() - began < 2.0


def test_chess960_is_an_option(talk: Talk) -> None:
    talk.say("setoption name UCI_Chess960 value true")
    talk.say("position fen 4k3/8/8/8/8/8/8/1R3KR1 w GB - 0 1 moves f1g1")
    assert talk.engine.domain.format_state(talk.engine.state) == (
        "4k3/8/8/8/8/8/8/1R3RK1 b - - 1 1"
    )


def test_a_game_that_goes_on_is_not_made_again(talk: Talk) -> None:
    moves = "e2e4 e7e5 g1f3 b8c6"
    talk.say(f"position startpos moves {moves}")
    parsed = []
    original = talk.engine.domain.parse_action
    talk.engine.domain.parse_action = (  # type: ignore[method-assign]
        lambda state, text: parsed.append(text) or original(state, text)  # type: ignore[func-returns-value]
    )
    try:
        talk.say(f"position startpos moves {moves} f1b5")
    finally:
        del talk.engine.domain.parse_action
    assert parsed == ["f1b5"]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("position startpos moves e2e5", "move 1 of the position: 'e2e5' is not a legal action"),
        ("position fen 8/8 w - - 0 1", "a FEN has eight ranks, got 2"),
        ("position nonsense", "position takes 'startpos' or 'fen FEN'"),
        ("position startpos moves" + " a2a3" * (MAX_MOVES + 1), "at most 12700 moves"),
        ("go depth x", "depth must be a whole number, got 'x'"),
        ("go wtime", "wtime must be a whole number, got ''"),
        ("go nodes 5 searchmoves e2e5", "'e2e5' is not a legal action"),
        ("ponderhit", "ponderhit without a search that ponders"),
        ("setoption name Hash value 1", "Hash must be between 16 and 4096, got 1"),
        ("setoption name Nothing value 1", "there is no option 'Nothing'"),
        ("setoption", "setoption takes 'name NAME'"),
        ("setoption name Agent value runs/none", "runs/none"),
        ("\x00\x7f", "unknown command"),
        ("quti", "unknown command 'quti'"),
        (TooLong("a line has at most 1048576 bytes"), "a line has at most"),
    ],
)
def test_bad_input_is_answered_and_changes_nothing(talk: Talk, line: str, error: str) -> None:
    talk.say("position startpos moves d2d4")
    before = talk.engine.domain.format_state(talk.engine.state)
    [answer] = talk.say(line)
    assert answer.startswith("info string error: ")
    assert error in answer
    assert talk.engine.domain.format_state(talk.engine.state) == before


def test_without_a_legal_move_there_is_none_to_tell(talk: Talk) -> None:
    talk.say("position startpos moves f2f3 e7e5 g2g4 d8h4")
    assert talk.say("go movetime 100")[-1] == "bestmove (none)"


def test_a_drawn_position_is_still_searched(talk: Talk) -> None:
    shuffle = " g1f3 g8f6 f3g1 f6g8" * 3
    talk.say(f"position startpos moves{shuffle}", "go nodes 20")
    assert talk.wait()[-1].startswith("bestmove")


def test_absurd_clocks_are_survived(talk: Talk) -> None:
    for clock in ("wtime -5 btime 0", "wtime 1 winc 0", f"wtime {'9' * 500} nodes 5"):
        talk.say("position startpos", f"go {clock}")
        assert talk.wait()[-1].startswith("bestmove")


WORDS = st.sampled_from(
    [
        "uci",
        "isready",
        "ucinewgame",
        "position",
        "startpos",
        "fen",
        "moves",
        "e2e4",
        "e7e5",
        "go",
        "stop",
        "ponderhit",
        "infinite",
        "ponder",
        "nodes",
        "depth",
        "movetime",
        "wtime",
        "btime",
        "winc",
        "movestogo",
        "mate",
        "searchmoves",
        "setoption",
        "name",
        "value",
        "MultiPV",
        "Hash",
        "UCI_Chess960",
        "true",
        "1",
        "2",
        "20",
        "-1",
        "99999999999999999999",
        "0",
        "debug",
        "on",
        "register",
        "later",
        "8/8/8/8/8/k7/1p6/1K6",
        "w",
        "-",
        "\x00",
        "é",
    ]
)
LINES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.lists(WORDS, max_size=8).map(" ".join),
        st.sampled_from(["go infinite", "stop", "go ponder nodes 3", "ponderhit", "go nodes 3"]),
    ),
    max_size=8,
)


@given(LINES)
@settings(max_examples=120)
def test_no_words_break_the_conversation(ready: Talk, lines: list[str]) -> None:
    words = [line for line in lines if line.split()[:1] != ["quit"]]
    ready.say(*words, "stop")
    answers = ready.lines
    assert all(line.split()[0] in _ANSWERS for line in answers), answers
    assert ready.say("setoption name UCI_Chess960 value false", "ucinewgame") == []
    ready.say("position startpos", "go nodes 2")
    assert ready.wait()[-1].startswith("bestmove")
    assert [line for line in ready.say("stop") if line] == []


_ANSWERS = {"id", "option", "uciok", "readyok", "info", "bestmove"}


def test_go_is_read_word_by_word() -> None:
    go = parse_go(
        ["wtime", "1000", "btime", "-20", "winc", "5", "searchmoves", "e2e4", "d2d4", "infinite"]
    )
    assert go == Go(wtime=1000, btime=-20, winc=5, infinite=True, searchmoves=("e2e4", "d2d4"))


def test_centipawns_grow_with_the_value() -> None:
    assert [centipawns(v) for v in (-1.0, 0.0, 0.5, 1.0)] == [-12502, 0, 89, 12502]


def test_long_lines_are_read_in_bounded_pieces(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "lines"
    path.write_bytes(b"isready\r\n" + b"x" * 10_000_000 + b"\nstop\n\xff\xfe\nquit")
    with path.open("rb") as stream:
        lines = list(read_lines(stream))
    assert lines[0] == "isready"
    assert isinstance(lines[1], TooLong)
    assert lines[2:] == ["stop", "\ufffd\ufffd", "quit"]


def stockfish() -> str:
    path = shutil.which("stockfish", path="/usr/games:/usr/bin:/usr/local/bin")
    if path is None:
        pytest.skip("stockfish is missing: apt-get install stockfish")
    return path


def test_a_match_with_stockfish_under_time_control() -> None:
    ours = [sys.executable, "-m", "tesuji", "uci", "--agent", "uniform"]
    with (
        chess.engine.SimpleEngine.popen_uci(ours, timeout=120) as engine,
        chess.engine.SimpleEngine.popen_uci(stockfish()) as peer,
    ):
        engine.ping()
        for game in range(2):
            board = chess.Board()
            clocks = {chess.WHITE: 8.0, chess.BLACK: 8.0}
            while not board.is_game_over(claim_draw=True) and board.ply() < 60:
                mine = (board.turn == chess.WHITE) == (game == 0)
                limit = chess.engine.Limit(
                    white_clock=clocks[chess.WHITE], black_clock=clocks[chess.BLACK],
                    white_inc=0.01, black_inc=0.01,
                )  # fmt: skip
                peer_limit = chess.engine.Limit(nodes=500)
                began = time.monotonic()
                played = (engine if mine else peer).play(board, limit if mine else peer_limit)
                clocks[board.turn] += 0.01 - (time.monotonic() - began if mine else 0.0)
                assert clocks[board.turn] > 0
                assert played.move in board.legal_moves
                board.push(played.move)

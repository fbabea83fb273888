"""PGN: our own parser against hand-written games, python-chess and noise."""

import io
import time

import chess.pgn
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tesuji.domains.registry import make
from tesuji.engine.game import Game
from tesuji.engine.protocols.pgn import LIMITS, Limits, PgnError, parse_pgn
from tesuji.engine.protocols.pgn_games import game_to_pgn, pgn_to_game
from tesuji.engine.protocols.pgn_writer import format_pgn
from tesuji.engine.record import formats, parse_record, write_record

ANNOTATED = r"""
[Event "Odd \"names\" \\ here"]
[Site "?"]
[Result "1-0"]

{Before all} 1. e4 $1 {good} e5?! (1... c5 2. Nf3 (2. c3 d5 ; the Alapin
  3. exd5) 2... d6) (1... e6) 2. Nf3 Nc6!!
% a line to be passed over
3. Bb5 { Spanish } a6 1-0

[Event "Second"]

1. d4 *
"""


def test_an_annotated_game_is_read() -> None:
    first, second = parse_pgn(ANNOTATED)
    assert first.tags["Event"] == 'Odd "names" \\ here'
    assert (first.result, first.comment) == ("1-0", "Before all")
    assert [move.text for move in first.moves] == ["e4", "e5", "Nf3", "Nc6", "Bb5", "a6"]
    assert (first.moves[0].nags, first.moves[0].comment) == ([1], "good")
    assert (first.moves[1].nags, first.moves[3].nags) == ([6], [3])
    sicilian, french = first.moves[1].variations
    assert [move.text for move in sicilian] == ["c5", "Nf3", "d6"]
    assert [move.text for move in sicilian[1].variations[0]] == ["c3", "d5", "exd5"]
    assert sicilian[1].variations[0][1].comment == "the Alapin"
    assert [move.text for move in french] == ["e6"]
    assert [move.text for move in second.moves] == ["d4"]


def test_what_is_written_is_read_back_the_same_by_us_and_by_python_chess() -> None:
    first = parse_pgn(ANNOTATED)[0]
    text = format_pgn(first)
    [again] = parse_pgn(text)
    assert format_pgn(again) == text
    theirs = chess.pgn.read_game(io.StringIO(text))
    assert theirs is not None
    assert not theirs.errors
    assert [move.uci() for move in theirs.mainline_moves()][-1] == "a7a6"
    assert [node.move.uci() for node in theirs.variations[0].variations] == ["e7e5", "c7c5", "e7e6"]


def test_a_game_with_variations_goes_there_and_back() -> None:
    domain = make("chess")
    game = pgn_to_game(domain, parse_pgn(ANNOTATED)[0])
    assert game.current.ply == 6
    assert len(game.positions) == 1 + 6 + 3 + 3 + 1
    text = game_to_pgn(game, {"White": "Ada"})
    assert '[White "Ada"]' in text
    back = pgn_to_game(domain, parse_pgn(text)[0])
    assert domain.key(back.current.state) == domain.key(game.current.state)
    assert len(back.positions) == len(game.positions)


def test_a_game_from_a_position_keeps_it() -> None:
    domain = make("chess")
    fen = "8/8/8/8/8/7k/7q/K7 b - - 4 1"
    game = Game(domain, start=domain.parse_state(fen))
    game.play("Kg3")
    game.play("Kb1")
    game.play("Qb2+")
    game.play("Kxb2")
    text = game_to_pgn(game)
    assert f'[FEN "{fen}"]' in text
    assert "1... Kg3 2. Kb1 Qb2+ 3. Kxb2 1/2-1/2" in text
    again = pgn_to_game(domain, parse_pgn(text)[0])
    assert domain.format_state(again.current.state) == domain.format_state(game.current.state)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("1. e4 e5\n2. Nf3 Ke3", (2, 8), "Ke3: 'Ke3' is not a legal action here"),
        ('[FEN "8/8 w - - 0 1"]\n\n1. e4', (1, 1), "the tag FEN: a FEN has eight ranks"),
    ],
)
def test_an_illegal_game_is_refused_with_its_place(
    text: str, place: tuple[int, int], message: str
) -> None:
    [game] = parse_pgn(text)
    with pytest.raises(PgnError, match=message) as error:
        pgn_to_game(make("chess"), game)
    assert (error.value.line, error.value.column) == place


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("1. e4 (1. d4", (1, 7), "this variation is never closed"),
        ("1. e4 {so", (1, 7), "this comment is never closed"),
        ("1. e4)", (1, 6), "this parenthesis closes nothing"),
        ("( 1. e4 )", (1, 1), "a variation must follow the move"),
        ("1. e4 ()", (1, 7), "this variation is empty"),
        ("\n $3", (2, 2), "'\\$3' stands before any move"),
        ("1. e4 $300", (1, 7), "up to 255, got 300"),
        ("1. e4 (1. d4 1-0)", (1, 14), "stands inside a variation"),
        ('[Event "x]', (1, 1), "expected a tag"),
        ("\x00\x01", (1, 1), "expected a move"),
    ],
)
def test_what_is_no_pgn_is_refused_with_its_place(
    text: str, place: tuple[int, int], message: str
) -> None:
    with pytest.raises(PgnError, match=message) as error:
        parse_pgn(text)
    assert (error.value.line, error.value.column) == place


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("1. e4 " + "(1. d4 " * 50_000, "max_depth = 32"),
        ("1. e4 " + "Nf3 " * 30_000, "max_moves = 20000"),
        ("* " * 20_000, "max_games = 10000"),
        ("{" + "x" * 20_000 + "}", "max_comment = 10000"),
        ("".join(f'[T{i} ""]\n' for i in range(300)), "max_tags = 200"),
        ("e" * (LIMITS.max_characters + 1), f"max_characters = {LIMITS.max_characters}"),
    ],
)
def test_too_much_is_refused_at_once_by_a_named_limit(text: str, limit: str) -> None:
    start = time.process_time()
    with pytest.raises(PgnError, match=f"more than {limit}"):
        parse_pgn(text)
    assert time.process_time() - start < 1.0


def test_a_lone_zero_is_no_move_but_castling_in_zeros_is() -> None:
    for text in ("0", "00", "1. e4 0"):
        with pytest.raises(PgnError, match="expected a move, a comment or a result, got '0"):
            parse_pgn(text)
    [game] = parse_pgn("1. 0-0 0-0-0+")
    assert [move.text for move in game.moves] == ["0-0", "0-0-0+"]


def test_fifty_thousand_nested_variations_are_refused_in_well_under_a_second() -> None:
    text = "1. e4 " + "(1. d4 " * 50_000 + ")" * 50_000 + " e5 *"
    start = time.process_time()
    with pytest.raises(ValueError, match="more than max_depth = 32 variations in one another"):
        parse_record(make("chess"), text.encode())
    assert time.process_time() - start < 0.5


def test_a_limit_may_be_set() -> None:
    with pytest.raises(PgnError, match="more than max_moves = 1 moves"):
        parse_pgn("1. e4 e5", Limits(max_moves=1))


WORDS = st.sampled_from(
    ["e4", "Nf3", "1.", "(", ")", "{x}", "$1", "!", "*", "1-0", '[A "b"]', "O-O", ";\n", "%", "\n"]
)


@given(st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=40).map(" ".join)))
@settings(max_examples=300)
def test_any_text_is_read_or_refused_and_what_is_read_is_stable(text: str) -> None:
    try:
        games = parse_pgn(text)
    except PgnError:
        return
    for game in games:
        written = format_pgn(game)
        [again] = parse_pgn(written)
        assert format_pgn(again) == written


def test_a_file_of_a_game_of_chess_is_read_and_written() -> None:
    domain = make("chess")
    game = parse_record(domain, b"1. f3 e5 2. g4 Qh4# 0-1")
    assert game.outcome() == "Black wins"
    assert formats(domain) == ["pgn", "json"]
    assert write_record(game, "pgn").endswith("1. f3 e5 2. g4 Qh4# 0-1\n")
    with pytest.raises(ValueError, match="line 1, column 4: e5: 'e5' is not a legal action"):
        parse_record(domain, b"1. e5")
    with pytest.raises(ValueError, match="there is no game in this text"):
        parse_record(domain, b"  ")

"""SGF: what is read, what is refused, and that what is written reads back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tesuji.domains.registry import make
from tesuji.engine.game import Game
from tesuji.engine.protocols.sgf import Limits, SgfError, SgfNode, format_sgf, parse_sgf
from tesuji.engine.protocols.sgf_games import game_to_sgf, sgf_to_game
from tesuji.engine.record import formats, parse_record, write_record


def test_properties_values_and_variations_are_read() -> None:
    text = "(;FF[4]C[a\\]b\\\\c\nd\\\ne]AB[aa][bb:cc](;B[dd];W[ee])(;B[ff](;W[gg])(;W[hh])))"
    [root] = parse_sgf(text)
    assert root.properties == {"FF": ["4"], "C": ["a]b\\c\nde"], "AB": ["aa", "bb:cc"]}
    assert [child.get("B") for child in root.children] == ["dd", "ff"]
    assert [child.get("W") for child in root.children[1].children] == ["gg", "hh"]


def test_several_games_and_mail_around_them_are_read() -> None:
    roots = parse_sgf("Dear reader,\n(;GM[1];B[aa])\n(;GM[2])\nyours")
    assert [root.get("GM") for root in roots] == ["1", "2"]


def test_the_file_names_its_encoding() -> None:
    text = "(;CA[Shift_JIS]PB[本因坊])"
    assert parse_sgf(text.encode("shift_jis"))[0].get("PB") == "本因坊"
    assert parse_sgf("(;PB[Müller])".encode("latin-1"))[0].get("PB") == "Müller"
    assert parse_sgf("\ufeff(;PB[Müller])".encode())[0].get("PB") == "Müller"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no '\\(;'"),
        ("(;B[aa]", "not closed by '\\)'"),
        ("(;B[aa", "not closed by '\\]'"),
        ("(;B)", "no value"),
        ("(;B[aa](x))", "expected ';'"),
        ("(;B[aa]())", "expected"),
        ("(;CA[klingon])", "unknown encoding"),
        ("(;" + "(;" * 2000, "max_depth"),
        ("(;" + "(;)" * 20_000 + ")", "max_variations"),
        ("(" + ";B[aa]" * 60_000 + ")", "max_nodes"),
        ("(;C[" + "x" * 200_000 + "])", "not closed by"),
        ("(;AB" + "[aa]" * 2000 + ")", "more than 1000 values"),
    ],
)
def test_what_is_broken_or_too_big_is_refused(text: str, message: str) -> None:
    with pytest.raises(SgfError, match=message):
        parse_sgf(text.encode())


def test_a_file_of_ten_megabytes_is_refused_at_once() -> None:
    with pytest.raises(SgfError, match="at most 8388608 bytes, got 10000000"):
        parse_sgf(b"x" * 10_000_000)
    with pytest.raises(SgfError, match="at most 4 bytes"):
        parse_sgf("(;B[aa])", Limits(max_bytes=4))


@given(st.binary(max_size=300) | st.text("(;)[]\\BWAaz:1 \n", max_size=300).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        roots = parse_sgf(data)
    except SgfError:
        return
    assert format_sgf(parse_sgf(format_sgf(roots))) == format_sgf(roots)


PARTS = st.sampled_from(
    ["(", ")", ";", "B[cc]", "W[dd]", "B[]", "W[zz]", "AB[aa:cc]", "AW[dd][ee]", "SZ[9]", "SZ[0]",
     "KM[x]", "GM[1]", "GM[2]", "PL[W]", "HA[2]", "RU[Japanese]", "C[a\\]b]", "B", "[", "]", "\n"]
)  # fmt: skip


@given(st.lists(PARTS, max_size=14).map(lambda parts: f"(;GM[1]SZ[9]{''.join(parts)})"))
def test_any_properties_are_a_game_of_go_or_refused(text: str) -> None:
    domain = make("go_9x9")
    try:
        game = parse_record(domain, text.encode())
    except ValueError:
        return
    assert write_record(parse_record(domain, write_record(game, "sgf").encode()), "sgf") == (
        write_record(game, "sgf")
    )


@given(st.lists(st.text(max_size=20).filter(lambda t: "\x00" not in t and "\r" not in t)))
def test_values_read_back(values: list[str]) -> None:
    root = SgfNode({"C": values or [""]})
    assert parse_sgf(format_sgf([root]))[0].properties == root.properties


@pytest.mark.parametrize("name", ["go_5x5", "othello_6x6", "hex_5x5", "hex_swap_5x5", "gomoku_7x7"])
def test_a_random_game_with_variations_reads_back(name: str) -> None:
    domain, rng = make(name), np.random.default_rng(3)
    game = Game(domain)
    for _ in range(40):
        if game.current.ended or rng.random() < 0.1:
            game.goto(int(rng.integers(len(game.positions))))
            while game.current.ended:
                game.undo()
        legal = np.flatnonzero(domain.legal(game.current.state))
        game.play(int(rng.choice(legal)))
    again = sgf_to_game(parse_sgf(game_to_sgf(game))[0], domain)
    assert game_to_sgf(again) == game_to_sgf(game)
    assert len(again.positions) == len(game.positions)


def test_handicap_komi_size_and_rules_are_those_of_the_file() -> None:
    text = "(;GM[1]SZ[9]KM[0.5]HA[2]RU[Tromp-Taylor]AB[cc][gg];W[ee];B[dd])"
    game = sgf_to_game(parse_sgf(text)[0])
    assert game.domain.spec.name == "go_9x9"
    assert [position.to_play for position in game.line()] == [1, 0, 1]
    assert sum(map(sum, game.domain.board(game.current.state).cells)) == 5
    assert "AB[cc][gg]" in game_to_sgf(game)
    assert "PL[W]" in game_to_sgf(game)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("(;GM[4]SZ[9]AB[aa][ee]AW[bb]PL[W];W[cc])", "X8/1O7/9/9/4X4/9/9/9/9 o"),
        ("(;GM[11]SZ[5]AB[a1]AW[b2][c3]PL[B];B[d4])", "X4/1O3/2O2/5/5 x"),
    ],
)
def test_other_games_begin_with_stones_too(text: str, start: str) -> None:
    game = sgf_to_game(parse_sgf(text)[0])
    assert game.domain.format_state(game.positions[0].state) == start
    again = sgf_to_game(parse_sgf(game_to_sgf(game))[0])
    assert again.domain.format_state(again.current.state) == game.domain.format_state(
        game.current.state
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(;GM[7])", "GM\\[7\\] is a game that is not known"),
        ("(;SZ[50])", "size must be 5 to 19"),
        ("(;SZ[x])", "SZ\\[x\\] is no number"),
        ("(;SZ[9];B[aa];W[aa])", "W\\[aa\\] after move 1: A9 is taken"),
        ("(;SZ[9];B[zz])", "B\\[zz\\]"),
        ("(;SZ[9];B[hello])", "is no point"),
        ("(;SZ[9]AB[zz];B[aa])", "lies off the board"),
        ("(;SZ[9];B[aa];AW[bb])", "only a first node may"),
        ("(;GM[11]SZ[3]AB[a1][a2][a3];W[b1])", "stones of the first node: Red has won there"),
    ],
)
def test_a_game_against_the_rules_is_refused(text: str, message: str) -> None:
    with pytest.raises(SgfError, match=message):
        sgf_to_game(parse_sgf(text)[0])


def test_two_moves_of_one_side_have_a_pass_between_them() -> None:
    game = sgf_to_game(parse_sgf("(;SZ[9];B[aa];B[bb];W[];B[tt])")[0])
    names = [position.move.name for position in game.line()[1:]]
    assert names == ["A9", "pass", "B8", "pass", "pass"]
    assert game.current.ended


@pytest.mark.parametrize("name", ["go_5x5", "hex_5x5", "gomoku_7x7", "othello"])
def test_a_saved_sgf_is_opened_again(name: str) -> None:
    domain = make(name)
    game = Game(domain)
    for _ in range(4):
        game.play(next(iter(game.legal_moves())))
    assert "sgf" in formats(domain)
    again = parse_record(domain, write_record(game, "sgf").encode())
    assert domain.render(again.current.state) == domain.render(game.current.state)
    assert again.current.ply == 4


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("go_9x9", "(;GM[1]SZ[19];B[aa])", "a game of go_19x19, not go_9x9"),
        ("go_9x9", "(;GM[2]SZ[8];B[d3])", "a game of othello, not go_9x9"),
        ("chess", "(;GM[1]SZ[9];B[aa])", "a game of go_9x9, not chess"),
        ("go_9x9", "(;GM[1]SZ[9];B[aa];W[aa])", "after move 1"),
        ("go_9x9", "(;GM[1]SZ[9];B[aa]", "not closed by"),
    ],
)
def test_an_sgf_of_another_game_or_broken_is_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_record(make(name), text.encode())

"""Chess against published counts, Stockfish's counts and python-chess."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from tesuji.domains.base import Domain, State
from tesuji.domains.compiled import CompiledDomain, legal_at, row_pointer, step_at
from tesuji.domains.games.chess_notation import format_san
from tesuji.domains.registry import make

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
BENCHMARK = Path(__file__).parents[2] / "benchmarks/chess_games.py"

# The six positions of https://www.chessprogramming.org/Perft_Results, depth 1 and on.
PERFT = {
    START: [20, 400, 8902, 197281, 4865609],
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1": [
        48, 2039, 97862, 4085603, 193690690,
    ],
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1": [14, 191, 2812, 43238, 674624],
    "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1": [
        6, 264, 9467, 422333, 15833292,
    ],
    "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8": [
        44, 1486, 62379, 2103487, 89941194,
    ],
    "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10": [
        46, 2079, 89890, 3894594, 164075551,
    ],
}  # fmt: skip

# Positions of our own, counted by Stockfish 15.
CHESS960_PERFT = {
    "bbqnnrkr/pppppppp/8/8/8/8/PPPPPPPP/BBQNNRKR w KQkq - 0 1": [20, 400, 9006, 201143],
    "nbbrkrqn/pppppppp/8/8/8/8/PPPPPPPP/NBBRKRQN w KQkq - 0 1": [18, 324, 6648, 135718],
    "r1k1r2q/p1ppp1pp/8/8/8/8/P1PPP1PP/R1K1R2Q w KQkq - 0 1": [23, 522, 12333, 285754],
    "rkr5/8/8/8/8/8/8/5RKR w KQkq - 0 1": [22, 442, 10217, 231403],
    "4k3/8/8/8/8/8/8/rR2K2R w KQ - 0 1": [18, 210, 4969, 72700],
    "r3k1r1/pp6/8/8/8/8/6PP/2R1K2R b KQkq - 3 20": [21, 465, 10070, 219929],
}


@njit(cache=True)
def count_moves(addresses, instance, rows, masks, depth):
    """Return how many paths of `depth` moves lead from row 0; draws do not end them."""
    legal, step = legal_at(addresses), step_at(addresses)
    action = np.zeros(depth, np.int64)
    ply, count = 0, 0
    legal(row_pointer(rows, 0), instance, masks[0])
    while ply >= 0:
        if ply == depth - 1:
            count += masks[ply].sum()
            ply -= 1
            continue
        while action[ply] < masks.shape[1] and not masks[ply, action[ply]]:
            action[ply] += 1
        if action[ply] == masks.shape[1]:
            ply -= 1
            continue
        action[ply] += 1
        rows[ply + 1] = rows[ply]
        step(row_pointer(rows, ply + 1), action[ply] - 1, instance, np.uint64(0))
        ply += 1
        action[ply] = 0
        legal(row_pointer(rows, ply), instance, masks[ply])
    return count


def perft(game: Domain, fen: str, depth: int) -> int:
    assert isinstance(game, CompiledDomain)
    rows = np.zeros((depth, game.row_size), np.uint8)
    rows[0] = game.row(game.parse_state(fen))
    masks = np.zeros((depth, game.spec.num_actions), np.bool_)
    return int(count_moves(game.kernels.addresses(), game.instance, rows, masks, depth))


@pytest.mark.parametrize("fen", PERFT)
def test_perft(fen: str, needs_jit: None) -> None:
    assert [perft(make("chess"), fen, depth) for depth in (1, 2, 3, 4)] == PERFT[fen][:4]


@pytest.mark.slow
@pytest.mark.parametrize("fen", PERFT)
def test_perft_of_depth_five(fen: str, needs_jit: None) -> None:
    assert perft(make("chess"), fen, 5) == PERFT[fen][4]


@pytest.mark.parametrize("fen", CHESS960_PERFT)
def test_perft_of_chess960(fen: str, needs_jit: None) -> None:
    found = [perft(make("chess960"), fen, depth) for depth in (1, 2, 3, 4)]
    assert found == CHESS960_PERFT[fen]


def test_random_games_go_as_those_of_python_chess(needs_jit: None) -> None:
    compare_game = runpy.run_path(str(BENCHMARK))["compare_game"]
    domains = {False: make("chess"), True: make("chess960")}
    assert sum(compare_game(game, 1, domains) for game in range(6)) > 1000


def play(game: Domain, moves: str, fen: str | None = None) -> tuple[State, float, float]:
    state = game.reset() if fen is None else game.parse_state(fen)
    reward, discount = 0.0, -1.0
    for move in moves.split():
        assert discount == -1.0, f"over before {move}"
        state, reward, discount = game.step(state, game.parse_action(state, move))
    return state, reward, discount


@pytest.mark.parametrize(
    ("fen", "moves", "end"),
    [
        (START, "f3 e5 g4 Qh4#", (1, 0)),
        (START, "e4 e5 Nf3 Nc6", (0, -1)),
        ("7k/8/5KQ1/8/8/8/8/8 w - - 0 1", "Qf7", (0, 0)),  # stalemate
        ("7k/8/5K2/8/8/8/8/6R1 w - - 0 1", "Rh1+", (0, -1)),
        ("8/8/8/8/8/k6p/7R/3K4 w - - 99 80", "Rg2", (0, 0)),
        ("8/8/8/8/8/7p/k7/3K3R w - - 99 80", "Rxh3", (0, -1)),  # a capture starts the count anew
        ("3k4/8/8/8/8/8/4R3/4K3 w - - 99 80", "Ra2", (0, 0)),  # fifty moves
        ("7k/5K2/8/8/8/8/8/6R1 w - - 99 80", "Rh1#", (1, 0)),  # mate comes first
        ("4k3/8/8/8/8/8/3b4/4K2N w - - 0 1", "Kxd2", (0, 0)),  # king and knight
        ("4k3/8/2n5/8/8/8/3b4/4K2N w - - 0 1", "Kxd2", (0, -1)),  # a knight each may mate
        ("4k3/5b2/8/8/8/8/3b4/B3K3 w - - 0 1", "Kxd2", (0, -1)),  # bishops of both colours
        ("4k3/6b1/8/8/8/8/3r4/B3K3 w - - 0 1", "Kxd2", (0, 0)),  # bishops of one colour
        (START, "Nf3 Nf6 Ng1 Ng8 Nf3 Nf6 Ng1", (0, -1)),
        (START, "Nf3 Nf6 Ng1 Ng8 Nf3 Nf6 Ng1 Ng8", (0, 0)),  # the third occurrence
        (START, "Nf3 Nf6 Rg1 Rg8 Rh1 Rh8 Rg1 Rg8 Rh1 Rh8", (0, -1)),  # rights were lost at first
        (START, "Nf3 Nf6 Rg1 Rg8 Rh1 Rh8 Rg1 Rg8 Rh1 Rh8 Rg1 Rg8", (0, 0)),
        (START, "e4 Nf6 e5 d5 Nf3 Ng8 Ng1 Nf6 Nf3 Ng8 Ng1 Nf6", (0, -1)),  # en passant once
        (START, "e4 Nf6 e5 d5 Nf3 Ng8 Ng1 Nf6 Nf3 Ng8 Ng1 Nf6 Nf3", (0, 0)),
    ],
)
def test_how_games_end(fen: str, moves: str, end: tuple[float, float]) -> None:
    assert play(make("chess"), moves, fen)[1:] == end


def test_equal_positions_are_equal_rows_whatever_led_to_them() -> None:
    game = make("chess")
    after = play(game, "e4 e6 d4 d5")[0]
    assert game.key(after) == game.key(play(game, "d4 d5 e4 e6")[0])
    # What was before a capture or a pawn's move can never come again, and is forgotten.
    slow = play(game, "Nf3 Nf6 Ng1 Ng8 e4 e6")[0]
    assert game.key(slow) == game.key(play(game, "e4 e6")[0])
    # What may come again matters.
    assert game.key(play(game, "Nf3 Nf6 Ng1 Ng8")[0]) != game.key(game.reset())


def test_play_may_go_on_after_a_draw_by_moves() -> None:
    game = make("chess")
    state = game.parse_state("3k4/8/8/8/8/8/4R3/4K3 w - - 0 1")
    for moves in range(0, 240, 4):
        for move in ("Kf1", "Kc8", "Ke1", "Kd8"):
            state = game.step(state, game.parse_action(state, move))[0]
        assert state.clock == moves + 4
        assert state.length == min(moves + 4, 100)
        assert state.repetitions == min(moves // 4 + 1, 2)


@pytest.mark.parametrize(
    ("fen", "text", "uci"),
    [
        (START, "Nf3", "g1f3"),
        (START, "g1f3", "g1f3"),
        (START, "E2E4", "e2e4"),
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "O-O", "e1g1"),
        ("r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 0 1", "0-0-0+", "e8c8"),
        ("r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 0 1", "e8h8", "e8g8"),
        ("4k3/1P6/8/8/8/8/8/4K3 w - - 0 1", "b8=N", "b7b8n"),
        ("4k3/1P6/8/8/8/8/8/4K3 w - - 0 1", "b8Q!", "b7b8q"),
        ("4k3/8/8/8/2p5/1P6/1B6/4K3 w - - 0 1", "bxc4", "b3c4"),
        ("4k3/8/8/8/8/2p5/1P1B4/4K3 w - - 0 1", "Bxc3", "d2c3"),
        ("4k3/8/8/8/8/R7/8/R3K3 w - - 0 1", "R1a2", "a1a2"),
    ],
)
def test_moves_are_read_as_san_and_uci(fen: str, text: str, uci: str) -> None:
    game = make("chess")
    state = game.parse_state(fen)
    action = game.parse_action(state, text)
    assert game.action_name(state, action) == uci
    assert game.parse_action(state, format_san(state, action)) == action


def test_castling_in_chess960_is_the_king_taking_its_rook() -> None:
    game = make("chess960")
    state = game.parse_state("4k3/8/8/8/8/8/8/1R3KR1 w GB - 0 1")
    action = game.parse_action(state, "O-O")
    assert game.action_name(state, action) == "f1g1"
    assert game.parse_action(state, "f1g1") == action
    after = game.step(state, action)[0]
    assert game.format_state(after) == "4k3/8/8/8/8/8/8/1R3RK1 b - - 1 1"
    assert game.action_origin(state, action) == (7, 5)
    assert game.action_cells(state, action) == ((7, 6),)


@pytest.mark.parametrize("text", ["e5", "Ke2", "Qxq", "O-O", "", "e2e4e5", "Nf3" * 50, "\x00"])
def test_what_is_no_move_is_refused(text: str) -> None:
    game = make("chess")
    with pytest.raises(ValueError, match="is not a legal action here; legal: a2a3"):
        game.parse_action(game.reset(), text)


def test_a_move_that_fits_twice_is_refused() -> None:
    game = make("chess")
    with pytest.raises(ValueError, match="'Ra2' fits several moves: a1a2, a3a2"):
        game.parse_action(game.parse_state("4k3/8/8/8/8/R7/8/R3K3 w - - 0 1"), "Ra2")


@pytest.mark.parametrize(
    ("fen", "message"),
    [
        ("", "four to six fields, got 0"),
        ("8/8/8/8 w - - 0 1", "eight ranks, got 4"),
        (START.replace("8/8", "9/8", 1), "rank 6 has '9'"),
        (START.replace("pppppppp", "ppppppppp"), "rank 7 must have eight squares, 'ppppppppp'"),
        (START.replace("k", "q"), "Black must have one king, it has 0"),
        (START.replace(" w ", " x "), "the side to move must be 'w' or 'b', got 'x'"),
        (START.replace("- 0", "e3 0"), "no pawn can just have passed e3"),
        (START.replace("- 0", "zz 0"), "the en passant square must be"),
        (START.replace("- 0", "- -1"), "halfmove clock must be a number from 0 to 9999"),
        (START.replace("RNBQKBNR w", "RNBQK1NR w").replace("KQ", "KQG"), "castling 'G'"),
        (START.replace("KQkq", "KKkq"), "names the rook on h1 twice"),
        ("4k3/8/8/8/8/8/8/1R2K3 w Q - 0 1", "is of Chess960"),
        ("4k3/8/8/8/8/8/8/4K2P w - - 0 1", "a pawn cannot stand on h1"),
        ("4k3/8/8/8/8/8/4R3/4K3 w - - 0 1", "White is to move and could take the king"),
        ("4k3/QQQQQQQQ/QQQQQQQQ/8/8/8/8/4K3 w - - 0 1", "White has 17 pieces, more than 16"),
        ("x" * 10_000_000, "at most 120 characters"),
    ],
)
def test_a_bad_fen_is_refused(fen: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make("chess").parse_state(fen)


PIECES = st.sampled_from(
    ["k", "K", "q", "R", "p", "P", "8", "7", "1", "/", " w ", " b ", "-", "KQkq"]
)
FENS = st.one_of(
    st.text(max_size=60),
    st.lists(PIECES, max_size=30).map("".join),
    st.tuples(st.integers(0, len(START)), st.text(max_size=3), st.integers(0, 4)).map(
        lambda at: START[: at[0]] + at[1] + START[at[0] + at[2] :]
    ),
)


@given(FENS)
@settings(max_examples=400)
def test_any_text_is_a_position_that_reads_back_or_is_refused(text: str) -> None:
    for domain in (make("chess"), make("chess960")):
        try:
            state = domain.parse_state(text)
        except ValueError:
            continue
        written = domain.format_state(state)
        assert written is not None
        assert domain.format_state(domain.parse_state(written)) == written
        assert domain.legal(state).shape == (domain.spec.num_actions,)


def test_an_en_passant_square_is_kept_only_where_a_pawn_may_capture() -> None:
    game = make("chess")
    assert str(game.format_state(play(game, "e4")[0])).split()[3] == "-"
    assert str(game.format_state(play(game, "e4 a6 e5 d5")[0])).split()[3] == "d6"
    # The king would stand in check from the rook at h5.
    pinned = "8/8/8/K2pP2r/8/8/8/4k3 w - d6 0 1"
    assert str(game.format_state(game.parse_state(pinned))).split()[3] == "-"


def test_a_start_of_chess960_is_drawn_by_the_seed_or_given() -> None:
    game = make("chess960")
    assert game.format_state(game.reset(518)) == START
    assert game.format_state(game.reset(518 + 960)) == START
    fixed = make("chess", start=0)
    assert str(fixed.format_state(fixed.reset(5))).startswith("bbqnnrkr/")
    with pytest.raises(ValueError, match="start must be between 0 and 959, got 960"):
        make("chess", start=960)


def test_the_board_shows_pieces() -> None:
    board = make("chess").board(make("chess").reset())
    assert board is not None
    assert board.style == "pieces"
    assert "".join(board.glyphs[value] for value in board.cells[0]) == "♜♞♝♛♚♝♞♜"
    assert "".join(board.glyphs[value] for value in board.cells[7]) == "♖♘♗♕♔♗♘♖"


def test_an_observation_is_seen_by_the_side_to_move() -> None:
    game = make("chess")
    white = game.observe(game.reset())
    black = game.observe(play(game, "e4")[0])
    assert white[0, 1].tolist() == [1.0] * 8
    assert black[0, 1].tolist() == [1.0] * 8
    assert black[6, 4].tolist() == [0, 0, 0, 0, 1, 0, 0, 0]  # White's pawn on e4, seen turned over
    assert white[12, 0].tolist() == [1, 0, 0, 0, 0, 0, 0, 1]
    repeated = game.observe(play(game, "Nf3 Nf6 Ng1 Ng8")[0])
    assert repeated[15].all()
    assert repeated[16, 0, 0] == np.float32(0.04)

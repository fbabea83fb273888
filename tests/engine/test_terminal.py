"""Play in the terminal, line by line."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tesuji.domains import registry
from tesuji.engine.terminal import PlayOptions, Terminal, play
from tesuji.engine.typed import HELP

Make = Callable[..., Any]


@pytest.fixture
def talk(plain_search: Make) -> Callable[..., str]:
    """Play a game with these lines typed and return all that was shown."""

    def run(*lines: str, name: str = "connect_four", tty: bool = False, **options: Any) -> str:
        shown, typed = io.StringIO(), iter(lines)

        def ask(prompt: str) -> str:
            shown.write(prompt)
            line = next(typed, None)
            if line is None:
                raise EOFError
            shown.write(line + "\n")
            return line

        domain = registry.make(name)
        console = Console(file=shown, force_terminal=tty, width=100, highlight=False)
        chosen = PlayOptions(**{"person": None, "simulations": 40, **options})
        play(domain, plain_search(domain), chosen, console=console, ask=ask)
        return shown.getvalue()

    return run


def test_a_move_is_drawn_and_the_engine_answers(talk: Callable[..., str]) -> None:
    shown = talk("4", person=0)
    assert "Red to move > 4" in shown
    assert "Yellow plays " in shown
    assert "●" in shown
    assert "○" in shown


def test_the_engine_begins_when_the_person_is_second(talk: Callable[..., str]) -> None:
    shown = talk("quit", person=1)
    assert shown.index("Red plays ") < shown.index("Yellow to move > quit")


def test_undo_takes_back_the_answer_too(talk: Callable[..., str]) -> None:
    shown = talk("4", "undo", "moves", person=0)
    assert "made: none" in shown


def test_redo_brings_both_back(talk: Callable[..., str]) -> None:
    shown = talk("4", "undo", "redo", "moves", person=0)
    assert "made: 4 " in shown


def test_a_won_game_says_so_and_goes_on(talk: Callable[..., str]) -> None:
    shown = talk(*"1212121", "3", "undo", "7")
    assert "Red wins; new, undo or quit > 3" in shown
    assert "the game is over (Red wins)" in shown


def test_a_hint_names_the_winning_move(talk: Callable[..., str]) -> None:
    assert "4: 100% for you, proven win; expected: 4" in talk(*"414141", "hint")


def test_an_analysis_lists_the_moves(talk: Callable[..., str]) -> None:
    shown = talk("analyse 30")
    assert "visits" in shown
    assert "30 simulations" in shown


def test_an_analysis_in_a_terminal_is_live(talk: Callable[..., str]) -> None:
    shown = talk("analyse 400", tty=True)
    assert "\x1b[" in shown
    assert "400 simulations" in shown


def test_switch_gives_the_engine_the_move(talk: Callable[..., str]) -> None:
    shown = talk("switch", person=0)
    assert "you are Yellow now" in shown
    assert "Red plays " in shown


def test_go_lets_the_engine_move(talk: Callable[..., str]) -> None:
    assert "Red plays " in talk("go")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("undoo", "'undoo' is neither a move here nor a command; did you mean undo?"),
        ("xyzzy", "type help, or moves for the legal moves"),
        ("8", "'8' is not a legal action here; legal: 1, 2, 3, 4, 5, 6, 7"),
        ("level", "level takes a number from 1 to 10, got ''"),
        ("level 11", "level takes a number from 1 to 10, got '11'"),
        ("level x", "level takes a number from 1 to 10, got 'x'"),
        ("analyse -3", "analyse takes a number from 1 to 10000000, got '-3'"),
        ("save", "save takes a file name, as in: save game.json"),
        ("load /nonexistent/game", "cannot read /nonexistent/game: No such file"),
        ("save /proc/nowhere/game", "cannot write"),
        ("undo", "nothing to undo"),
        ("redo", "nothing to redo"),
        ("switch", "the engine has no side here"),
        ("l", "'l' is neither a move here nor a command"),
        ("lev 3", "level 3"),
        ("?", "keep the game in a file"),
    ],
)
def test_each_command_answers_in_one_clear_line(
    talk: Callable[..., str], typed: str, answer: str
) -> None:
    assert answer in talk(typed).replace("\n", " ")


def test_a_full_column_is_refused_with_its_reason(talk: Callable[..., str]) -> None:
    assert "4 is full" in talk(*"4444444")


def test_a_game_is_saved_and_loaded(talk: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "a game.json"
    talk("4", "3", f"save {path}")
    assert "made: 4 3" in talk(f"load {path}", "moves")
    shown = " ".join(talk(f"load {path}", name="tic_tac_toe").split())
    assert "this is a game of 'connect_four'" in shown


def test_a_damaged_file_is_named_and_the_game_goes_on(
    talk: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "game.json"
    path.write_bytes(b"\xff\x00[")
    shown = " ".join(talk("4", f"load {path}", "moves").split())
    assert "this is no text; expected SGF, PGN or a saved game" in shown
    assert "made: 4" in shown


def test_new_starts_over(talk: Callable[..., str]) -> None:
    assert "made: none" in talk("4", "new", "moves")


def test_ctrl_c_at_the_prompt_leaves(plain_search: Make) -> None:
    def ask(_: str) -> str:
        raise KeyboardInterrupt

    domain = registry.make("connect_four")
    play(domain, plain_search(domain), console=Console(file=io.StringIO()), ask=ask)


def test_a_console_without_unicode_gets_plain_letters(plain_search: Make) -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", errors="replace")
    domain, typed = registry.make("connect_four"), iter(["4", "quit"])
    options = PlayOptions(person=None)
    play(
        domain, plain_search(domain), options, console=Console(file=file), ask=lambda _: next(typed)
    )
    file.flush()
    assert b". . . X . . ." in raw.getvalue()


def test_help_tells_of_every_command(plain_search: Make) -> None:
    from tesuji.engine.session import Session

    domain = registry.make("connect_four")
    terminal = Terminal(Session(domain, plain_search(domain)), Console(), 10)
    assert all(name in HELP for name in terminal.commands if name not in ("analyze", "?", "help"))


def test_junk_never_ends_the_game(plain_search: Make) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.text(max_size=12), max_size=6))
    def run(lines: list[str]) -> None:
        typed, shown = iter(lines), list[str]()

        def ask(prompt: str) -> str:
            shown.append(prompt)
            for line in typed:
                if not line.strip().lower().startswith(("s", "l", "q", "exit")):
                    return line
            raise EOFError

        domain = registry.make("tic_tac_toe")
        options = PlayOptions(person=None, simulations=2)
        play(domain, plain_search(domain), options, console=Console(file=io.StringIO()), ask=ask)
        assert "to move > " in shown[-1]

    run()


def test_a_game_for_one_has_no_sides(talk: Callable[..., str]) -> None:
    shown = talk("go", "moves", name="2048")
    assert "your move > go" in shown
    assert "the engine plays " in shown

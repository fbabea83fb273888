"""The page in a real browser: headless Chromium, driven by Playwright."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tesuji.domains import registry
from tesuji.domains.base import Domain, DomainSpec
from tesuji.engine.moves import read_game
from tesuji.engine.web.server import listen, make_app, make_server, names_of
from tesuji.engine.web.thinker import Limits
from tesuji.search.base import Budget

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
expect.set_options(timeout=30_000)  # the first move of a game may have rules compiled

CHROMIUM = Path("/usr/bin/chromium")
# Without these, Chromium asks its maker's servers for updates at every start.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
LIMITS = Limits(analysis=Budget(simulations=400), hint=Budget(simulations=60), judge=8)
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}

STONES = ".board > .stones > .stone"

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        message = f"{CHROMIUM} is missing; apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def served(domain: Domain, plain_search: Callable[[Domain], Any], **options: Any) -> Iterator[str]:
    with listen("127.0.0.1", 0) as listener:
        chosen = {"limits": LIMITS, **options}
        app = make_app(domain, lambda: plain_search(domain), names_of(listener), **chosen)
        server = make_server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def opened(browser: Browser, plain_search: Callable[[Domain], Any]) -> Iterator[Open]:
    """Open the page of a game; afterwards nothing foreign was asked and nothing went wrong."""
    endings: list[Callable[[], Any]] = []
    wrong: list[str] = []

    def run(game: str | Domain = "connect_four", viewport: Any = DESKTOP, **options: Any) -> Page:
        scheme = options.pop("color_scheme", "light")
        domain = registry.make(game) if isinstance(game, str) else game
        running = served(domain, plain_search, **options)
        url = running.__enter__()
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        endings.extend([lambda: running.__exit__(None, None, None), context.close])
        page = context.new_page()

        def asked(request: Any) -> None:
            if not request.url.startswith((url, f"blob:{url}")):
                wrong.append(f"asked {request.url}")

        page.on("request", asked)
        page.on("console", lambda m: wrong.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(url)
        page.wait_for_selector("#board > *", timeout=120_000)  # rules may have to be compiled
        return page

    yield run
    for end in reversed(endings):
        end()
    assert not wrong


def cell(page: Page, row: int, column: int) -> Any:
    return page.locator("[role=row]").nth(row).locator(".cell").nth(column)


def status(page: Page) -> Any:
    return page.locator("#status")


def test_a_move_is_played_and_the_engine_replies(opened: Open) -> None:
    page = opened()
    expect(status(page)).to_have_text("Your move.")
    cell(page, 0, 3).click()
    expect(page.locator(f"{STONES}.side-0")).to_have_count(1)
    expect(page.locator(STONES)).to_have_count(2)
    expect(status(page)).to_have_text(re.compile(r"Yellow played \d\. Your move\."))
    expect(page.locator("#variations .move:not(.start)")).to_have_count(2)


def test_undo_and_redo(opened: Open) -> None:
    page = opened()
    cell(page, 0, 3).click()
    expect(page.locator(STONES)).to_have_count(2)
    page.click("#undo")
    expect(page.locator(STONES)).to_have_count(0)
    expect(page.locator("#undo")).to_be_disabled()
    page.click("#redo")
    expect(page.locator(STONES)).to_have_count(2)
    expect(page.locator("#redo")).to_be_disabled()


def test_the_whole_game_goes_by_keyboard(opened: Open) -> None:
    page = opened()
    expect(status(page)).to_have_text("Your move.")
    page.keyboard.press("b")
    focused = page.locator(".cell:focus")
    expect(focused).to_have_attribute("aria-label", "column 4, row 4: empty, playable")
    assert focused.evaluate("cell => getComputedStyle(cell).stroke") != "none"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    expect(focused).to_have_attribute("aria-label", "column 3, row 3: empty, playable")
    expect(page.locator(".preview")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(STONES)).to_have_count(2)
    expect(page.locator("#variations .move").nth(1)).to_have_text("3")
    page.keyboard.press("u")
    expect(page.locator(STONES)).to_have_count(0)
    page.keyboard.press("r")
    expect(page.locator(STONES)).to_have_count(2)
    page.keyboard.press("[")
    expect(page.locator(STONES)).to_have_count(1)
    page.keyboard.press("]")
    page.keyboard.press("7")
    expect(page.locator(STONES)).to_have_count(4)
    page.keyboard.press("+")
    expect(page.locator("#level-text")).to_have_text("6")
    page.keyboard.press("n")
    expect(page.locator(STONES)).to_have_count(0)
    page.keyboard.press("s")
    expect(page.locator(STONES)).to_have_count(1)
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()


def test_every_control_can_be_reached_with_tab(opened: Open) -> None:
    page = opened()
    cell(page, 0, 3).click()
    expect(page.locator(STONES)).to_have_count(2)
    page.locator("body").evaluate("body => document.activeElement.blur()")
    reached = set()
    for _ in range(24):
        page.keyboard.press("Tab")
        name = "document.activeElement.id || document.activeElement.getAttribute('class')"
        reached.add(page.evaluate(name))
    assert {"help-open", "undo", "hint", "analyse", "go", "new", "level"} <= reached
    assert any("cell" in str(name) for name in reached)


def test_a_hint_is_shown_on_the_board_and_told(opened: Open) -> None:
    page = opened(person=None)
    for column in (3, 0, 3, 0, 3, 0):
        cell(page, 0, column).click()
    expect(page.locator(STONES)).to_have_count(6)
    page.keyboard.press("h")
    expect(page.locator(".hint")).to_have_count(1)
    expect(status(page)).to_have_text("Hint: 4 (100%, proven win). Expected: 4")


def test_an_analysis_shows_the_moves_and_their_lines(opened: Open) -> None:
    page = opened()
    page.keyboard.press("a")
    rows = page.locator("#tree > li")
    expect(rows).to_have_count(7)
    expect(page.locator("#depth")).to_have_text(re.compile("simulations spent"), timeout=60_000)
    rows.first.locator("> .row").hover()
    expect(page.locator(".ghost.line").first).to_be_visible()
    assert page.locator(".ghost.line text").first.text_content() == "1"
    expect(page.locator("#line")).to_have_text(re.compile(r"Line: \d( \d)+"))
    page.mouse.move(5, 5)
    expect(page.locator(".ghost.line")).to_have_count(0)


def test_the_search_tree_opens_by_mouse_and_by_keyboard(opened: Open) -> None:
    page = opened()
    page.click("#analyse")
    expect(page.locator("#depth")).to_have_text(re.compile("simulations spent"), timeout=60_000)
    first = page.locator("#tree > li").first
    first.locator("> .row .twist").click()
    expect(first.locator("> ul > li")).to_have_count(7)
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(first.locator("> ul > li").first.locator("> ul > li").first).to_be_visible()
    assert page.locator(".ghost.line").count() >= 2  # the move and the answer
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(first.locator("> ul")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator(STONES)).to_have_count(2)


def test_a_proven_win_has_its_badge_and_its_line(opened: Open) -> None:
    page = opened(person=None)
    page.click("#analyse")
    for column in (3, 0, 3, 0, 3, 0):
        cell(page, 0, column).click()
    expect(page.locator(".badge").first).to_have_text("proven win", timeout=60_000)
    expect(page.locator("#verdict")).to_have_text("Proven win for Red 4")
    cell(page, 0, 3).click()
    expect(status(page)).to_have_text("Red played 4. Red wins.")
    expect(page.locator("#hint")).to_be_disabled()


def test_a_refused_move_is_explained(opened: Open) -> None:
    page = opened(person=None)
    for _ in range(6):
        cell(page, 0, 3).click()
    expect(page.locator(STONES)).to_have_count(6)
    cell(page, 0, 3).click()
    expect(page.locator("#toast")).to_have_text("4 is full")


def test_a_branch_shows_in_the_list_and_can_be_gone_to(opened: Open) -> None:
    page = opened(person=None)
    for column in (3, 3):
        cell(page, 0, column).click()
    expect(page.locator(STONES)).to_have_count(2)
    page.keyboard.press("u")
    cell(page, 0, 0).click()
    expect(page.locator(".variation .move")).to_have_text("1")
    page.locator("#variations .move", has_text="4").nth(1).click()
    expect(page.locator("#variations [aria-current]")).to_have_attribute("data-position", "2")
    page.locator(".graph .band").first.click()
    expect(page.locator(STONES)).to_have_count(0)


def test_the_graph_follows_the_game(opened: Open) -> None:
    page = opened()
    cell(page, 0, 3).click()
    expect(page.locator(STONES)).to_have_count(2)
    expect(page.locator(".graph .point")).to_have_count(3)
    label = page.locator(".graph").get_attribute("aria-label") or ""
    assert re.fullmatch(r"Chances of Red over the game; now \d+%", label)


def test_a_game_outlives_a_reload(opened: Open) -> None:
    page = opened()
    cell(page, 0, 3).click()
    expect(page.locator(STONES)).to_have_count(2)
    page.reload()
    expect(page.locator(STONES)).to_have_count(2)
    expect(page.locator("#variations .move:not(.start)")).to_have_count(2)


def test_sides_and_level_are_chosen(opened: Open) -> None:
    page = opened()
    page.locator("#person label", has_text="Yellow").click()
    expect(page.locator(STONES)).to_have_count(1)
    page.locator("#level").fill("2")
    expect(page.locator(".seat.first small")).to_have_text("engine, level 2")
    page.click("#go")
    expect(page.locator(STONES)).to_have_count(3)


def test_a_pass_is_a_button(opened: Open) -> None:
    page = opened("othello_6x6", person=None)
    for move in moves_to_a_pass():
        page.keyboard.press("b")
        row, column = int(move[1]) - 1, "abcdef".index(move[0])
        cell(page, row, column).click()
    page.locator("#moves button", has_text="Pass").click()
    expect(status(page)).to_have_text(re.compile("played pass"))


def moves_to_a_pass() -> list[str]:
    domain = registry.make("othello_6x6")
    for seed in range(100):
        rng, state, names = np.random.default_rng(seed), domain.reset(), list[str]()
        while True:
            legal = np.flatnonzero(domain.legal(state))
            if domain.action_name(state, int(legal[0])) == "pass":
                return names
            action = int(rng.choice(legal))
            names.append(domain.action_name(state, action))
            state, _, discount = domain.step(state, action)
            if discount == 0:
                break
    raise AssertionError("no game with a pass")


class Nim(Domain):
    """Take one to three of nine; whoever takes the last wins. No board, plain Python."""

    spec = DomainSpec("nim", 3, (1,), num_players=2, max_steps=9)

    def reset(self, seed: int = 0) -> Any:
        return (9, 0)

    def legal(self, state: Any) -> Any:
        return np.arange(1, 4) <= state[0]

    def step(self, state: Any, action: int, key: int = 0) -> tuple[Any, float, float]:
        left = state[0] - action - 1
        return (left, 1 - state[1]), float(left == 0), -float(left > 0)

    def observe(self, state: Any) -> Any:
        return np.array([state[0]], np.float32)

    def to_play(self, state: Any) -> int:
        return int(state[1])

    def render(self, state: Any) -> str:
        return f"{state[0]} left"

    def action_name(self, state: Any, action: int) -> str:
        return f"take {action + 1}"


def test_a_game_without_a_board_is_text_and_buttons(opened: Open) -> None:
    page = opened(Nim())
    expect(page.locator(".text-board")).to_have_text("9 left")
    page.click("#analyse")
    expect(page.locator("#tree > li")).to_have_count(3)
    page.locator("#tree > li > .row").first.hover()
    page.locator("#moves button", has_text="Take 1").click()
    expect(status(page)).to_have_text(re.compile(r"Second played take \d\. Your move\."))
    expect(page.locator("#variations .move:not(.start)")).to_have_count(2)


def test_othello_marks_its_legal_cells_and_turns_stones(opened: Open) -> None:
    page = opened("othello", person=None)
    expect(page.locator(".dot")).to_have_count(4)
    cell(page, 2, 3).click()
    expect(page.locator(f"{STONES}.side-0")).to_have_count(4)
    cell(page, 0, 0).click()
    expect(page.locator("#toast")).to_contain_text("the rules do not allow a1 here")


@pytest.mark.parametrize("game", ["connect_four", "othello", "tic_tac_toe"])
def test_the_page_fits_a_phone(opened: Open, game: str) -> None:
    page = opened(game, viewport=PHONE)
    page.click("#analyse")
    expect(page.locator("#tree > li").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    box = page.locator("svg.board").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < PHONE["height"]


def test_the_page_fits_a_desk_without_scrolling(opened: Open) -> None:
    page = opened("othello")
    assert page.evaluate("document.documentElement.scrollHeight") <= DESKTOP["height"]


def test_dark_is_dark(opened: Open) -> None:
    page = opened("tic_tac_toe", color_scheme="dark")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert all(int(part) < 60 for part in re.findall(r"\d+", colour))


# Pieces that move, chosen by two clicks.

PROMOTION = "8/P6k/8/8/8/8/8/K7 w - - 0 1"


def square(page: Page, name: str) -> Any:
    return cell(page, 8 - int(name[1]), "abcdefgh".index(name[0]))


def opened_at(opened: Open, name: str, text: str, **options: Any) -> Page:
    domain = registry.make(name)
    return opened(domain, person=None, start=lambda: read_game(domain, text), **options)


def test_a_chess_move_goes_by_two_clicks(opened: Open) -> None:
    page = opened("chess", person=None)
    expect(page.locator(STONES)).to_have_count(32)
    square(page, "e2").click()
    expect(page.locator(".taken")).to_have_count(1)
    expect(page.locator(".dot")).to_have_count(2)
    square(page, "e4").click()
    expect(status(page)).to_have_text("White played e2e4. Black to move.")
    expect(page.locator(".last.square")).to_have_count(2)
    square(page, "d7").click()
    square(page, "d4").click()
    expect(page.locator("#toast")).to_contain_text("the rules do not allow d7d4 here")
    expect(page.locator(".taken")).to_have_count(0)
    square(page, "e4").click()
    expect(page.locator("#toast")).to_contain_text("nothing can be played on that cell")


def test_a_promotion_asks_for_the_piece(opened: Open) -> None:
    page = opened_at(opened, "chess", PROMOTION)
    square(page, "a7").click()
    square(page, "a8").click()
    choices = page.locator("#choices button")
    expect(choices).to_have_text(["a7a8q", "a7a8n", "a7a8b", "a7a8r"])
    page.keyboard.press("Escape")
    expect(page.locator("#choice")).to_be_hidden()
    expect(page.locator("#variations .move")).to_have_count(1)
    square(page, "a8").click()
    choices.nth(3).click()
    expect(status(page)).to_have_text("White played a7a8r. Black to move.")
    expect(square(page, "a8")).to_have_attribute("aria-label", "a8: White rook")
    page.reload()
    expect(square(page, "a8")).to_have_attribute("aria-label", "a8: White rook")


def test_a_chess_move_goes_by_keyboard(opened: Open) -> None:
    page = opened_at(opened, "chess", PROMOTION)
    square(page, "a1").focus()
    page.keyboard.press("Enter")
    expect(square(page, "a1")).to_have_attribute("aria-label", "a1: White king, taken up")
    page.keyboard.press("Escape")
    expect(page.locator(".taken")).to_have_count(0)
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    expect(square(page, "a2")).to_have_attribute("aria-label", "a2: empty, playable")
    page.keyboard.press("Enter")
    expect(status(page)).to_have_text("White played a1a2. Black to move.")


def test_the_board_turns_and_clicks_turn_with_it(opened: Open) -> None:
    page = opened_at(opened, "chess", PROMOTION)
    before = square(page, "a1").bounding_box()
    page.click("#flip")
    expect(page.locator("svg.board[data-flipped=true]")).to_have_count(1)
    after = square(page, "a1").bounding_box()
    assert before["x"] < after["x"]
    assert before["y"] > after["y"]
    square(page, "a1").click()
    page.keyboard.press("ArrowUp")  # where the second rank is not: a1 lies in the top corner
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(status(page)).to_have_text("White played a1a2. Black to move.")


def test_the_engine_plays_on_by_itself_until_it_is_stopped(opened: Open) -> None:
    page = opened("tic_tac_toe", level=1)
    page.click("#auto")
    expect(page.locator("#auto")).to_have_attribute("aria-pressed", "true")
    expect(status(page)).to_have_text(re.compile(r"(wins|Draw)\.$"), timeout=20_000)
    expect(page.locator("#auto")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("n")
    expect(page.locator(STONES)).to_have_count(0)


# Files.

REVIEW = Limits(review=Budget(simulations=24), judge=2)
PGN = '[White "A"]\n\n1. e4 e5 (1... c5 2. Nf3) 2. Bc4 Nc6 3. Qh5 Nf6 4. Qxf7# 1-0\n'


def test_a_pgn_opens_with_its_variations_and_its_value_graph(opened: Open) -> None:
    page = opened("chess", limits=Limits(review=Budget(simulations=2), judge=2))
    expect(page.locator(STONES)).to_have_count(32)
    file = {"name": "game.pgn", "mimeType": "text/plain", "buffer": PGN.encode()}
    page.set_input_files("#file", file)
    expect(status(page)).to_have_text("White played h5f7. White wins.")
    expect(page.locator("#variations .variation .move")).to_have_count(2)
    expect(page.locator(".graph .point")).to_have_count(8, timeout=30_000)
    expect(page.locator("#review")).to_have_attribute("aria-pressed", "false")
    page.locator(".graph .band").nth(3).click()
    expect(status(page)).to_have_text(re.compile(r"White played f1c4\. "))
    with page.expect_download() as downloading:
        page.keyboard.press("w")
        page.locator("#choices button", has_text="PGN").click()
    assert downloading.value.suggested_filename == "chess.pgn"
    saved = Path(downloading.value.path()).read_text()
    assert "4. Qxf7#" in saved
    assert "( 1... c5 2. Nf3 )" in saved.replace("(1...", "( 1...").replace("Nf3)", "Nf3 )")


def test_an_sgf_opens_with_its_variations_and_is_saved(opened: Open) -> None:
    page = opened("go_5x5", limits=Limits(review=Budget(simulations=2), judge=2))
    sgf = b"(;GM[1]SZ[5];B[cc];W[dd](;B[cd])(;B[dc];W[cd]))"
    page.set_input_files("#file", {"name": "a.sgf", "mimeType": "a/b", "buffer": sgf})
    expect(page.locator(STONES)).to_have_count(3)
    expect(page.locator("#variations .variation .move")).to_have_count(2)
    expect(page.locator(".graph .point")).to_have_count(4, timeout=30_000)
    with page.expect_download() as downloading:
        page.keyboard.press("w")
        page.locator("#choices button", has_text="SGF").click()
    assert "B[cd]" in Path(downloading.value.path()).read_text()


def test_a_review_marks_blunders_in_graph_and_list(opened: Open) -> None:
    page = opened("connect_four", limits=REVIEW, person=None)
    moves = [*"414141", "7", "2"]
    saved = {"format": "tesuji game 1", "game": "connect_four", "seed": 0, "current": 8,
             "moves": [[at, name] for at, name in enumerate(moves)]}  # fmt: skip
    content = json.dumps(saved).encode()
    page.set_input_files("#file", {"name": "a.json", "mimeType": "a/b", "buffer": content})
    blunder = page.locator("#variations .move", has_text="7")
    expect(blunder).to_have_attribute("title", "blunder; better: 4", timeout=30_000)
    expect(blunder).to_have_text("7??")
    expect(page.locator("#review")).to_have_attribute("aria-pressed", "false", timeout=30_000)
    marked = page.locator("#variations b.blunder").count()
    expect(page.locator(".graph .point.blunder")).to_have_count(marked)


@pytest.mark.parametrize(
    ("game", "content", "reason"),
    [
        ("chess", b"1. e4 e5 2. Ke3", "Ke3"),
        ("chess", b"[", "line 1"),
        ("chess", b"\x00\xff\xfe", "column"),
        ("connect_four", b'{"format": "tesuji game 1"}', "this is a game of None"),
        ("connect_four", b" " * (513 * 1024), "too large: a game has at most 512 kB"),
    ],
)
def test_a_malformed_file_is_explained_and_the_game_goes_on(
    opened: Open, game: str, content: bytes, reason: str
) -> None:
    page = opened(game, person=None)
    stones = page.locator(STONES)
    page.wait_for_function("document.querySelector('#status').textContent.endsWith('to move.')")
    before = stones.count()
    page.set_input_files("#file", {"name": "a.pgn", "mimeType": "a/b", "buffer": content})
    expect(page.locator("#toast")).to_contain_text(reason)
    assert stones.count() == before
    expect(page.locator("#variations .move")).to_have_count(1)


# Other kinds of games.


def test_hex_is_played_on_hexagons_and_swapped_by_a_click(opened: Open) -> None:
    page = opened(registry.make("hex", size=5, swap=True), person=None)
    expect(page.locator("polygon.hexagon")).to_have_count(25)
    cell(page, 0, 0).click()
    expect(page.locator(f"{STONES}.side-0")).to_have_count(1)
    first, below = cell(page, 0, 0).bounding_box(), cell(page, 1, 0).bounding_box()
    assert below["x"] - first["x"] == pytest.approx(first["width"] / 2, rel=0.1)
    swap = page.locator("#moves button", has_text="Swap")
    if swap.count():
        swap.click()
    else:
        cell(page, 0, 0).click()
    expect(page.locator("#variations .move")).to_have_count(3)
    expect(page.locator(f"{STONES}.side-1")).to_have_count(1)


def test_a_game_for_one_goes_by_arrow_keys_and_shows_values(opened: Open) -> None:
    page = opened("2048")
    expect(page.locator("#moves button")).not_to_have_count(0)
    expect(page.locator("#seats")).to_be_hidden()
    expect(page.locator("#person")).to_be_hidden()
    for key in ("ArrowLeft", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator("#variations .move:not(.start)").first).to_have_text(
        re.compile("left|down|right")
    )
    expect(page.locator("#chance")).to_have_text(re.compile(r"expected 0\.\d+"))
    page.keyboard.press("h")
    expect(status(page)).to_have_text(
        re.compile(r"Hint: (up|down|left|right) \(0\.\d+\)\."), timeout=30_000
    )
    page.keyboard.press("u")
    expect(page.locator("#redo")).to_be_enabled()


def test_a_go_game_ends_with_two_passes(opened: Open) -> None:
    page = opened("go_5x5", person=None)
    for place in ((2, 2), (1, 2), (3, 1)):
        cell(page, *place).click()
    expect(page.locator(STONES)).to_have_count(3)
    cell(page, 2, 2).click()
    expect(page.locator("#toast")).to_have_text("C3 is taken")
    passing = page.locator("#moves button", has_text="Pass")
    passing.click()
    expect(status(page)).to_have_text("White played pass. Black to move.")
    passing.click()
    expect(status(page)).to_have_text(re.compile(r"Black played pass\. \w+ wins\."))
    expect(page.locator("#moves button")).to_have_count(0)


def test_a_puzzle_goes_by_arrow_keys_or_clicks(opened: Open) -> None:
    page = opened("sokoban")
    expect(page.locator("#moves button")).not_to_have_count(0)
    name = page.locator("#moves button").first.text_content() or ""
    page.keyboard.press(f"Arrow{name}")
    expect(page.locator("#variations .move:not(.start)")).to_have_count(1)
    page.keyboard.press("u")
    expect(page.locator("#variations .start")).to_have_attribute("aria-current", "true")

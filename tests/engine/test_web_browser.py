"""The page in a real browser: headless Chromium, driven by Playwright."""

from __future__ import annotations

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
from tesuji.engine.web.server import listen, make_app, make_server, names_of
from tesuji.engine.web.thinker import Limits
from tesuji.search.base import Budget

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

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
            if not request.url.startswith(url):
                wrong.append(f"asked {request.url}")

        page.on("request", asked)
        page.on("console", lambda m: wrong.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(url)
        page.wait_for_selector("#board > *")
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

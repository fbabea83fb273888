"""The server of the page: who may talk to it, what it answers, what it refuses."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from tesuji.domains import registry
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.moves import read_game
from tesuji.engine.web.messages import MAX_BYTES, FieldError, parse
from tesuji.engine.web.server import STATIC, listen, make_app, names_of
from tesuji.engine.web.thinker import Limits
from tesuji.search.base import Budget

Make = Callable[..., Any]

HOST = "127.0.0.1:8000"
ORIGIN = {"origin": f"http://{HOST}"}
LIMITS = Limits(analysis=Budget(simulations=200_000), hint=Budget(simulations=40), judge=8)


@dataclass
class Page:
    """A connected page: says and hears."""

    socket: WebSocketTestSession

    def say(self, kind: str, **values: Any) -> None:
        self.socket.send_json({"type": kind, **values})

    def hear(self, kind: str, **wanted: Any) -> dict[str, Any]:
        for _ in range(200):
            message: dict[str, Any] = self.socket.receive_json()
            if message["type"] == kind and all(message[k] == v for k, v in wanted.items()):
                return message
        raise AssertionError(f"no {kind} with {wanted}")


@dataclass
class Web:
    """An application and the searches that it made."""

    client: TestClient
    searches: list[Any] = field(default_factory=list)

    @contextmanager
    def page(self) -> Iterator[Page]:
        with self.client.websocket_connect(f"ws://{HOST}/play", headers=ORIGIN) as connected:
            yield Page(connected)


Open = Callable[..., AbstractContextManager[Web]]


@pytest.fixture
def opened(plain_search: Make) -> Open:
    @contextmanager
    def run(name: str = "connect_four", **options: Any) -> Iterator[Web]:
        domain, searches = registry.make(name), list[Any]()

        def make_search() -> Any:
            searches.append(plain_search(domain))
            return searches[-1]

        chosen = {"person": None, "limits": LIMITS, **options}
        app = make_app(domain, make_search, frozenset({HOST, "[::1]:8000"}), **chosen)
        with TestClient(app, base_url=f"http://{HOST}") as client:
            yield Web(client, searches)

    return run


# The page and who may have it.


def test_the_page_is_small_and_asks_nobody_else() -> None:
    files = {path.name: path.read_text() for path in STATIC.iterdir()}
    assert sum(len(text.encode()) for text in files.values()) <= 150_000
    for name, text in files.items():
        foreign = text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in foreign, name
        assert "https://" not in foreign, name
        assert "innerHTML" not in foreign, name


def test_the_page_comes_with_a_policy(opened: Open) -> None:
    with opened() as web:
        page = web.client.get("/")
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        assert web.client.get("/app.js").headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["/../server.py", "/%2e%2e/server.py", "/server.py", "/x"])
def test_nothing_else_is_served(opened: Open, path: str) -> None:
    with opened() as web:
        assert web.client.get(path).status_code == 404
        assert web.client.post("/").status_code == 405


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1", "", "127.0.0.1:80"]
)
def test_a_foreign_host_is_refused(opened: Open, host: str) -> None:
    with opened() as web:
        assert web.client.get("/", headers={"host": host}).status_code == 403
        headers = {**ORIGIN, "host": host}
        with (
            pytest.raises(WebSocketDisconnect) as refused,
            web.client.websocket_connect(f"ws://{HOST}/play", headers=headers),
        ):
            pass
        assert refused.value.code == 1008


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://127.0.0.1:8000", "http://127.0.0.1:9", "null", None]
)
def test_a_foreign_origin_is_refused(opened: Open, origin: str | None) -> None:
    headers = {} if origin is None else {"origin": origin}
    with opened() as web:
        if origin is not None:
            assert web.client.get("/", headers=headers).status_code == 403
        with (
            pytest.raises(WebSocketDisconnect) as refused,
            web.client.websocket_connect(f"ws://{HOST}/play", headers=headers),
        ):
            pass
        assert refused.value.code == 1008


# Playing.


def test_a_page_is_shown_the_start(opened: Open) -> None:
    with opened() as web, web.page() as page:
        state = page.hear("state")
        assert state["sides"] == ["Red", "Yellow"]
        assert [move["name"] for move in state["moves"]] == list("1234567")
        assert state["board"]["cells"] == [[0] * 7] * 6


def test_a_page_may_open_on_a_position(opened: Open) -> None:
    with (
        opened(start=lambda: read_game(registry.make("connect_four"), "4453")) as web,
        web.page() as page,
    ):
        assert page.hear("state")["current"] == 4


def test_a_move_is_answered_by_the_engine(opened: Open) -> None:
    with opened(person=0) as web, web.page() as page:
        page.say("play", action=3)
        page.hear("state", current=1)
        page.hear("thinking")
        state = page.hear("state", current=2)
        assert state["toPlay"] == 0
        assert state["positions"][2]["side"] == 1


def test_the_engine_begins_where_the_person_is_second(opened: Open) -> None:
    with opened(person=1) as web, web.page() as page:
        assert page.hear("state", current=1)["toPlay"] == 1


def test_a_click_is_the_move_of_its_cell(opened: Open) -> None:
    with opened() as web, web.page() as page:
        page.say("click", row=0, column=5)
        assert page.hear("state", current=1)["board"]["cells"][5][5] == 1


@pytest.mark.parametrize(
    ("name", "said", "reason"),
    [
        ("connect_four", {"type": "play", "action": 7}, "there is no action 7"),
        ("tic_tac_toe", {"type": "click", "row": 1, "column": 1}, "b2 is taken"),
        ("tic_tac_toe", {"type": "click", "row": 9, "column": 9}, "nothing can be played"),
        ("othello", {"type": "click", "row": 0, "column": 0}, "the rules do not allow a1"),
        ("othello", {"type": "click", "row": 3, "column": 3}, "d4 is taken"),
    ],
)
def test_a_refused_move_says_why(opened: Open, name: str, said: Any, reason: str) -> None:
    with opened(name) as web, web.page() as page:
        if name == "tic_tac_toe":
            page.say("play", action=4)
        page.socket.send_json(said)
        error = page.hear("error", field="action")
        assert reason in error["error"]


def test_a_move_after_the_end_is_refused(opened: Open) -> None:
    with opened() as web, web.page() as page:
        for action in (0, 1, 0, 1, 0, 1, 0):
            page.say("play", action=action)
        assert page.hear("state", current=7)["outcome"] == "Red wins"
        page.say("play", action=3)
        assert "the game is over" in page.hear("error")["error"]
        for kind in ("hint", "go"):
            page.say(kind)
            assert "the game is over" in page.hear("error")["error"]


def test_the_person_cannot_move_for_a_thinking_engine(opened: Open) -> None:
    release = threading.Event()
    with opened(person=0) as web, web.page() as page:
        page.hear("state", current=0)
        search = web.searches[0]
        run = search.run

        def slow(*args: Any, **options: Any) -> Any:
            release.wait(10)
            return run(*args, **options)

        search.run = slow
        page.say("play", action=3)
        page.hear("thinking")
        page.say("play", action=3)
        assert "the engine's turn" in page.hear("error", field="action")["error"]
        release.set()
        page.hear("state", current=2)


def test_undo_redo_and_branch(opened: Open) -> None:
    with opened() as web, web.page() as page:
        for action in (3, 3):
            page.say("play", action=action)
        page.say("undo")
        page.hear("state", current=2)
        page.hear("state", current=1)
        page.say("redo")
        page.hear("state", current=2)
        page.say("goto", position=1)
        page.say("play", action=0)
        state = page.hear("state", current=3)
        assert [position["parent"] for position in state["positions"]] == [None, 0, 1, 1]
        assert state["line"] == [0, 1, 3]


def test_undo_takes_back_the_engines_answer_too(opened: Open) -> None:
    with opened(person=0) as web, web.page() as page:
        page.say("play", action=3)
        page.hear("state", current=2)
        page.say("undo")
        assert page.hear("state", current=0)["line"] == [0, 1, 2]
        page.say("undo")
        assert "nothing to undo" in page.hear("error")["error"]


def test_the_engine_waits_where_the_person_only_looks(opened: Open) -> None:
    with opened(person=0) as web, web.page() as page:
        page.say("play", action=3)
        page.hear("state", current=2)
        page.say("goto", position=1)
        page.hear("state", current=1)
        page.say("level", level=2)
        assert page.hear("state", level=2)["current"] == 1
        page.say("go")
        page.hear("thinking")


def test_seats_change_and_the_engine_moves_at_once(opened: Open) -> None:
    with opened(person=0) as web, web.page() as page:
        page.say("seat", person=1)
        page.hear("state", current=1)
        page.say("seat", person=None)
        assert page.hear("state", person=None)["current"] == 1


def test_a_new_game_starts_over(opened: Open) -> None:
    with opened() as web, web.page() as page:
        page.say("play", action=3)
        page.hear("state", current=1)
        page.say("new", person=None, level=7)
        state = page.hear("state", current=0)
        assert (state["level"], len(state["positions"])) == (7, 1)


def test_a_kept_game_is_taken_up_again(opened: Open) -> None:
    kept = {"format": "tesuji game 1", "game": "connect_four", "seed": 0, "current": 1}
    with opened() as web, web.page() as page:
        page.say("load", game={**kept, "moves": [[0, "4"], [1, "4"]]}, person=0, level=3)
        state = page.hear("state", current=1)
        assert (state["line"], state["level"]) == ([0, 1, 2], 3)
        page.say("load", game={**kept, "moves": [[0, "9"]]})
        assert "damaged at move 1" in page.hear("error")["error"]
        page.say("undo")
        page.hear("state", current=0)


def test_two_pages_play_two_games(opened: Open) -> None:
    with opened() as web, web.page() as one, web.page() as two:
        one.say("play", action=3)
        one.hear("state", current=1)
        two.say("level", level=9)
        assert two.hear("state", level=9)["current"] == 0
        assert len(web.searches) == 2


# Thinking.


def test_a_hint_is_a_move_with_its_chances(opened: Open) -> None:
    with opened() as web, web.page() as page:
        for action in (3, 0, 3, 0, 3, 0):
            page.say("play", action=action)
        page.say("hint")
        hint = page.hear("hint")
        step = {"action": 3, "name": "4", "side": 0, "cell": [2, 3], "origin": None}
        assert hint["step"] == step
        assert (hint["proven"], hint["chance"]) == (True, 1.0)


def test_every_position_is_judged_for_the_graph(opened: Open) -> None:
    with opened(person=0, level=1) as web, web.page() as page:
        page.say("play", action=3)
        page.hear("state", current=2)
        state = page.hear("state", current=2)
        assert all(position["chance"] is not None for position in state["positions"][1:])


def test_an_analysis_grows_and_ends_when_it_is_switched_off(opened: Open) -> None:
    with opened() as web, web.page() as page:
        page.say("analyse", on=True)
        first = page.hear("analysis")
        later = page.hear("analysis")
        assert not later["done"]
        assert later["simulations"] > first["simulations"]
        assert {move["name"] for move in later["moves"]} == set("1234567")
        assert sum(move["visits"] for move in later["moves"]) == later["simulations"]
        assert later["moves"][0]["line"][0]["name"] == later["moves"][0]["name"]
        page.say("analyse", on=False)
        page.say("level", level=1)
        page.hear("state", level=1)
        assert web.searches[0].running == 0


def test_an_analysis_follows_the_moves(opened: Open) -> None:
    with opened() as web, web.page() as page:
        page.say("analyse", on=True)
        page.hear("analysis", position=0)
        page.say("play", action=3)
        page.hear("analysis", position=1)
        assert web.searches[0].running == 1


def test_a_proven_win_is_told_with_its_line(opened: Open) -> None:
    with opened(limits=Limits(analysis=Budget(simulations=60))) as web, web.page() as page:
        for action in (3, 0, 3, 0, 3, 0):
            page.say("play", action=action)
        page.say("analyse", on=True)
        analysis = page.hear("analysis", done=True)
        assert (analysis["status"], analysis["chance"]) == ("proven win", 1.0)
        assert [step["name"] for step in analysis["line"]] == ["4"]
        assert analysis["moves"][0]["proven"] == "win"


def test_the_search_tree_can_be_explored_while_it_grows(opened: Open) -> None:
    with opened() as web, web.page() as page:
        page.say("analyse", on=True)
        page.hear("analysis")
        page.hear("analysis")
        page.say("explore", position=0, path=[3])
        tree = page.hear("tree")
        assert tree["path"] == [3]
        assert {move["side"] for move in tree["moves"]} == {1}
        page.say("explore", position=0, path=[3] * 50)
        assert page.hear("tree", path=[3] * 50)["moves"] == []
        page.say("explore", position=5, path=[])
        assert page.hear("error", field="position")["error"] == "there is no position 5"


def test_the_search_of_a_page_that_left_is_stopped(opened: Open) -> None:
    with opened() as web:
        with web.page() as page:
            page.say("analyse", on=True)
            page.hear("analysis")
            search = web.searches[0]
            assert search.running == 1
        assert search.idle.wait(10)
        assert search.running == 0


# Files, reviews, autoplay.


def saved(*moves: str, current: int | None = None) -> str:
    lines = [[at, name] for at, name in enumerate(moves)]
    at = len(moves) if current is None else current
    content = {"format": "tesuji game 1", "game": "connect_four", "seed": 0}
    return json.dumps({**content, "moves": lines, "current": at})


def test_a_file_is_opened_and_reviewed_while_the_engine_waits(opened: Open) -> None:
    limits = Limits(judge=2, review=Budget(simulations=10))
    with opened(limits=limits, person=1) as web, web.page() as page:
        page.hear("state", current=1)  # the engine has begun
        page.say("open", text=saved("4", "3", "4", "3", "5"))
        first = page.hear("state", current=5)
        assert (first["reviewing"], first["toPlay"]) == (True, 1)
        assert page.hear("reviewed") == {"type": "reviewed", "done": 6, "total": 6}
        state = page.hear("state", reviewing=False)
        assert all(position["chance"] is not None for position in state["positions"])
        assert state["current"] == 5


def test_a_game_that_is_loaded_at_the_start_is_reviewed(opened: Open) -> None:
    domain = registry.make("connect_four")
    start = lambda: read_game(domain, "4433")  # noqa: E731
    limits = Limits(judge=2, review=Budget(simulations=10))
    with opened(start=start, loaded=True, person=0, limits=limits) as web, web.page() as page:
        assert page.hear("state", current=4)["reviewing"]
        page.hear("reviewed")
        assert page.hear("state", reviewing=False)["current"] == 4


def test_a_review_can_be_broken_off_and_taken_up_again(opened: Open) -> None:
    with (
        opened(limits=Limits(judge=2, review=Budget(simulations=10**6))) as web,
        web.page() as page,
    ):
        page.say("open", text=saved("4", "3"))
        page.hear("state", reviewing=True)
        page.say("review", on=False)
        page.hear("state", reviewing=False)
        page.say("level", level=1)
        page.hear("state", level=1)
        assert web.searches[0].running == 0
        page.say("review", on=True)
        page.hear("state", reviewing=True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "this is neither SGF nor PGN nor a saved game"),
        ("{", "the saved game is damaged"),
        (saved("9"), "damaged at move 1: '9' is not a legal action"),
        ("x" * 600_000, "this is neither SGF nor PGN nor a saved game"),
    ],
)
def test_a_malformed_file_is_refused_and_the_game_goes_on(
    opened: Open, text: str, reason: str
) -> None:
    with opened() as web, web.page() as page:
        page.say("play", action=3)
        page.hear("state", current=1)
        page.say("open", text=text)
        assert reason in page.hear("error")["error"]
        page.say("play", action=3)
        page.hear("state", current=2)


def test_a_game_is_handed_over_as_a_file(opened: Open) -> None:
    with opened() as web, web.page() as page:
        assert page.hear("state")["formats"] == ["json"]
        page.say("play", action=3)
        page.say("save", format="json")
        file = page.hear("file")
        assert file["name"] == "connect_four.json"
        assert json.loads(file["text"])["moves"] == [[0, "4"]]
        page.say("save", format="pgn")
        assert page.hear("error")["error"] == "connect_four is saved as json, not 'pgn'"
        page.say("save", format="exe")
        assert page.hear("error")["field"] == "format"


def test_the_engine_plays_both_sides_until_it_is_told_to_stop(opened: Open) -> None:
    with opened("tic_tac_toe", person=0, level=1) as web, web.page() as page:
        page.say("auto", on=True)
        state = page.hear("state", current=3)
        assert state["auto"]
        assert {position["side"] for position in state["positions"][1:]} == {0, 1}
        page.say("auto", on=False)
        state = page.hear("state", auto=False)
        page.say("undo")
        heard = (page.hear("state")["current"] for _ in range(3))  # a move may be under way
        assert any(current < state["current"] for current in heard)


def test_autoplay_ends_with_the_game(opened: Open) -> None:
    with opened("tic_tac_toe", limits=Limits(judge=2, auto_seconds=0.0)) as web, web.page() as page:
        page.say("auto", on=True)
        assert page.hear("state", ended=True)["auto"]
        assert not page.hear("state", ended=True, auto=False)["auto"]


def test_the_board_is_sent_once_and_again_when_it_turns(opened: Open) -> None:
    with opened() as web, web.page() as page:
        assert 'data-flipped="false"' in page.hear("board")["svg"]
        page.say("play", action=3)
        assert page.socket.receive_json()["type"] == "state"
        page.say("flip")
        assert 'data-flipped="true"' in page.hear("board")["svg"]
        page.hear("state", current=1)


def test_a_piece_that_cannot_go_there_is_told_apart(opened: Open) -> None:
    with opened("chess") as web, web.page() as page:
        page.say("click", row=0, column=7, origin=[6, 3])  # d2 to h8
        assert "that piece cannot go there" in page.hear("error", field="action")["error"]
        page.say("click", row=4, column=4, origin=[6, 4])
        assert page.hear("state", current=1)["positions"][1]["origin"] == [6, 4]
        page.say("click", row=4, column=4, origin=[6])
        assert page.hear("error")["field"] == "origin"


# Bounds.


MALFORMED = [
    ("", "message", "must be JSON"),
    ("{", "message", "must be JSON"),
    ("[" * 5000, "message", "must be JSON"),
    ("[]", "message", "must be a JSON object"),
    ("null", "message", "must be a JSON object"),
    ("{}", "type", "type must be one of new, load, open"),
    ('{"type": 5}', "type", "type must be one of"),
    ('{"type": "fly"}', "type", "got 'fly'"),
    ('{"type": "play"}', "action", "play needs a field 'action'"),
    ('{"type": "play", "action": "4"}', "action", "must be a whole number"),
    ('{"type": "play", "action": true}', "action", "must be a whole number"),
    ('{"type": "play", "action": 1e400}', "action", "must be a whole number"),
    ('{"type": "play", "action": -1}', "action", "must be a whole number"),
    ('{"type": "play", "action": 1, "speed": 2}', "speed", "play has no field 'speed'"),
    ('{"type": "undo", "steps": 2}', "steps", "undo has no field"),
    ('{"type": "level", "level": 11}', "level", "from 1 to 10"),
    ('{"type": "new", "person": 2}', "person", "from 0 to 1"),
    ('{"type": "analyse", "on": "yes"}', "on", "true or false"),
    ('{"type": "goto", "position": 9999999}', "position", "from 0 to"),
    ('{"type": "explore", "position": 0, "path": 3}', "path", "must be a list"),
    ('{"type": "explore", "position": 0, "path": ["a"]}', "path", "must be a whole number"),
    ('{"type": "load", "game": []}', "game", "must be an object"),
    (json.dumps({"type": "play", "action": 1, "x": "y" * MAX_BYTES}), "message", "at most"),
    ("x" * 2_000_000, "message", "at most"),
]


@pytest.mark.parametrize(("text", "where", "why"), MALFORMED)
def test_a_malformed_message_is_answered_and_the_game_goes_on(
    opened: Open, text: str, where: str, why: str
) -> None:
    with opened() as web, web.page() as page:
        page.socket.send_text(text)
        error = page.hear("error")
        assert error["field"] == where
        assert why in error["error"]
        page.say("play", action=3)
        page.hear("state", current=1)


def test_bytes_are_no_message(opened: Open) -> None:
    with opened() as web, web.page() as page:
        page.socket.send_bytes(b"\x00\xff")
        assert page.hear("error")["field"] == "message"


@given(st.text() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["type", "action", "path", "position", "game", "on", "level"]), inner
    ),
).map(json.dumps))  # fmt: skip
def test_any_text_is_a_message_or_refused_by_field(text: str) -> None:
    with suppress(FieldError):
        parse(text)


def test_too_many_pages_are_turned_away(opened: Open) -> None:
    with opened(limits=Limits(clients=2)) as web, web.page() as one, web.page():
        with web.page() as third:
            assert third.hear("error", field="connection")["error"].startswith("2 pages play")
            with pytest.raises(WebSocketDisconnect) as closed:
                third.socket.receive_json()
            assert closed.value.code == 1013
        one.say("level", level=2)
        one.hear("state", level=2)


def test_a_silent_page_is_disconnected(opened: Open) -> None:
    with opened(limits=Limits(idle_seconds=0.2, judge=2)) as web, web.page() as page:
        with pytest.raises(WebSocketDisconnect) as closed:
            page.hear("nothing")
        assert closed.value.code == 4001


# Where it listens.


def test_a_port_in_use_is_named() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(TesujiError, match=f"port {port} is in use; choose another with --port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::", "example.com", ""])
def test_only_loopback_is_served(host: str) -> None:
    with pytest.raises(UsageError, match="host must be"):
        listen(host, 0)


def test_a_senseless_port_is_refused() -> None:
    with pytest.raises(UsageError, match="port must be between 0 and 65535, got 70000"):
        listen("127.0.0.1", 70000)


def test_the_names_of_a_listener_carry_its_port() -> None:
    with listen("localhost", 0) as listener:
        port = listener.getsockname()[1]
        assert names_of(listener) == {f"127.0.0.1:{port}", f"localhost:{port}"}


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_the_names_of_an_ipv6_listener_are_bracketed() -> None:
    try:
        listener = listen("::1", 0)
    except TesujiError:
        pytest.skip("no IPv6 loopback")
    with listener:
        assert f"[::1]:{listener.getsockname()[1]}" in names_of(listener)


# The whole program.

SERVE = """
from tesuji.domains.registry import make
from tesuji.engine.web.server import serve

serve(make("tic_tac_toe"), lambda: None, port=0, open_browser=False,
      announce=lambda line: print(line, flush=True))
"""


def test_the_server_says_where_it_is_and_ends_with_ctrl_c() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    url = line.split()[2]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url), line
    assert b"<!doctype html>" in urllib.request.urlopen(url, timeout=20).read()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0

"""The analysis protocol: answers, reports, terminations, refusals by field, and garbage."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tesuji.domains.registry import make
from tesuji.engine.protocols.analysis import AnalysisEngine
from tesuji.engine.protocols.lines import TooLong, Writer
from tesuji.search.base import Budget, UniformEvaluator
from tesuji.search.search import Search

DOMAIN = make("connect_four")
SEARCH = Search(DOMAIN, UniformEvaluator(7))

Answers = list[dict[str, Any]]


def ask(
    *lines: object,
    domain: Any = DOMAIN,
    search: Any = SEARCH,
    batch: int = 16,
    pause: float = 0.0,
) -> Answers:
    """Return the answers to a conversation, each of whose lines is text, or is put as JSON."""
    answers: Answers = []
    budget = Budget(simulations=30)
    engine = AnalysisEngine(
        domain, search, lambda line: answers.append(json.loads(line)), "1.2", budget, batch
    )
    engine.serve(_put(lines, pause))
    return answers


def _put(lines: tuple[object, ...], pause: float) -> Iterator[str]:
    for line in lines:
        yield line if isinstance(line, str) else json.dumps(line)
        time.sleep(pause)


def test_every_turn_is_answered_with_moves_by_name() -> None:
    answers = ask({"id": "a", "moves": ["4", "4"], "analyzeTurns": [2, 0]})
    assert sorted(answer["turnNumber"] for answer in answers) == [0, 2]
    assert all(answer["id"] == "a" and not answer["isDuringSearch"] for answer in answers)
    assert {move["move"] for move in answers[0]["moveInfos"]} == set("1234567")
    assert answers[0]["rootInfo"]["simulations"] == 30


def test_a_won_position_is_proven_and_has_its_line() -> None:
    [answer] = ask({"id": "w", "moves": list("414141"), "maxVisits": 50})
    assert answer["rootInfo"]["status"] == "proven win"
    assert answer["moveInfos"][0]["pv"][0] == "4"


def test_the_end_of_a_game_has_no_moves() -> None:
    [answer] = ask({"id": "e", "moves": list("4141414")})
    assert (answer["moveInfos"], answer["rootInfo"]["status"]) == ([], "terminal")


def test_company_does_not_change_what_is_found() -> None:
    queries = [{"id": str(i), "moves": ["4"] * i, "seed": i} for i in range(5)]
    alone = {answer["id"]: answer for answer in ask(*queries, batch=1)}
    assert {answer["id"]: answer for answer in ask(*queries, batch=16)} == alone


class Slow:
    """A search that lasts until it is stopped, and reports on the way."""

    def line(self, action: int, root: int = 0) -> tuple[int, ...]:
        return SEARCH.line(action, root)

    def run(self, states: list[Any], budget: Budget, **given: Any) -> Any:
        deadline = time.monotonic() + 20
        while not given["stop"].is_set() and time.monotonic() < deadline:
            results = SEARCH.run(states, Budget(simulations=5), seed=given["seed"])
            given["progress"](results)
            time.sleep(0.01)
        return results


def test_a_running_query_reports_and_is_terminated() -> None:
    end = {"id": "t", "action": "terminate", "terminateId": "a"}
    query = {"id": "a", "reportDuringSearchEvery": 0.02}
    started = time.monotonic()
    answers = ask(query, end, search=Slow(), pause=0.5)
    assert time.monotonic() - started < 15
    assert sum(answer.get("isDuringSearch") is True for answer in answers) >= 2
    assert [answer for answer in answers if answer.get("isDuringSearch") is False]


def test_what_waits_is_dropped_without_results() -> None:
    first, second = {"id": "a"}, {"id": "b", "maxVisits": 7}
    ends = {"id": "t", "action": "terminate_all"}
    answers = ask(first, second, ends, search=Slow(), pause=0.2)
    dropped = {"id": "b", "turnNumber": 0, "isDuringSearch": False, "noResults": True}
    assert dropped in answers


def test_a_position_in_the_games_own_notation_is_searched() -> None:
    chess = make("chess")
    search = Search(chess, UniformEvaluator(chess.spec.num_actions))
    fen = "6k1/5ppp/8/8/8/8/8/K2R4 w - - 0 1"
    [answer] = ask(
        {"id": "m", "initialPosition": fen, "maxVisits": 60}, domain=chess, search=search
    )
    assert answer["moveInfos"][0]["pv"][0] == "d1d8"
    assert answer["rootInfo"]["proven"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"moves": []}, "id"),
        ({"id": "a", "moves": ["8"]}, "moves"),
        ({"id": "a", "moves": "44"}, "moves"),
        ({"id": "a", "moves": ["4"], "analyzeTurns": [2]}, "analyzeTurns"),
        ({"id": "a", "analyzeTurns": []}, "analyzeTurns"),
        ({"id": "a", "maxVisits": 0}, "maxVisits"),
        ({"id": "a", "maxVisits": 1.5}, "maxVisits"),
        ({"id": "a", "maxVisits": True}, "maxVisits"),
        ({"id": "a", "maxTime": -1}, "maxTime"),
        ({"id": "a", "reportDuringSearchEvery": "often"}, "reportDuringSearchEvery"),
        ({"id": "a", "includePolicy": 1}, "includePolicy"),
        ({"id": "a", "initialPosition": "8/8"}, "initialPosition"),
        ({"id": "a", "komi": 6.5}, "komi"),
        ({"id": "a", "boardXSize": 19}, "boardXSize"),
        ({"id": "a", "moves": [["W", "4"]]}, "moves"),
        ({"id": "a", "moves": [4]}, "moves"),
        ({"id": "a", "moves": ["4", "4"], "analyzeTurns": [1, 1]}, "analyzeTurns"),
        ({"id": "a", "priorities": [1, 2]}, "priorities"),
        ({"id": "a", "overrideSettings": 7}, "overrideSettings"),
        ({"id": "a", "overrideSettings": {"maxTime": 0}}, "maxTime"),
        ({"id": "a", "action": "terminate_all", "turnNumbers": "all"}, "turnNumbers"),
        ({"id": "a", "action": "dance"}, "action"),
        ({"id": "a", "action": "terminate"}, "terminateId"),
    ],
)
def test_a_query_is_refused_by_its_field(query: dict[str, Any], field: str) -> None:
    [answer] = ask(query)
    assert answer["field"] == field
    assert answer["error"]
    assert answer.get("id") == query.get("id")


def test_unknown_fields_are_warned_of_and_the_query_is_answered() -> None:
    settings_ = {"maxVisits": 9, "cpuct": 1}
    warning, other, answer = ask({"id": "a", "colour": "red", "overrideSettings": settings_})
    assert warning == {"warning": "unknown field, passed over", "field": "colour", "id": "a"}
    assert (other["field"], other["id"]) == ("overrideSettings", "a")
    assert answer["rootInfo"]["simulations"] == 9


def test_a_query_as_katago_has_it_is_answered_by_its_names() -> None:
    query = {
        "id": "k", "moves": [["R", "4"], ["yellow", "4"]], "boardXSize": 7, "boardYSize": 6,
        "maxVisits": 50, "includePolicy": True,
    }  # fmt: skip
    [answer] = ask(query)
    root, best = answer["rootInfo"], answer["moveInfos"][0]
    assert root["visits"] == sum(move["visits"] for move in answer["moveInfos"])
    assert 0 <= best["lcb"] <= best["winrate"] <= 1
    assert [move["order"] for move in answer["moveInfos"]] == list(range(7))
    assert all(move["pv"][0] == move["move"] for move in answer["moveInfos"])
    assert all(len(move["pv"]) > 1 for move in answer["moveInfos"] if move["visits"] > 8)
    assert answer["policy"] == pytest.approx([1 / 7] * 7, abs=1e-6)
    assert sum(answer["searchPolicy"]) == pytest.approx(1, abs=1e-5)


def test_the_policy_of_an_illegal_move_is_minus_one() -> None:
    [answer] = ask({"id": "p", "moves": ["4"] * 6, "includePolicy": True})
    assert answer["policy"][3] == -1
    assert sum(prior for prior in answer["policy"] if prior >= 0) == pytest.approx(1, abs=1e-5)


def test_lines_are_of_their_own_root_in_a_batch() -> None:
    moves = ["4", "4", "4", "4", "4", "4", "1"]
    alone = ask({"id": "a", "moves": moves, "maxVisits": 90})
    together = ask({"id": "a", "moves": moves, "analyzeTurns": [0, 6, 7], "maxVisits": 90})
    [same] = [answer for answer in together if answer["turnNumber"] == 7]
    assert [same] == alone


def test_every_turn_has_a_priority_of_its_own() -> None:
    first = {"id": "first", "moves": ["1"], "maxVisits": 5}
    query = {"id": "q", "moves": ["4"] * 3, "analyzeTurns": [0, 1, 2], "priorities": [1, 3, 2]}
    answers = ask({**first, "priority": 9}, query, batch=1)
    order = [answer["turnNumber"] for answer in answers if answer["id"] == "q"]
    assert order == [1, 2, 0]


def test_an_action_is_echoed_with_all_its_fields() -> None:
    end = {"id": "t", "action": "terminate", "terminateId": "a", "turnNumbers": [3]}
    assert ask(end) == [end]
    version = {"id": "v", "action": "query_version"}
    assert ask(version) == [{**version, "version": "1.2"}]


def test_some_turns_of_a_query_are_terminated_and_each_has_one_last_answer() -> None:
    query = {"id": "a", "moves": ["4", "4"], "analyzeTurns": [0, 1, 2]}
    some = {"id": "t", "action": "terminate", "terminateId": "a", "turnNumbers": [1]}
    rest = {"id": "u", "action": "terminate_all"}
    answers = ask(query, some, rest, search=Slow(), pause=0.3)
    last = [a["turnNumber"] for a in answers if a["id"] == "a" and a["isDuringSearch"] is False]
    assert sorted(last) == [0, 1, 2]
    assert last[0] == 1  # while the others were still searched
    assert answers.index({**some}) < answers.index({**rest})


def test_a_game_that_is_too_long_is_refused_by_its_field() -> None:
    shuffle = ["g1f3", "g8f6", "f3g1", "f6g8"] * 1100
    chess = make("chess")
    [answer] = ask({"id": "a", "moves": shuffle}, domain=chess)
    assert (answer["field"], answer["id"]) == ("moves", "a")


def test_an_id_of_half_a_character_is_echoed(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    with path.open("wb") as stream:
        write = Writer(stream)
        engine = AnalysisEngine(DOMAIN, SEARCH, write, "1.2", Budget(simulations=5))
        engine.serve(['{"id": "\\ud800", "maxVisits": 3}', '{"id": "b"}'])
        assert not write.gone
        write("\ud800")
        assert not write.gone
    ids = [json.loads(line)["id"] for line in path.read_text().splitlines()[:2]]
    assert sorted(ids) == ["b", "\ud800"]


def test_when_nobody_hears_any_more_the_search_ends() -> None:
    began = time.monotonic()
    engine = AnalysisEngine(DOMAIN, Slow(), lambda line: None, "1", Budget(simulations=5))
    engine.serve(['{"id": "a"}', '{"id": "b", "maxVisits": 7}'], gone=lambda: True)
    assert time.monotonic() - began < 15


def test_closed_input_lets_the_queries_end_and_an_interrupt_ends_them() -> None:
    command = [sys.executable, "-m", "tesuji", "analysis", "--agent", "uniform"]
    command += ["--game", "connect_four"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write('{"id": "short", "maxVisits": 40}\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == "short"
        query = {"id": "long", "maxTime": 600, "reportDuringSearchEvery": 0.1}
        process.stdin.write(f"\x00\xff garbage\n{json.dumps(query)}\n")
        process.stdin.close()  # the query goes on
        assert "error" in json.loads(process.stdout.readline())
        assert json.loads(process.stdout.readline())["isDuringSearch"] is True
        process.send_signal(signal.SIGINT)
        *_, last = process.stdout.read().splitlines()
        assert json.loads(last)["isDuringSearch"] is False
        assert process.wait(timeout=60) == 0


def test_a_line_that_is_too_long_is_refused_and_the_next_is_answered() -> None:
    answers = ask(TooLong("a line has at most 9 bytes"), {"id": "a"})
    assert answers[0] == {"error": "a line has at most 9 bytes"}
    assert answers[1]["id"] == "a"


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_FIELDS = st.sampled_from(
    ["id", "moves", "analyzeTurns", "maxTime", "priority", "seed", "action", "terminateId", "x"]
)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60) | st.dictionaries(_FIELDS, _JSON, max_size=5).map(json.dumps))
def test_garbage_is_answered_and_nothing_is_lost(line: str) -> None:
    def instant(states: list[Any], budget: Budget, **given: Any) -> Any:
        raise ValueError("not searched here")

    search: Callable[..., Any] = type("Instant", (), {"run": staticmethod(instant)})
    answers = ask(
        line.replace("\n", " "), '{"id": "after", "action": "query_version"}', search=search
    )
    assert any(answer.get("id") == "after" and answer.get("version") == "1.2" for answer in answers)

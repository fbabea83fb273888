"""Matches: pairing, counting, seeds, resuming, and the sequential test."""

import json
import logging
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from tesuji.domains.registry import make
from tesuji.engine.agent import Move, RandomAgent, load_agent
from tesuji.engine.arena import MatchConfig, match
from tesuji.engine.match_file import GameRecord, MatchFile
from tesuji.engine.match_result import Tally
from tesuji.engine.statistics import SPRT, Decision
from tesuji.engine.storage import StorageError

DICE = Path(__file__).parents[1] / "domains" / "dice_games.py"


@pytest.fixture(scope="module")
def domain():
    return make("tic_tac_toe")


class First:
    """Plays the first legal action."""

    name = "first"

    def reset(self):
        pass

    def act(self, domain, states, seeds):
        return [Move(int(np.argmax(domain.legal(state)))) for state in states]


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_opening_is_played_with_both_colours(domain, tmp_path):
    file = tmp_path / "match.jsonl"
    match(domain, First(), RandomAgent(), MatchConfig(20, opening_plies=2), resume_file=file)
    games = read(file)[1:]
    openings = {}
    for game in games:
        openings.setdefault(game["pair"], []).append((game["a_first"], *game["actions"][:2]))
    assert len(openings) == 10
    for pair in openings.values():
        (first, *one), (second, *other) = sorted(pair)
        assert (first, second) == (False, True)
        assert one == other


def test_openings_are_all_different_while_there_are_enough(domain, tmp_path):
    file = tmp_path / "match.jsonl"
    match(domain, First(), First(), MatchConfig(140, opening_plies=2), resume_file=file)
    openings = {tuple(game["actions"][:2]) for game in read(file)[1:]}
    assert len(openings) == 70  # of 72


def test_openings_repeat_where_there_are_no_more(domain):
    result = match(domain, First(), First(), MatchConfig(20, opening_plies=0))
    assert result.num_games == 20


def test_an_agent_against_itself_splits_every_pair(domain):
    result = match(domain, First(), First(), MatchConfig(60))
    assert result.pentanomial == (0, 0, 30, 0, 0)
    assert result.score == 0.5


@pytest.mark.parametrize("parallel", [2, 7, 64])
def test_the_result_does_not_depend_on_how_many_games_run_at_once(domain, parallel):
    agents = load_agent("rollout:sims=8,temperature=1", domain), RandomAgent()
    expected = match(domain, *agents, MatchConfig(40, seed=5, parallel_games=80))
    assert match(domain, *agents, MatchConfig(40, seed=5, parallel_games=parallel)) == expected


def test_the_seed_decides(domain, tmp_path):
    games = []
    for seed in (1, 1, 2):
        file = tmp_path / f"{len(games)}.jsonl"
        match(
            domain, RandomAgent("a"), RandomAgent("b"), MatchConfig(20, seed=seed), resume_file=file
        )
        games.append(read(file)[1:])
    assert games[0] == games[1] != games[2]


def test_search_beats_random(domain):
    result = match(domain, load_agent("rollout:sims=50", domain), RandomAgent(), MatchConfig(100))
    losses, draws, wins = result.trinomial
    assert wins > 70
    assert losses + draws + wins == 100
    assert sum(result.pentanomial) == 50
    assert result.elo.low > 100


def test_a_side_that_moves_twice_is_told_from_its_opponent():
    # In Othello a side that cannot move passes or its opponent moves on; scores stay right.
    othello = make("othello_6x6")
    config = MatchConfig(16, opening_plies=6)
    there = match(othello, First(), RandomAgent(), config)
    back = match(othello, RandomAgent(), First(), config)
    assert there.num_games == back.num_games == 16


def interrupted(domain, file, config, after):
    """Play until `after` games have ended, then stop."""
    stop = Event()

    def watch(result):
        if result.num_games >= after:
            stop.set()

    return match(
        domain, RandomAgent("a"), RandomAgent("b"), config,
        resume_file=file, progress=watch, stop=stop,
    )  # fmt: skip


def test_a_match_resumes_as_if_never_stopped(domain, tmp_path):
    config = MatchConfig(60, seed=3, parallel_games=8)
    whole = match(domain, RandomAgent("a"), RandomAgent("b"), config)
    file = tmp_path / "match.jsonl"
    part = interrupted(domain, file, config, after=20)
    assert 20 <= part.num_games < 60
    played = len(read(file)) - 1
    seen = []
    resumed = match(
        domain, RandomAgent("a"), RandomAgent("b"), config, resume_file=file, progress=seen.append
    )
    assert resumed == whole
    assert seen[0].num_games >= part.num_games
    assert len(read(file)) == 61 > played


def test_a_finished_match_is_only_read(domain, tmp_path):
    file = tmp_path / "match.jsonl"
    result = match(domain, RandomAgent("a"), RandomAgent("b"), MatchConfig(10), resume_file=file)
    before = file.read_bytes()
    again = match(domain, RandomAgent("a"), RandomAgent("b"), MatchConfig(10), resume_file=file)
    assert again == result
    assert file.read_bytes() == before


def test_every_torn_end_is_survived(domain, tmp_path):
    config, file = MatchConfig(4), tmp_path / "match.jsonl"
    agents = RandomAgent("a"), RandomAgent("b")
    whole = match(domain, *agents, config, resume_file=file)
    content = file.read_bytes()
    for length in range(0, len(content), 7):
        file.write_bytes(content[:length])
        assert match(domain, *agents, config, resume_file=file) == whole
        assert sorted(file.read_bytes().splitlines()) == sorted(content.splitlines())


def test_a_damaged_line_is_named_and_played_again(domain, tmp_path, caplog):
    config, file = MatchConfig(4), tmp_path / "match.jsonl"
    agents = RandomAgent("a"), RandomAgent("b")
    whole = match(domain, *agents, config, resume_file=file)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:2], b"\x00" + lines[2][1:], *lines[3:]]))
    with caplog.at_level(logging.WARNING):
        assert match(domain, *agents, config, resume_file=file) == whole
    assert "line 3 is damaged" in caplog.text


def test_more_games_go_on_from_fewer(domain, tmp_path):
    file = tmp_path / "match.jsonl"
    agents = RandomAgent("a"), RandomAgent("b")
    match(domain, *agents, MatchConfig(10), resume_file=file)
    assert match(domain, *agents, MatchConfig(20), resume_file=file) == match(
        domain, *agents, MatchConfig(20)
    )
    assert match(domain, *agents, MatchConfig(10), resume_file=file).num_games == 10


def test_another_matchs_file_is_refused(domain, tmp_path):
    file = tmp_path / "match.jsonl"
    match(domain, RandomAgent("a"), RandomAgent("b"), MatchConfig(2), resume_file=file)
    with pytest.raises(StorageError, match="another match: its b is 'b', not 'c'"):
        match(domain, RandomAgent("a"), RandomAgent("c"), MatchConfig(2), resume_file=file)
    with pytest.raises(StorageError, match="its seed is 0, not 1"):
        match(domain, RandomAgent("a"), RandomAgent("b"), MatchConfig(2, seed=1), resume_file=file)
    file.write_text("hello\nworld\n")
    with pytest.raises(StorageError, match="is no file of a match"):
        match(domain, RandomAgent("a"), RandomAgent("b"), MatchConfig(2), resume_file=file)
    assert file.read_text() == "hello\nworld\n"


def test_a_file_that_cannot_be_written_is_explained(domain, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot"):
        MatchFile(tmp_path / "file" / "match.jsonl", {}).read()


def test_a_sequential_test_ends_the_match_at_the_same_pair_in_any_order(domain):
    agents = load_agent("rollout:sims=30", domain), RandomAgent()
    results = [
        match(domain, *agents, MatchConfig(2000, parallel_games=n, sprt=SPRT(0, 100)))
        for n in (4, 50)
    ]
    assert results[0] == results[1]
    assert results[0].sprt.decision is Decision.H1
    assert results[0].num_games < 2000


def test_pairs_after_the_verdict_do_not_count():
    tally = Tally("a", "b", 1000, SPRT(0, 200))
    sweep = [
        GameRecord(pair, first, 1, ()) for pair in range(999, -1, -1) for first in (True, False)
    ]
    tally.add(sweep[:-2])
    assert not tally.decided  # pair 0 is still being played
    tally.add(sweep[-2:])
    assert tally.decided
    assert tally.result().num_games < 100


def test_points_are_seen_by_the_first_agent():
    tally = Tally("a", "b", 2)
    tally.add([GameRecord(0, True, 1, ()), GameRecord(0, False, 0, ())])
    tally.add([GameRecord(1, True, -1, ())])  # half a pair says nothing yet
    result = tally.result()
    assert result.pentanomial == (0, 0, 0, 1, 0)
    assert result.trinomial == (0, 1, 1)
    assert (result.score, result.first_wins) == (0.75, 1)


def test_the_result_goes_to_json_and_to_a_table(domain):
    result = match(domain, First(), First(), MatchConfig(4, sprt=SPRT()))
    facts = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert (facts["games"], facts["elo"]) == (4, 0.0)
    assert facts["sprt"]["decision"] == "continue"
    sweep = Tally("a", "b", 1)
    sweep.add([GameRecord(0, True, 1, ()), GameRecord(0, False, 1, ())])
    assert sweep.result().to_json()["elo"] is None
    assert result.table().row_count == 7


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"num_games": 5}, "num_games must be an even number"),
        ({"num_games": 0}, "num_games must be an even number"),
        ({"opening_plies": -1}, "opening_plies must be at least 0"),
        ({"parallel_games": 1}, "parallel_games must be at least 2"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_bad_settings_are_refused(settings, fault):
    with pytest.raises(ValueError, match=fault):
        MatchConfig(**settings)


def test_openings_longer_than_the_game_are_refused(domain):
    with pytest.raises(ValueError, match="9 random moves end tic_tac_toe; give fewer"):
        match(domain, First(), First(), MatchConfig(2, opening_plies=9))


def test_an_illegal_move_names_the_agent(domain):
    class Cheat(First):
        name = "cheat"

        def act(self, domain, states, seeds):
            return [Move(int(np.argmin(domain.legal(state)))) for state in states]

    with pytest.raises(ValueError, match="agent 'cheat' chose the illegal action"):
        match(domain, Cheat(), First(), MatchConfig(2))


def test_matches_draw_all_outcomes_of_chance_evenly(tmp_path):
    domain = make(f"{DICE}:dice_race")
    throws = []

    class Jumper(First):
        """Jumps for three or nothing, whatever comes."""

        def act(self, domain, states, seeds):
            throws.extend(state.position[state.to_play] for state in states if state.steps == 2)
            return [Move(1) for _ in states]

    match(domain, Jumper(), Jumper(), MatchConfig(400, opening_plies=0, seed=3))
    assert set(throws) == {0, 3}
    assert abs(throws.count(3) - len(throws) / 2) < 3 * np.sqrt(len(throws)) / 2

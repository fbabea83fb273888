"""Mistakes on solved positions, against an exhaustive search of tic-tac-toe."""

import json

import numpy as np
import pytest

from tesuji.domains.registry import make
from tesuji.engine.agent import Move, PolicyAgent, RandomAgent, load_agent
from tesuji.engine.errors import UsageError
from tesuji.engine.evaluation import EvaluationReport, EvaluationRow, evaluate, judge
from tesuji.engine.positions import ILLEGAL, SolvedSet, read_positions, shipped_sets
from tesuji.search.base import Evaluation


@pytest.fixture(scope="module")
def domain():
    return make("tic_tac_toe")


def solve(domain, state, known, ply=0):
    """Return the score of every action, a faster win worth more."""
    key = domain.key(state)
    if key not in known:
        known[key] = np.full(9, ILLEGAL)
        for action in np.flatnonzero(domain.legal(state)):
            following, reward, discount = domain.step(state, int(action))
            later = -solve(domain, following, known, ply + 1).max() if discount else 0
            known[key][action] = (10 - ply) * reward if discount == 0 else later
    return known[key]


@pytest.fixture(scope="module")
def solved(domain):
    """All positions that are reached in four moves, once each."""
    known, states = {}, [domain.reset()]
    for _ in range(4):
        pairs = [(s, int(a)) for s in states for a in np.flatnonzero(domain.legal(s))]
        following = [domain.step(*pair)[0] for pair in pairs]
        states = list({domain.key(state): state for state in following}.values())
    scores = np.array([solve(domain, state, known, 4) for state in states], np.int16)
    return SolvedSet("after four", states, scores)


class Fixed:
    """Plays given actions."""

    name = "fixed"

    def __init__(self, actions):
        self.actions = actions

    def reset(self):
        pass

    def act(self, domain, states, seeds):
        return [Move(int(action)) for action in self.actions]


def test_mistakes_and_non_optimal_moves_are_told_apart():
    scores = np.array([[3, 1, 0, -2], [0, 0, -1, ILLEGAL], [-1, -4, -4, ILLEGAL]], np.int16)
    solved = SolvedSet("three", [None] * 3, scores)
    assert judge(solved, [0, 0, 0]) == (0, 0)
    assert judge(solved, [1, 1, 1]) == (0, 2)  # a slower win, the other draw, a faster loss
    assert judge(solved, [2, 2, 2]) == (2, 3)
    assert judge(solved, [3, 0, 0]) == (1, 1)
    with pytest.raises(ValueError, match="three: illegal action 3 at position 2"):
        judge(solved, [0, 3, 0])


def test_perfect_play_makes_no_mistake(domain, solved):
    [row] = evaluate(domain, [Fixed(solved.scores.argmax(axis=1))], [solved]).rows
    assert (row.num_positions, row.mistakes, row.non_optimal) == (len(solved.states), 0, 0)
    assert row.mistake_interval.low == 0.0
    assert 0 < row.mistake_interval.high < 0.01


def test_random_play_errs_as_often_as_counting_says(domain, solved):
    legal = solved.scores != ILLEGAL
    worse = np.sign(solved.scores) < np.sign(solved.scores.max(axis=1, keepdims=True))
    expected = ((worse & legal).sum(axis=1) / legal.sum(axis=1)).mean()
    [row] = evaluate(domain, [RandomAgent()], [solved], seed=1).rows
    low, high = row.mistake_interval
    assert low - 0.02 < expected < high + 0.02


def test_search_makes_fewer_mistakes_than_the_raw_policy(domain, solved):
    agents = [load_agent(f"uniform:sims={sims}", domain) for sims in (0, 40, 2000)]
    rows = evaluate(domain, agents, [solved]).rows
    assert rows[0].mistakes > rows[1].mistakes >= rows[2].mistakes == 0


def test_equal_seeds_give_equal_reports(domain, solved):
    def counts(seed):
        rows = evaluate(domain, [RandomAgent()], [solved], seed=seed).rows
        return [(row.mistakes, row.non_optimal) for row in rows]

    assert counts(3) == counts(3) != counts(4)


def test_each_agent_sees_each_set_once_as_one_batch(domain, solved):
    class Counting:
        def __init__(self):
            self.batches = []

        def evaluate(self, observations):
            self.batches.append(len(observations))
            zeros = np.zeros(len(observations), np.float32)
            return Evaluation(np.zeros((len(observations), 9), np.float32), zeros, zeros)

    evaluator, rows = Counting(), []
    sets = [solved.first(10), solved.first(25)]
    report = evaluate(domain, [PolicyAgent(evaluator)], sets, progress=rows.append)
    assert evaluator.batches == [10, 25]
    assert tuple(rows) == report.rows


def test_totals_sum_over_sets():
    rows = [
        EvaluationRow("a", "one", 10, 1, 2, 0.5),
        EvaluationRow("a", "two", 30, 3, 8, 0.5),
        EvaluationRow("b", "one", 10, 0, 0, 0.1),
    ]
    report = EvaluationReport("game", tuple(rows))
    assert report.totals()["a"] == EvaluationRow("a", "all", 40, 4, 10, 1.0)
    assert report.totals()["b"].num_positions == 10
    assert report.totals()["a"].mistake_share == 0.1
    assert report.totals()["a"].non_optimal_share == 0.25
    assert report.table().row_count == 5
    facts = json.loads(json.dumps(report.to_json()))
    assert facts["rows"][1]["mistakes"] == 3
    assert facts["totals"]["a"]["mistake_interval"] == pytest.approx([0.0396, 0.2305], abs=1e-4)


def test_a_set_needs_scores_for_every_position():
    with pytest.raises(ValueError, match="2 positions but 1 rows of scores"):
        SolvedSet("short", [None, None], np.zeros((1, 9), np.int16))


def write(folder, positions, moves=None):
    (folder / "set").write_text(positions)
    if moves is not None:
        (folder / "set.moves").write_text(moves)
    return folder / "set"


@pytest.fixture(scope="module")
def files(domain):
    """The texts of a set and of its scores, in the domain's own names of actions."""
    lines, rows = [], []
    for actions in ([0, 3, 1, 4], [0, 4], [4, 0, 2]):
        state, text = domain.reset(), ""
        for action in actions:
            text += domain.action_name(state, action)
            state, _, _ = domain.step(state, action)
        scores = solve(domain, state, {}, len(actions))
        lines.append(f"{text} {scores.max()}")
        rows.append(" ".join([text, *map(str, scores.tolist())]))
    return "\n".join(lines) + "\n", "\n".join(rows) + "\n"


def test_a_set_and_its_scores_are_read(domain, files, tmp_path):
    solved = read_positions(write(tmp_path, *files), domain)
    assert (solved.name, len(solved.states), solved.scores.shape) == ("set", 3, (3, 9))
    assert solved.scores[0].argmax() == 2  # completes the row
    legal = [domain.legal(state) for state in solved.states]
    np.testing.assert_array_equal(solved.scores != ILLEGAL, legal)


def test_a_file_of_scores_alone_is_read(domain, files, tmp_path):
    both = read_positions(write(tmp_path, *files), domain)
    alone = read_positions(tmp_path / "set.moves", domain)
    np.testing.assert_array_equal(both.scores, alone.scores)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda p, m: (p, None), "the solver plays connect_four only"),
        (lambda p, m: ("", m), "has no positions"),
        (lambda p, m: (p.replace("\n", "\nx", 1), m), "do not list the same positions"),
        (lambda p, m: (p.split("\n")[0], m), "do not list the same positions"),
        (lambda p, m: (p.replace(" ", " 1", 1), m), "line 1: score 1\\d+, but its best move has"),
        (lambda p, m: (p, m.replace(" -1000", " 0", 1)), "line 1: the scores .* do not match"),
        (lambda p, m: (p, m.replace(" -1000", " nan", 1)), "line 1: 'nan' is no score"),
        (lambda p, m: (p, m.replace(" -1000", " 99999", 1)), "line 1: '99999' is no score"),
        (lambda p, m: ("é 1\n", m), "cannot read positions"),
    ],
)
def test_a_bad_file_is_explained_in_one_line(domain, files, tmp_path, change, fault):
    path = write(tmp_path, *change(*files))
    with pytest.raises(UsageError, match=fault) as caught:
        read_positions(path, domain)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_explained(domain, tmp_path):
    with pytest.raises(UsageError, match="cannot read positions from "):
        read_positions(tmp_path / "nowhere", domain)


def test_connect_four_files_without_scores_are_solved(tmp_path):
    # X completes the first column with its fourth stone: 22 less the 4 it has played then.
    domain = make("connect_four")
    path = write(tmp_path, "121212 18\n")
    solved = read_positions(path, domain)
    assert solved.scores[0, 0] == solved.scores[0].max() == 18


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("1111111 1", "no legal move at"),
        ("12121211 1", "the game is over before the end"),
        ("1212121 1", "the game is over before the end"),
        ("12x 1", "no legal move at 'x' of '12x'"),
    ],
)
def test_moves_that_cannot_be_are_named(tmp_path, line, fault):
    with pytest.raises(UsageError, match=fault):
        read_positions(write(tmp_path, line), make("connect_four"))


def test_the_sets_that_ship_are_sound():
    domain = make("connect_four")
    sets = shipped_sets(domain)
    assert {"End-Easy", "Middle-Easy", "Begin-Easy", "Middle-Medium"} <= {s.name for s in sets}
    for solved in sets:
        assert len(solved.states) >= 100
        legal = np.array([domain.legal(state) for state in solved.states])
        np.testing.assert_array_equal(solved.scores != ILLEGAL, legal)


def test_the_solver_makes_no_mistake_at_the_end():
    domain = make("connect_four")
    end = next(solved for solved in shipped_sets(domain) if solved.name == "End-Easy")
    [row] = evaluate(domain, [load_agent("solver", domain)], [end.first(50)]).rows
    assert (row.mistakes, row.non_optimal) == (0, 0)


def test_other_games_ship_no_sets(domain):
    assert shipped_sets(domain) == []

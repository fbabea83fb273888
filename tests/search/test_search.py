"""What a search promises: proofs, budgets, reuse, and the same tree whatever the batch or tier."""

import itertools
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.games.connect_four import connect_four
from tesuji.domains.games.tic_tac_toe import tic_tac_toe
from tesuji.domains.registry import make
from tesuji.search.base import Budget, Evaluation, Status, UniformEvaluator
from tesuji.search.config import PUCT, Gumbel
from tesuji.search.driver import EvaluatorError, RolloutEvaluator
from tesuji.search.search import Search

FOLDER = Path(__file__).parents[1] / "domains"
OBJECT_CONNECT_FOUR = f"{FOLDER / 'object_connect_four.py'}:object_connect_four"

SETTINGS = [
    PUCT(),
    PUCT(lookahead=0, fpu="parent"),
    PUCT(lookahead=2, dirichlet_fraction=0.25, temperature=1.0, cache_entries=64, canonical=True),
    PUCT(leaves=4, lookahead=0),
    Gumbel(),
    Gumbel(gumbel_scale=1.0, lookahead=3, cache_entries=64, canonical=True),
    PUCT(lookahead=1, graph=True),
    Gumbel(gumbel_scale=1.0, lookahead=0, graph=True),
]


class HashedEvaluator:
    """Says the same of the same observation, and something else of every other."""

    def __init__(self, num_actions=7):
        self.rng = np.random.default_rng(0)
        self.weights = self.rng.normal(size=(256, num_actions + 1))
        self.rows = 0

    def evaluate(self, observations):
        self.rows += len(observations)
        flat = observations.reshape(len(observations), -1)
        # Row by row: a product of the whole batch may round differently.
        out = np.stack([np.tanh(row @ self.weights[: len(row)]) for row in flat]).astype(np.float32)
        return Evaluation(
            np.ascontiguousarray(3 * out[:, :-1]), out[:, -1].copy(), np.zeros(len(out), np.float32)
        )


def play(domain, moves):
    state = domain.reset()
    for move in moves:
        state, _, _ = domain.step(state, int(move) - 1)
    return state


POSITIONS = ["", "4", "44", "4455", "12345671", "44332", "4444441"]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_tree_does_not_depend_on_its_batch(settings):
    domain = connect_four()
    states = [play(domain, moves) for moves in POSITIONS]
    together = Search(domain, HashedEvaluator(), settings).run(
        states, Budget(simulations=60), seed=list(range(7))
    )
    for seed, (state, result) in enumerate(zip(states, together, strict=True)):
        [alone] = Search(domain, HashedEvaluator(), settings).run(
            [state], Budget(simulations=60), seed=seed
        )
        np.testing.assert_array_equal(alone.visits, result.visits)
        np.testing.assert_array_equal(alone.policy, result.policy)
        assert (alone.action, alone.value) == (result.action, result.value)


def short_rollouts():
    return RolloutEvaluator(num_rollouts=2, max_steps=7)


@pytest.mark.parametrize(
    "evaluator",
    [HashedEvaluator, None, RolloutEvaluator, short_rollouts],
    ids=["hashed", "uniform", "rollouts", "short rollouts"],
)
@pytest.mark.parametrize(
    "settings",
    [
        PUCT(lookahead=2, dirichlet_fraction=0.25, canonical=False),
        PUCT(leaves=4, lookahead=0, canonical=False),
        Gumbel(gumbel_scale=1.0, lookahead=3, lookahead_steps=60, canonical=False),
    ],
    ids=str,
)
def test_both_tiers_grow_the_same_tree(settings, evaluator):
    compiled, plain = connect_four(), make(OBJECT_CONNECT_FOUR)
    new = evaluator or (lambda: UniformEvaluator(7))
    for moves in POSITIONS:
        [a] = Search(compiled, new(), settings).run(
            [play(compiled, moves)], Budget(simulations=50), seed=5, keep_tree=True
        )
        [b] = Search(plain, new(), settings).run(
            [play(plain, moves)], Budget(simulations=50), seed=5, keep_tree=True
        )
        np.testing.assert_array_equal(a.visits, b.visits)
        np.testing.assert_array_equal(a.q, b.q)
        assert a.status == b.status
        assert a.principal_variation == b.principal_variation
        for name in ("parent", "num_edges", "visits", "value_sum", "lower", "upper"):
            np.testing.assert_array_equal(a.tree.nodes[name], b.tree.nodes[name])


def test_a_rollout_that_is_cut_off_is_a_draw():
    [result] = Search(connect_four(), RolloutEvaluator(max_steps=3), PUCT(lookahead=0)).run(
        [connect_four().reset()], Budget(simulations=30)
    )
    assert result.value == 0.0  # nobody has won four moves after the start
    with pytest.raises(ValueError, match="max_steps must be at least 1, got 0"):
        RolloutEvaluator(max_steps=0)


def exact_value(domain, state, known):
    key = domain.key(state)
    if key not in known:
        best = -2.0
        for action in np.flatnonzero(domain.legal(state)):
            following, reward, discount = domain.step(state, int(action))
            behind = exact_value(domain, following, known) if discount else 0.0
            best = max(best, reward + discount * behind)
        known[key] = best
    return known[key]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_what_is_proven_of_tic_tac_toe_is_true(settings):
    domain, known = tic_tac_toe(), {}
    rng = np.random.default_rng(1)
    states = []
    while len(states) < 300:
        state = domain.reset()
        for _ in range(int(rng.integers(0, 8))):
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            following, _, discount = domain.step(state, action)
            if discount == 0:
                break
            state = following
        states.append(state)
    results = Search(domain, UniformEvaluator(9), settings).run(states, Budget(simulations=300))
    proven = 0
    for state, result in zip(states, results, strict=True):
        value = exact_value(domain, state, known)
        for action in np.flatnonzero(result.legal):
            following, reward, discount = domain.step(state, int(action))
            behind = exact_value(domain, following, known) if discount else 0.0
            assert result.lower[action] <= reward + discount * behind <= result.upper[action]
        if result.status.proven:
            proven += 1
            assert result.value == value
            assert result.lower[result.action] == value
            assert_line_proves(domain, state, result)
    assert proven > 200


def assert_line_proves(domain, state, result):
    sign, total, discount = 1.0, 0.0, 1.0
    for action in result.principal_variation:
        assert discount != 0.0
        state, reward, discount = domain.step(state, action)
        total += sign * reward
        sign *= discount
    assert discount == 0.0
    assert total == result.value


def test_a_win_in_one_is_found_without_the_network():
    domain = connect_four()
    evaluator = HashedEvaluator()
    # . . . . . . .
    # O O O . . . .
    # X X X . . . .
    [result] = Search(domain, evaluator, PUCT()).run(
        [play(domain, "112233")], Budget(simulations=100)
    )
    assert result.status is Status.PROVEN_WIN
    assert result.principal_variation == (3,)
    assert result.wdl == (1.0, 0.0, 0.0)
    assert evaluator.rows == 0


def test_a_double_threat_is_proven_by_looking_three_plies_ahead():
    domain = connect_four()
    # . . . X X . .   any side wins
    state = play(domain, "4455")
    [result] = Search(domain, UniformEvaluator(7), PUCT(lookahead=3)).run(
        [state], Budget(simulations=5)
    )
    assert result.status is Status.PROVEN_WIN
    assert len(result.principal_variation) == 3


def test_subtrees_are_kept_between_moves():
    domain = connect_four()
    evaluator = HashedEvaluator()
    search = Search(domain, evaluator, PUCT(lookahead=0))
    [first] = search.run([domain.reset()], Budget(simulations=200), reuse=True)
    reply = first.principal_variation[1]
    state, _, _ = domain.step(domain.reset(), first.action)
    state, _, _ = domain.step(state, reply)
    [kept] = search.run([state], Budget(simulations=1), reuse=True, keep_tree=True)
    assert kept.num_simulations == 1
    assert kept.visits.sum() > 5
    for parent, record in itertools.pairwise(kept.tree.nodes[:2]):
        assert record["visits"] <= parent["visits"]
    [again] = search.run([domain.reset()], Budget(simulations=1), reuse=True)
    assert again.visits.sum() == 1


def test_a_full_tree_goes_on_without_growing():
    domain = connect_four()
    search = Search(domain, HashedEvaluator(), PUCT(lookahead=0))
    [result] = search.run([domain.reset()], Budget(simulations=500, nodes=20))
    assert result.status is Status.NODES
    assert result.num_nodes <= 20
    assert result.visits.sum() == 500


def test_time_ends_a_search_and_an_event_interrupts_it():
    domain = connect_four()
    search = Search(domain, UniformEvaluator(7), PUCT())
    [result] = search.run([domain.reset()], Budget(seconds=0.05, memory_mb=50))
    assert result.status is Status.TIME
    stop = threading.Event()
    stop.set()
    [result] = search.run([domain.reset()], Budget(simulations=10**9, memory_mb=50), stop=stop)
    assert result.status is Status.INTERRUPTED
    assert result.action >= 0


def test_a_cached_position_is_not_judged_twice():
    domain = connect_four()
    evaluator = HashedEvaluator()
    search = Search(domain, evaluator, PUCT(cache_entries=4096, canonical=True, lookahead=0))
    [first] = search.run([play(domain, "12")], Budget(simulations=100))
    rows = evaluator.rows
    # The mirror image needs the same evaluations, but for ties that the lower action wins.
    [second] = search.run([play(domain, "76")], Budget(simulations=100))
    assert evaluator.rows - rows <= 20
    np.testing.assert_allclose(second.policy[::-1], first.policy, atol=0.15)


def test_a_full_board_is_answered_as_an_end():
    domain = tic_tac_toe()
    # X O X
    # X O O
    # O X X
    results = Search(domain, UniformEvaluator(9)).run(
        [play(domain, "125347689"), domain.reset()], Budget(simulations=10)
    )
    assert (results[0].status, results[0].action) == (Status.TERMINAL, -1)
    assert results[1].status is Status.SIMULATIONS


def test_nonsense_from_an_evaluator_is_refused():
    class Broken:
        def evaluate(self, observations):
            size = len(observations)
            return Evaluation(
                np.zeros((size, 7), np.float32), np.full(size, np.nan), np.zeros(size)
            )

    domain = connect_four()
    with pytest.raises(EvaluatorError, match="NaN"):
        Search(domain, Broken(), PUCT()).run([domain.reset()], Budget(simulations=3))


def test_a_result_becomes_json_and_a_graph():
    domain = connect_four()
    [result] = Search(domain, HashedEvaluator(), PUCT()).run(
        [domain.reset()], Budget(simulations=50), keep_tree=True
    )
    assert json.loads(json.dumps(result.to_json()))["simulations"] == 50
    graph = result.to_graph(20)
    assert graph.number_of_nodes() == 20
    assert graph.nodes[0]["visits"] == 51
    assert [edge.action for edge in result.tree.children([3])]
    with pytest.raises(ValueError, match="no node"):
        result.tree.find([3] * 30)


@pytest.mark.parametrize("bad", [{"simulations": 0}, {"seconds": -1.0}, {}])
def test_a_budget_without_an_end_is_refused(bad):
    with pytest.raises(ValueError, match="budget"):
        Budget(**bad)


@pytest.mark.parametrize("name", ["connect_four", OBJECT_CONNECT_FOUR])
def test_a_root_may_be_restricted(name):
    domain = make(name)
    allowed = np.isin(np.arange(7), [1, 5])
    search = Search(domain, UniformEvaluator(7))
    [result] = search.run([domain.reset()], Budget(simulations=50), allowed=[allowed])
    assert np.array_equal(result.legal, allowed)
    assert result.action in (1, 5)
    [free] = search.run([domain.reset()], Budget(simulations=50), reuse=True)
    assert free.legal.all()

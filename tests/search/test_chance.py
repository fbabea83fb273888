"""Chance in the search: expectations against exact ones, and the same tree in both tiers."""

from pathlib import Path

import numpy as np
import pytest
from twins import ObjectTwin, expectimax

from tesuji.domains.registry import make as make_domain
from tesuji.search.base import Budget, Evaluation, Status, UniformEvaluator
from tesuji.search.config import PUCT, Gumbel
from tesuji.search.driver import RolloutEvaluator
from tesuji.search.search import Search

DICE = Path(__file__).parents[1] / "domains" / "dice_games.py"


def dice_race():
    return make_domain(f"{DICE}:dice_race")


def press_your_luck():
    return make_domain(f"{DICE}:press_your_luck")


DOMAINS = [dice_race, press_your_luck]
SETTINGS = [
    PUCT(dirichlet_fraction=0.25, temperature=1.0),
    PUCT(leaves=4, fpu="minmax"),
    Gumbel(gumbel_scale=1.0, cache_entries=64),
]


class Sums:
    """An evaluator that says something else of every position."""

    def __init__(self, num_actions):
        self.num_actions = num_actions

    def evaluate(self, observations):
        # Plain arithmetic, which rounds alike in every batch.
        total = observations.sum(1) * np.float32(16)
        logits = np.stack([(total * (a + 3)) % 5 / 4 for a in range(self.num_actions)], 1)
        value = (total * 7) % 11 / 11 - np.float32(0.5)
        return Evaluation(np.ascontiguousarray(logits), value, np.zeros_like(value))


class Oracle:
    """An evaluator that knows the exact values, and no policy."""

    def __init__(self, domain):
        self.known, self.num_actions = {}, domain.spec.num_actions
        exact = {}
        expectimax(domain, domain.reset(), exact)
        for key, values in exact.items():
            state = domain.state(np.frombuffer(key, np.uint8).copy())
            self.known[domain.observe(state).tobytes()] = values.max()

    def evaluate(self, observations):
        value = np.array([self.known[row.tobytes()] for row in observations], np.float32)
        logits = np.zeros((len(value), self.num_actions), np.float32)
        return Evaluation(logits, value, np.zeros_like(value))


@pytest.mark.parametrize("make", DOMAINS)
def test_gumbel_finds_the_best_expectation(make):
    domain = make()
    exact = expectimax(domain, domain.reset(), {})
    low, high = domain.spec.value_range
    settings = Gumbel(max_considered=3)
    results = Search(domain, Oracle(domain), settings).run(
        [domain.reset()] * 64, Budget(simulations=256), seed=list(range(64))
    )
    found = np.mean([result.q[exact.argmax()] for result in results])
    assert abs(found - exact.max()) < 0.03 * (high - low)
    assert np.mean([result.action == exact.argmax() for result in results]) > 0.6


@pytest.mark.parametrize("make", DOMAINS)
def test_values_tend_to_expectations(make):
    domain = make()
    exact = expectimax(domain, domain.reset(), {})
    low, high = domain.spec.value_range
    [result] = Search(domain, RolloutEvaluator(), PUCT()).run(
        [domain.reset()], Budget(simulations=60_000)
    )
    assert result.action == exact.argmax()
    assert abs(result.q[result.action] - exact.max()) < 0.02 * (high - low)
    assert result.status is Status.SIMULATIONS


@pytest.mark.parametrize("make", DOMAINS)
@pytest.mark.parametrize("settings", SETTINGS, ids=["puct", "leaves", "gumbel"])
@pytest.mark.parametrize("kind", ["net", "uniform", "rollout"])
def test_both_tiers_draw_the_same_tree(make, settings, kind):
    domain = make()
    size = domain.spec.num_actions
    new = {"net": Sums(size), "uniform": UniformEvaluator(size), "rollout": RolloutEvaluator()}
    trees = []
    for each in (domain, ObjectTwin(domain)):
        states = [each.reset(), each.step(each.reset(), 1, 1 << 62)[0]]
        found = Search(each, new[kind], settings).run(
            states, Budget(simulations=80), seed=[7, 8], keep_tree=True
        )
        [alone] = Search(each, new[kind], settings).run(
            states[1:], Budget(simulations=80), seed=[8], keep_tree=True
        )
        np.testing.assert_array_equal(alone.visits, found[1].visits)
        trees.append(found)
    for one, other in zip(*trees, strict=True):
        np.testing.assert_array_equal(one.visits, other.visits)
        np.testing.assert_array_equal(one.q, other.q)
        assert one.principal_variation == other.principal_variation
        assert one.principal_keys == other.principal_keys
        for name in ("parent", "sibling", "visits", "value_sum", "reward", "discount"):
            np.testing.assert_array_equal(one.tree.nodes[name], other.tree.nodes[name])


def test_an_edge_has_a_node_for_each_outcome_seen():
    domain = dice_race()
    [result] = Search(domain, UniformEvaluator(3)).run(
        [domain.reset()], Budget(simulations=400), keep_tree=True
    )
    jump = next(i for i, edge in enumerate(result.tree.edges[:3]) if edge["action"] == 1)
    child = int(result.tree.edges[jump]["child"])
    sibling = int(result.tree.nodes[child]["sibling"])
    assert sibling >= 0
    assert result.tree.nodes[sibling]["sibling"] == -1
    visits = result.tree.nodes["visits"][[child, sibling]]
    assert visits.sum() == result.visits[1]
    assert abs(int(visits[0]) - int(visits[1])) < 6 * np.sqrt(visits.sum()) + 1
    graph = result.to_graph()
    assert {child, sibling} <= set(graph.successors(0))


def test_the_expected_line_can_be_replayed():
    domain = dice_race()
    [result] = Search(domain, UniformEvaluator(3)).run(
        [domain.reset()], Budget(simulations=500), keep_tree=True
    )
    line, keys = result.principal_variation, result.principal_keys
    assert len(line) == len(keys) > 3
    state = domain.reset()
    for i, (action, key) in enumerate(zip(line[:-1], keys[:-1], strict=True)):
        state, _, _ = domain.step(state, action, key)
        node = result.tree.find(line[: i + 1])
        assert result.tree.keys_of(line[: i + 1]) == keys[: i + 1]
        assert result.tree.nodes[node]["visits"] > 0
        assert domain.legal(state)[line[i + 1]]


@pytest.mark.parametrize("twin", [False, True])
def test_the_outcome_that_came_keeps_its_subtree(twin):
    domain = ObjectTwin(dice_race()) if twin else dice_race()
    search = Search(domain, UniformEvaluator(3), PUCT())
    for throw in range(4):
        search.run([domain.reset()], Budget(simulations=200))
        state, _, _ = domain.step(domain.reset(), 1, throw << 62)
        [kept] = search.run([state], Budget(simulations=1), reuse=True, keep_tree=True)
        assert kept.num_simulations == 1
        assert kept.visits.sum() > 3
        children = np.flatnonzero(kept.tree.nodes["parent"] == 0)
        assert len(children)
        assert kept.tree.nodes["visits"][children].sum() <= kept.visits.sum()  # ends have no node


def test_a_full_tree_of_chance_goes_on():
    domain = dice_race()
    [result] = Search(domain, Sums(3)).run([domain.reset()], Budget(simulations=300, nodes=30))
    assert result.status is Status.NODES
    assert result.num_nodes <= 30
    assert result.visits.sum() == 300


def test_states_without_a_key_cannot_be_told_apart():
    domain = ObjectTwin(dice_race())
    domain.key = lambda state: None
    with pytest.raises(ValueError, match="give the domain a `key`"):
        Search(domain, UniformEvaluator(3)).run([domain.reset()], Budget(simulations=50))


def test_puct_weighs_values_on_the_scale_of_the_tree():
    domain = press_your_luck()
    exact = expectimax(domain, domain.reset(), {})
    [result] = Search(domain, RolloutEvaluator(), PUCT()).run(
        [domain.reset()], Budget(simulations=1000)
    )
    # Unscaled, values of tens against priors below 1 would leave the first look to decide alone.
    assert result.visits[0] >= 3
    assert result.action == exact.argmax() == 1
    assert result.wdl[1] == 0
    assert 0 < result.wdl[0] < 1

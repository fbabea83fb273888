"""Graph search: shared nodes, the values of Monte Carlo graph search, and no endless walks."""

from pathlib import Path

import numpy as np
import pytest
from twins import ObjectTwin

from tesuji.domains.registry import make
from tesuji.search.base import Budget, Evaluation, Status, UniformEvaluator
from tesuji.search.config import PUCT, Gumbel
from tesuji.search.search import Search

FOLDER = Path(__file__).parents[1] / "domains"
PLAIN = {"lookahead": 0, "prove": False}


class Sums:
    """An evaluator that says something else of every position, in plain arithmetic."""

    def evaluate(self, observations):
        flat = observations.reshape(len(observations), -1)
        total = (flat * np.arange(1, flat.shape[1] + 1, dtype=np.float32)).sum(1)
        logits = np.stack([(total * (a + 3)) % 7 / 4 for a in range(7)], 1)
        return Evaluation(logits, (total * 5) % 13 / 13 - np.float32(0.5), np.zeros_like(total))


def grown(settings, simulations=800):
    domain = make("connect_four")
    search = Search(domain, Sums(), settings)
    [result] = search.run([domain.reset()], Budget(simulations=simulations), keep_tree=True)
    rows = search.driver.tree.states[: result.num_nodes]
    return result, {row.tobytes() for row in rows}


@pytest.mark.parametrize("kind", [PUCT, Gumbel])
def test_a_position_has_one_node_however_it_is_reached(kind):
    tree, rows = grown(kind(**PLAIN))
    assert len(rows) < tree.num_nodes
    graph, rows = grown(kind(**PLAIN, graph=True))
    assert len(rows) == graph.num_nodes
    parents = graph.tree.edges["child"]
    _, counts = np.unique(parents[parents >= 0], return_counts=True)
    assert counts.max() > 1


def test_a_node_is_worth_its_evaluation_and_its_children_by_the_visits_of_the_edges():
    result, _ = grown(PUCT(**PLAIN, graph=True))
    nodes, edges = result.tree.nodes, result.tree.edges
    assert result.visits.sum() == 800
    root = nodes[0]
    span = slice(root["first_edge"], root["first_edge"] + root["num_edges"])
    total = float(root["raw_value"])
    for edge in edges[span]:
        child = nodes[edge["child"]]
        q = child["reward"] + child["discount"] * child["value_sum"] / child["visits"]
        assert edge["value_sum"] / edge["visits"] == pytest.approx(q, abs=1e-12)
        total += edge["visits"] * q
    assert root["value_sum"] == pytest.approx(total, abs=1e-9)
    for node in nodes[nodes["num_edges"] > 0]:
        span = slice(node["first_edge"], node["first_edge"] + node["num_edges"])
        assert node["visits"] == 1 + edges["visits"][span].sum()


def test_a_graph_of_one_path_to_each_position_is_a_tree():
    tree, rows = grown(PUCT(**PLAIN), simulations=25)
    assert len(rows) == tree.num_nodes
    graph, _ = grown(PUCT(**PLAIN, graph=True), simulations=25)
    np.testing.assert_array_equal(tree.visits, graph.visits)
    np.testing.assert_allclose(tree.q, graph.q, atol=1e-6)


@pytest.mark.parametrize(
    "settings", [PUCT(graph=True), Gumbel(graph=True), PUCT(**PLAIN, graph=True)]
)
def test_cycles_end_walks_and_nodes_stay_few(settings):
    domain = make(f"{FOLDER / 'ring.py'}:ring")
    [result] = Search(domain, UniformEvaluator(2), settings).run(
        [domain.reset()], Budget(simulations=500)
    )
    assert result.num_nodes <= 9  # all places, and the start once more, now after a step
    assert result.action == 1  # four steps this way, five the other
    if settings.prove:
        assert result.value <= 1 - 3 / 8


def test_the_part_below_the_move_that_was_played_is_kept():
    domain = make("connect_four")
    search = Search(domain, Sums(), PUCT(**PLAIN, graph=True))
    [first] = search.run([domain.reset()], Budget(simulations=400))
    state = domain.step(domain.reset(), first.action)[0]
    [kept] = search.run([state], Budget(simulations=200), reuse=True, keep_tree=True)
    assert kept.status is Status.SIMULATIONS
    assert kept.visits.sum() > 250
    rows = search.driver.tree.states[: kept.num_nodes]
    assert len({row.tobytes() for row in rows}) == kept.num_nodes


def test_a_full_graph_goes_on_without_growing():
    domain = make("connect_four")
    [result] = Search(domain, Sums(), PUCT(**PLAIN, graph=True)).run(
        [domain.reset()], Budget(simulations=500, nodes=20)
    )
    assert (result.status, result.num_nodes) == (Status.NODES, 20)
    assert result.visits.sum() == 500


def test_what_graph_search_cannot_do_is_refused():
    with pytest.raises(ValueError, match="one leaf at a time"):
        PUCT(graph=True, leaves=2)
    domain = make("connect_four")
    with pytest.raises(ValueError, match="connect_four is an object domain"):
        Search(ObjectTwin(domain), UniformEvaluator(7), PUCT(graph=True))
    chance = make(f"{FOLDER / 'dice_games.py'}:dice_race")
    with pytest.raises(ValueError, match="dice_race has chance outcomes"):
        Search(chance, UniformEvaluator(3), PUCT(graph=True))

"""The learned prover: its search is sound and complete as the unguided one, and it learns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from tesuji.domains.proving.clause_graph import NUM_EDGE_KINDS, NUM_NODE_KINDS
from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.features import BUCKETS, Sight, action_features, name_matrix
from tesuji.domains.proving.features import ROLES as FEATURE_ROLES
from tesuji.domains.proving.instances import instances_of
from tesuji.domains.proving.matrix import NamedMatrix, Small, make_matrix
from tesuji.domains.proving.robinson import robinson
from tesuji.domains.proving.tptp import parse_problem
from tesuji.engine.commands.prove import Arguments as Prove
from tesuji.engine.commands.prove import run as prove
from tesuji.engine.commands.train import Arguments as Train
from tesuji.engine.commands.train import run as train
from tesuji.engine.errors import UsageError
from tesuji.engine.metrics import read_metrics
from tesuji.engine.theorem_choices import choices_of
from tesuji.engine.theorem_config import ROBINSON, TheoremLearningConfig, TheoremTrainConfig
from tesuji.engine.theorem_policy import (
    Known,
    Taught,
    Theorem,
    candidates,
    guide_of,
    load_prover,
    policy_for,
)
from tesuji.engine.theorem_proof import theorem_proof
from tesuji.engine.theorem_training import train_prover
from tesuji.engine.theorem_verification import verify_theorem
from tesuji.nets.clause_graph import EDGE_KINDS, NODE_KINDS, ROLES
from tesuji.nets.config import ConnectionNetConfig
from tesuji.nets.connection import ConnectionNet, learn_connections
from tesuji.search.proving.guided import Guided
from tesuji.search.proving.instance_tableaux import GroundClauses, instance_tableau
from tesuji.search.proving.lessons import lesson
from tesuji.search.proving.policy import Policy

THEOREMS = (
    "fof(a, axiom, p => q). fof(b, axiom, p). fof(c, conjecture, q).",
    "fof(a, axiom, ! [X] : (p(X) | p(f(X)))). fof(c, conjecture, ? [X] : p(X)).",
    "fof(a, axiom, f(c) = c). fof(c, conjecture, f(f(f(c))) = c).",
    "fof(c, conjecture, ((p <=> q) <=> r) <=> (p <=> (q <=> r))).",
)


class _Silent:
    def update(self, row: Mapping[str, object]) -> None:
        """Say nothing."""


def new_net(sight: Sight = "names") -> ConnectionNet:
    torch.manual_seed(1)
    return ConnectionNet(ConnectionNetConfig(sight=sight), BUCKETS)


def fresh(named: NamedMatrix, sight: Sight = "names") -> Guided:
    return Guided(named.matrix, policy_for(new_net(sight), named))


@pytest.mark.parametrize("sight", ["names", "graph", "both"])
@pytest.mark.parametrize("text", THEOREMS)
def test_what_any_policy_proves_the_checker_accepts(text: str, sight: Sight) -> None:
    problem = parse_problem(text)
    clauses = clausify(problem)
    named = make_matrix(clauses)
    search = fresh(named, sight)
    found = search.run(100_000)
    assert found is not None
    assert found.copies is not None
    proof = theorem_proof(problem, clauses, instances_of(named, search.tableau, found.copies))
    verify_theorem(proof)


RENAMED = "fof(a, axiom, size(box) = box). fof(c, conjecture, size(size(size(box))) = box)."


def test_a_graph_has_no_names() -> None:
    one, other = (make_matrix(clausify(parse_problem(text))) for text in (THEOREMS[2], RENAMED))
    assert set(one.symbols) & set(other.symbols) == {"="}
    same = [policy_for(new_net("graph"), each) for each in (one, other)]
    for a, b in zip(same[0], same[1], strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    told = [policy_for(new_net("both"), each) for each in (one, other)]
    assert not np.array_equal(told[0].action, told[1].action)


def test_symbols_that_play_the_same_part_look_alike_in_a_graph_and_others_do_not() -> None:
    text = "fof(a, axiom, p(a, b) & q(a, b) & r(b, a) & r(a, a)). fof(c, conjecture, p(b, b))."
    named = make_matrix(clausify(parse_problem(text)))
    net = new_net("graph")
    known = Known("graph")
    Theorem("", named, known)
    assert net.graph is not None
    graphs = known.graphs()
    assert graphs is not None
    rows = net.graph.read(graphs, np.array([0])).goals.detach().numpy()
    of = {name: rows[ROLES * at : ROLES * (at + 1)] for at, name in enumerate(named.symbols)}
    assert not np.allclose(of["p"], of["q"], atol=1e-4)  # p is in the conjecture
    assert not np.allclose(of["q"], of["r"], atol=1e-4)
    assert [ROLES, NODE_KINDS, EDGE_KINDS] == [FEATURE_ROLES, NUM_NODE_KINDS, NUM_EDGE_KINDS]


def prior_of(policy: Policy, feature: Small, action: Small) -> npt.NDArray[np.float64]:
    seen = np.maximum(policy.table[feature].sum(0) + policy.bias, 0.0)
    logits = policy.action[action] @ (seen @ policy.query + policy.shift)
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


@pytest.mark.parametrize("sight", ["names", "graph", "both"])
def test_training_and_search_read_the_same(sight: Sight) -> None:
    torch.manual_seed(1)
    net = ConnectionNet(ConnectionNetConfig(sight=sight, entropy=0.0, rate=1e-9), BUCKETS)
    known, taught, surprise, weight = Known(sight), [], 0.0, 0.0
    for name, text in enumerate(THEOREMS):
        named = make_matrix(clausify(parse_problem(text)))
        search = Guided(named.matrix, policy_for(net, named))
        found = search.run(100_000)
        assert found is not None
        assert found.copies is not None
        theorem = Theorem(str(name), named, known)
        each = lesson(named.matrix, theorem.names, search.tableau, found.copies[0][0])
        taught.append(Taught(theorem, each))
        policy = policy_for(net, named)
        for goal in range(len(each.chosen)):
            feature = each.feature[each.feature_first[goal] : each.feature_first[goal + 1]]
            first, end = each.action_first[goal : goal + 2]
            prior = prior_of(policy, feature, each.action[first:end])
            weight += len(each.chosen) ** -0.5
            surprise -= np.log(prior[each.chosen[goal] - first]) * len(each.chosen) ** -0.5
    loss, _ = learn_connections(net, known.actions(), candidates(taught), 1, 1, known.graphs())
    assert weight > 3.0
    assert loss == pytest.approx(surprise / weight, rel=1e-4)


def test_a_graph_network_learns() -> None:
    config = ConnectionNetConfig(sight="graph", entropy=0.0, rate=0.01)
    torch.manual_seed(1)
    net, known = ConnectionNet(config, BUCKETS), Known("graph")
    named = make_matrix(clausify(parse_problem(THEOREMS[2])))
    theorem = Theorem("", named, known)
    search = fresh(named, "graph")
    found = search.run(100_000)
    assert found is not None
    assert found.copies is not None
    each = lesson(named.matrix, theorem.names, search.tableau, found.copies[0][0])
    goals = candidates([Taught(theorem, each)])
    before, _ = learn_connections(net, known.actions(), goals, 1, 1, known.graphs())
    after, accuracy = learn_connections(net, known.actions(), goals, 60, 1, known.graphs())
    assert after < 0.2 * before
    assert accuracy == 1.0


def test_what_is_no_theorem_is_not_proved() -> None:
    named = make_matrix(clausify(parse_problem("fof(a, axiom, q). fof(c, conjecture, p).")))
    found = fresh(named).run(1000)
    assert found is not None
    assert found.copies is None
    assert found.saturated


def test_a_lesson_names_the_steps_of_the_proof() -> None:
    named = make_matrix(clausify(parse_problem(THEOREMS[2])))
    search = fresh(named)
    found = search.run(100_000)
    assert found is not None
    assert found.copies is not None
    taught = lesson(named.matrix, name_matrix(named), search.tableau, search.start)
    first, last = taught.action_first[:-1], taught.action_first[1:]
    assert len(taught.chosen)
    assert (first <= taught.chosen).all()
    assert (taught.chosen < last).all()
    assert (last - first > 1).all()  # forced steps teach nothing
    assert set(np.unique(taught.feature)) <= set(range(BUCKETS))


def test_instances_teach_the_steps_of_their_tableau() -> None:
    named = make_matrix(clausify(parse_problem(THEOREMS[1])))
    # p(c) | p(f(c)), ~p(c), ~p(f(c)): the goal begins, and has two literals to choose from.
    firsts, literals = np.array([0, 2, 3, 4], np.int32), np.array([0, 2, 1, 3], np.int32)
    ground = GroundClauses(np.array([0, 1, 1], np.int32), firsts, literals)
    closed = instance_tableau(named.matrix, ground)
    assert closed is not None
    start, tableau = closed
    taught = lesson(named.matrix, name_matrix(named), tableau, start)
    assert start == 1
    assert taught.action_first.tolist() == [0, 2]
    assert taught.action[taught.chosen[0]] in (0, 1)
    assert instance_tableau(named.matrix, ground._replace(literal=literals ^ [0, 0, 0, 1])) is None


def test_closed_goals_of_failed_searches_are_lessons(tmp_path: Path) -> None:
    positions = []
    for hindsight in (0.0, 0.1):
        settings = TheoremLearningConfig(
            inferences=300, theorems=12, operand=4, operations=2, stages=2, hindsight=hindsight
        )
        config = TheoremTrainConfig(ROBINSON, minutes=0, iterations=2, proving=settings)
        train_prover(config, tmp_path / str(hindsight), _Silent())
        rows = list(read_metrics(tmp_path / str(hindsight)))
        positions.append([row["positions"] for row in rows])
    assert positions[0][0] == positions[1][0]  # unguided searches note none
    assert positions[0][1] < positions[1][1]


def test_names_are_hashed_not_numbers() -> None:
    texts = "fof(a, axiom, p(c)). fof(g, conjecture, p(c)).", "fof(g, conjecture, p(c))."
    several, alone = (make_matrix(clausify(parse_problem(text))) for text in texts)
    features = [action_features(m.matrix, name_matrix(m)) for m in (several, alone)]
    goal = [f.feature[f.first[n] : f.first[n + 1]] for f, n in zip(features, (1, 0), strict=True)]
    assert goal[0].tolist() == goal[1].tolist()


def test_a_run_learns_resumes_and_is_the_same_with_any_workers(tmp_path: Path) -> None:
    rows = []
    for workers in (1, 3):
        settings = TheoremLearningConfig(
            inferences=400, theorems=24, operand=3, operations=1, stages=2, workers=workers
        )
        config = TheoremTrainConfig(ROBINSON, minutes=0, iterations=2, proving=settings)
        totals = train_prover(config, tmp_path / str(workers), _Silent())
        rows.append(
            [
                (row["loss"], row["proved"], row["inferences"])
                for row in read_metrics(tmp_path / str(workers))
            ]
        )
    assert rows[0] == rows[1]
    assert totals.proved >= 1
    assert totals.inferences > 0
    resumed = Train(game=ROBINSON, resume=tmp_path / "1", minutes=0, iterations=3, proving=settings)
    longer = train(resumed)
    assert longer.facts["iteration"] == 3
    file = tmp_path / "sum.p"
    file.write_text(THEOREMS[2])
    answer = prove(Prove(game=str(file), agent=str(tmp_path / "1"), prover="ours"))
    assert answer.facts["status"] == "Theorem"


def test_a_folder_without_problems_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no problems"):
        train(Train(game="proving", problems=str(tmp_path)))
    with pytest.raises(UsageError, match="--problems"):
        train(Train(game="proving"))


def test_a_proof_says_where_the_policy_mattered() -> None:
    wrong = " ".join(f"fof(w{at}, axiom, p | ~ q{at})." for at in range(5))
    text = f"{wrong} fof(r, axiom, p | ~ r). fof(s, axiom, r). fof(g, conjecture, p)."
    named = make_matrix(clausify(parse_problem(text)))
    matrix, policy = named.matrix, policy_for(new_net(), named)
    search = Guided(matrix, policy)
    found = search.run(1000)
    assert found is not None
    assert found.copies is not None
    [choice] = choices_of(matrix, policy, search.tableau, search.start)
    key = int(matrix.key[matrix.clause_first[search.start]]) ^ 1
    partners = matrix.partner[matrix.partner_first[key] : matrix.partner_first[key + 1]]
    assert matrix.clause[partners].tolist()[choice.place] == 5
    assert choice.steps == 6
    better = policy._replace(action=policy.action.copy())
    better.action[partners[choice.place]] = 0.0
    [first] = choices_of(matrix, better, search.tableau, search.start)
    assert first.prior != choice.prior
    assert first.place == choice.place


def test_the_policy_that_ships_does_arithmetic_with_little_search() -> None:
    guide = guide_of(load_prover(ROBINSON))
    for stage, seeds in ((1, (0, 1, 2)), (2, (2, 3, 4))):
        for seed in seeds:
            problem = robinson(stage, 7000 + seed)
            clauses = clausify(problem)
            named = make_matrix(clauses)
            guidance = guide(named)
            search = Guided(named.matrix, guidance.policy, guidance.prices)
            found = search.run(1000)
            assert found is not None
            assert found.copies is not None
            instances = instances_of(named, search.tableau, found.copies)
            verify_theorem(theorem_proof(problem, clauses, instances))

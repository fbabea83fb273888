"""Connection tableaux by the shared tree search: sound with any networks, and guided by them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from small_theorems import OTHERS, THEOREMS

from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.connection import ConnectionDomain
from tesuji.domains.proving.features import BUCKETS
from tesuji.domains.proving.goals import FEATURES, GOALS, GOALS_SIZE, ROWS, SIZES, STEPS
from tesuji.domains.proving.instances import instances_of
from tesuji.domains.proving.matrix import make_matrix
from tesuji.domains.proving.tptp import parse_problem
from tesuji.engine.commands.prove import Arguments as Prove
from tesuji.engine.commands.prove import run as prove
from tesuji.engine.metrics import read_metrics
from tesuji.engine.theorem_config import ROBINSON, TheoremLearningConfig, TheoremTrainConfig
from tesuji.engine.theorem_outcomes import chances_of
from tesuji.engine.theorem_policy import policy_for
from tesuji.engine.theorem_proof import theorem_proof
from tesuji.engine.theorem_training import train_prover
from tesuji.engine.theorem_verification import verify_theorem
from tesuji.nets.closing import ClosingExamples, learn_closing
from tesuji.nets.config import ConnectionNetConfig
from tesuji.nets.connection import ConnectionNet
from tesuji.search.proving.guided import Guided
from tesuji.search.proving.outcomes import CLOSED, GIVEN_UP, make_outcomes
from tesuji.search.proving.tree_search import GoalEvaluator, TreeSearch


class _Silent:
    def update(self, row: Mapping[str, object]) -> None:
        """Say nothing."""


def searched(text: str, simulations: int = 200) -> tuple[ConnectionDomain, TreeSearch]:
    domain = ConnectionDomain(clausify(parse_problem(text)), goals=True)
    policy = policy_for(ConnectionNet(ConnectionNetConfig(sight="names"), BUCKETS), domain.named)
    return domain, TreeSearch(domain, GoalEvaluator(policy), simulations)


@pytest.mark.parametrize("name", [name for name in THEOREMS if name != "equivalences"])
def test_what_the_tree_closes_the_checker_accepts(name: str) -> None:
    domain, search = searched(THEOREMS[name])
    found = search.run(20_000)
    assert found is not None
    assert found.copies is not None
    assert search.tableau is not None
    instances = instances_of(domain.named, search.tableau, found.copies)
    verify_theorem(theorem_proof(parse_problem(THEOREMS[name]), domain.clauses, instances))


@pytest.mark.parametrize("text", OTHERS.values())
def test_what_is_no_theorem_is_not_proved_nor_called_saturated(text: str) -> None:
    _, search = searched(text)
    found = search.run(2000)
    assert found is None or (found.copies is None and not found.saturated)


def test_a_search_that_is_asked_to_go_on_counts_its_inferences() -> None:
    _, search = searched(THEOREMS["equivalences"], simulations=50)
    assert search.run(30) is None
    assert search.inferences == 30
    search.run(75)
    assert search.inferences == 75
    assert search.limit == 1  # one step was taken after 50


def test_an_observation_holds_the_open_goals_and_the_steps() -> None:
    text = "fof(a, axiom, (q & r) => p). fof(b, axiom, q). fof(d, axiom, r). fof(c, conjecture, p)."
    domain = ConnectionDomain(clausify(parse_problem(text)), goals=True)
    state, _, _ = domain.step(domain.reset(), 0)
    state, _, _ = domain.step(state, 0)
    seen = domain.observe(state).astype(int)
    assert (seen[STEPS], seen[GOALS]) == (1, 2)
    assert domain.action_name(state, 0) == "extend with b_1, literal 1"
    assert seen[ROWS] == state.options[0]
    sizes = seen[SIZES : SIZES + 2]
    assert (sizes > 0).all()
    assert (seen[FEATURES : FEATURES + sizes.sum()] < BUCKETS).all()
    assert not np.array_equal(*np.split(seen[FEATURES : FEATURES + sizes.sum()], sizes[:1])[:2])


def test_a_guided_search_notes_the_goals_that_it_goes_back_over() -> None:
    # p is given up below its only clause; q is closed, and left because of p.
    text = (
        "fof(a, axiom, (q & p) => g). fof(b, axiom, q). fof(d, axiom, (q & r) => p). "
        "fof(c, conjecture, g)."
    )
    named = make_matrix(clausify(parse_problem(text)))
    policy = policy_for(ConnectionNet(ConnectionNetConfig(sight="names"), BUCKETS), named)
    outcomes = make_outcomes(8)
    search = Guided(named.matrix, policy, outcomes=outcomes)
    found = search.run(1000)
    assert found is not None
    assert found.copies is None
    assert search.outcomes.met[GIVEN_UP] > 0
    given_up = {each.tobytes() for each in outcomes.goals(GIVEN_UP)}
    closed = {each.tobytes() for each in outcomes.goals(CLOSED)}
    assert given_up
    assert not given_up & closed


def test_a_subgoal_that_was_closed_without_a_proof_is_a_lesson() -> None:
    # q is closed by one of two clauses before r, which nothing closes, is tried.
    text = (
        "fof(a, axiom, ! [X] : ((q(X) & r(X, X)) => g)). fof(b, axiom, q(a)). fof(d, axiom, q(b)). "
        "fof(e, axiom, r(a, b)). fof(h, axiom, r(b, a)). fof(c, conjecture, g)."
    )
    named = make_matrix(clausify(parse_problem(text)))
    policy = policy_for(ConnectionNet(ConnectionNetConfig(sight="names"), BUCKETS), named)
    search = Guided(named.matrix, policy, outcomes=make_outcomes(8))
    assert search.run(1000) is not None
    taught = search.outcomes.lesson()
    assert len(taught.chosen) == search.outcomes.met[CLOSED] > 0
    assert (np.diff(taught.action_first) == 2).all()
    assert (taught.action_first[:-1] <= taught.chosen).all()
    assert (taught.chosen < taught.action_first[1:]).all()


def test_the_chance_to_close_is_learned_from_outcomes() -> None:
    # Goals with feature 1 close, those with feature 2 do not; 3 says nothing.
    goals = [[1, 3], [2, 3]] * 20
    examples = ClosingExamples(
        np.concatenate(goals).astype(np.int32), np.arange(0, 81, 2, dtype=np.int32),
        np.array([1, 0] * 20, np.float32),
    )  # fmt: skip
    torch.manual_seed(0)
    net = ConnectionNet(ConnectionNetConfig(hidden=8), BUCKETS)
    loss = learn_closing(net.closing, examples, 60, seed=0, rate=0.03, decay=0.0, batch=8)
    assert loss < 0.1
    chances = chances_of({name: each.detach().numpy() for name, each in net.state_dict().items()})
    policy = policy_for(net, make_matrix(clausify(parse_problem(THEOREMS["modus ponens"]))))
    seen = np.zeros((3, GOALS_SIZE), np.float32)
    seen[:, STEPS] = 1
    for row, each in enumerate(([1], [2], [1, 2])):
        seen[row, GOALS], seen[row, SIZES : SIZES + len(each)] = len(each), 1
        seen[row, FEATURES : FEATURES + len(each)] = each
    closes, not_, both = (GoalEvaluator(policy, chances).evaluate(seen).value + 1) / 2
    assert closes > 0.9
    assert not_ < 0.1
    assert both == pytest.approx(closes * not_, rel=1e-3)


def test_prove_searches_by_tree_with_and_without_networks(tmp_path: Path) -> None:
    settings = TheoremLearningConfig(
        inferences=400,
        theorems=24,
        operand=3,
        operations=1,
        stages=2,
        outcomes=8,
        closing_epochs=20,
    )
    config = TheoremTrainConfig(ROBINSON, minutes=0, iterations=2, proving=settings)
    train_prover(config, tmp_path / "run", _Silent())
    last = read_metrics(tmp_path / "run")[-1]
    assert 0.0 < last["closing_loss"] < 0.65  # a coin has 0.69
    file = tmp_path / "sum.p"
    file.write_text(THEOREMS["equality"])
    for agent in (None, str(tmp_path / "run")):
        answer = prove(Prove(game=str(file), agent=agent, prover="tree", inferences=20_000))
        assert answer.facts["status"] == "Theorem"
        assert answer.facts["prover"] == "tree search"

"""The learned prover: its search is sound and complete as the unguided one, and it learns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.features import BUCKETS, action_features, name_matrix
from tesuji.domains.proving.instances import instances_of
from tesuji.domains.proving.matrix import NamedMatrix, make_matrix
from tesuji.domains.proving.tptp import parse_problem
from tesuji.engine.commands.prove import Arguments as Prove
from tesuji.engine.commands.prove import run as prove
from tesuji.engine.commands.train import Arguments as Train
from tesuji.engine.commands.train import run as train
from tesuji.engine.errors import UsageError
from tesuji.engine.metrics import read_metrics
from tesuji.engine.theorem_config import ROBINSON, TheoremLearningConfig, TheoremTrainConfig
from tesuji.engine.theorem_policy import policy_for
from tesuji.engine.theorem_proof import theorem_proof
from tesuji.engine.theorem_training import train_prover
from tesuji.engine.theorem_verification import verify_theorem
from tesuji.nets.config import ConnectionNetConfig
from tesuji.nets.connection import ConnectionNet
from tesuji.search.proving.guided import Guided
from tesuji.search.proving.instance_tableaux import GroundClauses, instance_tableau
from tesuji.search.proving.lessons import lesson

THEOREMS = (
    "fof(a, axiom, p => q). fof(b, axiom, p). fof(c, conjecture, q).",
    "fof(a, axiom, ! [X] : (p(X) | p(f(X)))). fof(c, conjecture, ? [X] : p(X)).",
    "fof(a, axiom, f(c) = c). fof(c, conjecture, f(f(f(c))) = c).",
    "fof(c, conjecture, ((p <=> q) <=> r) <=> (p <=> (q <=> r))).",
)


class _Silent:
    def update(self, row: Mapping[str, object]) -> None:
        """Say nothing."""


def fresh(named: NamedMatrix) -> Guided:
    return Guided(named.matrix, policy_for(ConnectionNet(ConnectionNetConfig(), BUCKETS), named))


@pytest.mark.parametrize("text", THEOREMS)
def test_what_any_policy_proves_the_checker_accepts(text: str) -> None:
    problem = parse_problem(text)
    clauses = clausify(problem)
    named = make_matrix(clauses)
    search = fresh(named)
    found = search.run(100_000)
    assert found is not None
    assert found.copies is not None
    proof = theorem_proof(problem, clauses, instances_of(named, search.tableau, found.copies))
    verify_theorem(proof)


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

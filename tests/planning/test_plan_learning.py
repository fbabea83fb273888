"""Learning to plan: colours, rankings, guided searches, generators, runs."""

from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.logistics.pddl.object_graph import make_object_graph
from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.validation import validate_plan
from tesuji.domains.logistics.tasks.families import FAMILIES
from tesuji.engine.checkpoint import load_checkpoint
from tesuji.engine.cli import main
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.plan_config import SHIPPED, Guide, PlanLearningConfig, PlanTrainConfig
from tesuji.engine.plan_examples import describe, label_space, tabulate
from tesuji.engine.plan_model import guided, load_ranking, ranking_of
from tesuji.engine.plan_training import train_planner
from tesuji.engine.planning import GroundTask, ground
from tesuji.engine.progress import open_progress
from tesuji.engine.trained import WEIGHTS
from tesuji.nets.ranking import RankingConfig, accuracy, learn_ranking
from tesuji.search.planning.guided import ORDERS, GuidedSearch, Ranking
from tesuji.search.planning.state_space import explore

from colour_twin import colours_of  # isort: skip

SMALL = PlanLearningConfig(
    problems=10, level=3.0, most_states=5000, samples=15, trials=2, effort=5000
)


def task_of(name: str, seed: int = 1, level: float = 2.0) -> GroundTask:
    family = FAMILIES[f"logistics/{name}"]
    return ground(parse_task(family.domain(), family.problem(seed, level)))


def blank(depth: int = 4, most: int = 1) -> Ranking:
    return Ranking(np.zeros(0, np.uint64), np.zeros(0, np.float32), depth, most)


def learned(name: str, depth: int = 4) -> Ranking:
    examples = []
    for seed in range(6):
        task = task_of(name, seed, 3.0)
        labels = label_space(task, np.random.default_rng(seed), 5000, 20)
        assert labels is not None
        examples += describe(guided(task, blank(depth)), labels)
    table = tabulate(examples)
    weights = learn_ranking(table.choices, RankingConfig())
    return blank(depth)._replace(colour=table.colour, weight=weights.astype(np.float32))


@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_writes_problems_that_can_be_solved(name: str) -> None:
    family = FAMILIES[name]
    for level in (0.0, 1.0, 2.0):
        text = family.problem(3, level)
        assert text == family.problem(3, level)
        task = ground(parse_task(family.domain(), text))
        assert task.operators.solvable
        space = explore(task.variables, np.ones(len(task.variables.cost), np.int64), 5000)
        assert space is not None
        assert space.distance[0] < 100


def test_sizes_are_named_and_checked() -> None:
    family = FAMILIES["logistics/ferry"]
    assert "car7" in family.problem(0, cars=7)
    assert "car8" not in family.problem(0, cars=7)
    with pytest.raises(ValueError, match=r"ferry has no size 'trucks'; it has cars, locations"):
        family.problem(0, trucks=2)
    with pytest.raises(ValueError, match="cars must be at least 1, got 0"):
        family.problem(0, cars=0)


@pytest.mark.parametrize("most", [0, 1, 2])
@pytest.mark.parametrize("name", ["spanner", "childsnack", "blocksworld"])
def test_differences_are_those_of_colours_computed_anew(name: str, most: int) -> None:
    task = task_of(name, level=3.0)
    search = guided(task, blank(4, most))
    space = explore(task.variables, np.ones(len(task.variables.cost), np.int64), 50_000)
    assert space is not None
    for at in np.random.default_rng(0).integers(0, len(space.state), 12):
        found = search.differences(space.state[at])
        before = colours_of(task, space.state[at], 4, most)
        edges = slice(space.start[at], space.start[at + 1])
        for i, child in enumerate(space.child[edges]):
            after = colours_of(task, space.state[child], 4, most)
            expected = {c: after[c] - before[c] for c in {*before, *after} if after[c] != before[c]}
            mine = found.member == i
            got: dict[int, int] = {}
            for colour, sign in zip(found.colour[mine], found.sign[mine], strict=True):
                got[int(colour)] = got.get(int(colour), 0) + int(sign)
            assert {c: n for c, n in got.items() if n} == expected


def test_colours_do_not_depend_on_names() -> None:
    family = FAMILIES["logistics/transport"]
    text = family.problem(5, 3.0)
    renamed = text
    for old, new in (("p1", "zebra"), ("l1", "away"), ("v1", "lorry"), ("l2", "alps")):
        renamed = renamed.replace(f" {old} ", f" {new} ").replace(f" {old})", f" {new})")
        renamed = renamed.replace(f" {old}\n", f" {new}\n")
    assert renamed != text
    tasks = [ground(parse_task(family.domain(), each)) for each in (text, renamed)]
    one, two = (colours_of(task, task.variables.init, 4, 1) for task in tasks)
    assert one == two
    weighed = Ranking(
        np.array(sorted(one), np.uint64), np.linspace(-1, 1, len(one), dtype=np.float32), 4, 1
    )
    values = [guided(task, weighed).value(task.variables.init) for task in tasks]
    assert values[0] == values[1] != 0.0


def test_learning_ranks_successors_of_unseen_problems() -> None:
    ranking = learned("ferry")
    unseen = []
    for seed in range(50, 53):
        task = task_of("ferry", seed, 4.0)
        labels = label_space(task, np.random.default_rng(seed), 20_000, 30)
        assert labels is not None
        unseen += describe(guided(task, ranking), labels)
    choices = tabulate(unseen, ranking.colour).choices
    untrained = accuracy(choices, np.zeros(len(ranking.colour)))
    assert untrained < 0.6
    assert accuracy(choices, ranking.weight.astype(float)) > 0.95


@pytest.mark.parametrize("order", ORDERS)
def test_guided_plans_are_valid(order: str) -> None:
    ranking = learned("spanner", 3)
    task = task_of("spanner", 9, 4.0)
    *_, last = GuidedSearch(
        task.variables,
        make_object_graph(task.operators, task.variables),
        ranking,
        order,  # type: ignore[arg-type]
    ).steps()
    assert last.plan is not None
    assert validate_plan(task.task, task.steps(last.plan)) == len(last.plan)


def test_a_guided_search_of_a_task_without_plans_ends() -> None:
    family = FAMILIES["logistics/spanner"]
    text = family.problem(0, spanners=2, nuts=2, locations=1)
    text = text.replace("(usable spanner2)", "")  # one is left for two nuts
    task = ground(parse_task(family.domain(), text))
    assert task.operators.solvable  # as far as one sees without deletions
    assert [step.plan for step in guided(task, blank()).steps() if step.plan] == []


def test_one_seed_gives_the_same_bytes_and_resume_goes_on(tmp_path: Path) -> None:
    def train(folder: Path, iterations: int, resume: bool = False) -> dict[str, bytes]:
        config = PlanTrainConfig(
            "logistics/ferry", minutes=0.0, iterations=iterations, planning=SMALL
        )
        with open_progress(True) as progress:
            train_planner(config, folder, progress, resume)
        checkpoint = load_checkpoint(folder, training=False)
        return {name: tensor.tobytes() for name, tensor in checkpoint.tensors.items()}

    whole = train(tmp_path / "whole", 2)
    assert len(whole["colour"]) > 0
    train(tmp_path / "cut", 1)
    assert train(tmp_path / "cut", 2, resume=True) == whole
    task = task_of("ferry", 77, 5.0)
    ranking = load_ranking(Guide(str(tmp_path / "cut")), task.task)
    *_, last = guided(task, ranking).steps()
    assert last.plan is not None
    with pytest.raises(UsageError, match="is for another domain: the predicate"):
        load_ranking(Guide(str(tmp_path / "cut")), task_of("miconic").task)


@pytest.mark.parametrize("path", sorted(WEIGHTS.glob("planning_*")), ids=lambda path: path.name)
def test_what_ships_plans_a_larger_problem(path: Path) -> None:
    task = task_of(path.name.removeprefix("planning_"), 99, 12.0)
    search = guided(task, load_ranking(Guide(SHIPPED), task.task))
    for step in search.steps():
        if step.plan is not None:
            validate_plan(task.task, task.steps(step.plan))
            return
        assert step.evaluated < 200_000


def test_a_damaged_ranking_is_refused(tmp_path: Path) -> None:
    from tesuji.engine.plan_model import ranking_checkpoint

    bad = Ranking(np.ones(2, np.uint64), np.array([1.0, np.nan], np.float32), 3, 1)
    checkpoint = ranking_checkpoint("logistics/ferry", bad, {}, 1, {})
    with pytest.raises(TesujiError, match="not as a ranking has them"):
        ranking_of(checkpoint)


def test_the_command_line_generates_trains_and_solves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["generate", "logistics/ferry", "--out", "made", "--count", "6"]) == 0
    words = ["train", "made/domain.pddl", "--problems", "made", "--iterations", "1", "--minutes"]
    small = ["--planning.trials", "2", "--planning.effort", "5000", "--planning.samples", "15"]
    assert main([*words, "0", *small, "--run-dir", "run", "--json"]) == 0
    files = ["made/domain.pddl", "made/p06.pddl"]
    assert main(["solve", *files, "--agent", "run", "--gap", "0.9", "--time", "30"]) == 0
    assert "validated" in capsys.readouterr().out
    assert main(["generate", "logistics/fery"]) == 2
    assert main(["train", "made/domain.pddl"]) == 2
    assert main(["solve", *files, "--agent", "nowhere"]) == 2
    told = capsys.readouterr().err
    assert "unknown family 'logistics/fery'" in told
    assert "needs problems to learn from" in told
    assert "no model at nowhere" in told

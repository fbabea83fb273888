"""Plans: cheapest ones against exhaustive search, bounds, the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from planning_tasks import TRUCKS, cheapest, trucks

from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.successors import apply, make_steps
from tesuji.domains.logistics.pddl.validation import parse_plan, validate_plan
from tesuji.engine.cli import main
from tesuji.engine.planning import ground, solve_task
from tesuji.engine.solving import SolveBudget, SolveProgress
from tesuji.search.planning.landmarks import find_landmarks
from tesuji.search.planning.planner import PlanSearch
from tesuji.search.planning.relaxation import make_relaxation


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    domain, problem = tmp_path / "domain.pddl", tmp_path / "problem.pddl"
    domain.write_text(TRUCKS)
    problem.write_text(trucks(3))
    return domain, problem


@pytest.mark.parametrize("seed", range(8))
def test_plans_become_optimal_and_bounds_stay_below(seed: int, tmp_path: Path) -> None:
    domain, problem = tmp_path / "domain.pddl", tmp_path / "problem.pddl"
    domain.write_text(TRUCKS)
    problem.write_text(trucks(seed))
    task = ground(parse_task(TRUCKS, trucks(seed)))
    least = cheapest(task)
    answer = solve_task(domain, problem, SolveBudget(seconds=60.0))
    if least is None:
        assert answer.status == "unsolvable"
        return
    assert answer.status == "optimal"
    assert answer.cost == answer.bound == least
    assert answer.plan is not None
    assert validate_plan(task.task, answer.plan) == least


def test_progress_tells_falling_costs_and_a_bound(files: tuple[Path, Path]) -> None:
    rows: list[SolveProgress] = []
    answer = solve_task(*files, SolveBudget(seconds=30.0), rows.append)
    costs = [row.cost for row in rows if row.cost is not None]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == answer.cost
    assert all(row.bound <= costs[-1] for row in rows)


def test_a_goal_out_of_reach_is_proven(tmp_path: Path) -> None:
    domain, problem = tmp_path / "domain.pddl", tmp_path / "problem.pddl"
    domain.write_text(TRUCKS)
    text = trucks(0)
    problem.write_text(
        text.replace("(:objects", "(:objects far - place").replace(
            "(:goal (and", "(:goal (and (at c0 far)"
        )
    )
    answer = solve_task(domain, problem, SolveBudget(seconds=30.0))
    assert (answer.status, answer.plan) == ("unsolvable", None)


def test_the_command_prints_a_valid_plan_and_writes_it(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "plan.txt"
    code = main(["solve", *map(str, files), "--json", "--out", str(out), "--time", "30"])
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == 0
    assert facts["status"] == "optimal"
    task = parse_task(TRUCKS, trucks(3))
    assert validate_plan(task, parse_plan(out.read_text())) == facts["cost"]
    assert [" ".join(step) for step in parse_plan(out.read_text())] == facts["plan"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere.pddl", "x.pddl"], 2, "no such file: nowhere.pddl"),
        (["domain.pddl"], 2, "needs a problem"),
        (["domain.pddl", "domain.pddl"], 2, "is this the other file of the two?"),
        (["domain.pddl", "problem.pddl", "--time", "0"], 2, "seconds must be above 0"),
    ],
)
def test_wrong_input_is_one_clear_line(
    arguments: list[str], code: int, message: str, files: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(files[0].parent)
    assert main(["solve", *arguments]) == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize("seed", range(8))
def test_every_plan_passes_all_landmarks(seed: int) -> None:
    task = ground(parse_task(TRUCKS, trucks(seed)))
    search = PlanSearch(task.variables)
    relaxation = make_relaxation(task.variables, search.cost)
    landmarks = find_landmarks(task.variables, relaxation)
    assert set(task.variables.goal.tolist()) <= set(landmarks.fact.tolist())
    steps = make_steps(task.variables)
    for step in search.steps():
        if step.plan is None:
            continue
        states = [task.variables.init]
        for op in step.plan:
            after = np.zeros_like(states[-1])
            apply(steps, op, states[-1], after)
            states.append(after)
        seen = set(np.concatenate([task.variables.first[:-1] + state for state in states]).tolist())
        assert set(landmarks.fact.tolist()) <= seen

"""Plans mended after a disruption."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from planning_tasks import TRUCKS, trucks

from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.syntax import Task
from tesuji.domains.logistics.pddl.validation import PlanFault, Step, validate_plan
from tesuji.engine.cli import main
from tesuji.engine.planning import answers
from tesuji.engine.repair import Repair, RepairAnswer, compare, repair_plan
from tesuji.engine.solving import SolveBudget, SolveClock

pytestmark = pytest.mark.usefixtures("kernels")


def clock(seconds: float = 60.0) -> SolveClock:
    return SolveClock(SolveBudget(seconds=seconds, cpu_time=True))


def plan_for(task: Task) -> tuple[Step, ...]:
    *_, answer = answers(task, clock())
    assert answer.plan is not None
    return answer.plan


def mended(task: Task, old: tuple[Step, ...], change: float) -> tuple[RepairAnswer, Repair]:
    *better, last = repair_plan(task, old, clock(), change)
    assert isinstance(last, RepairAnswer)
    assert last.best is not None
    totals = [one.total for one in better if isinstance(one, Repair)]
    assert totals == sorted(totals, reverse=True)
    return last, last.best


def road_closed(seed: int, plan: tuple[Step, ...]) -> Task:
    """The problem without the first road that the plan drives."""
    drive = next(step for step in plan if step[0] == "drive")
    return parse_task(TRUCKS, trucks(seed).replace(f"(road {drive[2]} {drive[3]})", ""))


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_a_closed_road_is_driven_around(seed: int) -> None:
    old = plan_for(parse_task(TRUCKS, trucks(seed)))
    task = road_closed(seed, old)
    with pytest.raises(PlanFault):
        validate_plan(task, old)
    answer, best = mended(task, old, change=2.0)
    assert answer.status == "optimal"
    assert validate_plan(task, best.plan) == best.cost
    gone, new = best.steps("-"), best.steps("+")
    assert best.total == best.cost + 2.0 * (len(gone) + len(new))
    assert len(best.steps(" ")) + len(gone) == len(old)
    assert "precondition does not hold" in answer.reason


@pytest.mark.parametrize("seed", [1, 3])
def test_no_plan_has_a_lower_total_than_one_called_optimal(seed: int) -> None:
    old = plan_for(parse_task(TRUCKS, trucks(seed)))
    task = road_closed(seed, old)
    _, free = mended(task, old, change=0.0)
    _, dear = mended(task, old, change=50.0)
    assert free.cost == min(answer.cost for answer in answers(task, clock()) if answer.cost)
    assert free.cost <= dear.cost
    assert len(dear.steps(" ")) >= len(free.steps(" "))


def test_a_plan_that_still_holds_stays_if_changes_are_dear() -> None:
    task = parse_task(TRUCKS, trucks(3))
    old = plan_for(task)
    answer, best = mended(task, old, change=1.0)
    assert best.plan == old
    assert (answer.reason, answer.status, best.total) == ("", "optimal", best.cost)


def test_a_goal_out_of_reach_is_said() -> None:
    text = trucks(0).replace("(:objects", "(:objects far - place")
    task = parse_task(TRUCKS, text.replace("(:goal (and", "(:goal (and (at c0 far)"))
    *_, answer = repair_plan(task, (), clock())
    assert isinstance(answer, RepairAnswer)
    assert (answer.status, answer.best) == ("unsolvable", None)


def test_plans_are_compared_step_by_step() -> None:
    a, b, c, d = [(name,) for name in "abcd"]
    assert compare([a, b, c], [a, d, c]) == ((" ", a), ("-", b), ("+", d), (" ", c))
    assert compare([], [a]) == (("+", a),)
    assert compare([a, b], [b, a])[0] == ("-", a)


def test_the_command_shows_and_writes_what_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = plan_for(parse_task(TRUCKS, trucks(3)))
    drive = next(step for step in old if step[0] == "drive")
    files = [tmp_path / name for name in ("domain.pddl", "now.pddl", "plan.txt", "new.txt")]
    domain, now, plan, out = files
    domain.write_text(TRUCKS)
    now.write_text(trucks(3).replace(f"(road {drive[2]} {drive[3]})", ""))
    plan.write_text("\n".join(f"({' '.join(step)})" for step in old))
    words = ["repair", str(domain), str(now), str(plan), "--time", "30"]
    assert main([*words, "--json", "--out", str(out)]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["status"] == "optimal"
    assert len(facts["kept"]) + len(facts["removed"]) == len(old)
    assert " ".join(drive) in facts["removed"]
    assert out.read_text().count("(") == len(facts["plan"])
    assert main(words) == 0
    assert f"- ({' '.join(drive)})" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("plan", "words", "code", "message"),
    [
        (None, [], 2, "cannot read"),
        ("drive t0\n", [], 2, "plan.txt, line 1: expected (ACTION OBJECT ...)"),
        ("", ["--change", "-1"], 2, "--change must be at least 0"),
        ("", ["--time", "0"], 2, "seconds must be above 0"),
    ],
)
def test_wrong_input_is_one_clear_line(
    plan: str | None, words: list[str], code: int, message: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "domain.pddl").write_text(TRUCKS)
    (tmp_path / "now.pddl").write_text(trucks(3))
    if plan is not None:
        (tmp_path / "plan.txt").write_text(plan)
    files = [str(tmp_path / name) for name in ("domain.pddl", "now.pddl", "plan.txt")]
    assert main(["repair", *files, *words]) == code
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_the_first_answer_bridges_the_gap(seed: int) -> None:
    old = plan_for(parse_task(TRUCKS, trucks(seed)))
    task = road_closed(seed, old)
    first = next(one for one in repair_plan(task, old, clock()) if isinstance(one, Repair))
    gap = next(i for i, step in enumerate(old) if step[0] == "drive")
    assert first.plan[:gap] == old[:gap]
    assert validate_plan(task, first.plan) == first.cost

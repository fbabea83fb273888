"""The engine of unified-planning, on the examples that come with it, judged by its validator."""

from __future__ import annotations

from typing import Any

import pytest

up = pytest.importorskip("unified_planning.shortcuts")
examples = pytest.importorskip("unified_planning.test.examples")

from unified_planning.engines import OptimalityGuarantee  # noqa: E402
from unified_planning.exceptions import UPUsageError  # noqa: E402
from unified_planning.plans import SequentialPlan  # noqa: E402

from tesuji.engine.unified_planning import TesujiEngine, register  # noqa: E402

PROBLEMS = {name: case.problem for name, case in examples.get_example_problems().items()}
SUPPORTED = [name for name, problem in PROBLEMS.items() if TesujiEngine.supports(problem.kind)]


@pytest.fixture(autouse=True, scope="module")
def _engine() -> None:
    up.get_environment().credits_stream = None
    register()


def is_valid(problem: Any, plan: Any) -> bool:
    with up.PlanValidator(name="sequential_plan_validator") as validator:
        return bool(validator.validate(problem, plan))


def test_most_examples_without_time_are_supported() -> None:
    assert len(SUPPORTED) >= 35
    named = {"basic", "complex_conditional", "robot", "robot_fluent_of_user_type", "travel"}
    assert named <= set(SUPPORTED)


@pytest.mark.parametrize("name", SUPPORTED)
def test_an_example_is_planned(name: str) -> None:
    with up.OneshotPlanner(name="tesuji") as planner:
        result = planner.solve(PROBLEMS[name])
    assert result.status.name.startswith("SOLVED")
    if name != "basic_undef_numeric":  # whose kind that validator does not take
        assert is_valid(PROBLEMS[name], result.plan)
    with up.PlanValidator(name="tesuji") as validator:
        assert validator.validate(PROBLEMS[name], result.plan)


@pytest.mark.parametrize("name", ["travel", "travel_with_consumptions", "basic_with_costs"])
def test_costs_are_those_of_the_problem(name: str) -> None:
    with up.OneshotPlanner(name="tesuji") as planner:
        result = planner.solve(PROBLEMS[name], timeout=20.0)
    with up.PlanValidator(name="sequential_plan_validator") as validator:
        values = validator.validate(PROBLEMS[name], result.plan).metric_evaluations.values()
    assert [float(result.metrics["cost"])] == [float(value) for value in values]


def test_the_planner_is_chosen_for_cheapest_plans_and_proves_them() -> None:
    problem = PROBLEMS["basic_with_costs"]
    guarantee = OptimalityGuarantee.SOLVED_OPTIMALLY
    with up.OneshotPlanner(name="tesuji", optimality_guarantee=guarantee) as planner:
        result = planner.solve(problem)
    assert result.status.name == "SOLVED_OPTIMALLY"
    assert result.metrics["cost"] == result.metrics["lower_bound"]


def test_plans_get_better_until_one_is_proven() -> None:
    problem = PROBLEMS["robot_loader_adv"]
    with up.AnytimePlanner(name="tesuji") as planner:
        results = list(planner.get_solutions(problem, timeout=60.0))
    lengths = [len(result.plan.actions) for result in results]
    assert lengths == sorted(lengths, reverse=True)
    assert {result.status.name for result in results[:-1]} <= {"INTERMEDIATE"}
    assert results[-1].status.name == "SOLVED_OPTIMALLY"
    assert is_valid(problem, results[-1].plan)


@pytest.mark.parametrize(
    ("name", "feature"), [("matchcellar", "CONTINUOUS_TIME"), ("htn-go", "HIERARCHICAL")]
)
@pytest.mark.filterwarnings("ignore:We cannot establish")
def test_what_is_not_supported_is_refused_by_its_kind(name: str, feature: str) -> None:
    with (
        up.OneshotPlanner(name="tesuji") as planner,
        pytest.raises(UPUsageError, match=f"tesuji does not support .*{feature}"),
    ):
        planner.solve(PROBLEMS[name])


def test_unsolvable_problems_are_proven_so() -> None:
    problem = up.Problem("stuck")
    x, y = problem.add_fluent("x"), problem.add_fluent("y")
    move = up.InstantaneousAction("move")
    move.add_precondition(y)
    move.add_effect(x, True)
    problem.add_action(move)
    problem.set_initial_value(x, False)
    problem.set_initial_value(y, False)
    problem.add_goal(x)
    with up.OneshotPlanner(name="tesuji") as planner:
        assert planner.solve(problem).status.name == "UNSOLVABLE_PROVEN"


def test_a_plan_that_breaks_is_found_invalid_and_repaired() -> None:
    problem = PROBLEMS["robot_loader"]
    with up.OneshotPlanner(name="tesuji") as planner:
        plan = planner.solve(problem).plan
    broken = SequentialPlan(plan.actions[1:])
    with up.PlanValidator(name="tesuji") as validator:
        assert validator.validate(problem, plan)
        verdict = validator.validate(problem, broken)
    assert verdict.status.name == "INVALID"
    assert verdict.inapplicable_action is None or verdict.inapplicable_action in broken.actions
    with up.PlanRepairer(name="tesuji") as repairer:
        mended = repairer.repair(problem, broken)
    assert is_valid(problem, mended.plan)
    assert int(mended.metrics["kept"]) >= len(broken.actions) - 1

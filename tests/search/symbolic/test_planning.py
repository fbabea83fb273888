"""Plans reach the goal by the domain's own rules, and what is proved is true."""

from typing import Any

import pytest
import z3

from tesuji.domains.robotics.double_integrator import (
    ACCELERATION_X,
    ACCELERATION_Y,
    double_integrator,
)
from tesuji.search.base import UniformEvaluator
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.planning import PlanBudget, SMTPlanner
from tesuji.search.symbolic.plans import PlanStatus, greedy_plan
from tesuji.search.symbolic.symbols import symbols

HALF = z3.Q(1, 2)


def robot(goal: float = 1.0, cost: bool = False, **constraints: Any) -> SymbolicModel:
    """Return a robot at 0 that is to stop within 1/2 of `goal` on the x axis."""
    domain = double_integrator(start=(0, 0), goal=(goal, 0), max_steps=12)
    x = symbols(domain, parts={"ax": ACCELERATION_X, "ay": ACCELERATION_Y})
    s, ax, ay = x.state, z3.ToReal(x.part.ax), z3.ToReal(x.part.ay)
    effects = {
        "x": s.x + s.vx * HALF + ax / 8,
        "y": s.y + s.vy * HALF + ay / 8,
        "vx": s.vx + ax * HALF,
        "vy": s.vy + ay * HALF,
    }
    near = [s.x <= goal + HALF, s.x >= goal - HALF, s.y <= HALF, s.y >= -HALF]
    slow = [term for v in (s.vx, s.vy) for term in (v <= HALF, v >= -HALF)]
    named = {name: make(x) for name, make in constraints.items()}
    fuel = z3.If(x.part.ax == 0, 0, 1) + z3.If(x.part.ay == 0, 0, 1) if cost else None
    return SymbolicModel(x, named, effects, z3.And(*near, *slow), fuel)


def first(model: SymbolicModel) -> Any:
    return model.symbols.domain.reset()


def test_the_shortest_plan_is_found_and_reaches_the_goal() -> None:
    model = robot()
    planner = SMTPlanner(model)
    result = planner.solve(first(model), horizon=6)
    # East twice gives 1/2 at speed 1, too fast; one push and coasting gives 5/8 in three steps.
    assert (result.status, result.cost) == (PlanStatus.SOLVED_OPTIMALLY, 3)
    assert planner.validate(first(model), result.actions).valid


def test_the_least_fuel_is_proved() -> None:
    model = robot(cost=True)
    result = SMTPlanner(model).solve(first(model), horizon=4)
    assert (result.status, result.cost, result.lower_bound) == (PlanStatus.SOLVED_OPTIMALLY, 1, 1)


def test_no_plan_within_the_horizon_is_not_a_proof() -> None:
    model = robot()
    assert SMTPlanner(model).solve(first(model), 2).status is PlanStatus.UNSOLVABLE_INCOMPLETELY


def test_no_way_on_is_a_proof() -> None:
    model = robot(push=lambda x: x.part.ax == 1, slow=lambda x: x.state.vx <= HALF)
    assert SMTPlanner(model).solve(first(model), 5).status is PlanStatus.UNSOLVABLE_PROVEN


def test_a_budget_that_runs_out_is_no_plan() -> None:
    model = robot()
    result = SMTPlanner(model, PlanBudget(seconds=1e-9)).solve(first(model), 5)
    assert result.status is PlanStatus.TIMEOUT
    assert not result.solved


def test_a_wrong_plan_is_refused_with_its_reason() -> None:
    model = robot(slow=lambda x: x.state.vx <= HALF)
    planner = SMTPlanner(model)
    assert planner.validate(first(model), (7, 7)).reason == "step 1: refused by: slow"
    assert planner.validate(first(model), (4,)).reason == "the goal is not reached"
    assert planner.validate(first(model), (9,)).reason == "step 0: the rules do not allow 9"


def test_a_repair_keeps_what_can_be_kept() -> None:
    # Off the axis first, it must come back: one of the three actions can stay, not two.
    model = robot(no_start=lambda x: z3.Or(x.state.vx > 0, x.part.ay != 0))
    planner = SMTPlanner(model)
    assert not planner.validate(first(model), (7, 4, 4)).valid
    result = planner.repair((7, 4, 4), first(model), horizon=3)
    assert result.cost == -1
    assert sum(a == b for a, b in zip(result.actions, (7, 4, 4), strict=True)) == 1
    assert planner.validate(first(model), result.actions).valid


def test_a_model_without_a_goal_is_refused() -> None:
    model = robot()
    with pytest.raises(ValueError, match="goal"):
        SMTPlanner(SymbolicModel(model.symbols, effects=model.effects))


@pytest.mark.parametrize("hint", [(7, 4, 4), (0, 0, 0, 0, 0, 0), (7,)])
def test_a_hint_changes_no_verdict(hint: tuple[int, ...]) -> None:
    model = robot()
    result = SMTPlanner(model).solve(first(model), 6, hint)
    assert (result.status, result.cost) == (PlanStatus.SOLVED_OPTIMALLY, 3)


def test_a_network_gives_a_hint() -> None:
    model = robot()
    domain = model.symbols.domain
    plan = greedy_plan(domain, UniformEvaluator(9), first(model), 4)
    assert plan == (0, 0, 0, 0)
    assert SMTPlanner(model).solve(first(model), 6, plan).solved


def test_a_solver_that_dies_is_no_answer_and_leaves_nothing_behind() -> None:
    model = robot()
    small = PlanBudget(memory_mb=60)
    result = SMTPlanner(model, small, ways=["unrolling"]).solve(first(model), 6)
    assert result.status is PlanStatus.UNKNOWN
    # Skeletons without holes need no solver.
    assert SMTPlanner(model, small).solve(first(model), 6).found_by == "skeletons"
    with pytest.raises(ValueError, match="memory_mb"):
        PlanBudget(memory_mb=0)

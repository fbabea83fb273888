"""Cores are minimal, true, and in the user's names."""

from itertools import combinations
from typing import Any

import pytest
import z3

from tesuji.domains.registry import make
from tesuji.domains.robotics.double_integrator import ACCELERATION_X, ACCELERATION_Y
from tesuji.search.symbolic.cores import SolverBudget, Verdict
from tesuji.search.symbolic.explain import (
    Explainer,
    contradiction,
    explain,
)
from tesuji.search.symbolic.model import ConstraintError, SymbolicModel
from tesuji.search.symbolic.symbols import Symbols, symbols

COAST, E, W = 4, 7, 1
HALF = z3.Q(1, 2)


def robot() -> Symbols:
    parts = {"ax": ACCELERATION_X, "ay": ACCELERATION_Y}
    return symbols(make("double_integrator"), parts=parts, bounds={"steps": (0, 32)})


def effects(x: Symbols) -> dict[str, Any]:
    return {
        "x": x.state.x + x.state.vx * HALF + z3.ToReal(x.part.ax) / 8,
        "vx": x.state.vx + z3.ToReal(x.part.ax) * HALF,
    }


def wall(x: Symbols, goal: Any = None) -> SymbolicModel:
    constraints = {
        "wall": x.state.x <= -HALF * 3,
        "weak brakes": x.part.ax >= 0,
        "other": x.state.y <= 100,
    }
    return SymbolicModel(x, constraints, effects=effects(x), goal=goal)


def after(*actions: int) -> Any:
    domain = make("double_integrator")
    state = domain.reset()
    for action in actions:
        state = domain.step(state, action)[0]
    return state


def test_the_constraint_that_refuses_is_named_with_its_values() -> None:
    x = robot()
    model = SymbolicModel(x, {"slow": x.state.vx <= 1, "no east": x.part.ax <= 0})
    found = explain(model, after(), E)
    assert found.verdict is Verdict.REFUSED
    assert found.names == ("no east",)
    assert found.minimal
    assert str(found) == "refused by: no east (ax = 1)"


def test_an_invariant_speaks_of_the_state_that_is_entered() -> None:
    x = robot()
    found = explain(SymbolicModel(x, {"slow": x.state.vx <= 1}), after(E, E), E)
    assert str(found) == "refused by: slow (vx = 1.5)"


def test_what_nothing_refuses_is_allowed() -> None:
    assert explain(wall(robot()), after(), E).verdict is Verdict.ALLOWED


def test_a_constraint_without_a_value_refuses() -> None:
    x = robot()
    model = SymbolicModel(x, {"odd": x.action / x.state.steps >= 0})
    found = explain(model, after(), E)
    assert (found.verdict, found.names) == (Verdict.UNDEFINED, ("odd",))
    assert explain(model, after(E), E).verdict is Verdict.ALLOWED


def test_looking_ahead_needs_both_constraints() -> None:
    # Moving on without brakes ends in the wall, though not in the next step.
    explainer = Explainer(wall(robot()))
    assert explainer.explain(after(E, E), COAST, horizon=2).verdict is Verdict.ALLOWED
    found = explainer.explain(after(E, E), COAST, horizon=3)
    assert (found.verdict, found.names) == (Verdict.REFUSED, ("wall", "weak brakes"))
    assert found.minimal


def test_looking_ahead_blames_the_goal_where_it_is_out_of_reach() -> None:
    x = robot()
    found = explain(wall(x, goal=x.state.x >= 0), after(), E, horizon=20)
    assert found.names == ("wall", "goal")
    assert explain(wall(x, goal=x.state.x >= -2.5), after(), E, horizon=4).names == ()


def test_every_core_is_minimal_and_true() -> None:
    x = robot()
    named = {f"c{i}": x.state.vx + i * x.part.ax <= 3 - i for i in range(12)}
    for action in range(9):
        found = explain(SymbolicModel(x, named), after(E), action)
        if found.verdict is Verdict.REFUSED:
            for size in range(len(found.names)):
                for subset in combinations(found.names, size):
                    less = SymbolicModel(x, {n: named[n] for n in subset})
                    assert explain(less, after(E), action).verdict is Verdict.ALLOWED


def test_a_budget_that_runs_out_is_not_allowed() -> None:
    x = robot()
    hard = SymbolicModel(x, {}, effects=effects(x), goal=x.state.x >= 3)
    explainer = Explainer(hard, SolverBudget(rlimit=1))
    found = explainer.explain(after(), E, horizon=12)
    assert found.verdict is Verdict.UNKNOWN
    assert "budget" in str(found)


def test_a_contradiction_comes_with_its_core() -> None:
    x = robot()
    constraints = {"east": x.part.ax > 0, "calm": x.action < 6, "slow": x.state.vx < 1}
    found = contradiction(SymbolicModel(x, constraints))
    assert (found.verdict, found.names) == (Verdict.REFUSED, ("east", "calm"))
    assert contradiction(wall(robot())).verdict is Verdict.ALLOWED


def test_a_contradiction_with_bounds_is_found() -> None:
    x = robot()
    found = contradiction(SymbolicModel(x, {"late": x.state.steps > 32, "any": x.action >= 0}))
    assert found.names == ("late",)


def test_bad_questions_are_refused() -> None:
    x = robot()
    explainer = Explainer(SymbolicModel(x, {"slow": x.state.vx <= 1}))
    with pytest.raises(ValueError, match="action 9 is not legal"):
        explainer.explain(after(), 9)
    with pytest.raises(ValueError, match="horizon"):
        explainer.explain(after(), E, horizon=-1)
    with pytest.raises(ConstraintError, match="effects"):
        explainer.explain(after(), E, horizon=2)

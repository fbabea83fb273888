"""Numbers in tasks: what is grounded does what the text says, and plans are found and proven."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tesuji.domains.logistics.pddl.numeric import make_row, numbers_of
from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.successors import applicable, apply, make_steps, reaches_goal
from tesuji.domains.logistics.pddl.syntax import Task
from tesuji.domains.logistics.pddl.validation import PlanFault, Step, validate_plan
from tesuji.engine.cli import main
from tesuji.engine.planning import PlanAnswer, answers, ground
from tesuji.engine.solving import SolveBudget, SolveClock
from tesuji.search.planning.planner import PlanSearch
from tesuji.search.planning.relaxation import DEAD_END, make_relaxation, relaxed_plan

pytestmark = pytest.mark.usefixtures("kernels")

VANS = """
(define (domain vans)
  (:requirements :typing :numeric-fluents :conditional-effects :negative-preconditions)
  (:types van place)
  (:predicates (at ?v - van ?p - place) (tired ?v - van))
  (:functions (fuel ?v - van) (load ?v - van) (stock ?p - place) (size ?v - van)
              (way ?a ?b - place) (price ?p - place) (spent) (tax))
  (:action drive
    :parameters (?v - van ?a ?b - place)
    :precondition (and (at ?v ?a) (not (= ?a ?b)) (>= (fuel ?v) (* (way ?a ?b) (+ 1 (load ?v)))))
    :effect (and (not (at ?v ?a)) (at ?v ?b) (increase (spent) (way ?a ?b))
                 (decrease (fuel ?v) (* (way ?a ?b) (+ 1 (load ?v))))
                 (when (< (fuel ?v) 6) (tired ?v))))
  (:action pick
    :parameters (?v - van ?p - place)
    :precondition (and (at ?v ?p) (> (stock ?p) 0) (<= (+ (load ?v) 1) (size ?v)))
    :effect (and (decrease (stock ?p) 1) (increase (load ?v) 1) (increase (spent) 1)))
  (:action drop
    :parameters (?v - van ?p - place)
    :precondition (and (at ?v ?p) (not (= (load ?v) 0)))
    :effect (and (increase (stock ?p) (load ?v)) (assign (load ?v) 0) (increase (spent) 1)))
  (:action refuel
    :parameters (?v - van ?p - place)
    :precondition (at ?v ?p)
    :effect (and (assign (fuel ?v) 20) (increase (spent) (price ?p)) (not (tired ?v))
                 (when (tired ?v) (scale-up (tax) 2)))))
"""


def vans(seed: int, goal: str = "", metric: str = "(spent)") -> str:
    rng = random.Random(seed)
    ways = "".join(
        f"(= (way {a} {b}) {rng.randint(1, 3) / 2})" for a, b in product("abc", repeat=2)
    )
    prices = "".join(f"(= (price {p}) {rng.randint(1, 5)})" for p in "abc")
    left = rng.randint(0, 1)
    goal = goal or f"(= (stock a) {left}) (>= (stock c) {rng.randint(2, 3 - left)})"
    loads = "(= (load v) 0) (= (load w) 0)"
    return f"""(define (problem x) (:domain vans) (:objects v w - van a b c - place)
      (:init (at v a) (at w {rng.choice("abc")}) {ways} {prices} (= (stock a) 2) (= (stock b) 1)
        (= (stock c) 0) (= (fuel v) {rng.randint(2, 6)}) (= (fuel w) 3) {loads}
        (= (size v) 2) (= (size w) 1) (= (spent) 0) (= (tax) 1))
      (:goal (and {goal})) (:metric minimize {metric}))"""


def solve(task: Task, seconds: float = 20.0) -> PlanAnswer:
    *_, answer = answers(task, SolveClock(SolveBudget(seconds=seconds, cpu_time=True)))
    return answer


def can(task: Task, plan: list[Step]) -> bool:
    try:
        validate_plan(task, plan)
    except PlanFault as fault:
        return fault.step is None
    return True


@pytest.mark.parametrize("seed", range(6))
def test_ground_operators_do_what_the_text_says(seed: int) -> None:
    task = parse_task(
        VANS, vans(seed, "(>= (stock c) 3) (not (tired v)) (not (tired w)) (>= (tax) 4)")
    )
    grounded = ground(task)
    steps = make_steps(grounded.variables)
    every = {
        (action.name, *names)
        for action in task.actions
        for names in product(*(task.objects_of(v.types) for v in action.parameters))
    }
    state = make_row(grounded.variables.init, grounded.variables.numeric.init)
    out = np.zeros(len(grounded.variables.cost), np.int32)
    stack = np.zeros(len(steps.switches.own), np.int32)
    rng, plan = random.Random(seed), []
    for _ in range(15):
        count = applicable(steps, state, out, stack)
        found = {grounded.steps([op])[0]: int(op) for op in out[:count]}
        assert set(found) == {step for step in every if can(task, [*plan, step])}
        step = rng.choice(sorted(found))
        after = np.zeros_like(state)
        apply(steps, found[step], state, after)
        state, plan = after, [*plan, step]
        try:
            validate_plan(task, plan)
        except PlanFault:
            assert not reaches_goal(steps, state)
        else:
            assert reaches_goal(steps, state)


def cheapest(task: Task, depth: int) -> float | None:
    """The least cost of plans of at most `depth` steps, by the text alone."""
    every = [
        (action.name, *names)
        for action in task.actions
        for names in product(*(task.objects_of(v.types) for v in action.parameters))
    ]
    best, layer = None, [[]]
    for _ in range(depth + 1):
        following = []
        for plan in layer:
            try:
                cost = validate_plan(task, plan)
            except PlanFault as fault:
                if fault.step is None:
                    following += [[*plan, step] for step in every]
            else:
                best = cost if best is None else min(best, cost)
        layer = following
    return best


def test_plans_are_cheapest_where_they_are_called_so() -> None:
    goal = "(>= (load v) 1) (at v b)"
    task = parse_task(VANS, vans(2, goal))
    answer = solve(task)
    assert answer.status == "optimal"
    assert answer.plan is not None
    assert answer.cost == validate_plan(task, answer.plan)
    least = cheapest(task, min(3, len(answer.plan)))
    assert least is None or answer.cost <= least


@pytest.mark.parametrize("seed", range(8))
def test_plans_are_found_and_bounds_stay_below(seed: int) -> None:
    task = parse_task(VANS, vans(seed))
    answer = solve(task, 20.0)
    assert answer.plan is not None
    assert answer.cost == validate_plan(task, answer.plan)
    assert answer.bound <= answer.cost


def test_numbers_never_given_cannot_be_used() -> None:
    text = vans(0).replace("(= (fuel v) ", "(= (tax) ").replace("(= (way a b) ", "(= (way a a) ")
    task = parse_task(VANS, text)
    grounded = ground(task)
    names = {grounded.steps([op])[0] for op in range(len(grounded.variables.cost))}
    assert not any(step[:1] == ("drive",) and step[2:] == ("a", "b") for step in names)
    assert solve(task).plan is not None


def test_a_metric_that_does_not_add_up_has_no_bound() -> None:
    task = parse_task(VANS, vans(1, "(>= (stock c) 2)", "(* (spent) (tax))"))
    answer = solve(task, 3.0)
    assert answer.status == "solved"
    assert answer.plan is not None
    assert answer.cost == validate_plan(task, answer.plan)
    assert answer.bound == -float("inf")


def test_a_metric_begins_where_its_numbers_do() -> None:
    task = parse_task(
        VANS, vans(3, metric="(+ (* 2 (spent)) 7)").replace("(= (spent) 0)", "(= (spent) 5)")
    )
    plain = parse_task(VANS, vans(3))
    answer, other = solve(task), solve(plain)
    assert answer.cost is not None
    assert other.cost is not None
    assert answer.cost == 2 * (other.cost + 5) + 7
    assert 17 <= answer.bound <= answer.cost


def test_goals_out_of_reach_of_all_changes_are_dead_ends() -> None:
    task = parse_task(VANS, vans(0, "(<= (spent) -1)"))
    variables = ground(task).variables
    state = make_row(variables.init, variables.numeric.init)
    relaxation = make_relaxation(variables, np.ones(len(variables.cost), np.int64))
    value, _ = relaxed_plan(relaxation, state, variables.first, np.zeros(99, np.int32))
    assert value == DEAD_END
    assert solve(task).status == "unsolvable"


def test_relaxed_plans_count_how_often_an_action_is_needed() -> None:
    task = parse_task(
        "(define (domain count) (:functions (x)) (:action up :effect (increase (x) 2)))",
        "(define (problem p) (:domain count) (:init (= (x) 0)) (:goal (> (x) 9)))",
    )
    variables = ground(task).variables
    relaxation = make_relaxation(variables, np.ones(1, np.int64))
    state = make_row(variables.init, variables.numeric.init)
    assert relaxed_plan(relaxation, state, variables.first, np.zeros(9, np.int32)) == (5, 1)
    assert solve(task).plan == (("up",),) * 5


def test_rows_hold_values_and_numbers() -> None:
    row = make_row(np.array([1, 2, 3]), np.array([0.5, -0.0]))
    assert row[:3].tolist() == [1, 2, 3]
    assert numbers_of(row, 3).tolist() == [0.5, 0.0]
    assert len(row) == 12
    assert len(make_row(np.array([1, 2, 3]), np.zeros(0))) == 4  # a whole word


def test_a_search_keeps_numbers_apart() -> None:
    task = ground(parse_task(VANS, vans(4)))
    search = PlanSearch(task.variables)
    for step in search.steps():
        if step.plan is not None or step.exhausted:
            break
    assert step.plan is not None


def test_a_plan_that_no_certificate_can_be_written_for_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "domain.pddl").write_text(VANS)
    (tmp_path / "problem.pddl").write_text(vans(1, "(>= (load v) 1)"))
    files = [str(tmp_path / name) for name in ("domain.pddl", "problem.pddl")]
    assert main(["solve", *files, "--certificate", str(tmp_path / "c.json")]) == 1
    told = capsys.readouterr().out
    assert "(pick v a)" in told
    assert "no certificate: " in told
    assert not (tmp_path / "c.json").exists()


def test_learned_guides_are_left_out_where_there_are_numbers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    task = parse_task(VANS, vans(1, "(>= (load v) 1)"))
    guide: Any = object()
    *_, answer = answers(task, SolveClock(SolveBudget(seconds=20.0, cpu_time=True)), guide=guide)
    assert answer.plan == (("pick", "v", "a"),)
    assert "learned guides know no numbers" in caplog.text

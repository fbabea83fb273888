"""Planning as satisfiability against search through all states."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer

import numpy as np
import pytest
from planning_tasks import TRUCKS, cheapest, trucks
from test_plan_constraints import CONSTRAINTS, Kept, keeps
from test_plan_constraints import cheapest as cheapest_kept

from tesuji.domains.logistics.pddl.alike import fact_groups
from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.validation import validate_plan
from tesuji.engine.cli import main
from tesuji.engine.plan_horizon import horizon_search
from tesuji.engine.plan_rules import PlanRules
from tesuji.engine.planning import GroundTask, answers, ground
from tesuji.engine.solving import SolveBudget, SolveClock
from tesuji.search.planning.horizon import HorizonSearch

FERRY = """
(define (domain ferry) (:requirements :typing) (:types van parcel place)
  (:predicates (here ?v - van ?a - place) (at ?p - parcel ?a - place) (in ?p - parcel ?v - van))
  (:action drive :parameters (?v - van ?a ?b - place) :precondition (here ?v ?a)
    :effect (and (here ?v ?b) (not (here ?v ?a))))
  (:action load :parameters (?p - parcel ?v - van ?a - place)
    :precondition (and (here ?v ?a) (at ?p ?a)) :effect (and (in ?p ?v) (not (at ?p ?a))))
  (:action unload :parameters (?p - parcel ?v - van ?a - place)
    :precondition (and (here ?v ?a) (in ?p ?v)) :effect (and (at ?p ?a) (not (in ?p ?v)))))
"""
FERRIES = """
(define (problem two) (:domain ferry) (:objects v w - van c d - parcel x y z - place)
  (:init (here v x) (here w y) (at c x) (at d y)) (:goal (and (at c y) (at d z))))
"""
ONE_OR_THE_OTHER = """
(define (domain coin) (:predicates (coin) (tea) (cake) (full))
  (:action drink :precondition (coin) :effect (and (tea) (not (coin))))
  (:action eat :precondition (coin) :effect (and (cake) (not (coin))))
  (:action rest :effect (full)) (:action wake :precondition (full) :effect (not (full))))
"""
BOTH = "(define (problem both) (:domain coin) (:init (coin)) (:goal (and (tea) (cake))))"


def alike(task: GroundTask) -> GroundTask:
    """Return a task whose operators cost one each."""
    variables = task.variables
    return replace(task, variables=variables._replace(cost=np.ones_like(variables.cost)))


@pytest.mark.parametrize("seed", range(10))
def test_the_first_plan_is_as_short_as_any(seed: int) -> None:
    task = alike(ground(parse_task(TRUCKS, trucks(seed, places=3))))
    if not task.operators.solvable:
        return
    search = horizon_search(task)
    *_, last = search.steps()
    assert last.exhausted
    assert search.gave_up == ""
    least = cheapest(task)
    if last.plan is None:
        assert least is None
        assert search.bound == float("inf")
        return
    assert len(last.plan) == least == search.bound
    validate_plan(task.task, task.steps(last.plan))


def test_steps_of_several_operators_are_fewer_and_come_in_any_order() -> None:
    task = ground(parse_task(FERRY, FERRIES))
    search = HorizonSearch(task.variables, fact_groups(task.operators, task.variables), True)
    steps = list(search.steps())
    plan = steps[-1].plan
    assert plan is not None
    assert steps[-1].evaluated < 2 * cheapest(task)  # type: ignore[operator]  # questions
    validate_plan(task.task, task.steps(plan))


@pytest.mark.parametrize(("text", "kept"), CONSTRAINTS)
def test_constraints_are_in_the_same_question(text: str, kept: Kept) -> None:
    task = parse_task(TRUCKS, trucks(4))
    if not kept({str(atom) for atom in task.init}, None):
        return
    rules = PlanRules(task, [text])
    clock = SolveClock(SolveBudget(seconds=60.0))
    *_, answer = answers(task, clock, rules=rules, planner="smt")
    least = cheapest_kept(task, kept)
    if least is None:
        assert answer.status == "unsolvable"
        return
    assert (answer.status, answer.cost) == ("optimal", least)
    assert answer.plan is not None
    assert keeps(task, answer.plan, kept)


def test_no_plan_of_any_length_is_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(tmp_path / name) for name in ("domain.pddl", "problem.pddl")]
    for path, text in zip(files, (ONE_OR_THE_OTHER, BOTH), strict=True):
        Path(path).write_text(text)
    assert main(["solve", *files, "--planner", "smt", "--json"]) == 3
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["status"] == "unsolvable"
    assert "induction" in told["reason"]


def test_it_ends_when_told_to() -> None:
    # Fifteen pigeons for fourteen holes: nothing that z3 would settle soon.
    holes = " ".join(f"h{i}" for i in range(14))
    pigeons = " ".join(f"p{i}" for i in range(15))
    domain = """(define (domain nest) (:predicates (free ?h) (hole ?h) (out ?p) (home ?p))
      (:action enter :parameters (?p ?h) :precondition (and (out ?p) (hole ?h) (free ?h))
        :effect (and (home ?p) (not (out ?p)) (not (free ?h)))))"""
    facts = [f"(hole {h}) (free {h})" for h in holes.split()]
    facts += [f"(out {p})" for p in pigeons.split()]
    goal = " ".join(f"(home {p})" for p in pigeons.split())
    problem = f"""(define (problem p) (:domain nest) (:objects {holes} {pigeons})
      (:init {" ".join(facts)}) (:goal (and {goal})))"""
    stop = Event()
    Timer(1.0, stop.set).start()
    clock = SolveClock(SolveBudget(seconds=60.0), stop)
    *_, answer = answers(parse_task(domain, problem), clock, planner="smt")
    assert answer.status == "unknown"
    assert 1.0 <= answer.seconds < 20.0

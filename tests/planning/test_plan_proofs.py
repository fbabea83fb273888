"""Lower bounds of plans: never too high, and accepted by a verifier that refuses all else."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planning_tasks import DRIVERS, TRUCKS, cheapest, drivers, trucks

from tesuji.domains.logistics.pddl.alike import fact_names
from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.ragged import Ragged
from tesuji.engine.cli import main
from tesuji.engine.plan_bounds import bound_search
from tesuji.engine.plan_certificate import certificate
from tesuji.engine.plan_reading import PlanProofFault
from tesuji.engine.plan_verification import verify_plan
from tesuji.engine.planning import GroundTask, PlanAnswer, ground, solve_task
from tesuji.engine.solving import SolveBudget
from tesuji.engine.storage import load_json
from tesuji.search.planning.bounds import cut_landmarks, whole_costs
from tesuji.search.planning.proofs import BoundSearch
from tesuji.search.planning.relaxation import make_relaxation

BOTH_AT_ONCE = """
(define (domain lamp)
  (:predicates (power) (light) (noise))
  (:action cut :effect (not (power)))
  (:action switch :effect (and (light) (when (power) (noise)))))
"""
LAMP = "(define (problem l) (:domain lamp) (:init (power)) (:goal (and (light) (noise))))"


def answered(tmp_path: Path, domain: str = TRUCKS, problem: str | None = None) -> dict[str, Any]:
    problem = trucks(3) if problem is None else problem
    files = tmp_path / "domain.pddl", tmp_path / "problem.pddl"
    for path, text in zip(files, (domain, problem), strict=True):
        path.write_text(text)
    return certificate(solve_task(*files, SolveBudget(seconds=30.0)), domain, problem)


def bounds_of(task: GroundTask) -> list[float]:
    return [proof.bound for proof in bound_search(task.operators, task.variables).improve()]


@pytest.mark.parametrize("seed", range(12))
def test_a_bound_is_never_above_the_least_cost(seed: int, tmp_path: Path) -> None:
    task = ground(parse_task(TRUCKS, trucks(seed)))
    if not task.operators.solvable:
        return
    least = cheapest(task)
    bounds = [
        0.0,
        *bounds_of(task),
    ]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= (float("inf") if least is None else least)
    content = answered(tmp_path, problem=trucks(seed))
    assert verify_plan(content).bound == float(content["bound"])


def test_an_operator_pays_once_for_what_it_does_under_conditions() -> None:
    task = ground(parse_task(BOTH_AT_ONCE, LAMP)).variables
    cost, _ = whole_costs(task)
    found = cut_landmarks(task, make_relaxation(task, cost), cost)
    assert sum(landmark.weight for landmark in found) == 1


def test_potentials_prove_more_than_landmarks() -> None:
    # Two balls, a hand each way: the truck must come back, which no delete relaxation knows.
    domain = """(define (domain ferry) (:predicates (here ?b) (there ?b) (held ?b) (left) (right)
      (free)) (:action load :parameters (?b) :precondition (and (here ?b) (left) (free))
      :effect (and (held ?b) (not (here ?b)) (not (free))))
      (:action unload :parameters (?b) :precondition (and (held ?b) (right))
      :effect (and (there ?b) (free) (not (held ?b))))
      (:action go :precondition (left) :effect (and (right) (not (left))))
      (:action back :precondition (right) :effect (and (left) (not (right)))))"""
    problem = """(define (problem f) (:domain ferry) (:objects a b c)
      (:init (here a) (here b) (here c) (left) (free))
      (:goal (and (there a) (there b) (there c))))"""
    pytest.importorskip("highspy")
    task = ground(parse_task(domain, problem))
    first, *_, last = (
        proof.bound for proof in bound_search(task.operators, task.variables).improve()
    )
    assert (first, last, cheapest(task)) == (7, 11, 11)


@pytest.mark.parametrize("seed", range(6))
def test_what_groups_exclude_makes_bounds_no_lower(seed: int) -> None:
    pytest.importorskip("highspy")
    task = ground(parse_task(DRIVERS, drivers(seed)))
    names = fact_names(task.operators, task.variables)
    none = Ragged(np.zeros(1, np.int64), np.zeros(0, np.int64))
    known, unknown = (
        max(proof.bound for proof in BoundSearch(task.variables, own).improve())
        for own in (names, names._replace(groups=none))
    )
    least = cheapest(task)
    assert least is not None
    assert unknown <= known <= least


def test_a_driver_who_sits_in_one_truck_is_in_no_other() -> None:
    pytest.importorskip("highspy")
    text = drivers(0)
    task = ground(parse_task(DRIVERS, text))
    names = fact_names(task.operators, task.variables)
    none = Ragged(np.zeros(1, np.int64), np.zeros(0, np.int64))
    *_, weaker = BoundSearch(task.variables, names._replace(groups=none)).improve()
    *_, proof = BoundSearch(task.variables, names).improve()
    assert weaker.bound < proof.bound == cheapest(task)
    answer = PlanAnswer("unknown", None, None, proof.bound, "", 0, 0, 0.0, 0.0, None, task, proof)
    assert verify_plan(certificate(answer, DRIVERS, text)).bound == proof.bound


VAN = """
(define (domain van)
  (:requirements :typing) (:types place parcel number)
  (:predicates (here ?a - place) (at ?p - parcel ?a - place) (in ?p - parcel)
               (room ?n - number) (next ?m ?n - number))
  (:action drive :parameters (?a ?b - place) :precondition (here ?a)
    :effect (and (here ?b) (not (here ?a))))
  (:action load :parameters (?p - parcel ?a - place ?m ?n - number)
    :precondition (and (here ?a) (at ?p ?a) (room ?n) (next ?m ?n))
    :effect (and (in ?p) (not (at ?p ?a)) (room ?m) (not (room ?n))))
  (:action unload :parameters (?p - parcel ?a - place ?m ?n - number)
    :precondition (and (here ?a) (in ?p) (room ?m) (next ?m ?n))
    :effect (and (at ?p ?a) (not (in ?p)) (room ?n) (not (room ?m)))))
"""
VAN_OF_TWO = """
(define (problem full) (:domain van)
  (:objects x y - place a b c d - parcel n0 n1 n2 - number)
  (:init (here x) (at a x) (at b x) (at c x) (at d x) (room n2) (next n0 n1) (next n1 n2))
  (:goal (and (at a y) (at b y) (at c y) (at d y))))
"""


def test_a_van_of_two_drives_twice_for_four_parcels() -> None:
    pytest.importorskip("highspy")
    task = ground(parse_task(VAN, VAN_OF_TWO))
    *_, proof = bound_search(task.operators, task.variables).improve()
    assert [limit.most for limit in proof.limits] == [2]
    # Eight loads and unloads, and three drives: each takes two at most, and the van comes back.
    assert proof.bound == cheapest(task) == 11
    answer = PlanAnswer("unknown", None, None, 11.0, "", 0, 0, 0.0, 0.0, None, task, proof)
    content = certificate(answer, VAN, VAN_OF_TWO)
    assert verify_plan(content).bound == 11
    for limit in content["limits"]:
        limit[0] += 1
    with pytest.raises(PlanProofFault, match="no part of a limit of 1"):
        verify_plan(content)
    for limit in content["limits"][:-1]:
        limit[0] -= 1
    with pytest.raises(PlanProofFault, match="more than its cost"):
        verify_plan(content)


def test_a_task_out_of_reach_is_certified(tmp_path: Path) -> None:
    problem = trucks(0).replace("(:objects", "(:objects far - place")
    content = answered(tmp_path, problem=problem.replace("(:goal (and", "(:goal (and (at c0 far)"))
    assert verify_plan(content)[2:4] == (None, None)
    with pytest.raises(PlanProofFault, match="nothing shows it"):
        verify_plan({**answered(tmp_path), "bound": None})


def test_the_command_writes_what_verify_accepts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(tmp_path)
    files = [str(tmp_path / name) for name in ("domain.pddl", "problem.pddl", "proof.json")]
    assert main(["solve", *files[:2], "--json", "--certificate", files[2]]) == 0
    assert main(["verify", files[2], "--json"]) == 0
    solved, verified = map(json.loads, capsys.readouterr().out.splitlines()[-2:])
    assert verified["verified"] is True
    assert verified["cost"] == solved["cost"]
    assert verified["bound"] == verify_plan(load_json(tmp_path / "proof.json")).bound


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("bound", "1000.0", "not of 1000"),
        ("cost", "1.0", "the plan costs"),
        ("plan", [["drive", "t9", "p0", "p1"]], "cannot be done"),
        ("plan", [], "the goal does not hold"),
        ("unit", 0, "unit is 0"),
        ("problem", "(define (problem x)", "never closed"),
        ("domain", "(define (domain trucks) (:derived (p) (q)))", "not supported"),
        ("version", 2, "version 1"),
    ],
)
def test_what_does_not_follow_is_refused(
    tmp_path: Path, key: str, value: object, message: str
) -> None:
    with pytest.raises(PlanProofFault, match=message):
        verify_plan({**answered(tmp_path), key: value})


def test_a_heavier_weight_is_refused_or_proves_no_more() -> None:
    task = ground(parse_task(TRUCKS, trucks(3)))
    *_, proof = bound_search(task.operators, task.variables).improve()
    answer = PlanAnswer("unknown", None, None, proof.bound, "", 0, 0, 0.0, 0.0, None, task, proof)
    content = certificate(answer, TRUCKS, trucks(3))
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        changed = deepcopy(content)
        entries = changed["landmarks"] + changed["potentials"]
        entries[rng.integers(len(entries))][0] += int(rng.integers(1, changed["unit"] + 1))
        changed["bound"] = str(float(changed["bound"]) + 1)
        with pytest.raises(PlanProofFault):
            verify_plan(changed)
        refused += 1
    assert refused == 60

"""Reading and grounding PDDL, against the meaning of the language spelt out."""

from __future__ import annotations

import random
from itertools import product

import numpy as np
import pytest
from planning_tasks import TRUCKS, trucks

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain, make_finite_domain
from tesuji.domains.logistics.pddl.grounding import Grounder
from tesuji.domains.logistics.pddl.operators import Operators, make_operators
from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.reader import PddlError
from tesuji.domains.logistics.pddl.relations import GroundingError, Pattern, join
from tesuji.domains.logistics.pddl.successors import applicable, apply, make_steps, reaches_goal
from tesuji.domains.logistics.pddl.syntax import Task
from tesuji.domains.logistics.pddl.validation import PlanFault, parse_plan, validate_plan
from tesuji.domains.logistics.tasks.families import FAMILIES

HEAD = "(define (problem x) (:domain trucks) (:objects a b - place t - truck c - parcel)"


def grounded(task: Task) -> tuple[Operators, FiniteDomain]:
    operators = make_operators(Grounder(task), 100_000)
    return operators, make_finite_domain(operators)


def steps_of(task: Task) -> set[tuple[str, ...]]:
    """All ground actions of a task, whether they can ever apply or not."""
    return {
        (action.name, *names)
        for action in task.actions
        for names in product(*(task.objects_of(v.types) for v in action.parameters))
    }


@pytest.mark.parametrize("seed", range(6))
def test_ground_operators_do_what_the_text_says(seed: int) -> None:
    task = parse_task(TRUCKS, trucks(seed))
    operators, variables = grounded(task)
    steps = make_steps(variables)
    every = steps_of(task)
    rng = random.Random(seed)
    state, plan = variables.init.copy(), []
    out = np.zeros(len(variables.cost), np.int32)
    stack = np.zeros(len(steps.switches.own), np.int32)
    for _ in range(25):
        count = applicable(steps, state, out, stack)
        found = {operators.action(int(variables.operator[op])): int(op) for op in out[:count]}
        allowed = {step for step in every if is_executable(task, [*plan, step])}
        # What can change nothing that the goal depends on may be left out.
        assert set(found) <= allowed
        assert all(step[0] == "repair" or is_void(step) for step in allowed - set(found))
        step = rng.choice(sorted(found))
        plan.append(step)
        after = np.zeros_like(state)
        apply(steps, found[step], state, after)
        state = after
        assert reaches_goal(steps, state) == is_solution(task, plan)


def is_void(step: tuple[str, ...]) -> bool:
    return len(set(step)) < len(step)


def is_executable(task: Task, plan: list[tuple[str, ...]]) -> bool:
    try:
        validate_plan(task, plan)
    except PlanFault as fault:
        return str(fault).startswith("after the last step")
    return True


def is_solution(task: Task, plan: list[tuple[str, ...]]) -> bool:
    try:
        validate_plan(task, plan)
    except PlanFault:
        return False
    return True


def test_a_truck_and_a_parcel_are_one_variable_each() -> None:
    operators, variables = grounded(parse_task(TRUCKS, trucks(1)))
    groups = [
        {operators.atom_name(int(a)).split()[1] for a in variables.atom[lo:hi] if a >= 0}
        for lo, hi in zip(variables.first[:-1], variables.first[1:], strict=True)
        if hi - lo > 3
    ]
    assert sorted(groups, key=str) == [{"c0"}, {"c1"}, {"t0"}, {"t1"}]


def test_joins_are_those_of_nested_loops() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        domains = [rng.random(6) < 0.8 for _ in range(3)]
        one = np.unique(rng.integers(0, 6, (9, 2)), axis=0).astype(np.int32)
        two = np.unique(rng.integers(0, 6, (12, 3)), axis=0).astype(np.int32)
        patterns = [Pattern((0, 1), one), Pattern((2, 1, -1 - 3), two)]
        found = join(domains, patterns, [(0, 2)], 1000)
        expected = [
            row
            for row in product(range(6), repeat=3)
            if all(domains[i][value] for i, value in enumerate(row))
            and [row[0], row[1]] in one.tolist()
            and [row[2], row[1], 3] in two.tolist()
            and row[0] != row[2]
        ]
        assert sorted(map(tuple, found.tolist())) == expected


def test_what_no_action_can_add_is_joined_though_others_of_its_predicate_move() -> None:
    family = FAMILIES["logistics/spanner"]
    task = parse_task(family.domain(), family.problem(1, spanners=9, nuts=6, locations=7))
    blocks = {b.schema.name: b.rows for b in Grounder(task).instantiate().blocks}
    assert len(blocks["tighten_nut"]) == 9 * 6  # each nut has one place
    assert len(blocks["pickup_spanner"]) == 9


def test_too_many_ground_actions_are_counted_before_they_are_made() -> None:
    task = parse_task(TRUCKS, trucks(0, places=8))
    with pytest.raises(GroundingError, match="action drive: 32 ground instances"):
        make_operators(Grounder(task), 30)


def test_grounding_stops_at_its_memory_and_says_how_far_it_was() -> None:
    grounder = Grounder(parse_task(TRUCKS, trucks(0, places=8)))
    with pytest.raises(GroundingError, match=r"action unload: .* left of 0 MiB \(after \d+ of"):
        grounder.instantiate(most_bytes=100_000)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (HEAD + "(:init) (:goal (at t", "this '(' is never closed"),
        (
            HEAD + "(:init (att t a)) (:goal (at t a)))",
            "unknown predicate 'att'; did you mean 'at'",
        ),
        (HEAD + "(:init (at t)) (:goal (at t a)))", "at takes 2 terms, got 1"),
        (HEAD + "(:init (at a t)) (:goal (at t a)))", "a is a place, but at takes a thing there"),
        (HEAD + "(:init (at t z)) (:goal (at t a)))", "unknown object 'z'"),
        (HEAD + "(:init) (:goal (at ?t a)))", "unknown variable ?t"),
        (HEAD + "(:init))", "expected one :goal, found 0"),
        (HEAD + "(:init) (:goal (at t a)) (:metric maximize (total-cost)))", "only minimize"),
        (HEAD + "(:init) (:goal (at t a))))", "expected the end of the file"),
        ("", "expected a (define ...), found nothing"),
        (HEAD.replace("trucks", "cars") + "(:init) (:goal (at t a)))", "of domain 'cars'"),
        ("(" * 300, "nest deeper than 200"),
    ],
)
def test_faults_of_a_problem_are_located(problem: str, message: str) -> None:
    with pytest.raises(PddlError) as fault:
        parse_task(TRUCKS, problem)
    assert message in str(fault.value)
    assert str(fault.value).startswith("problem:")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (":conditional-effects", ":preferences", "requirement :preferences is not supported"),
        ("parcel - thing)", "parcel - cargo)", "?t is a truck, but at takes a thing"),
        ("?t - truck ?a ?b - place", "?t - lorry ?a ?b - place", "unknown type 'lorry'"),
        ("(:action load", "(:durative-action load", ":durative-action is not supported"),
        ("(broken ?t))", "(broken ?u))", "unknown variable ?u"),
        ("place thing - object", "place thing - truck", "its own ancestor"),
    ],
)
def test_faults_of_a_domain_are_located(old: str, new: str, message: str) -> None:
    assert old in TRUCKS
    with pytest.raises(PddlError, match=r"^domain:\d+:\d+: ") as fault:
        parse_task(TRUCKS.replace(old, new), trucks(0))
    assert message in str(fault.value)


def test_conditions_with_too_many_cases_are_refused() -> None:
    either = " ".join(f"(or (at c0 p{i}) (at c1 p{i}))" for i in range(13))
    problem = trucks(0, places=13).replace("(:goal (and", f"(:goal (and {either}")
    with pytest.raises(PddlError, match="more than 4096 cases"):
        make_operators(Grounder(parse_task(TRUCKS, problem)), 100_000)


SWITCH = """
(define (domain switch) (:requirements :adl) (:predicates (p) (q) (r) (done))
  (:action act :parameters () :precondition (not (done))
    :effect (and (done) (when (q) (p)) (when (r) (not (p))))))
"""


@pytest.mark.parametrize("facts", list(product([False, True], repeat=3)))
@pytest.mark.parametrize("wanted", ["(p)", "(not (p))"])
def test_what_is_added_and_deleted_at_once_is_true(
    facts: tuple[bool, bool, bool], wanted: str
) -> None:
    init = " ".join(f"({name})" for name, holds in zip("pqr", facts, strict=True) if holds)
    goal = f"(:goal (and (done) {wanted}))"
    text = f"(define (problem x) (:domain switch) (:init {init}) {goal})"
    task = parse_task(SWITCH, text)
    _, variables = grounded(task)
    steps = make_steps(variables)
    after = np.zeros_like(variables.init)
    count = applicable(steps, variables.init, np.zeros(9, np.int32), np.zeros(9, np.int32))
    apply(steps, 0, variables.init, after)
    solved = count == 1 and bool(reaches_goal(steps, after))
    assert solved == is_solution(task, [("act",)])


def test_a_goal_with_cases_is_reached_by_either() -> None:
    text = HEAD + "(:init (at t a) (at c a)) (:goal (or (at c b) (in c t))))"
    task = parse_task(TRUCKS, text)
    assert validate_plan(task, [("load", "c", "t", "a")]) == 1.0
    operators, _ = grounded(task)
    assert operators.solvable


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ([("fly", "t")], r"step 1, \(fly t\): the domain has no such action"),
        ([("load", "c", "t")], "load takes 3 objects"),
        ([("load", "t", "t", "a")], "t is not a parcel"),
        ([("unload", "c", "t", "a")], "its precondition does not hold"),
        ([], r"the goal does not hold: \(in c t\)"),
    ],
)
def test_faults_of_a_plan_are_named(plan: list[tuple[str, ...]], message: str) -> None:
    task = parse_task(TRUCKS, HEAD + "(:init (at t a) (at c a)) (:goal (in c t)))")
    with pytest.raises(PlanFault, match=message):
        validate_plan(task, plan)


def test_plans_are_read_as_planners_write_them() -> None:
    assert parse_plan("; a remark\n(Load c t a) ; cost 1\n\n") == [("load", "c", "t", "a")]
    with pytest.raises(PlanFault, match="line 1: expected"):
        parse_plan("load c t a")


def test_damaged_files_are_read_or_refused_with_one_line() -> None:
    rng = random.Random(0)
    told: list[str] = []
    for number in range(400):
        texts = [TRUCKS, trucks(number % 5)]
        words = texts[number % 2].split()
        at = rng.randrange(len(words))
        words[at] = rng.choice([*words, "", "(", ")", "-1", "1e999", "?x", "()", "either", "nan"])
        texts[number % 2] = " ".join(words)
        try:
            make_operators(Grounder(parse_task(*texts)), 20_000)
        except (PddlError, GroundingError) as fault:
            told.append(str(fault))
    assert len(told) > 100
    assert not any("\n" in line for line in told)


FUSE = """
(define (domain fuse) (:requirements :adl) (:predicates (whole) (off) (done) (on))
  (:action switch-off :parameters () :effect (off))
  (:action touch :parameters () :effect (and (on) (when (not (off)) (not (whole)))))
  (:action finish :parameters () :precondition (and (on) (whole)) :effect (done)))
"""


def test_what_a_deletion_depends_on_counts() -> None:
    """Though no goal and no other condition asks for it."""
    text = "(define (problem x) (:domain fuse) (:init (whole)) (:goal (done)))"
    task = parse_task(FUSE, text)
    operators, variables = grounded(task)
    steps, state = make_steps(variables), variables.init.copy()
    names = {operators.action(int(op)): i for i, op in enumerate(variables.operator)}
    assert set(names) == {("switch-off",), ("touch",), ("finish",)}
    for order in (["touch", "finish"], ["switch-off", "touch", "finish"]):
        state = variables.init.copy()
        for name in order:
            out = np.zeros(3, np.int32)
            count = applicable(steps, state, out, np.zeros(9, np.int32))
            if names[(name,)] not in out[:count]:
                break
            after = np.zeros_like(state)
            apply(steps, names[(name,)], state, after)
            state = after
        plan = [(name,) for name in order]
        assert bool(reaches_goal(steps, state)) == is_solution(task, plan) == (len(order) == 3)

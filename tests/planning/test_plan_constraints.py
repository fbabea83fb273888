"""Side constraints of plans, against search that keeps them in plain Python."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import z3
from planning_tasks import TRUCKS, trucks
from test_numeric import VANS, vans

from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.successors import applicable, apply, make_steps, reaches_goal
from tesuji.domains.logistics.pddl.syntax import Atom, Task
from tesuji.domains.logistics.pddl.validation import Step, walk
from tesuji.engine.cli import main
from tesuji.engine.plan_rules import PlanRules
from tesuji.engine.planning import PlanAnswer, answers, ground
from tesuji.engine.repair import Repair, repair_plan
from tesuji.engine.solving import SolveBudget, SolveClock
from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.plan_rules import TaskSymbols

Kept = Callable[[set[str], Step | None], bool]

# Text, and what it means of the atoms that hold and of the action to be done (None: of the state).
CONSTRAINTS: list[tuple[str, Kept]] = [
    ("not (at(t0, p1) and at(t1, p1))", lambda s, _: not {"(at t0 p1)", "(at t1 p1)"} <= s),
    ("not at(t0, p2)", lambda s, _: "(at t0 p2)" not in s),
    ("implies(in(c0, t0), at(t1, p3))", lambda s, _: "(in c0 t0)" not in s or "(at t1 p3)" in s),
    ("broken(t0) != soaked(c0)", lambda s, _: ("(broken t0)" in s) != ("(soaked c0)" in s)),
    ("not do_load(_, t0, _)", lambda _, step: step is None or step[::2] != ("load", "t0")),
    (
        "implies(do_drive(t1, _, _), at(t0, p0) or in(c1, t1))",
        lambda s, step: (
            step is None or step[:2] != ("drive", "t1") or bool({"(at t0 p0)", "(in c1 t1)"} & s)
        ),
    ),
]


def keeps(task: Task, plan: tuple[Step, ...], kept: Kept) -> bool:
    for world, step in walk(task, plan):
        facts = {str(atom) for atom in world.atoms}
        if not kept(facts, None) or (step is not None and not kept(facts, step)):
            return False
    return True


def cheapest(task: Task, kept: Kept) -> float | None:
    """The least cost of a plan that keeps a constraint, by search over all states."""
    atoms = {Atom("at", ("t0", p)) for p in ["p0", "p1", "p2", "p3"]} | {Atom("broken", ("t0",))}
    symbols = TaskSymbols(task)
    every = z3.Or(*(symbols.atom(atom.name, *atom.terms) for atom in atoms), z3.BoolVal(True))
    grounded = ground(task, rules=PlanRules(task, (), {"keeps track": every}))
    names = [grounded.operators.atom_name(i) for i in range(grounded.operators.num_atoms)]
    free = grounded.variables
    steps = make_steps(free)
    static = {str(atom) for atom in task.init} - set(names)
    out, stack = np.zeros(len(free.cost), np.int32), np.zeros(len(steps.switches.own), np.int32)

    def facts(state: tuple[int, ...]) -> set[str]:
        numbers = free.atom[free.first[:-1] + np.array(state)]
        return static | {names[i] for i in numbers if i >= 0}

    queue, seen = [(0.0, tuple(free.init.tolist()))], set()
    while queue:
        cost, state = heapq.heappop(queue)
        if state in seen or not kept(facts(state), None):
            continue
        seen.add(state)
        values = np.array(state, np.int32)
        if reaches_goal(steps, values):
            return cost
        for op in out[: applicable(steps, values, out, stack)].tolist():
            if kept(facts(state), grounded.operators.action(int(free.operator[op]))):
                after = np.zeros_like(values)
                apply(steps, op, values, after)
                heapq.heappush(queue, (cost + float(free.cost[op]), tuple(after.tolist())))
    return None


def solve(task: Task, *texts: str, seconds: float = 60.0) -> PlanAnswer:
    clock = SolveClock(SolveBudget(seconds=seconds))
    *_, answer = answers(task, clock, rules=PlanRules(task, texts))
    return answer


@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.parametrize(("text", "kept"), CONSTRAINTS)
def test_cheapest_plans_keep_a_constraint(text: str, kept: Kept, seed: int) -> None:
    task = parse_task(TRUCKS, trucks(seed))
    if not kept({str(atom) for atom in task.init}, None):
        with pytest.raises(ConstraintError, match="the first state breaks"):
            solve(task, text)
        return
    answer, least = solve(task, text), cheapest(task, kept)
    if least is None:
        assert answer.status == "unsolvable"
        return
    assert (answer.status, answer.cost) == ("optimal", least)
    assert answer.plan is not None
    assert keeps(task, answer.plan, kept)
    proof = answer.proof
    assert proof is None or proof.bound <= least


def test_some_constraint_costs_something() -> None:
    task = parse_task(TRUCKS, trucks(1))
    *_, free = answers(task, SolveClock(SolveBudget(seconds=60.0)))
    bound = [solve(task, text).cost for text, kept in CONSTRAINTS[:2]]
    assert any(cost is None or cost > (free.cost or 0) for cost in bound)


def test_numbers_are_kept_within_what_is_asked() -> None:
    task = parse_task(VANS, vans(1, "(>= (stock c) 2)"))
    answer = solve(task, "reserve: fuel(v) >= 1.5", "few: load(v) + load(w) <= 1", seconds=10.0)
    assert answer.plan is not None
    for world, _ in walk(task, answer.plan):
        numbers = {str(atom): value for atom, value in world.numbers.items()}
        assert numbers["(fuel v)"] >= 1.5
        assert numbers["(load v)"] + numbers["(load w)"] <= 1


def test_the_plan_is_judged_by_what_was_written() -> None:
    task = parse_task(TRUCKS, trucks(1))
    *_, free = answers(task, SolveClock(SolveBudget(seconds=60.0)))
    assert free.plan is not None
    drive = next(step for step in free.plan if step[0] == "drive")
    rules = PlanRules(task, [f"stay: not do_drive({drive[1]}, _, {drive[3]})"])
    number = free.plan.index(drive) + 1
    assert rules.broken(free.plan) == f"stay at step {number}"
    assert PlanRules(task, [f"at({drive[1]}, {drive[2]}) or True"]).broken(free.plan) is None


def test_constraints_can_be_z3_expressions() -> None:
    task = parse_task(TRUCKS, trucks(1))
    x = TaskSymbols(task)
    rules = PlanRules(task, (), {"no lift": z3.Not(x.action("load", "_", "t0", "_"))})
    *_, answer = answers(task, SolveClock(SolveBudget(seconds=60.0)), rules=rules)
    assert answer.plan is not None
    assert all(step[::2] != ("load", "t0") for step in answer.plan)


def test_contradictions_are_named_by_a_smallest_set() -> None:
    task = parse_task(TRUCKS, trucks(1))
    texts = ("a: at(c0, p0)", "b: not at(t0, p3)", "c: in(c0, t0)")
    with pytest.raises(ConstraintError, match=r"no state keeps 'a' and 'c'$"):
        solve(task, *texts)
    goal = next(p for p in trucks(1).split("(:goal")[1].split("(") if p.startswith("at c0"))
    place = goal.split()[2].rstrip(")")
    with pytest.raises(ConstraintError, match="no state at the goal keeps 'away'"):
        solve(task, f"away: not at(c0, {place})")


def test_mended_plans_keep_constraints() -> None:
    task = parse_task(TRUCKS, trucks(1))
    *_, free = answers(task, SolveClock(SolveBudget(seconds=60.0)))
    assert free.plan is not None
    drive = next(step for step in free.plan if step[0] == "drive")
    rules = PlanRules(task, [f"stay: not do_drive({drive[1]}, {drive[2]}, {drive[3]})"])
    clock = SolveClock(SolveBudget(seconds=60.0))
    found = list(repair_plan(task, free.plan, clock, rules=rules))
    best = [one for one in found if isinstance(one, Repair)]
    assert best
    assert all(rules.broken(one.plan) is None for one in best)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("att(t0, p1)", "unknown function 'att'; did you mean 'at'?"),
        ("at(t0)", "at takes 2 objects, got 1"),
        ("at(t0, t9)", "the task has no object 't9'"),
        ("at(p0, p1)", "p0 is not a thing"),
        ("do_fly(t0)", "unknown function 'do_fly'"),
        ("length(p0, p1)", "column 1"),
        ("at(t0, 3.5)", "expected the name of an object"),
        ("soaked(_)", "the task has no object '_'"),
        ("length(p0, p2) > 3", "(length p0 p2) has no value at first"),
    ],
)
def test_faults_of_constraints_are_one_clear_line(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "domain.pddl").write_text(TRUCKS)
    (tmp_path / "problem.pddl").write_text(trucks(1))
    files = [str(tmp_path / "domain.pddl"), str(tmp_path / "problem.pddl")]
    assert main(["solve", *files, "--constraint", text]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_the_command_keeps_constraints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "domain.pddl").write_text(TRUCKS)
    (tmp_path / "problem.pddl").write_text(trucks(1))
    files = [str(tmp_path / "domain.pddl"), str(tmp_path / "problem.pddl")]
    flags = ["--constraint", "not do_load(_, t0, _)", "--time", "30", "--json"]
    assert main(["solve", *files, *flags]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert not any(step.startswith("load") and " t0 " in step for step in facts["plan"])

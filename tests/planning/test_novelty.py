"""Search by novelty."""

from __future__ import annotations

import random

import numpy as np
import pytest
from planning_tasks import DRIVERS, TRUCKS, drivers, trucks

from tesuji.domains.logistics.pddl.numeric import make_row
from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.successors import applicable, apply, make_steps
from tesuji.domains.logistics.pddl.validation import validate_plan
from tesuji.engine.planning import answers, ground
from tesuji.engine.solving import SolveBudget, SolveClock
from tesuji.search.planning import novelty
from tesuji.search.planning.best_first import make_scratch
from tesuji.search.planning.novelty import NoveltySearch, is_novel, make_front
from tesuji.search.planning.relaxation import make_relaxation


@pytest.mark.parametrize("seed", range(4))
def test_a_state_is_novel_if_a_fact_is_new_among_states_like_it(seed: int) -> None:
    rng = random.Random(seed)
    task = ground(parse_task(TRUCKS, trucks(seed))).variables
    steps, state = make_steps(task), make_row(task.init, task.numeric.init)
    front = make_front(state, 256)
    scratch = make_scratch(len(state), len(task.cost), len(steps.switches.own))
    seen: set[tuple[int, int, int]] = set()
    verdicts, operator = set(), -1
    left = reached = 0
    for node in range(200):
        if rng.random() < 0.3:
            left, reached = rng.randrange(2), rng.randrange(2)
        facts = task.first[:-1] + state[: len(task.init)]
        alike = {(left, reached, int(fact)) for fact in facts}
        novel = is_novel(steps, front, node - 1, operator, state, left, reached)
        assert novel == bool(alike - seen)
        verdicts.add(novel)
        seen |= alike
        front.nodes.value[node], front.nodes.landmarks[node] = left, reached
        found = applicable(steps, state, scratch.applicable, scratch.stack)
        operator = int(scratch.applicable[rng.randrange(found)])
        after = np.zeros_like(state)
        apply(steps, operator, state, after)
        state = after
    assert verdicts == {True, False}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_plan_is_found_by_novelty_alone(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(novelty, "_START_NODES", 16)  # so that it must grow
    task = ground(parse_task(TRUCKS, trucks(seed)))
    variables = task.variables
    steps, init = make_steps(variables), make_row(variables.init, variables.numeric.init)
    scratch = make_scratch(len(init), len(variables.cost), len(steps.switches.own))
    relaxation = make_relaxation(variables, np.ones(len(variables.cost), np.int64))
    search = NoveltySearch(steps, relaxation, init, scratch)
    *_, plan = search.slices()
    assert plan is not None
    assert validate_plan(task.task, task.steps(plan)) > 0
    assert search.evaluated <= search.generated + 1


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize("seed", range(3))
def test_what_is_found_in_turns_becomes_optimal_all_the_same(seed: int) -> None:
    task = parse_task(DRIVERS, drivers(seed))
    costs = []
    for planner in ("search", "novelty"):
        clock = SolveClock(SolveBudget(seconds=60.0, cpu_time=True))
        *_, answer = answers(task, clock, planner=planner)
        assert answer.status == "optimal"
        costs.append(answer.cost)
    assert costs[0] == costs[1]

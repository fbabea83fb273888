"""Improvement of plans: what comes out is a plan, never dearer than before."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from planning_tasks import TRUCKS, trucks

from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.successors import make_steps, reaches_goal
from tesuji.domains.logistics.pddl.validation import validate_plan
from tesuji.engine.planning import ground
from tesuji.search.planning.plan_order import dependencies, eliminate, reorder, trace
from tesuji.search.planning.planner import PlanSearch
from tesuji.search.planning.reinsertion import Variables, make_reinsertion


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_improvement_alone_comes_near_the_least_cost(seed: int) -> None:
    task = ground(parse_task(TRUCKS, trucks(seed, places=5, parcels=3)))
    search = PlanSearch(task.variables)
    plans = [step.plan for step in search.steps() if step.plan is not None]
    improvement = search.improvement
    assert improvement is not None
    improvement.take(plans[0])
    costs = [validate_plan(task.task, task.steps(improvement.plan.tolist()))]
    for better in islice(improvement.rounds(), 300):
        if better:
            costs.append(validate_plan(task.task, task.steps(improvement.plan.tolist())))
    least = validate_plan(task.task, task.steps(plans[-1]))
    assert costs == sorted(costs, reverse=True)
    assert least <= costs[-1] <= 1.3 * least


def test_a_plan_at_hand_is_where_the_search_begins() -> None:
    task = ground(parse_task(TRUCKS, trucks(3)))
    plans = [step.plan for step in PlanSearch(task.variables).steps() if step.plan is not None]
    search = PlanSearch(task.variables)
    cost = search.cost[list(plans[0])].sum()
    better = [step.plan for step in search.steps(plan=plans[0]) if step.plan is not None]
    assert all(search.cost[list(plan)].sum() < cost for plan in better)
    assert search.bound[0] == search.cost[list(plans[-1])].sum()


def test_a_step_there_and_back_is_left_out_and_orders_keep_what_depends() -> None:
    task = ground(parse_task(TRUCKS, trucks(3)))
    search = PlanSearch(task.variables)
    plan = np.array([step.plan for step in search.steps() if step.plan is not None][-1])
    steps, init = make_steps(task.variables), task.variables.init.astype(np.uint16)
    after = np.zeros((len(plan), len(plan)), np.uint8)
    dependencies(steps, plan, after, np.zeros_like(after))
    order = np.zeros(len(plan), np.int64)
    reorder(after, np.zeros_like(after), np.arange(len(plan), 0.0, -1.0), False, order)
    place = np.argsort(order)
    assert all(place[i] < place[j] for i, j in zip(*np.nonzero(after), strict=True))
    states = np.zeros((len(plan) + 1, len(init)), np.uint16)
    trace(steps, plan[order], init, states)
    assert reaches_goal(steps, states[-1])
    twice = np.concatenate([plan, plan[-1:]])
    kept = np.zeros(len(twice), np.uint8)
    eliminate(steps, twice, init, np.zeros((len(twice) + 2, len(init)), np.uint16), kept)
    assert kept.sum() == len(plan)


def test_the_rest_of_a_plan_alone_solves_the_task_of_reinsertion_with_nothing_taken_out() -> None:
    task = ground(parse_task(TRUCKS, trucks(3)))
    search = PlanSearch(task.variables)
    plan = np.array([step.plan for step in search.steps() if step.plan is not None][-1])
    variables = Variables(task.variables)
    everything = np.ones(len(task.variables.init), np.bool_)
    found = make_reinsertion(task.variables, search.cost, plan, variables, everything)
    track = len(found.operator) + np.arange(len(plan))
    assert found.plan(track).tolist() == plan.tolist()
    assert found.cost[track].sum() == 0
    steps, init = make_steps(found.task), found.task.init.astype(np.uint16)
    states = np.zeros((len(plan) + 1, len(init)), np.uint16)
    trace(steps, track, init, states)
    assert reaches_goal(steps, states[-1])


def test_steps_that_have_nothing_to_do_with_a_reinsertion_stay_where_they_are() -> None:
    task = ground(parse_task(TRUCKS, trucks(3))).variables
    search = PlanSearch(task)
    plan = np.array([step.plan for step in search.steps() if step.plan is not None][-1])
    variables = Variables(task)
    near = np.zeros(len(task.init), np.bool_)
    near[task.variable[task.goal[0]]] = True
    found = make_reinsertion(task, search.cost, plan, variables, near)
    track = len(found.operator) + np.arange(len(found.parts) - 1)
    assert found.plan(track).tolist() == plan.tolist()
    touching, only = variables.touches(near), ~variables.touches(~near)
    assert len(track) == touching[plan].sum() > 0
    assert len(track) < len(plan)
    assert only[found.operator].all()

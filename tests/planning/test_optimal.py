"""A* with potentials: it finds cheapest plans, and its values are never above what is left."""

from __future__ import annotations

import numpy as np
import pytest
from planning_tasks import TRUCKS, cheapest, trucks

from tesuji.domains.logistics.pddl.numeric import make_row
from tesuji.domains.logistics.pddl.parser import parse_task
from tesuji.domains.logistics.pddl.successors import applicable, apply, make_steps
from tesuji.engine.plan_bounds import bound_search
from tesuji.engine.planning import GroundTask, ground
from tesuji.search.planning.bounds import whole_costs
from tesuji.search.planning.nodes import find_row, generate, hash_state, make_successors
from tesuji.search.planning.optimal import OptimalSearch
from tesuji.search.planning.optimal_kernels import make_potentials, potential
from tesuji.search.planning.proofs import BoundProof
from tesuji.search.planning.relaxation import DEAD_END
from tesuji.search.planning.state_space import explore

SEEDS = range(6)


def proofs_of(task: GroundTask) -> list[BoundProof]:
    return list(bound_search(task.operators, task.variables).improve())


def searched(task: GroundTask, proof: BoundProof, upper: float) -> OptimalSearch:
    search = OptimalSearch(task.variables, proof, upper)
    for _ in search.slices():
        assert search.bound <= upper
    return search


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cheapest_plan_is_found_and_none_is_cheaper(seed: int) -> None:
    task = ground(parse_task(TRUCKS, trucks(seed)))
    least = cheapest(task) if task.operators.solvable else None
    if not least:
        return
    for proof in proofs_of(task):
        found = searched(task, proof, least + 5.0)
        assert found.bound == least
        assert found.plan is not None
        assert task.variables.cost[list(found.plan)].sum() == least
        none = searched(task, proof, least)
        assert (none.bound, none.plan) == (least, None)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_potential_is_never_above_what_is_left(seed: int) -> None:
    task = ground(parse_task(TRUCKS, trucks(seed, parcels=1)))
    if not task.operators.solvable:
        return
    variables = task.variables
    cost, unit = whole_costs(variables)
    space = explore(variables, cost, 20_000)
    assert space is not None
    steps = make_steps(variables)
    for proof in proofs_of(task):
        parts = proof.unit // unit
        potentials = make_potentials(variables, proof, parts, 1)
        for at in np.linspace(0, len(space.state) - 1, 20).astype(np.int64):
            if space.distance[at] < DEAD_END:
                value = potential(potentials, space.state[at], steps)
                assert value <= space.distance[at] * parts


def test_successors_together_are_those_one_by_one() -> None:
    variables = ground(parse_task(TRUCKS, trucks(3))).variables
    steps = make_steps(variables)
    init = make_row(variables.init, variables.numeric.init)
    room = make_successors(steps, len(init), init.dtype)
    rows, slot = np.zeros((8, len(init)), init.dtype), np.zeros(16, np.int32)
    found = generate(steps, init, slot, rows, room)
    out, after = np.zeros(len(steps.cost), np.int32), np.zeros_like(init)
    assert applicable(steps, init, out, room.stack) == found > 0
    for i in range(found):
        apply(steps, out[i], init, after)
        assert room.operator[i] == out[i]
        assert room.state[i].tolist() == after.tolist()
        assert room.bits[i] == hash_state(after)


def test_states_whose_hashes_meet_are_kept_apart() -> None:
    rows = np.arange(12, dtype=np.uint16).reshape(3, 4)
    slot = np.zeros(8, np.int32)
    for number, row in enumerate(rows):
        at = find_row(slot, rows, row, np.uint64(7))
        assert slot[at] == 0
        slot[at] = number + 1
    assert [int(slot[find_row(slot, rows, row, np.uint64(7))]) for row in rows] == [1, 2, 3]

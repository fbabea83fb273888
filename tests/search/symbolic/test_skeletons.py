"""Skeletons come in the network's order, are pruned by cores, and find what the unrolling finds."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import z3
from test_planning import HALF, first, robot

from tesuji.domains.base import Domain, DomainSpec
from tesuji.search.base import Evaluation, UniformEvaluator
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.planning import WAYS, PlanBudget, SMTPlanner, Way
from tesuji.search.symbolic.plans import PlanStatus
from tesuji.search.symbolic.skeletons import DeadEnds, Skeletons, Templates, templates_by
from tesuji.search.symbolic.symbols import Variable, symbols


class Counter(Domain):
    """Adds 1, 2 or 5 to a number up to 100; the network sees the number."""

    spec = DomainSpec("counter", 3, (1,), num_players=1, max_steps=200)
    adds = (1, 2, 5)

    def reset(self, seed: int = 0) -> int:
        return 0

    def legal(self, state: int) -> Any:
        return np.array([state + add <= 100 for add in self.adds])

    def step(self, state: int, action: int, key: int = 0) -> tuple[int, float, float]:
        after = state + self.adds[action]
        return after, 0.0, float(after < 100)

    def observe(self, state: int) -> Any:
        return np.array([state], np.float32)

    def key(self, state: int) -> bytes:
        return state.to_bytes(2, "little")


class Likes:
    """A network that gives the actions these probabilities everywhere."""

    def __init__(self, *shares: float) -> None:
        self.logits = np.log(np.array([shares], np.float32))
        self.asked = 0

    def evaluate(self, observations: Any) -> Evaluation:
        self.asked += len(observations)
        zeros = np.zeros(len(observations), np.float32)
        return Evaluation(np.repeat(self.logits, len(observations), 0), zeros, zeros)


def counter(goal: int, **rules: Any) -> SymbolicModel:
    domain = Counter()
    at = Variable("at", "state", "int", low=0, high=100)
    adds = {"add": np.array(Counter.adds)}
    x = symbols(domain, variables=[at], encode=lambda s: {"at": s}, parts=adds)
    named = {name: make(x) for name, make in rules.items()}
    effects = {"at": x.state.at + x.part.add}
    return SymbolicModel(x, named, effects, x.state.at == goal)


def order(shares: tuple[float, ...], horizon: int) -> list[tuple[int, ...]]:
    model = counter(7)
    found = Skeletons(templates_by(model.symbols), model, Likes(*shares), 0, distinct=False)
    seen = []
    while (skeleton := found.pop()) is not None:
        seen.append(skeleton.templates)
        if len(skeleton.templates) < horizon:
            found.grow(skeleton)
    return seen


def test_skeletons_of_a_length_come_in_the_order_of_their_probability() -> None:
    shares = (0.2, 0.5, 0.3)
    seen = order(shares, 3)
    assert len(seen) == len(set(seen)) == 1 + 3 + 9 + 27
    for length in (1, 2, 3):
        chances = [np.prod([shares[k] for k in s]) for s in seen if len(s) == length]
        assert chances == sorted(chances, reverse=True) or np.allclose(
            chances, sorted(chances, reverse=True)
        )
    assert seen[:4] == [(), (1,), (1, 1), (1, 1, 1)]  # the favourite first, to the end


def test_an_even_network_gives_the_shorter_first() -> None:
    lengths = [len(templates) for templates in order((1 / 3, 1 / 3, 1 / 3), 3)]
    assert lengths == sorted(lengths)


def test_a_refuted_part_is_found_in_whatever_has_it() -> None:
    dead = DeadEnds(4)
    dead.add({1: 2, 3: 0}, least=4)
    dead.add({0: 1}, least=2)
    for templates in product(range(3), repeat=4):
        part = templates[1] == 2 and templates[3] == 0
        assert dead.match(templates) is (part or templates[0] == 1)
    assert not dead.match((1,))  # the second holds from two steps on
    assert dead.match((1, 0))
    assert not dead.match((0, 2, 0))


def test_templates_are_a_partition() -> None:
    model = counter(7)
    assert templates_by(model.symbols).groups == ((0,), (1,), (2,))
    assert templates_by(robot().symbols, "ax").groups == ((0, 1, 2), (3, 4, 5), (6, 7, 8))
    with pytest.raises(ValueError, match="no part of the action is called 'az'; known: "):
        templates_by(model.symbols, "az")
    with pytest.raises(ValueError, match="each of 3 actions must be in one template, once"):
        Templates([(0, 1), (1, 2)], 3)


@pytest.mark.parametrize("way", ["unrolling", "skeletons"])
@pytest.mark.parametrize(("goal", "steps"), [(0, 0), (7, 2), (9, 3), (23, 6)])
def test_either_way_alone_finds_a_shortest_plan(way: Way, goal: int, steps: int) -> None:
    planner = SMTPlanner(counter(goal), ways=[way])
    result = planner.solve(0, 8)
    assert (result.status, result.cost) == (PlanStatus.SOLVED_OPTIMALLY, steps)
    assert planner.validate(0, result.actions).valid
    assert (result.found_by, result.proved_by) == (way, way)


@pytest.mark.parametrize("way", ["unrolling", "skeletons"])
def test_either_way_proves_that_there_is_none(way: Way) -> None:
    small = counter(5, small=lambda x: x.part.add < 5, low=lambda x: x.state.at < 4)
    for model, horizon, status in (
        (small, 9, PlanStatus.UNSOLVABLE_PROVEN),  # no way on from 3
        (counter(99), 4, PlanStatus.UNSOLVABLE_INCOMPLETELY),
    ):
        result = SMTPlanner(model, ways=[way]).solve(0, horizon)
        assert (result.status, result.proved_by) == (status, way)


def test_skeletons_with_holes_are_filled_in_by_the_solver() -> None:
    model = robot(north=lambda x: z3.Or(x.state.x <= 0, x.state.y >= HALF / 2))
    planner = SMTPlanner(model, templates=templates_by(model.symbols, "ax"), ways=["skeletons"])
    result = planner.solve(first(model), 5)
    assert (result.status, result.cost) == (PlanStatus.SOLVED_OPTIMALLY, 4)
    assert planner.validate(first(model), result.actions).valid
    assert SMTPlanner(model, ways=["unrolling"]).solve(first(model), 5).cost == 4


def test_the_least_cost_is_found_through_skeletons() -> None:
    model = robot(cost=True)
    by_x = templates_by(model.symbols, "ax")
    result = SMTPlanner(model, templates=by_x, ways=["skeletons"]).solve(first(model), 3)
    assert (result.status, result.cost, result.lower_bound) == (PlanStatus.SOLVED_OPTIMALLY, 1, 1)


def test_a_good_network_leads_to_the_plan_at_once() -> None:
    liked = Likes(0.01, 0.01, 0.98)
    model = counter(50)
    planner = SMTPlanner(model, evaluator=liked, ways=["skeletons"])
    found = next(planner.solutions(0, 10))
    assert found.actions == (2,) * 10
    assert liked.asked == 10  # the ten states on the way, and no other


def test_what_a_budget_leaves_open_is_no_proof() -> None:
    small = PlanBudget(rlimit=1)
    model = counter(7)
    holes = Templates([(0, 1, 2)], 3)
    result = SMTPlanner(model, small, templates=holes, ways=["skeletons"]).solve(0, 8)
    assert result.status is PlanStatus.UNKNOWN
    assert result.proved_by == ""


def test_all_ways_race_and_the_answer_says_who_won() -> None:
    result = SMTPlanner(counter(23), evaluator=UniformEvaluator(3)).solve(0, 8)
    assert (result.status, result.cost) == (PlanStatus.SOLVED_OPTIMALLY, 6)
    assert {result.found_by, result.proved_by} <= set(WAYS)
    with pytest.raises(ValueError, match="ways must be some of unrolling, hint, skeletons"):
        SMTPlanner(counter(23), ways=["guess"])  # type: ignore[list-item]


def test_one_way_alone_finds_the_same_plan_every_time() -> None:
    for way in ("unrolling", "skeletons"):
        plans = {SMTPlanner(counter(31), ways=[way]).solve(0, 9).actions for _ in range(2)}
        assert len(plans) == 1

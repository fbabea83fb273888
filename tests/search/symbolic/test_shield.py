"""A shield never allows what cannot be finished, and never refuses what can."""

import importlib.util
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import z3

from tesuji.domains.base import State
from tesuji.domains.logistics.delivery import delivery
from tesuji.domains.logistics.delivery_task import DeliveryTask, random_task
from tesuji.domains.registry import make
from tesuji.search.base import Budget, UniformEvaluator
from tesuji.search.search import Search
from tesuji.search.symbolic.certified import NO_ACTION, CertifiedPlayer
from tesuji.search.symbolic.completion import Unrolled
from tesuji.search.symbolic.constrained import ConstrainedDomain, constrain
from tesuji.search.symbolic.cores import SolverBudget, Verdict
from tesuji.search.symbolic.facts import Fact
from tesuji.search.symbolic.model import ConstraintError, SymbolicModel
from tesuji.search.symbolic.nogoods import Nogoods, ask
from tesuji.search.symbolic.sequencing import Sequencing
from tesuji.search.symbolic.shield import Shield

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def delivery_model(task: DeliveryTask) -> SymbolicModel:
    model = example("delivery").delivery_model(task)
    assert isinstance(model, SymbolicModel)
    return model


def tight(seed: int, customers: int = 6, vehicles: int = 2) -> DeliveryTask:
    return random_task(customers, vehicles, seed, width=150)


def completions(domain: ConstrainedDomain) -> dict[bytes, tuple[State, bool]]:
    """Return every state that can be reached, and whether the episode can be finished from it."""
    found: dict[bytes, tuple[State, bool]] = {}

    def visit(state: State) -> bool:
        key = domain.base.key(state)
        assert key is not None
        if key not in found:
            found[key] = state, False
            ways = [
                domain.base.step(state, int(action))
                for action in np.flatnonzero(domain.legal(state))
            ]
            good = [discount == 0 or visit(entered) for entered, _, discount in ways]
            found[key] = state, any(good)
        return found[key][1]

    visit(domain.base.reset())
    return found


@pytest.mark.parametrize(("seed", "vehicles"), [(0, 1), (1, 2), (2, 2), (3, 3)])
def test_every_verdict_is_that_of_exhaustive_search(seed: int, vehicles: int) -> None:
    task = tight(seed, vehicles=vehicles)
    model = replace(delivery_model(task), relaxation=None)
    shield = Shield(model, Sequencing(task))
    truth = completions(constrain(delivery(task), model))
    verdicts = set()
    for state, possible in truth.values():
        decision = shield.certify(state, effort=1)
        assert decision.verdict is (Verdict.ALLOWED if possible else Verdict.REFUSED)
        verdicts.add((decision.verdict, decision.source))
    sources = {source for verdict, source in verdicts if verdict is Verdict.REFUSED}
    assert sources >= ({"solver", "nogood"} if vehicles == 1 else {"bound", "prices"})
    assert (Verdict.ALLOWED, "proposal") in verdicts
    assert any(not possible for _, possible in truth.values())
    for state, possible in truth.values():  # nogoods learnt later hold of earlier states, too
        assert not (possible and shield.nogoods.match(state))


def test_unrolled_questions_agree_with_exhaustive_search() -> None:
    task = tight(5, customers=3, vehicles=1)
    base = delivery_model(task)
    s, a = base.symbols.state, base.symbols.action
    p = base.symbols.parameter
    arrival = s.time + p.travel[s.at][a]
    leave = z3.If(arrival < p.ready[a], p.ready[a], arrival) + p.service[a]
    effects = {
        "time": z3.If(a == 0, 0, leave),
        "load": z3.If(a == 0, 0, s.load + p.demand[a]),
        "at": a,
        "vehicle": z3.If(z3.And(s.at == 0, a != 0), s.vehicle + 1, s.vehicle),
        "visited": z3.If(a == 0, s.visited, z3.Store(s.visited, a, 1)),
    }
    rules = {
        **base.constraints,
        "once": z3.Or(a == 0, s.visited[a] == 0),
        "home": z3.Or(a != 0, z3.And([s.visited[i] == 1 for i in range(1, 4)])),
    }
    model = SymbolicModel(base.symbols, rules, effects, base.goal)
    assert model.check_against(delivery(task)) is None
    shield = Shield(model, horizon=5, seconds=60)  # z3 counts its work; a clock knows of load
    verdicts = set()
    for state, possible in completions(constrain(delivery(task), model)).values():
        verdict = shield.certify(state).verdict
        assert verdict is (Verdict.ALLOWED if possible else Verdict.REFUSED)
        verdicts.add(verdict)
    assert len(verdicts) == 2


def untrained(model: SymbolicModel, task: DeliveryTask) -> Search:
    return Search(constrain(delivery(task), model), UniformEvaluator(task.customers + 1))


def test_certified_play_always_finishes_where_the_search_alone_does_not() -> None:
    finished = alone = 0
    for seed in range(3):
        task = random_task(20, 1, seed)
        model = delivery_model(task)
        player = CertifiedPlayer(untrained(model, task), Shield(model, Sequencing(task)))
        made = list(player.play(Budget(simulations=10)))
        assert all(move.verdict is Verdict.ALLOWED for _, move in made)
        assert all(move.plan[0] == move.action for _, move in made)
        state = made[-1][0]
        finished += state.visited.sum() == 20
        state, discount = delivery(task).reset(), 1.0
        while discount:
            [result] = untrained(model, task).run([state], Budget(simulations=10))
            if result.action == NO_ACTION:
                break
            state, _, discount = delivery(task).step(state, result.action)
        alone += discount == 0
    assert (finished, alone) == (3, 0)


def test_the_same_seed_makes_the_same_moves() -> None:
    task = random_task(12, 2, 4)
    model = delivery_model(task)

    def moves() -> list[int]:
        player = CertifiedPlayer(untrained(model, task), Shield(model, Sequencing(task)))
        return [move.action for _, move in player.play(Budget(simulations=10), seed=3)]

    assert moves() == moves()


def test_a_task_that_cannot_be_done_is_refused_with_reasons() -> None:
    task = tight(0)
    late = DeliveryTask(
        task.travel, task.demand, task.ready, np.minimum(task.due, 40), task.service, 1000, 2
    )
    model = SymbolicModel(delivery_model(late).symbols, {}, goal=delivery_model(late).goal)
    player = CertifiedPlayer(untrained(model, late), Shield(model, Sequencing(late)))
    move = player.move(delivery(late).reset(), Budget(simulations=10))
    assert (move.verdict, move.action, move.plan) == (Verdict.REFUSED, NO_ACTION, ())
    decision = Shield(model, Sequencing(late)).certify(delivery(late).reset())
    assert any(reason.startswith("visited[") for reason in decision.reasons)


def test_a_solver_without_budget_allows_nothing_and_loses_no_result() -> None:
    task = random_task(30, 3, 0)
    model = delivery_model(task)
    shield = Shield(model, Sequencing(task), rlimit=1)
    decision = shield.certify(delivery(task).reset(), effort=1)
    assert decision.verdict is Verdict.UNKNOWN
    player = CertifiedPlayer(untrained(model, task), shield)
    shield.certify = lambda state, effort=0: decision  # type: ignore[method-assign]
    move = player.move(delivery(task).reset(), Budget(simulations=10))
    assert (move.verdict, move.action) == (Verdict.UNKNOWN, NO_ACTION)
    assert sum(edge.visits for edge in move.result.edges()) > 0


def test_a_plan_that_breaks_a_constraint_or_stops_short_is_no_witness() -> None:
    task = tight(0, vehicles=1)
    model = delivery_model(task)
    shield = Shield(model, Sequencing(task))
    start = delivery(task).reset()
    plan = shield.certify(start).plan
    assert shield.witnesses.find(start) == plan
    fresh = Shield(model, Sequencing(task)).witnesses
    assert fresh.certify(start, plan[:-1]) is None
    assert fresh.certify(start, (*plan, 0)) is None
    assert fresh.certify(start, (99, *plan[1:])) is None
    assert len(fresh) == 0
    never = SymbolicModel(model.symbols, {"never": model.symbols.action > 99}, goal=model.goal)
    assert Shield(never, Sequencing(task)).witnesses.certify(start, plan) is None


def test_witnesses_and_nogoods_forget_the_oldest() -> None:
    task = tight(0, vehicles=1)
    model = delivery_model(task)
    nogoods = Nogoods(model.symbols, capacity=2)
    state = delivery(task).reset()
    for at in (0, 1, 2):
        nogoods.add([Fact("at", (), "==", at)])
    assert len(nogoods) == 2
    assert nogoods.match(state) == ()
    nogoods.add(
        [Fact("at", (), "==", 0), Fact("visited", (3,), "==", 0), Fact("time", (), "<=", 5)]
    )
    assert len(nogoods.match(state)) == 3
    state.time = 6
    assert nogoods.match(state) == ()
    state.time, state.visited[3] = 5, 1
    assert nogoods.match(state) == ()


def test_a_refutation_holds_with_its_thresholds_weakened() -> None:
    task = tight(1)
    model = delivery_model(task)
    asked = 0
    for state, possible in completions(constrain(delivery(task), model)).values():
        if possible or not state.time:
            continue
        *_, question = Sequencing(task).questions(state)
        answer = ask(question, SolverBudget(2_000_000, 1000))
        assert answer.verdict is Verdict.REFUSED
        [nogood] = answer.nogoods
        for fact in nogood:
            if fact.variable in {"time", "load"}:
                asked += fact.value < state[fact.variable]
    assert asked > 0


def test_what_a_shield_cannot_do_is_said() -> None:
    connect_four = make("connect_four")
    task = tight(0)
    with pytest.raises(ValueError, match="goal"):
        Shield(replace(delivery_model(task), goal=None))
    with pytest.raises(ConstraintError, match="effects"):
        Unrolled(delivery_model(task), 3)
    with pytest.raises(ValueError, match="horizon"):
        Unrolled(delivery_model(task), 0)
    shield = Shield(delivery_model(task), Sequencing(task))
    with pytest.raises(ValueError, match="search plays connect_four"):
        CertifiedPlayer(Search(connect_four, UniformEvaluator(7)), shield)


def test_a_refused_move_is_explained() -> None:
    task = tight(0, vehicles=1)
    shield = Shield(delivery_model(task), Sequencing(task))
    state = delivery(task).reset()
    state.load = task.capacity
    assert shield.decide(state, 1).reasons == ("capacity",)
    assert shield.explain(state, 1).names == ("capacity",)
    assert shield.decide(state, 0).source == "rules"


@pytest.mark.parametrize(("name", "lines"), [("delivery", 25), ("robot", 25)])
def test_the_examples_are_short_and_do_what_they_say(
    name: str, lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    module = example(name)
    module.main()
    shown: Any = capsys.readouterr().out
    if name == "delivery":
        stops = shown.split()
        assert stops[-1] == "home"
        assert sorted(map(int, stops[:-1])) == list(range(1, 51))
    else:
        last = shown.splitlines()[-1]
        assert "-->" in last
    text = (EXAMPLES / f"{name}.py").read_text()
    body = text[text.index("\n\n\n") :]
    code = [line for line in body.splitlines() if line.strip() and '"""' not in line]
    assert len(code) - 2 <= lines  # the last two start it as a script

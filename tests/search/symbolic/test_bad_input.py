"""What is wrong with a model is said, with the name; what z3 cannot do is never allowed."""

import os
import signal
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import z3
from test_shield import delivery_model, tight

from tesuji.domains.logistics.delivery import delivery
from tesuji.domains.registry import make
from tesuji.search.symbolic.completion import Unrolled
from tesuji.search.symbolic.constrained import constrain
from tesuji.search.symbolic.contexts import apart
from tesuji.search.symbolic.cores import Cores, SolverBudget, Verdict
from tesuji.search.symbolic.explain import Explainer, contradiction
from tesuji.search.symbolic.facts import Question
from tesuji.search.symbolic.model import ConstraintError, SymbolicModel
from tesuji.search.symbolic.nogoods import ask
from tesuji.search.symbolic.planning import PlanBudget, SMTPlanner
from tesuji.search.symbolic.sequencing import Sequencing
from tesuji.search.symbolic.shield import Shield
from tesuji.search.symbolic.smt_text import claims, script
from tesuji.search.symbolic.symbols import symbols

X = symbols(make("tic_tac_toe"), bounds={"to_play": (0, 1)})
I = z3.Int("i")  # noqa: E741


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (z3.Int("acton") == 1, "constraint 'a' speaks of 'acton', which is unknown; known: board"),
        (z3.Real("action") == 1, "constraint 'a' takes 'action' for Real, but it is Int"),
        (X.action + 1, "constraint 'a' has sort Int, it must be Bool"),
        (z3.ForAll([I], X.action < I), "constraint 'a': quantifiers are outside the fragm"),
        (
            z3.Function("f", z3.IntSort(), z3.BoolSort())(X.action),
            "constraint 'a': uninterpreted .*'f'",
        ),
        (True, "constraint 'a' must be a z3 expression, got True"),
        ("action == 1", "constraint 'a' must be a z3 expression, got .*str"),
    ],
)
def test_a_bad_expression_is_refused_by_name(term: Any, message: str) -> None:
    with pytest.raises(ConstraintError, match=message):
        SymbolicModel(X, {"a": term})


def test_a_term_outside_the_fragment_is_refused_by_name() -> None:
    model = SymbolicModel(X, {"fine": X.action >= 0, "power": X.action**X.state.to_play == 1})
    with pytest.raises(ConstraintError, match=r"constraint 'power': .* is outside the fragment"):
        constrain(make("tic_tac_toe"), model)
    wide = SymbolicModel(X, {"wide": X.action * 2**62 * 8 > 3})
    with pytest.raises(ConstraintError, match=r"constraint 'wide': .* beyond 64 bits; declare"):
        constrain(make("tic_tac_toe"), wide)


def test_products_of_variables_are_decided_exactly() -> None:
    model = SymbolicModel(X, {"square": X.action * X.action == 4})
    found = constrain(make("tic_tac_toe"), model)
    assert np.flatnonzero(found.legal(found.reset())).tolist() == [2]


def test_bounds_that_cannot_hold_are_named() -> None:
    domain = make("tic_tac_toe")
    with pytest.raises(ValueError, match="to_play: no value lies between 3 and 1"):
        symbols(domain, bounds={"to_play": (3, 1)})
    with pytest.raises(ValueError, match="bounds of turn: not an int field; fields: board"):
        symbols(domain, bounds={"turn": (0, 1)})
    x = symbols(domain, bounds={"to_play": (1, 2)})
    model = SymbolicModel(x, {"a": x.state.to_play + x.action < 99})
    with pytest.raises(ConstraintError, match="bounds: variable 'to_play' is declared from 1 to 2"):
        constrain(domain, model)


def test_a_contradictory_set_comes_with_its_minimal_core() -> None:
    domain = make("tic_tac_toe")
    high, even, low = X.action > 4, X.action >= 0, X.action < 4
    with pytest.raises(ConstraintError, match=r"^high \+ low: together they allow no action in"):
        constrain(domain, SymbolicModel(X, {"high": high, "even": even, "low": low}))
    with pytest.raises(ConstraintError, match=r"^constraint 'never': it allows no action in"):
        constrain(domain, SymbolicModel(X, {"even": even, "never": X.action > 9}))


def blown_up(context: z3.Context | None = None) -> list[z3.BoolRef]:
    """Return a question that takes 16 million gates."""
    p, q = z3.BitVecs("p q", 4000, context)
    return [p * q == 12345678901234567890123, z3.UGT(p, 1), z3.UGT(q, 1)]


def test_a_look_ahead_that_blows_up_is_killed_and_allows_nothing() -> None:
    task = tight(0, vehicles=1)
    question = Question((), "", script(blown_up()))
    began = time.monotonic()
    answer = ask(question, SolverBudget(memory_mb=600, rlimit=0, milliseconds=60_000))
    assert answer.verdict is Verdict.UNKNOWN
    assert time.monotonic() - began < 120

    class Blows(Sequencing):
        """Proposes nothing, and asks too much."""

        def propose(self, *_: Any) -> Any:
            return iter(())

        def questions(self, state: Any) -> Any:
            yield question

    shield = Shield(replace(delivery_model(task), relaxation=None), Blows(task), rlimit=1000)
    state = delivery(task).reset()
    decision = shield.decide(state, int(delivery(task).legal(state).argmax()))
    assert decision.verdict is Verdict.UNKNOWN
    assert shield.certify(state).verdict is Verdict.UNKNOWN
    assert len(shield.witnesses) == len(shield.nogoods) == 0


def test_a_solver_that_is_killed_is_replaced_and_its_answer_unknown() -> None:
    x = X.action
    cores = Cores(claims([x > 3, x < 3, x != 7]), 3, script([x >= 0]), SolverBudget())
    assert cores.find() == (Verdict.REFUSED, (0, 1))
    process = cores._process._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert cores.find()[0] is Verdict.UNKNOWN
    assert cores.find() == (Verdict.REFUSED, (0, 1))
    assert cores.minimal


def test_a_budget_that_is_spent_is_unknown_and_names_what_was_asked() -> None:
    task = tight(0)
    model = delivery_model(task)
    found = contradiction(model, SolverBudget(rlimit=1))
    assert (found.verdict, found.names) == (Verdict.UNKNOWN, tuple(model.constraints))
    assert "unknown, so not allowed: the budget ran out on capacity" in str(found)
    for budget in (PlanBudget(), SolverBudget()):
        assert budget.rlimit > 0  # the same count of work on every machine


def robot() -> SymbolicModel:
    """Return a counter-like robot with a goal, quick to plan for."""
    domain = make("double_integrator")
    x = symbols(domain, bounds={"steps": (0, 32)})
    push = z3.ToReal(x.action / 3 - 1)
    effects = {
        "x": x.state.x + x.state.vx / 2 + push / 8,
        "vx": x.state.vx + push / 2,
        "steps": x.state.steps + 1,
    }
    rules = {"slow": x.state.vx <= 1, "east": x.action >= 3}
    return SymbolicModel(x, rules, effects, x.state.x >= -2)


def test_two_threads_explain_and_plan_at_once() -> None:
    model = robot()
    domain = model.symbols.domain
    start = domain.reset()
    explainer = Explainer(model)
    answers: list[Any] = []

    def work() -> None:
        planner = SMTPlanner(model, ways=["unrolling"])
        own = Explainer(model)
        for _ in range(3):
            shared, alone = explainer.explain(start, 0), own.explain(start, 0)
            ahead = explainer.explain(start, 7, horizon=2).names
            answers.append((str(shared), str(alone), ahead, planner.solve(start, 5).cost))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):  # the main context is in use, too
        SymbolicModel(model.symbols, {"other": model.symbols.action + 1 > len(answers)})
        time.sleep(0.01)
    refused = "refused by: east (action = 0)"
    assert answers == [(refused, refused, ("goal",), 3)] * 6


def test_a_twin_shares_no_context_with_its_model() -> None:
    model = robot()
    twins = [apart(model), apart(model)]
    contexts = {id(e.ctx) for m in (model, *twins) for e in m.constraints.values()}
    assert len(contexts) == 3
    assert all(twin.symbols.action.ctx is twin.constraints["slow"].ctx for twin in twins)
    assert str(twins[0].goal) == str(model.goal)


def test_threads_ask_their_own_shields_at_once() -> None:
    model = robot()
    start = model.symbols.domain.reset()
    found: list[Any] = []

    def work() -> None:
        shield = Shield(model, Unrolled(model, 4), seconds=30)
        found.append([shield.decide(start, action).verdict for action in (0, 4, 7)])

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[Verdict.REFUSED, Verdict.ALLOWED, Verdict.ALLOWED]] * 2


def test_a_guard_without_a_value_is_a_difference_from_the_rules() -> None:
    domain = make("tic_tac_toe")
    model = SymbolicModel(X, {"fine": X.action >= 0, "ratio": 6 / X.action >= 0})
    found = model.check_against(domain)
    assert found is not None
    assert (found.game, found.ply, found.action) == (0, 0, 0)
    assert str(found) == (
        "game 0, ply 0, action 0: constraint 'ratio' has no value, so that it refuses the action"
    )


def test_guards_that_allow_what_the_rules_forbid_are_found_where_that_is_asked() -> None:
    domain = make("tic_tac_toe")
    free = X.state.board[X.action] == 0
    assert SymbolicModel(X, {"free": free}).check_against(domain, strict=True) is None
    loose = SymbolicModel(X, {"free": z3.Or(free, X.action == 4)})
    assert loose.check_against(domain) is None  # a model may be about other things
    found = loose.check_against(domain, strict=True)
    assert found is not None
    assert (found.action, found.state.board[4] != 0) == (4, True)
    assert "the constraints allow the action, the rules do not" in str(found)

"""The shield for two players: own obligations against any reply, as plain minimax says."""

import numpy as np
import pytest
import z3

from tesuji.domains.registry import make
from tesuji.search.base import Budget, UniformEvaluator
from tesuji.search.search import Search
from tesuji.search.symbolic.certified import NO_ACTION, CertifiedPlayer
from tesuji.search.symbolic.completion import Unrolled
from tesuji.search.symbolic.constrained import constrain
from tesuji.search.symbolic.cores import Verdict
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.refusals import refusing
from tesuji.search.symbolic.shield import Shield
from tesuji.search.symbolic.symbols import symbols

ROW = {True: Verdict.ALLOWED, False: Verdict.REFUSED}


def tic_tac_toe(rules, goal=None):
    """Return tic-tac-toe under `rules(x)`, a dictionary of constraints."""
    x = symbols(make("tic_tac_toe"))
    return SymbolicModel(x, rules(x), goal=None if goal is None else goal(x))


def after(domain, *actions):
    state = domain.reset()
    for action in actions:
        state = domain.step(state, action)[0]
    return state


def plain(model, state, action, plies, side, constrained_replies):
    """Return by plain minimax whether an own move keeps all for so many plies; slow and short."""
    domain = model.symbols.domain
    names = set(refusing(domain, model, state, action))
    own = domain.to_play(state) == side
    if names and (own or names & set(model.invariants)):
        return False
    entered, _, discount = domain.step(state, action)
    if discount == 0 or plies == 1:
        return True
    moves = np.flatnonzero(domain.legal(entered)).tolist()
    mine = domain.to_play(entered) == side
    if not mine and constrained_replies:
        moves = [a for a in moves if not refusing(domain, model, entered, a)]
    values = [plain(model, entered, a, plies - 1, side, constrained_replies) for a in moves]
    return any(values) if mine else all(values)


def no_line(x):
    """Return that nobody may own the middle row, and that side 0 never plays a corner."""
    board = x.state.board
    corner = z3.Or([x.action == a for a in (0, 2, 6, 8)])
    return {
        "no middle row": z3.Not(z3.And(*[board[i] == board[3] for i in (4, 5)], board[3] != 0)),
        "no corner for X": z3.Implies(x.state.to_play == 0, z3.Not(corner)),
    }


@pytest.mark.parametrize("replies", ["rules", "constraints"])
@pytest.mark.parametrize("plies", [1, 2, 3, 4])
def test_every_verdict_is_that_of_plain_minimax(replies, plies):
    model = tic_tac_toe(no_line)
    domain = model.symbols.domain
    shield = Shield(model, horizon=plies, replies=replies, seconds=60)
    rng = np.random.default_rng(plies)
    verdicts = set()
    for _ in range(6):
        state, discount = domain.reset(), 1.0
        for _ in range(int(rng.integers(4, 8))):
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            following, _, discount = domain.step(state, action)
            if discount == 0:
                break
            state = following
        for action in np.flatnonzero(domain.legal(state)).tolist():
            side = domain.to_play(state)
            expected = plain(model, state, action, plies, side, replies == "constraints")
            found = shield.decide(state, action)
            assert found.verdict is ROW[expected]
            verdicts.add((found.verdict, found.source))
    assert (Verdict.ALLOWED, "replies") in verdicts
    if plies > 2 and replies == "rules":
        assert (Verdict.REFUSED, "replies") in verdicts


def never_two_in_the_corner_row(x):
    taken = [z3.If(x.state.board[i] == 2, 1, 0) for i in (0, 1, 2)]
    return {"O has at most one above": z3.Sum(taken) <= 1, "no last": x.action != 8}


def test_a_move_that_a_reply_refutes_is_refused_with_the_reply_and_a_minimal_core():
    model = tic_tac_toe(never_two_in_the_corner_row)
    domain = model.symbols.domain
    state = after(domain, 3, 1)  # O has 1; who does not take 0 and 2 lets O have two above
    shield = Shield(model, horizon=2)
    decision = shield.decide(state, 4)
    assert (decision.verdict, decision.source) == (Verdict.REFUSED, "replies")
    assert decision.plan == (4, 0)
    assert decision.scope == "within 2 plies, against any reply: b2 a1"
    explanation = shield.explain(state, 4)
    assert explanation.names == ("O has at most one above",)
    assert explanation.minimal
    assert str(explanation) == (
        "refused by: O has at most one above, within 2 plies, against any reply: b2 a1"
    )
    bound = Shield(model, horizon=2, replies="constraints")  # O, too, keeps the constraint
    assert bound.decide(state, 4).verdict is Verdict.ALLOWED
    assert str(bound.explain(state, 4)) == (
        "allowed, within 2 plies, against any reply that keeps the constraints"
    )


def test_what_is_refused_at_once_is_explained_as_ever():
    shield = Shield(tic_tac_toe(never_two_in_the_corner_row), horizon=2)
    state = shield.model.symbols.domain.reset()
    assert shield.decide(state, 8).reasons == ("no last",)
    assert str(shield.explain(state, 8)) == "refused by: no last (action = 8)"


def test_two_obligations_that_only_together_leave_no_answer_are_both_blamed():
    def rules(x):
        ours = x.state.to_play == 0
        return {
            "even": z3.Implies(ours, z3.And(x.action != 5, x.action != 6)),
            "any": x.action >= 0,
            "odd": z3.Implies(ours, z3.And(x.action != 2, x.action != 4)),
        }

    model = tic_tac_toe(rules)
    state = after(model.symbols.domain, 0, 8, 1, 3)  # left after 7: 2, 4, 5, 6; O takes one
    shield = Shield(model, horizon=3)
    assert shield.decide(state, 7).verdict is Verdict.REFUSED
    assert shield.explain(state, 7).names == ("even", "odd")


def test_a_goal_must_be_forced_within_the_horizon():
    def line(x):
        b = x.state.board
        lines = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8)]
        return z3.Or([z3.And([b[i] == 1 for i in row]) for row in [*lines, (2, 4, 6)]])

    model = tic_tac_toe(lambda x: {}, line)
    state = after(model.symbols.domain, 0, 1)  # X O . : the fork 3 or 4 wins in five plies
    shield = Shield(model, horizon=5, seconds=60, nodes=100_000)
    assert shield.decide(state, 4).verdict is Verdict.ALLOWED
    assert shield.decide(state, 5).verdict is Verdict.REFUSED
    assert shield.explain(state, 5).names == ("goal",)
    assert Shield(model, horizon=3).decide(state, 4).verdict is Verdict.REFUSED


def test_a_budget_that_runs_out_allows_nothing_and_names_what_was_asked():
    model = tic_tac_toe(no_line)
    state = model.symbols.domain.reset()
    shield = Shield(model, horizon=8, nodes=3)
    decision = shield.decide(state, 4)
    assert decision.verdict is Verdict.UNKNOWN
    assert decision.reasons == ("no middle row", "no corner for X")
    assert str(shield.explain(state, 4)) == (
        "unknown, so not allowed: the budget ran out on no middle row, no corner for X"
    )


def test_certified_play_keeps_its_obligations_against_an_opponent_who_attacks_them():
    model = tic_tac_toe(never_two_in_the_corner_row)
    domain = model.symbols.domain
    shield = Shield(model, horizon=4, seconds=60)
    player = CertifiedPlayer(Search(constrain(domain, model), UniformEvaluator(9)), shield)
    for seed in range(3):
        rng, state, discount = np.random.default_rng(seed), domain.reset(), 1.0
        while discount:
            if domain.to_play(state) == 0:
                move = player.move(state, Budget(simulations=20))
                assert move.action != NO_ACTION
                action = move.action
            else:
                above = [a for a in (0, 1, 2) if domain.legal(state)[a]]
                action = int(rng.choice(above or np.flatnonzero(domain.legal(state))))
            state, _, discount = domain.step(state, action)
            assert sum(state.board[:3] == 2) <= 1


def test_what_a_shield_of_two_players_cannot_take_is_said():
    model = tic_tac_toe(no_line)
    with pytest.raises(ValueError, match="horizon must be at least 1, got 0"):
        Shield(model, horizon=0)
    with pytest.raises(ValueError, match="replies must be 'rules' or 'constraints', got 'all'"):
        Shield(model, replies="all")
    with pytest.raises(ValueError, match="nodes must be at least 1"):
        Shield(model, nodes=0)
    with pytest.raises(ValueError, match="a completion is for one player"):
        Shield(model, Unrolled)

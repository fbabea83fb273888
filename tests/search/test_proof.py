"""What a proof search promises: exact values, budgets that hold, any game of two players."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.base import Domain, DomainSpec, State
from tesuji.domains.games.connect_four_bitboard import Bitboard
from tesuji.domains.games.connect_four_solver import Solver
from tesuji.domains.games.othello import othello
from tesuji.domains.games.tic_tac_toe import tic_tac_toe
from tesuji.domains.playout import random_states
from tesuji.domains.registry import make
from tesuji.search.base import Evaluation, Status
from tesuji.search.proof import (
    Finding,
    ProofBudget,
    ProofConfig,
    ProofError,
    ProofSearch,
    Question,
    Watch,
)
from tesuji.search.proof_objects import ObjectProver
from tesuji.search.proof_tree import unfold

FOLDER = Path(__file__).parents[1] / "domains"
OBJECT_CONNECT_FOUR = f"{FOLDER / 'object_connect_four.py'}:object_connect_four"
SMALL = ProofConfig(memory_mb=1)


class Twin(ProofSearch):
    """The plain Python search on a compiled domain."""

    def __init__(self, domain: Domain, config: ProofConfig = SMALL) -> None:
        super().__init__(domain, config, prover=ObjectProver(domain, config, None))


def exact(domain: Domain):
    """Return a function from a state to its value, by plain minimax."""
    values: dict[bytes, float] = {}

    def value(state: State) -> float:
        key = domain.key(state)
        assert key is not None
        if key not in values:
            best = -2.0
            for action in np.flatnonzero(domain.legal(state)):
                following, reward, discount = domain.step(state, int(action))
                best = max(best, reward + (discount * value(following) if discount else 0.0))
            values[key] = best
        return values[key]

    return value


@cache
def connect_four_set() -> tuple[list[State], list[int]]:
    solver = Solver(20)
    states = random_states(make("connect_four"), 40, 22, 33)
    stones = [(int(s.stones[s.to_play]), int(s.stones[1 - s.to_play])) for s in states]
    return states, [solver.value(Bitboard(own, own | other)) for own, other in stones]


@pytest.mark.parametrize("kind", [ProofSearch, Twin])
def test_every_position_of_tic_tac_toe_has_its_value(kind):
    domain = tic_tac_toe()
    value, search = exact(domain), kind(domain, SMALL)
    for state in random_states(domain, 150, 0, 7):
        result = search.run(state)
        assert result.lower == result.upper == value(state)


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        ProofConfig(memory_mb=0.001),  # 32 positions: forgets nearly all
        ProofConfig(memory_mb=1, summed=True, epsilon=0.0, symmetric_plies=0),
    ],
    ids=str,
)
def test_connect_four_agrees_with_the_solver(config):
    states, values = connect_four_set()
    search = ProofSearch(make("connect_four"), config)
    results = [search.run(state) for state in states]
    assert [result.lower for result in results] == values
    assert [result.upper for result in results] == values


def test_passes_belong_to_the_side_that_must():
    domain = othello(4)
    value, search = exact(domain), ProofSearch(domain, SMALL)
    states = random_states(domain, 60, 3, 9)
    assert [search.run(state).lower for state in states] == [value(state) for state in states]


def test_the_python_twin_opens_the_same_positions():
    compiled, plain = make("connect_four"), make(OBJECT_CONNECT_FOUR)
    config = ProofConfig(memory_mb=16, symmetric_plies=0)
    for moves in ("44444415661616", "5211553377445522"):
        results = []
        for domain in (compiled, plain):
            state = domain.reset()
            for move in moves:
                state, _, _ = domain.step(state, int(move) - 1)
            results.append(ProofSearch(domain, config).run(state, ProofBudget(nodes=3000)))
        assert results[0].status == results[1].status
        assert results[0].nodes == results[1].nodes


@pytest.mark.parametrize(
    ("claim", "lower", "upper"), [("win", -1, 0), ("draw", 0, 0), ("loss", 0, 1)]
)
def test_a_claim_asks_only_what_settles_it(claim, lower, upper):
    result = ProofSearch(tic_tac_toe(), SMALL).run(tic_tac_toe().reset(), claim=claim)
    assert (result.lower, result.upper) == (lower, upper)


@pytest.mark.parametrize("kind", [ProofSearch, Twin])
def test_budgets_stop_and_the_next_call_goes_on(kind):
    domain = make("connect_four")
    search = kind(domain, ProofConfig(memory_mb=16))
    result = search.run(domain.reset(), ProofBudget(nodes=500))
    assert (result.status, result.nodes, result.proven) == (Status.NODES, 500, False)
    result = search.run(domain.reset(), ProofBudget(seconds=0.02))
    assert result.status is Status.TIME


def test_ctrl_c_leaves_a_result():
    def stop(progress):
        raise KeyboardInterrupt

    domain = make("connect_four")
    result = ProofSearch(domain, SMALL).run(domain.reset(), ProofBudget(nodes=100_000), tell=stop)
    assert (result.status, result.lower, result.upper) == (Status.INTERRUPTED, -1, 1)


class Favours:
    """A policy that is sure of one column."""

    def __init__(self, column: int) -> None:
        self.column = column
        self.asked = 0

    def evaluate(self, observations):
        self.asked += 1
        logits = np.zeros((1, 7), np.float32)
        logits[0, self.column] = 20
        return Evaluation(logits, np.zeros(1, np.float32), np.zeros(1, np.float32))


def test_a_policy_orders_and_never_changes_what_is_true():
    states, values = connect_four_set()
    nodes = set()
    for column in (0, 3):
        evaluator = Favours(column)
        search = ProofSearch(make("connect_four"), SMALL, evaluator)
        assert [search.run(state).lower for state in states] == values
        assert evaluator.asked > len(states)
        nodes.add(search.prover.nodes)
    assert len(nodes) == 2


class Ring(Domain):
    """Walk round a ring of four fields that never ends but for the first side, who may jump off.

    The state is `(field, side)`; action 0 walks on, action 1 on field 3 ends the game, won for the
    side `winner` if that is the mover's.
    """

    def __init__(self, winner: int) -> None:
        self.spec = DomainSpec("ring", 2, (1,), 2, 100)
        self.winner = winner

    def reset(self, seed=0):
        return (0, 0)

    def legal(self, state):
        return np.array([True, state == (3, 1)])

    def step(self, state, action, key=0):
        field, side = state
        if action == 1:
            return state, 1.0 if side == self.winner else -1.0, 0.0
        return ((field + 1) % 4, 1 - side), 0.0, -1.0

    def observe(self, state):
        return np.zeros(1, np.float32)

    def to_play(self, state):
        return state[1]

    def key(self, state):
        return bytes(state)


def test_going_in_circles_proves_nothing_and_hides_no_win():
    lost = ProofSearch(Ring(winner=1), SMALL).run((0, 0))
    assert lost.status is Status.PROVEN_LOSS
    endless = ProofSearch(Ring(winner=0), SMALL).run((0, 0))
    assert (endless.proven, endless.findings) == (False, ())


def test_games_that_no_proof_fits_are_refused():
    with pytest.raises(ProofError, match="no deterministic game of two players"):
        ProofSearch(make("double_integrator"))


def check(domain, state, tree):
    """Walk every line of a proof tree by recursion; return how many positions it has."""
    seen = {}

    def walk(number, state):
        if number in seen:
            assert seen[number] == domain.key(state)
            return
        seen[number] = domain.key(state)
        node = tree.nodes[number]
        legal = [int(a) for a in np.flatnonzero(domain.legal(state))]
        mine = domain.to_play(state) == tree.prover
        moves = [node] if mine else list(zip(legal, node, strict=True))
        for action, child in moves:
            assert action in legal
            following, reward, discount = domain.step(state, action)
            if discount == 0:
                gain = reward if mine else -reward
                assert child == 0
                assert gain > 0 or (gain == 0 and not tree.strict)
            else:
                assert child > number
                walk(child, following)

    walk(0, state)
    return len(seen)


@pytest.mark.parametrize("config", [SMALL, ProofConfig(memory_mb=0.001)], ids=str)
def test_a_proof_unfolds_into_a_tree_that_the_rules_confirm(config):
    states, values = connect_four_set()
    domain = make("connect_four")
    for state, value in itertools.islice(zip(states, values, strict=True), 12):
        search = ProofSearch(domain, config)
        result = search.run(state)
        assert {f.holds.strict for f in result.findings} == {value != 0}
        for finding in result.findings:
            tree = unfold(domain, search.prover, state, finding, Watch(ProofBudget()))
            assert check(domain, state, tree) == len(tree.nodes)


def test_a_tree_that_would_be_too_large_is_refused():
    domain = tic_tac_toe()
    search = ProofSearch(domain, SMALL)
    search.run(domain.reset())
    question = Question(1, strict=False)
    with pytest.raises(ProofError, match="more than 10 nodes"):
        unfold(
            domain,
            search.prover,
            domain.reset(),
            Finding(question, Question(0, strict=True)),
            Watch(ProofBudget()),
            max_nodes=10,
        )

"""Agents by name, and what each of them plays."""

import numpy as np
import pytest

from tesuji.domains.registry import make
from tesuji.engine.agent import (
    Agent,
    PolicyAgent,
    RandomAgent,
    SearchAgent,
    SolverAgent,
    load_agent,
)
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.search.base import Budget, Evaluation, UniformEvaluator
from tesuji.search.config import PUCT, Gumbel


@pytest.fixture(scope="module")
def tic_tac_toe():
    return make("tic_tac_toe")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Keep exports out of the user's own cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "tesuji" / "exports"


def after(domain, *actions):
    state = domain.reset()
    for action in actions:
        state, _, _ = domain.step(state, action)
    return state


class LastAction:
    """An evaluator that prefers higher actions."""

    def evaluate(self, observations):
        size = len(observations)
        logits = np.tile(np.arange(9, dtype=np.float32), (size, 1))
        return Evaluation(logits, np.zeros(size, np.float32), np.zeros(size, np.float32))


@pytest.mark.parametrize("text", ["random", "uniform:sims=20", "rollout:sims=20", "uniform:sims=0"])
def test_an_agent_plays_legal_moves_that_its_seeds_decide(tic_tac_toe, text):
    agent = load_agent(text, tic_tac_toe)
    states = [tic_tac_toe.reset(), after(tic_tac_toe, 4, 0), after(tic_tac_toe, 0)]
    moves = agent.act(tic_tac_toe, states, [1, 2, 3])
    alone = [
        agent.act(tic_tac_toe, [state], [seed])[0]
        for state, seed in zip(states, (1, 2, 3), strict=True)
    ]
    assert agent.name == text
    assert [move.action for move in moves] == [move.action for move in alone]
    for move, state in zip(moves, states, strict=True):
        assert tic_tac_toe.legal(state)[move.action]


def test_the_random_agent_is_fair(tic_tac_toe):
    state = after(tic_tac_toe, 0, 1, 2, 3, 4, 5)
    moves = RandomAgent().act(tic_tac_toe, [state] * 3000, range(3000))
    counts = np.bincount([move.action for move in moves], minlength=9)
    assert (counts[6:] > 900).all()
    assert counts[:6].sum() == 0


def test_the_policy_agent_takes_the_likeliest_legal_move(tic_tac_toe):
    states = [tic_tac_toe.reset(), after(tic_tac_toe, 8), after(tic_tac_toe, 8, 7)]
    moves = PolicyAgent(LastAction()).act(tic_tac_toe, states, [0, 0, 0])
    assert [move.action for move in moves] == [8, 7, 6]
    assert moves[0].result is None


def test_the_search_agent_wins_in_one(tic_tac_toe):
    # X X .
    # O O .
    # . . .
    agent = SearchAgent(tic_tac_toe, UniformEvaluator(9), budget=Budget(simulations=50))
    [move] = agent.act(tic_tac_toe, [after(tic_tac_toe, 0, 3, 1, 4)], [0])
    assert move.action == 2
    assert move.result.status.proven


def test_a_big_set_is_searched_in_parts(tic_tac_toe, monkeypatch):
    monkeypatch.setattr("tesuji.engine.agent._TREES", 2)
    agent = load_agent("uniform:sims=30", tic_tac_toe)
    states = [after(tic_tac_toe, 0, 3, 1, 4)] * 5
    assert [move.action for move in agent.act(tic_tac_toe, states, range(5))] == [2] * 5


def test_a_search_agent_keeps_to_its_domain(tic_tac_toe):
    agent = load_agent("uniform", tic_tac_toe)
    with pytest.raises(ValueError, match="was made for tic_tac_toe"):
        agent.act(make("connect_four"), [], [])


def late_position(domain, seed, plies=32):
    """Return a position of a random game after `plies` moves."""
    rng = np.random.default_rng(seed)
    while True:
        state, discount = domain.reset(), 1.0
        for _ in range(plies):
            if discount == 0:
                break
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            state, _, discount = domain.step(state, action)
        if discount != 0:
            return state


def exact(domain, state, depth=0):
    """Return the value of the best line, a faster win worth more."""
    values = []
    for action in np.flatnonzero(domain.legal(state)):
        following, reward, discount = domain.step(state, int(action))
        later = -exact(domain, following, depth + 1) if discount else 0
        values.append(reward * (100 - depth) + later)
    return max(values)


def test_the_solver_plays_perfectly():
    domain = make("connect_four")
    states = [late_position(domain, seed) for seed in range(8)]
    moves = load_agent("solver", domain).act(domain, states, range(8))
    for state, move in zip(states, moves, strict=True):
        following, reward, discount = domain.step(state, move.action)
        later = -exact(domain, following, 1) if discount else 0
        assert reward * 100 + later == exact(domain, state)


def test_equally_good_moves_are_all_played_by_the_solver():
    domain = make("connect_four")
    states = [late_position(domain, seed, 38) for seed in range(20)]
    solver = SolverAgent(domain)
    for state in states:
        scores = solver.scores(state)
        played = {move.action for move in solver.act(domain, [state] * 50, range(50))}
        assert played == set(np.flatnonzero(scores == scores.max()).tolist())


def test_options_reach_the_search(tic_tac_toe):
    agent = load_agent("uniform:sims=7,lookahead=2,c_init=2.5,prove=false", tic_tac_toe)
    assert agent.search.settings == PUCT(lookahead=2, c_init=2.5, prove=False)
    assert agent.budget == Budget(simulations=7)
    agent = load_agent("uniform:search=gumbel,max_considered=4", tic_tac_toe)
    assert agent.search.settings == Gumbel(max_considered=4)


def test_the_budget_is_the_callers_where_the_text_says_nothing(tic_tac_toe):
    budget = Budget(simulations=33)
    assert load_agent("uniform", tic_tac_toe, budget=budget).budget == budget
    timed = load_agent("uniform:seconds=0.5", tic_tac_toe, budget=budget)
    assert timed.budget == Budget(seconds=0.5)
    small = load_agent("uniform:nodes=50", tic_tac_toe, budget=budget)
    assert small.budget == Budget(simulations=33, nodes=50)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("randm", "did you mean 'random'"),
        ("", "known: random, solver, net, uniform, rollout"),
        ("nowhere/a_run", "the path of a run or checkpoint"),
        ("solver", "plays connect_four only, not tic_tac_toe"),
        ("random:sims=3", "takes no options"),
        ("uniform:sim=3", "did you mean 'sims'"),
        ("uniform:max_considered=3", "has no option 'max_considered'"),
        ("uniform:sims=3,,leaves", "should be NAME=VALUE"),
        ("uniform:sims=", "should be NAME=VALUE"),
        ("uniform:sims=many", "sims must be a number, got 'many'"),
        ("uniform:sims=-4", "simulations must be above 0, got -4"),
        ("uniform:search=alphabeta", "one of puct, gumbel"),
        ("uniform:prove=maybe", "prove must be one of true, false"),
        ("uniform:leaves=0", "leaves must be between 1 and 4096"),
        ("rollout:sims=0", "rollout has no policy to play without search"),
    ],
)
def test_a_bad_name_is_explained(tic_tac_toe, text, fault):
    with pytest.raises(UsageError, match=fault) as caught:
        load_agent(text, tic_tac_toe)
    assert "\n" not in str(caught.value)


def test_every_agent_keeps_the_contract(tic_tac_toe):
    for text in ("random", "uniform", "uniform:sims=0"):
        agent: Agent = load_agent(text, tic_tac_toe)
        agent.reset()
        assert agent.act(tic_tac_toe, [], []) == []


@pytest.fixture(scope="module")
def checkpoint(tic_tac_toe, tmp_path_factory):
    """A run with one checkpoint of an untrained little network."""
    import torch

    from tesuji.engine.checkpoint import Checkpoint, checkpoint_path, save_checkpoint
    from tesuji.engine.trained import net_to_dict
    from tesuji.nets.config import MLPConfig
    from tesuji.nets.model import build

    torch.manual_seed(0)
    config = MLPConfig(hidden=16, layers=1)
    network = build(config, tic_tac_toe.spec)
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    run = tmp_path_factory.mktemp("run")
    save_checkpoint(
        checkpoint_path(run, 1),
        Checkpoint("tic_tac_toe", net_to_dict(config), 1, tensors),
    )
    return run


def test_a_checkpoint_plays(tic_tac_toe, checkpoint):
    states = [tic_tac_toe.reset(), after(tic_tac_toe, 4)]
    texts = [f"{checkpoint}:sims=10,backend=torch", f"{checkpoint}:sims=0"]
    for text in texts:
        agent = load_agent(text, tic_tac_toe)
        assert len(agent.act(tic_tac_toe, states, [0, 0])) == 2
        assert agent.name == text


def test_all_backends_say_the_same(tic_tac_toe, checkpoint):
    from tesuji.engine.trained import load_evaluator, random_observations

    observations = random_observations(tic_tac_toe, 20)
    torch, onnx = (
        load_evaluator(checkpoint, tic_tac_toe, backend=backend) for backend in ("torch", "auto")
    )
    for one, other in zip(torch.evaluate(observations), onnx.evaluate(observations), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_checkpoint_of_another_game_is_refused(checkpoint):
    with pytest.raises(TesujiError, match="is for tic_tac_toe, not for connect_four"):
        load_agent(str(checkpoint), make("connect_four"))


def test_a_missing_extra_is_named(tic_tac_toe, checkpoint):
    with pytest.raises(UsageError, match="did you mean 'onnx'"):
        load_agent(f"{checkpoint}:backend=onxx", tic_tac_toe)


def test_networks_are_kept_by_kind():
    from tesuji.engine.trained import net_from_dict, net_to_dict
    from tesuji.nets.config import MLPConfig, ResNetConfig

    for config in (ResNetConfig(channels=8), MLPConfig(layers=2)):
        assert net_from_dict(net_to_dict(config)) == config
    with pytest.raises(ValueError, match="unknown kind of network 'transformer'"):
        net_from_dict({"kind": "transformer"})
    with pytest.raises(ValueError, match="network mlp: "):
        net_from_dict({"kind": "mlp", "width": 3})


def test_a_second_start_needs_no_torch(tic_tac_toe, checkpoint, cache, monkeypatch):
    from tesuji.engine import trained

    observations = trained.random_observations(tic_tac_toe, 8)
    first = trained.load_evaluator(checkpoint, tic_tac_toe).evaluate(observations)
    monkeypatch.delattr("tesuji.engine.trained.load_network")
    second = trained.load_evaluator(checkpoint, tic_tac_toe).evaluate(observations)
    np.testing.assert_array_equal(first.logits, second.logits)
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize(
    "damage", [lambda c: c[:-9], lambda c: b"", lambda c: c[:50] + b"x" + c[51:]]
)
def test_a_damaged_export_is_made_anew(cache, damage):
    from tesuji.engine.export_cache import cached

    assert cached("key", lambda: b"export" * 20) == b"export" * 20
    assert cached("key", lambda: b"other") == b"export" * 20
    file = cache / "key.onnx"
    file.write_bytes(damage(file.read_bytes()))
    assert cached("key", lambda: b"other") == b"other"


def test_a_cache_that_cannot_be_written_is_done_without(cache):
    from tesuji.engine.export_cache import cached

    cache.parent.write_text("a file where the folder should be")
    assert cached("key", lambda: b"export") == b"export"


def test_only_the_exports_used_last_are_kept(cache):
    from tesuji.engine.export_cache import cached

    for number in range(40):
        cached(str(number), lambda: b"export")
    assert len(list(cache.iterdir())) == 32

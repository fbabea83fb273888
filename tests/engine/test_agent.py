"""Agents by name, and what each of them plays."""

import subprocess
import sys

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
    states = [late_position(domain, seed, 38) for seed in range(6)]
    solver = SolverAgent(domain)
    for state in states:
        scores = solver.scores(state)
        played = {move.action for move in solver.act(domain, [state] * 25, range(25))}
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
    expected = load_evaluator(checkpoint, tic_tac_toe, backend="torch").evaluate(observations)
    for backend in ("auto", "onnx"):
        evaluator = load_evaluator(checkpoint, tic_tac_toe, backend=backend)
        for one, other in zip(expected, evaluator.evaluate(observations), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_network_plays_without_torch(tic_tac_toe, checkpoint):
    code = (
        "import sys; from tesuji import Planner, Budget; sys.modules['torch'] = None;"
        f"planner = Planner('tic_tac_toe', {str(checkpoint)!r}, budget=Budget(simulations=5));"
        "print(planner.act(planner.domain.reset()))"
    )
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    assert answer.stdout.strip() in set("012345678"), answer.stderr


def test_folding_is_what_torch_does():
    import torch

    from tesuji.nets.config import ResNetConfig
    from tesuji.nets.fold import fold_norms
    from tesuji.nets.inference import InferenceNet
    from tesuji.nets.model import build

    network = build(ResNetConfig(channels=8, blocks=2), make("connect_four").spec)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if "norm" in name and tensor.dtype == torch.float32:
                tensor.uniform_(0.5, 1.5)
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    expected = InferenceNet(network).model.state_dict()
    folded = fold_norms(state)
    assert folded.keys() == expected.keys()
    for name, tensor in expected.items():
        np.testing.assert_allclose(folded[name], tensor.numpy(), rtol=1e-5, atol=1e-6)


def test_a_network_for_other_rules_is_refused(tic_tac_toe, checkpoint):
    from dataclasses import replace

    from tesuji.domains.compiled import CompiledDomain

    changed = replace(tic_tac_toe.spec, observation_shape=(5, 3, 3))
    domain = CompiledDomain(changed, tic_tac_toe.kernels)
    with pytest.raises(UsageError, match="sees 18 inputs, but tic_tac_toe shows 45"):
        load_agent(str(checkpoint), domain)


def test_a_checkpoint_of_another_game_is_refused(checkpoint):
    with pytest.raises(TesujiError, match="is for tic_tac_toe, not for connect_four"):
        load_agent(str(checkpoint), make("connect_four"))


def test_a_missing_extra_is_named(tic_tac_toe, checkpoint):
    with pytest.raises(UsageError, match="unknown evaluator 'onxx'; did you mean 'onnx'"):
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

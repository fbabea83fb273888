"""A policy that is searched for in the model is good before the first real step."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.engine.control_agent import tensors_of
from tesuji.engine.control_search import PolicySearch, judge_policy
from tesuji.engine.episodes import Runner
from tesuji.nets.config import ControlNetConfig
from tesuji.nets.control import ControlNet
from tesuji.nets.control_native import ControlAgent, Policies, policy_weights, set_policy
from tesuji.search.trajectory.settings import RandomSearchSettings, TrajectorySettings

BALANCE = RandomSearchSettings(
    rounds=24, directions=12, best=6, steps=80, noise=0.2, rate=0.3, price=4.0
)


def _network(observed: int, seed: int = 0) -> ControlNet:
    torch.manual_seed(seed)
    return ControlNet(ControlNetConfig(hidden=8, bins=21), observed, 1)


def _searched(
    constraints: tuple[str, ...], settings: RandomSearchSettings
) -> tuple[ControlNet, Runner, int]:
    runner = Runner(EnvironmentDomain("InvertedPendulum-v5"), TrajectorySettings(), constraints)
    net = _network(4)
    search = PolicySearch(net, runner, settings, seed=0, anew=True)
    search.run(lambda _: None, lambda: None)
    return net, runner, search.spent()


def test_weights_say_what_the_network_says() -> None:
    """Each row by its own, and back again."""
    net = _network(5)
    tensors = tensors_of(net)
    tensors["center"] += 0.5
    tensors["spread"] *= 2.0
    seen = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    weights = np.repeat(policy_weights(tensors)[None], 3, axis=0)
    weights[1] += 0.1
    mean, deviation = Policies(weights, tensors, tensors["center"], tensors["spread"]).propose(seen)
    assert mean.shape == deviation.shape == (3, 1)
    wanted = ControlAgent(tensors).propose(seen)[0]
    assert np.allclose(mean[[0, 2]], wanted[[0, 2]], atol=1e-6)
    assert abs(mean[1] - wanted[1]) > 1e-3
    set_policy(tensors, weights[1], 0.2)
    found = ControlAgent(tensors).propose(seen)
    assert np.allclose(found[0][1], mean[1], atol=1e-6)
    assert np.allclose(found[1], 0.2, atol=1e-6)


def test_a_policy_is_found_that_balances() -> None:
    """The first falls within 30 steps; what states are worth then is what episodes return."""
    net, runner, steps = _searched((), BALANCE)
    assert 0 < steps <= 24 * 24 * 80
    examples = judge_policy(net, runner, 0.9, np.random.default_rng(1))
    assert len(examples.values) > 16 * 200
    assert examples.observations.shape == (len(examples.values), 4)
    assert examples.values.max() == pytest.approx(10.0)
    untrained = judge_policy(_network(4), runner, 0.9, np.random.default_rng(1))
    assert len(untrained.values) < 16 * 60
    assert untrained.values.min() == 0.0  # of the step that ends an episode


def test_what_is_violated_has_its_price() -> None:
    """Of two policies that balance, the one is found that keeps a limit."""
    tight = ("abs(slider_velocity) <= 0.2",)
    broken = []
    for constraints in ((), tight):
        net, _, _ = _searched(constraints, BALANCE)
        judge = Runner(EnvironmentDomain("InvertedPendulum-v5"), TrajectorySettings(), tight)
        tensors = tensors_of(net)
        policy = Policies(
            policy_weights(tensors)[None], tensors, tensors["center"], tensors["spread"]
        )
        state = judge.domain.reset(5)
        actions, rollouts = judge.model.follow(state, policy, np.zeros((1, 80, 1)))
        units = judge.model.units(actions)
        broken.append(float(judge.violations(state, rollouts, units)[0]) / actions.shape[1])
    assert broken[1] < 0.5 * broken[0]


def test_a_search_goes_on_from_what_was_learned() -> None:
    """With the scales that it was learned with: without a step it is what it was."""
    settings = replace(BALANCE, rounds=1, rate=1e-12)
    runner = Runner(EnvironmentDomain("InvertedPendulum-v5"), TrajectorySettings())
    net = _network(4)
    with torch.no_grad():
        net.center.fill_(0.3)
        net.spread.fill_(2.0)
    before = ControlAgent(tensors_of(net))
    PolicySearch(net, runner, settings, 0, anew=False).run(lambda _: None, lambda: None)
    seen = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)
    found = ControlAgent(tensors_of(net))
    assert np.allclose(found.propose(seen)[0], before.propose(seen)[0], atol=1e-5)


def test_of_several_searches_the_best_goes_on() -> None:
    """After the trial, and alone; each has weights and directions of its own."""
    settings = replace(BALANCE, rounds=12, searches=3, trial=8)
    runner = Runner(EnvironmentDomain("InvertedPendulum-v5"), TrajectorySettings())
    net, told, scores = _network(4), list[str](), dict[str, list[float]]()
    PolicySearch(net, runner, settings, seed=4, anew=True).run(told.append, lambda: None)
    for word in told:
        name, mean = word.split()[2].rstrip(","), float(word.split()[-1])
        scores.setdefault(name, []).append(mean)
    assert len({means[0] for means in scores.values()}) == 3
    assert sorted(len(means) for means in scores.values()) == [8, 8, 12]
    best = max(scores, key=lambda name: sum(scores[name][3:8]))
    assert len(scores[best]) == 12

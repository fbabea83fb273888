"""A policy without real steps: searched for in the model, and judged there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from tesuji.engine.control_agent import tensors_of
from tesuji.engine.control_lessons import Examples, discounted_returns
from tesuji.engine.episodes import Runner
from tesuji.nets.control import ControlNet
from tesuji.nets.control_native import ControlAgent, Policies, policy_weights, set_policy
from tesuji.search.trajectory.random_search import RandomSearch
from tesuji.search.trajectory.settings import RandomSearchSettings

_TOLD = 5  # rounds between two words
_JUDGED = 16  # episodes that say what states are worth
_DEVIATION = 0.1  # of the policy's actions


def search_policy(
    net: ControlNet,
    runner: Runner,
    settings: RandomSearchSettings,
    rng: np.random.Generator,
    tell: Callable[[str], None],
) -> int:
    """Give a network's policy weights that do well in the model; return the steps it simulated.

    Args:
        net: whose policy is where the search begins.
        runner: of the environment, whose constraints have a price.
        settings: of the search.
        rng: what is random.
        tell: is told how it goes.
    """
    tensors = tensors_of(net)
    scales = (tensors["center"], tensors["spread"]) if settings.after else ()  # as learned, or new
    search = RandomSearch(
        runner.model, lambda weights, *found: Policies(weights, tensors, *(scales or found)),
        policy_weights(tensors), settings, runner.violations,
    )  # fmt: skip
    for number, mean in enumerate(search.run(rng)):
        if number % _TOLD == 0:
            tell(f"policy search, round {number + 1} of {settings.rounds}: mean return {mean:.1f}")
    set_policy(tensors, search.weights, _DEVIATION)
    if not scales:
        tensors["center"] = search.center.astype(np.float32)
        tensors["spread"] = search.spread.astype(np.float32)
    net.load_state_dict({name: torch.from_numpy(each) for name, each in tensors.items()})
    return search.simulated


def judge_policy(
    net: ControlNet, runner: Runner, discount: float, rng: np.random.Generator
) -> Examples:
    """Return what states of the policy's episodes in the model are worth, and its actions there."""
    state = runner.domain.reset(int(rng.integers(2**31)))
    noise = rng.normal(size=(_JUDGED, runner.domain.spec.max_steps, runner.model.low.size))
    actions, rollouts = runner.model.follow(state, ControlAgent(tensors_of(net)), noise)
    rewards, before = rollouts.rewards, rollouts.going
    rest = np.zeros(_JUDGED)
    if discount < 1.0:  # episodes that go on do so at their mean
        rest = rollouts.alive[:, -1] * rewards.mean(axis=1) / (1.0 - discount)
    values = discounted_returns(rewards, rest, discount)
    first = np.repeat(state.observation[None, None], _JUDGED, axis=0)
    seen = np.concatenate([first, rollouts.observations[:, :-1]], axis=1)
    return Examples(seen[before], actions[before].astype(np.float32), values[before])

"""Classic control with discrete actions: kernels beside Gymnasium's own steps."""

from typing import Any

import gymnasium
import numpy as np
import pytest

from tesuji.domains.base import Rollouts
from tesuji.domains.robotics.classic_rules import find_rules
from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.engine.planner import Planner
from tesuji.search.base import Budget

NAMES = ("CartPole-v1", "MountainCar-v0", "Acrobot-v1")


def balance(domain: EnvironmentDomain, state: Any, drawn: int) -> int:
    """Keep a pole up, so that walks are long; elsewhere take what is drawn."""
    if not domain.spec.name.startswith("CartPole"):
        return drawn
    x, speed, angle, turning = state.observation
    return int(angle + 0.3 * turning + 0.02 * x + 0.05 * speed > 0)


def walk(domain: EnvironmentDomain, seed: int) -> int:
    """Compare one episode, actions held for a while; return its steps."""
    rng = np.random.default_rng(seed)
    state = imagined = domain.reset(seed)
    action, discount, steps = 0, 1.0, 0
    while discount:
        if rng.random() < 0.2:
            action = int(rng.integers(domain.spec.num_actions))
        chosen = action if seed % 2 else balance(domain, state, action)
        reached = domain.step_batch([imagined], [chosen], Rollouts())
        state, reward, discount = domain.step(state, chosen)
        imagined = reached.states[0]
        assert np.array_equal(imagined.row, domain.env.unwrapped.state)  # type: ignore[attr-defined]
        assert np.array_equal(imagined.observation, state.observation)
        assert np.array_equal(reached.passed[0, 0], imagined.row)
        assert (reached.rewards[0], reached.discounts[0]) == (reward, discount)
        assert domain.key(imagined) == domain.key(state)
        steps += 1
    return steps


@pytest.mark.parametrize("name", NAMES)
def test_kernels_are_the_steps_of_the_environment(name: str) -> None:
    """To the bit, from resets to ends and to limits of time."""
    domain = EnvironmentDomain(name)
    lengths = [walk(domain, seed) for seed in range(6)]
    assert max(lengths) == domain.spec.max_steps


@pytest.mark.parametrize(
    ("name", "options", "change"),
    [
        ("CartPole-v1", {"max_episode_steps": 7}, {"gravity": 3.0, "tau": 0.05}),
        ("CartPole-v1", {"sutton_barto_reward": True}, {}),
        ("MountainCar-v0", {"goal_velocity": 0.02}, {"force": 0.003}),
        ("Acrobot-v1", {}, {"dt": 0.1, "LINK_MASS_2": 1.5, "LINK_LENGTH_1": 0.7}),
    ],
)
def test_changed_numbers_are_read(
    name: str, options: dict[str, Any], change: dict[str, float]
) -> None:
    """Of the environment, not of its name."""
    env = gymnasium.make(name, **options)
    for key, value in change.items():
        setattr(env.unwrapped, key, value)
    domain = EnvironmentDomain(env)
    assert domain.batched
    assert all(walk(domain, seed) <= domain.spec.max_steps for seed in range(2))


def test_changed_rules_are_stepped() -> None:
    """By the environment itself, where kernels know no such rules."""
    pole, swing = gymnasium.make("CartPole-v1"), gymnasium.make("Acrobot-v1")
    wrapped = gymnasium.wrappers.TransformReward(pole, lambda reward: 2 * reward)
    assert find_rules(wrapped) is None
    pole.unwrapped.kinematics_integrator = "other"  # type: ignore[attr-defined]
    swing.unwrapped.torque_noise_max = 0.1  # type: ignore[attr-defined]
    assert find_rules(pole) is find_rules(swing) is None
    planner = Planner(wrapped, "rollout", budget=Budget(simulations=8), constraints=NARROW)
    state = planner.domain.reset(0)
    for _ in range(3):
        state, reward, _ = planner.domain.step(state, planner.act(state))
        assert reward == 2.0


NARROW = ["abs(observation_0) < 0.3"]


def test_the_best_rollout_is_kept_along_its_way() -> None:
    """What follows its first action is worth no less than its rest."""
    domain = EnvironmentDomain("CartPole-v1")
    rollouts = Rollouts(4, 100)
    reached = domain.step_batch([domain.reset(3)], [1], rollouts)
    for _ in range(10):
        before, action = float(reached.values[0]), int(reached.states[0].way[0])
        reached = domain.step_batch(reached.states, [action], rollouts)
        assert reached.rewards[0] + reached.values[0] >= before


def test_rollouts_that_break_a_constraint_do_not_count() -> None:
    """Nor is their way kept, where another keeps it."""
    domain = EnvironmentDomain("MountainCar-v0")
    asked = []

    def keeps(actions: np.ndarray, passed: np.ndarray) -> np.ndarray:
        asked.append(actions)
        return np.asarray(passed[:, 0, 1] <= 0.0, np.bool_)  # never to the right

    state = domain.reset(0)
    reached = domain.step_batch([state], [0], Rollouts(32, 3, keeps))
    following = reached.states
    for action in reached.states[0].way:
        after = domain.step_batch(following, [int(action)], Rollouts())
        assert after.passed[0, 0, 1] <= 0.0
        following = after.states
    none = domain.step_batch([state], [0], Rollouts(4, 3, lambda a, _: np.zeros(len(a), np.bool_)))
    assert np.isnan(none.values[0])
    assert set(np.concatenate(asked)) <= {0, 1, 2}


@pytest.mark.parametrize("name", NAMES)
def test_a_decision_is_the_same_again(name: str) -> None:
    """From one seed, also where the tree of the last decision is used again."""
    chosen = []
    for _ in range(2):
        planner = Planner(gymnasium.make(name), "rollout", budget=Budget(simulations=24))
        state, taken = planner.domain.reset(5), []
        for step in range(4):
            taken.append(planner.act(state, seed=step))
            state, _, _ = planner.domain.step(state, taken[-1])
        chosen.append(taken)
    assert chosen[0] == chosen[1]

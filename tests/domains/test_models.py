"""Models say what the environment does."""

from typing import Any

import numpy as np
import pytest

from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.environments import EnvironmentRefusedError
from tesuji.domains.robotics.models import Model, StepModel, make_model

# How far rewards may be off: tips of links lag behind by a part of a substep.
EXACT = {
    "HalfCheetah-v5": 1e-6,
    "Hopper-v5": 1e-6,
    "Walker2d-v5": 1e-6,
    "Swimmer-v5": 1e-6,
    "InvertedPendulum-v5": 0.0,
    "InvertedDoublePendulum-v5": 1e-3,
    "Reacher-v5": 0.02,
    "Pendulum-v1": 1e-9,
    "MountainCarContinuous-v0": 0.0,
}


def actions_for(model: Model, shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Return random actions, as environments take them."""
    rng = np.random.default_rng(seed)
    return model.units(rng.uniform(-1, 1, (*shape, model.low.size)))


@pytest.mark.parametrize("name", EXACT)
def test_rollouts_are_the_steps_of_the_environment(name: str) -> None:
    """Positions and velocities to the bit, ends as they are, rewards as near as stated."""
    domain = EnvironmentDomain(name)
    model = make_model(domain)
    for seed in range(3):
        state = domain.reset(seed)
        actions = actions_for(model, (2, 25), seed)
        state, _, _ = domain.step_by(state, actions[0, 0].astype(np.float32))
        rollouts = model.roll(state, actions)
        for b in range(2):
            at: Any = state
            for h in range(25):
                at, reward, discount = domain.step_by(at, actions[b, h].astype(np.float32))
                assert reward == pytest.approx(rollouts.rewards[b, h], abs=EXACT[name])
                assert rollouts.alive[b, h] == (discount != 0.0)
                moving = len(model.names) - len([n for n in model.names if n in PER_STEP])
                assert np.array_equal(
                    model.quantities(at)[:moving], rollouts.quantities[b, h, -1, :moving]
                )
                if discount == 0.0:
                    break


PER_STEP = {"x_velocity"}  # a quantity of the step, not of the state


def test_any_environment_has_a_model() -> None:
    """Slow, but exact: it steps the environment."""
    domain = EnvironmentDomain("Pendulum-v1")
    fast, slow = make_model(domain), StepModel(domain)
    state = domain.reset(4)
    actions = actions_for(fast, (3, 10))
    one, other = fast.roll(state, actions), slow.roll(state, actions)
    assert np.allclose(one.rewards, other.rewards, atol=1e-9)
    assert np.array_equal(one.observations, other.observations)
    assert type(make_model(EnvironmentDomain("Ant-v5"))) is StepModel


def test_discrete_actions_have_no_trajectories() -> None:
    """The message says what to do."""
    with pytest.raises(EnvironmentRefusedError, match="use tree search"):
        make_model(EnvironmentDomain("CartPole-v1"))


class Forward:
    """Pushes according to the first number seen."""

    def propose(self, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a mean and no deviation."""
        mean = np.tanh(observations[:, :1].astype(np.float64))
        return np.repeat(mean, 1, axis=1), np.zeros((len(observations), 1))


@pytest.mark.parametrize("name", ["Pendulum-v1", "InvertedDoublePendulum-v5"])
def test_models_follow_policies(name: str) -> None:
    """As the environment does."""
    domain = EnvironmentDomain(name)
    model = make_model(domain)
    state = domain.reset(2)
    found = model.follow(state, Forward(), np.zeros((2, 4, 1)))
    wanted = StepModel(domain).follow(state, Forward(), np.zeros((1, 4, 1)))
    assert np.allclose(found, wanted, atol=1e-5)

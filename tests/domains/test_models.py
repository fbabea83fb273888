"""Models say what the environment does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.environments import EnvironmentRefusedError, make_environment
from tesuji.domains.robotics.linear_world import WORLDS
from tesuji.domains.robotics.models import Model, Rollouts, StepModel, chained, make_model
from tesuji.domains.robotics.mujoco_model import MujocoModel
from tesuji.domains.robotics.mujoco_tasks import TASKS
from tesuji.search.trajectory.stages import Stage, StageModel

# Steps of the comparison, and how far rewards may be off: by the order in which norms are summed.
EXACT = {
    "HalfCheetah-v5": (25, 0.0),
    "Hopper-v5": (25, 0.0),
    "Walker2d-v5": (25, 0.0),
    "Swimmer-v5": (25, 0.0),
    "Ant-v5": (15, 1e-12),
    "Humanoid-v5": (15, 1e-12),
    "HumanoidStandup-v5": (10, 1e-12),
    "InvertedPendulum-v5": (25, 0.0),
    "InvertedDoublePendulum-v5": (25, 0.0),
    "Reacher-v5": (25, 1e-15),
    "Pusher-v5": (25, 1e-15),
    "FetchReach-v4": (5, 0.0),
    "FetchPush-v4": (5, 0.0),
    "FetchSlide-v4": (5, 0.0),
    "FetchPickAndPlaceDense-v4": (5, 1e-15),
    "tesuji/FetchTwoBlocks-v0": (5, 0.0),
    "PointMaze_UMaze-v3": (25, 0.0),
    "PointMaze_LargeDense-v3": (25, 0.0),
    "Pendulum-v1": (25, 1e-9),
    "MountainCarContinuous-v0": (25, 0.0),
}


def actions_for(model: Model, shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Return random actions, as environments take them."""
    rng = np.random.default_rng(seed)
    return model.units(rng.uniform(-1, 1, (*shape, model.low.size)))


@pytest.mark.parametrize("name", EXACT)
def test_rollouts_are_the_steps_of_the_environment(name: str) -> None:
    """States and observations to the bit, ends as they are, rewards as near as stated."""
    steps, off = EXACT[name]
    domain = EnvironmentDomain(name)
    model = make_model(domain)
    assert not isinstance(model, StepModel)
    for seed in range(2):
        state = domain.reset(seed)
        actions = actions_for(model, (2, steps), seed)
        state, _, _ = domain.step_by(state, actions[0, 0].astype(np.float32))
        rollouts = model.roll(state, actions)
        for b in range(2):
            at: Any = state
            chained = model.begin(state)
            for h in range(steps):
                at, reward, discount = domain.step_by(at, actions[b, h].astype(np.float32))
                chained, one = model.branch(chained, actions[b : b + 1, h : h + 1])
                for found, i, j in ((rollouts, b, h), (one, 0, 0)):
                    assert reward == pytest.approx(found.rewards[i, j], abs=off)
                    assert found.alive[i, j] == (discount != 0.0)
                    assert np.array_equal(at.observation, found.observations[i, j])
                    assert_same_state(model, at, found.quantities[i, j, -1])
                if discount == 0.0:
                    break


PER_STEP = {"x_velocity", "y_velocity"}  # quantities of a step, not of a state


def assert_same_state(model: Model, state: Any, quantities: np.ndarray) -> None:
    """Compare what is of the state."""
    of_state = len([name for name in model.names if name not in PER_STEP])
    assert np.array_equal(model.quantities(state)[:of_state], quantities[:of_state])


def test_threads_change_nothing() -> None:
    """Each trajectory is its own, whoever simulates it."""
    domain = EnvironmentDomain("Ant-v5")
    one, three = (MujocoModel(domain, TASKS["Ant-v5"], num_threads=n) for n in (1, 3))
    state = domain.reset(4)
    actions = actions_for(one, (13, 3))
    first, second = one.roll(state, actions), three.roll(state, actions)
    assert np.array_equal(first.quantities, second.quantities)
    assert np.array_equal(first.rewards, second.rewards)


def test_wrappers_that_change_rewards_are_heard() -> None:
    """The model of the bare environment would not know of them."""
    env = gymnasium.wrappers.TransformReward(make_environment("HalfCheetah-v5"), lambda r: 2 * r)
    domain = EnvironmentDomain(env)
    model = make_model(domain)
    assert isinstance(model, StepModel)
    state = domain.reset(0)
    actions = actions_for(model, (1, 1))
    reward = domain.step_by(state, actions[0, 0].astype(np.float32))[1]
    assert model.roll(state, actions).rewards[0, 0] == reward


def test_any_environment_has_a_model() -> None:
    """Slow, but exact: it steps the environment."""
    domain = EnvironmentDomain("Pendulum-v1")
    fast, slow = make_model(domain), StepModel(domain)
    state = domain.reset(4)
    actions = actions_for(fast, (3, 10))
    one, other = fast.roll(state, actions), slow.roll(state, actions)
    assert np.allclose(one.rewards, other.rewards, atol=1e-9)
    assert np.array_equal(one.observations, other.observations)


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


class Noisy:
    """Acts by noise alone."""

    def __init__(self, size: int = 1) -> None:
        self.shape = (size,)

    def propose(self, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return no mean and a deviation of 1."""
        shape = (len(observations), *self.shape)
        return np.zeros(shape), np.ones(shape)


@pytest.mark.parametrize("name", ["Pendulum-v1", "InvertedDoublePendulum-v5"])
def test_models_follow_policies(name: str) -> None:
    """As the environment does."""
    domain = EnvironmentDomain(name)
    model = make_model(domain)
    state = domain.reset(2)
    found = model.follow(state, Forward(), np.zeros((2, 4, 1)))
    wanted = StepModel(domain).follow(state, Forward(), np.zeros((1, 4, 1)))
    assert np.allclose(found.actions, wanted.actions, atol=1e-5)


def assert_same(found: Rollouts, wanted: Rollouts) -> None:
    """Compare trajectories to the bit."""
    for name in ("quantities", "rewards", "alive", "observations"):
        assert getattr(found, name).tobytes() == getattr(wanted, name).tobytes(), name


@pytest.mark.parametrize("name", [*EXACT, *WORLDS, "StepModel", "TimeLimit", "Stage"])
def test_steps_in_a_row_are_those_at_once(name: str) -> None:
    """To the bit, beyond ends as well, so that what a policy did need not be simulated again."""
    model = model_of(name)
    state = model.domain.reset(3)
    noise = np.random.default_rng(3).normal(0.0, 1.0, (6, 40, model.low.size))
    found = model.follow(state, Noisy(model.low.size), noise)
    actions = noise.clip(-1.0, 1.0)
    actions[:, : found.actions.shape[1]] = found.actions
    wanted = model.roll(state, model.units(actions))
    assert_same(found.rollouts.extended(40), wanted)
    assert name not in {"Hopper-v5", "StepModel"} or not wanted.alive[:, -1].any()


def test_unstable_simulations_end_the_same_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Step after step and at once: MuJoCo resets them, and what comes then does not count."""
    monkeypatch.chdir(tmp_path)  # where MuJoCo writes a log
    model = make_model(EnvironmentDomain("HalfCheetah-v5"))
    start = model.begin(model.domain.reset(0))
    assert model.coordinates is not None
    here = np.repeat(start, 2, axis=0)
    here[1, model.coordinates[-1]] = 3e3
    actions = actions_for(model, (2, 6))
    wanted, parts = model.branch(here, actions).rollouts, []
    for h in range(6):
        here, part = model.branch(here, actions[:, h : h + 1])
        parts.append(part)
    assert_same(chained(parts), wanted)
    assert wanted.alive[0].all()
    assert not wanted.alive[1, -1]


def model_of(name: str) -> Model:
    """Return a model by its environment's name, or that of a case."""
    if name == "Stage":
        domain = EnvironmentDomain("tesuji/FetchTwoBlocks-v0")
        return StageModel(make_model(domain), Stage("grip", np.zeros(3), 1.0, {}))
    if name == "TimeLimit":
        return StepModel(EnvironmentDomain(gymnasium.make("Pendulum-v1", max_episode_steps=7)))
    if name == "StepModel":
        return StepModel(EnvironmentDomain("InvertedPendulum-v5"))
    return make_model(EnvironmentDomain(name))


@pytest.mark.parametrize("name", ["HalfCheetah-v5", "Pendulum-v1", "TimeLimit", *WORLDS])
def test_of_no_actions_there_are_no_trajectories(name: str) -> None:
    """A planner all of whose samples are a policy's rolls none."""
    model = model_of(name)
    found = model.roll(model.domain.reset(0), np.zeros((0, 5, model.low.size)))
    assert found.rewards.shape == (0, 5)
    assert found.quantities.shape[:2] == found.observations.shape[:2] == (0, 5)


@pytest.mark.parametrize("kind", [make_model, StepModel])
def test_what_a_policy_does_ends_with_the_episodes(kind: Callable[..., Model]) -> None:
    """The last of them; of the others nothing counts after their ends."""
    domain = EnvironmentDomain("InvertedPendulum-v5")
    noise = np.zeros((2, 60, 1))
    noise[0], noise[1] = 0.3, -1.0
    state = domain.reset(0)
    found = kind(domain).follow(state, Noisy(), noise)
    steps = found.actions.shape[1]
    ends = found.rollouts.alive.argmin(axis=1)
    assert ends.max() == steps - 1 < 59
    assert ends.min() < steps - 1
    for b in range(2):
        assert found.rollouts.alive[b, : ends[b]].all()
        assert not found.rollouts.alive[b, ends[b] :].any()
        assert not found.rollouts.rewards[b, ends[b] + 1 :].any()


def test_a_limit_of_time_is_no_end() -> None:
    """What lies beyond it counts; beyond an end of the environment's own nothing does."""
    domain = EnvironmentDomain(gymnasium.make("Pendulum-v1", max_episode_steps=4))
    rollouts = StepModel(domain).roll(domain.reset(0), np.zeros((1, 6, 1)))
    assert rollouts.alive.all()
    assert (rollouts.rewards[0] != 0.0).tolist() == [True] * 4 + [False] * 2
    fallen = EnvironmentDomain("InvertedPendulum-v5")
    rollouts = StepModel(fallen).roll(fallen.reset(0), np.full((1, 40, 1), 3.0))
    assert not rollouts.alive[0, -1]

"""Gymnasium environments as domains: names, snapshots, and what is refused."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

import tesuji
from tesuji.domains.robotics.environment_domain import EnvironmentDomain, SimulationError
from tesuji.domains.robotics.environments import (
    EnvironmentRefusedError,
    environment_id,
    make_environment,
)
from tesuji.domains.robotics.snapshots import Snapshots

SUPPORTED = (
    "HalfCheetah-v5",
    "Ant-v5",
    "Humanoid-v5",
    "Reacher-v5",
    "Pusher-v5",
    "InvertedDoublePendulum-v5",
    "Pendulum-v1",
    "CartPole-v1",
    "FrozenLake-v1",
    "Blackjack-v1",
    "FetchPickAndPlace-v4",
    "PointMaze_UMaze-v3",
    "MiniGrid-ObstructedMaze-2Dlh-v0",
    "MiniGrid-Dynamic-Obstacles-8x8-v0",
)


@pytest.mark.parametrize("name", SUPPORTED)
def test_a_restored_snapshot_goes_on_the_same(name: str) -> None:
    """Bit for bit, whatever was done in between."""
    report = tesuji.check_domain(make_environment(name), num_episodes=4)
    assert report.num_snapshots == 4
    assert report.num_steps > 0
    assert report.draws == any(word in name for word in ("FrozenLake", "Blackjack", "Dynamic"))


class Forgetful(gymnasium.Env[np.ndarray, int]):
    """Counts where no snapshot reaches: in its class."""

    count = 0
    action_space = Discrete(2)
    observation_space = Box(-np.inf, np.inf, (1,), np.float64)

    def reset(self, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin."""
        super().reset(**options)
        return np.zeros(1), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Count."""
        type(self).count += 1
        return np.array([float(self.count)]), 0.0, False, False, {}


class Locked(Forgetful):
    """Holds what cannot be copied."""

    def reset(self, **options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin."""
        self.generator = (each for each in range(3))
        return super().reset(**options)


class Broken(Forgetful):
    """Observes no number in its third step."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Break."""
        self.steps += 1
        return np.full(1, np.nan if self.steps % 3 == 0 else 0.0), 0.0, False, False, {}


def test_environments_that_keep_state_elsewhere_are_refused() -> None:
    """By name, with what differed."""
    with pytest.raises(EnvironmentRefusedError, match="Forgetful cannot be planned in: 1 steps"):
        tesuji.check_domain(Forgetful())
    with pytest.raises(
        EnvironmentRefusedError, match="Locked cannot be copied: cannot save what a"
    ):
        tesuji.check_domain(Locked())


def test_names() -> None:
    """Snake case without the version means the newest."""
    assert environment_id("half_cheetah") == "HalfCheetah-v5"
    assert environment_id("Hopper-v4") == "Hopper-v4"
    assert environment_id("MiniGrid-LockedRoom-v0") == "MiniGrid-LockedRoom-v0"
    with pytest.raises(EnvironmentRefusedError, match="did you mean HalfCheetah-v5"):
        environment_id("half_cheeta")
    with pytest.raises(EnvironmentRefusedError, match=r"Pendulum-v1: .*unexpected keyword"):
        make_environment("pendulum", colour="red")


def test_steps_leave_states_as_they_were() -> None:
    """A state can be stepped from again, after others."""
    domain = EnvironmentDomain("CartPole-v1")
    first = domain.reset(3)
    left, right = domain.step(first, 0), domain.step(first, 1)
    assert not np.array_equal(left[0].observation, right[0].observation)
    assert np.array_equal(domain.step(first, 0)[0].observation, left[0].observation)
    assert left[1:] == (1.0, 1.0)


def test_chance_follows_the_key() -> None:
    """Where steps draw, the same key draws the same, and states have keys."""
    domain = EnvironmentDomain("FrozenLake-v1")
    assert not domain.spec.deterministic
    state = domain.reset(0)
    found = {domain.step(state, 2, key)[0].observation.argmax() for key in range(40)}
    assert len(found) == 3
    one, other = domain.step(state, 2, 7)[0], domain.step(state, 2, 7)[0]
    assert domain.key(one) == domain.key(other)
    assert domain.key(one) != domain.key(domain.step(one, 2, 3)[0])


def test_samples_are_those_of_the_state() -> None:
    """Continuous actions: the same few wherever the state is met, inside their bounds."""
    domain = EnvironmentDomain("Pendulum-v1", num_samples=5)
    state = domain.reset(1)
    samples = domain.samples(state).copy()
    assert samples.shape == (5, 1)
    assert np.all(np.abs(samples) <= 2.0)
    after, _, _ = domain.step(state, 2)
    assert not np.array_equal(domain.samples(after), samples)
    assert np.array_equal(domain.samples(state), samples)


def test_what_is_no_number_is_told() -> None:
    """Not planned with."""
    domain = EnvironmentDomain(Broken())
    state = domain.reset()
    env: Any = domain.env
    while env.steps % 3 != 2:
        state, _, _ = domain.step(state, 0)
    with pytest.raises(SimulationError, match="Broken: the simulator returned no number"):
        domain.step(state, 0)


def test_unbounded_actions_are_refused() -> None:
    """Nothing could be sampled."""
    env = Forgetful()
    env.action_space = Box(-np.inf, np.inf, (1,))  # type: ignore[assignment]
    with pytest.raises(EnvironmentRefusedError, match="have no bounds"):
        EnvironmentDomain(env)


def test_save_and_restore_keep_python_objects() -> None:
    """A key that was carried off and used lies there again, and a door is shut again."""
    env = make_environment("MiniGrid-ObstructedMaze-1Dlhb-v0")
    snapshots = Snapshots(env)
    snapshots.reset(seed=1)
    grid: Any = env.unwrapped
    taken, cells = snapshots.save(), list(grid.grid.grid)
    doors = [each for each in cells if each is not None and each.type == "door"]
    boxes = [each for each in cells if each is not None and each.type == "box"]
    for _ in range(2):
        grid.carrying = boxes[0].contains
        boxes[0].contains = None
        doors[0].is_locked, doors[0].is_open = False, True
        grid.grid.grid[cells.index(boxes[0])] = None
        again = snapshots.save()
        snapshots.restore(taken)
        assert grid.carrying is None
        assert boxes[0].contains.type == "key"
        assert (doors[0].is_locked, doors[0].is_open) == (True, False)
        assert all(one is other for one, other in zip(grid.grid.grid, cells, strict=True))
        snapshots.restore(again)
        assert grid.carrying.type == "key"
        assert doors[0].is_open
        snapshots.reset(seed=2)
        snapshots.restore(taken)

"""MiniGrid as a compiled domain, beside MiniGrid itself."""

import numpy as np
import pytest

from tesuji import check_domain
from tesuji.domains.robotics import grid_rules as rules
from tesuji.domains.robotics.environments import EnvironmentRefusedError, make_environment
from tesuji.domains.robotics.grid import encode_grid, make_grid

pytest.importorskip("minigrid")

IDS = (
    "BlockedUnlockPickup", "DistShift1", "DoorKey-6x6", "Empty-Random-6x6", "Fetch-6x6-N2",
    "FourRooms", "GoToDoor-6x6", "GoToObject-6x6-N2", "KeyCorridorS3R2", "KeyCorridorS6R3",
    "LavaCrossingS9N2", "LavaGapS5", "LockedRoom", "MemoryS7", "MultiRoom-N6",
    "ObstructedMaze-1Dlhb", "ObstructedMaze-2Dlh", "ObstructedMaze-1Dl", "Playground",
    "PutNear-6x6-N2", "RedBlueDoors-6x6", "SimpleCrossingS9N1", "Unlock", "UnlockPickup",
)  # fmt: skip
# Where random walks come to change the grid.
BUSY = ("BlockedUnlockPickup", "DoorKey-6x6", "KeyCorridorS3R2", "ObstructedMaze-1Dlhb", "Unlock")
# Turns, steps and uses; drops seldom, so that things are carried about.
ODDS = np.array([0.15, 0.15, 0.36, 0.14, 0.04, 0.14, 0.02])


def same(domain, state, env):
    """Return whether a state is where an environment stands."""
    agent = (*env.agent_pos, env.agent_dir, env.step_count)
    if (state.x, state.y, state.direction, state.steps) != tuple(int(each) for each in agent):
        return False
    if not np.array_equal(encode_grid(domain, state), env.grid.encode()):
        return False
    held = domain.instance[rules.KINDS + rules.FIELDS * int(state.carrying) :][:3]
    wanted = (0, 0, 0) if env.carrying is None else env.carrying.encode()
    return tuple(int(each) for each in held) == tuple(wanted)


@pytest.mark.parametrize("name", IDS)
def test_random_walks_are_those_of_the_environment(name):
    env = make_environment(f"MiniGrid-{name}-v0")
    rng = np.random.default_rng(0)
    changes = 0
    for seed in range(2):
        env.reset(seed=seed)
        domain = make_grid(env)
        state = domain.reset()
        assert same(domain, state, env.unwrapped)
        for action in rng.choice(7, 150, p=ODDS):
            before = state.grid.copy()
            _, reward, terminated, truncated, _ = env.step(int(action))
            state, got, discount = domain.step(state, int(action))
            assert (got, discount == 0.0) == (float(reward), terminated or truncated)
            if state.steps % 5 == 0 or discount == 0.0:
                assert same(domain, state, env.unwrapped)
            changes += not np.array_equal(before, state.grid)
            if terminated or truncated:
                break
    assert changes or name not in BUSY


def test_a_domain_begins_in_the_midst_of_an_episode():
    env = make_environment("MiniGrid-DoorKey-6x6-v0")
    env.reset(seed=3)
    for action in np.random.default_rng(5).choice(6, 60):
        if any(env.step(int(action))[2:4]):
            env.reset(seed=4)
    domain = make_grid(env)
    assert same(domain, domain.reset(), env.unwrapped)
    assert domain.reset().steps > 0


def test_the_domain_keeps_the_contract():
    env = make_environment("MiniGrid-ObstructedMaze-1Dlhb-v0", max_steps=20)
    env.reset(seed=1)
    check_domain(make_grid(env), num_episodes=3)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("MiniGrid-Dynamic-Obstacles-5x5-v0", "at random"),
        ("BabyAI-GoToObj-v0", "BabyAI"),
        ("CartPole-v1", "none of MiniGrid's"),
    ],
)
def test_what_is_not_compiled_is_refused(name, reason):
    with pytest.raises(EnvironmentRefusedError, match=reason):
        make_grid(name)


def test_a_wrapper_that_changes_rewards_is_refused():
    from gymnasium.wrappers import TransformReward

    env = TransformReward(make_environment("MiniGrid-Empty-5x5-v0"), lambda reward: 2 * reward)
    with pytest.raises(EnvironmentRefusedError, match="TransformReward"):
        make_grid(env)

"""Shortest plans in MiniGrid: as short as exhaustive search says, and good in MiniGrid itself."""

import numpy as np
import pytest
from numba import njit

from tesuji.domains.robotics import grid_rules as rules
from tesuji.domains.robotics.environments import make_environment
from tesuji.domains.robotics.grid import make_grid
from tesuji.search.planning.grid_search import Outcome, find_shortest
from tesuji.search.planning.nodes import fill_slots, find_row, hash_state

pytest.importorskip("minigrid")

# Names with seeds; in some, what was put down is in the way.
GRIDS = {
    "BlockedUnlockPickup": (0, 1, 2), "DoorKey-6x6": (0, 1), "Fetch-6x6-N2": (0, 1),
    "GoToDoor-6x6": (0, 1), "GoToObject-6x6-N2": (0, 1), "KeyCorridorS3R2": (0, 1, 2),
    "KeyCorridorS6R3": (0, 1, 239), "LavaCrossingS9N2": (0, 1), "LockedRoom": (0, 1, 2),
    "MemoryS7": (0, 1), "MultiRoom-N6": (0, 1, 2), "ObstructedMaze-1Dlhb": (0, 1, 2),
    "ObstructedMaze-2Dlh": (0, 1, 2), "PutNear-6x6-N2": (0, 1, 58), "RedBlueDoors-6x6": (0, 1),
    "Unlock": (0, 1), "UnlockPickup": (0, 1),
}  # fmt: skip


@njit
def expand(states, slot, begin, end, count, instance, scratch, words):
    """Step all states of one depth by all actions; return how many there are, below 0 at a goal."""
    state = scratch[0]
    for node in range(begin, end):
        for action in range(7):
            words[: states.shape[1]] = states[node]
            reward, discount = rules.step(state, action, instance, np.uint64(0))
            if reward > 0.0:
                return -1
            if discount == 0.0:
                continue
            state.steps = 0
            row = words[: states.shape[1]]
            at = find_row(slot, states, row, hash_state(row))
            if slot[at] == 0:
                slot[at] = count + 1
                states[count] = row
                count += 1
                if count == len(states):
                    return count
    return count


def exhaust(domain, most=1 << 21):
    """Return the length of a shortest plan, None without one, by trying all there is."""
    instance = domain.instance.copy()
    instance[[rules.MAX_STEPS, rules.LIMIT]] = 1 << 30
    cells = int(instance[rules.WIDTH] * instance[rules.HEIGHT])
    scratch = np.zeros(1, domain.state_dtype).view(np.recarray)
    scratch[0] = domain.reset()
    scratch["steps"] = 0
    words = scratch.view(np.uint64)
    size = 1 + -(-cells // 8)
    states, slot = np.zeros((most, size), np.uint64), np.zeros(2 * most, np.int32)
    states[0] = words[:size]
    fill_slots(slot, states, 1)
    begin, end, depth = 0, 1, 0
    while begin < end:
        depth += 1
        count = expand(states, slot, begin, end, end, instance, scratch, words)
        if count < 0:
            return depth
        assert count < most, "too large for this test"
        begin, end = end, count
    return None


def replay(env, plan):
    """Return `(last reward, steps, ended)` of a plan in an environment."""
    for i, action in enumerate(plan.actions):
        _, reward, terminated, _, _ = env.step(action)
        if terminated:
            return reward, i + 1, True
    return 0.0, len(plan.actions), False


@pytest.mark.parametrize("name", GRIDS)
def test_plans_are_as_short_as_exhaustive_search_says_and_work_in_minigrid(name):
    env = make_environment(f"MiniGrid-{name}-v0")
    for seed in GRIDS[name]:
        env.reset(seed=seed)
        domain = make_grid(env)
        plan = find_shortest(domain.instance)
        assert (plan.outcome, plan.bound) == (Outcome.SHORTEST, len(plan.actions))
        assert len(plan.actions) == exhaust(domain)
        reward, steps, ended = replay(env, plan)
        assert (reward > 0, steps, ended) == (True, len(plan.actions), True)


@pytest.mark.parametrize("name", ["ObstructedMaze-1Dlhb", "BlockedUnlockPickup", "UnlockPickup"])
def test_plans_from_the_midst_of_an_episode_are_shortest(name):
    env = make_environment(f"MiniGrid-{name}-v0", max_steps=10_000)
    rng = np.random.default_rng(1)
    for seed in range(4):
        env.reset(seed=seed)
        while env.unwrapped.carrying is None:  # carrying, or having put down, whatever it was
            assert not env.step(int(rng.integers(6)))[2]
        for action in rng.integers(0, 6, 12):
            assert not env.step(int(action))[2]
        domain = make_grid(env)
        plan = find_shortest(domain.instance)
        shortest = exhaust(domain)
        assert (plan.outcome is Outcome.NONE) == (shortest is None)
        assert shortest in (None, len(plan.actions))


def test_a_grid_without_a_goal_has_no_plan():
    plan = find_shortest(make_grid("MiniGrid-Playground-v0").instance)
    assert (plan.outcome, plan.actions) == (Outcome.NONE, ())


def test_a_plan_longer_than_the_limit_is_none():
    env = make_environment("MiniGrid-DoorKey-6x6-v0", max_steps=13)
    env.reset(seed=0)
    plan = find_shortest(make_grid(env).instance)
    assert (plan.outcome, plan.bound) == (Outcome.NONE, 14)


def test_too_little_room_is_unknown_with_a_bound():
    domain = make_grid("MiniGrid-KeyCorridorS6R3-v0", seed=0)
    plan = find_shortest(domain.instance, most_abstract=1000, most_states=1000)
    assert plan.outcome is Outcome.UNKNOWN
    assert 0 < plan.bound <= find_shortest(domain.instance).bound

"""Trees over sampled actions of simulated environments, and constraints in them."""

from typing import Any

import numpy as np
import pytest

import tesuji
from tesuji.domains.base import Rollouts
from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.environments import make_environment
from tesuji.search.base import Budget, UniformEvaluator
from tesuji.search.config import PUCT
from tesuji.search.driver import RolloutEvaluator
from tesuji.search.search import Search
from tesuji.search.symbolic.model import ConstraintError

SETTINGS = PUCT(prove=False, lookahead=0, leaves=4, widening=1.0)


def sampled_search(name: str = "Pendulum-v1", **changes: Any) -> Search:
    """Return a search with short rollouts."""
    settings = PUCT(**{**vars(SETTINGS), **changes})
    return Search(EnvironmentDomain(name), RolloutEvaluator(2, 8), settings)


@pytest.mark.parametrize("name", ["Pendulum-v1", "InvertedPendulum-v5", "HalfCheetah-v5"])
def test_imagined_steps_are_those_of_the_environment(name: str) -> None:
    """The first actions of a tree, and a second one after each."""
    domain = EnvironmentDomain(name)
    state = domain.reset(5)
    one = domain.step_batch([state] * 3, [0, 1, 2], Rollouts(1, 2))
    two = domain.step_batch(one.states, [1, 1, 1], Rollouts())
    for i in range(3):
        real, reward, discount = domain.step(state, i)
        assert np.array_equal(real.observation, one.states[i].observation)
        assert (reward, discount) == (pytest.approx(one.rewards[i], abs=1e-12), one.discounts[i])
        action = domain.samples(one.states[i])[1].astype(np.float32)
        after, reward, _ = domain.step_by(real, action)
        assert np.array_equal(after.observation, two.states[i].observation)
        assert reward == pytest.approx(two.rewards[i], abs=1e-12)


def test_nodes_widen_with_their_visits() -> None:
    """As many root actions as the power of the visits says, the first ones."""
    search = sampled_search(widening=1.0, widening_exponent=0.5)
    state = search.domain.reset(1)
    for simulations, most in ((9, 3), (100, 10), (400, 16)):
        [result] = search.run([state], Budget(simulations=simulations))
        visited = np.flatnonzero(result.visits)
        assert 2 <= len(visited) <= most
        assert visited.max() < most
        assert result.visits.sum() == simulations


def test_all_samples_are_offered_without_widening() -> None:
    """A root tries more of them than it would be offered."""
    search = sampled_search(widening=0.0)
    [result] = search.run([search.domain.reset(1)], Budget(simulations=64))
    assert np.count_nonzero(result.visits) > 8


def test_a_search_is_the_same_again_and_in_a_batch() -> None:
    """Whatever other trees grow beside it."""
    search = sampled_search()
    first, second = search.domain.reset(1), search.domain.reset(2)
    budget = Budget(simulations=60)
    [alone] = search.run([first], budget, seed=3)
    [again] = search.run([first], budget, seed=3)
    beside = search.run([second, first], budget, seed=3)[1]
    for other in (again, beside):
        assert np.array_equal(alone.visits, other.visits)
        assert np.array_equal(alone.q, other.q, equal_nan=True)


def test_a_tree_finds_the_action_that_pays() -> None:
    """From upright and still, pushing hard is worse than waiting."""
    domain = EnvironmentDomain("Pendulum-v1")
    state = domain.reset(0)
    env: Any = domain.env.unwrapped
    env.state = np.array([0.0, 0.0])
    state = domain._moment(np.array([1.0, 0.0, 0.0], np.float32), 0, 7)
    search = Search(domain, RolloutEvaluator(4, 8), SETTINGS)
    [result] = search.run([state], Budget(simulations=200))
    assert abs(domain.samples(state)[result.action][0]) < 1.0


def test_networks_judge_leaves() -> None:
    """An evaluator sees the observations of imagined states."""

    class Upright(UniformEvaluator):
        """Likes the pendulum up."""

    seen = []

    class Judge:
        """Notes what it sees."""

        def evaluate(self, observations: np.ndarray) -> Any:
            seen.append(observations.shape)
            return Upright(16).evaluate(observations)

    search = Search(EnvironmentDomain("Pendulum-v1"), Judge(), SETTINGS)
    search.run([search.domain.reset(0)], Budget(simulations=12))
    assert seen[0] == (1, 3)
    assert sum(shape[0] for shape in seen) == 13


@pytest.mark.parametrize(
    ("name", "constraint"),
    [
        ("CartPole-v1", "x <= 0.03"),
        ("HalfCheetah-v5", "x_velocity <= 0.3"),
        ("Pendulum-v1", "action_0 <= 0.5 and action_0 >= -0.5"),
    ],
)
def test_no_constraint_is_broken(name: str, constraint: str) -> None:
    """Refused actions are not visited, and the words say what they would lead to."""
    planner = tesuji.Planner(
        make_environment(name), "rollout", budget=Budget(simulations=24), constraints=[constraint]
    )
    domain: Any = planner.domain
    state = domain.reset(2)
    refused = 0
    for _ in range(12):
        result = planner.plan(state)
        forbidden = np.flatnonzero(~domain.allowed(state))
        refused += len(forbidden)
        assert not result.visits[forbidden].any()
        if len(forbidden):
            assert domain.refusal(state, forbidden[0]).startswith(f"refused by: {constraint} (")
            with pytest.raises(ValueError, match="refused by"):
                domain.step(state, int(forbidden[0]))
        passed = domain.step_batch([state], [result.action], Rollouts()).passed
        assert domain.may_enter([state], [result.action], passed_only(passed))[0]
        state, _, _ = domain.step(state, result.action)
    assert refused > 0 or name == "CartPole-v1"


def passed_only(passed: np.ndarray) -> Any:
    """Return a step of which only what it passed through matters."""
    from tesuji.domains.base import Reached

    return Reached([], np.zeros(1), np.zeros(1), np.zeros(1), passed)


def test_constraints_that_cannot_be_used_are_told() -> None:
    """Names that are none, what can never hold, and what forbids everything at once."""
    env = make_environment("CartPole-v1")
    for constraint, words in (
        ("height < 1", "unknown name 'height'"),
        ("x < 0 and x > 1", "can never hold"),
        ("x > 2", "in the first state no action is allowed; the first is refused by: x > 2 "),
    ):
        with pytest.raises(ConstraintError, match=words):
            tesuji.Planner(env, "rollout", constraints=[constraint])
    with pytest.raises(ConstraintError, match="chance decides in FrozenLake"):
        tesuji.Planner(make_environment("FrozenLake-v1"), "rollout", constraints=["action == 1"])


def test_dead_ends_are_kept_away_from() -> None:
    """A cart that may not pass a line is turned before it: braking takes several steps."""
    planner = tesuji.Planner(
        make_environment("CartPole-v1"), "rollout", budget=Budget(simulations=24),
        constraints=["x < 0.2", "x > -0.2"],
    )  # fmt: skip
    domain: Any = planner.domain
    state = domain.reset(3)
    for _ in range(40):
        state, _, discount = domain.step(state, planner.act(state))
        assert discount == 1.0

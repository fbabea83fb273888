"""Trees over continuous actions that a plan guides, or an agent."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tesuji
from tesuji.domains.base import Rollouts
from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.proposals import Plan
from tesuji.engine.cli import main
from tesuji.engine.control_agent import load_control
from tesuji.engine.tree_guide import Guide
from tesuji.search.base import Budget
from tesuji.search.trajectory.settings import TrajectorySettings


def planned(name: str, horizon: int = 6) -> tuple[EnvironmentDomain, Any, Plan]:
    """Return a domain, a state of it, and a plan from there that the domain has."""
    domain = EnvironmentDomain(name)
    state = domain.reset(3)
    for _ in range(4):
        state, _, _ = domain.step(state, 1)
    size = domain.imagination.model.low.size
    actions = np.random.default_rng(0).uniform(-0.5, 0.5, (horizon, size))
    domain.proposal = Plan(4, actions, np.full((horizon, size), 0.01))
    return domain, state, domain.proposal


@pytest.mark.parametrize("name", ["Pendulum-v1", "Reacher-v5"])
def test_samples_are_near_the_plan(name: str) -> None:
    """The first is the plan's action, the next are around it, the last anywhere in the box."""
    domain, state, plan = planned(name)
    scaled = domain.samples(state) / domain.imagination.model.high
    off = np.abs(scaled - plan.actions[0]).max(axis=1)
    assert off[0] < 1e-6
    assert off[1:12].max() < 0.06
    assert off[12:].max() > 0.1


@pytest.mark.parametrize("name", ["Pendulum-v1", "Reacher-v5"])
def test_a_rollout_follows_what_is_left_of_the_plan(name: str) -> None:
    """From any depth, to the plan's end and not beyond."""
    domain, state, plan = planned(name)
    whole = domain.imagination.model.roll(
        state, domain.imagination.model.units(plan.actions[None])
    ).rewards[0]
    for depth in range(3):
        reached = domain.step_batch([state], [0], Rollouts(1, 9))
        assert reached.rewards[0] == pytest.approx(whole[depth], abs=1e-12)
        assert reached.values[0] == pytest.approx(whole[depth + 1 :].sum(), abs=1e-12)
        assert reached.simulated == 6 - depth
        [state] = reached.states


def test_what_goes_on_at_the_plans_end_is_worth_more() -> None:
    """What lies beyond is added once, where the episode has not ended."""
    domain, state, plan = planned("InvertedPendulum-v5")
    values = []
    for beyond in (0.0, 50.0):
        domain.proposal = plan._replace(beyond=beyond)
        values.append(domain.step_batch([state], [0], Rollouts(1, 9)).values[0])
    assert values[1] - values[0] == 50.0


@pytest.mark.parametrize("line", [(13,), (13, 14, 1)])
def test_a_line_goes_on_as_its_rollouts_did(line: tuple[int, ...]) -> None:
    """The better of the two returns what the leaf was said to be worth, with the way there."""
    domain = EnvironmentDomain("Pendulum-v1")
    guide = Guide(domain, TrajectorySettings(samples=4, iterations=1, horizon=8))
    root = state = domain.reset(1)
    guide.prepare(state)
    total = 0.0
    for number, action in enumerate(line):
        reached = domain.step_batch([state], [action], Rollouts(2, 7))
        total += reached.rewards[0]
        [state] = reached.states
        assert reached.simulated == 2 * (8 - number)
    total += reached.values[0] - guide._plan.beyond
    found = domain.imagination.model.roll(
        root, domain.imagination.model.units(guide._ways(root, line))
    ).rewards
    assert found.sum(axis=1).max() == pytest.approx(total)


@pytest.mark.parametrize("best", range(3))
def test_what_returns_more_is_followed_and_planned_on_from(best: int) -> None:
    """The plan, or the line with one of its rollouts."""
    domain = EnvironmentDomain("Pendulum-v1")
    guide = Guide(domain, TrajectorySettings(samples=4, iterations=1, horizon=8))
    state = domain.reset(1)
    guide.prepare(state)
    ways = [guide._plan.actions, *guide._ways(state, [13])]
    guide._planner.score = lambda *_: (np.eye(3)[best], np.zeros(3))  # type: ignore[method-assign]
    assert guide.choose(state, [13]) == (13 if best else 0)
    assert np.array_equal(guide._planner._mean[:-1], ways[best][1:])
    assert guide.choose(state, [13], legal=False) == 13


def test_a_guided_decision_is_the_same_again() -> None:
    """A plan, a tree, and the plan after it, from one seed."""
    found = []
    for _ in range(2):
        planner = tesuji.Planner(
            EnvironmentDomain("Reacher-v5"), "rollout", budget=Budget(simulations=12),
            trajectory=TrajectorySettings(samples=6, iterations=1, horizon=6),
        )  # fmt: skip
        domain: Any = planner.domain
        state, rewards = domain.reset(2), []
        for _step in range(3):
            action = planner.plan(state, seed=5).action
            state, reward, _ = domain.step(state, action)
            rewards.append(reward)
        found.append(rewards)
    assert found[0] == found[1]


def test_constraints_bind_the_plan_as_well() -> None:
    """It does not lead where the tree may not go."""
    planner = tesuji.Planner(
        EnvironmentDomain("Pendulum-v1"), "rollout", budget=Budget(simulations=12),
        constraints=["action_0 <= 0.3 and action_0 >= -0.3"],
        trajectory=TrajectorySettings(samples=200, iterations=3, horizon=5),
    )  # fmt: skip
    domain: Any = planner.domain
    planner.plan(domain.reset(0))
    assert np.abs(2.0 * domain.base.proposal.actions).max() <= 0.3


def test_an_agent_samples_and_judges(capsys: pytest.CaptureFixture[str]) -> None:
    """The first sample is its mean, no rollout is made, and it decides better than none."""
    domain = EnvironmentDomain("Pendulum-v1")
    trained = load_control("net", domain)
    domain.proposal = trained.agent
    state = domain.reset(0)
    mean = trained.agent.propose(state.observation[None])[0][0]
    assert domain.samples(state)[0] == pytest.approx(2.0 * mean)
    words = ["run", "pendulum", "--method", "tree", "--sims", "24", "--steps", "100", "--json"]
    assert main([*words, "--seed", "3"]) == 0
    [episode] = json.loads(capsys.readouterr().out.splitlines()[-1])["episodes"]
    assert episode["return"] > -260.0  # swung up; random actions bring some -600
    assert episode["simulated_steps"] <= 100 * 26


def test_a_guide_has_settings_of_its_own() -> None:
    """Fewer samples than trajectory search alone, one step at a time."""
    planner = tesuji.Planner(EnvironmentDomain("Reacher-v5"), "rollout")
    assert planner._guide is not None
    usual = TrajectorySettings(
        samples=32, iterations=2, beginning=3, horizon=20, deviation=0.2, least_deviation=0.01
    )
    assert planner._guide._settings == replace(usual, samples=16)

"""Trajectory search finds what is good, and nothing that violates while there is another way."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.models import Branches, Rollouts, make_model
from tesuji.search.trajectory import planner as planner_module
from tesuji.search.trajectory.feedback import improvements
from tesuji.search.trajectory.noise import coloured_noise, knot_noise
from tesuji.search.trajectory.planner import TrajectoryPlanner, Verdict
from tesuji.search.trajectory.samples import Samples, proposed, rolled
from tesuji.search.trajectory.settings import Method, TrajectorySettings


def drive(
    planner: TrajectoryPlanner, domain: EnvironmentDomain, seed: int, steps: int
) -> tuple[float, np.ndarray]:
    """Return the return and the quantities of an episode."""
    planner.begin()
    state, total, seen = domain.reset(seed), 0.0, []
    for _ in range(steps):
        state, reward, discount = domain.step_by(
            state, planner.plan(state).actions[0].astype(np.float32)
        )
        total += reward
        seen.append(planner.model.quantities(state))
        if discount == 0.0:
            break
    return total, np.array(seen)


@pytest.mark.parametrize("method", ["mppi", "cem", "icem"])
def test_each_method_swings_the_pendulum_up(method: Method) -> None:
    """Random actions return about -1,200."""
    domain = EnvironmentDomain("Pendulum-v1")
    model = make_model(domain)
    planner = TrajectoryPlanner(model, TrajectorySettings(method=method, horizon=40))
    total, _ = drive(planner, domain, 0, 200)
    assert total > -300.0


class SlowerThan:
    """The pendulum's speed stays below a limit."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def judge(self, state: Any, rollouts: Rollouts, actions: np.ndarray) -> Verdict:
        """Return how much faster it is."""
        speed = np.abs(rollouts.quantities[..., 1]).max(axis=(1, 2))
        return Verdict(np.maximum(speed - self.limit, 0.0), np.zeros(len(speed)))


def test_violations_come_first() -> None:
    """A limit of speed holds, though the pendulum then never comes up."""
    domain = EnvironmentDomain("Pendulum-v1")
    planner = TrajectoryPlanner(
        make_model(domain), TrajectorySettings(horizon=20), SlowerThan(1.5), seed=1
    )
    _, seen = drive(planner, domain, 4, 60)
    _, free = drive(TrajectoryPlanner(planner.model), domain, 4, 60)
    assert np.abs(seen[:, 1]).max() <= 1.5 < np.abs(free[:, 1]).max()


def test_same_seed_same_plan() -> None:
    """To the bit."""
    domain = EnvironmentDomain("Pendulum-v1")
    state = domain.reset(0)
    plans = [TrajectoryPlanner(make_model(domain), seed=3).plan(state) for _ in range(2)]
    assert np.array_equal(plans[0].actions, plans[1].actions)
    assert plans[0].score == plans[1].score


def test_a_value_judges_the_end() -> None:
    """Alone it decides where rewards say nothing."""
    domain = EnvironmentDomain("MountainCarContinuous-v0")
    settings = TrajectorySettings(horizon=10, iterations=2, deviation=1.0)

    def to_the_left(observations: np.ndarray) -> np.ndarray:
        return -1000.0 * observations[:, 0].astype(np.float64)

    plan = TrajectoryPlanner(make_model(domain), settings, value=to_the_left).plan(domain.reset(0))
    assert plan.actions[:5].mean() < -0.5


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_noise_has_unit_variance(exponent: float) -> None:
    """Of any colour."""
    noise = coloured_noise(np.random.default_rng(0), exponent, 4000, 30, 2)
    assert noise.shape == (4000, 30, 2)
    assert noise.std() == pytest.approx(1.0, abs=0.05)
    steps = np.abs(np.diff(noise, axis=1)).mean()
    assert (steps < 0.8) == (exponent >= 1.0)


def test_knots_are_joined_by_lines() -> None:
    """Between two knots the second difference is 0."""
    noise = knot_noise(np.random.default_rng(0), 3, 2, 21, 1)
    bends = np.abs(np.diff(noise[..., 0], n=2, axis=1)) > 1e-9
    assert bends.sum() == 2
    assert bends[:, 9].all()


def test_a_deadline_bounds_what_is_simulated() -> None:
    """Never less than the last trajectory; without one as much as the settings say."""
    domain = EnvironmentDomain("Pendulum-v1")
    planner = TrajectoryPlanner(make_model(domain), TrajectorySettings(horizon=20, beginning=1))
    state = domain.reset(0)
    whole = planner.plan(state).simulated
    assert planner.plan(state, 1e-9).simulated == 20
    assert planner.plan(state, 1e-9).simulated == 20
    assert planner.plan(state, 100.0).simulated > 20
    assert whole >= 20 * 48


def test_what_a_deadline_leaves_no_room_for_is_not_simulated() -> None:
    """Neither samples by feedback, nor what they are found by."""
    domain = EnvironmentDomain("Pendulum-v1")
    settings = TrajectorySettings(horizon=20, feedback=4, policy_samples=0.5)
    planner = TrajectoryPlanner(make_model(domain), settings, policy=Leans())
    state = domain.reset(0)
    assert planner.plan(state).simulated > 20 * 48
    assert planner.plan(state, 1e-9).simulated == 20


# All kinds of samples: around the mean, a policy's, kept ones, those by feedback, the average.
MIXED = [
    TrajectorySettings(horizon=12, samples=10, iterations=2, policy_samples=0.5, feedback=3),
    TrajectorySettings(horizon=12, samples=4, elites=1, iterations=1, policy_samples=1.0),
    TrajectorySettings(horizon=12, samples=10, method="mppi", feedback=3),
]


@pytest.mark.parametrize("settings", MIXED)
@pytest.mark.parametrize("name", ["Pendulum-v1", "InvertedPendulum-v5"])
def test_what_is_simulated_as_it_is_drawn_is_what_would_be_rolled(
    settings: TrajectorySettings, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plans are those of a planner that simulates such samples again, and their rollouts happen."""
    model = make_model(EnvironmentDomain(name))
    state = model.domain.reset(0)
    once = TrajectoryPlanner(model, settings, policy=Leans())
    plans = [once.plan(state) for _ in range(3)]

    def again(draw: Callable[..., Samples]) -> Callable[..., Samples]:
        return lambda *told: rolled(*told[:2], draw(*told).actions)

    monkeypatch.setattr(planner_module, "proposed", again(proposed))
    monkeypatch.setattr(planner_module, "improvements", again(improvements))
    twice = TrajectoryPlanner(model, settings, policy=Leans())
    for plan in plans:
        other = twice.plan(state)
        assert (plan.actions.tobytes(), plan.score) == (other.actions.tobytes(), other.score)
        happens = model.roll(state, plan.actions[None])
        assert np.array_equal(plan.rollouts.quantities, happens.quantities)
        assert np.array_equal(plan.rollouts.observations, happens.observations)
        assert np.array_equal(plan.rollouts.rewards, happens.rewards)


def test_a_policys_samples_that_all_end_are_what_would_be_rolled() -> None:
    """No more is simulated once they have; what they would have done then is as it was told."""
    model = make_model(EnvironmentDomain("InvertedPendulum-v5"))
    state, noise = model.domain.reset(0), np.full((3, 60, 1), 7.5)
    rest = np.random.default_rng(0).uniform(-1.0, 1.0, noise.shape)
    found = proposed(model, state, Leans(), noise, rest)
    length = found.simulated // 3
    assert length < 60
    assert np.array_equal(found.actions[:, length:], rest[:, length:])
    wanted = rolled(model, state, found.actions)
    assert not wanted.rollouts.alive[:, length - 1].any()
    for name in ("quantities", "rewards", "alive", "observations"):
        assert np.array_equal(getattr(found.rollouts, name), getattr(wanted.rollouts, name)), name


@pytest.mark.parametrize("settings", MIXED)
def test_every_simulated_step_is_counted(
    settings: TrajectorySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawing samples included."""
    model = make_model(EnvironmentDomain("Pendulum-v1"))
    counts, branch = [], model.branch

    def counted(starts: Any, actions: np.ndarray) -> Branches:
        counts.append(actions.shape[0] * actions.shape[1])
        return branch(starts, actions)

    monkeypatch.setattr(model, "branch", counted)
    planner = TrajectoryPlanner(model, settings, policy=Leans())
    for seed in range(2):
        counts.clear()
        assert planner.plan(model.domain.reset(seed)).simulated == sum(counts)


def test_a_plan_is_followed_for_several_steps() -> None:
    """The next plan begins where the caller then is."""
    domain = EnvironmentDomain("Pendulum-v1")
    settings = TrajectorySettings(horizon=20, replan=5, samples=2, iterations=1, least_deviation=0)
    planner = TrajectoryPlanner(make_model(domain), settings)
    state = domain.reset(0)
    first = planner.plan(state)
    for action in first.actions[:5]:
        state, _, _ = domain.step_by(state, action.astype(np.float32))
    rest = np.concatenate([first.actions[5:], np.repeat(first.actions[-1:], 5, axis=0)])
    kept, _ = planner.score(state, rest[None])
    assert planner.plan(state).score >= kept[0] - 1e-3


class Leans:
    """A policy that always does the same."""

    def propose(self, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and deviation."""
        return np.full((len(observations), 1), 0.25), np.full((len(observations), 1), 0.1)


def test_a_policys_samples_depart_from_it_at_first() -> None:
    """And follow its mean from then on."""
    domain = EnvironmentDomain("Pendulum-v1")
    settings = TrajectorySettings(
        samples=8, iterations=1, horizon=6, policy_samples=1.0, departing=2
    )
    planner = TrajectoryPlanner(make_model(domain), settings, policy=Leans())
    plan = planner.plan(domain.reset(0)).actions[:, 0] / 2
    assert np.allclose(plan[2:], 0.25)
    assert not np.allclose(plan[:2], 0.25)


def test_departing_may_cost() -> None:
    """What gains less than it costs is not done, and what costs says by how much."""
    domain = EnvironmentDomain("Pendulum-v1")
    free = TrajectorySettings(samples=8, iterations=1, horizon=6, policy_samples=1.0, departing=2)
    dear, state = replace(free, departure_cost=1e3), domain.reset(0)
    planner = TrajectoryPlanner(make_model(domain), dear, policy=Leans())
    assert np.allclose(planner.plan(state).actions[:, 0] / 2, 0.25)
    away = np.full((1, 6, 1), 0.5)
    away[0, 1:3] = 0.75  # the second and the third depart by 1.25 deviations
    costs = [
        TrajectoryPlanner(make_model(domain), settings, policy=Leans()).score(state, away)[0][0]
        for settings in (free, replace(dear, departure_cost=0.5))
    ]
    assert costs[0] - costs[1] == pytest.approx(0.5 * 2 * 1.25**2, rel=1e-4)


def test_wrong_settings_are_refused() -> None:
    """With the number."""
    with pytest.raises(ValueError, match="samples must be at least 2, got 1"):
        TrajectorySettings(samples=1)
    with pytest.raises(ValueError, match="knots must be 0 or at least 2, got 1"):
        replace(TrajectorySettings(), knots=1)

"""Feedback around a trajectory: followed under noise, and uphill."""

import numpy as np

from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.models import make_model
from tesuji.search.trajectory.feedback import can_follow, improvements


def test_noise_in_a_closed_loop_does_not_topple_the_poles() -> None:
    """In an open loop the same noise does, of most trajectories; and a step uphill lasts longer."""
    domain = EnvironmentDomain("InvertedDoublePendulum-v5")
    model, state = make_model(domain), domain.reset(0)
    plan = np.zeros((25, 1))
    for _ in range(8):
        found = improvements(model, state, plan, np.zeros((6, 25, 1)))
        plan = found.actions[found.rollouts.rewards.sum(axis=1).argmax()]
    noise = np.random.default_rng(0).normal(0.0, 0.1, (12, 25, 1))
    lasting = [
        int(model.roll(state, model.units(actions)).alive[:, -1].sum())
        for actions in (plan + noise, improvements(model, state, plan, noise).actions)
    ]
    assert not model.roll(state, np.zeros((1, 25, 1))).alive[0, -1]
    assert model.roll(state, model.units(plan[None])).alive[0, -1]
    assert lasting[0] <= 3
    assert lasting[1] >= 9


def test_a_step_uphill_is_that_of_the_derivatives() -> None:
    """The best of the pendulum's improvements returns more, and again, until nothing is gained."""
    domain = EnvironmentDomain("Pendulum-v1")
    model, state = make_model(domain), domain.reset(1)
    plan, returns = np.zeros((20, 1)), []
    for _ in range(12):
        found = improvements(model, state, plan, np.zeros((6, 20, 1))).actions
        found = np.concatenate([plan[None], found])
        scores = model.roll(state, model.units(found)).rewards.sum(axis=1)
        returns.append(scores.max())
        plan = found[scores.argmax()]
    random = np.random.default_rng(0).uniform(-1, 1, (2000, 20, 1))
    best = model.roll(state, model.units(random)).rewards.sum(axis=1).max()
    assert np.all(np.diff(returns) >= 0.0)
    assert returns[-1] > best
    assert returns[-1] - returns[-2] < 0.01 * abs(returns[-1])


def test_what_follows_a_plan_beyond_its_end_is_simulated_as_it_is_rolled() -> None:
    """The plan lets the poles fall; what follows it may last longer, in an open loop from there."""
    domain = EnvironmentDomain("InvertedDoublePendulum-v5")
    model, state = make_model(domain), domain.reset(0)
    noise = np.random.default_rng(1).normal(0.0, 0.3, (12, 25, 1))
    found = improvements(model, state, np.zeros((25, 1)), noise)
    rolled = model.roll(state, model.units(found.actions))
    for name in ("quantities", "rewards", "alive", "observations"):
        assert getattr(found.rollouts, name).tobytes() == getattr(rolled, name).tobytes(), name
    length = int(model.roll(state, np.zeros((1, 25, 1))).alive.sum()) + 1
    lasting = rolled.alive.sum(axis=1) + 1
    assert lasting.min() < length < lasting.max()
    assert found.simulated == length * (1 + 2 * (6 + 1)) + 12 * 25


def test_models_say_whether_their_states_can_be_moved() -> None:
    """Hinges and slides can; rotations in space, and the car's 32 bits, cannot."""
    names = ("Reacher-v5", "MountainCarContinuous-v0", "Ant-v5")
    found = [can_follow(make_model(EnvironmentDomain(name))) for name in names]
    assert found == [True, False, False]

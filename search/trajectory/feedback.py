"""Linear feedback around a trajectory, and a step uphill: iterative LQR.

Derivatives of the dynamics and of rewards come from one-step simulations a little to either side
(Li & Todorov 2004; Tassa et al. 2012). What follows them in a closed loop stays near the trajectory
where the same noise in an open loop would leave it, so that noise explores what is unstable too.
`M` is the number of positions and velocities.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tesuji.domains.robotics.models import Model, Rollouts, chained
from tesuji.search.trajectory.noise import Floats
from tesuji.search.trajectory.samples import Samples

_NUDGE = 1e-4  # of positions, velocities
_PUSH = 1e-3  # of scaled actions
_TRUST = 1e-3  # cost of leaving the trajectory, squared: of positions
_CAUTION = (1e-3, 3e-2, 1.0)  # and of scaled actions: several, of which the best will be seen
_STEPS = (1.0, 0.4)  # uphill
_OF_VELOCITIES = 0.01  # of that cost
_FARTHEST = 1.0  # from the trajectory that feedback answers


class _Derivatives(NamedTuple):
    by_state: Floats  # [H, M, M], of the next state
    by_action: Floats  # [H, M, D]
    slope_state: Floats  # [H, M], of the cost
    slope_action: Floats  # [H, D]
    curve_state: Floats  # [H, M], second derivatives, not below 0
    curve_action: Floats  # [H, D]


def can_follow(model: Model) -> bool:
    """Return whether the model's states can be moved a little."""
    return model.coordinates is not None


def improvements(model: Model, state: Any, plan: Floats, noise: Floats) -> Samples:
    """Return trajectories that follow a plan in a closed loop.

    They go uphill by steps of several lengths, found with more or less caution, in turn.

    Args:
        model: of the environment.
        state: that they start from.
        plan: scaled actions `[H, D]`.
        noise: that is added to scaled actions `[B, H, D]`.
    """
    starts, rewards = _trace(model, state, plan)
    length = len(starts)
    derivatives, simulated = _derive(model, starts, plan[:length], rewards)
    passes = [_backward(derivatives, plan[:length], caution) for caution in _CAUTION]
    which = np.arange(len(noise)) % len(passes)
    slopes = np.stack([each[0] for each in passes])[which]  # [B, L, D]
    gains = np.stack([each[1] for each in passes])[which]  # [B, L, D, M]
    steps = np.array(_STEPS)[np.arange(len(noise)) // len(passes) % len(_STEPS)]
    slopes *= steps[:, None, None]
    places = model.coordinates
    here = np.repeat(starts[:1], len(noise), axis=0)
    actions, parts = np.clip(plan + noise, -1.0, 1.0), list[Rollouts]()
    for h in range(length):
        off = np.clip(here[:, places] - starts[h, places], -_FARTHEST, _FARTHEST)
        push = slopes[:, h] + np.einsum("bdm,bm->bd", gains[:, h], off)
        actions[:, h] = np.clip(plan[h] + push + noise[:, h], -1.0, 1.0)
        here, step = model.branch(here, model.units(actions[:, h : h + 1]))
        parts.append(step)
    if length < len(plan):
        parts.append(model.branch(here, model.units(actions[:, length:])).rollouts)
    batch, horizon, _ = actions.shape
    return Samples(actions, chained(parts), length + simulated + batch * horizon)


def _trace(model: Model, state: Any, plan: Floats) -> tuple[Floats, Floats]:
    """Return the states before each step `[L, W]`, until the episode ends, and rewards `[L]`."""
    starts, rewards, units = [model.begin(state)], list[float](), model.units(plan)
    for h in range(len(plan)):
        after, rollouts = model.branch(starts[-1], units[None, h : h + 1])
        rewards.append(rollouts.rewards[0, 0])
        if not rollouts.alive[0, 0]:
            break
        starts.append(after)
    return np.concatenate(starts[: len(rewards)]), np.array(rewards)


def _derive(
    model: Model, starts: Floats, plan: Floats, rewards: Floats
) -> tuple[_Derivatives, int]:
    """Return derivatives along a plan of which `rewards` are known, and the steps they took."""
    horizon, size = plan.shape
    places = model.coordinates
    assert places is not None
    count, width = len(places), len(places) + size
    here = np.repeat(starts[:, None], 2 * width, axis=1)  # [L, 2 (M + D), W]
    actions = np.repeat(plan[:, None], 2 * width, axis=1)
    i, d = np.arange(count), np.arange(size)
    here[:, i, places] += _NUDGE
    here[:, width + i, places] -= _NUDGE
    actions[:, count + d, d] += _PUSH
    actions[:, width + count + d, d] -= _PUSH
    actions = np.clip(actions, -1.0, 1.0)
    units = model.units(actions)
    after, rollouts = model.branch(here.reshape(-1, here.shape[2]), units.reshape(-1, 1, size))
    moved = after[:, places].reshape(horizon, 2, width, count)
    aside = rollouts.rewards.reshape(horizon, 2, width)
    apart = np.full((horizon, width), 2 * _NUDGE)
    ends = units / ((model.high - model.low) / 2)  # as rounded to 32 bits
    apart[:, count:] = ends[:, count + d, d] - ends[:, width + count + d, d]
    jacobian = ((moved[:, 0] - moved[:, 1]) / apart[..., None]).transpose(0, 2, 1)
    slope = (aside[:, 1] - aside[:, 0]) / apart
    curve = np.maximum((2 * rewards[:, None] - aside.sum(axis=1)) / (apart / 2) ** 2, 0.0)
    found = _Derivatives(
        jacobian[..., :count], jacobian[..., count:], slope[:, :count], slope[:, count:],
        curve[:, :count], curve[:, count:],
    )  # fmt: skip
    return found, rollouts.rewards.size


def _backward(of: _Derivatives, plan: Floats, caution: float) -> tuple[Floats, Floats]:
    """Return steps uphill `[L, D]` and gains `[L, D, M]`; actions at a bound stay where pushed."""
    horizon, size = plan.shape
    count = of.by_state.shape[1]
    trust = np.full(count, _TRUST)
    trust[count // 2 :] *= _OF_VELOCITIES
    slopes, gains = np.zeros((horizon, size)), np.zeros((horizon, size, count))
    cost_slope, cost = np.zeros(count), np.diag(trust)
    for h in range(horizon - 1, -1, -1):
        a, b = of.by_state[h], of.by_action[h]
        slope_x = of.slope_state[h] + a.T @ cost_slope
        slope_u = of.slope_action[h] + b.T @ cost_slope
        curve_x = np.diag(of.curve_state[h] + trust) + a.T @ cost @ a
        curve_u = np.diag(of.curve_action[h] + caution) + b.T @ cost @ b
        cross = b.T @ cost @ a
        free = np.ones(size, np.bool_)
        right = -np.concatenate([slope_u[:, None], cross], axis=1)
        found = np.linalg.solve(curve_u, right)
        free = ~(np.abs(plan[h]) >= 1.0) | (plan[h] * found[:, 0] < 0.0)
        if not free.all():
            found = np.zeros_like(right)
            if free.any():
                found[free] = np.linalg.solve(curve_u[np.ix_(free, free)], right[free])
        slopes[h], gains[h] = found[:, 0], found[:, 1:]
        k, gain = slopes[h], gains[h]
        cost_slope = slope_x + gain.T @ (curve_u @ k + slope_u) + cross.T @ k
        cost = curve_x + gain.T @ curve_u @ gain + gain.T @ cross + cross.T @ gain
        cost = (cost + cost.T) / 2
    return slopes, gains

"""Rewards, ends and observations of Gymnasium's MuJoCo environments, for many trajectories at once.

They follow from positions `q [B, H, K, nq]` and velocities `v [B, H, K, nv]` after each substep, as
the environments (version 5) compute them after a step. Constants are read from the environment, so
that options that it was made with count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Judgement = tuple[Floats, npt.NDArray[np.bool_], Floats]  # rewards, ends, observations


class Task:
    """What of an environment is not physics.

    Attributes:
        names: of quantities besides positions and velocities.
    """

    names: tuple[str, ...] = ()

    def quantities(self, env: Any, start: Floats, q: Floats, v: Floats) -> Floats:
        """Return these quantities `[B, H, K, X]`; `start [nq]` are the first positions."""
        del env, start, v
        return np.zeros((*q.shape[:3], 0))

    def judge(self, env: Any, start: Floats, q: Floats, v: Floats, actions: Floats) -> Judgement:
        """Return rewards `[B, H]`, ends `[B, H]` and observations `[B, H, F]`."""
        raise NotImplementedError


class Runner(Task):
    """HalfCheetah, Hopper, Walker2d and Swimmer: forward, without much effort, without falling.

    Args:
        hidden: first positions that are not observed.
        clip: of velocities in observations.
    """

    names = ("x_velocity",)

    def __init__(self, hidden: int = 1, clip: float = np.inf) -> None:
        self._hidden, self._clip = hidden, clip

    def quantities(self, env: Any, start: Floats, q: Floats, v: Floats) -> Floats:
        """Return the mean forward velocity of the step that a substep is part of."""
        velocity = _velocity(env, start, q)
        return np.repeat(velocity[:, :, None, None], q.shape[2], axis=2)

    def judge(self, env: Any, start: Floats, q: Floats, v: Floats, actions: Floats) -> Judgement:
        """Judge as the environments do."""
        last_q, last_v = q[:, :, -1], v[:, :, -1]
        effort = np.square(actions).sum(axis=-1)
        rewards = env._forward_reward_weight * _velocity(env, start, q)
        rewards = rewards - env._ctrl_cost_weight * effort
        healthy = self._healthy(env, last_q, last_v)
        over = np.zeros(rewards.shape, np.bool_)
        if healthy is not None:
            rewards = rewards + healthy * env._healthy_reward
            over = ~healthy & env._terminate_when_unhealthy
        seen = last_q[..., self._hidden :]
        if not env._exclude_current_positions_from_observation:
            seen = last_q
        velocities = np.clip(last_v, -self._clip, self._clip)
        return rewards, over, np.concatenate([seen, velocities], axis=-1)

    def _healthy(self, env: Any, q: Floats, v: Floats) -> npt.NDArray[np.bool_] | None:
        if not hasattr(env, "_healthy_z_range"):
            return None
        low, high = env._healthy_z_range
        healthy = (low < q[..., 1]) & (q[..., 1] < high)
        low, high = env._healthy_angle_range
        healthy &= (low < q[..., 2]) & (q[..., 2] < high)
        if hasattr(env, "_healthy_state_range"):
            low, high = env._healthy_state_range
            state = np.concatenate([q, v], axis=-1)[..., 2:]
            healthy &= ((low < state) & (state < high)).all(axis=-1)
        return np.asarray(healthy, np.bool_)


class Pole(Task):
    """InvertedPendulum: do not fall."""

    def judge(self, env: Any, start: Floats, q: Floats, v: Floats, actions: Floats) -> Judgement:
        """Judge as the environment does."""
        seen = np.concatenate([q[:, :, -1], v[:, :, -1]], axis=-1)
        over = ~np.isfinite(seen).all(axis=-1) | (np.abs(seen[..., 1]) > 0.2)
        return (~over).astype(np.float64), over, seen


class DoublePole(Task):
    """InvertedDoublePendulum: the tip high, over the middle, and still."""

    names = ("tip_x", "tip_y")
    _LENGTH = 0.6  # of each pole, m

    def quantities(self, env: Any, start: Floats, q: Floats, v: Floats) -> Floats:
        """Return where the tip is."""
        return np.stack(self._tip(q), axis=-1)

    def judge(self, env: Any, start: Floats, q: Floats, v: Floats, actions: Floats) -> Judgement:
        """Judge as the environment does, but for its tip that lags by a part of a substep."""
        last_q, last_v = q[:, :, -1], v[:, :, -1]
        x, y = self._tip(last_q)
        over = y <= 1
        away = 0.01 * x**2 + (y - 2) ** 2
        fast = 1e-3 * last_v[..., 1] ** 2 + 5e-3 * last_v[..., 2] ** 2
        rewards = env._healthy_reward * ~over - away - fast
        angles = last_q[..., 1:]
        force = np.zeros((*x.shape, 1))  # of the rail's ends, which the rollout does not tell
        parts = [last_q[..., :1], np.sin(angles), np.cos(angles), np.clip(last_v, -10, 10), force]
        return rewards, over, np.concatenate(parts, axis=-1)

    def _tip(self, q: Floats) -> tuple[Floats, Floats]:
        first, second = q[..., 1], q[..., 1] + q[..., 2]
        x = q[..., 0] + self._LENGTH * (np.sin(first) + np.sin(second))
        return x, self._LENGTH * (np.cos(first) + np.cos(second))


class Reach(Task):
    """Reacher: the fingertip to the target."""

    names = ("fingertip_x", "fingertip_y")
    _LINKS = (0.1, 0.11)  # m

    def quantities(self, env: Any, start: Floats, q: Floats, v: Floats) -> Floats:
        """Return where the fingertip is."""
        return np.stack(self._tip(q), axis=-1)

    def judge(self, env: Any, start: Floats, q: Floats, v: Floats, actions: Floats) -> Judgement:
        """Judge as the environment does, but for its fingertip that lags by a part of a substep."""
        last_q, last_v = q[:, :, -1], v[:, :, -1]
        x, y = self._tip(last_q)
        gap = np.stack([x - last_q[..., 2], y - last_q[..., 3]], axis=-1)
        rewards = -np.linalg.norm(gap, axis=-1) * env._reward_dist_weight
        rewards = rewards - np.square(actions).sum(axis=-1) * env._reward_control_weight
        angles = last_q[..., :2]
        parts = [np.cos(angles), np.sin(angles), last_q[..., 2:], last_v[..., :2], gap]
        over = np.zeros(rewards.shape, np.bool_)
        return rewards, over, np.concatenate(parts, axis=-1)

    def _tip(self, q: Floats) -> tuple[Floats, Floats]:
        first, second = q[..., 0], q[..., 0] + q[..., 1]
        near, far = self._LINKS
        x = near * np.cos(first) + far * np.cos(second)
        return x, near * np.sin(first) + far * np.sin(second)


def _velocity(env: Any, start: Floats, q: Floats) -> Floats:
    """Return the mean forward velocity of each step `[B, H]`."""
    x = q[:, :, -1, 0]
    first = np.full((len(x), 1), start[0])
    return np.asarray(np.diff(x, axis=1, prepend=first) / env.dt)


TASKS: Mapping[str, Task] = {
    "HalfCheetah-v5": Runner(),
    "Hopper-v5": Runner(clip=10.0),
    "Walker2d-v5": Runner(clip=10.0),
    "Swimmer-v5": Runner(hidden=2),
    "InvertedPendulum-v5": Pole(),
    "InvertedDoublePendulum-v5": DoublePole(),
    "Reacher-v5": Reach(),
}

"""MuJoCo environments: all trajectories in one call of `mujoco.rollout`, on all cores.

With the warm start that the environment's own next step would begin with, a rollout is that step
to the bit. It leaves positions and velocities; rewards, ends and observations follow from them
(`mujoco_tasks.py`).
"""

from __future__ import annotations

import os
from typing import Any

import mujoco
import numpy as np
from mujoco.rollout import Rollout

from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.models import Floats, Model, Policy, Rollouts
from tesuji.domains.robotics.mujoco_tasks import Task
from tesuji.domains.robotics.snapshots import integration_state

_FULL = mujoco.mjtState.mjSTATE_FULLPHYSICS


class MujocoModel(Model):
    """Trajectories of an environment whose action is MuJoCo's control.

    Args:
        domain: the environment.
        task: how rewards, ends and observations follow from positions and velocities.
        num_threads: that simulate; all cores where None.
    """

    def __init__(
        self, domain: EnvironmentDomain, task: Task, num_threads: int | None = None
    ) -> None:
        super().__init__(domain)
        env: Any = domain.env.unwrapped
        self._model, self._data, self._task = env.model, env.data, task
        self.num_substeps = int(env.frame_skip)
        self._nq, self._nv = self._model.nq, self._model.nv
        self.names = (*joint_names(self._model), *task.names)
        threads = num_threads or os.cpu_count() or 1
        self._rollout = Rollout(nthread=threads if threads > 1 else 0)
        self._scratch = [mujoco.MjData(self._model) for _ in range(threads)]
        self._at: Moment | None = None
        self._start: tuple[Floats, Floats, Floats] = (np.empty(0),) * 3

    def close(self) -> None:
        """End the threads."""
        self._rollout.close()

    def quantities(self, state: Moment) -> Floats:
        """Return the quantities of a state; those of a step as if nothing had moved."""
        moving = self._begin(state)[2]
        q, v = moving[: self._nq], moving[self._nq :]
        still = q[None, None, None], v[None, None, None]
        extra = self._task.quantities(self.domain.env.unwrapped, q, *still)
        return np.concatenate([q, v, extra[0, 0, 0]])

    def roll(self, state: Moment, actions: Floats) -> Rollouts:
        """Return what the actions lead to."""
        full, warmstart, before = self._begin(state)
        batch, horizon, size = actions.shape
        control = np.repeat(actions, self.num_substeps, axis=1)
        after, _ = self._rollout.rollout(
            self._model, self._scratch, full[None], control.reshape(batch, -1, size),
            initial_warmstart=warmstart[None], skip_checks=False,
        )  # fmt: skip
        after = after.reshape(batch, horizon, self.num_substeps, -1)
        q = after[..., 1 : 1 + self._nq]
        v = after[..., 1 + self._nq : 1 + self._nq + self._nv]
        env, start = self.domain.env.unwrapped, before[: self._nq]
        extra = self._task.quantities(env, start, q, v)
        rewards, over, observations = self._task.judge(env, start, q, v, actions)
        sound = (after[:, :, -1, 0] > after[:, :, 0, 0] - 1e-12) & np.isfinite(rewards)
        ended = np.logical_or.accumulate(over | ~sound, axis=1)
        before_end = np.concatenate([np.ones((batch, 1), np.bool_), ~ended[:, :-1]], axis=1)
        return Rollouts(
            np.concatenate([q, v, extra], axis=-1),
            np.where(before_end & sound, rewards, 0.0),
            ~ended,
            observations.astype(np.float32),
        )

    def follow(self, state: Moment, policy: Policy, noise: Floats) -> Floats:
        """Return what the policy does, all trajectories a step at a time."""
        full, _, before = self._begin(state)
        env = self.domain.env.unwrapped
        seen = np.repeat(state.observation[None], len(noise), axis=0)
        states = np.repeat(full[None], len(noise), axis=0)
        actions = np.zeros(noise.shape)
        for h in range(noise.shape[1]):
            mean, deviation = policy.propose(seen)
            actions[:, h] = np.clip(mean + deviation * noise[:, h], -1.0, 1.0)
            units = self.units(actions[:, h : h + 1])
            control = np.repeat(units, self.num_substeps, axis=1)
            after, _ = self._rollout.rollout(self._model, self._scratch, states, control)
            states = after[:, -1]
            q = after[:, None, :, 1 : 1 + self._nq]
            v = after[:, None, :, 1 + self._nq : 1 + self._nq + self._nv]
            seen = self._task.judge(env, before, q, v, units)[2][:, 0].astype(np.float32)
        return actions

    def _begin(self, state: Moment) -> tuple[Floats, Floats, Floats]:
        """Return full state, warm start, and positions with velocities; carry what is not moved."""
        if self._at is not state:
            self.domain.restore(state)
            model, data = self._model, self._data
            full = np.empty(mujoco.mj_stateSize(model, _FULL))
            mujoco.mj_getState(model, data, full, _FULL)
            whole = integration_state(model, data)
            for scratch in self._scratch:
                mujoco.mj_setState(model, scratch, whole, mujoco.mjtState.mjSTATE_INTEGRATION)
            moving = np.concatenate([data.qpos, data.qvel])
            self._start = full, data.qacc_warmstart.copy(), moving
            self._at = state
        return self._start


def joint_names(model: mujoco.MjModel) -> tuple[str, ...]:
    """Return names of all positions and velocities; those of parts of a joint are numbered."""
    positions: list[str] = []
    velocities: list[str] = []
    for i in range(model.njnt):
        joint = model.joint(i)
        name = joint.name or f"joint{i}"
        for names, count, suffix in (
            (positions, joint.qpos0.size, ""),
            (velocities, joint.damping.size, "_velocity"),
        ):
            parts = [""] if count == 1 else [f"_{part}" for part in range(count)]
            names += [f"{name}{part}{suffix}" for part in parts]
    return (*positions, *velocities)

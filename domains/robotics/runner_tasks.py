"""Gymnasium's walking robots: HalfCheetah, Hopper, Walker2d, Swimmer, Ant, Humanoid."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.tasks import Floats, Judgement, Passage, Reads, Task


class Runner(Task):
    """HalfCheetah, Hopper, Walker2d and Swimmer: forward, without much effort, without falling.

    Args:
        hidden: first positions that are not observed.
        clip: of velocities in observations.
    """

    names: tuple[str, ...] = ("x_velocity",)
    held = frozenset({"x_velocity", "y_velocity"})

    def __init__(self, hidden: int = 1, clip: float = np.inf) -> None:
        self._hidden, self._clip = hidden, clip

    def quantities(self, env: Any, passage: Passage) -> Floats:
        """Return the mean velocity of the step that a substep is part of."""
        velocity = self.velocity(env, passage)[..., : len(self.names)]
        return np.repeat(velocity[:, :, None], passage.q.shape[2], axis=2)

    def velocity(self, env: Any, passage: Passage) -> Floats:
        """Return the mean velocity of each step `[B, H, 1]`."""
        moved = passage.changes(passage.start[:, :1], passage.q[:, :, -1, :1])
        return np.asarray(moved / env.dt)

    def judge(self, env: Any, passage: Passage) -> Judgement:
        """Judge as the environments do."""
        q, v = passage.q[:, :, -1], passage.v[:, :, -1]
        rewards = env._forward_reward_weight * self.velocity(env, passage)[..., 0]
        over = np.zeros(rewards.shape, np.bool_)
        healthy = self.healthy(env, q, v)
        if healthy is not None:
            rewards = rewards + healthy * env._healthy_reward
            over = ~healthy & env._terminate_when_unhealthy
        rewards = rewards - self.costs(env, passage)
        seen = q[..., self._hidden :]
        if not env._exclude_current_positions_from_observation:
            seen = q
        velocities = v if self._clip == np.inf else np.clip(v, -self._clip, self._clip)
        return rewards, over, np.concatenate([seen, velocities, *self.more(env, passage)], axis=-1)

    def costs(self, env: Any, passage: Passage) -> Any:
        """Return what is taken off `[B, H]`."""
        return env._ctrl_cost_weight * np.square(passage.actions).sum(axis=-1)

    def more(self, env: Any, passage: Passage) -> list[Floats]:
        """Return what is observed besides."""
        del env, passage
        return []

    def healthy(self, env: Any, q: Floats, v: Floats) -> npt.NDArray[np.bool_] | None:
        """Return whether it has not fallen `[B, H]`; None where it cannot."""
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


class Ant(Runner):
    """Ant: as runners, with forces of contacts."""

    names: tuple[str, ...] = ("x_velocity", "y_velocity")
    forces = True

    def __init__(self) -> None:
        super().__init__(hidden=2)

    def reads(self, env: Any) -> Reads:
        """Read where the main body is, and the forces."""
        body = int(env.model.body(env._main_body).id)
        return {"position": ("xpos", body), "forces": ("cfrc_ext", None)}

    def velocity(self, env: Any, passage: Passage) -> Floats:
        """Return the mean velocity of each step `[B, H, 2]`."""
        before, after = passage.before["position"], passage.read["position"]
        return np.asarray(passage.changes(before[:, :2], after[..., :2]) / env.dt)

    def costs(self, env: Any, passage: Passage) -> Any:
        """Return those of controls and contacts."""
        forces = np.clip(passage.read["forces"], *env._contact_force_range)
        contact = env._contact_cost_weight * _sum_of_squares(forces)
        return super().costs(env, passage) + contact

    def more(self, env: Any, passage: Passage) -> list[Floats]:
        """Return the forces."""
        if not env._include_cfrc_ext_in_observation:
            return []
        return [_flat(np.clip(passage.read["forces"][:, :, 1:], *env._contact_force_range))]

    def healthy(self, env: Any, q: Floats, v: Floats) -> npt.NDArray[np.bool_] | None:
        """Return whether it is in the range of heights."""
        low, high = env._healthy_z_range
        finite = np.isfinite(q).all(axis=-1) & np.isfinite(v).all(axis=-1)
        return np.asarray(finite & (low <= q[..., 2]) & (q[..., 2] <= high), np.bool_)


class Humanoid(Runner):
    """Humanoid: as runners, by its centre of mass, with forces of contacts."""

    names: tuple[str, ...] = ("x_velocity", "y_velocity")
    forces = True

    def __init__(self) -> None:
        super().__init__(hidden=2)

    def reads(self, env: Any) -> Reads:
        """Read all that is observed."""
        arrays = {
            "centres": "xipos", "forces": "cfrc_ext", "inertias": "cinert", "speeds": "cvel",
            "efforts": "qfrc_actuator", "controls": "ctrl",
        }  # fmt: skip
        return {key: (name, None) for key, name in arrays.items()}

    def velocity(self, env: Any, passage: Passage) -> Floats:
        """Return the mean velocity of the centre of mass in each step `[B, H, 2]`."""
        before = _mass_centre(env, passage.before["centres"])
        after = _mass_centre(env, passage.read["centres"])
        return np.asarray(passage.changes(before, after) / env.dt)

    def costs(self, env: Any, passage: Passage) -> Any:
        """Return those of controls and contacts."""
        contact = np.clip(
            env._contact_cost_weight * _sum_of_squares(passage.read["forces"]),
            *env._contact_cost_range,
        )
        return env._ctrl_cost_weight * _sum_of_squares(passage.read["controls"]) + contact

    def more(self, env: Any, passage: Passage) -> list[Floats]:
        """Return what the environment was told to show."""
        read, shown = passage.read, []
        for key, option, first in (
            ("inertias", "cinert", 1), ("speeds", "cvel", 1), ("efforts", "qfrc_actuator", 6),
            ("forces", "cfrc_ext", 1),
        ):  # fmt: skip
            if getattr(env, f"_include_{option}_in_observation"):
                shown.append(_flat(read[key][:, :, first:]))
        return shown

    def healthy(self, env: Any, q: Floats, v: Floats) -> npt.NDArray[np.bool_] | None:
        """Return whether it is in the range of heights."""
        low, high = env._healthy_z_range
        return np.asarray((low < q[..., 2]) & (q[..., 2] < high), np.bool_)


class StandUp(Humanoid):
    """HumanoidStandup: up, however."""

    names = ()

    def judge(self, env: Any, passage: Passage) -> Judgement:
        """Judge as the environment does."""
        q, v, read = passage.q[:, :, -1], passage.v[:, :, -1], passage.read
        impact = np.clip(
            env._impact_cost_weight * _sum_of_squares(read["forces"]), *env._impact_cost_range
        )
        effort = env._ctrl_cost_weight * _sum_of_squares(read["controls"])
        rewards = (q[..., 2] - 0) / env.model.opt.timestep - effort - impact + 1
        hidden = self._hidden if env._exclude_current_positions_from_observation else 0
        seen = np.concatenate([q[..., hidden:], v, *self.more(env, passage)], axis=-1)
        return rewards, np.zeros(rewards.shape, np.bool_), seen

    def quantities(self, env: Any, passage: Passage) -> Floats:
        """Return none."""
        return Task.quantities(self, env, passage)


def _flat(array: Floats) -> Floats:
    return array.reshape(*array.shape[:2], -1)


def _sum_of_squares(array: Floats) -> Floats:
    return np.asarray(np.square(np.ascontiguousarray(_flat(array))).sum(axis=-1))


def _mass_centre(env: Any, centres: Floats) -> Floats:
    mass = env.model.body_mass
    return np.asarray((np.einsum("b,...bj->...j", mass, centres) / mass.sum())[..., :2])

"""Gymnasium's other MuJoCo environments: poles, Reacher, Pusher; and a table of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tesuji.domains.robotics.runner_tasks import Ant, Humanoid, Runner, StandUp
from tesuji.domains.robotics.tasks import Floats, Judgement, Passage, Reads, Task, length


class Pole(Task):
    """InvertedPendulum: do not fall."""

    def judge(self, env: Any, passage: Passage) -> Judgement:
        """Judge as the environment does."""
        seen = np.concatenate([passage.q[:, :, -1], passage.v[:, :, -1]], axis=-1)
        over = ~np.isfinite(seen).all(axis=-1) | (np.abs(seen[..., 1]) > 0.2)
        return (~over).astype(np.float64), over, seen


class DoublePole(Task):
    """InvertedDoublePendulum: the tip high, over the middle, and still."""

    names = ("tip_x", "tip_y")
    _LENGTH = 0.6  # of each pole, m

    def reads(self, env: Any) -> Reads:
        """Read the tip where MuJoCo last computed it, and the force of the rail's ends."""
        return {"tip": ("site_xpos", 0), "force": ("qfrc_constraint", None)}

    def quantities(self, env: Any, passage: Passage) -> Floats:
        """Return where the tip is."""
        q = passage.q
        first, second = q[..., 1], q[..., 1] + q[..., 2]
        x = q[..., 0] + self._LENGTH * (np.sin(first) + np.sin(second))
        y = self._LENGTH * (np.cos(first) + np.cos(second))
        return np.stack([x, y], axis=-1)

    def bends(self, before: Floats, after: Floats) -> Mapping[str, Floats]:
        """Return the bound of two links that turn."""
        off = _turning(after - before, 1, (self._LENGTH, self._LENGTH))
        return dict.fromkeys(self.names, off)

    def judge(self, env: Any, passage: Passage) -> Judgement:
        """Judge as the environment does."""
        q, v, read = passage.q[:, :, -1], passage.v[:, :, -1], passage.read
        x, y = read["tip"][..., 0], read["tip"][..., 2]
        over = y <= 1
        away = 0.01 * x**2 + (y - 2) ** 2
        fast = 1e-3 * v[..., 1] ** 2 + 5e-3 * v[..., 2] ** 2
        rewards = env._healthy_reward * ~over - away - fast
        angles = q[..., 1:]
        force = np.clip(read["force"], -10, 10)[..., :1]
        parts = [q[..., :1], np.sin(angles), np.cos(angles), np.clip(v, -10, 10), force]
        return rewards, over, np.concatenate(parts, axis=-1)


class Reach(Task):
    """Reacher: the fingertip to the target."""

    names = ("fingertip_x", "fingertip_y")
    _LINKS = (0.1, 0.11)  # m

    def reads(self, env: Any) -> Reads:
        """Read both where MuJoCo last computed them."""
        return _bodies(env, "fingertip", "target")

    def quantities(self, env: Any, passage: Passage) -> Floats:
        """Return where the fingertip is."""
        q, (near, far) = passage.q, self._LINKS
        first, second = q[..., 0], q[..., 0] + q[..., 1]
        x = near * np.cos(first) + far * np.cos(second)
        y = near * np.sin(first) + far * np.sin(second)
        return np.stack([x, y], axis=-1)

    def bends(self, before: Floats, after: Floats) -> Mapping[str, Floats]:
        """Return the bound of two links that turn."""
        return dict.fromkeys(self.names, _turning(after - before, 0, self._LINKS))

    def judge(self, env: Any, passage: Passage) -> Judgement:
        """Judge as the environment does."""
        q, v = passage.q[:, :, -1], passage.v[:, :, -1]
        gap = passage.read["fingertip"] - passage.read["target"]
        rewards = -length(gap) * env._reward_dist_weight
        rewards = rewards + -np.square(passage.actions).sum(axis=-1) * env._reward_control_weight
        angles = q[..., :2]
        parts = [np.cos(angles), np.sin(angles), q[..., 2:], v[..., :2], gap[..., :2]]
        over = np.zeros(rewards.shape, np.bool_)
        return rewards, over, np.concatenate(parts, axis=-1)


class Push(Task):
    """Pusher: the arm to the object, the object to the goal."""

    def reads(self, env: Any) -> Reads:
        """Read all three where MuJoCo last computed them."""
        return _bodies(env, "tips_arm", "object", "goal")

    def judge(self, env: Any, passage: Passage) -> Judgement:
        """Judge as the environment does."""
        arm, thing, goal = (passage.read[key] for key in ("tips_arm", "object", "goal"))
        near = -length(thing - arm) * env._reward_near_weight
        far = -length(thing - goal) * env._reward_dist_weight
        effort = -np.square(passage.actions).sum(axis=-1) * env._reward_control_weight
        rewards = far + effort + near
        moving = [passage.q[:, :, -1, :7], passage.v[:, :, -1, :7]]
        seen = np.concatenate([*moving, arm, thing, goal], axis=-1)
        return rewards, np.zeros(rewards.shape, np.bool_), seen


def _turning(moved: Floats, joint: int, links: tuple[float, float]) -> Floats:
    # The tip of a link of length L that turns by a, evenly, is within L * a**2 / 8 of the line: its
    # second derivative is at most L * a**2. The second link turns by the sum.
    near, far = moved[..., joint], moved[..., joint] + moved[..., joint + 1]
    return np.asarray((links[0] * near**2 + links[1] * far**2) / 8)


def _bodies(env: Any, *names: str) -> Reads:
    return {name: ("xpos", int(env.model.body(name).id)) for name in names}


TASKS: Mapping[str, Task] = {
    "HalfCheetah-v5": Runner(),
    "Hopper-v5": Runner(clip=10.0),
    "Walker2d-v5": Runner(clip=10.0),
    "Swimmer-v5": Runner(hidden=2),
    "Ant-v5": Ant(),
    "Humanoid-v5": Humanoid(),
    "HumanoidStandup-v5": StandUp(),
    "InvertedPendulum-v5": Pole(),
    "InvertedDoublePendulum-v5": DoublePole(),
    "Reacher-v5": Reach(),
    "Pusher-v5": Push(),
}

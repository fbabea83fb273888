"""Gymnasium-Robotics' Fetch and PointMaze: what of them is not physics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tesuji.domains.robotics.mujoco_calls import GRIPPER, POINT
from tesuji.domains.robotics.tasks import (
    Floats,
    Ints,
    Judgement,
    Passage,
    Reads,
    Task,
    length,
)

_LEVEL = 4 * np.finfo(np.float64).eps  # below which a rotation has no heading of its own


class Fetch(Task):
    """FetchReach, FetchPush, FetchSlide, FetchPickAndPlace and ours: a gripper, perhaps objects."""

    kind = GRIPPER

    def __init__(self, num_objects: int) -> None:
        objects = ("object",) if num_objects == 1 else ("object0", "object1")[:num_objects]
        self._seen = ("grip", *objects)
        self.names = tuple(f"{name}_{axis}" for name in self._seen for axis in "xyz")

    def num_substeps(self, env: Any) -> int:
        """Return the steps of MuJoCo in a step."""
        return int(env.n_substeps)

    def reads(self, env: Any) -> Reads:
        """Read gripper and object where MuJoCo last computed them."""
        reads: dict[str, tuple[str, int | None]] = {}
        for name, site in zip(self._seen, self.sites(env), strict=True):
            reads[name] = "site_xpos", site
            reads[f"{name}_turn"] = "site_xmat", site
        return reads

    def sites(self, env: Any) -> list[int]:
        """Return gripper and objects."""
        names = ("robot0:grip", "object0", "object1")[: len(self._seen)]
        return [int(env.model.site(name).id) for name in names]

    def places(self, env: Any, of: Callable[..., Ints]) -> Ints:
        """Return where the mocap body lies, the body welded to it, and what controls move from."""
        model = env.model
        [weld] = [i for i in range(model.neq) if model.body_mocapid[model.eq_obj1id[i]] >= 0]
        mocap, body = int(model.body_mocapid[model.eq_obj1id[weld]]), int(model.eq_obj2id[weld])
        pairs = (("mocap_pos", mocap), ("mocap_quat", mocap), ("xpos", body), ("xquat", body))
        relative = [
            -1
            if model.actuator_biastype[i] == 0
            else int(of("qpos")[model.jnt_qposadr[model.actuator_trnid[i, 0]]])
            for i in range(model.nu)
        ]
        return np.array([*(of(name, row)[0] for name, row in pairs), *relative], np.int64)

    def fingers(self, env: Any, of: Callable[..., Ints]) -> Ints:
        """Return the fingers of a gripper that is held shut."""
        return of("qpos")[self._finger_joints(env)] if env.block_gripper else of("qpos")[:0]

    def quantities(self, env: Any, passage: Passage) -> Floats:
        """Return where gripper and object are after the step that a substep is part of."""
        places = np.concatenate([passage.read[name] for name in self._seen], axis=-1)
        return np.repeat(places[:, :, None], passage.q.shape[2], axis=2)

    def judge(self, env: Any, passage: Passage) -> Judgement:
        """Judge as the environment does."""
        places = [passage.read[name] for name in self._seen[1:] or self._seen]
        achieved = np.concatenate(places, axis=-1)
        gaps = (achieved - env.goal).reshape(*achieved.shape[:-1], len(places), 3)
        away = length(gaps).max(axis=-1)
        rewards = -away
        if env.reward_type == "sparse":
            rewards = -(away > env.distance_threshold).astype(np.float64)
        over = np.full(rewards.shape, len(places) > 1) & (away <= env.distance_threshold)
        seen = {
            "observation": self._observe(env, passage),
            "achieved_goal": achieved,
            "desired_goal": np.broadcast_to(env.goal, achieved.shape),
        }
        parts = [seen[key] for key in env.observation_space.spaces]
        return rewards, over, np.concatenate(parts, axis=-1)

    def _observe(self, env: Any, passage: Passage) -> Floats:
        read, fingers = passage.read, self._finger_joints(env)
        speeds = read["site_velocities"] * env.dt
        grip, speed = read["grip"], speeds[:, :, 0, :3]
        parts = [grip]
        turns = []
        if len(self._seen) > 1:
            thing = read[self._seen[1]]
            parts += [thing, thing - grip]
            turns = [_euler(read[f"{self._seen[1]}_turn"].reshape(*grip.shape[:2], 3, 3))]
            turns += [speeds[:, :, 1, :3] - speed, speeds[:, :, 1, 3:]]
        parts += [passage.q[:, :, -1, fingers], *turns, speed]
        speed_places = [int(env.model.jnt_dofadr[i]) for i in self._joints(env)]
        parts.append(passage.v[:, :, -1, speed_places] * env.dt)
        for name in self._seen[2:]:
            parts += [read[name], read[name] - grip]
        return np.concatenate(parts, axis=-1)

    def _joints(self, env: Any) -> list[int]:
        return [
            int(env.model.joint(f"robot0:{side}_gripper_finger_joint").id) for side in ("r", "l")
        ]

    def _finger_joints(self, env: Any) -> list[int]:
        return [int(env.model.jnt_qposadr[i]) for i in self._joints(env)]


class Maze(Task):
    """PointMaze: a ball to a goal, its speed held below a limit."""

    kind = POINT

    def num_substeps(self, env: Any) -> int:
        """Return the steps of MuJoCo in a step."""
        return int(env.point_env.frame_skip)

    def judge(self, env: Any, passage: Passage) -> Judgement:
        """Judge as the environment does."""
        q, v = passage.q[:, :, -1], passage.v[:, :, -1]
        away = np.linalg.norm(q - env.goal, axis=-1)
        arrived = away <= 0.45
        rewards = np.exp(-away) if env.reward_type == "dense" else arrived.astype(np.float64)
        over = arrived & (not env.continuing_task)
        seen = {
            "observation": np.concatenate([q, v], axis=-1),
            "achieved_goal": q,
            "desired_goal": np.broadcast_to(env.goal, q.shape),
        }
        parts = [seen[key] for key in env.observation_space.spaces]
        return rewards, over, np.concatenate(parts, axis=-1)


def _euler(turn: Floats) -> Floats:
    """Return the Euler angles `[..., 3]` of rotations `[..., 3, 3]`, as Gymnasium-Robotics does."""
    flat = np.sqrt(turn[..., 2, 2] ** 2 + turn[..., 1, 2] ** 2)
    level = flat > _LEVEL
    yaw = np.where(
        level,
        -np.arctan2(turn[..., 0, 1], turn[..., 0, 0]),
        -np.arctan2(-turn[..., 1, 0], turn[..., 1, 1]),
    )
    pitch = -np.arctan2(-turn[..., 0, 2], flat)
    roll = np.where(level, -np.arctan2(turn[..., 1, 2], turn[..., 2, 2]), 0.0)
    return np.stack([roll, pitch, yaw], axis=-1)


# By the class of the environment: ids are many, with versions and kinds of rewards.
ROBOTS: Mapping[str, Task] = {
    "MujocoFetchReachEnv": Fetch(num_objects=0),
    "MujocoFetchPushEnv": Fetch(num_objects=1),
    "MujocoFetchSlideEnv": Fetch(num_objects=1),
    "MujocoFetchPickAndPlaceEnv": Fetch(num_objects=1),
    "FetchTwoBlocksEnv": Fetch(num_objects=2),
    "PointMazeEnv": Maze(),
}

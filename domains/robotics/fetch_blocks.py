"""Fetch with two blocks, which are to change places: `tesuji/FetchTwoBlocks-v0`.

The robot, the table and the actions are those of Gymnasium-Robotics' FetchPickAndPlace. A block can
only be put where no other lies, so that one of them has to be put elsewhere first.
"""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import numpy.typing as npt
from gymnasium_robotics.envs.fetch.pick_and_place import MujocoFetchPickAndPlaceEnv

BLOCKS = ("object0", "object1")
_HALF = 0.025  # m, of a block's edge
_APART = 0.13  # m that blocks are apart at first, at least
_THRESHOLD = 0.03  # m from where it shall be


class FetchTwoBlocksEnv(MujocoFetchPickAndPlaceEnv):  # type: ignore[misc]
    """Two blocks on a table; each is to come to where the other was.

    Goals are the places of both blocks, one after the other. Rewards are -1 until both blocks are
    within 3 cm of theirs, which ends the episode; `dense` ones the distance of the one that is
    further away. Observations are those of FetchPickAndPlace, then the second block's place, and
    that as seen from the gripper.

    Args:
        reward_type: `sparse` or `dense`.
        **options: `render_mode`, `width`, `height`.
    """

    initial_qpos: Any  # by joint, and as an array once the simulation has begun

    def __init__(self, reward_type: str = "sparse", **options: Any) -> None:
        super().__init__(reward_type=reward_type, **options)
        self.distance_threshold = _THRESHOLD

    def _initialize_simulation(self) -> None:
        spec = mujoco.MjSpec.from_file(self.fullpath)
        body = spec.worldbody.add_body(name=BLOCKS[1], pos=[0.025, 0.025, 0.025])
        body.add_joint(name=f"{BLOCKS[1]}:joint", type=mujoco.mjtJoint.mjJNT_FREE, damping=0.01)
        body.add_geom(
            name=BLOCKS[1], type=mujoco.mjtGeom.mjGEOM_BOX, size=[_HALF] * 3, condim=3, mass=2,
            rgba=[0.8, 0.5, 0.1, 1.0],
        )  # fmt: skip
        body.add_site(name=BLOCKS[1], size=[0.02] * 3, rgba=[0.8, 0.5, 0.1, 1.0])
        spec.worldbody.add_site(name="target1", size=[0.02] * 3, rgba=[0.8, 0.5, 0.1, 1.0])
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        self._model_names = self._utils.MujocoModelNames(self.model)
        self.model.vis.global_.offwidth = self.width
        self.model.vis.global_.offheight = self.height
        places = {f"{BLOCKS[1]}:joint": [1.25, 0.9, 0.4, 1.0, 0.0, 0.0, 0.0]}
        self._env_setup(initial_qpos=self.initial_qpos | places)
        self.initial_time = self.data.time
        self.initial_qpos = np.copy(self.data.qpos)
        self.initial_qvel = np.copy(self.data.qvel)

    def _reset_sim(self) -> bool:
        super()._reset_sim()
        middle = self.initial_gripper_xpos[:2]
        while True:
            places = middle + self.np_random.uniform(-self.obj_range, self.obj_range, (2, 2))
            clear = np.linalg.norm(places - middle, axis=1).min() >= 0.1
            if clear and np.linalg.norm(places[0] - places[1]) >= _APART:
                break
        for name, place in zip(BLOCKS, places, strict=True):
            self.data.joint(f"{name}:joint").qpos[:3] = *place, self.height_offset
        mujoco.mj_forward(self.model, self.data)
        return True

    def _sample_goal(self) -> npt.NDArray[np.float64]:
        places = [self.data.site(name).xpos for name in BLOCKS]
        return np.concatenate(places[::-1])

    def _get_obs(self) -> dict[str, npt.NDArray[np.float64]]:
        seen: dict[str, npt.NDArray[np.float64]] = super()._get_obs()
        first, second = (self.data.site(name).xpos for name in BLOCKS)
        grip = self.data.site("robot0:grip").xpos
        seen["observation"] = np.concatenate([seen["observation"], second, second - grip])
        seen["achieved_goal"] = np.concatenate([first, second])
        return seen

    def _render_callback(self) -> None:
        # Without a step of the simulation, which would change what comes next.
        for i, place in enumerate(self.goal.reshape(2, 3)):
            self.data.site(f"target{i}").xpos[:] = place

    def compute_reward(self, achieved_goal: Any, goal: Any, info: Any) -> Any:
        """Return the reward of achieved goals `[..., 6]`."""
        away = _away(achieved_goal, goal)
        if self.reward_type == "sparse":
            return -(away > self.distance_threshold).astype(np.float32)
        return -away

    def compute_terminated(self, achieved_goal: Any, desired_goal: Any, info: Any) -> bool:
        """Return whether both blocks are where they shall be."""
        return bool(_away(achieved_goal, desired_goal) <= self.distance_threshold)

    def _is_success(self, achieved_goal: Any, desired_goal: Any) -> Any:
        return np.float32(_away(achieved_goal, desired_goal) <= self.distance_threshold)


def _away(achieved: Any, goal: Any) -> Any:
    """Return how far the block is that is further away."""
    gaps = np.asarray(achieved - goal).reshape(*np.shape(goal)[:-1], 2, 3)
    return np.sqrt(np.einsum("...i,...i->...", gaps, gaps)).max(axis=-1)

"""MuJoCo environments: many trajectories in one compiled loop, on all cores, to the bit.

A trajectory starts from a snapshot's memory, with the warm start in it that the environment's own
next step would begin with; rewards, ends and observations follow from what it leaves
(`mujoco_tasks.py`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mujoco
import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.models import Branches, Floats, Model, Rollouts
from tesuji.domains.robotics.mujoco_calls import (
    Loop,
    Passed,
    addresses,
    roll_part,
    simulation,
)
from tesuji.domains.robotics.mujoco_tasks import TASKS
from tesuji.domains.robotics.robot_tasks import ROBOTS
from tesuji.domains.robotics.tasks import Passage, Task

_LEAST_PART = 64  # steps that are worth another thread


class MujocoModel(Model):
    """Trajectories of a MuJoCo environment.

    Args:
        domain: the environment.
        task: how rewards, ends and observations follow from what MuJoCo computes.
        num_threads: that simulate; all cores where None.
    """

    def __init__(
        self, domain: EnvironmentDomain, task: Task, num_threads: int | None = None
    ) -> None:
        super().__init__(domain)
        env: Any = domain.env.unwrapped
        self._env, self._model = env, env.model
        self._task = task
        self.num_substeps = task.num_substeps(self._env)
        self._nq, self._nv = int(self._model.nq), int(self._model.nv)
        self.names = (*joint_names(self._model), *task.names)
        self.held = task.held
        threads = num_threads or os.cpu_count() or 1
        self._workers = [simulation(self._model) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._calls = addresses()
        self._cells = _Cells(self._workers[0].data)
        self._layout: dict[str, tuple[slice, tuple[int, ...]]] = {}
        self._loop = self._make_loop()
        if self._nq == self._nv:  # no quaternions
            self.coordinates = self._loop.positions
        self._at: Moment | None = None
        self._start: Floats = np.empty((0, 0))

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def quantities(self, state: Moment) -> Floats:
        """Return the quantities of a state; those of a step as if nothing had moved."""
        start = self.begin(state)
        passage = self._passage(start, _still(start, self._loop), np.zeros((1, 1, self.low.size)))
        extra = self._task.quantities(self._env, passage)[0, 0, 0]
        return np.concatenate([passage.q[0, 0, 0], passage.v[0, 0, 0], extra])

    def bends(self, start: Floats, quantities: Floats) -> Mapping[str, Floats]:
        """Return how far the task's quantities may leave a line while positions move in one."""
        after = quantities[..., : self._nq]
        flat = after.reshape(len(after), -1, self._nq)
        first = start[..., : self._nq].reshape(-1, 1, self._nq)
        first = np.broadcast_to(first, (len(after), 1, self._nq))
        before = np.concatenate([first, flat[:, :-1]], axis=1).reshape(after.shape)
        return self._task.bends(before, after)

    def begin(self, state: Moment) -> Floats:
        """Return the simulation's memory, and its time `[1, N + 1]`."""
        if self._at is not state:
            self.domain.restore(state)
            snapshots = self.domain.snapshots
            block, time = snapshots.blocks[0].view(np.float64), snapshots.data[0].time
            self._start = np.append(block, time)[None]
            self._at = state
        return self._start

    def roll(self, state: Moment, actions: Floats) -> Rollouts:
        """Return what the actions lead to."""
        start = self.begin(state)
        rows = np.zeros(len(actions), np.int64)
        return self._judge(start, self._simulate(start, rows, actions, 0), actions)

    def branch(self, starts: Any, actions: Floats) -> Branches:
        """Return what the actions lead to; starts are used in turn."""
        rows = np.arange(len(actions)) % len(starts)
        passed = self._simulate(starts, rows, actions, len(starts))
        return Branches(passed.after, self._judge(starts[rows], passed, actions))

    def _make_loop(self) -> Loop:
        env, cells = self._env, self._cells
        read: list[npt.NDArray[np.int64]] = []
        place = 0
        for key, (name, row) in self._task.reads(env).items():
            found = cells.of(name, row)
            self._layout[key] = slice(place, place + found.size), found.shape
            read.append(found.ravel())
            place += found.size
        sites = self._task.sites(env)
        self._layout["site_velocities"] = slice(place, place + 6 * len(sites)), (len(sites), 6)
        moving = np.concatenate([cells.of("qpos"), cells.of("qvel")])
        return Loop(
            kind=self._task.kind,
            num_substeps=self.num_substeps,
            timestep=float(self._model.opt.timestep),
            forces=self._task.forces,
            control=int(cells.of("ctrl")[0]) if self._model.nu else 0,
            positions=moving,
            read=np.concatenate([*read, np.zeros(0, np.int64)]),
            places=self._task.places(env, cells.of),
            fingers=self._task.fingers(env, cells.of),
            velocity=(int(cells.of("qvel")[0]), self._nv),
            sites=np.array(sites, np.int64),
        )

    def _simulate(
        self, starts: Floats, rows: npt.NDArray[np.int64], actions: Floats, kept: int
    ) -> Passed:
        batch, horizon, _ = actions.shape
        loop = self._loop
        width = len(loop.read) + 6 * len(loop.sites)
        passed = Passed(
            np.zeros((batch, horizon, loop.num_substeps, len(loop.positions))),
            np.zeros((batch, horizon, width)),
            np.zeros((batch, horizon), np.bool_),
            np.zeros((kept, starts.shape[1])),
        )
        parts = max(1, min(len(self._workers), batch, batch * horizon // _LEAST_PART))
        edges = [batch * i // parts for i in range(parts + 1)]

        def work(i: int) -> None:
            part = slice(edges[i], edges[i + 1])
            out = Passed(
                passed.moving[part], passed.read[part], passed.sound[part],
                passed.after[part],
            )  # fmt: skip
            roll_part(self._calls, self._workers[i], starts, rows[part], actions[part], loop, out)

        if parts == 1 or self._pool is None:
            work(0)
        else:
            list(self._pool.map(work, range(parts)))
        return passed

    def _passage(self, starts: Floats, passed: Passed, actions: Floats) -> Passage:
        moving, layout = passed.moving, self._layout
        cells = starts[:, self._loop.read]
        before = {
            key: cells[:, part].reshape(-1, *shape)
            for key, (part, shape) in layout.items()
            if key != "site_velocities"
        }
        read = {
            key: passed.read[..., part].reshape(*passed.read.shape[:2], *shape)
            for key, (part, shape) in layout.items()
        }
        start = starts[:, self._loop.positions[: self._nq]]
        return Passage(
            moving[..., : self._nq], moving[..., self._nq :], actions.astype(np.float32),
            start, before, read,
        )  # fmt: skip

    def _judge(self, starts: Floats, passed: Passed, actions: Floats) -> Rollouts:
        passage = self._passage(starts, passed, actions)
        with np.errstate(all="ignore"):  # beyond a broken step there are no numbers
            extra = self._task.quantities(self._env, passage)
            rewards, over, observations = self._task.judge(self._env, passage)
        sound = passed.sound & np.isfinite(rewards)
        ended = np.logical_or.accumulate(over | ~sound, axis=1)
        first = np.ones((len(ended), 1), np.bool_)
        before_end = np.concatenate([first, ~ended[:, :-1]], axis=1)
        return Rollouts(
            np.concatenate([passed.moving, extra], axis=-1),
            np.where(before_end & sound, rewards, 0.0),
            ~ended,
            observations.astype(np.float32),
        ).resting()


def find_task(domain: EnvironmentDomain) -> Task | None:
    """Return what is not physics of an environment; None where that is not known here."""
    env: Any = domain.env.unwrapped
    if domain.spec.name in TASKS:
        return TASKS[domain.spec.name]
    moves_goals = getattr(env, "continuing_task", False) and getattr(env, "reset_target", False)
    ours = type(env).__module__.startswith(("gymnasium_robotics.", "tesuji.domains.robotics."))
    if moves_goals or not ours:
        return None
    return ROBOTS.get(type(env).__name__)


class _Cells:
    """Where the arrays of MuJoCo's data lie in its block of memory, in cells of 64 bits."""

    def __init__(self, data: Any) -> None:
        self._data, self._first = data, data.qpos.ctypes.data

    def of(self, name: str, row: int | None = None) -> npt.NDArray[np.int64]:
        """Return the cells of an array, or of one of its rows, in its shape."""
        array = getattr(self._data, name)
        array = array if row is None else array[row]
        first = (array.ctypes.data - self._first) // 8
        return np.arange(first, first + array.size, dtype=np.int64).reshape(array.shape)


def _still(start: Floats, loop: Loop) -> Passed:
    """Return a trajectory of a step in which nothing moves."""
    read = np.concatenate([start[:, loop.read], np.zeros((1, 6 * len(loop.sites)))], axis=1)
    moving = start[:, loop.positions]
    return Passed(moving[:, None, None], read[:, None], np.ones((1, 1), np.bool_), np.zeros((0, 0)))


def joint_names(model: mujoco.MjModel) -> tuple[str, ...]:
    """Return names of all positions and velocities; those of parts of a joint are numbered."""
    positions: list[str] = []
    velocities: list[str] = []
    for i in range(model.njnt):
        joint = model.joint(i)
        name = re.sub(r"\W", "_", joint.name or f"joint{i}")  # as constraints can write it
        for names, count, suffix in (
            (positions, joint.qpos0.size, ""),
            (velocities, joint.damping.size, "_velocity"),
        ):
            parts = [""] if count == 1 else [f"_{part}" for part in range(count)]
            names += [f"{name}{part}{suffix}" for part in parts]
    return (*positions, *velocities)

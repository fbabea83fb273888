"""What of a MuJoCo environment is not physics, for many trajectories at once.

Rewards, ends and observations follow from what MuJoCo computes in a step, as the environments
compute them after it, in the same order and to the same bits of rounding. Constants are read from
the environment, so that options that it was made with count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.robotics.mujoco_calls import PLAIN

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Judgement = tuple[Any, npt.NDArray[np.bool_], Floats]  # rewards, ends, observations
Reads = Mapping[str, tuple[str, int | None]]  # key -> array of MuJoCo's data, and its row


class Passage(NamedTuple):
    """What is known of trajectories.

    Attributes:
        q: positions after each substep `[B, H, K, nq]`.
        v: velocities after each substep `[B, H, K, nv]`.
        actions: as the environment takes them `[B, H, D]`.
        start: positions before the first step `[S, nq]`; one for all, or one for each.
        before: what is read, before the first step, by key `[S, ...]`.
        read: what is read after each step, by key `[B, H, ...]`.
    """

    q: Floats
    v: Floats
    actions: npt.NDArray[np.float32]
    start: Floats
    before: Mapping[str, Floats]
    read: Mapping[str, Floats]

    def changes(self, before: Floats, after: Floats) -> Floats:
        """Return how a number changes in each step `[B, H, ...]`."""
        changes = np.empty_like(after)
        np.subtract(after[:, 0], before, out=changes[:, 0])
        np.subtract(after[:, 1:], after[:, :-1], out=changes[:, 1:])
        return changes


class Task:
    """What of an environment is not physics.

    Attributes:
        names: of quantities besides positions and velocities.
        held: those of them that stay the same within a step.
        forces: whether forces of contacts are read.
        kind: what the environment does besides, see `mujoco_calls`.
    """

    names: tuple[str, ...] = ()
    held: frozenset[str] = frozenset()
    forces = False
    kind = PLAIN

    def num_substeps(self, env: Any) -> int:
        """Return the steps of MuJoCo in a step."""
        return int(env.frame_skip)

    def reads(self, env: Any) -> Reads:
        """Return what is read after a step, and named in `Passage.read`."""
        del env
        return {}

    def sites(self, env: Any) -> list[int]:
        """Return the sites whose velocities are read: `site_velocities [B, H, X, 6]`."""
        del env
        return []

    def places(self, env: Any, of: Callable[..., Ints]) -> Ints:
        """Return the cells that the environment moves things between; see `mujoco_calls`."""
        del env, of
        return np.zeros(0, np.int64)

    def fingers(self, env: Any, of: Callable[..., Ints]) -> Ints:
        """Return the cells that the environment holds at 0."""
        del env, of
        return np.zeros(0, np.int64)

    def quantities(self, env: Any, passage: Passage) -> Floats:
        """Return the named quantities `[B, H, K, X]`."""
        del env
        return np.zeros((*passage.q.shape[:3], 0))

    def bends(self, before: Floats, after: Floats) -> Mapping[str, Floats]:
        """Return how far named quantities may leave a line `[B, H, K]`, by name.

        Args:
            before: positions before each substep `[B, H, K, nq]`.
            after: positions after it; they move in a line.
        """
        del before, after
        return {}

    def judge(self, env: Any, passage: Passage) -> Judgement:
        """Return rewards `[B, H]`, ends `[B, H]` and observations `[B, H, F]`."""
        raise NotImplementedError


def length(vectors: Floats) -> Floats:
    """Return the lengths of vectors in the last axis, as `np.linalg.norm` of each rounds."""
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", vectors, vectors)))

"""The memory of a proof search: the line it is on, and what it is told."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.compiled import CompiledDomain

MAX_LEVELS = 1 << 12
MAX_CHILDREN = 1 << 20

level_dtype = np.dtype(
    [
        ("key", np.uint64),
        ("proof_limit", np.int64),
        ("disproof_limit", np.int64),
        ("begun", np.int64),  # positions opened before this one
        ("first", np.int64),  # of its children in the pool
        ("count", np.int64),
        ("chosen", np.int64),
        ("prover", np.int64),  # 1 where the prover moves
        ("opened", np.int64),
    ],
    align=True,
)
child_dtype = np.dtype(
    [
        ("key", np.uint64),  # 0 for an end and for a repetition
        ("proof", np.int32),
        ("disproof", np.int32),
        ("action", np.int32),
        ("cost", np.int32),  # what the policy adds to the number that its side minimises
        ("prover", np.int32),
    ],
    align=True,
)
control_dtype = np.dtype(
    [
        ("level", np.int64),
        ("nodes", np.int64),  # positions opened
        ("cycles", np.int64),
        ("ready", np.int64),  # costs of the top level have come
        ("deepest", np.int64),
        ("ply", np.int64),  # how far the root lies below the position asked about
    ],
    align=True,
)
parameters_dtype = np.dtype(
    [
        ("salt", np.uint64),  # tells questions apart in the table
        ("strict", np.int64),  # 1: the prover must win; 0: a draw will do
        ("summed", np.int64),  # 1: add numbers as Allis did
        ("policy_plies", np.int64),
        ("symmetric_plies", np.int64),
        ("num_symmetries", np.int64),
        ("epsilon", np.float64),
    ],
    align=True,
)


class Frames(NamedTuple):
    """The line that the search is on: a level a position, children side by side in a pool."""

    states: npt.NDArray[np.uint8]  # [D + 2, S], the last two for work
    levels: npt.NDArray[Any]  # [D] level_dtype
    children: npt.NDArray[Any]  # [P] child_dtype
    legal: npt.NDArray[np.bool_]  # [2, A]
    costs: npt.NDArray[np.int32]  # [A] what the policy says of the top level


def allocate_frames(domain: CompiledDomain) -> Frames:
    """Return room for one line of play and the children beside it."""
    levels = min(domain.spec.max_steps + 1, MAX_LEVELS)
    num_actions = domain.spec.num_actions
    return Frames(
        np.zeros((levels + 2, domain.row_size), np.uint8),
        np.zeros(levels, level_dtype).view(np.recarray),
        np.zeros(min(levels * num_actions, MAX_CHILDREN), child_dtype).view(np.recarray),
        np.zeros((2, num_actions), np.bool_),
        np.zeros(num_actions, np.int32),
    )

"""The arrays that a guided search steps on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import Small
from tesuji.domains.logistics.pddl.object_graph import Hashes


class Nodes(NamedTuple):
    """States that were expanded."""

    state: npt.NDArray[Any]  # [N, V]
    parent: npt.NDArray[np.int32]  # [N]
    operator: npt.NDArray[np.int32]  # [N]
    depth: npt.NDArray[np.int32]  # [N]
    cost: npt.NDArray[np.int64]  # [N]
    chance: npt.NDArray[np.float64]  # [N] logarithm of the probability of the way here


class Queue(NamedTuple):
    """Successors that wait: a heap of keys, and what each stands for."""

    key: npt.NDArray[np.int64]  # [Q] priority, then the newest first
    parent: npt.NDArray[np.int32]  # [Q] by entry
    operator: npt.NDArray[np.int32]
    chance: npt.NDArray[np.float64]


class Room(NamedTuple):
    """Scratch room of one search."""

    state: npt.NDArray[Any]  # [V] of which the colours are
    child: npt.NDArray[Any]  # [V] a successor
    applicable: Small
    stack: Small
    variable: Small  # [V] variables that an operator changes
    fact: Small  # [V] their new facts
    atom: Small  # [2 V] atoms that it changes
    truth: npt.NDArray[np.uint8]  # [2 V]
    value: npt.NDArray[np.int64]  # of each successor
    entry: Small  # which operator each is by
    preferred: Small


class Search(NamedTuple):
    """All that a search steps on."""

    steps: Any  # `Steps`
    colours: Any  # `Colours`
    relaxation: Any  # `Relaxation`, used by PHS alone
    cost: npt.NDArray[np.int64]  # [n]
    order: int
    counts: npt.NDArray[np.int64]
    seen: Hashes  # hashes of states that were generated, 0 where empty

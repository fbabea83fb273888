"""Ground instances of schemas, as tables of codes of atoms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.relations import IntArray
from tesuji.domains.logistics.pddl.schemas import Schema


@dataclass(frozen=True)
class Block:
    """The ground instances of one schema: codes of atoms, a row an instance.

    Attributes:
        schema: the schema.
        rows: the objects of the parameters `[n, P]`.
        true: codes of what must hold `[n, k]`.
        false: codes of what must not hold `[n, m]`.
        effects: what happens.
        cost: of each instance `[n]`.
    """

    schema: Schema
    rows: IntArray
    true: npt.NDArray[np.int64]
    false: npt.NDArray[np.int64]
    effects: tuple[BlockEffect, ...]
    cost: npt.NDArray[np.float64]


@dataclass(frozen=True)
class BlockEffect:
    """One change of a block's instances, for those whose static conditions hold."""

    instances: npt.NDArray[np.int64]  # [r]
    atom: npt.NDArray[np.int64]  # [r]
    adds: bool
    true: npt.NDArray[np.int64]  # [r, k]
    false: npt.NDArray[np.int64]  # [r, m]

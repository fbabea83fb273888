"""Atoms that a condition wants false: each gets a twin that is true where it is not.

An action that deletes and adds the same atom leaves it true. So what follows from the text's
deletions, for atoms and twins alike, happens first, and then what follows from its additions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.ragged import BoolArray, Numbers64, Ragged, is_in

NUMERIC_FACT, CHANGE = 1, 2  # what is no atom, though grounding takes it for one


class Effects(NamedTuple):
    """Changes of atoms, sorted by operator."""

    operator: Numbers64  # [m]
    atom: Numbers64  # [m]
    adds: BoolArray  # [m]
    late: BoolArray  # [m] whether it follows from an addition in the text
    when: Ragged  # atoms that must hold before
    unless: Ragged  # atoms that must not

    def take(self, indices: Numbers64) -> Effects:
        """Return some of the effects."""
        return Effects(
            self.operator[indices], self.atom[indices], self.adds[indices], self.late[indices],
            self.when.take(indices), self.unless.take(indices),
        )  # fmt: skip


class Flat(NamedTuple):
    """A ground task on the way to `Operators`: atoms are numbered, conditions may be negative."""

    codes: Numbers64
    numeric: Numbers64  # 0 for atoms, else `NUMERIC_FACT` or `CHANGE`
    init: BoolArray
    goal: Numbers64
    unwanted: Numbers64  # atoms that the goal wants false
    true: Ragged
    false: Ragged
    effects: Effects
    cost: npt.NDArray[np.float64]
    origin: Numbers64


def positive(flat: Flat) -> Flat:
    """Return the task with a twin for each atom that some condition wants false."""
    effects = _without_overruled(flat.effects)
    wanted = np.unique(
        np.concatenate([flat.false.values, effects.unless.values, flat.unwanted])
    ).astype(np.int64)
    num_atoms = len(flat.codes)
    twin = np.full(num_atoms, -1, np.int64)
    twin[wanted] = num_atoms + np.arange(len(wanted))
    mirrored = np.flatnonzero(twin[effects.atom] >= 0)
    both = np.concatenate([np.arange(len(effects.atom)), mirrored])
    doubled = effects.take(both)
    doubled.atom[len(effects.atom) :] = twin[effects.atom[mirrored]]
    doubled.adds[len(effects.atom) :] = ~effects.adds[mirrored]
    when = doubled.when.with_more(doubled.unless.mapped(twin))
    doubled = doubled._replace(when=when).take(np.argsort(doubled.operator, kind="stable"))
    return flat._replace(
        codes=np.concatenate([flat.codes, -1 - flat.codes[wanted]]),
        numeric=np.concatenate([flat.numeric, np.zeros(len(wanted), np.int64)]),
        init=np.concatenate([flat.init, ~flat.init[wanted]]),
        goal=np.concatenate([flat.goal, twin[flat.unwanted]]),
        true=flat.true.with_more(flat.false.mapped(twin)),
        effects=doubled,
    )


def _without_overruled(effects: Effects) -> Effects:
    """Return the effects without deletions of what the same operator adds for certain."""
    certain = (effects.when.lengths() == 0) & (effects.unless.lengths() == 0)
    size = int(effects.atom.max(initial=0)) + 1
    keys = effects.operator * size + effects.atom
    overruled = ~effects.adds & is_in(keys, keys[effects.adds & certain])
    return effects.take(np.flatnonzero(~overruled))

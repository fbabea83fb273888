"""A ground task as flat arrays: operators over numbered atoms, positive conditions only.

What can never be reached, what is always true and what the goal does not depend on is left out. An
atom that a condition wants false gets a twin that is true where it is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.logistics.pddl.grounding import Ground, Grounder
from tesuji.domains.logistics.pddl.ragged import (
    BoolArray,
    Numbers64,
    Ragged,
    from_matrices,
    from_pairs,
    is_in,
)
from tesuji.domains.logistics.pddl.twins import CHANGE, NUMERIC_FACT, Effects, Flat, positive


@dataclass(frozen=True)
class Operators:
    """A ground task.

    Attributes:
        num_atoms: atoms are numbered from 0.
        init: whether each atom holds at first.
        goal: atoms that must hold at the end.
        before: preconditions of each operator.
        effects: of all operators.
        cost: of each operator.
        solvable: False where the goal cannot be reached even if nothing is ever deleted.
    """

    num_atoms: int
    init: BoolArray
    goal: Numbers64
    before: Ragged
    effects: Effects
    cost: npt.NDArray[np.float64]
    solvable: bool
    numeric: Numbers64  # [num_atoms] 0 for atoms, else `NUMERIC_FACT` or `CHANGE`
    codes: Numbers64  # of each atom; -1 - code for the twin of a negated one
    origin: Numbers64  # [n, 2]: the block and row of each operator
    ground: Ground

    def atom_name(self, atom: int) -> str:
        """Return an atom as PDDL writes it."""
        code = int(self.codes[atom])
        grounder = self.ground.grounder
        return grounder.name_of(code) if code >= 0 else f"(not {grounder.name_of(-1 - code)})"

    def action(self, operator: int) -> tuple[str, ...]:
        """Return an operator's action and its objects; the name is empty for the goal's own."""
        block, row = (int(number) for number in self.origin[operator])
        schema = self.ground.blocks[block].schema
        objects = self.ground.blocks[block].rows[row, : schema.arity]
        return (schema.name, *(self.ground.grounder.objects[i] for i in objects))


def make_operators(grounder: Grounder, most: int) -> Operators:
    """Ground a task.

    Raises:
        GroundingError: it has more than `most` operators.
        PddlError: it needs what is not supported.
    """
    ground = grounder.instantiate(most)
    flat, solvable = _reached(_flatten(ground))
    return _finish(positive(flat), ground, solvable)


def _flatten(ground: Ground) -> Flat:
    blocks = ground.blocks
    first = np.cumsum([0, *(len(block.rows) for block in blocks)])
    effects = [(first[b], effect) for b, block in enumerate(blocks) for effect in block.effects]
    none = np.zeros(0, np.int64)
    operator = np.concatenate([none, *(at + effect.instances for at, effect in effects)])
    adds = np.repeat(
        np.array([effect.adds for _, effect in effects], np.bool_),
        np.array([len(effect.atom) for _, effect in effects], np.int64),
    )
    found = Effects(
        operator,
        np.concatenate([none, *(effect.atom for _, effect in effects)]),
        adds,
        adds,
        from_matrices([effect.true for _, effect in effects]),
        from_matrices([effect.false for _, effect in effects]),
    ).take(np.argsort(operator, kind="stable"))
    true = from_matrices([block.true for block in blocks])
    false = from_matrices([block.false for block in blocks])
    used = (
        true.values, false.values, found.atom, found.when.values, found.unless.values,
        ground.goal_true, ground.goal_false,
    )  # fmt: skip
    codes = np.unique(np.concatenate(used))
    limit = ground.grounder.fluents.limit

    def number(values: Numbers64) -> Numbers64:
        return np.searchsorted(codes, values).astype(np.int64)

    return Flat(
        codes=codes,
        numeric=np.where(codes < limit, 0, 1 + (codes - limit) % 2),
        init=is_in(codes, ground.init),
        goal=number(ground.goal_true),
        unwanted=number(ground.goal_false),
        true=Ragged(true.start, number(true.values)),
        false=Ragged(false.start, number(false.values)),
        effects=found._replace(
            atom=number(found.atom),
            when=Ragged(found.when.start, number(found.when.values)),
            unless=Ragged(found.unless.start, number(found.unless.values)),
        ),
        cost=np.concatenate([np.zeros(0), *(block.cost for block in blocks)]),
        origin=np.concatenate(
            [
                np.zeros((0, 2), np.int64),
                *(
                    np.stack([np.full(len(block.rows), b), np.arange(len(block.rows))], axis=1)
                    for b, block in enumerate(blocks)
                ),
            ]
        ),
    )


@njit(cache=True)
def _reach(holds, before, before_lists, triggers, when, when_lists, atom, adds):  # type: ignore[no-untyped-def]  # noqa: PLR0912
    # Mark in `holds` all atoms that can be reached when nothing is deleted; return which operators
    # and which effects can happen. `*_lists` are where each atom is a condition; `triggers` where
    # an operator's effects begin.
    num_operators = len(before.start) - 1
    left = np.empty(num_operators, np.int64)
    for op in range(num_operators):
        left[op] = before.start[op + 1] - before.start[op]
    wanted = np.empty(len(atom), np.int64)
    for effect in range(len(atom)):
        wanted[effect] = when.start[effect + 1] - when.start[effect] + 1
    queue = np.empty(len(holds), np.int64)
    filled = 0
    for number in range(len(holds)):
        if holds[number]:
            queue[filled] = number
            filled += 1
    ready = np.empty(len(atom), np.int64)
    num_ready = 0
    for op in range(num_operators):
        if left[op] == 0:
            for effect in range(triggers[op], triggers[op + 1]):
                wanted[effect] -= 1
                if wanted[effect] == 0:
                    ready[num_ready] = effect
                    num_ready += 1
    done = 0
    seen = 0
    while done < filled or seen < num_ready:
        while seen < num_ready:
            effect = ready[seen]
            seen += 1
            if adds[effect] and not holds[atom[effect]]:
                holds[atom[effect]] = True
                queue[filled] = atom[effect]
                filled += 1
        if done == filled:
            break
        number = queue[done]
        done += 1
        for i in range(before_lists.start[number], before_lists.start[number + 1]):
            op = before_lists.values[i]
            left[op] -= 1
            if left[op] == 0:
                for effect in range(triggers[op], triggers[op + 1]):
                    wanted[effect] -= 1
                    if wanted[effect] == 0:
                        ready[num_ready] = effect
                        num_ready += 1
        for i in range(when_lists.start[number], when_lists.start[number + 1]):
            effect = when_lists.values[i]
            wanted[effect] -= 1
            if wanted[effect] == 0:
                ready[num_ready] = effect
                num_ready += 1
    return left == 0, wanted == 0


def _reached(flat: Flat) -> tuple[Flat, bool]:
    """Return the task without what cannot be reached, and whether the goal can be."""
    num_atoms, num_operators = len(flat.codes), len(flat.cost)
    effects = flat.effects
    holds = flat.init | (flat.numeric == NUMERIC_FACT)
    triggers = np.searchsorted(effects.operator, np.arange(num_operators + 1)).astype(np.int64)
    happens, occurs = _reach(
        holds, flat.true, from_pairs(flat.true.values, flat.true.owner(), num_atoms),
        triggers, effects.when, from_pairs(effects.when.values, effects.when.owner(), num_atoms),
        effects.atom, effects.adds,
    )  # fmt: skip
    operators = np.flatnonzero(happens)
    # What is deleted though it can never hold is no effect.
    occurs &= happens[effects.operator] & holds[effects.atom]
    chosen = effects.take(np.flatnonzero(occurs))
    renumber = np.cumsum(happens) - 1
    false, unless = flat.false.take(operators), chosen.unless
    kept = flat._replace(
        init=flat.init,
        true=flat.true.take(operators),
        false=false.keep(holds[false.values]),
        effects=chosen._replace(
            operator=renumber[chosen.operator], unless=unless.keep(holds[unless.values])
        ),
        unwanted=flat.unwanted[holds[flat.unwanted]],
        cost=flat.cost[operators],
        origin=flat.origin[operators],
    )
    return kept, bool(holds[flat.goal].all())


def _finish(flat: Flat, ground: Ground, solvable: bool) -> Operators:
    """Leave out what is always true and what the goal does not need; number what is left."""
    num_atoms = len(flat.codes)
    deleted = np.zeros(num_atoms, np.bool_)
    deleted[flat.effects.atom[~flat.effects.adds]] = True
    varies = ~flat.init | deleted
    true = flat.true.keep(varies[flat.true.values])
    effects = flat.effects.take(np.flatnonzero(varies[flat.effects.atom]))
    effects = effects._replace(when=effects.when.keep(varies[effects.when.values]))
    goal = np.unique(flat.goal[varies[flat.goal]])
    relevant = np.zeros(num_atoms, np.bool_)
    relevant[goal] = True
    # Changes are made only of numbers that some condition depends on.
    relevant[flat.numeric == CHANGE] = True
    wanted = [ground.grounder.code_of(atom) for atom in ground.grounder.kept]
    kept = is_in(flat.codes, np.array(wanted, np.int64)) & varies
    relevant[kept] = True
    useful = _relevant(relevant, kept, true, effects, len(flat.cost))
    effects = effects.take(np.flatnonzero(useful[effects.operator] & relevant[effects.atom]))
    number = np.cumsum(relevant) - 1
    operators = np.flatnonzero(useful)
    return Operators(
        num_atoms=int(relevant.sum()),
        init=flat.init[relevant],
        goal=number[goal],
        before=true.take(operators).mapped(number),
        effects=effects._replace(
            operator=(np.cumsum(useful) - 1)[effects.operator],
            atom=number[effects.atom],
            when=effects.when.mapped(number),
            unless=Ragged(np.zeros(len(effects.atom) + 1, np.int64), np.zeros(0, np.int64)),
        ),
        cost=flat.cost[operators],
        solvable=solvable,
        codes=flat.codes[relevant],
        numeric=flat.numeric[relevant],
        origin=flat.origin[operators],
        ground=ground,
    )


def _relevant(
    relevant: BoolArray, kept: BoolArray, true: Ragged, effects: Effects, count: int
) -> BoolArray:
    """Mark what the goal and `kept` depend on; return which operators can matter to them."""
    useful, both = np.zeros(count, np.bool_), kept.copy()  # both: to be true or false matters
    owner: Any = true.owner()
    when_owner = effects.when.owner()
    while True:
        before = int(relevant.sum() + both.sum())
        hits = (effects.adds | both[effects.atom]) & relevant[effects.atom]
        useful[effects.operator[hits]] = True
        relevant[true.values[useful[owner]]] = True
        happens = useful[effects.operator] & relevant[effects.atom]
        relevant[effects.when.values[happens[when_owner]]] = True
        both[effects.when.values[(happens & ~effects.adds)[when_owner]]] = True
        if int(relevant.sum() + both.sum()) == before:
            return useful

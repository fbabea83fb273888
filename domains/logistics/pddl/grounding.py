"""Grounding: from action schemas to operators over numbered atoms.

Parameters are joined over what holds at first or never (`narrowing.py`); then operators that cannot
be reached when nothing is ever deleted are left out, and so is what the goal does not depend on
(Helmert 2009).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.blocks import Block, BlockEffect
from tesuji.domains.logistics.pddl.fluents import Fluents
from tesuji.domains.logistics.pddl.narrowing import Narrowing, narrow
from tesuji.domains.logistics.pddl.numbers import Numbers
from tesuji.domains.logistics.pddl.relations import (
    BoolArray,
    GroundingError,
    IntArray,
    Pattern,
    join,
)
from tesuji.domains.logistics.pddl.schemas import Change, Literals, Schema, cases, make_schemas
from tesuji.domains.logistics.pddl.syntax import EQUALS, Assign, Atom, Not, Task

MAX_OPERATORS = 20_000_000
MAX_BYTES = 6 << 30  # that grounding may take
_COPIES = 12  # of its tables that are alive at once, measured
_GOAL = "goal#"  # the atom that stands for a goal with several cases


class Ground(NamedTuple):
    """What `instantiate` finds: blocks, the atoms at first, those of the goal."""

    blocks: list[Block]
    init: npt.NDArray[np.int64]
    goal_true: npt.NDArray[np.int64]
    goal_false: npt.NDArray[np.int64]
    grounder: Grounder


class Grounder:
    """Numbers for a task's objects and atoms.

    Args:
        task: the task.
        kept: atoms to keep track of even if the goal does not depend on them.
        kept_numbers: numbers likewise.
    """

    def __init__(
        self, task: Task, kept: Collection[Atom] = (), kept_numbers: Collection[Atom] = ()
    ) -> None:
        self.task, self.kept = task, kept
        self.objects = list(task.objects)
        self.index = {name: i for i, name in enumerate(self.objects)}
        self.base = max(1, len(self.objects))
        self.predicates = [*task.predicates, _GOAL]
        self.arity = [*(len(terms) for terms in task.predicates.values()), 0]
        sizes = [self.base**arity for arity in self.arity]
        if sum(sizes) >= 1 << 62:
            raise GroundingError("the predicates have more atoms than can be numbered")
        self.offset = dict(zip(self.predicates, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
        self.schemas = make_schemas(task)
        self.fluent = {
            _atom_of(change.what).name
            for schema in self.schemas
            for change in schema.changes
            if not isinstance(change.what, Assign)
        } | {_GOAL}
        self.init = np.unique([self.code_of(atom) for atom in task.init]).astype(np.int64)
        self.numbers = Numbers(task, self.schemas, self.index)
        self.goals = cases(task.goal, task, "the goal")
        self.fluents = Fluents(task, self.schemas, self.goals, self.numbers, sum(sizes))
        self.fluents.keep(kept_numbers)
        self._tables = self._init_tables()

    def code_of(self, atom: Atom) -> int:
        """Return the number of a ground atom."""
        code = 0
        for term in atom.terms:
            code = code * self.base + self.index[term]
        return code + int(self.offset[atom.name])

    def name_of(self, code: int) -> str:
        """Return the ground atom with a number, as PDDL writes it."""
        if code >= self.fluents.limit:
            return f"(number# {code - self.fluents.limit})"
        which = int(np.searchsorted(list(self.offset.values()), code, "right")) - 1
        rest = code - self.offset[self.predicates[which]]
        terms: list[str] = []
        for _ in range(self.arity[which]):
            rest, term = divmod(rest, self.base)
            terms.append(self.objects[term])
        return f"({' '.join((self.predicates[which], *reversed(terms)))})"

    def _init_tables(self) -> dict[str, IntArray]:
        found: dict[str, list[list[int]]] = {name: [] for name in self.predicates}
        for atom in sorted(self.task.init, key=str):
            found[atom.name].append([self.index[term] for term in atom.terms])
        return {
            name: np.array(rows, np.int32).reshape(len(rows), arity)
            for (name, rows), arity in zip(found.items(), self.arity, strict=True)
        }

    def instantiate(self, most: int = MAX_OPERATORS, most_bytes: int = MAX_BYTES) -> Ground:
        """Return the instances of all schemas that static conditions allow.

        Raises:
            GroundingError: there are more than `most`, or more than fit in `most_bytes`.
        """
        goals, budget = self.goals, most_bytes
        schemas = list(self.schemas)
        goal = goals[0] if len(goals) == 1 else Literals(true=(Atom(_GOAL),))
        if len(goals) != 1:
            reach = (Change(Atom(_GOAL), Literals()),)
            schemas += [Schema("", (), 0, case, reach) for case in goals]
        types = [[self._of_types(each.types) for each in schema.parameters] for schema in schemas]
        narrowing = narrow(schemas, types, self.index, self._tables)
        blocks: list[Block] = []
        for schema, own in zip(schemas, narrowing.domains, strict=True):
            width = _COPIES * _bytes_of(schema)
            allowed = min(most, most_bytes // width)
            try:
                block = self._ground(schema, own, narrowing, allowed)
            except GroundingError as error:
                done = sum(len(block.rows) for block in blocks)
                why = "" if allowed == most else f" in what is left of {budget / 2**20:,.0f} MiB"
                raise GroundingError(
                    f"action {schema.name}: {error}{why} (after {done:,} of other actions)"
                ) from None
            if block is not None:
                blocks.append(block)
                most -= len(block.rows)
                most_bytes -= len(block.rows) * width
        empty = np.zeros((1, 0), np.int32)
        facts, known = self.fluents.fact_codes(goal.numeric, {}, empty)
        kept = known & self._static_mask(goal, {}, empty)
        if not kept[0]:
            goal, facts = Literals(true=(Atom(_GOAL),)), facts[:, :0]  # no action can reach it
        true, false = (self._codes(self._fluents(p), {}, empty) for p in (goal.true, goal.false))
        return Ground(blocks, self.init, np.concatenate([true, facts], axis=1)[0], false[0], self)

    def _of_types(self, types: tuple[str, ...]) -> BoolArray:
        mask = np.zeros(len(self.objects), np.bool_)
        mask[[self.index[name] for name in self.task.objects_of(types)]] = True
        return mask

    def _ground(
        self, schema: Schema, domains: list[BoolArray], narrowing: Narrowing, most: int
    ) -> Block | None:
        where = {variable.name: i for i, variable in enumerate(schema.parameters)}
        own = dict(zip(where, domains, strict=True))
        patterns, different = [], []
        for atom in schema.before.true:
            if atom.name != EQUALS and narrowing.is_from_start(atom, own):
                patterns.append(Pattern(self._terms(atom, where), self._tables[atom.name]))
        for atom in schema.before.false:
            if atom.name == EQUALS and all(term in where for term in atom.terms):
                different.append((where[atom.terms[0]], where[atom.terms[1]]))
        rows = join(domains, patterns, different, most)
        rows = rows[self._static_mask(schema.before, where, rows)]
        cost = self.numbers.cost(schema, where, rows)
        facts, known = self.fluents.fact_codes(schema.before.numeric, where, rows)
        known &= np.isfinite(cost)
        rows, cost, facts = rows[known], cost[known], facts[known]
        if not len(rows):
            return None
        effects = [
            self._effect(change, where, rows)
            for change in schema.changes
            if not isinstance(change.what, Assign) or self.fluents.is_read(change.what)
        ]
        true = self._codes(self._fluents(schema.before.true), where, rows)
        return Block(
            schema,
            rows,
            np.concatenate([true, facts], axis=1),
            self._codes(self._fluents(schema.before.false), where, rows),
            tuple(effect for effect in effects if len(effect.instances)),
            cost,
        )

    def _effect(self, change: Change, where: dict[str, int], rows: IntArray) -> BlockEffect:
        facts, known = self.fluents.fact_codes(change.when.numeric, where, rows)
        instances = np.flatnonzero(known & self._static_mask(change.when, where, rows))
        kept = rows[instances]
        if isinstance(change.what, Assign):
            code = self.fluents.change_codes(change.what, where, kept)
        else:
            code = self._codes((_atom_of(change.what),), where, kept)[:, 0]
        true = self._codes(self._fluents(change.when.true), where, kept)
        return BlockEffect(
            instances,
            code,
            not isinstance(change.what, Not),
            np.concatenate([true, facts[instances]], axis=1),
            self._codes(self._fluents(change.when.false), where, kept),
        )

    def _fluents(self, atoms: Sequence[Atom]) -> list[Atom]:
        return [atom for atom in atoms if atom.name in self.fluent]

    def _static_mask(self, when: Literals, where: dict[str, int], rows: IntArray) -> BoolArray:
        """Return for which rows what never changes is as `when` has it."""
        mask = self.numbers.holds(when.numeric, where, rows)
        for atoms, truth in ((when.true, True), (when.false, False)):
            for atom in atoms:
                if atom.name == EQUALS:
                    left, right = (self._column(term, where, rows) for term in atom.terms)
                    mask &= (left == right) == truth
                elif atom.name not in self.fluent:
                    codes = self._codes((atom,), where, rows)[:, 0]
                    mask &= np.isin(codes, self.init) == truth
        return mask

    def _terms(self, atom: Atom, where: dict[str, int]) -> tuple[int, ...]:
        return tuple(where[t] if t in where else -1 - self.index[t] for t in atom.terms)

    def _column(self, term: str, where: dict[str, int], rows: IntArray) -> npt.NDArray[np.int64]:
        if term in where:
            return rows[:, where[term]].astype(np.int64)
        return np.full(len(rows), self.index[term], np.int64)

    def _codes(
        self, atoms: Sequence[Atom], where: dict[str, int], rows: IntArray
    ) -> npt.NDArray[np.int64]:
        codes = np.zeros((len(rows), len(atoms)), np.int64)
        for i, atom in enumerate(atoms):
            for term in atom.terms:
                codes[:, i] = codes[:, i] * self.base + self._column(term, where, rows)
            codes[:, i] += self.offset[atom.name]
        return codes


def _bytes_of(schema: Schema) -> int:
    """Return what a ground instance takes in a table."""
    asked = [schema.before, *(change.when for change in schema.changes)]
    literals = sum(len(own.true) + len(own.false) + len(own.numeric) for own in asked)
    return 4 * len(schema.parameters) + 8 * (literals + 2 * len(schema.changes) + 1)


def _atom_of(change: Atom | Not) -> Atom:
    atom = change.part if isinstance(change, Not) else change
    assert isinstance(atom, Atom)
    return atom

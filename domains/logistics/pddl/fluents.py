"""Numbers that actions change: what conditions ask of them and what actions do to them, grounded.

Numbers, numeric facts and changes are numbered as they are met. Grounding takes facts and changes
for atoms, with codes after those of all atoms: even ones for facts, odd ones for changes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.numbers import Numbers
from tesuji.domains.logistics.pddl.numeric import (
    ASSIGN,
    DECREASE,
    INCREASE,
    NOT_NEGATIVE,
    POSITIVE,
    SCALE_DOWN,
    SCALE_UP,
    ZERO,
)
from tesuji.domains.logistics.pddl.programs import (
    ADD,
    CONSTANT,
    DIVIDE,
    MULTIPLY,
    NUMBER,
    SUBTRACT,
    Doubles,
    Programs,
    join_programs,
)
from tesuji.domains.logistics.pddl.reader import PddlError
from tesuji.domains.logistics.pddl.relations import BoolArray, IntArray
from tesuji.domains.logistics.pddl.schemas import Literals, Schema
from tesuji.domains.logistics.pddl.syntax import (
    TOTAL_COST,
    TOTAL_TIME,
    Arithmetic,
    Assign,
    Atom,
    Comparison,
    Expression,
    Task,
)

_OPERATORS = {"+": ADD, "-": SUBTRACT, "*": MULTIPLY, "/": DIVIDE}
_HOW = {
    "assign": ASSIGN, "increase": INCREASE, "decrease": DECREASE, "scale-up": SCALE_UP,
    "scale-down": SCALE_DOWN,
}  # fmt: skip
_KIND = {">=": NOT_NEGATIVE, "<=": NOT_NEGATIVE, ">": POSITIVE, "<": POSITIVE, "=": ZERO}
_Template = tuple[list[int], list[Doubles]]
Codes = npt.NDArray[np.int64]


class Fluents:
    """The changing numbers of a task.

    Args:
        task: the task.
        schemas: its schemas.
        goals: the cases of its goal.
        numbers: those that never change.
        limit: codes of atoms are below it.
    """

    def __init__(
        self,
        task: Task,
        schemas: Sequence[Schema],
        goals: Sequence[Literals],
        numbers: Numbers,
        limit: int,
    ) -> None:
        self._task, self._numbers, self.limit = task, numbers, limit
        self._schemas = schemas
        self._read = _read_names(schemas, goals)
        if TOTAL_TIME in self._read:
            raise PddlError(f"a condition depends on ({TOTAL_TIME}): not supported")
        self._places: dict[tuple[str, int], int] = {}
        self._init: list[float] = []
        self._known: dict[bytes, int] = {}
        self._gaps: list[tuple[list[int], Doubles]] = []
        self._kinds: list[int] = []
        self._targets: list[npt.NDArray[np.int64]] = []
        self._how: list[npt.NDArray[np.int8]] = []
        self._values: list[tuple[list[int], Doubles]] = []
        self._num_changes = 0

    def keep(self, numbers: Collection[Atom]) -> None:
        """Keep track of ground numbers, and of those that they come from."""
        self._read |= names_read(
            self._schemas, {atom.name for atom in numbers} & self._numbers.changing
        )
        for atom in numbers:
            if atom.name in self._numbers.changing:
                self.place_of(atom)

    def is_read(self, change: Assign) -> bool:
        """Return whether any condition depends on what a change changes."""
        return change.target.name in self._read

    def fact_codes(
        self, comparisons: Sequence[Comparison], where: Mapping[str, int], rows: IntArray
    ) -> tuple[Codes, BoolArray]:
        """Return codes `[n, k]` of the changing ones of some comparisons, and which rows have all.

        A row lacks one where a number is not given that never changes.
        """
        asked = [c for c in comparisons if not self._numbers.is_static(c)]
        codes = np.zeros((len(rows), len(asked)), np.int64)
        known = np.ones(len(rows), np.bool_)
        for i, comparison in enumerate(asked):
            sides = comparison.left, comparison.right
            if comparison.operator in ("<", "<="):
                sides = sides[::-1]
            template = self._arithmetic("-", [self._compile(side, where, rows) for side in sides])
            own, arguments = template[0], np.stack(template[1], axis=1)
            known &= np.isfinite(arguments).all(axis=1)
            codes[:, i] = self.limit + 2 * self._facts(own, arguments, _KIND[comparison.operator])
        return codes, known

    def _facts(self, codes: list[int], arguments: Doubles, kind: int) -> Codes:
        """Return the number of each row's fact; equal ones have one."""
        unique, inverse = np.unique(arguments, axis=0, return_inverse=True)
        found = np.empty(len(unique), np.int64)
        head = bytes([kind, *codes])
        for i, row in enumerate(unique):
            key = head + row.tobytes()
            if key not in self._known:
                self._known[key] = len(self._kinds)
                self._kinds.append(kind)
                self._gaps.append((codes, row[None]))
            found[i] = self._known[key]
        return found[inverse.ravel()]

    def change_codes(self, change: Assign, where: Mapping[str, int], rows: IntArray) -> Codes:
        """Return the code `[n]` of a change, done with each row's objects."""
        codes, arguments = self._compile(change.value, where, rows)
        self._values.append((codes, np.stack(arguments, axis=1)))
        self._targets.append(self._place(change.target, where, rows))
        self._how.append(np.full(len(rows), _HOW[change.operator], np.int8))
        first = self._num_changes
        self._num_changes += len(rows)
        return self.limit + 2 * np.arange(first, self._num_changes) + 1

    def gaps(self) -> tuple[Programs, npt.NDArray[np.int8]]:
        """Return the programs of all numeric facts, and what is asked of their values."""
        return join_programs(self._gaps), np.array(self._kinds, np.int8)

    def changes(self) -> tuple[Codes, npt.NDArray[np.int8], Programs]:
        """Return of all changes what they change, how, and the programs of their values."""
        targets = np.concatenate([np.zeros(0, np.int64), *self._targets])
        how = np.concatenate([np.zeros(0, np.int8), *self._how])
        return targets, how, join_programs(self._values)

    def init(self) -> Doubles:
        """Return the numbers at first, NaN where they are not given."""
        return np.array(self._init, np.float64)

    def place_of(self, fluent: Atom) -> int:
        """Return the place of a ground number that changes."""
        return int(self._place(fluent, {}, np.zeros((1, 0), np.int32))[0])

    def _place(self, fluent: Atom, where: Mapping[str, int], rows: IntArray) -> Codes:
        keys = self._numbers.keys(fluent, where, rows)
        unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        places = np.empty(len(unique), np.int64)
        for i, (key, row) in enumerate(zip(unique.tolist(), first.tolist(), strict=True)):
            name = fluent.name, key
            if name not in self._places:
                self._places[name] = len(self._init)
                objects = list(self._task.objects)
                terms = (objects[rows[row, where[t]]] if t in where else t for t in fluent.terms)
                default = 0.0 if fluent.name == TOTAL_COST else np.nan
                value = self._task.numbers.get(Atom(fluent.name, tuple(terms)), default)
                self._init.append(value)
            places[i] = self._places[name]
        return places[inverse.ravel()]

    def _compile(
        self, expression: Expression, where: Mapping[str, int], rows: IntArray
    ) -> _Template:
        if self._numbers.is_static(expression):
            return [CONSTANT], [self._numbers.value(expression, where, rows)]
        if isinstance(expression, Atom):
            return [NUMBER], [self._place(expression, where, rows).astype(np.float64)]
        assert isinstance(expression, Arithmetic)
        parts = [self._compile(part, where, rows) for part in expression.parts]
        return self._arithmetic(expression.operator, parts)

    def _arithmetic(self, operator: str, parts: Sequence[_Template]) -> _Template:
        size = len(parts[0][1][0])
        codes: list[int] = []
        arguments: list[Doubles] = []
        if len(parts) == 1:
            parts = [([CONSTANT], [np.zeros(size)]), *parts]
        for number, (own, more) in enumerate(parts):
            codes, arguments = codes + own, arguments + more
            if number:
                codes, arguments = [*codes, _OPERATORS[operator]], [*arguments, np.zeros(size)]
        return codes, arguments


def _read_names(schemas: Sequence[Schema], goals: Sequence[Literals]) -> set[str]:
    """Return the names of the numbers that conditions depend on, through changes as well."""
    found: set[str] = set()
    for literals in (*goals, *(schema.before for schema in schemas)):
        found |= _names_of(literals)
    changes = [change for schema in schemas for change in schema.changes]
    for change in changes:
        found |= _names_of(change.when)
    return names_read(schemas, found)


def names_read(schemas: Sequence[Schema], found: set[str]) -> set[str]:
    """Return the names of numbers with those that their changes depend on."""
    found, size = set(found), -1
    while size < len(found):
        size = len(found)
        for schema in schemas:
            for change in schema.changes:
                if isinstance(change.what, Assign) and change.what.target.name in found:
                    found |= names_in(change.what.value)
    return found


def _names_of(literals: Literals) -> set[str]:
    sides: list[Any] = [side for c in literals.numeric for side in (c.left, c.right)]
    return {name for side in sides for name in names_in(side)}


def names_in(expression: Expression) -> set[str]:
    """Return the names of the numbers in an expression."""
    if isinstance(expression, Atom):
        return {expression.name}
    if isinstance(expression, Arithmetic):
        return {name for part in expression.parts for name in names_in(part)}
    return set()

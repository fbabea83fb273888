"""Numbers that no action changes, and what an action adds to the metric.

The metric may be any sum of total-cost, total-time and fluents that actions increase or decrease by
numbers that never change; then each operator has a cost of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.reader import PddlError
from tesuji.domains.logistics.pddl.relations import BoolArray, IntArray, keys_of
from tesuji.domains.logistics.pddl.schemas import Schema
from tesuji.domains.logistics.pddl.syntax import (
    TOTAL_TIME,
    Arithmetic,
    Assign,
    Atom,
    Expression,
    Task,
)

Doubles = npt.NDArray[np.float64]
_COMPARE = {
    "<": np.less, "<=": np.less_equal, "=": np.equal, ">=": np.greater_equal, ">": np.greater,
}  # fmt: skip


class Numbers:
    """The numeric side of a task whose conditions are over numbers that never change."""

    def __init__(self, task: Task, schemas: Sequence[Schema], index: Mapping[str, int]) -> None:
        self._index = index
        self._base = max(1, len(index))
        self._changing = {
            change.what.target.name
            for schema in schemas
            for change in schema.changes
            if isinstance(change.what, Assign)
        } | {TOTAL_TIME}
        self._weights = {} if task.metric is None else self._linear(task.metric)
        self._unit = task.metric is None
        self._tables: dict[str, tuple[npt.NDArray[np.int64], Doubles]] = {}
        for name in task.functions:
            own = {atom: value for atom, value in task.numbers.items() if atom.name == name}
            rows = np.array([[index[t] for t in atom.terms] for atom in own], np.int32)
            keys = keys_of(rows.reshape(len(own), len(task.functions[name])), self._base)
            order = np.argsort(keys)
            self._tables[name] = keys[order], np.array(list(own.values()), np.float64)[order]

    def holds(self, schema: Schema, where: Mapping[str, int], rows: IntArray) -> BoolArray:
        """Return for which rows the schema's numeric preconditions hold.

        Raises:
            PddlError: they depend on numbers that actions change.
        """
        mask = np.ones(len(rows), np.bool_)
        for comparison in schema.before.numeric:
            left = self._value(comparison.left, where, rows, f"action {schema.name}")
            right = self._value(comparison.right, where, rows, f"action {schema.name}")
            mask &= _COMPARE[comparison.operator](left, right)
        for change in schema.changes:
            if change.when.numeric:
                raise PddlError(f"action {schema.name}: numeric conditions of effects")
        return mask

    def cost(self, schema: Schema, where: Mapping[str, int], rows: IntArray) -> Doubles:
        """Return what each row adds to the metric; NaN where a number is not given."""
        if self._unit:
            return np.ones(len(rows))
        cost = np.full(len(rows), self._weights.get(Atom(TOTAL_TIME), 0.0) if schema.name else 0.0)
        for change in schema.changes:
            if not isinstance(change.what, Assign):
                continue
            weight = self._weights.get(change.what.target, 0.0)
            if weight == 0.0:
                continue
            if change.what.operator not in ("increase", "decrease") or change.when.true:
                raise PddlError(
                    f"action {schema.name}: the metric depends on {change.what.target}, which is "
                    "not simply increased or decreased"
                )
            sign = 1.0 if change.what.operator == "increase" else -1.0
            value = self._value(change.what.value, where, rows, f"action {schema.name}")
            cost += sign * weight * value
        if len(cost) and np.nanmin(cost) < 0.0:
            raise PddlError(f"action {schema.name} has a negative cost")
        return cost

    def _linear(self, expression: Expression) -> dict[Atom, float]:
        """Return the factor of each fluent in a metric; constants are left out."""
        if isinstance(expression, float):
            return {}
        if isinstance(expression, Atom):
            return {expression: 1.0}
        parts = expression.parts
        if expression.operator in "+-":
            signs = [1.0] * len(parts)
            if expression.operator == "-":
                signs = [-1.0] if len(parts) == 1 else [1.0, -1.0]
            found: dict[Atom, float] = {}
            for sign, part in zip(signs, parts, strict=True):
                for atom, factor in self._linear(part).items():
                    found[atom] = found.get(atom, 0.0) + sign * factor
            return found
        numbers = [part for part in parts if isinstance(part, float)]
        others = [part for part in parts if not isinstance(part, float)]
        if expression.operator == "*" and len(others) <= 1:
            factor = float(np.prod(numbers))
            return {a: factor * f for part in others for a, f in self._linear(part).items()}
        if expression.operator == "/" and len(others) == 1 and others[0] is parts[0]:
            return {a: f / numbers[0] for a, f in self._linear(parts[0]).items()}
        raise PddlError("the metric is not a weighted sum of fluents")

    def _value(
        self, expression: Expression, where: Mapping[str, int], rows: IntArray, what: str
    ) -> Doubles:
        if isinstance(expression, float):
            return np.full(len(rows), expression)
        if isinstance(expression, Arithmetic):
            parts = [self._value(part, where, rows, what) for part in expression.parts]
            return _combine(expression.operator, parts)
        if expression.name in self._changing:
            raise PddlError(
                f"{what} depends on {expression}, a number that actions change: not supported yet"
            )
        keys, values = self._tables[expression.name]
        columns = [
            rows[:, where[t]] if t in where else np.full(len(rows), self._index[t], np.int32)
            for t in expression.terms
        ]
        table = np.stack(columns, axis=1) if columns else np.zeros((len(rows), 0), np.int32)
        sought = keys_of(table, self._base)
        found = np.searchsorted(keys, sought)
        result = np.full(len(rows), np.nan)
        inside = found < len(keys)
        known = inside.copy()
        known[inside] = keys[found[inside]] == sought[inside]
        result[known] = values[found[known]]
        return result


def _combine(operator: str, parts: Sequence[Doubles]) -> Doubles:
    if operator == "-" and len(parts) == 1:
        return -parts[0]
    result = parts[0].copy()
    for part in parts[1:]:
        if operator == "+":
            result += part
        elif operator == "-":
            result -= part
        elif operator == "*":
            result *= part
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                result = np.where(part == 0.0, np.nan, result / part)
    return result

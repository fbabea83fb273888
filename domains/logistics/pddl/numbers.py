"""Numbers that no action changes, and what an action adds to the metric.

Where the metric is a sum of total-cost, total-time and fluents that actions increase or decrease by
numbers that never change, each operator has a cost of its own. Other metrics are known of whole
plans alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.reader import PddlError
from tesuji.domains.logistics.pddl.relations import BoolArray, IntArray, keys_of
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

Codes = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
_COMPARE = {
    "<": np.less, "<=": np.less_equal, "=": np.equal, ">=": np.greater_equal, ">": np.greater,
}  # fmt: skip


class Numbers:
    """Numbers that no action changes, and costs.

    Attributes:
        changing: names of numbers that do change.
        exact: whether the metric of a plan is `offset` and the sum of its operators' costs.
        offset: the metric before the first action.
    """

    def __init__(self, task: Task, schemas: Sequence[Schema], index: Mapping[str, int]) -> None:
        self._index = index
        self._base = max(1, len(index))
        self.changing = {
            change.what.target.name
            for schema in schemas
            for change in schema.changes
            if isinstance(change.what, Assign)
        } | {TOTAL_TIME}
        self._unit = task.metric is None
        self._given = task.numbers
        self._constant = 0.0
        weights = {} if task.metric is None else self._linear(task.metric)
        self._weights = {} if weights is None else weights
        self.exact = weights is not None and self._adds_up(schemas)
        self.offset = self._offset() if self.exact else 0.0
        self._tables: dict[str, tuple[Codes, Doubles]] = {}
        for name in task.functions:
            own = {atom: value for atom, value in task.numbers.items() if atom.name == name}
            rows = np.array([[index[t] for t in atom.terms] for atom in own], np.int32)
            keys = keys_of(rows.reshape(len(own), len(task.functions[name])), self._base)
            order = np.argsort(keys)
            self._tables[name] = keys[order], np.array(list(own.values()), np.float64)[order]

    def is_static(self, what: Expression | Comparison) -> bool:
        """Return whether an expression or comparison has the same value for ever."""
        if isinstance(what, Comparison):
            return self.is_static(what.left) and self.is_static(what.right)
        if isinstance(what, Arithmetic):
            return all(self.is_static(part) for part in what.parts)
        return not isinstance(what, Atom) or what.name not in self.changing

    def holds(
        self, comparisons: Sequence[Comparison], where: Mapping[str, int], rows: IntArray
    ) -> BoolArray:
        """Return for which rows those of some comparisons hold that never change."""
        mask = np.ones(len(rows), np.bool_)
        for comparison in filter(self.is_static, comparisons):
            left, right = (
                self.value(side, where, rows) for side in (comparison.left, comparison.right)
            )
            mask &= _COMPARE[comparison.operator](left, right)
        return mask

    def cost(self, schema: Schema, where: Mapping[str, int], rows: IntArray) -> Doubles:
        """Return what each row adds to the metric; NaN where a number is not given.

        Where the metric is no such sum (`exact` is False), every action counts 1.
        """
        if not self.exact or self._unit:
            return np.full(len(rows), 1.0 if schema.name or self._unit else 0.0)
        cost = np.full(len(rows), self._weights.get(Atom(TOTAL_TIME), 0.0) if schema.name else 0.0)
        for change in schema.changes:
            if not isinstance(change.what, Assign):
                continue
            for fluent, weight in self._weights.items():
                if fluent.name == change.what.target.name and weight:
                    target = self.keys(change.what.target, where, rows)
                    own = target == self.keys(fluent, {}, rows)
                    sign = 1.0 if change.what.operator == "increase" else -1.0
                    value = self.value(change.what.value, where, rows)
                    cost += np.where(own, sign * weight * value, 0.0)
        if len(cost) and np.nanmin(cost) < 0.0:
            raise PddlError(f"action {schema.name} has a negative cost: not supported")
        return cost

    def _adds_up(self, schemas: Sequence[Schema]) -> bool:
        """Return whether each action adds to the metric what does not depend on the state."""
        names = {atom.name for atom, weight in self._weights.items() if weight}
        return all(
            change.what.operator in ("increase", "decrease")
            and change.when == Literals()
            and self.is_static(change.what.value)
            for schema in schemas
            for change in schema.changes
            if isinstance(change.what, Assign) and change.what.target.name in names
        )

    def _offset(self) -> float:
        """Return what the metric is before the first action."""
        known = {Atom(TOTAL_COST): 0.0, Atom(TOTAL_TIME): 0.0, **self._given}
        return self._constant + sum(
            weight * known.get(atom, 0.0) for atom, weight in self._weights.items()
        )

    def _linear(  # noqa: PLR0911
        self, expression: Expression, factor: float = 1.0
    ) -> dict[Atom, float] | None:
        """Return the factor of each fluent in a metric, None where it is no weighted sum."""
        if isinstance(expression, float):
            self._constant += factor * expression
            return {}
        if isinstance(expression, Atom):
            return {expression: factor}
        parts = expression.parts
        if expression.operator in "+-":
            factors = [factor] * len(parts)
            if expression.operator == "-":
                factors = [-factor] if len(parts) == 1 else [factor, -factor]
            sums = [self._linear(part, own) for part, own in zip(parts, factors, strict=True)]
            found: dict[Atom, float] = {}
            for one in sums:
                if one is None:
                    return None
                for atom, own in one.items():
                    found[atom] = found.get(atom, 0.0) + own
            return found
        numbers = [part for part in parts if isinstance(part, float)]
        others = [part for part in parts if not isinstance(part, float)]
        if expression.operator == "*" and len(others) == 1:
            return self._linear(others[0], factor * float(np.prod(numbers)))
        if expression.operator == "/" and others == [parts[0]] and numbers[0]:
            return self._linear(parts[0], factor / numbers[0])
        return None

    def keys(self, fluent: Atom, where: Mapping[str, int], rows: IntArray) -> Codes:
        """Return a number for each row's fluent of that name."""
        columns = [
            rows[:, where[t]] if t in where else np.full(len(rows), self._index[t], np.int32)
            for t in fluent.terms
        ]
        table = np.stack(columns, axis=1) if columns else np.zeros((len(rows), 0), np.int32)
        return keys_of(table, self._base)

    def value(self, expression: Expression, where: Mapping[str, int], rows: IntArray) -> Doubles:
        """Return what each row makes of an expression that never changes; NaN if not given."""
        if isinstance(expression, float):
            return np.full(len(rows), expression)
        if isinstance(expression, Arithmetic):
            parts = [self.value(part, where, rows) for part in expression.parts]
            return _combine(expression.operator, parts)
        keys, values = self._tables[expression.name]
        sought = self.keys(expression, where, rows)
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

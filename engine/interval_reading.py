"""A reader of constraints for the verifier of invariants: their truth over a box of states.

Its own, over Python's syntax tree, in fractions; the language is that of constraints.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from fractions import Fraction

Range = tuple[Fraction, Fraction]
Truth = bool | None


class UnreadableError(ValueError):
    """A constraint holds what this reader does not know."""


class Reading:
    """Reads constraints over one box.

    Args:
        ranges: of the variables, by name.
    """

    def __init__(self, ranges: Mapping[str, Range]) -> None:
        self._ranges = ranges

    def holds(self, text: str) -> Truth:
        """Return whether a constraint holds in the whole box, in none of it, or neither (None).

        Raises:
            UnreadableError: it holds what this reader does not know.
        """
        head, colon, body = text.partition(":")
        try:
            tree = ast.parse((body if colon else head).strip(), mode="eval").body
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise UnreadableError(str(error)) from None
        return self._truth(tree)

    def _truth(self, node: ast.expr) -> Truth:
        if isinstance(node, ast.BoolOp):
            truths = [self._truth(value) for value in node.values]
            return _any(truths) if isinstance(node.op, ast.Or) else _all(truths)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return _not(self._truth(node.operand))
        if isinstance(node, ast.Call) and _called(node) == "implies" and len(node.args) == 2:
            return _any([_not(self._truth(node.args[0])), self._truth(node.args[1])])
        if isinstance(node, ast.Compare):
            sides = [self._number(side) for side in (node.left, *node.comparators)]
            pairs = zip(node.ops, sides, sides[1:], strict=False)
            return _all([_compare(operator, left, right) for operator, left, right in pairs])
        raise UnreadableError(f"{ast.unparse(node)} is no truth value that is known here")

    def _number(self, node: ast.expr) -> Range:
        if isinstance(node, ast.Name) and node.id in self._ranges:
            return self._ranges[node.id]
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            value = Fraction(ast.unparse(node))
            return value, value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            low, high = self._number(node.operand)
            return -high, -low
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.Call) and _called(node) == "abs" and len(node.args) == 1:
            low, high = self._number(node.args[0])
            least = Fraction(0) if low <= 0 <= high else min(abs(low), abs(high))
            return least, max(abs(low), abs(high))
        raise UnreadableError(f"{ast.unparse(node)} is no number that is known here")

    def _operation(self, node: ast.BinOp) -> Range:
        (low, high), (other_low, other_high) = self._number(node.left), self._number(node.right)
        if isinstance(node.op, ast.Add):
            return low + other_low, high + other_high
        if isinstance(node.op, ast.Sub):
            return low - other_high, high - other_low
        if isinstance(node.op, ast.Mult):
            ends = [a * b for a in (low, high) for b in (other_low, other_high)]
            return min(ends), max(ends)
        raise UnreadableError(f"{ast.unparse(node)} is no sum or product")


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) and not node.keywords else ""


def _compare(operator: ast.cmpop, left: Range, right: Range) -> Truth:
    if isinstance(operator, ast.Gt | ast.GtE):
        left, right = right, left
    if isinstance(operator, ast.LtE | ast.GtE):
        return True if left[1] <= right[0] else False if left[0] > right[1] else None
    if isinstance(operator, ast.Lt | ast.Gt):
        return True if left[1] < right[0] else False if left[0] >= right[1] else None
    raise UnreadableError("only <, <=, > and >= are compared by")


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _any(truths: list[Truth]) -> Truth:
    if True in truths:
        return True
    return None if None in truths else False


def _all(truths: list[Truth]) -> Truth:
    return _not(_any([_not(truth) for truth in truths]))

"""Reading formulas, expressions and effects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, cast, get_args

from tesuji.domains.logistics.pddl.reader import Group, Node, Word
from tesuji.domains.logistics.pddl.scope import Scope, groups, variables_of, words
from tesuji.domains.logistics.pddl.syntax import (
    EQUALS,
    And,
    Arithmetic,
    Assign,
    Atom,
    Comparator,
    Comparison,
    Effect,
    Expression,
    Formula,
    Not,
    Or,
    Quantified,
    Variable,
)

_Operator = Literal["+", "-", "*", "/"]
_Assignment = Literal["assign", "increase", "decrease", "scale-up", "scale-down"]
Variables = Mapping[str, Variable]


def read_formula(node: Node, scope: Scope, variables: Variables) -> Formula:  # noqa: PLR0911
    """Return a condition."""
    if isinstance(node, Word):
        node.fail(f"expected a condition in brackets, found {node.text!r}")
    if not node.items:
        return And()
    head = node.head()
    rest = node.items[1:]
    if head.text in ("and", "or"):
        parts = tuple(read_formula(part, scope, variables) for part in rest)
        return And(parts) if head.text == "and" else Or(parts)
    if head.text == "not":
        return Not(read_formula(_arguments(node, 1)[0], scope, variables))
    if head.text == "imply":
        left, right = (read_formula(part, scope, variables) for part in _arguments(node, 2))
        return Or((Not(left), right))
    if head.text in ("forall", "exists"):
        listed, part = _arguments(node, 2)
        own = variables_of(groups((listed,))[0].items, scope)
        inner = {**variables, **{variable.name: variable for variable in own}}
        kind = cast("Literal['forall', 'exists']", head.text)
        return Quantified(kind, own, read_formula(part, scope, inner))
    if head.text in get_args(Comparator):
        return _comparison(node, scope, variables)
    return scope.atom(node, variables)


def _comparison(node: Group, scope: Scope, variables: Variables) -> Formula:
    operator = cast("Comparator", node.head().text)
    left, right = _arguments(node, 2)
    if operator == EQUALS and _is_term(left, scope) and _is_term(right, scope):
        terms = words((left, right))
        for term in terms:
            scope.term_types(term, variables)
        return Atom(EQUALS, tuple(term.text for term in terms))
    return Comparison(
        operator,
        read_expression(left, scope, variables),
        read_expression(right, scope, variables),
    )


def _is_term(node: Node, scope: Scope) -> bool:
    return isinstance(node, Word) and number_of(node) is None and node.text not in scope.functions


def read_expression(node: Node, scope: Scope, variables: Variables) -> Expression:
    """Return a numeric expression."""
    if isinstance(node, Word):
        number = number_of(node)
        return scope.fluent(node, variables) if number is None else number
    head = node.head()
    if head.text not in get_args(_Operator):
        return scope.fluent(node, variables)
    parts = tuple(read_expression(part, scope, variables) for part in node.items[1:])
    least = 1 if head.text == "-" else 2
    if len(parts) < least or (len(parts) > 2 and head.text in "-/"):
        node.fail(f"{head.text!r} got {len(parts)} operands")
    return Arithmetic(cast("_Operator", head.text), parts)


def read_effects(  # noqa: PLR0911
    node: Node,
    scope: Scope,
    variables: Variables,
    own: tuple[Variable, ...] = (),
    condition: Formula = And(),  # noqa: B008
) -> list[Effect]:
    """Return what an effect's parts do, each with its variables and condition."""
    group = groups((node,))[0]
    if not group.items:
        return []
    head = group.head()
    if head.text == "and":
        parts = group.items[1:]
        return [e for part in parts for e in read_effects(part, scope, variables, own, condition)]
    if head.text == "forall":
        listed, part = _arguments(group, 2)
        more = variables_of(groups((listed,))[0].items, scope)
        inner = {**variables, **{variable.name: variable for variable in more}}
        return read_effects(part, scope, inner, own + more, condition)
    if head.text == "when":
        guard, part = _arguments(group, 2)
        both = And((condition, read_formula(guard, scope, variables)))
        return read_effects(part, scope, variables, own, both)
    if head.text in get_args(_Assignment):
        target, value = _arguments(group, 2)
        change = Assign(
            cast("_Assignment", head.text),
            scope.fluent(target, variables),
            read_expression(value, scope, variables),
        )
        return [Effect(change, own, condition)]
    if head.text == "not":
        atom = scope.atom(groups(_arguments(group, 1))[0], variables)
        return [Effect(Not(atom), own, condition)]
    return [Effect(scope.atom(group, variables), own, condition)]


def number_of(word: Word) -> float | None:
    """Return the finite number that a word writes, None where it writes none."""
    if word.text[0] not in "0123456789+-.":
        return None
    try:
        number = float(word.text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _arguments(group: Group, count: int) -> tuple[Node, ...]:
    if len(group.items) != count + 1:
        group.fail(
            f"'{group.head().text}' takes {count} argument{'s' * (count > 1)}, "
            f"got {len(group.items) - 1}"
        )
    return group.items[1:]

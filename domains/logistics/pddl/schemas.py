"""Action schemas without quantifiers and disjunctions, ready to be grounded.

Quantifiers are written out over the objects of their types; a precondition that is a disjunction
makes one schema of the same name for each way to meet it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from tesuji.domains.logistics.pddl.reader import PddlError
from tesuji.domains.logistics.pddl.syntax import (
    Action,
    And,
    Arithmetic,
    Assign,
    Atom,
    Comparator,
    Comparison,
    Expression,
    Formula,
    Not,
    Or,
    Quantified,
    Task,
    Variable,
)

MAX_CASES = 4096
_OPPOSITE: dict[str, Comparator] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(frozen=True, slots=True)
class Literals:
    """A conjunction: atoms that hold, atoms that do not, and comparisons of numbers."""

    true: tuple[Atom, ...] = ()
    false: tuple[Atom, ...] = ()
    numeric: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """An effect that happens where its condition holds before the action."""

    what: Atom | Not | Assign
    when: Literals


@dataclass(frozen=True, slots=True)
class Schema:
    """An action with one conjunctive precondition."""

    name: str
    parameters: tuple[Variable, ...]
    arity: int  # parameters that the user named; those after them stand for quantified variables
    before: Literals
    changes: tuple[Change, ...]


def make_schemas(task: Task) -> list[Schema]:
    """Return the schemas of all actions of a task, the goal's not among them."""
    return [schema for action in task.actions for schema in _schemas_of(action, task)]


def _schemas_of(action: Action, task: Task) -> Iterator[Schema]:
    formula, extra = _lift_exists(action.precondition, ())
    changes = tuple(
        Change(_substitute_change(effect.change, binding), case)
        for effect in action.effects
        for binding in _bindings(effect.variables, task)
        for case in cases(_substitute(effect.condition, binding), task, f"action {action.name}")
    )
    for case in cases(formula, task, f"action {action.name}"):
        parameters = action.parameters + extra
        yield Schema(action.name, parameters, len(action.parameters), case, changes)


def _lift_exists(
    formula: Formula, extra: tuple[Variable, ...]
) -> tuple[Formula, tuple[Variable, ...]]:
    # An `exists` that is not below a negation or a disjunction is a parameter more.
    if isinstance(formula, And):
        parts: list[Formula] = []
        for part in formula.parts:
            lifted, extra = _lift_exists(part, extra)
            parts.append(lifted)
        return And(tuple(parts)), extra
    if isinstance(formula, Quantified) and formula.kind == "exists":
        # Renamed, so that it cannot meet a parameter of its name.
        fresh = {v.name: f"{v.name}#{len(extra) + i}" for i, v in enumerate(formula.variables)}
        own = tuple(replace(v, name=fresh[v.name]) for v in formula.variables)
        return _lift_exists(_substitute(formula.part, fresh), extra + own)
    return formula, extra


def cases(formula: Formula, task: Task, where: str) -> list[Literals]:
    """Return the conjunctions of which one must hold for `formula` to hold.

    Raises:
        PddlError: there are more than `MAX_CASES`.
    """
    found = _cases(_positive(formula, task, truth=True), where)
    return [case for case in found if not set(case.true) & set(case.false)]


def _cases(formula: Formula, where: str) -> list[Literals]:
    if isinstance(formula, Or):
        found = [case for part in formula.parts for case in _cases(part, where)]
    elif isinstance(formula, And):
        found = [Literals()]
        for part in formula.parts:
            found = [_join(a, b) for a, b in product(found, _cases(part, where))]
            if len(found) > MAX_CASES:
                break
    elif isinstance(formula, Not):
        assert isinstance(formula.part, Atom)
        found = [Literals(false=(formula.part,))]
    elif isinstance(formula, Comparison):
        found = [Literals(numeric=(formula,))]
    else:
        assert isinstance(formula, Atom)
        found = [Literals(true=(formula,))]
    if len(found) > MAX_CASES:
        raise PddlError(
            f"{where}: a condition has more than {MAX_CASES} cases once its quantifiers and "
            "disjunctions are written out; use a predicate that says what it means"
        )
    return found


def _join(a: Literals, b: Literals) -> Literals:
    return Literals(
        tuple(dict.fromkeys(a.true + b.true)),
        tuple(dict.fromkeys(a.false + b.false)),
        tuple(dict.fromkeys(a.numeric + b.numeric)),
    )


def _positive(formula: Formula, task: Task, *, truth: bool) -> Formula:  # noqa: PLR0911
    """Return `formula`, negated unless `truth`, with negations at atoms only, no quantifiers."""
    if isinstance(formula, Not):
        return _positive(formula.part, task, truth=not truth)
    if isinstance(formula, And | Or):
        parts = tuple(_positive(part, task, truth=truth) for part in formula.parts)
        return And(parts) if isinstance(formula, And) == truth else Or(parts)
    if isinstance(formula, Quantified):
        parts = tuple(
            _positive(_substitute(formula.part, binding), task, truth=truth)
            for binding in _bindings(formula.variables, task)
        )
        return And(parts) if (formula.kind == "forall") == truth else Or(parts)
    if truth:
        return formula
    if isinstance(formula, Comparison):
        if formula.operator == "=":
            sides = formula.left, formula.right
            return Or((Comparison("<", *sides), Comparison(">", *sides)))
        return replace(formula, operator=_OPPOSITE[formula.operator])
    return Not(formula)


def _bindings(variables: Sequence[Variable], task: Task) -> Iterator[dict[str, str]]:
    choices = [task.objects_of(variable.types) for variable in variables]
    for objects in product(*choices):
        yield {v.name: name for v, name in zip(variables, objects, strict=True)}


def _substitute(formula: Formula, binding: Mapping[str, str]) -> Formula:
    if not binding:
        return formula
    if isinstance(formula, Atom):
        return _substitute_atom(formula, binding)
    if isinstance(formula, Not):
        return Not(_substitute(formula.part, binding))
    if isinstance(formula, And | Or):
        return type(formula)(tuple(_substitute(part, binding) for part in formula.parts))
    if isinstance(formula, Quantified):
        own = {variable.name for variable in formula.variables}
        rest = {name: value for name, value in binding.items() if name not in own}
        return replace(formula, part=_substitute(formula.part, rest))
    return replace(
        formula,
        left=_substitute_expression(formula.left, binding),
        right=_substitute_expression(formula.right, binding),
    )


def _substitute_atom(atom: Atom, binding: Mapping[str, str]) -> Atom:
    return Atom(atom.name, tuple(binding.get(term, term) for term in atom.terms))


def _substitute_expression(expression: Expression, binding: Mapping[str, str]) -> Expression:
    if isinstance(expression, Atom):
        return _substitute_atom(expression, binding)
    if isinstance(expression, Arithmetic):
        parts = tuple(_substitute_expression(part, binding) for part in expression.parts)
        return replace(expression, parts=parts)
    return expression


def _substitute_change(
    change: Atom | Not | Assign, binding: Mapping[str, str]
) -> Atom | Not | Assign:
    if isinstance(change, Assign):
        return Assign(
            change.operator,
            _substitute_atom(change.target, binding),
            _substitute_expression(change.value, binding),
        )
    if isinstance(change, Not):
        assert isinstance(change.part, Atom)
        return Not(_substitute_atom(change.part, binding))
    return _substitute_atom(change, binding)

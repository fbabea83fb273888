"""Does a plan do what its task asks? Decided by the text of the task alone.

Formulas and effects are evaluated as PDDL defines them, one action after the other, on sets of
atoms and a table of numbers. Nothing of grounding or search is used.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tesuji.domains.logistics.pddl.reader import PddlError
from tesuji.domains.logistics.pddl.syntax import (
    EQUALS,
    TOTAL_COST,
    TOTAL_TIME,
    Action,
    And,
    Arithmetic,
    Assign,
    Atom,
    Comparison,
    Effect,
    Expression,
    Formula,
    Not,
    Or,
    Quantified,
    Task,
    Variable,
)
from tesuji.domains.logistics.text_files import read_text

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip
Step = tuple[str, ...]  # an action's name and its objects


class PlanFault(ValueError):
    """Why a plan is not valid: which step, and what does not hold.

    Attributes:
        step: the number of the step that cannot be done, from 1; None where another thing is wrong.
    """

    def __init__(self, message: str, step: int | None = None) -> None:
        super().__init__(message)
        self.step = step


@dataclass
class World:
    """A state as the text has it: the atoms that hold, and numbers."""

    atoms: set[Atom]
    numbers: dict[Atom, float]


def validate_plan(task: Task, plan: Sequence[Step]) -> float:
    """Return what a plan costs by the task's metric; the number of actions where there is none.

    Args:
        task: what is to be done.
        plan: actions in order, each its name and its objects.

    Raises:
        PlanFault: an action that the task does not have, one whose precondition does not hold when
            its turn comes, or a goal that does not hold at the end.
    """
    *_, (world, _) = walk(task, plan)
    if not _holds(task.goal, {}, task, world):
        raise PlanFault(f"after the last step the goal does not hold: {_missing(task, world)}")
    if task.metric is None:
        return float(len(plan))
    return _value(task.metric, {}, world)


def walk(task: Task, plan: Sequence[Step]) -> Iterator[tuple[World, Step | None]]:
    """Yield the state before each step and the step, and the state at the end; see `validate_plan`.

    The same world is yielded each time, changed in place.
    """
    world = World(set(task.init), {Atom(TOTAL_COST): 0.0, **task.numbers, Atom(TOTAL_TIME): 0.0})
    actions = {action.name: action for action in task.actions}
    for number, step in enumerate(plan, 1):
        yield world, step
        try:
            if not step or step[0] not in actions:
                raise PlanFault("the domain has no such action")
            _do(task, world, actions[step[0]], step[1:])
        except PlanFault as fault:
            raise PlanFault(f"step {number}, ({' '.join(step)}): {fault}", number) from None
        world.numbers[Atom(TOTAL_TIME)] += 1.0
    yield world, None


def _do(task: Task, world: World, action: Action, objects: Step) -> None:
    if len(objects) != len(action.parameters):
        raise PlanFault(f"{action.name} takes {len(action.parameters)} objects")
    binding: dict[str, str] = {}
    for variable, name in zip(action.parameters, objects, strict=True):
        if name not in task.objects_of(variable.types):
            raise PlanFault(f"{name} is not a {' or a '.join(variable.types)}")
        binding[variable.name] = name
    if not _holds(action.precondition, binding, task, world):
        raise PlanFault("its precondition does not hold")
    added: set[Atom] = set()
    deleted: set[Atom] = set()
    changed: dict[Atom, float] = {}
    for effect, own in _happening(action.effects, binding, task, world):
        if isinstance(effect.change, Assign):
            target = _ground(effect.change.target, own)
            before = changed.get(target, world.numbers.get(target))
            value = _value(effect.change.value, own, world)
            changed[target] = _assigned(effect.change.operator, before, value, target)
        elif isinstance(effect.change, Not):
            assert isinstance(effect.change.part, Atom)
            deleted.add(_ground(effect.change.part, own))
        else:
            added.add(_ground(effect.change, own))
    world.atoms -= deleted
    world.atoms |= added
    world.numbers.update(changed)


def _happening(
    effects: Sequence[Effect], binding: Mapping[str, str], task: Task, world: World
) -> Iterator[tuple[Effect, dict[str, str]]]:
    for effect in effects:
        for more in _bindings(effect.variables, task):
            own = {**binding, **more}
            if _holds(effect.condition, own, task, world):
                yield effect, own


def _assigned(how: str, before: float | None, value: float, target: Atom) -> float:
    if how == "assign":
        return value
    if before is None:
        raise PlanFault(f"{target} has no value yet")
    if how == "increase":
        return before + value
    if how == "decrease":
        return before - value
    return before * value if how == "scale-up" else before / value


def _bindings(variables: Sequence[Variable], task: Task) -> Iterator[dict[str, str]]:
    for names in product(*(task.objects_of(variable.types) for variable in variables)):
        yield {v.name: name for v, name in zip(variables, names, strict=True)}


def _ground(atom: Atom, binding: Mapping[str, str]) -> Atom:
    return Atom(atom.name, tuple(binding.get(term, term) for term in atom.terms))


def _holds(  # noqa: PLR0911
    formula: Formula, binding: Mapping[str, str], task: Task, world: World
) -> bool:
    match formula:
        case Atom():
            atom = _ground(formula, binding)
            if atom.name == EQUALS:
                return atom.terms[0] == atom.terms[1]
            return atom in world.atoms
        case Not(part):
            return not _holds(part, binding, task, world)
        case And(parts):
            return all(_holds(part, binding, task, world) for part in parts)
        case Or(parts):
            return any(_holds(part, binding, task, world) for part in parts)
        case Quantified(kind, variables, part):
            truths = (
                _holds(part, {**binding, **more}, task, world)
                for more in _bindings(variables, task)
            )
            return all(truths) if kind == "forall" else any(truths)
        case Comparison(how, left, right):
            return _COMPARE[how](_value(left, binding, world), _value(right, binding, world))


def _value(expression: Expression, binding: Mapping[str, str], world: World) -> float:
    if isinstance(expression, Atom):
        fluent = _ground(expression, binding)
        if fluent not in world.numbers:
            raise PlanFault(f"{fluent} has no value")
        return world.numbers[fluent]
    if isinstance(expression, Arithmetic):
        values = [_value(part, binding, world) for part in expression.parts]
        if expression.operator == "-" and len(values) == 1:
            return -values[0]
        result = values[0]
        for value in values[1:]:
            if expression.operator == "+":
                result += value
            elif expression.operator == "-":
                result -= value
            elif expression.operator == "*":
                result *= value
            elif value == 0.0:
                raise PlanFault("a division by zero")
            else:
                result /= value
        return result
    return expression


def _missing(task: Task, world: World) -> str:
    parts = task.goal.parts if isinstance(task.goal, And) else (task.goal,)
    open_parts = [part for part in parts if not _holds(part, {}, task, world)]
    named = [str(part) if isinstance(part, Atom) else "a condition" for part in open_parts]
    rest = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return ", ".join(named[:3]) + rest


def load_plan(path: str | Path) -> list[Step]:
    """Read a plan; see `parse_plan`.

    Raises:
        PddlError: the file cannot be read.
        PlanFault: it is no plan; it says where.
    """
    try:
        return parse_plan(read_text(path, PddlError))
    except PlanFault as fault:
        raise PlanFault(f"{path}, {fault}") from None


def parse_plan(text: str) -> list[Step]:
    """Return the steps of a plan as planners write them: `(move a b)` a line, `;` for remarks.

    Raises:
        PlanFault: a line that is no step.
    """
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition(";")[0].strip().lower()
        if not words:
            continue
        if not (words.startswith("(") and words.endswith(")")):
            raise PlanFault(f"line {number}: expected (ACTION OBJECT ...), found {words[:60]!r}")
        steps.append(tuple(words[1:-1].split()))
    return steps

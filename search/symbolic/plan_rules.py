"""Side constraints of plans: z3 expressions over the atoms, numbers and actions of a PDDL task.

A constraint that mentions an action is a *guard*, asked of the state before every action; any other
is an *invariant*, asked of every state. Both are read and decided here; `plan_programs.py` compiles
them for the search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import z3

from tesuji.domains.logistics.pddl.syntax import Atom, Task, Variable
from tesuji.search.symbolic import symbols as symbolic
from tesuji.search.symbolic.cores import Cores, SolverBudget, Verdict
from tesuji.search.symbolic.operators import UnknownNameError
from tesuji.search.symbolic.smt_text import claims, script
from tesuji.search.symbolic.terms import MAIN

ANY = "_"  # an object in an action that may be any
Numbers = Mapping[Atom, float]


class TaskSymbols:
    """The names of a task as z3 terms.

    In text `at(truck1, depot)`, `fuel(truck1)`, `do_drive(truck1, _, depot)`, with underscores for
    dashes; in Python `atom`, `number` and `action`, which take names as PDDL writes them.

    Attributes:
        functions: what a name in text makes of the names of objects.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.variables: dict[str, symbolic.Variable] = {}  # there are no names without brackets
        self._objects = {_plain(name): name for name in task.objects}
        self._actions = {action.name: action.parameters for action in task.actions}
        self.functions: dict[str, Callable[[Sequence[str]], Any]] = {}
        for number in task.functions:
            self.functions[_plain(number)] = partial(self._call, self.number, number)
        for name in task.predicates:
            self.functions[_plain(name)] = partial(self._call, self.atom, name)
        for name in self._actions:
            self.functions[f"do_{_plain(name)}"] = partial(self._call, self.action, name)

    def _call(self, make: Callable[..., Any], name: str, objects: Sequence[str]) -> Any:
        return make(name, *(self._objects.get(_plain(word), word) for word in objects))

    def atom(self, name: str, *objects: str) -> z3.BoolRef:
        """Return whether an atom holds."""
        self._check("predicate", name, self.task.predicates, objects)
        return z3.Bool(str(Atom(name, objects)))

    def number(self, name: str, *objects: str) -> z3.ArithRef:
        """Return the value of a number."""
        self._check("function", name, self.task.functions, objects)
        return z3.Real(str(Atom(name, objects)))

    def action(self, name: str, *objects: str) -> z3.BoolRef:
        """Return whether an action, with any object where `_` stands, is the one to be done."""
        self._check("action", name, self._actions, objects, free=True)
        return z3.Bool(f"[{' '.join((name, *objects))}]")

    def _check(
        self, what: str, name: str, table: Mapping[str, tuple[Variable, ...]],
        objects: Sequence[str], free: bool = False,
    ) -> None:  # fmt: skip
        if name not in table:
            raise UnknownNameError(f"the task has no {what} {name!r}")
        parameters = table[name]
        if len(objects) != len(parameters):
            raise UnknownNameError(f"{name} takes {len(parameters)} objects, got {len(objects)}")
        for word, parameter in zip(objects, parameters, strict=True):
            if free and word == ANY:
                continue
            if word not in self.task.objects:
                raise UnknownNameError(f"{name}: the task has no object {word!r}")
            if word not in self.task.objects_of(parameter.types):
                kinds = " or a ".join(parameter.types)
                raise UnknownNameError(f"{name}: {word} is not a {kinds}")


class SideConstraints:
    """Named constraints of one task.

    Args:
        task: the task.
        named: expressions over `TaskSymbols(task)`, by name.

    Attributes:
        atoms: that they speak of.
        numbers: that they speak of.
    """

    def __init__(self, task: Task, named: Mapping[str, z3.BoolRef]) -> None:
        self.task = task
        self.names = list(named)
        self.expressions = list(named.values())
        with MAIN:
            self._constants = [constants(expression) for expression in self.expressions]
        everything = [name for own in self._constants for name in own]
        self.atoms = {_atom(name) for name, real in everything if not real and name[0] == "("}
        self.numbers = {_atom(name) for name, real in everything if real}
        self.is_guard = [any(name[0] == "[" for name, _ in own) for own in self._constants]
        self._known: dict[tuple[Any, ...], bool] = {}

    def values(self, index: int, atoms: frozenset[Atom] | set[Atom], numbers: Numbers) -> Any:
        """Return what a constraint's atoms and numbers are worth, None for actions."""
        found: list[bool | float | None] = []
        for name, real in self._constants[index]:
            if name[0] == "[":
                found.append(None)
            else:
                atom = _atom(name)
                found.append(numbers.get(atom) if real else atom in atoms)
        return tuple(found)

    def broken(
        self, atoms: frozenset[Atom] | set[Atom], numbers: Numbers, step: Sequence[str] | None
    ) -> Iterator[str]:
        """Yield the names of what does not hold in a state, or of an action in it.

        Decided by z3's arithmetic on the expressions themselves; nothing compiled is used.

        Args:
            atoms: that hold.
            numbers: values.
            step: the action to be done; None asks the invariants.
        """
        for i, name in enumerate(self.names):
            if self.is_guard[i] != (step is not None):
                continue
            values = list(self.values(i, atoms, numbers))
            for k, (pattern, _) in enumerate(self._constants[i]):
                if pattern[0] == "[":
                    assert step is not None
                    values[k] = matches(pattern, step)
            key = (i, *values)
            if key not in self._known:
                self._known[key] = self._decide(i, values)
            if not self._known[key]:
                yield name

    def _decide(self, index: int, values: Sequence[bool | float | None]) -> bool:
        if None in values:
            return False  # a number that has no value
        with MAIN:
            pairs = []
            for (name, real), value in zip(self._constants[index], values, strict=True):
                if real:
                    assert value is not None
                    exact = Fraction(value)
                    term = z3.RatVal(exact.numerator, exact.denominator)
                    pairs.append((z3.Real(name), term))
                else:
                    pairs.append((z3.Bool(name), z3.BoolVal(bool(value))))
            return bool(z3.is_true(z3.simplify(z3.substitute(self.expressions[index], *pairs))))

    def contradiction(self, limits: Sequence[Sequence[Atom]], goal: Sequence[Atom]) -> str | None:
        """Return why no state, or none at the goal, can keep the invariants; None if one can.

        Args:
            limits: groups of atoms of which at most one holds.
            goal: atoms that must hold at the end.
        """
        own = [i for i, guard in enumerate(self.is_guard) if not guard]
        if not own:
            return None
        with MAIN:
            facts = [
                z3.AtMost(*(z3.Bool(str(atom)) for atom in group), 1)
                for group in limits
                if len(group) > 1
            ]
            text = claims([self.expressions[i] for i in own])
            wanted = [z3.Bool(str(atom)) for atom in goal if atom in self.atoms or facts]
            background, at_goal = script(facts), script([*facts, *wanted])
        asked = ("no state keeps", background), ("no state at the goal keeps", at_goal)
        for where, given in asked:
            verdict, core = Cores(text, len(own), given, SolverBudget()).find()
            if verdict is Verdict.REFUSED:
                return f"{where} {' and '.join(repr(self.names[own[i]]) for i in core)}"
        return None


def constants(expression: z3.BoolRef) -> tuple[tuple[str, bool], ...]:
    """Return the names in an expression, and whether each is a number, in one order for ever."""
    found: dict[str, bool] = {}
    stack, seen = [expression], set()
    while stack:
        term = stack.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if z3.is_const(term) and term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            found[term.decl().name()] = not z3.is_bool(term)
        stack += term.children()
    return tuple(sorted(found.items()))


def matches(pattern: str, step: Sequence[str]) -> bool:
    """Return whether a step is as a pattern `[drive truck1 _ b]` has it."""
    words = pattern[1:-1].split()
    return len(words) == len(step) and all(
        word in (own, ANY) for word, own in zip(words, step, strict=True)
    )


def _atom(name: str) -> Atom:
    head, *terms = name[1:-1].split()
    return Atom(head, tuple(terms))


def _plain(name: str) -> str:
    return name.replace("-", "_")

"""What the verifier of plans knows of PDDL: a reader of its own, which shares nothing.

A fault in the planner's reader thus cannot make a wrong certificate look right. A *literal* is a
number: 2 a for atom `a`, 2 a + 1 for its negation. Conditions become cases, sets of literals of
which one must hold.
"""

from __future__ import annotations

import operator
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

from tesuji.engine.errors import UnprovenError

_MAX_CASES = 4096
_TOKEN = re.compile(r";[^\n]*|[()]|\??[^\s();?]+|\?")
_COMPARE = {
    "<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip
_PLAIN = ("domain", "problem", ":domain", ":requirements", ":predicates", ":functions")
CHANGES = {"increase", "decrease", "assign", "scale-up", "scale-down"}

Atom = tuple[str, ...]
Case = frozenset[int]
Binding = Mapping[str, str]
Variables = dict[str, list[str]]  # with their types


class PlanProofFault(UnprovenError):
    """What a certificate of a plan claims does not follow from it."""


class Action(NamedTuple):
    """An action as it was read."""

    name: str
    parameters: list[tuple[str, list[str]]]
    before: Any
    effects: list[tuple[Variables, Any, Any]]  # variables, condition, change
    needs: list[Atom]  # atoms that `before` asks for plainly


def _parse(text: str, what: str) -> list[Any]:
    stack: list[list[Any]] = [[]]
    for token in _TOKEN.findall(text.lower()):
        if token == "(":
            stack[-1].append([])
            stack.append(stack[-1][-1])
        elif token == ")":
            stack.pop()
        elif token[0] != ";":
            stack[-1].append(token)
    if len(stack) != 1 or len(stack[0]) != 1 or stack[0][0][:1] != ["define"]:
        raise PlanProofFault(f"the {what} is not one (define ...)")
    return list(stack[0][0][1:])


def typed(items: list[Any]) -> list[tuple[str, list[str]]]:
    """Return the names of a typed list, each with its types."""
    found: list[tuple[str, list[str]]] = []
    waiting: list[str] = []
    rest = iter(items)
    for item in rest:
        if item != "-":
            waiting.append(item)
            continue
        kind = next(rest)
        found += [(name, kind[1:] if isinstance(kind, list) else [kind]) for name in waiting]
        waiting = []
    return found + [(name, ["object"]) for name in waiting]


@dataclass
class PlanningText:
    """A domain and a problem; `PlanProofFault` says what in them is not known."""

    domain: str
    problem: str

    def __post_init__(self) -> None:
        self.init: set[Atom] = set()
        self._parents: dict[str, set[str]] = defaultdict(set)
        self._kinds: dict[str, set[str]] = defaultdict(set)
        self._values: dict[Atom, Fraction] = {}
        self._goal: Any = ["and"]
        self.metric: dict[Atom, Fraction] | None = None
        self.actions: dict[str, Action] = {}
        self.numbers: dict[Atom, int] = {}
        self.atoms: list[Atom] = []
        self._read(_parse(self.domain, "domain") + _parse(self.problem, "problem"))
        changes = [change for a in self.actions.values() for _, _, change in a.effects]
        self._changing = {_words(c[1])[0] for c in changes if c[0] in CHANGES}
        self.fluent = {
            (change[1] if change[0] == "not" else change)[0]
            for change in changes
            if change[0] not in CHANGES
        }
        self.goal = self.cases(self._goal, {}, True)

    def _read(self, sections: list[Any]) -> None:  # noqa: PLR0912
        of = {section[0]: section[1] for section in sections if section[0] in _PLAIN[:3]}
        self.names = of["domain"], of["problem"]
        if of[":domain"] != of["domain"]:
            raise PlanProofFault(f"the problem is of domain {of[':domain']!r}")
        for section in sections:
            match section[0]:
                case ":types":
                    for name, types in typed(section[1:]):
                        self._parents[name].update(types)
                case ":constants" | ":objects":
                    for name, types in typed(section[1:]):
                        self._kinds[name].update(types)
                case ":action":
                    self._read_action(section)
                case ":init":
                    self._read_init(section[1:])
                case ":goal":
                    self._goal = section[1]
                case ":metric":
                    if section[1] != "minimize":
                        raise PlanProofFault("only metrics to be minimised are known")
                    self.metric = defaultdict(Fraction)
                    for fluent, factor in _linear(section[2], Fraction(1)):
                        self.metric[fluent] += factor
                case name if name not in _PLAIN:
                    raise PlanProofFault(f"{name} is not known to the verifier")
        self.objects = {name: self._ancestors(kinds) for name, kinds in self._kinds.items()}
        for fluent in self.metric or ():
            if self._values.get(fluent, 0):
                raise PlanProofFault("the metric does not begin at 0")

    def _ancestors(self, kinds: set[str]) -> set[str]:
        found = {"object", *kinds}
        while more := {parent for kind in found for parent in self._parents[kind]} - found:
            found |= more
        return found

    def _read_action(self, section: list[Any]) -> None:
        parts = dict(zip(section[2::2], section[3::2], strict=True))
        before = parts.get(":precondition") or ["and"]
        effects = list(_effects(parts.get(":effect", []), {}, ["and"]))
        needs = [tuple(part) for part in _conjuncts(before)]
        name, parameters = section[1], typed(parts.get(":parameters", []))
        if name in self.actions:
            raise PlanProofFault(f"two actions are called {name}")
        self.actions[name] = Action(name, parameters, before, effects, needs)

    def _read_init(self, facts: list[Any]) -> None:
        for fact in facts:
            if fact[0] == "=":
                self._values[tuple(_words(fact[1]))] = Fraction(fact[2])
            elif fact[0] != "not":
                self.init.add(tuple(fact))

    def number(self, atom: Atom) -> int:
        """Return the number of an atom; a new one for a new atom."""
        if atom not in self.numbers:
            self.numbers[atom] = len(self.atoms)
            self.atoms.append(atom)
        return self.numbers[atom]

    def literal(self, text: str) -> int:
        """Return the literal that `(p a b)` or `(not (p a b))` names."""
        words = text.replace("(", " ").replace(")", " ").split()
        negated = words[:1] == ["not"]
        return 2 * self.number(tuple(words[negated:])) + negated

    def value(self, part: Any, binding: Binding) -> Fraction | None:
        """Return a number that never changes; None where the problem does not give it."""
        if isinstance(part, str) and _is_number(part):
            return Fraction(part)
        words = _words(part)
        if words[0] in ("+", "-", "*", "/"):
            raise PlanProofFault("arithmetic in actions is not known to the verifier")
        if words[0] in self._changing:
            raise PlanProofFault(f"{words[0]} changes; the verifier knows constant numbers only")
        return self._values.get(tuple(binding.get(word, word) for word in words))

    def cases(self, part: Any, binding: Binding, truth: bool) -> list[Case]:
        """Return the cases in which a condition is `truth`."""
        head = part[0] if part else "and"
        if head == "not":
            return self.cases(part[1], binding, not truth)
        if head == "imply":
            part, head = ["or", ["not", part[1]], part[2]], "or"
        if head in ("and", "or"):
            return self._combine([(p, binding) for p in part[1:]], (head == "and") == truth, truth)
        if head in ("forall", "exists"):
            each: list[tuple[Any, Binding]] = [
                (part[2], own) for own in self.bindings(typed(part[1]), binding)
            ]
            return self._combine(each, (head == "forall") == truth, truth)
        if head in _COMPARE:
            known = self._compare(head, part[1:], binding)
            return [frozenset()] if known == truth else []
        atom = tuple(binding.get(term, term) for term in part)
        if head not in self.fluent:
            return [frozenset()] if (atom in self.init) == truth else []
        return [frozenset((2 * self.number(atom) + (not truth),))]

    def _compare(self, head: str, sides: list[Any], binding: Binding) -> bool | None:
        # None where a number is not given.
        names = [binding.get(side, side) for side in sides if isinstance(side, str)]
        if head == "=" and len(names) == 2 and self.objects.keys() >= set(names):
            return bool(names[0] == names[1])
        left, right = (self.value(side, binding) for side in sides)
        return None if left is None or right is None else bool(_COMPARE[head](left, right))

    def _combine(self, parts: list[tuple[Any, Binding]], all_of: bool, truth: bool) -> list[Case]:
        each = (self.cases(part, binding, truth) for part, binding in parts)
        if not all_of:
            return list(dict.fromkeys(case for cases in each for case in cases))
        found: list[Case] = [frozenset()]
        for cases in each:
            if cases == [frozenset()]:
                continue
            found = [a | b for a, b in product(found, cases)]
            if len(found) > _MAX_CASES:
                raise PlanProofFault("a condition has too many cases for the verifier")
        return list(dict.fromkeys(case for case in found if not any(v ^ 1 in case for v in case)))

    def bindings(
        self, variables: list[tuple[str, list[str]]], binding: Binding
    ) -> Iterator[dict[str, str]]:
        """Yield `binding` with each choice of objects for `variables`."""
        choices = [
            [o for o, own in self.objects.items() if own & {*types}] for _, types in variables
        ]
        for objects in product(*choices):
            yield {**binding, **dict(zip((name for name, _ in variables), objects, strict=True))}


def _effects(part: Any, variables: Variables, when: Any) -> Iterator[tuple[Variables, Any, Any]]:
    match part[0] if part else "and":
        case "and":
            for item in part[1:]:
                yield from _effects(item, variables, when)
        case "forall":
            yield from _effects(part[2], {**variables, **dict(typed(part[1]))}, when)
        case "when":
            yield from _effects(part[2], variables, ["and", when, part[1]])
        case _:
            yield variables, when, part


def _linear(part: Any, factor: Fraction) -> Iterator[tuple[Atom, Fraction]]:
    # The fluents of a weighted sum, each with its factor; constants are left out.
    if part[0] == "+":
        for item in part[1:]:
            yield from _linear(item, factor)
    elif part[0] == "*" and _is_number(part[1]):
        yield from _linear(part[2], factor * Fraction(part[1]))
    elif part[0] in "-/*":
        raise PlanProofFault("only metrics that add up fluents are known to the verifier")
    elif not _is_number(part):
        yield tuple(_words(part)), factor


def _is_number(word: Any) -> bool:
    return isinstance(word, str) and re.fullmatch(r"-?\d+(\.\d+)?", word) is not None


def _words(fluent: Any) -> Any:
    return [fluent] if isinstance(fluent, str) else fluent


def _conjuncts(part: Any) -> Iterator[Any]:
    if part and part[0] == "and":
        for item in part[1:]:
            yield from _conjuncts(item)
    elif part and part[0] not in ("not", "or", "imply", "forall", "exists", *_COMPARE):
        yield part

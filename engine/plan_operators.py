"""The ground operators of a text that the verifier of plans reads.

Kept are those that can be reached if nothing ever becomes false (negated literals count as
reached): a plan can use no others.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any, NamedTuple

from tesuji.engine.plan_reading import CHANGES, Atom, Binding, Case, PlanningText, PlanProofFault

MAX_OPERATORS = 2_000_000


class Operator(NamedTuple):
    """One way to do one ground action.

    Attributes:
        name: the action and its objects.
        before: literals that must hold.
        effects: literals that become true, each with the cases in which it does.
        cost: what it adds to the metric.
    """

    name: Atom
    before: Case
    effects: tuple[tuple[int, tuple[Case, ...]], ...]
    cost: Fraction


def instances(text: PlanningText, name: str, objects: tuple[str, ...]) -> list[Operator]:
    """Return the ways to do an action; none where it has none or its cost is not given."""
    action = text.actions.get(name)
    if action is None:
        return []
    binding = dict(zip((name for name, _ in action.parameters), objects, strict=True))
    if any(text.objects.get(binding[v], set()).isdisjoint(own) for v, own in action.parameters):
        return []
    if not (cases := text.cases(action.before, binding, True)):
        return []
    effects: dict[int, list[Case]] = defaultdict(list)
    cost: Fraction | None = Fraction(1)
    if text.metric is not None:
        cost = text.metric.get(("total-time",), Fraction(0))
    for variables, when, change in action.effects:
        for own in text.bindings(list(variables.items()), binding) if variables else (binding,):
            if change[0] in CHANGES:
                cost = _with(text, cost, when, change, own)
                continue
            ((literal,),) = text.cases(change, own, True)
            if happens := text.cases(when, own, True):
                effects[literal] += happens
    if cost is None:
        return []
    made = tuple((made, tuple(when)) for made, when in effects.items())
    return [Operator((name, *objects), case, made, cost) for case in cases]


def _with(
    text: PlanningText, cost: Fraction | None, when: Any, change: Any, binding: Binding
) -> Fraction | None:
    # The cost with that of one change of a number.
    target = [change[1]] if isinstance(change[1], str) else change[1]
    factor = (text.metric or {}).get(tuple(binding.get(word, word) for word in target), 0)
    if not factor or cost is None:
        return cost
    if change[0] != "increase" or text.cases(when, binding, True) != [frozenset()]:
        raise PlanProofFault("the metric does not simply increase")
    value = text.value(change[2], binding)
    if value is not None and value * factor < 0:
        raise PlanProofFault("an action has a cost below 0")
    return None if value is None else cost + factor * value


class Reach:
    """All atoms and operators that can be reached if nothing ever becomes false.

    Attributes:
        operators: each with the cases of its effects that can be reached.
    """

    def __init__(self, text: PlanningText) -> None:
        self._text = text
        self._seen: set[Atom] = set()
        self._found: list[Operator] = []
        self._waiting: dict[int, list[tuple[Operator, int | None, Case]]] = defaultdict(list)
        self._index: dict[tuple[str, int, str], list[Atom]] = defaultdict(list)
        self._queue: list[Atom] = []
        self.atoms: set[int] = set()
        users = defaultdict(list)
        for action in text.actions.values():
            for i, need in enumerate(action.needs):
                if need[0] in text.fluent:
                    others = [*action.needs[:i], *action.needs[i + 1 :]]
                    users[need[0]].append((action, need, others))
        for atom in sorted(text.init):
            if atom[0] in text.fluent:
                self._reach(2 * text.number(atom))
            else:
                self._enter(atom)
        for action in text.actions.values():
            if not any(need[0] in text.fluent for need in action.needs):
                self._join(action, {}, action.needs)
        while self._queue:
            atom = self._queue.pop()
            self._enter(atom)
            for action, need, others in users[atom[0]]:
                binding = _match(need, atom, {})
                if binding is not None:
                    self._join(action, binding, others)
        self.operators = [self._pruned(operator) for operator in self._found]

    def has(self, case: Case) -> bool:
        """Return whether a case can be reached."""
        return all(literal & 1 or literal in self.atoms for literal in case)

    def _pruned(self, operator: Operator) -> Operator:
        cut = ((made, tuple(filter(self.has, cases))) for made, cases in operator.effects)
        return operator._replace(effects=tuple((made, cases) for made, cases in cut if cases))

    def _enter(self, atom: Atom) -> None:
        for place, thing in enumerate(atom):
            self._index[atom[0], place, thing].append(atom)

    def _reach(self, literal: int) -> None:
        if literal & 1 or literal in self.atoms:
            return
        self.atoms.add(literal)
        self._queue.append(self._text.atoms[literal >> 1])
        for operator, made, case in self._waiting.pop(literal, ()):
            self._settle(operator, made, case)

    def _settle(self, operator: Operator, made: int | None, case: Case) -> None:
        # Do what happens where `case` holds: make an effect true, or the operator itself.
        for literal in case:
            if not literal & 1 and literal not in self.atoms:
                self._waiting[literal].append((operator, made, case))
                return
        if made is not None:
            self._reach(made)
            return
        self._found.append(operator)
        for effect, cases in operator.effects:
            for own in cases:
                self._settle(operator, effect, own)

    def _join(self, action: Any, binding: dict[str, str], needs: list[Atom]) -> None:
        # Find the objects for which all of `needs` hold, the rarest first.
        if not needs:
            unbound = [(name, types) for name, types in action.parameters if name not in binding]
            for whole in self._text.bindings(unbound, binding):
                self._ground(action.name, tuple(whole[name] for name, _ in action.parameters))
            return
        rarest = min(range(len(needs)), key=lambda i: len(self._candidates(needs[i], binding)))
        others = needs[:rarest] + needs[rarest + 1 :]
        for atom in self._candidates(needs[rarest], binding):
            more = _match(needs[rarest], atom, binding)
            if more is not None:
                self._join(action, more, others)

    def _candidates(self, need: Atom, binding: Binding) -> list[Atom]:
        things = [(place, binding.get(term, term)) for place, term in enumerate(need)]
        lists = [self._index.get((need[0], *own), []) for own in things if own[1][0] != "?"]
        return min(lists, key=len)

    def _ground(self, name: str, objects: tuple[str, ...]) -> None:
        if (name, *objects) in self._seen:
            return
        self._seen.add((name, *objects))
        if len(self._seen) > MAX_OPERATORS:
            raise PlanProofFault(f"there are more than {MAX_OPERATORS:,} ground actions")
        for operator in instances(self._text, name, objects):
            self._settle(operator, None, operator.before)


def _match(need: Atom, atom: Atom, binding: Binding) -> dict[str, str] | None:
    # The binding with which `need` becomes `atom`.
    found = dict(binding)
    for term, thing in zip(need, atom, strict=True):
        if (found.setdefault(term, thing) if term[0] == "?" else term) != thing:
            return None
    return found

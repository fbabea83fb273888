"""What a certificate of a plan charges an operator, at most its cost; see `plan_verification.py`.

It is counted over what is known of the state before the operator: its conditions, and of each group
at most one literal, of each limit no more than fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from tesuji.engine.plan_operators import Operator
from tesuji.engine.plan_reading import Case, PlanProofFault

Weights = dict[int, int]  # of literals


class Claims(NamedTuple):
    """What a certificate says of a task."""

    unit: int  # of weights in one of costs
    limits: list[tuple[int, Weights]]
    groups: Weights  # of literals
    landmarks: list[tuple[int, Case]]
    potentials: dict[Case, int]


class _Change(NamedTuple):
    """What an operator may do: each is about literals."""

    before: Case
    gains: set[int]  # those that may become true
    losses: set[int]  # those that were true and become false for certain
    ends: set[int]  # those that are false afterwards for certain


def _change(operator: Operator) -> _Change:
    certain = {literal for literal, cases in operator.effects if frozenset() in cases}
    made = {
        literal
        for literal, _ in operator.effects
        if not (literal & 1 and literal ^ 1 in certain)  # what is added as well stays
    }
    ends = {literal ^ 1 for literal in certain & made if literal ^ 1 not in made}
    before = operator.before
    return _Change(before, made - before, set(before & ends), ends)


class Charges:
    """Whether each operator is charged at most its cost."""

    def __init__(self, claims: Claims) -> None:
        self._unit = claims.unit
        self._limits = claims.limits
        self._in_limits: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self._groups = claims.groups
        for i, (_, weights) in enumerate(claims.limits):
            for literal, value in weights.items():
                self._in_limits[literal].append((i, value))
        self._landmarks = claims.landmarks
        self._member: dict[int, set[int]] = defaultdict(set)  # the landmarks that a literal is in
        for i, (_, members) in enumerate(claims.landmarks):
            for literal in members:
                self._member[literal].add(i)
        self._single: Weights = {}
        self._partners: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for case, value in claims.potentials.items():
            one, *two = sorted(case)
            if two:
                self._partners[one].append((two[0], value))
                self._partners[two[0]].append((one, value))
            else:
                self._single[one] = value

    def check(self, operator: Operator) -> None:
        """Check one operator.

        Raises:
            PlanProofFault: it breaks a limit, or is charged more than it costs.
        """
        change = _change(operator)
        held, lost = self._sums(change.before), self._sums(change.losses)
        if any(value > self._limits[i][0] for i, value in held.items()):
            return  # it can never be done
        name = f"({' '.join(operator.name)})"
        if any(value > lost[i] for i, value in self._sums(change.gains).items()):
            raise PlanProofFault(f"{name} may break a limit")
        charged = self._first(operator) + self._potential(change, held)
        if charged > operator.cost * self._unit:
            raise PlanProofFault(
                f"{name} is charged {Fraction(charged, self._unit)}, more than its cost of "
                f"{operator.cost}"
            )

    def _sums(self, literals: Iterable[int]) -> Weights:
        # Of the weights of literals in each limit.
        found: Weights = defaultdict(int)
        for literal in literals:
            for i, value in self._in_limits.get(literal, ()):
                found[i] += value
        return found

    def _first(self, operator: Operator) -> int:
        # The weights of the landmarks that it may be the first to make true.
        found: set[int] = set()
        for literal, cases in operator.effects:
            if own := self._member.get(literal):
                found.update(*(own - self._members(case) for case in cases))
        return sum(self._landmarks[i][0] for i in found - self._members(operator.before))

    def _members(self, case: Case) -> set[int]:
        return {i for literal in case for i in self._member.get(literal, ())}

    def _potential(self, change: _Change, held: Weights) -> int:
        # What an operator takes off h at most.
        before, gains, losses, ends = change
        total = sum(self._single.get(literal, 0) for literal in gains)
        total -= sum(self._single.get(literal, 0) for literal in losses)
        contexts: Weights = defaultdict(int)  # what is taken off where a literal holds all along
        for literal in gains:
            for other, value in self._partners.get(literal, ()):
                if other in gains:
                    total += value if literal < other else 0
                elif other in ends or other ^ 1 in before:
                    continue  # false afterwards
                elif other in before:
                    total += value
                elif all(held[i] + w <= self._limits[i][0] for i, w in self._in_limits[other]):
                    contexts[other] += value
        for literal in losses:
            for other, value in self._partners.get(literal, ()):
                if other in before:
                    total -= value if literal < other or other not in losses else 0
                elif other not in gains and other not in ends:
                    contexts[other] -= value
        return total + self._most({c: value for c, value in contexts.items() if value > 0}, held)

    def _most(self, contexts: Weights, held: Weights) -> int:
        # The most that literals can take off together that limits let hold together.
        groups: dict[int, list[int]] = defaultdict(list)
        for literal in contexts:
            groups[self._groups.get(literal, -1 - (literal >> 1))].append(literal)
        least = sum(max(contexts[literal] for literal in own) for own in groups.values())
        for i in self._sums(contexts):
            most, weights = self._limits[i]
            lightest = min((w for literal in contexts if (w := weights.get(literal))), default=1)
            plain, more = 0, []
            for own in groups.values():
                others = [contexts[literal] for literal in own if not weights.get(literal, 0)]
                plain += max(others, default=0)
                highest = max(contexts[literal] for literal in own)
                more.append(highest - max(others, default=0))
            few = sorted(more, reverse=True)[: max(most - held[i], 0) // lightest]
            least = min(least, plain + sum(few))
        return least

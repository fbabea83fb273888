"""The verifier's own way from a formula to clauses, as docs/proving.md describes it.

A literal is the number of an atom, negative where it is negated. Between the steps a formula
without quantifiers is a literal, `["&", ...]`, `["|", ...]`, True or False.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod

from tesuji.engine.theorem_reading import Bank, Formula, TheoremFault

NAMED_FROM = 64  # clauses of a disjunction, above which its parts are named
MOST_PARTS = 2_000_000  # of a formula


class Clausifier:
    """Makes the clauses of a formula with the names that a proof gives."""

    def __init__(self, bank: Bank, skolems: list[str], definitions: list[str]) -> None:
        self._bank = bank
        self._skolems, self._definitions = iter(skolems), iter(definitions)
        self._variables = self._parts = 0

    def clauses(self, formula: Formula) -> Iterator[list[int]]:
        """Yield the clauses in order, without those that are always true.

        Raises:
            TheoremFault: names are missing or left over, or the formula grows too large.
        """
        tree = self._skolemized(self._normal(formula, True, {}), (), {})
        definitions: list[Formula] = []
        tree = self._named(tree, definitions)
        for part in (tree, *definitions):
            for clause in _distributed(part):
                literals = list(dict.fromkeys(clause))
                if not any(-literal in literals for literal in literals):
                    yield literals
        if next(self._skolems, None) or next(self._definitions, None):
            raise TheoremFault("a formula needs fewer new names than it has")

    def _normal(self, formula: Formula, positive: bool, names: Mapping[str, int]) -> Formula:
        # Negation normal form; variables become V1, V2, ... in the order of the result.
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise TheoremFault("a formula grows too large")
        if isinstance(formula, bool):
            return formula == positive
        if isinstance(formula, int):
            atom = self._bank.put(formula, names, {})
            return atom if positive else -atom
        sign, *parts = formula
        if sign in ("!", "?"):
            return self._quantified(sign, parts, positive, names)
        if sign == "~":
            return self._normal(parts[0], not positive, names)
        if sign == "<=>":
            first, second = (not positive, True), (positive, False)
            rows = [self._all(parts, signs, names) for signs in (first, second)]
            return _joined("&", [_joined("|", row) for row in rows])
        signs = [positive] * len(parts)
        if sign == "=>":
            signs[0] = not positive
        either = (sign == "&") != positive
        return _joined("|" if either else "&", self._all(parts, signs, names))

    def _all(
        self, parts: list[Formula], signs: Sequence[bool], names: Mapping[str, int]
    ) -> list[Formula]:
        return [self._normal(part, sign, names) for part, sign in zip(parts, signs, strict=True)]

    def _quantified(
        self, sign: str, parts: list[Formula], positive: bool, names: Mapping[str, int]
    ) -> Formula:
        own = [f"V{self._variables + number}" for number in range(1, len(parts[0]) + 1)]
        self._variables += len(own)
        inner = dict(zip(parts[0], map(self._bank.number, own), strict=True))
        body = self._normal(parts[1], positive, {**names, **inner})
        if isinstance(body, bool):
            return body
        return ["!" if (sign == "!") == positive else "?", own, body]

    def _skolemized(
        self, formula: Formula, universal: tuple[str, ...], terms: Mapping[str, int]
    ) -> Formula:
        if isinstance(formula, bool):
            return formula
        if isinstance(formula, int):
            atom = self._bank.put(abs(formula), terms, {})
            return atom if formula > 0 else -atom
        sign, *parts = formula
        if sign == "!":
            return self._skolemized(parts[1], (*universal, *parts[0]), terms)
        if sign == "?":
            inside = self._names_in(parts[1])
            for name in inside & terms.keys():
                inside = inside | self._bank.variables[terms[name]]
            arguments = tuple(self._bank.number(name) for name in universal if name in inside)
            new = {}
            for name in parts[0]:
                symbol = next(self._skolems, None)
                if symbol is None:
                    raise TheoremFault("a Skolem function has no name")
                new[name] = self._bank.number(symbol, arguments)
            return self._skolemized(parts[1], universal, {**terms, **new})
        return [sign, *(self._skolemized(part, universal, terms) for part in parts)]

    def _names_in(self, formula: Formula) -> frozenset[str]:
        if isinstance(formula, int):
            return self._bank.variables[abs(formula)]
        parts = formula[2:] if formula[0] in ("!", "?") else formula[1:]
        return frozenset[str]().union(*map(self._names_in, parts))

    def _named(self, formula: Formula, definitions: list[Formula]) -> Formula:
        if isinstance(formula, int):
            return formula
        sign, *parts = formula
        parts = [self._named(part, definitions) for part in parts]
        counts = [_count(part) for part in parts]
        while sign == "|" and prod(counts) > NAMED_FROM:
            most = counts.index(max(counts))
            names: dict[str, None] = {}
            self._ordered(parts[most], names)
            symbol = next(self._definitions, None)
            if symbol is None:
                raise TheoremFault("a defined predicate has no name")
            atom = self._bank.number(symbol, tuple(map(self._bank.number, names)))
            definitions.append(["|", -atom, parts[most]])
            parts[most], counts[most] = atom, 1
        return [sign, *parts]

    def _ordered(self, formula: Formula, names: dict[str, None]) -> None:
        # The variables of a formula in the order of their first occurrence.
        left = [formula]
        while left:
            one = left.pop()
            if isinstance(one, list):
                left += reversed(one[1:])
                continue
            symbol, arguments = self._bank.nodes[abs(one)]
            if symbol[0].isupper():
                names[symbol] = None
            elif self._bank.variables[abs(one)]:
                left += reversed(arguments)


def _joined(sign: str, parts: list[Formula]) -> Formula:
    neutral = sign == "&"
    if any(part is (not neutral) for part in parts):
        return not neutral
    rest = [part for part in parts if part is not neutral]
    if len(rest) < 2:
        return rest[0] if rest else neutral
    return [sign, *rest]


def _count(formula: Formula) -> int:
    if isinstance(formula, int):
        return 1
    counts = [_count(part) for part in formula[1:]]
    return sum(counts) if formula[0] == "&" else prod(counts)


def _distributed(formula: Formula) -> list[list[int]]:
    if isinstance(formula, bool):
        return [] if formula else [[]]
    if isinstance(formula, int):
        return [[formula]]
    parts = [_distributed(part) for part in formula[1:]]
    if formula[0] == "&":
        return [clause for part in parts for clause in part]
    return [[literal for clause in row for literal in clause] for row in product(*parts)]

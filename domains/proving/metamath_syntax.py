"""The grammar of a Metamath database: its syntax axioms are productions, expressions become terms.

What is proved has the typecode `|-`, or else one that no variable has. The other typecodes are
nonterminals; an axiom of such a typecode without `$e` is a production, and the symbol of a term.
Terms are those of formulas: `( ph -> ps )` is `wi(ph, ps)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tesuji.domains.proving.formulas import Function, Term, Variable
from tesuji.domains.proving.metamath import Assertion, Expression

PROVABLE = "|-"
_MOST_NESTED = 100
_Node = dict[Any, Any]  # a constant, or (a typecode,) -> a node; None -> label, order of arguments


class SyntaxRules:
    """The productions of some assertions. None may begin with its own typecode.

    Attributes:
        typecodes: the nonterminals.
        constants: of each typecode, productions without arguments.
    """

    def __init__(self, assertions: Iterable[Assertion]) -> None:
        frames = list(assertions)
        self.typecodes = {a.expression[0] for a in frames} - {PROVABLE}
        if len(self.typecodes) == len({a.expression[0] for a in frames}):
            self.typecodes = {h.expression[0] for a in frames for h in a.floating.values()}
        self.constants: dict[str, list[str]] = {}
        self._roots: dict[str, _Node] = {}
        self._kinds: dict[str, str] = {}  # as which typecode others were read before
        for each in frames:
            if self.is_syntax(each) and each.proof is None and not each.essential:
                self._add(each)

    def is_syntax(self, assertion: Assertion) -> bool:
        """Return whether an assertion says of a term that it is one."""
        return assertion.expression[0] in self.typecodes

    def _add(self, axiom: Assertion) -> None:
        kind, *symbols = axiom.expression
        variables = list(axiom.variables)
        occurring = [symbol for symbol in symbols if symbol in axiom.variables]
        if sorted(occurring) != sorted(variables):
            return  # an argument that does not show, or shows twice: no production
        if not variables:
            self.constants.setdefault(kind, []).append(axiom.label)
        node = self._roots.setdefault(kind, {})
        for symbol in symbols:
            key = (axiom.variables[symbol],) if symbol in axiom.variables else symbol
            node = node.setdefault(key, {})
        node[None] = axiom.label, tuple(occurring.index(name) for name in variables)

    def parse(self, expression: Expression, variables: Mapping[str, str]) -> Term | None:
        """Return the term after an expression's typecode; None where there is none.

        Args:
            expression: of any typecode.
            variables: their typecodes.
        """
        typecode, *symbols = expression
        kinds = [typecode] if typecode in self.typecodes else sorted(self.typecodes)
        known = self._kinds.get(typecode)
        chart = _Chart(self._roots, symbols, variables)
        for kind in [known, *kinds] if known else kinds:
            for end, term in chart.terms(kind, 0, 0):
                if end == len(symbols):
                    self._kinds[typecode] = kind
                    return term
        return None


class _Chart:
    """What stands at each place of a list of symbols, found once."""

    def __init__(
        self, roots: dict[str, _Node], symbols: list[str], variables: Mapping[str, str]
    ) -> None:
        self._roots, self._symbols, self._variables = roots, symbols, variables
        self._known: dict[tuple[str, int], list[tuple[int, Term]]] = {}

    def terms(self, kind: str, at: int, depth: int) -> list[tuple[int, Term]]:
        """Return the terms that begin at a place, each with its end."""
        key = kind, at
        if key in self._known or at == len(self._symbols) or depth > _MOST_NESTED:
            return self._known.get(key, [])
        found: list[tuple[int, Term]] = []
        self._known[key] = []
        symbol = self._symbols[at]
        if self._variables.get(symbol) == kind:
            found.append((at + 1, Variable(symbol)))
        self._follow(self._roots.get(kind, {}), at, (), found, depth)
        self._known[key] = found
        return found

    def _follow(
        self, node: _Node, at: int, arguments: tuple[Term, ...], found: list[tuple[int, Term]],
        depth: int,
    ) -> None:  # fmt: skip
        while True:
            if None in node:
                label, order = node[None]
                found.append((at, Function(label, tuple(arguments[place] for place in order))))
            for key, after in node.items():
                if isinstance(key, tuple):
                    for end, term in self.terms(key[0], at, depth + 1):
                        self._follow(after, end, (*arguments, term), found, depth)
            if at == len(self._symbols) or self._symbols[at] not in node:
                return
            node, at = node[self._symbols[at]], at + 1

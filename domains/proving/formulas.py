"""First-order formulas: what a TPTP file says.

Terms, atoms and formulas are immutable values, compared and hashed by what they say. A variable is
bound by the quantifier around it; in clauses all variables are universal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

EQUALITY = "="
TRUE = "$true"
FALSE = "$false"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: `X`."""

    name: str


class Function:
    """A function symbol with its arguments; a constant has none: `f(X, c)`.

    Terms may be nested deeper than Python calls: what compares and hashes them does not recurse.
    """

    __slots__ = ("_hash", "arguments", "symbol")

    def __init__(self, symbol: str, arguments: tuple[Term, ...] = ()) -> None:
        self.symbol, self.arguments = symbol, arguments
        self._hash = hash((symbol, *map(hash, arguments)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        left: list[tuple[object, object]] = [(self, other)]
        while left:
            one, two = left.pop()
            if one is two:
                continue
            if not (isinstance(one, Function) and isinstance(two, Function)):
                if isinstance(one, Function) or isinstance(two, Function) or one != two:
                    return False
                continue
            same = one.symbol == two.symbol and len(one.arguments) == len(two.arguments)
            if not same or one._hash != two._hash:
                return False
            left += zip(one.arguments, two.arguments, strict=True)
        return True

    def __repr__(self) -> str:
        return f"Function({self.symbol!r}, {len(self.arguments)} arguments)"


Term: TypeAlias = Variable | Function


@dataclass(frozen=True, slots=True)
class Atom:
    """A predicate symbol with its arguments: `p(X)`; equality, `$true` and `$false` are such."""

    predicate: str
    arguments: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Connective:
    """A connective and its parts: one for `~`, two for `=>` and `<=>`, any number for `&` and `|`.

    The reader turns TPTP's `<=`, `<~>`, `~&` and `~|` into these.
    """

    operator: Literal["~", "&", "|", "=>", "<=>"]
    parts: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Quantified:
    """A quantifier over variables: `! [X, Y] : ...` or `? [X] : ...`."""

    quantifier: Literal["!", "?"]
    variables: tuple[str, ...]
    body: Formula


Formula: TypeAlias = Atom | Connective | Quantified


@dataclass(frozen=True, slots=True)
class AnnotatedFormula:
    """A formula of a file, with its name and role, and where it stands.

    Attributes:
        name: unique in a problem.
        role: axiom, hypothesis, definition, lemma, conjecture, negated_conjecture, ...
        formula: closed; the free variables of a `cnf` formula are bound by a `!` in front.
        file: the file that it stands in, as the includes name it.
        line: its line there.
        text: all of it as it stands there, from `fof(` to the point.
    """

    name: str
    role: str
    formula: Formula
    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Problem:
    """All formulas of a problem, includes and all, in the order of the text."""

    name: str
    formulas: tuple[AnnotatedFormula, ...]

    @property
    def has_conjecture(self) -> bool:
        """Return whether a theorem is claimed, rather than an unsatisfiable set."""
        return any(each.role == "conjecture" for each in self.formulas)

"""Axioms of equality, as clauses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations

from tesuji.domains.proving.clauses import Clause, Literal
from tesuji.domains.proving.formulas import EQUALITY, Atom, Function, Term, Variable
from tesuji.domains.proving.terms import subterms

EQUALITY_AXIOMS = "equality"  # their parent
DISTINCT = "distinct"  # parent of inequalities of numbers and distinct objects


def distinctness(clauses: Sequence[Clause]) -> Iterator[Clause]:
    """Yield that numbers and objects in double quotes differ from each other."""
    names = [
        name for name, arity in functions_of(clauses) if not arity and name[0] in '"+-0123456789'
    ]
    for one, two in combinations(names, 2):
        if _value(one) == _value(two):
            continue
        atom = Atom(EQUALITY, (Function(one), Function(two)))
        yield Clause(f"{one} is not {two}", (Literal(False, atom),), DISTINCT)


def _value(name: str) -> object:
    # Of a number as such: 1, +1 and 2/2 do not differ.
    try:
        return Fraction(name)
    except (ValueError, ZeroDivisionError):
        return name


def equality_axioms(clauses: Sequence[Clause]) -> Iterator[Clause]:
    """Yield the axioms of equality for the symbols of clauses, if equality occurs in them."""
    predicates = dict.fromkeys(
        (lit.atom.predicate, len(lit.atom.arguments)) for each in clauses for lit in each.literals
    )
    if predicates.pop((EQUALITY, 2), "none") == "none":
        return
    x, y, z = (Variable(name) for name in "XYZ")
    yield _axiom("reflexivity", [(True, (x, x))])
    yield _axiom("symmetry", [(False, (x, y)), (True, (y, x))])
    yield _axiom("transitivity", [(False, (x, y)), (False, (y, z)), (True, (x, z))])
    for symbol, arity in functions_of(clauses):
        if arity:
            left, right = _places("X", arity), _places("Y", arity)
            equal = [(False, pair) for pair in zip(left, right, strict=True)]
            whole = Function(symbol, left), Function(symbol, right)
            yield _axiom(f"congruence of {symbol}", [*equal, (True, whole)])
    for symbol, arity in predicates:
        if arity:
            left, right = _places("X", arity), _places("Y", arity)
            equal = [(False, pair) for pair in zip(left, right, strict=True)]
            ends = Literal(False, Atom(symbol, left)), Literal(True, Atom(symbol, right))
            literals = *_axiom("", equal).literals, *ends
            yield Clause(f"congruence of {symbol}", literals, EQUALITY_AXIOMS)


def _axiom(name: str, literals: list[tuple[bool, tuple[Term, Term]]]) -> Clause:
    made = tuple(Literal(positive, Atom(EQUALITY, pair)) for positive, pair in literals)
    return Clause(name, made, EQUALITY_AXIOMS)


def _places(letter: str, arity: int) -> tuple[Term, ...]:
    return tuple(Variable(f"{letter}{place}") for place in range(1, arity + 1))


def functions_of(clauses: Sequence[Clause]) -> list[tuple[str, int]]:
    """Return function symbols with their arity, in the order in which they occur."""
    found: dict[tuple[str, int], None] = {}
    for each in clauses:
        for literal in each.literals:
            for argument in literal.atom.arguments:
                for term in subterms(argument):
                    if isinstance(term, Function):
                        found[term.symbol, len(term.arguments)] = None
    return list(found)

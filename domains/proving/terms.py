"""What terms and formulas hold, and substitution; nothing here recurses in terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from tesuji.domains.proving.clauses import Clause
from tesuji.domains.proving.formulas import (
    Atom,
    Connective,
    Formula,
    Function,
    Problem,
    Quantified,
    Term,
    Variable,
)

T = TypeVar("T")


def subterms(term: Term) -> Iterator[Term]:
    """Yield a term and all in it, from left to right, the outer before the inner."""
    left = [term]
    while left:
        one = left.pop()
        yield one
        if isinstance(one, Function):
            left += reversed(one.arguments)


def variables_of(term: Term) -> dict[str, None]:
    """Return the variables of a term in order."""
    return dict.fromkeys(each.name for each in subterms(term) if isinstance(each, Variable))


def clause_variables(clause: Clause) -> list[str]:
    """Return the variables of a clause in order."""
    found: dict[str, None] = {}
    for literal in clause.literals:
        for argument in literal.atom.arguments:
            found |= variables_of(argument)
    return list(found)


def variables_in(formula: Formula) -> Iterator[str]:
    """Yield the variables of atoms in order, each as often as it occurs."""
    if isinstance(formula, Atom):
        for argument in formula.arguments:
            yield from variables_of(argument)
    elif isinstance(formula, Connective):
        for part in formula.parts:
            yield from variables_in(part)
    else:
        yield from variables_in(formula.body)


def free_variables(formula: Formula) -> set[str]:
    """Return the variables that no quantifier in the formula binds; bound ones are apart."""
    return set(variables_in(formula)) - set(_bound_in(formula))


def _bound_in(formula: Formula) -> Iterator[str]:
    if isinstance(formula, Quantified):
        yield from formula.variables
        yield from _bound_in(formula.body)
    elif isinstance(formula, Connective):
        for part in formula.parts:
            yield from _bound_in(part)


def fold(
    term: Term, variable: Callable[[str], T], function: Callable[[str, tuple[T, ...]], T]
) -> T:
    """Return what a term comes to from the inside out.

    Args:
        term: may be deep.
        variable: what a variable comes to, by its name.
        function: what a symbol comes to with what its arguments came to.
    """
    done: list[T] = []
    waiting: list[Term | tuple[str, int]] = [term]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Variable):
            done.append(variable(one.name))
        elif isinstance(one, Function):
            waiting.append((one.symbol, len(one.arguments)))
            waiting += reversed(one.arguments)
        else:
            symbol, arity = one
            below = tuple(done[len(done) - arity :])
            del done[len(done) - arity :]
            done.append(function(symbol, below))
    return done[0]


def substitute(term: Term, terms: Mapping[str, Term]) -> Term:
    """Return a term with terms in the place of variables."""
    return fold(term, lambda name: terms[name] if name in terms else Variable(name), Function)


def map_terms(formula: Formula, change: Callable[[Term], Term]) -> Formula:
    """Return an atom or its negation with its arguments changed."""
    if isinstance(formula, Atom):
        return Atom(formula.predicate, tuple(change(term) for term in formula.arguments))
    assert isinstance(formula, Connective)
    return Connective("~", (map_terms(formula.parts[0], change),))


def symbols_of(problem: Problem) -> set[str]:
    """Return the names of all functions and predicates."""
    found: set[str] = set()
    left: list[Formula] = [each.formula for each in problem.formulas]
    while left:
        formula = left.pop()
        if isinstance(formula, Quantified):
            left.append(formula.body)
        elif isinstance(formula, Connective):
            left += formula.parts
        else:
            found.add(formula.predicate)
            for argument in formula.arguments:
                found |= {t.symbol for t in subterms(argument) if isinstance(t, Function)}
    return found

"""Finite models: sets of clauses that are satisfiable, with a model to look at (MACE; McCune 2003).

For 1, 2, 3 ... elements, all instances of the clauses over the numbers of elements are given to z3
with free functions whose values are such numbers. A model is checked by trying all instances in
plain Python before it is returned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import z3

from tesuji.domains.proving.clauses import Clause, ClauseSet
from tesuji.domains.proving.equality import EQUALITY_AXIOMS
from tesuji.domains.proving.formulas import EQUALITY, Term
from tesuji.domains.proving.terms import clause_variables, fold
from tesuji.search.proving.clock import Clock
from tesuji.search.symbolic.solver_process import SolverProcess

Symbol = tuple[str, int]  # and its arity
Table = dict[tuple[int, ...], int]

_MOST_INSTANCES = 100_000


@dataclass(frozen=True)
class FiniteModel:
    """A model of clauses.

    Attributes:
        size: how many elements there are: 0 to `size - 1`.
        functions: the value of each function for all arguments.
        predicates: the truth of each predicate, 0 or 1.
    """

    size: int
    functions: dict[str, Table]
    predicates: dict[str, Table]

    def lines(self) -> list[str]:
        """Return the model in words, a symbol a line."""
        found = [f"elements: {', '.join(map(str, range(self.size)))}"]
        for symbol, table in self.functions.items():
            rows = (f"{_applied(symbol, places)} = {value}" for places, value in table.items())
            found.append(", ".join(rows))
        for symbol, table in self.predicates.items():
            rows = ("~" * (not truth) + _applied(symbol, places) for places, truth in table.items())
            found.append(", ".join(rows))
        return found

    def holds(self, clause: Clause) -> bool:
        """Return whether a clause is true of all elements."""
        names = clause_variables(clause)
        return all(
            any(
                positive
                == self._truth(atom.predicate, [self._value(t, own) for t in atom.arguments])
                for positive, atom in clause.literals
            )
            for values in product(range(self.size), repeat=len(names))
            for own in [dict(zip(names, values, strict=True))]
        )

    def _truth(self, predicate: str, places: Sequence[int]) -> bool:
        if predicate == EQUALITY:
            return places[0] == places[1]
        return bool(self.predicates[predicate][tuple(places)])

    def _value(self, term: Term, own: dict[str, int]) -> int:
        return fold(term, own.__getitem__, lambda symbol, places: self.functions[symbol][places])


def find_model(
    clauses: ClauseSet, process: SolverProcess, seconds: float, largest: int = 6
) -> FiniteModel | None:
    """Return a finite model of clauses; None where none is found.

    Args:
        clauses: of a problem.
        process: of z3, that knows nothing.
        seconds: of processor time that it may take.
        largest: number of elements.
    """
    own = [each for each in clauses.clauses if each.parent != EQUALITY_AXIOMS]
    clock = Clock(process, seconds)
    for size in range(1, largest + 1):
        instances = sum(size ** len(clause_variables(each)) for each in own)
        if clock.left <= 0.0 or instances > _MOST_INSTANCES:
            return None
        model = _Finder(own, size).run(process, clock)
        process.forget()
        if model is not None:
            assert all(map(model.holds, own))
            return model
    return None


class _Finder:
    """Looks for a model of one size."""

    def __init__(self, clauses: Sequence[Clause], size: int) -> None:
        self._clauses, self._size = clauses, size
        self._functions: dict[Symbol, str] = {}
        self._predicates: dict[Symbol, str] = {}

    def run(self, process: SolverProcess, clock: Clock) -> FiniteModel | None:
        asserted = [f"(assert {text})" for each in self._clauses for text in self._texts(each)]
        lines, wanted = [], dict[str, str]()
        kinds = ((self._functions, "Int"), (self._predicates, "Bool"))
        for names, sort in kinds:
            for (_, arity), name in names.items():
                lines.append(f"(declare-fun {name} ({' '.join(['Int'] * arity)}) {sort})")
                for places in product(range(self._size), repeat=arity):
                    constant = "_".join([f"v{name}", *map(str, places)])
                    value = _call(name, list(map(str, places)))
                    lines.append(
                        f"(declare-const {constant} {sort})(assert (= {constant} {value}))"
                    )
                    if sort == "Int":
                        lines.append(
                            f"(assert (and (<= 0 {constant}) (< {constant} {self._size})))"
                        )
                    wanted[constant] = sort
        process.add_text("\n".join([*lines, *asserted]))
        if clock.left <= 0.0 or process.check(clock.question(wanted=wanted)) != z3.sat:
            return None
        values = {name: int(value) for name, value in process.values.items()}
        functions, predicates = (self._tables(names, values) for names, _ in kinds)
        return FiniteModel(self._size, functions, predicates)

    def _tables(self, names: dict[Symbol, str], values: dict[str, int]) -> dict[str, Table]:
        return {
            symbol: {
                places: values["_".join([f"v{name}", *map(str, places)])]
                for places in product(range(self._size), repeat=arity)
            }
            for (symbol, arity), name in names.items()
        }

    def _texts(self, clause: Clause) -> Iterator[str]:
        names = clause_variables(clause)
        for values in product(range(self._size), repeat=len(names)):
            own = dict(zip(names, map(str, values), strict=True))
            parts = []
            for positive, atom in clause.literals:
                terms = [self._term(term, own) for term in atom.arguments]
                head = "="
                if atom.predicate != EQUALITY:
                    key = atom.predicate, len(terms)
                    head = self._predicates.setdefault(key, f"p{len(self._predicates)}")
                text = _call(head, terms)
                parts.append(text if positive else f"(not {text})")
            yield f"(or {' '.join(parts)})" if parts else "false"

    def _term(self, term: Term, own: dict[str, str]) -> str:
        return fold(term, own.__getitem__, self._applied_text)

    def _applied_text(self, symbol: str, arguments: tuple[str, ...]) -> str:
        key = symbol, len(arguments)
        return _call(self._functions.setdefault(key, f"f{len(self._functions)}"), arguments)


def _call(name: str, arguments: Sequence[str]) -> str:
    return f"({name} {' '.join(arguments)})" if arguments else name


def _applied(symbol: str, places: Sequence[int]) -> str:
    return f"{symbol}({', '.join(map(str, places))})" if places else symbol

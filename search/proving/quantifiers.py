"""z3's proofs of first-order problems, as instances that are proved again without it.

z3 refutes clauses by instances of quantifiers (E-matching, de Moura & Bjorner 2007; models, Ge & de
Moura 2009). Its worker writes down which (`OnClause`). A search for instances (`instantiation.py`)
begins with those, and finds the axioms of equality and what else z3 did not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import z3

from tesuji.domains.proving.banked import OPEN, banked_instances, put_instances
from tesuji.domains.proving.clauses import Clause, ClauseSet, Instance
from tesuji.domains.proving.equality import EQUALITY_AXIOMS
from tesuji.domains.proving.formulas import EQUALITY, Function, Term, Variable
from tesuji.domains.proving.matrix import NamedMatrix
from tesuji.domains.proving.terms import clause_variables, fold, substitute, subterms
from tesuji.search.proving.clock import Clock
from tesuji.search.proving.instantiation import Instantiation
from tesuji.search.symbolic.solver_process import SolverProcess

_INFERENCES = 1000  # of the new proof between two looks at the clock


class Z3Verdict(NamedTuple):
    """What z3 says of clauses, and what of it holds without z3.

    Attributes:
        refuted: whether z3 finds them unsatisfiable; its word alone.
        satisfiable: whether z3 finds them satisfiable.
        instances: that prove it without z3; None where there is no such proof.
    """

    refuted: bool
    satisfiable: bool
    instances: tuple[Instance, ...] | None


def ask_z3(
    clauses: ClauseSet, named: NamedMatrix, process: SolverProcess, seconds: float, seed: int = 0
) -> Z3Verdict:
    """Ask z3 about clauses, and prove what it says again.

    Args:
        clauses: of a problem.
        named: their matrix.
        process: of z3.
        seconds: of processor time, for z3 and the new proof together.
        seed: of z3's choices.
    """
    clock = Clock(process, seconds)
    writer = _Writer(clauses.clauses)
    verdict = process.find_instances(clock.question(seed=seed), writer.text())
    if verdict != z3.unsat:
        return Z3Verdict(False, verdict == z3.sat, None)
    found = writer.instances(process.terms, process.instances)
    return Z3Verdict(True, False, _proved_again(named, found, clock))


def _proved_again(
    named: NamedMatrix, instances: Iterable[Instance], clock: Clock
) -> tuple[Instance, ...] | None:
    search = Instantiation(named.matrix)
    put_instances(named, search.bank, instances)
    while clock.left > 0.0:
        found = search.run(search.inferences + _INFERENCES)
        if found is not None:
            core = list(found.core)
            return banked_instances(named, search.bank, core) if core else None
    return None


class _Writer:
    """Writes clauses as SMT-LIB, and reads terms that come back."""

    def __init__(self, clauses: Sequence[Clause]) -> None:
        self._clauses = clauses
        self._names: dict[tuple[str, int, str], str] = {}  # symbol, arity, sort -> name
        self._functions: dict[str, str] = {}  # name -> symbol

    def text(self) -> str:
        """Return the clauses, equality's axioms left out: z3 knows equality."""
        lines = [
            f"(assert {self._clause(number, each)})"
            for number, each in enumerate(self._clauses)
            if each.parent != EQUALITY_AXIOMS
        ]
        declared = [
            f"(declare-fun {name} ({' '.join(['U'] * arity)}) {sort})"
            for (_, arity, sort), name in self._names.items()
        ]
        return "\n".join(["(declare-sort U 0)", *declared, *lines])

    def _clause(self, number: int, clause: Clause) -> str:
        variables: dict[str, str] = {}
        parts = []
        for positive, atom in clause.literals:
            terms = [self._term(term, variables) for term in atom.arguments]
            head = "=" if atom.predicate == EQUALITY else None
            head = head or self._name(atom.predicate, len(terms), "Bool")
            text = f"({head} {' '.join(terms)})" if terms else head
            parts.append(text if positive else f"(not {text})")
        body = f"(or {' '.join(parts)})" if len(parts) > 1 else "".join(parts) or "false"
        if not variables:
            return body
        bound = " ".join(f"({name} U)" for name in variables.values())
        return f"(forall ({bound}) (! {body} :qid k{number}))"

    def _name(self, symbol: str, arity: int, sort: str) -> str:
        key = symbol, arity, sort
        name = self._names.setdefault(key, f"{'f' if sort == 'U' else 'p'}{len(self._names)}")
        if sort == "U":
            self._functions[name] = symbol
        return name

    def _term(self, term: Term, variables: dict[str, str]) -> str:
        def applied(symbol: str, arguments: tuple[str, ...]) -> str:
            name = self._name(symbol, len(arguments), "U")
            return f"({name} {' '.join(arguments)})" if arguments else name

        return fold(term, lambda name: variables.setdefault(name, f"v{len(variables)}"), applied)

    def instances(
        self, rows: Sequence[Sequence[str | int]], found: Sequence[tuple[str, dict[str, int]]]
    ) -> Iterator[Instance]:
        """Yield instances of what z3 made, and the clauses that have no variables."""
        for number, clause in enumerate(self._clauses):
            if clause.parent != EQUALITY_AXIOMS and not clause_variables(clause):
                yield Instance(number, {})
        terms: list[Term] = []
        for name, *below in rows:
            symbol = self._functions.get(str(name))
            arguments = tuple(terms[int(place)] for place in below)
            # What z3 invents stands for anything.
            terms.append(OPEN if symbol is None else Function(symbol, arguments))
        for name, places in found:
            if not name.startswith("k"):
                continue
            number = int(name[1:])
            own = clause_variables(self._clauses[number])
            known = {
                variable: terms[places[f"v{place}"]]
                for place, variable in enumerate(own)
                if f"v{place}" in places
            }
            yield Instance(number, _completed(self._clauses[number], own, known))


def _completed(clause: Clause, own: Sequence[str], known: dict[str, Term]) -> dict[str, Term]:
    # z3 drops a variable `x` of a clause `x != t | ...` and takes `t` for it.
    for _ in own:
        for positive, atom in clause.literals:
            if positive or atom.predicate != EQUALITY:
                continue
            for one, other in (atom.arguments, atom.arguments[::-1]):
                value = substitute(other, known)
                bound = not any(isinstance(each, Variable) and each.name in own
                                for each in subterms(value))  # fmt: skip
                if isinstance(one, Variable) and one.name not in known and bound:
                    known[one.name] = value
    return {name: known.get(name, OPEN) for name in own}

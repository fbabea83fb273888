"""Do instances of clauses contradict each other? With equality, whose axioms are found on the way.

The ground instances are propositions for an incremental solver. A model of them is asked whether
equality holds in it, too (congruence closure); where not, the instances of axioms that say why not
are added, until there is no model. What is left is a proof by instances alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

import z3

from tesuji.domains.proving.clauses import Clause, Instance
from tesuji.domains.proving.equality import EQUALITY_AXIOMS
from tesuji.domains.proving.formulas import EQUALITY, Atom, Function, Term, Variable
from tesuji.domains.proving.terms import substitute, subterms
from tesuji.search.proving.congruence import Congruence
from tesuji.search.symbolic.solver_pool import borrow, give_back
from tesuji.search.symbolic.solver_process import Check, SolverProcess

LEFT_OVER = Variable("X")  # stands for all variables of instances

_MOST_ROUNDS = 500


def refutation(
    clauses: Sequence[Clause], instances: Iterable[Instance], seconds: float
) -> tuple[Instance, ...] | None:
    """Return instances that contradict each other; None where none are found.

    Args:
        clauses: of the problem, with axioms of equality if it occurs.
        instances: to choose from; instances of the axioms of equality are added.
        seconds: that it may take.
    """
    process = borrow()
    try:
        return _Refuter(clauses, process, time.monotonic() + seconds).run(instances)
    finally:
        give_back(process)


class _Refuter:
    def __init__(self, clauses: Sequence[Clause], process: SolverProcess, deadline: float) -> None:
        self._clauses, self._process, self._deadline = clauses, process, deadline
        self._axioms = {
            each.name: number
            for number, each in enumerate(clauses)
            if each.parent == EQUALITY_AXIOMS
        }
        self._atoms: dict[Atom, str] = {}
        self._instances: dict[tuple[int, tuple[Term, ...]], Instance] = {}
        self._told = 0  # how many of the instances the solver knows

    def run(self, instances: Iterable[Instance]) -> tuple[Instance, ...] | None:
        for instance in instances:
            self._add(instance)
        for _ in range(_MOST_ROUNDS):
            self._tell()
            left = self._deadline - time.monotonic()
            if left <= 0.0:
                return None
            names = list(self._atoms.values())
            assumed = [f"i{number}" for number in range(self._told)]
            question = Check(left, wanted=dict.fromkeys(names, "Bool"), assumed=assumed)
            verdict = self._process.check(question)
            if verdict == z3.unsat:
                known = list(self._instances.values())
                return tuple(known[int(name[1:])] for name in self._process.core)
            if verdict != z3.sat or not self._explain():
                return None
        return None

    def _add(self, instance: Instance) -> bool:
        # Note an instance without variables; return whether it is new.
        terms = {name: _grounded(term) for name, term in instance.terms.items()}
        key = instance.clause, tuple(terms.values())
        if key in self._instances:
            return False
        self._instances[key] = Instance(instance.clause, terms)
        return True

    def _tell(self) -> None:
        lines, named = [], set[str]()
        for number, instance in enumerate(self._instances.values()):
            if number < self._told:
                continue
            parts = []
            for positive, atom in self._clauses[instance.clause].literals:
                terms = tuple(substitute(term, instance.terms) for term in atom.arguments)
                name = self._atoms.setdefault(Atom(atom.predicate, terms), f"a{len(self._atoms)}")
                named.add(name)
                parts.append(name if positive else f"(not {name})")
            body = " ".join(parts) or "false"
            lines.append(f"(declare-const i{number} Bool)(assert (=> i{number} (or {body})))")
        self._told = len(self._instances)
        declared = "".join(f"(declare-const {name} Bool)" for name in sorted(named))
        self._process.add_text("\n".join([declared, *lines]))

    def _explain(self) -> bool:
        # Add instances of axioms that the model breaks; return whether there are any.
        if "reflexivity" not in self._axioms:
            return False
        values = self._process.values
        truth = {atom: bool(values.get(name, 0)) for atom, name in self._atoms.items()}
        closure = Congruence()
        for atom in truth:
            for term in atom.arguments:
                closure.add(term)
        for atom, holds in truth.items():
            if atom.predicate == EQUALITY and holds:
                closure.merge(*atom.arguments)
        added = False
        known: dict[tuple[str, tuple[Term, ...]], Atom] = {}
        for atom, holds in truth.items():
            if atom.predicate == EQUALITY:
                left, right = atom.arguments
                if not holds and closure.equal(left, right):
                    added |= self._add_all(self._why(closure, left, right))
            elif atom.arguments:
                places = tuple(closure.root(term) for term in atom.arguments)
                other = known.setdefault((atom.predicate, places), atom)
                if truth[other] != holds:
                    one, two = (other, atom) if truth[other] else (atom, other)
                    added |= self._add_all(self._why_alike(closure, one, two))
        return added

    def _add_all(self, instances: Iterator[Instance]) -> bool:
        added = False
        for instance in instances:
            added |= self._add(instance)
        return added

    def _axiom(self, name: str, **terms: Term) -> Instance:
        return Instance(self._axioms[name], terms)

    def _why_alike(self, closure: Congruence, one: Atom, two: Atom) -> Iterator[Instance]:
        terms: dict[str, Term] = {}
        for place, (left, right) in enumerate(zip(one.arguments, two.arguments, strict=True), 1):
            terms |= {f"X{place}": left, f"Y{place}": right}
            yield from self._why(closure, left, right)
        yield self._axiom(f"congruence of {one.predicate}", **terms)

    def _why(self, closure: Congruence, left: Term, right: Term) -> Iterator[Instance]:
        # Instances of axioms from which, and from equalities given, `left = right` follows.
        waiting, done = [(left, right)], set[tuple[Term, Term]]()
        while waiting:
            pair = waiting.pop()
            if pair in done:
                continue
            done.add(pair)
            start, end = pair
            if start == end:
                yield self._axiom("reflexivity", X=start)
                continue
            at = start
            for edge in closure.way(start, end):
                if edge.given:
                    if Atom(EQUALITY, (edge.right, edge.left)) in self._atoms:
                        yield self._axiom("symmetry", X=edge.right, Y=edge.left)
                else:
                    assert isinstance(edge.left, Function)
                    assert isinstance(edge.right, Function)
                    terms: dict[str, Term] = {}
                    pairs = zip(edge.left.arguments, edge.right.arguments, strict=True)
                    for place, (one, two) in enumerate(pairs, 1):
                        terms |= {f"X{place}": one, f"Y{place}": two}
                        waiting.append((one, two))
                    yield self._axiom(f"congruence of {edge.left.symbol}", **terms)
                if at != start:
                    yield self._axiom("transitivity", X=start, Y=at, Z=edge.right)
                at = edge.right


def _grounded(term: Term) -> Term:
    names = {one.name for one in subterms(term) if isinstance(one, Variable)}
    return substitute(term, dict.fromkeys(names, LEFT_OVER)) if names else term

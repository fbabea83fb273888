"""Connection tableaux: unification against a slow twin, proofs as instances, saturation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from small_theorems import OTHERS, THEOREMS

from tesuji.domains.proving.clauses import Clause, ClauseSet, Instance, Literal
from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.formulas import Atom, Function, Term, Variable
from tesuji.domains.proving.instances import instances_of
from tesuji.domains.proving.matrix import make_matrix
from tesuji.domains.proving.robinson import robinson
from tesuji.domains.proving.tableau import make_tableau
from tesuji.domains.proving.terms import substitute, subterms
from tesuji.domains.proving.tptp import parse_problem
from tesuji.domains.proving.unification import FAILED, OVERFLOW, unify
from tesuji.search.proving.deepening import Deepening
from tesuji.search.proving.rising import Refutation


def proved(text: str, cut: bool = False) -> tuple[ClauseSet, Refutation, tuple[Instance, ...]]:
    clauses = clausify(parse_problem(text))
    named = make_matrix(clauses)
    search = Deepening(named.matrix, cut)
    found = search.run(20_000)
    assert found is not None
    return clauses, found, instances_of(named, search.tableau, found.copies or [])


def is_refuted(clauses: ClauseSet, instances: tuple[Instance, ...]) -> bool:
    """Whether the instances contradict each other, by all truth values of their atoms."""

    def ground(clause: Clause, instance: Instance) -> list[Literal]:
        terms = dict(instance.terms)
        return [
            Literal(lit.positive, Atom(lit.atom.predicate, tuple(
                substitute(substitute(t, terms), rest(substitute(t, terms)))
                for t in lit.atom.arguments)))
            for lit in clause.literals
        ]  # fmt: skip

    def rest(term: Term) -> dict[str, Term]:
        return {t.name: Function("c0") for t in subterms(term) if isinstance(t, Variable)}

    rows = [ground(clauses.clauses[one.clause], one) for one in instances]
    atoms = list(dict.fromkeys(lit.atom for row in rows for lit in row))
    assert len(atoms) < 16
    return not any(
        all(any(lit.positive == value[lit.atom] for lit in row) for row in rows)
        for values in product((False, True), repeat=len(atoms))
        for value in [dict(zip(atoms, values, strict=True))]
    )


@pytest.mark.parametrize("text", THEOREMS.values(), ids=THEOREMS)
def test_theorems_are_proved_by_instances_that_contradict_each_other(text: str) -> None:
    for cut in (False, True):
        clauses, found, instances = proved(text, cut)
        if cut and found.copies is None:
            assert text == THEOREMS["equality"]  # which needs another way to close a closed goal
            continue
        assert found.copies is not None
        assert is_refuted(clauses, instances)


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_all_is_tried_where_there_is_no_proof_but_not_by_an_incomplete_search(text: str) -> None:
    assert proved(text)[1]._replace(inferences=0, limit=0) == Refutation(None, True, 0, 0)
    assert not proved(text, cut=True)[1].saturated


def test_an_endless_search_stops_where_its_inferences_are_used_up() -> None:
    text = "fof(a, axiom, ! [X] : (p(f(X)) => p(X))). fof(c, conjecture, p(c))."
    search = Deepening(make_matrix(clausify(parse_problem(text))).matrix, cut=False)
    assert search.run(1000) is None
    assert 1000 <= search.inferences < 1100


def test_a_search_in_parts_is_the_search_as_a_whole() -> None:
    matrix = make_matrix(clausify(robinson(2, 3, operand=3))).matrix
    whole, parts = Deepening(matrix), Deepening(matrix)
    found = whole.run(50_000)
    for inferences in range(100, 50_100, 100):
        parts.run(inferences)
    assert found == parts.run(50_000)
    assert whole.inferences == parts.inferences


def _random_term(rng: np.random.Generator, depth: int) -> Term:
    if not depth or rng.random() < 0.3:
        return Variable("XYZ"[rng.integers(3)]) if rng.random() < 0.6 else Function("c")
    arity = int(rng.integers(1, 3))
    return Function("fg"[arity - 1], tuple(_random_term(rng, depth - 1) for _ in range(arity)))


def _twin(pairs: list[tuple[Term, Term]], found: dict[str, Term]) -> dict[str, Term] | None:
    """Unify as the book says, with whole terms."""
    while pairs:
        a, b = (substitute(term, found) for term in pairs.pop())
        if a == b:
            continue
        if isinstance(b, Variable):
            a, b = b, a
        if isinstance(a, Variable):
            if a in subterms(b):
                return None
            found = {name: substitute(term, {a.name: b}) for name, term in found.items()}
            found[a.name] = b
            continue
        assert isinstance(b, Function)
        if (a.symbol, len(a.arguments)) != (b.symbol, len(b.arguments)):
            return None
        pairs += zip(a.arguments, b.arguments, strict=True)
    return found


def test_unification_is_that_of_the_book() -> None:
    rng = np.random.default_rng(0)
    counts = [0, 0]
    for _ in range(300):
        one, two = (_random_term(rng, 4) for _ in range(2))
        literals = tuple(Literal(True, Atom("p", (term,))) for term in (one, two))
        clauses = ClauseSet((Clause("c", literals, "c"),), (), (), False)
        named = make_matrix(clauses)
        tableau, matrix = make_tableau(), named.matrix
        if len(matrix.atom) < 2:
            continue
        length = unify(
            matrix.symbol, matrix.first, matrix.arguments, matrix.ground, tableau.bound,
            tableau.copy, tableau.trail, 0, matrix.atom[0], 0, matrix.atom[1], 0,
            tableau.stack, tableau.room,
        )  # fmt: skip
        expected = _twin([(one, two)], {})
        counts[expected is not None] += 1
        assert (length != FAILED) == (expected is not None)
        if expected is None:
            assert (tableau.bound == -1).all()
            continue
        (instance,) = instances_of(named, tableau, [(0, 0)])
        names = {f"X{i}": Variable(name) for i, name in enumerate(named.variables[0])}
        terms = {name: substitute(term, names) for name, term in instance.terms.items()}
        assert substitute(one, terms) == substitute(two, terms)
        renamed = {name: substitute(substitute(Variable(name), expected), terms) for name in terms}
        assert renamed == terms  # as general as the twin's
    assert min(counts) > 50


def test_terms_larger_than_the_room_are_left_open() -> None:
    tableau = make_tableau(stack=8)
    wide = Function("f", tuple(Variable(f"V{i}") for i in range(9)))
    other = Function("f", tuple(Function("c") for _ in range(9)))
    literals = tuple(Literal(True, Atom("p", (term,))) for term in (wide, other))
    matrix = make_matrix(ClauseSet((Clause("c", literals, "c"),), (), (), False)).matrix
    length = unify(
        matrix.symbol, matrix.first, matrix.arguments, matrix.ground, tableau.bound,
        tableau.copy, tableau.trail, 0, matrix.atom[0], 0, matrix.atom[1], 0,
        tableau.stack, tableau.room,
    )  # fmt: skip
    assert length == OVERFLOW

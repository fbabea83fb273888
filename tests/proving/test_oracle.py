"""z3 in the loop: its instances proved again without it, and finite models."""

from __future__ import annotations

import pytest
import z3
from small_theorems import OTHERS, THEOREMS

from tesuji.domains.proving.clauses import ClauseSet, Instance, Literal
from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.formulas import Atom, Function, Term
from tesuji.domains.proving.terms import substitute
from tesuji.domains.proving.tptp import parse_problem
from tesuji.search.proving.congruence import Congruence
from tesuji.search.proving.ground import refutation
from tesuji.search.proving.models import find_model
from tesuji.search.proving.quantifiers import ask_z3

EQUATIONS = """
fof(a, axiom, f(a, b) = c). fof(b, axiom, b = d). fof(c, axiom, d = e & p(f(a, e), e)).
fof(g, conjecture, p(c, b)).
"""


def contradict(clauses: ClauseSet, instances: tuple[Instance, ...]) -> bool:
    """Whether instances have no model as propositions: equality is a predicate like any other."""
    solver, names = z3.Solver(), dict[Atom, z3.BoolRef]()

    def truth(literal: Literal, terms: dict[str, Term]) -> z3.BoolRef:
        atom = literal.atom
        ground = Atom(atom.predicate, tuple(substitute(t, terms) for t in atom.arguments))
        name = names.setdefault(ground, z3.Bool(f"a{len(names)}"))
        return name if literal.positive else z3.Not(name)

    for one in instances:
        literals = clauses.clauses[one.clause].literals
        solver.add(z3.Or([truth(literal, one.terms) for literal in literals]))
    return bool(solver.check() == z3.unsat)


@pytest.mark.parametrize("text", [*THEOREMS.values(), EQUATIONS], ids=[*THEOREMS, "equations"])
def test_what_z3_proves_is_proved_by_instances(text: str) -> None:
    clauses = clausify(parse_problem(text))
    verdict = ask_z3(clauses, 30.0)
    assert verdict.refuted
    assert verdict.instances
    assert contradict(clauses, verdict.instances)


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_what_is_no_theorem_has_no_proof_and_a_model(text: str) -> None:
    clauses = clausify(parse_problem(text))
    assert not ask_z3(clauses, 30.0).refuted
    model = find_model(clauses, 30.0)
    assert model is not None
    assert all(model.holds(clause) for clause in clauses.clauses if clause.parent != "equality")


def test_theorems_have_no_finite_model() -> None:
    for text in THEOREMS.values():
        assert find_model(clausify(parse_problem(text)), 30.0, largest=2) is None


def test_a_model_is_shown_by_its_tables() -> None:
    text = "fof(a, axiom, ! [X] : f(X) != X). fof(c, conjecture, p(f(f(d))))."
    model = find_model(clausify(parse_problem(text)), 30.0)
    assert model is not None
    assert model.size == 2
    assert "f(0) = 1, f(1) = 0" in model.lines()
    assert any(line.startswith("d = ") for line in model.lines())


def test_instances_that_have_a_model_are_no_proof() -> None:
    clauses = clausify(parse_problem(EQUATIONS))
    ground = [Instance(number, {}) for number in range(4)]
    assert refutation(clauses.clauses, ground, 30.0) is None
    proof = refutation(clauses.clauses, [*ground, Instance(4, {})], 30.0)
    assert proof is not None
    assert contradict(clauses, proof)


def test_equality_is_closed_under_functions_and_explained_by_what_was_given() -> None:
    a, b, c = (Function(name) for name in "abc")
    f_a, f_b = Function("f", (a,)), Function("f", (b,))
    closure = Congruence()
    closure.add(f_a)
    closure.merge(f_b, c)
    assert not closure.equal(f_a, c)
    closure.merge(a, b)
    assert closure.equal(f_a, c)
    assert [(edge.left, edge.right, edge.given) for edge in closure.way(f_a, c)] == [
        (f_a, f_b, False),
        (f_b, c, True),
    ]

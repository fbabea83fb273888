"""Instances that models lack: E-matching and trying all terms, with a SAT solver and equality."""

import numpy as np
import pytest
import z3

from tesuji.domains.proving.banked import banked_instances
from tesuji.domains.proving.clauses import ClauseSet
from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.matrix import make_matrix
from tesuji.domains.proving.tptp import parse_problem
from tesuji.engine.theorem_proof import theorem_proof
from tesuji.engine.theorem_verification import verify_theorem
from tesuji.search.proving.instantiation import Instantiation
from tesuji.search.proving.triggers import SYMBOL, make_triggers

THEOREMS = {
    "modulo equality": """
        fof(f, axiom, ! [X] : p(f(f(X)))). fof(g, axiom, g(a) = f(b)). fof(h, axiom, g(a) = a).
        fof(c, conjecture, p(f(a))).""",
    "a join": """
        fof(t, axiom, ! [X, Y, Z] : ((l(X, Y) & l(Y, Z)) => l(X, Z))). fof(a, axiom, l(a, b)).
        fof(b, axiom, l(b, c)). fof(c, axiom, l(c, d)). fof(g, conjecture, l(a, d)).""",
    "an equation of variables": """
        fof(e, axiom, ! [X, Y] : ((! [Z] : (in(Z, X) <=> in(Z, Y))) => X = Y)).
        fof(u, axiom, ! [X, Y, Z] : (in(Z, u(X, Y)) <=> (in(Z, X) | in(Z, Y)))).
        fof(g, conjecture, ! [X, Y] : u(X, Y) = u(Y, X)).""",
    "an equation that defines": """
        fof(d, axiom, ! [X, Y] : (X = f(Y) => p(X, Y))). fof(g, conjecture, p(f(a), a)).""",
    "no pattern": """
        fof(s, axiom, ! [X, Y] : X = Y). fof(p, axiom, p(a)). fof(g, conjecture, p(b)).""",
    "no term that matches": """
        fof(p, axiom, ! [X] : (p(f(X)) | q(X))). fof(n, axiom, ! [X] : ~ p(X)).
        fof(g, conjecture, ? [X] : q(X)).""",
}


@pytest.mark.parametrize("text", THEOREMS.values(), ids=THEOREMS)
def test_instances_prove_a_theorem(text: str) -> None:
    """And the verifier accepts them."""
    problem = parse_problem(text)
    clauses = clausify(problem)
    named = make_matrix(clauses)
    search = Instantiation(named.matrix)
    found = search.run(2000)
    assert found is not None
    assert found.core
    instances = banked_instances(named, search.bank, list(found.core))
    verify_theorem(theorem_proof(problem, clauses, instances))


def random_literals(rng: np.random.Generator) -> list[tuple[bool, str, tuple[str, ...]]]:
    """Return a clause over two predicates and equality, constants and variables."""
    shapes = (("p", 1), ("q", 2), ("=", 2))
    literals = []
    for _ in range(rng.integers(1, 4)):
        symbol, arity = shapes[rng.choice(3, p=(0.4, 0.35, 0.25))]
        terms = tuple(rng.choice(["X", "Y", "a", "b", "c"], arity).tolist())
        literals.append((bool(rng.integers(2)), symbol, terms))
    return literals


def as_tptp(literals: list[tuple[bool, str, tuple[str, ...]]]) -> str:
    """Return the clause's text."""
    atoms = (" = ".join(t) if s == "=" else f"{s}({', '.join(t)})" for _, s, t in literals)
    signs = ("" if positive else "~ " for positive, _, _ in literals)
    return " | ".join(f"{sign}({atom})" for sign, atom in zip(signs, atoms, strict=True))


def z3_refutes(clauses: list[list[tuple[bool, str, tuple[str, ...]]]]) -> bool:
    """Return whether z3 finds the clauses unsatisfiable; they are of a decidable class."""
    kind, truth = z3.DeclareSort("U"), z3.BoolSort()
    p, q = z3.Function("p", kind, truth), z3.Function("q", kind, kind, truth)
    terms = {name: z3.Const(name, kind) for name in "XYabc"}
    solver = z3.Solver()
    solver.set("random_seed", 0)
    for clause in clauses:
        parts = []
        for positive, symbol, names in clause:
            own = [terms[name] for name in names]
            atom = own[0] == own[1] if symbol == "=" else (p if symbol == "p" else q)(*own)
            parts.append(atom if positive else z3.Not(atom))
        solver.add(z3.ForAll([terms["X"], terms["Y"]], z3.Or(parts)))
    answer = solver.check()
    assert answer != z3.unknown
    return bool(answer == z3.unsat)


def test_without_functions_instances_decide() -> None:
    """As z3 does, on random clauses with equality."""
    rng = np.random.default_rng(0)
    answers = []
    for _ in range(150):
        rows = [random_literals(rng) for _ in range(rng.integers(5, 12))]
        text = "\n".join(
            f"fof(c{i}, axiom, ! [X, Y] : ({as_tptp(r)}))." for i, r in enumerate(rows)
        )
        clauses: ClauseSet = clausify(parse_problem(text))
        if not clauses.clauses or not all(each.literals for each in clauses.clauses):
            continue
        found = Instantiation(make_matrix(clauses).matrix).run(20_000)
        assert found is not None
        assert bool(found.core) == z3_refutes(rows), text
        answers.append(bool(found.core))
    assert 30 < sum(answers) < len(answers) - 30


def test_a_trigger_is_the_least_pattern_that_has_all_variables() -> None:
    """Of `p(f(g(X)))` that is `g(X)`; what is around it is none."""
    named = make_matrix(
        clausify(parse_problem("cnf(a, axiom, p(f(g(X)))). cnf(b, axiom, ~ p(a))."))
    )
    (clause,) = np.flatnonzero(named.matrix.num_variables).tolist()
    triggers = make_triggers(named.matrix, [clause])
    literal = named.matrix.clause_first[clause]
    around = named.matrix.arguments[named.matrix.first[named.matrix.atom[literal]]]
    inner = named.matrix.arguments[named.matrix.first[around]]
    assert triggers.row[:, SYMBOL].tolist() == [named.matrix.symbol[inner]]

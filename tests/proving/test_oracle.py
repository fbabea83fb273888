"""z3 in the loop: its instances proved again without it, and finite models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import z3
from small_theorems import OTHERS, THEOREMS

from tesuji.domains.proving.banked import OPEN, banked_instances, put_instances
from tesuji.domains.proving.clauses import ClauseSet, Instance, Literal
from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.formulas import Atom, Function, Term, Variable
from tesuji.domains.proving.grounding import make_bank
from tesuji.domains.proving.matrix import make_matrix
from tesuji.domains.proving.terms import substitute
from tesuji.domains.proving.tptp import parse_problem
from tesuji.engine.theorem_z3 import Z3Found, run_stage
from tesuji.search.proving.models import find_model
from tesuji.search.proving.quantifiers import ask_z3
from tesuji.search.symbolic.solver_process import Check, SolverProcess

EQUATIONS = """
fof(a, axiom, f(a, b) = c). fof(b, axiom, b = d). fof(c, axiom, d = e & p(f(a, e), e)).
fof(g, conjecture, p(c, b)).
"""


@pytest.fixture(scope="module")
def solver() -> Iterator[SolverProcess]:
    process = SolverProcess()
    yield process
    process.close()


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
def test_what_z3_proves_is_proved_by_instances(text: str, solver: SolverProcess) -> None:
    clauses = clausify(parse_problem(text))
    verdict = ask_z3(clauses, make_matrix(clauses), solver, 30.0)
    assert verdict.refuted
    assert verdict.instances
    assert contradict(clauses, verdict.instances)


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_what_is_no_theorem_has_no_proof_and_a_model(text: str, solver: SolverProcess) -> None:
    clauses = clausify(parse_problem(text))
    assert not ask_z3(clauses, make_matrix(clauses), solver, 30.0).refuted
    model = find_model(clauses, solver, 30.0)
    assert model is not None
    assert all(model.holds(clause) for clause in clauses.clauses if clause.parent != "equality")


def test_theorems_have_no_finite_model(solver: SolverProcess) -> None:
    for text in THEOREMS.values():
        assert find_model(clausify(parse_problem(text)), solver, 30.0, largest=2) is None


def test_a_model_is_shown_by_its_tables(solver: SolverProcess) -> None:
    text = "fof(a, axiom, ! [X] : f(X) != X). fof(c, conjecture, p(f(f(d))))."
    model = find_model(clausify(parse_problem(text)), solver, 30.0)
    assert model is not None
    assert model.size == 2
    assert "f(0) = 1, f(1) = 0" in model.lines()
    assert any(line.startswith("d = ") for line in model.lines())


def test_instances_go_to_a_bank_and_back() -> None:
    """Their variables become one constant."""
    clauses = clausify(parse_problem("fof(a, axiom, ! [X, Y] : p(f(X), Y)). fof(b, axiom, ~ q)."))
    named = make_matrix(clauses)
    x, y = named.variables[0]
    term = Function("f", (Function("f", (Variable("Z"),)),))
    bank = make_bank(named.matrix, 16)
    put_instances(named, bank, [Instance(0, {x: term, y: Variable("W")}), Instance(1, {})])
    one, two = banked_instances(named, bank, [0, 1])
    assert one == Instance(0, {x: substitute(term, {"Z": OPEN}), y: OPEN})
    assert two == Instance(1, {})


def test_z3_is_not_asked_without_memory_for_it() -> None:
    clauses = clausify(parse_problem(EQUATIONS))
    named = make_matrix(clauses)
    assert run_stage("z3", clauses, named, 10.0, 400.0) == Z3Found()
    found = run_stage("z3", clauses, named, 10.0, 1000.0)
    assert found.instances
    assert found.seconds > 0.0


def test_z3_is_limited_by_its_own_processor_time(solver: SolverProcess) -> None:
    """And what it takes is counted."""
    pigeons, holes = range(11), range(10)
    lines = [f"(declare-const p{i}_{j} Bool)" for i in pigeons for j in holes]
    lines += [f"(assert (or {' '.join(f'p{i}_{j}' for j in holes)}))" for i in pigeons]
    lines += [
        f"(assert (or (not p{i}_{j}) (not p{k}_{j})))"
        for i in pigeons for k in range(i) for j in holes
    ]  # fmt: skip
    before = solver.cpu_seconds
    answer = solver.find_instances(Check(60.0, cpu_seconds=0.2), "\n".join(lines))
    assert answer == z3.unknown
    assert 0.2 <= solver.cpu_seconds - before < 2.0

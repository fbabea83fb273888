"""Proofs of theorems: the verifier agrees with the clausifier, and refuses what is wrong."""

from __future__ import annotations

import ast
import copy
import json
import shutil
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tesuji.domains.proving.clauses import ClauseSet, Instance
from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.formulas import Function, Problem, Term, Variable
from tesuji.domains.proving.instances import instances_of
from tesuji.domains.proving.matrix import make_matrix
from tesuji.domains.proving.tptp import parse_problem
from tesuji.engine import theorem_verification
from tesuji.engine.cli import main
from tesuji.engine.theorem_export import dimacs, ground_instances, smt_lib, tptp_cnf, tstp
from tesuji.engine.theorem_proof import save_proof, theorem_proof
from tesuji.engine.theorem_refutation import conflicts_to_refute
from tesuji.engine.theorem_verification import TheoremFault, verify_theorem
from tesuji.search.proving.deepening import Deepening

UNCLES = """
fof(brother, axiom, ! [X, Y] : (brother(X, Y) => ? [P] : (parent(P, X) & parent(P, Y)))).
fof(uncle, axiom, ! [X, Y] : (uncle(X, Y) <=> ? [Z] : (brother(X, Z) & parent(Z, Y)))). % who
fof(son, axiom, ! [X] : parent(X, son(X))).
fof(tom, axiom, brother('Tom', ann) & 'ann' = 'Ann').
fof(goal, conjecture, ? [X] : (uncle('Tom', X) & ? [P] : parent(P, 'Ann'))).
"""
BIG = "|".join(f"(p{i}(X) & ? [Y] : q{i}(X, Y) & r{i})" for i in range(7))
TEXTS = {
    "uncles": UNCLES,
    "definitions": f"fof(a, axiom, ! [X] : ({BIG})). fof(c, conjecture, "
    + f"? [X] : ({' | '.join(f'r{i}' for i in range(7))})).",
    "numbers": "fof(c, conjecture, 1 != 2 & +3 != \"3\").",
    "equivalence": "fof(c, conjecture, ((p <=> q) <=> r) <=> (p <=> (q <=> r))).",
    "equality": "fof(a, axiom, f(c) = c). fof(b, axiom, q(c)). fof(c, conjecture, q(f(f(c)))).",
    "cnf": "cnf(a, axiom, p(X, Y) | q | $false). cnf(b, axiom, ~ p(c, Z)). cnf(d, axiom, ~ q).",
}  # fmt: skip


def proved(text: str) -> tuple[Problem, ClauseSet, tuple[Instance, ...]]:
    problem = parse_problem(text, "test.p")
    clauses = clausify(problem)
    named = make_matrix(clauses)
    search = Deepening(named.matrix, cut=False)
    found = search.run(200_000)
    assert found is not None
    assert found.copies is not None
    return problem, clauses, instances_of(named, search.tableau, found.copies)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_proofs_are_accepted(text: str, tmp_path: Path) -> None:
    (tmp_path / "test.p").write_text(text)
    proof = json.loads(json.dumps(theorem_proof(*proved(text))))
    found = verify_theorem(proof, tmp_path / "test.p")
    assert found.compared
    assert (found.conjecture is None) == ("conjecture" not in text)


def _random_formula(rng: np.random.Generator, depth: int, bound: tuple[str, ...]) -> str:
    kind = int(rng.integers(8)) if depth else 7
    if kind < 2:
        names = [f"X{rng.integers(3)}" for _ in range(rng.integers(1, 3))]
        body = _random_formula(rng, depth - 1, (*bound, *names))
        return f"{'!?'[kind]} [{','.join(names)}] : {body}"
    if kind == 2:
        return f"~ {_random_formula(rng, depth - 1, bound)}"
    if kind < 7:
        sign = ("=>", "<=>", "&", "|", "<=", "<~>", "~&", "~|")[rng.integers(8)]
        many = int(rng.integers(2, 7)) if sign in "&|" else 2
        return f"({f' {sign} '.join(_random_formula(rng, depth - 1, bound) for _ in range(many))})"
    terms = [*bound, "c", *(f"f({name},{name})" for name in bound[-2:])]
    one, two = (terms[rng.integers(len(terms))] for _ in range(2))
    return (f"{one} = {two}", f"p({one})", f"q({one},f(c,{two}))", "$true", f"{one} != c")[
        rng.integers(5)
    ]


def test_the_verifier_makes_the_clauses_that_the_clausifier_makes() -> None:
    rng = np.random.default_rng(0)
    named = skolems = 0
    for _ in range(300):
        text = f"fof(a, axiom, {_random_formula(rng, int(rng.integers(1, 8)), ())})."
        text += f"fof(sK1, conjecture, sP1 | {_random_formula(rng, 4, ())})."
        problem = parse_problem(text, "test.p")
        clauses = clausify(problem)
        named, skolems = named + len(clauses.definitions), skolems + len(clauses.skolems)
        proof = theorem_proof(
            problem, clauses, [Instance(i, {}) for i in range(len(clauses.clauses))]
        )
        try:
            verify_theorem(proof)
        except TheoremFault as fault:
            assert "contradict" in str(fault)  # noqa: PT017 - most are no theorems
    assert named > 10
    assert skolems > 300


REMOVED = object()
Change = tuple[tuple[str | int, ...], object]  # where in a proof, and what is there then


def _wrong(proof: dict[str, Any]) -> Iterator[Change]:
    for row, instance in enumerate(proof["instances"]):
        yield ("instances", row), REMOVED
        for name in instance["terms"]:
            yield ("instances", row, "terms", name), "new"
    for row, clause in enumerate(proof["clauses"]):
        yield ("clauses", row), REMOVED
        if clause["of"] != "equality":
            yield ("clauses", row, "of"), "equality"
        for old, new in (("~ ", ""), (" | ", " | p | "), ("!=", "="), ("V1", "V2"), ("sK1", "sK2")):
            if old in clause["text"]:
                yield ("clauses", row, "text"), clause["text"].replace(old, new, 1)
    for row, formula in enumerate(proof["formulas"]):
        yield ("formulas", row), REMOVED
        for old, new in (
            ("axiom", "conjecture"),
            ("conjecture", "axiom"),
            ("=>", "<="),
            ("?", "!"),
        ):
            if old in formula["text"]:
                yield ("formulas", row, "text"), formula["text"].replace(old, new, 1)
        for other in ("twice", "son", "V1") if formula["skolems"] else ():
            yield ("formulas", row, "skolems"), [other] * max(2, len(formula["skolems"]))
    yield ("claim",), "Unsatisfiable"
    yield ("version",), 2


def _changed(proof: dict[str, Any], change: Change) -> dict[str, Any]:
    other = copy.deepcopy(proof)
    (*way, last), value = change
    at: Any = other
    for step in way:
        at = at[step]
    if value is REMOVED:
        del at[last]
    else:
        at[last] = value
    return other


def test_proofs_that_are_wrong_are_refused() -> None:
    proof = theorem_proof(*proved(UNCLES))
    changes = list(_wrong(proof))
    assert len(changes) > 60
    for change in changes:
        with pytest.raises(TheoremFault):
            pytest.fail(f"accepted: {change}: {verify_theorem(_changed(proof, change))}")


def test_false_axioms_of_equality_and_numbers_are_refused() -> None:
    for of, text in (
        ("equality", "X = Y"), ("equality", "X != Y | Y = Z"), ("equality", "f(X1) = f(Y1)"),
        ("equality", "X1 != Y1 | f(X1) = g(Y1)"), ("equality", "X1 != Y1 | p(X1) | ~ p(Y1)"),
        ("equality", "$false"), ("distinct", "1 != +1"), ("distinct", "2/4 != 1/2"),
        ("distinct", "a != b"), ("distinct", "1 = 2"), ("distinct", "$false"),
    ):  # fmt: skip
        proof = theorem_proof(*proved(TEXTS["numbers"]))
        proof["clauses"].append({"name": "new", "of": of, "text": text})
        with pytest.raises(TheoremFault, match="new is no clause of"):
            verify_theorem(proof)


def test_a_file_with_other_formulas_is_refused(tmp_path: Path) -> None:
    proof = theorem_proof(*proved(UNCLES))
    for old, new in (("& 'ann'", "| 'ann'"), ("son, axiom", "son, lemma"), ("fof(tom", "%")):
        path = tmp_path / "test.p"
        path.write_text(UNCLES.replace(old, new))
        with pytest.raises(TheoremFault, match="is not in"):
            verify_theorem(proof, path)
    (tmp_path / "in.ax").write_text(UNCLES)
    path.write_text("include('in.ax').")
    assert verify_theorem(proof, path).compared
    path.write_text("include('in.ax', [goal, tom]).")
    with pytest.raises(TheoremFault, match="is not in"):
        verify_theorem(proof, path)


def test_deep_and_shared_terms_are_checked(tmp_path: Path) -> None:
    text = "fof(a, axiom, ! [X] : p(X)). fof(c, conjecture, ? [X] : p(g(X, X)))."
    problem = parse_problem(text, "test.p")
    clauses = clausify(problem)
    deep: Term = Variable("X7")
    for _ in range(20_000):
        deep = Function("f", (deep,))
    shared = deep
    for _ in range(200):
        shared = Function("g", (shared, shared))
    instances = [Instance(0, {"V1": Function("g", (shared, shared))}), Instance(1, {"V1": shared})]
    proof = theorem_proof(problem, clauses, instances)
    path = tmp_path / "deep.json"
    save_proof(path, proof)
    assert main(["verify", str(path)]) == 0
    ground = ground_instances(problem, clauses, instances)
    assert dimacs(ground).endswith("p cnf 1 2\n1 0\n-1 0\n")
    assert smt_lib(ground).count("define-fun") > 20_000


def test_exports_hold_what_was_proved() -> None:
    z3 = pytest.importorskip("z3")
    for text in TEXTS.values():
        problem, clauses, instances = proved(text)
        ground = ground_instances(problem, clauses, instances)
        rows = [
            list(map(int, r.split()[:-1]))
            for r in dimacs(ground).splitlines()
            if r[0] in "-0123456789"
        ]
        assert conflicts_to_refute(rows) is not None
        listing = tstp(problem, clauses, instances)
        assert len(parse_problem(listing).formulas) > len(instances)
        again = parse_problem(tptp_cnf(ground))
        assert len(again.formulas) == len(instances)
        solver = z3.Solver()
        solver.from_string(smt_lib(ground))
        assert solver.check() == z3.unsat


def test_names_in_a_listing_are_unique() -> None:
    text = """fof(instance_1, axiom, sK1). fof(refutation, axiom, sK1 => q).
    fof(instance_1_1, axiom, q => r). fof('a b', conjecture, r)."""
    listing = tstp(*proved(text)).splitlines()
    names = [line.split(",")[0].split("(", 1)[1] for line in listing]
    assert len(set(names)) == len(names) == len(parse_problem("\n".join(listing)).formulas)
    assert "'a b_denied'" in names


def test_the_solver_refutes_what_has_no_model() -> None:
    rng = np.random.default_rng(1)
    counts = [0, 0]
    for _ in range(400):
        atoms = int(rng.integers(1, 8))
        rows = [
            [
                int(rng.integers(1, atoms + 1)) * int(rng.choice((-1, 1)))
                for _ in range(rng.integers(1, 4))
            ]
            for _ in range(rng.integers(1, 5 * atoms))
        ]
        models = any(
            all(any((literal > 0) == values[abs(literal) - 1] for literal in row) for row in rows)
            for values in product((False, True), repeat=atoms)
        )
        counts[models] += 1
        assert (conflicts_to_refute(rows) is None) == models
    assert min(counts) > 50


def test_a_pigeonhole_takes_learning() -> None:
    holes = 6
    number = {(p, h): 1 + p * holes + h for p in range(holes + 1) for h in range(holes)}
    rows = [[number[p, h] for h in range(holes)] for p in range(holes + 1)]
    rows += [
        [-number[p, h], -number[q, h]]
        for h in range(holes)
        for p in range(holes + 1)
        for q in range(p)
    ]
    found = conflicts_to_refute(rows)
    assert found is not None
    assert found > 10
    assert conflicts_to_refute(rows, most=10) is None
    assert conflicts_to_refute(rows[1:]) is None


@pytest.mark.skipif(shutil.which("eprover") is None, reason="E is not installed")
@pytest.mark.parametrize("name", sorted(TEXTS.keys() - {"numbers"}))  # E gives those types
def test_e_refutes_what_is_exported(name: str, tmp_path: Path) -> None:
    path = tmp_path / "ground.p"
    path.write_text(tptp_cnf(ground_instances(*proved(TEXTS[name]))))
    command = ["eprover", "--auto", "-s", str(path)]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert "SZS status Unsatisfiable" in told


def test_the_verifier_shares_no_code_with_what_it_checks() -> None:
    folder = Path(theorem_verification.__file__).parent

    own = ("verification", "clauses", "reading", "refutation")
    allowed = {f"tesuji.engine.theorem_{name}" for name in own}
    allowed |= {"tesuji.engine.errors", "tesuji.engine.storage"}
    for name in own:
        tree = ast.parse((folder / f"theorem_{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tesuji"):
                assert node.module in allowed

"""SAT help: instances that tableaux meet refute each other before a tableau closes."""

import itertools

import numpy as np
import pytest
import z3

from tesuji.domains.proving.banked import banked_instances, put_instances
from tesuji.domains.proving.clauses import Instance
from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.matrix import make_matrix
from tesuji.domains.proving.tptp import parse_problem
from tesuji.engine.theorem_proof import theorem_proof
from tesuji.engine.theorem_verification import verify_theorem
from tesuji.search.proving import sat_help
from tesuji.search.proving.deepening import Deepening
from tesuji.search.proving.sat import REFUTED, SATISFIABLE, give_clauses, make_solver, solve
from tesuji.search.proving.sat_help import SatHelp


def random_clauses(count: int, atom: str) -> str:
    """Return clauses of three literals over ten atoms."""
    rng = np.random.default_rng(3)
    lines = []
    for i in range(count):
        words = [
            ("" if rng.integers(2) else "~") + atom.format(a)
            for a in rng.choice(10, 3, replace=False)
        ]
        lines.append(f"cnf(c{i}, {'axiom' if i else 'negated_conjecture'}, {' | '.join(words)}).")
    return "\n".join(lines)


@pytest.mark.parametrize("atom", ["p{}", "p(c{})"])
def test_sat_help_proves_what_tableaux_do_not(atom: str) -> None:
    """In as many inferences; and the verifier accepts the instances."""
    problem = parse_problem(random_clauses(90, atom))
    clauses = clausify(problem)
    named = make_matrix(clauses)
    alone = Deepening(named.matrix).run(1000)
    assert alone is None or alone.copies is None
    helped = Deepening(named.matrix, sat_help=True)
    found = helped.run(1000)
    assert found is not None
    assert found.core
    instances = banked_instances(named, helped.bank, list(found.core))
    verify_theorem(theorem_proof(problem, clauses, instances))


GROUND = {
    "transitivity": ("a = b", "c = b", "a != c"),
    "congruence": ("a = b", "f(a, c) != f(b, c)"),
    "congruence of both arguments": ("a = b", "c = d", "f(a, c) != f(b, d)"),
    "congruence, nested": ("g(g(g(a))) = a", "g(g(a)) = a", "g(a) != a"),
    "a predicate": ("a = b", "p(g(a))", "~p(g(b))"),
    "reflexivity": ("g(a) != g(a)",),
    "a choice": ("a = b | a = c", "p(a)", "~p(b)", "~p(c)"),
}


def solved(text: str) -> bool:
    """Return whether a bank of all clauses, which are ground, is refuted; the verifier agrees."""
    problem = parse_problem(text)
    clauses = clausify(problem)
    named = make_matrix(clauses)
    help_ = SatHelp(named.matrix)
    own = [n for n, each in enumerate(clauses.clauses) if each.parent != "equality"]
    put_instances(named, help_.bank, [Instance(number, {}) for number in own])
    core = help_.ask(0)
    if core:
        instances = banked_instances(named, help_.bank, core)
        verify_theorem(theorem_proof(problem, clauses, instances))
    return bool(core)


@pytest.mark.parametrize("rows", GROUND.values(), ids=GROUND)
def test_equality_of_ground_terms_is_decided(rows: tuple[str, ...]) -> None:
    """All rows contradict each other, and without any one of them they do not."""
    text = [f"cnf(c{number}, axiom, {row})." for number, row in enumerate(rows)]
    assert solved("\n".join([*text, "cnf(e, axiom, d = d)."]))
    for number in range(len(rows)):
        rest = [*text[:number], *text[number + 1 :], "cnf(e, axiom, d = d)."]
        assert not solved("\n".join(rest))


def test_a_refutation_that_is_hard_to_find_again_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five pigeons do not fit into four holes, which takes more conflicts than one question has."""
    monkeypatch.setattr(sat_help, "_CONFLICTS", 10)
    pigeons, holes = range(5), range(4)
    rows = [" | ".join(f"p{i}_{j}" for j in holes) for i in pigeons]
    rows += [f"~p{i}_{j} | ~p{k}_{j}" for i in pigeons for k in range(i) for j in holes]
    problem = parse_problem("\n".join(f"cnf(c{n}, axiom, {row})." for n, row in enumerate(rows)))
    named = make_matrix(clausify(problem))
    help_ = SatHelp(named.matrix)
    put_instances(named, help_.bank, [Instance(number, {}) for number in range(len(rows))])
    assert any(help_.ask(0) for _ in range(100))


def test_ground_equality_agrees_with_z3() -> None:
    """On random clauses over terms that are nested twice."""
    rng = np.random.default_rng(1)
    kind = z3.DeclareSort("U")
    f, g = z3.Function("f", kind, kind, kind), z3.Function("g", kind, kind)
    p = z3.Function("p", kind, z3.BoolSort())

    def term(depth: int) -> tuple[str, z3.ExprRef]:
        shape = rng.integers(3) if depth else 0
        if shape == 0:
            name = str(rng.choice(list("abc")))
            return name, z3.Const(name, kind)
        below = [term(depth - 1) for _ in range(shape)]
        function = (g, f)[shape - 1]
        return f"{function}({', '.join(t for t, _ in below)})", function(*(e for _, e in below))

    answers = []
    for _ in range(150):
        solver, rows = z3.Solver(), []
        for number in range(rng.integers(10, 22)):
            literals, parts = [], []
            for _ in range(rng.integers(1, 3)):
                (one, left), (two, right) = term(2), term(2)
                positive, equal = rng.integers(2), rng.random() < 0.7
                atom = left == right if equal else p(left)
                parts.append(atom if positive else z3.Not(atom))
                text = f"{one} {'=' if positive else '!='} {two}"
                literals.append(text if equal else f"{'' if positive else '~'}p({one})")
            solver.add(z3.Or(parts))
            rows.append(f"cnf(c{number}, axiom, {' | '.join(literals)}).")
        answers.append(solved("\n".join(rows)))
        assert answers[-1] == (solver.check() == z3.unsat), rows
    assert 20 < sum(answers) < 130


def test_nothing_is_proved_that_is_not_so() -> None:
    """So few clauses can be true."""
    matrix = make_matrix(clausify(parse_problem(random_clauses(25, "p{}")))).matrix
    found = Deepening(matrix, sat_help=True).run(5000)
    assert found is None or not found.core


def test_the_solver_agrees_with_trying_all() -> None:
    """On random clauses of three literals over six atoms."""
    rng = np.random.default_rng(0)
    answers = set()
    for _ in range(200):
        clauses = [
            [2 * int(a) + int(rng.integers(2)) for a in rng.choice(6, 3, replace=False)]
            for _ in range(rng.integers(10, 40))
        ]
        true = any(
            all(any(values[lit >> 1] != lit & 1 for lit in clause) for clause in clauses)
            for values in itertools.product((0, 1), repeat=6)
        )
        solver = make_solver(4000, 6, 40_000)
        first = np.arange(0, 3 * len(clauses) + 1, 3, dtype=np.int32)
        give_clauses(solver, first, np.concatenate(clauses).astype(np.int32), 0, len(clauses))
        assert solve(solver, 2000) == (SATISFIABLE if true else REFUTED)
        answers.add(true)
    assert answers == {True, False}

"""SAT help: instances that tableaux meet refute each other before a tableau closes."""

import itertools

import numpy as np
import pytest

from tesuji.domains.proving.clausify import clausify
from tesuji.domains.proving.grounding import banked_instances
from tesuji.domains.proving.matrix import make_matrix
from tesuji.domains.proving.tptp import parse_problem
from tesuji.engine.theorem_proof import theorem_proof
from tesuji.engine.theorem_verification import verify_theorem
from tesuji.search.proving.deepening import Deepening
from tesuji.search.proving.sat import REFUTED, SATISFIABLE, give_clauses, make_solver, solve


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

"""TPTP files, their clauses, and the family of Robinson arithmetic."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.proving.clauses import Clause, ClauseSet
from tesuji.domains.proving.clausify import clausify, num_clauses
from tesuji.domains.proving.formulas import (
    Atom,
    Connective,
    Formula,
    Function,
    Quantified,
    Variable,
)
from tesuji.domains.proving.robinson import STAGES, random_robinson, robinson
from tesuji.domains.proving.tptp import parse_problem, read_problem
from tesuji.domains.proving.tptp_lexer import TptpError


def shown(clause: Clause) -> str:
    return " | ".join(
        ("" if lit.positive else "~") + term(Function(lit.atom.predicate, lit.atom.arguments))
        for lit in clause.literals
    )


def term(one: object) -> str:
    if isinstance(one, Variable):
        return one.name
    assert isinstance(one, Function)
    inner = ", ".join(map(term, one.arguments))
    return f"{one.symbol}({inner})" if inner else one.symbol


def clauses(text: str) -> list[str]:
    return [shown(clause) for clause in clausify(parse_problem(text)).clauses]


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("p & q & r", Connective("&", (Atom("p"), Atom("q"), Atom("r")))),
        ("p <= q", Connective("=>", (Atom("q"), Atom("p")))),
        ("p <~> q", Connective("~", (Connective("<=>", (Atom("p"), Atom("q"))),))),
        ("~ p => q", Connective("=>", (Connective("~", (Atom("p"),)), Atom("q")))),
        ("! [X] : p(X)", Quantified("!", ("X",), Atom("p", (Variable("X"),)))),
        ("'p' != 'A b'", Connective("~", (Atom("=", (Function("p"), Function("'A b'"))),))),
    ],
)
def test_formulas_are_read(text: str, formula: Formula) -> None:
    problem = parse_problem(f"% a remark\nfof(one, axiom, {text}, file('x', [1])). /* more */")
    assert [each.formula for each in problem.formulas] == [formula]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fof(a, axiom, p(X)).", "line 1, column 17: no quantifier binds the variable X"),
        ("fof(a, axiom,\n  p & q | r).", "line 2, column 9: & and |: put parentheses"),
        (
            "fof(a, axiom, p(c)).\nfof(b, axiom, p).",
            "p is a predicate of 0 here and was a predicate",
        ),
        ("fof(a, axiom, p(p)).", "p is a predicate of 1 here and was a function of 0"),
        ("fof(a, axiom, p(c)", "expected ')', not the end of the file"),
        ("fof(a, lemming, p).", "the role lemming is not supported"),
        ("tff(a, axiom, p).", "tff is not supported; fof and cnf are"),
        ("fof(a, axiom, $less(c, c)).", "$less is not supported"),
        ("cnf(a, axiom, ! [X] : p(X)).", "cnf formulas have no quantifiers"),
        ("fof(a, axiom, p(#)).", "line 1, column 17: unexpected '#"),
        ("fof(a, axiom, " + "~" * 999 + "p).", "formulas are nested deeper than 200"),
        ("fof(a, axiom, p(" + "f(" * 20_000, "terms are nested deeper than 10000"),
        ("fof(a, conjecture, p). fof(b, conjecture, p).", "a second conjecture, b"),
        ("include('nowhere.ax').", "cannot include 'nowhere.ax' here"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(TptpError) as error:
        parse_problem(text, "x.p")
    assert str(error.value).startswith("x.p, line ")
    assert message in str(error.value)


def test_files_are_included_in_part_and_not_in_circles(tmp_path: Path) -> None:
    inner, outer = tmp_path / "Axioms" / "in.ax", tmp_path / "Problems" / "out.p"
    for path in (inner, outer):
        path.parent.mkdir()
    inner.write_text("fof(one, axiom, p). fof(two, axiom, q).")
    outer.write_text("include('Axioms/in.ax', [two]). fof(goal, conjecture, q).")
    assert [each.name for each in read_problem(outer).formulas] == ["two", "goal"]
    inner.write_text("\ninclude('Axioms/in.ax').")
    with pytest.raises(
        TptpError, match=r"Axioms/in.ax, line 2, column 9: files include each other"
    ):
        read_problem(outer)
    inner.unlink()
    with pytest.raises(TptpError, match=r"out\.p, line 1, column 9: no file 'Axioms/in.ax'"):
        read_problem(outer)


def test_the_conjecture_is_denied_and_skolem_terms_depend_on_what_occurs() -> None:
    assert clauses("fof(c, conjecture, ? [X] : ! [Y] : r(X, Y)).") == ["~r(V1, sK1(V1))"]
    text = "fof(a, axiom, ! [X, Z] : (? [Y] : (r(X, Y) & ? [U] : r(Y, U)) | q(Z)))."
    assert clauses(text) == [
        "r(V1, sK1(V1)) | q(V2)",
        "r(sK1(V1), sK2(V1)) | q(V2)",
    ]
    assert clauses("fof(a, axiom, ? [X] : p(X, sK1)).") == ["p(sK1_, sK1)"]


def test_variables_of_the_two_halves_of_an_equivalence_are_apart() -> None:
    assert clauses("fof(a, axiom, p <=> ! [X] : q(X)).") == ["~p | q(V1)", "p | ~q(sK1)"]


def test_truth_is_left_out() -> None:
    assert clauses("fof(a, axiom, (p & $true) | $false).") == ["p"]
    assert clauses("fof(a, axiom, p | ~ p).") == []
    assert clauses("fof(a, axiom, $false).") == [""]


def test_equality_has_its_axioms() -> None:
    assert clauses("cnf(a, axiom, f(X) = c | p(X)).")[1:] == [
        "=(X, X)",
        "~=(X, Y) | =(Y, X)",
        "~=(X, Y) | ~=(Y, Z) | =(X, Z)",
        "~=(X1, Y1) | =(f(X1), f(Y1))",
        "~=(X1, Y1) | ~p(X1) | p(Y1)",
    ]


def test_numbers_differ() -> None:
    assert "~=(1, 2)" in clauses("fof(a, axiom, p(1) & p(2) & p(c)).")


def test_parts_that_would_multiply_are_named() -> None:
    parts = " | ".join(f"(p{i} & q{i} & r{i})" for i in range(8))
    found = clausify(parse_problem(f"fof(a, axiom, {parts})."))
    assert [one.symbol for one in found.definitions] == [f"sP{i}" for i in range(1, 6)]
    assert len(found.clauses) == 3**3 + 5 * 3
    assert num_clauses(found.definitions[0].definiens) == 3


def _random_formula(rng: np.random.Generator, depth: int) -> str:
    if not depth:
        return "pqrs"[rng.integers(4)]
    kind = rng.integers(5)
    left, right = (_random_formula(rng, int(rng.integers(depth))) for _ in range(2))
    return f"~ ({left})" if not kind else f"({left} {('&', '|', '=>', '<=>')[kind - 1]} {right})"


def _satisfiable(found: ClauseSet) -> bool:
    names = list(dict.fromkeys(lit.atom.predicate for c in found.clauses for lit in c.literals))
    return any(
        all(
            any(lit.positive == value[lit.atom.predicate] for lit in c.literals)
            for c in found.clauses
        )
        for values in product((False, True), repeat=len(names))
        for value in [dict(zip(names, values, strict=True))]
    )


def _holds(formula: Formula, values: dict[str, bool]) -> bool:
    if isinstance(formula, Atom):
        return values[formula.predicate]
    assert isinstance(formula, Connective)
    parts = [_holds(part, values) for part in formula.parts]
    if formula.operator in ("&", "|"):
        return all(parts) if formula.operator == "&" else any(parts)
    if formula.operator == "~":
        return not parts[0]
    return parts[0] <= parts[1] if formula.operator == "=>" else parts[0] == parts[1]


def test_clauses_are_satisfiable_just_when_the_formula_is() -> None:
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        problem = parse_problem(f"fof(a, axiom, {_random_formula(rng, 4)}).")
        truth = any(
            _holds(problem.formulas[0].formula, dict(zip("pqrs", values, strict=True)))
            for values in product((False, True), repeat=4)
        )
        assert _satisfiable(clausify(problem)) == truth
        seen.add(truth)
    assert seen == {False, True}


def test_theorems_of_arithmetic_are_true_and_follow_from_the_seed() -> None:
    def value(one: object) -> int:
        assert isinstance(one, Function)
        below = [value(argument) for argument in one.arguments]
        if one.symbol in ("o", "s"):
            return sum(below) + (one.symbol == "s")
        return below[0] + below[1] if one.symbol == "plus" else below[0] * below[1]

    for stage, seed in product(STAGES, range(20)):
        problem = robinson(stage, seed)
        assert problem == robinson(stage, seed)
        goal = problem.formulas[-1].formula
        assert isinstance(goal, Atom)
        left, right = goal.arguments
        assert value(left) == value(right)
    with pytest.raises(ValueError, match="stage must be 1, 2 or 3, got 4"):
        random_robinson(4, np.random.default_rng(0))


def test_numbers_differ_by_their_values() -> None:
    text = 'fof(c, conjecture, 1 = +1 & 2/4 = 1/2 & 3 = "3").'
    distinct = [c.name for c in clausify(parse_problem(text)).clauses if c.parent == "distinct"]
    assert len(distinct) == 15 - 2  # pairs of six names, but the two of one value

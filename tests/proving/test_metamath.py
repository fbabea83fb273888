"""Metamath: databases are read, proofs are checked, and what is wrong is refused with its place."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from small_metamath import LUKASIEWICZ

from tesuji.domains.proving.formulas import Function, Variable
from tesuji.domains.proving.metamath import MetamathError
from tesuji.domains.proving.metamath_clauses import make_library
from tesuji.domains.proving.metamath_proofs import replay, write_proof
from tesuji.domains.proving.metamath_reader import read_database
from tesuji.domains.proving.metamath_syntax import SyntaxRules
from tesuji.engine import metamath_policy, metamath_verification
from tesuji.engine.cli import main
from tesuji.engine.metamath import MetamathProver
from tesuji.engine.metamath_policy import MetamathTeacher
from tesuji.engine.metamath_verification import check_metamath, check_proofs
from tesuji.engine.metamath_words import MetamathFault
from tesuji.engine.theorems import TheoremBudget
from tesuji.search.proving.deepening import Deepening

SYL = "( wi mp luk1 ) BCFACFEABFBCFACFFDABCHGG"
AX5I = "( wal ax5 syl ) BAACEDACFG"
GAP = "A. x p ) $= ? $."


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "small.mm"
    path.write_text(LUKASIEWICZ)
    return path


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def test_frames_hold_what_is_mandatory(database: Path) -> None:
    assertions = read_database(database).assertions
    syl, conditional = assertions["syl"], assertions["ax5i"]
    assert [h.label for h in syl.hypotheses] == ["wp", "wq", "wr", "syl.1", "syl.2"]
    assert syl.variables == {"p": "wff", "q": "wff", "r": "wff"}
    assert conditional.disjoint == {("p", "x"), ("q", "y")}
    assert [a.label for a in assertions.values() if a.is_open] == ["ax5i", "bare", "allid"]


def test_reading_ends_at_the_label_that_is_asked_for(database: Path) -> None:
    assert list(read_database(database, until="mp").assertions) == ["wn", "wi", "mp"]


def test_proofs_are_put_into_the_text(database: Path) -> None:
    text = read_database(database).with_proofs({"syl": " ? ", "bare": " wp "})
    first, second, third = LUKASIEWICZ.replace(SYL, "?").split(GAP)
    assert text == f"{first}{GAP}{second}{GAP.replace('?', 'wp')}{third}"


def test_includes_are_read_once_and_from_the_folder_only(tmp_path: Path) -> None:
    (tmp_path / "a.mm").write_text("$c wff $. $[ b.mm $] $[ b.mm $] $[ a.mm $]")
    (tmp_path / "b.mm").write_text("$v p $. wp $f wff p $. all $a wff p $. $[ a.mm $]")
    assert list(read_database(tmp_path / "a.mm").assertions) == ["all"]
    assert list(check_metamath(tmp_path / "a.mm").statements) == ["all"]
    for name in ("../b.mm", "none.mm"):
        (tmp_path / "a.mm").write_text(f"$c wff $.\n$[ {name} $]")
        with pytest.raises(MetamathError, match=r"line 2: .*mm"):
            read_database(tmp_path / "a.mm")


FAULTS = {
    "$c wff": ("line 1", "expected"),
    "$c wff $. $c wff $.": ("line 1", "there already"),
    "$v p $. $( never": ("line 1", "comment"),
    "$c wff $.\nx $a $.": ("line 2", "typecode"),
    "$c wff $.\n$v p $. x $a wff p $.": ("line 2", r"no \$f"),
    "$c wff $.\nx $a wff q $.": ("line 2", "neither"),
    "$c wff $. x $a wff $.\nx $a wff $.": ("line 2", "there already"),
    "$c wff $. ${\n$c b $. $}": ("line 2", "block"),
    "$c wff $. ${": ("line 1", "block"),
    "$}": ("line 1", "block"),
    "$c wff $. $v p $. $d p $.": ("line 1", "different"),
    "$c wff $. $v p $. $d p p $.": ("line 1", "different"),
    "$c wff $. $v p $. a $f wff p $. b $f wff p $.": ("line 1", "already"),
    "$c wff $. a $f wff wff $.": ("line 1", "variable"),
    "$c wff $. $a wff $.": ("line 1", "label"),
    "$c wff $. a b $a wff $.": ("line 1", "label"),
    "$c wff $. a $p wff $.": ("line 1", "expected"),
    "$c wff $. a $p wff $= a": ("line 1", "expected"),
    "$c wff $. a! $a wff $.": ("line 1", "no label"),
    "$c wff $. a": ("line 1", "label"),
    "$x": ("line 1", "keyword"),
    "$c caf\xe9 $.": ("line 1", "ASCII"),
    "$[ a.mm": ("line 1", "file"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_malformed_databases_are_refused_with_their_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mm"
    path.write_bytes(text.encode("latin-1"))
    line, what = FAULTS[text]
    with pytest.raises(MetamathError, match=rf"a\.mm, {line}.*{what}"):
        read_database(path)
    with pytest.raises(MetamathFault):
        check_metamath(path)


def test_proofs_are_checked_and_gaps_counted(database: Path) -> None:
    found = check_metamath(database)
    assert (found.proven, found.open) == (["syl", "id"], ["ax5i", "bare", "allid"])
    changed(database, SYL, "?")
    assert check_metamath(database).rests_on["id"] == {"syl"}


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (SYL, "", "empty"),
        (SYL, SYL.replace("GG", "G"), "does not end"),
        (SYL, SYL.replace("E", "D"), "does not fit"),
        (SYL, SYL.replace("BCF", "F", 1), "too little"),
        (SYL, SYL.replace("mp", "mq"), "not there"),
        (SYL, SYL.replace(")", ""), "missing"),
        (SYL, SYL + "U", "within a number"),
        (SYL, SYL + "J", "not there"),
        (SYL, SYL.replace("BCF", "BC$F", 1), "expected"),
        (SYL, "syl", "not there"),
        ("wp luk2  syl", "wp luk2", "does not end"),
        ("wp luk3  wp luk2", "wp luk2  wp luk3", "does not fit"),
        ("$a |- ( ( -. p -> p ) -> p )", "$a |- ( p -> ( -. p -> p ) )", "does not fit"),
    ],
)
def test_wrong_proofs_are_refused(old: str, new: str, what: str, database: Path) -> None:
    with pytest.raises(MetamathFault, match=what):
        check_metamath(changed(database, old, new))


def test_variables_that_must_be_disjoint_are_held_apart(database: Path) -> None:
    changed(database, GAP, GAP.replace("?", AX5I))
    assert "ax5i" in check_metamath(database).proven
    changed(database, GAP, GAP.replace("?", AX5I))
    with pytest.raises(MetamathFault, match=r"bare: ax5 needs . and . to be disjoint"):
        check_metamath(database)


def test_the_command_says_what_is_proven(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.mm"
    other.write_text(LUKASIEWICZ.replace(SYL, "?"))
    assert main(["verify", str(database), "--theorem", "id", "--problem", str(other)]) == 0
    assert "id: |- ( p -> p ): proven" in capsys.readouterr().out
    assert main(["verify", str(other), "--theorem", "id"]) == 0
    assert "if 1 theorems without a whole proof are so: syl" in capsys.readouterr().out
    assert main(["verify", str(other), "--theorem", "syl"]) == 1
    assert main(["verify", str(database), "--theorem", "none"]) == 2
    other.write_text(LUKASIEWICZ.replace("luk2", "luk4"))
    assert main(["verify", str(database), "--problem", str(other)]) == 1


def test_the_verifier_shares_no_code_with_what_finds_proofs() -> None:
    folder = Path(metamath_verification.__file__).parent
    names = set()
    for name in ("metamath_verification.py", "metamath_words.py"):
        for node in ast.walk(ast.parse((folder / name).read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    assert {name for name in names if name.startswith("tesuji")} == {
        "tesuji.engine.errors", "tesuji.engine.metamath_words", "tesuji.engine.storage",
    }  # fmt: skip


@pytest.mark.skipif("TESUJI_DATA" not in os.environ, reason="development data")
def test_a_large_database_is_read_alike() -> None:
    path = Path(os.environ["TESUJI_DATA"]) / "proving/set_logic.mm"
    read, checked = read_database(path), check_metamath(path)
    assert list(read.assertions) == list(checked.statements)
    for label, assertion in read.assertions.items():
        frame = checked.statements[label]
        assert [h.label for h in assertion.hypotheses] == [h.label for h in frame.hypotheses]
        assert assertion.expression == frame.statement


def test_databases_become_terms(database: Path) -> None:
    read = read_database(database)
    rules = SyntaxRules(read.assertions.values())
    variables = {"p": "wff", "q": "wff", "x": "setvar"}
    term = rules.parse(("|-", "(", "p", "->", "A.", "x", "-.", "q", ")"), variables)
    inner = Function("wn", (Variable("q"),))
    assert term == Function("wi", (Variable("p"), Function("wal", (inner, Variable("x")))))
    assert rules.parse(("|-", "(", "p", "->", ")"), variables) is None
    assert rules.parse(("|-", *["-."] * 5000, "p"), variables) is None


@pytest.mark.parametrize("label", ["syl", "id"])
def test_a_proof_is_a_closed_tableau_and_back(label: str, database: Path) -> None:
    library = make_library(read_database(database))
    closed = replay(library, label)
    assert closed is not None
    proof = write_proof(library, label, closed[0])
    assert proof is not None
    check_proofs(database, {label: proof})


def test_a_theorem_sees_only_what_is_before_it(database: Path) -> None:
    library = make_library(read_database(database))
    matrix = library.matrix_for("id")
    rules = {
        library.labels[matrix.clause[literal]]
        for literal in matrix.partner
        if not matrix.key[literal] & 1
    }
    assert rules == {"mp", "luk1", "luk2", "luk3", "syl"}
    assert [library.labels[c] for c in matrix.goal.nonzero()[0]] == [""]


def test_theorems_are_proved_backwards_with_their_conditions(database: Path) -> None:
    prover = MetamathProver(database)
    answers = {each: prover.prove(each, TheoremBudget(2.0)) for each in ("ax5i", "allid")}
    assert {each.status for each in answers.values()} == {"Theorem"}
    check_proofs(database, {label: each.proof for label, each in answers.items()})
    bare = prover.prove("bare", TheoremBudget(10.0, inferences=3000))
    assert (bare.status, bare.proof) == ("ResourceOut", "")
    with pytest.raises(KeyError):
        prover.prove("wi", TheoremBudget())


def test_the_search_itself_keeps_apart_what_must_be(database: Path) -> None:
    # ax5 alone would prove it, were x not in what it is about.
    axioms = LUKASIEWICZ.partition("${\n  $d x p $.  $d y q $.")[0]
    stated = "$p |- ( A. x p -> A. y A. x p ) $= ? $."
    for name, conditions, provable in (
        ("wrong", "", False), ("half", "$d x y $.", False), ("right", "$d x y $. $d y p $.", True),
    ):  # fmt: skip
        database.write_text(f"{axioms} ${{ {conditions} {name} {stated} $}}")
        search = Deepening(make_library(read_database(database)).matrix_for(name), cut=False)
        found = search.run(2000)
        assert (found is not None and found.copies is not None) == provable


def test_guidance_is_learned_from_earlier_proofs(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metamath_policy, "_FEWEST", 2)
    prover = MetamathProver(database)
    teacher = prover.teacher
    assert teacher is not None
    assert teacher.policy_for("id") is None
    assert teacher.policy_for("allid") is not None
    assert teacher.taught == 2
    again = MetamathTeacher(prover.library, 0).policy_for("allid")
    policy = teacher.policy_for("allid")
    assert again is not None
    assert policy is not None
    assert (again.action == policy.action).all()


def test_the_command_proves_and_writes_the_database(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mm"
    command = ["prove", str(database), "--theorem", "allid", "--out", str(out)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "% SZS status Theorem for allid" in said
    assert "allid $p |- A. x ( p -> p ) $=" in said
    assert main(["verify", str(out), "--theorem", "allid", "--problem", str(database)]) == 0
    assert main(["prove", str(database), "--inferences", "2000", "--json"]) == 4
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["proved"], last["of"]) == (2, 3)


@pytest.mark.parametrize(
    ("change", "more", "code"),
    [
        ({}, ["--theorem", "none"], 2),
        ({}, ["--agent", "net"], 2),
        ({}, ["--prover", "z3"], 2),
        ({}, ["--out", "a.json"], 2),
        ({"$c (": "$c"}, [], 2),
        ({"wi $a wff ( p -> q ) $.": ""}, [], 2),
    ],
)
def test_the_command_refuses_what_it_cannot_do(
    change: dict[str, str], more: list[str], code: int, database: Path
) -> None:
    for old, new in change.items():
        changed(database, old, new)
    assert main(["prove", str(database), *more]) == code


@pytest.mark.skipif(shutil.which("metamath") is None, reason="metamath is not installed")
def test_metamath_accepts_what_is_proved(database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mm"
    main(["prove", str(database), "--inferences", "2000", "--out", str(out)])
    command = ["metamath", f'read "{out}"', "verify proof *", "exit"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "?Error" not in said
    assert "not proved:  bare\n" in said

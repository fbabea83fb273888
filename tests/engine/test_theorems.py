"""`tesuji prove` of TPTP files: SZS lines, exit codes, limits, what is written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tesuji.domains.proving.robinson import random_robinson
from tesuji.engine.cli import main
from tesuji.engine.errors import TesujiError
from tesuji.engine.tableau_chart import tableau_svg
from tesuji.engine.theorems import TheoremBudget, prove_file

UNCLE = """
fof(uncle, axiom, ! [X, Y, Z] : ((brother(X, Z) & parent(Z, Y)) => uncle(X, Y))).
fof(brother, axiom, brother(tom, ann)).
fof(parent, axiom, ! [X] : (parent(X, child(X)) | happy(X))).
fof(unused, axiom, ! [X] : rich(X)).
fof(ann, axiom, ~ happy(ann)).
fof(goal, conjecture, ? [X] : uncle(tom, X)).
"""
ENDLESS = "fof(a, axiom, ! [X] : (p(f(X)) => p(X))). fof(c, conjecture, p(c))."
STATUS = {
    UNCLE: ("Theorem", 0),
    "cnf(a, axiom, p(X)). cnf(b, axiom, ~ p(c)).": ("Unsatisfiable", 0),
    "fof(a, axiom, p). fof(b, axiom, ~ p). fof(c, conjecture, q).": ("Theorem", 0),
    "fof(a, axiom, $false). fof(c, conjecture, q).": ("Theorem", 0),
    "fof(c, conjecture, $true).": ("Theorem", 0),
    "fof(c, conjecture, $false).": ("CounterSatisfiable", 3),
    "fof(a, axiom, p). fof(c, conjecture, q).": ("CounterSatisfiable", 3),
    "cnf(a, axiom, p(X) | q(X)). cnf(b, axiom, ~ p(c)).": ("Satisfiable", 3),
    "% nothing at all": ("Satisfiable", 3),
    ENDLESS: ("Timeout", 4),
    "fof(c, conjecture, a = b).": ("Timeout", 4),
    "fof(a, axiom, p(X)).": ("InputError", 2),
}


def write(folder: Path, text: str) -> str:
    path = folder / "test.p"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("text", STATUS)
def test_what_is_so_is_said(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, code = STATUS[text]
    assert main(["prove", write(tmp_path, text), "--time", "0.3", "--prover", "ours"]) == code
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert lines[0] == f"% SZS status {status} for test"
    assert ("% SZS output start Proof for test" in lines) == (code == 0)
    if code == 2:
        assert "test.p, line 1, column 17: no quantifier binds the variable X" in told.err


def test_a_proof_is_written_verified_explained_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, proof = write(tmp_path, UNCLE), tmp_path / "proof.json"
    assert main(["prove", path, "--json", "--out", str(proof)]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts["explanation"][0] == "goal follows from uncle, brother, parent, ann."
    assert facts["explanation"][1] == "Used: 5 of 6 formulas, 5 instances."
    assert main(["verify", str(proof), "--problem", path]) == 0
    assert "goal follows from uncle, brother, parent, ann: proven" in capsys.readouterr().out
    proof.write_text(proof.read_text().replace("tom", "tim"))
    assert main(["verify", str(proof)]) == 1
    assert "is damaged" in capsys.readouterr().err
    for kind, start in (
        ("svg", "<svg"),
        ("cnf", "c "),
        ("smt2", "(set-"),
        ("p", "cnf("),
        ("tstp", "fof("),
    ):
        out = tmp_path / f"out.{kind}"
        assert main(["prove", path, "--out", str(out)]) == 0
        assert out.read_text().startswith(start)
    drawn = (tmp_path / "out.svg").read_text()
    assert drawn.count("<circle") == 3 + facts_goals(drawn)
    assert "~ uncle(tom,child(ann))" in drawn
    assert main(["prove", path, "--out", str(tmp_path / "out.txt")]) == 2


def facts_goals(drawn: str) -> int:
    return int(drawn.partition("a closed tableau, ")[2].split()[0])


def test_robinson_arithmetic_is_proved_with_axioms_of_equality(tmp_path: Path) -> None:
    text = random_robinson(1, np.random.default_rng(2), operand=2)
    answer = prove_file(Path(write(tmp_path, text)), TheoremBudget(20.0))
    assert answer.status == "Theorem"
    assert answer.proof["formulas"][-1]["name"] == "goal"


def test_a_finite_model_shows_that_there_is_no_proof(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", write(tmp_path, ENDLESS), "--time", "30", "--prover", "z3"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "% SZS status CounterSatisfiable for test",
        "% SZS output start FiniteModel for test",
        "% elements: 0",
    ]
    assert "% ~p(0)" in lines


def test_what_z3_proves_is_proved_again_and_checked(tmp_path: Path) -> None:
    path = Path(write(tmp_path, UNCLE + "fof(eq, axiom, tom = tim)."))
    answer = prove_file(path, TheoremBudget(20.0), prover="z3")
    assert (answer.status, answer.inferences) == ("Theorem", 0)
    assert answer.prover == "z3, proved again without it"
    with pytest.raises(TesujiError, match="was not proved by a tableau"):
        tableau_svg("test", answer.clauses, answer.goals())  # type: ignore[arg-type]


def test_limits_end_the_search(tmp_path: Path) -> None:
    path = Path(write(tmp_path, ENDLESS))
    answer = prove_file(path, TheoremBudget(60.0, inferences=3000), prover="ours")
    assert (answer.status, answer.reason) == ("ResourceOut", "3,000 inferences are made")
    assert 3000 <= answer.inferences < 3100
    began = time.process_time()
    assert prove_file(path, TheoremBudget(0.2), prover="ours").status == "Timeout"
    assert time.process_time() - began < 1.0


def test_large_files_end_within_time_and_memory(tmp_path: Path) -> None:
    row = "fof(a%d, axiom, ! [X] : (p%d(X) => q(f(X,c%d))))."
    path = Path(write(tmp_path, "\n".join(row.replace("%d", str(i)) for i in range(60_000))))
    began = time.process_time()
    assert prove_file(path, TheoremBudget(0.5)).status == "Timeout"
    assert time.process_time() - began < 1.5
    code = (
        "import sys; from pathlib import Path; from tesuji.engine.theorems import *;"
        "print(prove_file(Path(sys.argv[1]), TheoremBudget(100.0, memory_mb=60)).status)"
    )
    command = [sys.executable, "-c", code, path]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout == "ResourceOut\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_says_what_is_known(number: int, tmp_path: Path) -> None:
    words = ["prove", write(tmp_path, ENDLESS), "--time", "60", "--prover", "ours"]
    command = [sys.executable, "-m", "tesuji", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        assert "inferences" in run.stderr.readline()  # it is searching
        os.kill(run.pid, number)
        told = run.communicate(timeout=30)[0].splitlines()
    assert run.returncode == 130
    assert told[0] == "% SZS status Unknown for test"
    assert "stopped; " in told[1]


def test_what_cannot_be_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", write(tmp_path, UNCLE), "--memory", "0"]) == 2
    assert "--memory must be above 0, got 0" in capsys.readouterr().err
    assert main(["prove", str(tmp_path / "none.p")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_folder_is_proved_row_by_row_and_goes_on_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    texts = {"a": UNCLE, "b": ENDLESS, "c": "fof(a, axiom, p(X)).", "d": "fof(c, conjecture, q)."}
    for name, text in texts.items():
        (folder / f"{name}.p").write_text(text)
    out = str(tmp_path / "table.json")
    words = ["bench", str(folder), "--time", "0.2", "--json", "--out", out, "--prover", "ours"]
    assert main(words) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("status") for row in rows[:-1]] == [
        "Theorem", "Timeout", "error", "CounterSatisfiable",
    ]  # fmt: skip
    line = rows[-1]["families"][0]
    assert (line["problems"], line["proved"], line["checked"], line["refuted"]) == (4, 1, 1, 1)
    (folder / "a.p").write_text(ENDLESS)  # what the table holds is not proved again
    assert main(words) == 0
    again = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert again["families"] == rows[-1]["families"]
    assert main([*words[:-1], "together"]) == 2
    assert "is by --prover ours" in capsys.readouterr().err

"""`tesuji bench FOLDER`: a table of a folder's instances, which goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from planning_tasks import TRUCKS, trucks
from test_solve_files import ROUTES, SHOP

from tesuji.engine import folder_bench
from tesuji.engine.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "things"
    (inside / "trucks").mkdir(parents=True)
    (inside / "trucks" / "domain.pddl").write_text(TRUCKS)
    (inside / "trucks" / "p1.pddl").write_text(trucks(1))
    (inside / "trucks" / "broken.pddl").write_text("(define")
    (inside / "shop.txt").write_text(SHOP)
    (inside / "square.vrp").write_text(ROUTES)
    (inside / "notes.md").write_text("nothing")
    return inside


def table(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["bench", *words, "--json"]) == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return facts


def test_a_folder_is_solved_and_scored(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = tmp_path / "best.json"
    best.write_text(json.dumps({"things/square": {"best": 21.0}, "shop": 6}))
    facts = table(capsys, str(folder), "--time", "2", "--best", str(best))
    rows = facts["instances"]
    assert rows["things/shop"]["cost"] == 6.0
    assert rows["things/square"]["cost"] == 42.0
    assert rows["things/trucks/p1"]["status"] == "optimal"
    assert "broken.pddl:1:1: this '(' is never closed" in rows["things/trucks/broken"]["reason"]
    total = facts["families"][-1]
    assert (total["instances"], total["solved"], total["errors"]) == (4, 3, 1)
    assert total["quality"] == 2.5  # the square is said to be possible at half its cost
    assert 0 < total["agile"] <= 3


def test_what_is_in_the_table_is_not_solved_again(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    out = tmp_path / "table.json"
    done: list[str] = []

    def solve(path: Path, domain: Path | None, seconds: float, prover: str) -> dict[str, Any]:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(path.name)
        return {"status": "solved", "cost": 2.0, "bound": 1.0, "first": 0.5, "cpu_seconds": 1.0}

    monkeypatch.setattr(folder_bench, "solve_instance", solve)
    words = ["bench", str(folder), "--time", "2", "--out", str(out)]
    assert main([*words, "--json"]) == 130
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["stopped"]
    assert len(json.loads(out.read_text())["instances"]) == 2
    first, done[:] = list(done), []
    assert main(words) == 0
    assert not set(first) & set(done)
    assert len(json.loads(out.read_text())["instances"]) == 4
    assert main(["bench", str(folder), "--time", "3", "--out", str(out)]) == 2
    assert "is of 2.0 s an instance" in capsys.readouterr().err


def test_scores_are_those_of_the_competition() -> None:
    row = {"cost": 10.0, "first": 10.0}
    assert folder_bench.scores(row, 100.0, 5.0) == (0.5, 0.5)
    assert folder_bench.scores({"cost": 10.0, "first": 0.2}, 100.0, None) == (1.0, 1.0)
    assert folder_bench.scores({"cost": None}, 100.0, 5.0) == (0.0, 0.0)
    assert folder_bench.scores(row, 100.0, 20.0)[1] == 1.0  # better than the best known


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--time", "0"], "--time must be above 0"),
        (["--best", "nowhere.json"], "nowhere.json holds no costs by name"),
    ],
)
def test_wrong_flags_are_one_clear_line(
    words: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", str(folder), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_of_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", str(tmp_path)]) == 2
    assert "holds no PDDL problems" in capsys.readouterr().err

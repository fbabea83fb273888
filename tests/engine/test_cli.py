from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from tesuji.domains.registry import names
from tesuji.engine import cli
from tesuji.engine.arguments import parse
from tesuji.engine.commands import bench, match, solve
from tesuji.engine.commands.base import Answer, Common
from tesuji.engine.commands.train import next_run
from tesuji.engine.config import save_toml
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.progress import Progress
from tesuji.engine.train import TrainSummary
from tesuji.engine.training_config import NetSettings, TrainConfig

# Nothing of this may load for a line of help.
HEAVY = {"numpy", "numba", "torch", "z3", "rich", "typeguard", "networkx", "starlette"}


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tesuji", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def error_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Return the exit code and the one line of a command that fails."""
    code = cli.main(words)
    told = capsys.readouterr().err
    assert told.startswith("tesuji: error: ")
    assert told.count("\n") == 1
    return code, told.removeprefix("tesuji: error: ").rstrip()


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
def test_help_teaches_by_example(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert cli.main(words) == 0
    told = capsys.readouterr().out
    assert "tesuji train connect_four --minutes 10" in told
    assert all(f"\n  {verb} " in told for verb in cli.VERBS)


@pytest.mark.parametrize("name", [name for name in names() if not name.endswith("x6")])
def test_help_names_every_game(name: str) -> None:
    assert f" {name}," in f" {cli.GAMES}".replace("\n", " ")


@pytest.mark.parametrize("verb", cli.VERBS)
def test_help_of_a_verb_has_flags_and_examples(
    capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert cli.main([verb, "--help"]) == 0
    told = capsys.readouterr().out
    assert f"usage: tesuji {verb}" in told
    assert "--json" in told
    assert f"Examples:\n  tesuji {verb}" in told
    assert "None" not in told.partition("Examples")[0].replace("(default: None)", "")


@pytest.mark.parametrize("words", [["--help"], *([verb, "--help"] for verb in cli.VERBS)])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys; from tesuji.engine.cli import main; main(sys.argv[1:]); "
        "print(*sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stderr.split())


def test_help_takes_little_cpu() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used < 0.3


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tesuji 0.")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "unknown verb 'trian'; did you mean 'train'?"),
        (["qqq"], "unknown verb 'qqq'; tesuji --help lists the verbs"),
        (["solve", "connect_four", "--jsn"], "unknown flag --jsn; did you mean --json?"),
        (["train", "x", "--channels=3"], "unknown flag --channels; did you mean --net.channels?"),
        (["train", "x", "--minuts", "3"], "unknown flag --minuts; did you mean --minutes?"),
        (["solve", "conect_four"], "unknown game 'conect_four'; did you mean 'connect_four'?"),
        (["play", "conect_four"], "unknown game 'conect_four'; did you mean 'connect_four'?"),
        (["solve", "connect_four", "48"], "move 2 of '48': '8' is not a legal action here"),
        (["solve", "connect_four", "4444444"], "move 7 of '4444444': 4 is full"),
        (["solve", "connect_four", "12121213"], "move 8 of '12121213': the game is over"),
        (["solve", "tic_tac_toe"], "the solver plays connect_four only, not tic_tac_toe"),
        (["solve"], "Missing from tesuji solve: GAME"),
        (["solve", "a", "b", "c"], "Unrecognized options: c; see tesuji solve --help"),
        (["play", "othello", "--level", "x"], "Error parsing --level: invalid literal for int()"),
        (["play", "othello", "--level", "11"], "--level must be between 1 and 10, got 11"),
        (["play", "othello", "--side", "left"], "invalid choice 'left' for argument '--side'"),
        (["play", "tic_tac_toe", "--agent", "random"], "agent 'random' does not search"),
        (["analyze", "tic_tac_toe", "--agent", "unifrom"], "did you mean 'uniform'?"),
        (["analyze", "tic_tac_toe", "--sims", "0"], "budget: simulations must be above 0, got 0"),
        (["match", "uniform", "random"], "which game? none of uniform, random is a run"),
        (["match", "uniform", "random", "--game", "othello", "--games", "3"], "an even number"),
        (["bench", "evaluatosr"], "unknown benchmark 'evaluatosr'; did you mean 'evaluators'?"),
        (["report", "/nowhere"], "/nowhere: no such run"),
        (["solve", "--config", "/none.toml"], "/none.toml: no such file"),
    ],
)
def test_wrong_usage_leaves_with_two_and_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    code, told = error_of(capsys, *words)
    assert message in told
    assert code == 2


def test_an_unknown_key_of_a_file_leaves_with_two(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[net]\nchanels = 3\n")
    code, told = error_of(capsys, "train", "--config", str(file))
    assert told == f"{file}: unknown key 'net.chanels'; did you mean 'net.channels'?"
    assert code == 2


@dataclass(frozen=True, kw_only=True)
class Arguments(Common):
    """Do something.

    Attributes:
        size: how much.
        depth: how deep.
    """

    size: int = 1
    depth: int = 2


def test_flags_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text("size = 10\ndepth = 20\n")
    arguments = parse(Arguments, "do", ["--config", str(file), "--depth", "200"])
    assert arguments == Arguments(size=10, depth=200, config=file)


def test_a_run_stands_for_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("size = 10\n")
    arguments = parse(Arguments, "do", [f"--config={tmp_path}"])
    assert arguments is not None
    assert arguments.size == 10


def test_a_positional_may_come_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('what = "connect_four"\n')
    arguments = parse(solve.Arguments, "solve", ["--config", str(file)])
    assert arguments is not None
    assert arguments.what == "connect_four"
    file.write_text('moves = "44"\n')
    with pytest.raises(UsageError, match="Missing from tesuji solve: GAME"):
        parse(solve.Arguments, "solve", ["--config", str(file)])


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (TesujiError("no more"), "no more"),
        (ValueError("two\nlines"), "two lines"),
        (OSError(28, "No space left on device", "/x/y"), "/x/y: No space left on device"),
        (MemoryError(), "out of memory; take smaller batches, fewer workers or a smaller net"),
        (ModuleNotFoundError("No module named 'q'", name="q"), "q is not installed; pip install"),
    ],
)
def test_a_fault_leaves_with_one_and_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    line: str,
) -> None:
    def fail(arguments: object) -> Answer:
        raise fault

    monkeypatch.delenv("TESUJI_DEBUG", raising=False)
    monkeypatch.setattr(bench, "run", fail)
    code, told = error_of(capsys, "bench")
    assert told.startswith(line)
    assert code == 1
    with pytest.raises(type(fault)):
        cli.main(["bench", "--debug"])
    monkeypatch.setenv("TESUJI_DEBUG", "1")
    with pytest.raises(type(fault)):
        cli.main(["bench"])


def test_ctrl_c_leaves_with_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(arguments: object) -> Answer:
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "run", stop)
    assert cli.main(["bench"]) == 130
    assert capsys.readouterr().err == "tesuji: stopped\n"


def test_python_m_tesuji_hands_on_the_exit_code() -> None:
    done = run("solv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "tesuji: error: unknown verb 'solv'; did you mean 'solve'?\n"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_wrong_value_is_one_line_in_any_encoding(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = run("play", "x", "--level", "y")
    assert done.returncode == 2
    assert done.stderr == (
        "tesuji: error: Error parsing --level: invalid literal for int() with base 10: 'y'; "
        "see tesuji play --help\n"
    )


def test_solve_tells_every_move_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    #   The sixth move of O was a blunder: X wins at once in column 4.
    assert cli.main(["solve", "connect_four", "415263", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["kind"] == "answer"
    assert (answer["outcome"], answer["score"]) == ("win", 18)
    assert list(answer["scores"]) == ["1", "2", "3", "4", "5", "6", "7"]
    assert answer["scores"]["7"] == 18


def test_solve_says_how_soon_a_side_wins(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["solve", "connect_four", "415263"]) == 0
    assert "X to move wins in 1 move, score 18" in capsys.readouterr().out


def test_analyze_finds_and_proves_a_win(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tree = tmp_path / "tree.json"
    words = ["analyze", "tic_tac_toe", "a1 a2 b1 b2", "--agent", "uniform", "--json"]
    assert cli.main([*words, "--sims", "200", "--graph", str(tree)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["line"], answer["proven"]) == (["c1"], True)
    assert {edge["name"] for edge in answer["edges"]} == {"c1", "c2", "a3", "b3", "c3"}
    assert {"nodes", "links"} <= set(json.loads(tree.read_text()))


def test_a_match_tells_lines_of_json_and_goes_on_from_its_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = str(tmp_path / "match.jsonl")
    words = ["match", "uniform", "random", "--game", "tic_tac_toe", "--games", "8", "--sims", "8"]
    assert cli.main([*words, "--json", "--resume", file]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["kind"] for line in lines[:-1]} == {"live"}
    assert (lines[-1]["kind"], lines[-1]["games"]) == ("answer", 8)
    assert cli.main([*words, "--json", "--resume", file]) == 0
    assert json.loads(capsys.readouterr().out) == lines[-1]


def test_a_stopped_match_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tesuji.engine.arena.match", stop)
    words = ["match", "uniform", "random", "--game", "tic_tac_toe", "--resume", "/tmp/m.jsonl"]
    assert cli.main(words) == 130
    assert "the same command goes on from /tmp/m.jsonl" in capsys.readouterr().out
    assert match.EXAMPLES


def test_play_starts_from_a_position(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("moves\nquit\n"))
    words = ["play", "connect_four", "--agent", "uniform", "--position", "44", "--side", "none"]
    assert cli.main(words) == 0
    assert "made: 4 4" in capsys.readouterr().out


def test_training_tells_its_summary_and_how_to_play(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[tuple[TrainConfig, Path, bool]] = []

    def train(config: TrainConfig, run: Path, progress: Progress, resume: bool) -> TrainSummary:
        seen.append((config, run, resume))
        progress.update({"kind": "iteration", "iteration": 1})
        return TrainSummary(run, 1, 2, 3, 4.0, {"mistakes": {"policy": {"Easy": 0.5}}})

    monkeypatch.setattr("tesuji.engine.train.train", train)
    run = str(tmp_path / "run")
    words = ["train", "tic_tac_toe", "--minutes", "3", "--net.channels", "8", "--run-dir", run]
    assert cli.main(words) == 0
    told = capsys.readouterr().out
    assert "mistakes, policy, Easy: 50.0 %" in told
    assert f"tesuji play tic_tac_toe --agent {run}" in told
    assert seen == [
        (TrainConfig("tic_tac_toe", 3.0, net=NetSettings(channels=8)), Path(run), False)
    ]
    assert cli.main([*words, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["kind"] for row in rows] == ["iteration", "answer"]


def test_a_run_goes_on_with_its_own_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[TrainConfig] = []

    def train(config: TrainConfig, run: Path, progress: Progress, resume: bool) -> None:
        assert resume
        seen.append(config)
        raise KeyboardInterrupt

    monkeypatch.setattr("tesuji.engine.train.train", train)
    save_toml(tmp_path / "config.toml", TrainConfig("tic_tac_toe", iterations=3, minutes=0))
    assert cli.main(["train", "--resume", str(tmp_path), "--iterations", "9"]) == 130
    assert seen == [TrainConfig("tic_tac_toe", iterations=9, minutes=0)]
    assert f"go on with: tesuji train --resume {tmp_path}" in capsys.readouterr().out


def test_a_new_run_takes_the_next_free_folder(tmp_path: Path) -> None:
    assert next_run("my.py:game", tmp_path) == tmp_path / "game"
    (tmp_path / "game").mkdir()
    assert next_run("my.py:game", tmp_path) == tmp_path / "game-2"


def test_benchmarks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--json"]) == 0
    assert "evaluators" in json.loads(capsys.readouterr().out)["benchmarks"]

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from io import StringIO
from pathlib import Path

import pytest

from tesuji.engine import cli
from tesuji.engine.curves import collect, thin
from tesuji.engine.errors import UsageError
from tesuji.engine.measures import clock, flatten, measure, number, numbers
from tesuji.engine.progress import JsonProgress, LiveProgress, PlainProgress, open_progress
from tesuji.engine.report import write_report
from tesuji.engine.svg import draw, nice_step, y_range

ITERATION = {
    "kind": "iteration",
    "step": 1,
    "seconds": 60,
    "games": 10,
    "loss": 2.5,
    "loss_policy": 1.5,
    "games_per_second": 12.0,
    "simulations_per_second": 34567.0,
    "first_wins": 0.5,
    "draws": 0.25,
    "memory_mb": {"trainer": 500},
    "novelty": 3,
}
EVALUATION = {
    "kind": "evaluation",
    "step": 2,
    "seconds": 120,
    "mistakes": {"policy": {"Easy": 0.1, "Hard": 0.0}, "100 sims": {"Easy": 0.01}},
}
EVENT = {"kind": "event", "step": 2, "seconds": 130, "message": "NaN: <back> to 000001"}
ROWS = [ITERATION, EVALUATION, {**ITERATION, "step": 3, "seconds": 180, "loss": None}, EVENT]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "my run"
    folder.mkdir()
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (folder / "config.toml").write_text('game = "<connect_four>"\n')
    return folder


def test_nested_and_flat_names_are_the_same() -> None:
    assert dict(flatten({"a": {"b": {"c": 1}}, "d": "x"})) == {"a/b/c": 1, "d": "x"}
    assert numbers({"a": {"b": 2}, "c": True, "d": None, "e": float("nan")}) == {"a/b": 2.0}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.1234, "%", "12.3 %"),
        (0.00123, "%", "0.12 %"),
        (34567, "", "34.6 k"),
        (2_500_000, "", "2.50 M"),
        (7616, "", "7616"),
        (1.23456, "", "1.23"),
        (512, "MB", "512 MB"),
        (3725, "s", "1:02:05"),
    ],
)
def test_numbers_read_well(value: float, unit: str, text: str) -> None:
    assert number(value, unit) == text


def test_unknown_measures_keep_their_name() -> None:
    assert measure("game_length/mean").title == "moves a game, mean"
    assert measure("my_own").title == "my own"
    assert clock(59.6) == "1:00"


def test_charts_group_what_belongs_together() -> None:
    charts = {chart.title: chart for chart in collect(ROWS)}
    assert list(charts) == [
        "Mistakes, policy alone",
        "Mistakes, 100 sims",
        "Losses",
        "Games a second",
        "Simulations a second",
        "Outcomes of self-play",
        "Memory",
        "Novelty",
    ]
    assert charts["Mistakes, policy alone"].curves == {"Easy": [(2.0, 0.1)], "Hard": [(2.0, 0.0)]}
    assert charts["Losses"].curves["loss"] == [(1.0, 2.5)]
    assert list(charts["Outcomes of self-play"].curves) == ["first side wins", "draws"]


def test_rows_without_time_are_placed_by_step() -> None:
    [chart] = collect([{"step": 5, "loss": 1.0}, {"step": 9, "loss": 2.0}])
    assert chart.x_label == "step"
    assert chart.curves["loss"] == [(5.0, 1.0), (9.0, 2.0)]


def test_long_curves_are_averaged() -> None:
    points = [(float(x), float(x % 2)) for x in range(1000)]
    thinned = thin(points, most=100)
    assert len(thinned) == 100
    assert thinned[0] == (4.5, 0.5)
    assert thin(points[:3]) == points[:3]


@pytest.mark.parametrize(("span", "step"), [(10, 5), (4, 1), (0.7, 0.2), (900, 500)])
def test_ticks_are_round(span: float, step: float) -> None:
    assert nice_step(span) == pytest.approx(step)


def test_shares_of_mistakes_grow_by_factors() -> None:
    chart = collect(ROWS)[0]
    assert y_range(chart) == (0.01, 0.1)  # a mark at 0 lies on the edge below
    assert all(f">{tick} %<" in draw(chart) for tick in (1, 2, 5, 10))


@pytest.mark.parametrize("values", [[0.0], [5.0, 5.0], [-1.0, 2.0], [1e9, 2e9], [1e-9]])
def test_any_numbers_make_a_chart(values: list[float]) -> None:
    rows = [{"step": 7, "loss": v, "learning_rate": v} for v in values]
    for chart in collect(rows):
        drawn = draw(chart)
        ET.fromstring(drawn)
        assert "nan" not in drawn


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no PNG: that takes seconds."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)


@pytest.mark.usefixtures("quick")
def test_the_page_is_whole_and_asks_for_nothing(run: Path) -> None:
    written = write_report(run)
    page = written.files[0].read_text()
    assert written.files[0] == run / "report" / "index.html"
    assert len(re.findall("<svg", page)) == 8
    assert not re.search(r"<script|https?://|url\(|src=|@import", page)
    assert "prefers-color-scheme: dark" in page
    assert "NaN: &lt;back&gt; to 000001" in page
    assert "&lt;connect_four&gt;" in page
    for drawn in re.findall(r"<svg.*?</svg>", page):
        ET.fromstring(drawn)


def test_curves_come_as_png_too(run: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = write_report(run).files[1].read_bytes()
    assert picture.startswith(b"\x89PNG")


@pytest.mark.usefixtures("quick")
def test_without_matplotlib_there_is_the_page_and_a_note(run: Path) -> None:
    written = write_report(run, run / "elsewhere")
    assert [path.name for path in written.files] == ["index.html"]
    assert "pip install 'tesuji[plots]'" in written.note


def test_a_run_that_has_told_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no numbers yet"):
        write_report(tmp_path)
    with pytest.raises(UsageError, match="no such run"):
        write_report(tmp_path / "none")


@pytest.mark.usefixtures("quick")
def test_report_answers_in_json(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(run), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["page"] == str(run / "report" / "index.html")


def test_plain_progress_is_a_line_for_people() -> None:
    stream = StringIO()
    progress = PlainProgress(stream, seconds=100.0)
    for row in (ITERATION, ITERATION, EVALUATION, EVENT, {"kind": "live", "eta_seconds": 5}):
        progress.update(row)
    assert stream.getvalue().splitlines() == [
        "   1:00  12 games/s · 34.6 k simulations/s · games 10 · loss 2.5 · policy loss 1.5",
        "   2:00  mistakes, policy, Easy 10.0 % · mistakes, policy, Hard 0.00 %"
        " · mistakes, 100 sims, Easy 1.00 %",
        "   2:10  NaN: <back> to 000001",
    ]


def test_json_progress_is_a_line_a_row_and_few_live_ones() -> None:
    stream = StringIO()
    progress = JsonProgress(stream)
    for row in (ITERATION, {"kind": "live", "games": 1}, {"kind": "live", "games": 2}, EVENT):
        progress.update(row)
    rows = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert rows == [ITERATION, {"kind": "live", "games": 1}, EVENT]


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_live_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with open_progress(False, stream) as progress:
        assert isinstance(progress, LiveProgress)
        for row in (*ROWS, {"kind": "live", "progress": 0.5, "eta_seconds": 61}):
            progress.update(row)
    told = stream.getvalue()
    assert "NaN: <back> to 000001" in told
    assert "1:01 left" in told
    assert "34.6 k simulations/s" in told
    assert "[dim]" not in told

"""The report of a run: one page without script or request, and the curves as PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tesuji.engine.config import SAVED
from tesuji.engine.curves import Chart, collect
from tesuji.engine.errors import UsageError
from tesuji.engine.measures import clock, measure, number, numbers
from tesuji.engine.metrics import METRICS, read_metrics
from tesuji.engine.storage import atomic_write
from tesuji.engine.svg import NUM_COLOURS, draw, y_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE = "index.html"
PNG = "curves.png"

_MOST_EVENTS = 100
_COLOURS = ("#3b75af", "#e1812c", "#3a923a", "#c03d3e", "#8d69b8", "#84584e", "#d684bd", "#3fa7b5")

_STYLE = """
:root { color-scheme: light dark; --back: #fbfaf7; --card: #fff; --ink: #1d1d1b; --dim: #6a6a66;
  --line: #e3e1da; }
@media (prefers-color-scheme: dark) { :root { --back: #16171a; --card: #1f2125; --ink: #e9e8e4;
  --dim: #9a9a96; --line: #34373d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 28px 20px 60px; background: var(--back);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 25px; margin: 0 0 4px; } h2 { font-size: 15px; margin: 0 0 6px; }
.dim { color: var(--dim); }
.tiles, .charts { display: grid; gap: 14px; margin: 20px 0; }
.tiles { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
.charts { grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 16px; min-width: 0; }
.tiles b { display: block; font-size: 21px; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--dim); font: 12px system-ui, sans-serif; }
.grid { stroke: var(--line); } .axis { stroke: var(--dim); }
polyline { fill: none; stroke: var(--c); stroke-width: 1.9; stroke-linejoin: round; }
circle { fill: var(--c); } .dashed { stroke-dasharray: 5 4; }
ul.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 0;
  padding: 0; font-size: 13px; }
.legend li::before { content: ""; display: inline-block; width: 11px; height: 11px;
  border-radius: 3px; background: var(--c); margin-right: 6px; }
details { margin: 10px 0; } pre { overflow-x: auto; font-size: 13px; }
"""


class Written(NamedTuple):
    """What a report wrote."""

    files: list[Path]  # the page first
    note: str  # what could not be, and how it could


def write_report(run: Path, folder: Path | None = None) -> Written:
    """Write the report of the run to `folder`, `RUN/report` by default.

    Raises:
        UsageError: there is no such run, or it has told nothing yet.
    """
    if not run.is_dir():
        raise UsageError(f"{run}: no such run; give the folder that 'tesuji train' wrote")
    rows = read_metrics(run)
    charts = collect(rows)
    if not charts:
        raise UsageError(f"{run / METRICS} has no numbers yet; train for longer, then ask again")
    folder = folder or run / "report"
    files, note = [folder / PAGE], ""
    try:
        png = draw_png(charts)
    except ModuleNotFoundError:
        note = "no PNG: matplotlib is not installed; pip install 'tesuji[plots]'"
    else:
        files.append(folder / PNG)
        atomic_write(files[1], png)
    atomic_write(files[0], page(run, rows, charts).encode())
    return Written(files, note)


def page(run: Path, rows: Sequence[Mapping[str, object]], charts: Sequence[Chart]) -> str:
    """Return the whole page."""
    name = escape(run.resolve().name)
    colours = "".join(f".c{i} {{ --c: {colour}; }}" for i, colour in enumerate(_COLOURS))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name} · tesuji</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>{_STYLE}{colours}</style></head><body>
<h1>{name}</h1><div class="dim">{escape(_summary(rows))}</div>
<div class="tiles">{"".join(_tiles(rows))}</div>
<div class="charts">{"".join(map(_card, charts))}</div>
{_events(rows)}{_config(run)}
</body></html>
"""


def _summary(rows: Sequence[Mapping[str, object]]) -> str:
    last: dict[str, object] = {}
    for row in rows:
        last.update(row)
    words = [str(last[key]) for key in ("game",) if key in last]
    words += [f"{key} {last[key]}" for key in ("iteration", "step") if key in last][:1]
    seconds = numbers(last).get("seconds")
    return " · ".join(words + ([f"{clock(seconds)} of training"] if seconds is not None else []))


def _tiles(rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Yield the newest value of what people ask first."""
    last: dict[str, float] = {}
    for row in rows:
        last.update(numbers(row))
    for name in ("games", "positions", "loss", "simulations_per_second"):
        if name in last:
            yield _tile(measure(name).title, number(last[name]))
    by_agent: dict[str, list[float]] = {}
    for name, value in last.items():
        measured, _, rest = name.partition("/")
        agent, _, positions = rest.partition("/")
        if measured == "mistakes" and positions:
            by_agent.setdefault(agent, []).append(value)
    for agent, shares in by_agent.items():
        yield _tile(f"mistakes, {agent}", number(sum(shares) / len(shares), "%"))


def _tile(title: str, value: str) -> str:
    return f'<div class="card"><span class="dim">{escape(title)}</span><b>{escape(value)}</b></div>'


def _card(chart: Chart) -> str:
    legend = "".join(
        f'<li class="c{index % NUM_COLOURS}">{escape(name)} '
        f'<span class="dim">{number(points[-1][1], chart.unit)}</span></li>'
        for index, (name, points) in enumerate(chart.curves.items())
    )
    return (
        f'<section class="card"><h2>{escape(chart.title)}</h2>{draw(chart)}'
        f'<ul class="legend">{legend}</ul></section>'
    )


def _events(rows: Sequence[Mapping[str, object]]) -> str:
    told = [row for row in rows if row.get("kind") == "event" and "message" in row]
    if not told:
        return ""
    items = "".join(
        f"<li><span class='dim'>{clock(numbers(row).get('seconds', 0.0))}</span> "
        f"{escape(str(row['message']))}</li>"
        for row in told[-_MOST_EVENTS:]
    )
    return f"<details><summary>Events ({len(told)})</summary><ul>{items}</ul></details>"


def _config(run: Path) -> str:
    path = run / SAVED
    if not path.is_file():
        return ""
    text = escape(path.read_text(encoding="utf-8", errors="replace"))
    return f"<details><summary>Configuration</summary><pre>{text}</pre></details>"


def draw_png(charts: Sequence[Chart]) -> bytes:
    """Return all charts as one picture.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415

    columns = 2
    rows = math.ceil(len(charts) / columns)
    figure = Figure(figsize=(6.4 * columns, 3.4 * rows), layout="constrained")
    for index, chart in enumerate(charts):
        _plot(figure.add_subplot(rows, columns, index + 1), chart)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _plot(axes: Axes, chart: Chart) -> None:
    low, high = y_range(chart)
    factor = 100.0 if chart.unit == "%" else 1.0
    for index, (name, points) in enumerate(chart.curves.items()):
        xs = [x for x, _ in points]
        ys = [factor * max(y, low) for _, y in points]
        axes.plot(xs, ys, color=_COLOURS[index % NUM_COLOURS], label=name, lw=1.5)
    if chart.logarithmic:
        axes.set_yscale("log")
    axes.set_ylim(factor * low, factor * high)
    axes.set_title(chart.title, fontsize=11)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.unit)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)

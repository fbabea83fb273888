"""Progress of a long command: a live display, plain lines, or JSON lines.

Rows are those of `metrics.jsonl`: `kind` is `iteration`, `evaluation`, `event` (with a `message`)
or `live` for what is shown between them and kept nowhere. `progress` in [0, 1] and `eta_seconds`
draw the bar.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from tesuji.engine.measures import clock, measure, number, numbers

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

# Shown in this order in a plain line; what is in no group here is left to the report.
_GROUPS = {
    "self-play": ("games_per_second", "simulations_per_second", "evaluations_per_second"),
    "so far": ("games", "positions", "cache_hits", "inferences", "depth"),
    "learning": ("loss", "loss_policy", "loss_value"),
    "mistakes": ("mistakes",),
    "match": ("score", "won", "drawn", "lost", "llr"),
    "acting": ("return",),
}
_PLAIN_SECONDS = 5.0
_LIVE_SECONDS = 1.0


class Progress(Protocol):
    """Anything that is told how a long command goes on."""

    def update(self, row: Mapping[str, object]) -> None:
        """Take a row."""
        ...


class Silent:
    """Tells nobody."""

    def update(self, row: Mapping[str, object]) -> None:
        """Drop the row."""


@contextmanager
def open_progress(json_lines: bool, stream: TextIO | None = None) -> Iterator[Progress]:
    """Show progress on `stream`, standard output by default, as suits it."""
    stream = stream or sys.stdout
    if json_lines:
        yield JsonProgress(stream)
    elif stream.isatty():
        from rich.console import Console  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415

        with Live(console=Console(file=stream), refresh_per_second=4) as live:
            yield LiveProgress(live)
    else:
        yield PlainProgress(stream)


class JsonProgress:
    """Writes each row as a line of JSON; of `live` rows at most one a second."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._due = _Due(_LIVE_SECONDS)

    def update(self, row: Mapping[str, object]) -> None:
        """Write the row."""
        if row.get("kind") != "live" or self._due():
            self._stream.write(json.dumps(row) + "\n")
            self._stream.flush()


class PlainProgress:
    """Writes a line every few seconds, and one for each event and evaluation."""

    def __init__(self, stream: TextIO, seconds: float = _PLAIN_SECONDS) -> None:
        self._stream = stream
        self._due = _Due(seconds)
        self._start = time.monotonic()

    def update(self, row: Mapping[str, object]) -> None:
        """Write the row if it is time."""
        if row.get("kind") in ("event", "evaluation") or self._due():
            seconds = row.get("seconds")
            told = isinstance(seconds, (int, float))
            elapsed = float(seconds) if told else time.monotonic() - self._start  # type: ignore[arg-type]
            self._stream.write(f"{clock(elapsed):>7}  {' · '.join(_parts(row))}\n")
            self._stream.flush()


class LiveProgress:
    """Redraws the latest of every measure; events scroll by above."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._latest: dict[str, object] = {}
        self._start = time.monotonic()

    def update(self, row: Mapping[str, object]) -> None:
        """Take the row into the display."""
        if row.get("kind") == "event":
            from rich.text import Text  # noqa: PLC0415

            self._live.console.print(Text(str(row.get("message", ""))))
            return
        self._latest.update(row)
        self._live.update(self._draw())

    def _draw(self) -> Group:
        from rich.console import Group  # noqa: PLC0415
        from rich.progress_bar import ProgressBar  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        values = numbers(self._latest)
        elapsed = values.get("seconds", time.monotonic() - self._start)
        head = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=1.0, completed=values.get("progress", 0.0), width=30)
        head.add_row(_title(self._latest), bar, clock(elapsed), _eta(values))
        body = Table.grid(padding=(0, 2))
        for title, group in _GROUPS.items():
            shown = [_shown(name, value) for name, value in _members(values, group)]
            cells = [cell.removeprefix(f"{title}, ") for cell in shown]
            if cells:
                body.add_row(f"[dim]{title}[/dim]", " · ".join(cells))
        if message := self._latest.get("message"):
            body.add_row("[dim]now[/dim]", Text(str(message)))
        return Group(head, body)


class _Due:
    """Says yes at most once in `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._next = seconds, -1.0

    def __call__(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


def _parts(row: Mapping[str, object]) -> Iterator[str]:
    if title := _title(row):
        yield title
    if message := row.get("message"):
        yield str(message)
    values = numbers(row)
    for group in _GROUPS.values():
        for name, value in _members(values, group):
            yield _shown(name, value)
    if eta := _eta(values):
        yield eta


def _title(row: Mapping[str, object]) -> str:
    names = [str(row["game"])] if "game" in row else []
    names += [
        f"{name} {row[name]}" for name in ("iteration", "games_done", "episode") if name in row
    ]
    return " · ".join(names)


def _members(values: Mapping[str, float], group: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """Yield the measures of a group: its names, and what is nested under them."""
    for wanted in group:
        for name, value in values.items():
            if name == wanted or name.startswith(f"{wanted}/"):
                yield name, value


def _shown(name: str, value: float) -> str:
    title, unit = measure(name)
    text = number(value, unit)
    return f"{text} {title}" if title.endswith("/s") else f"{title} {text}"


def _eta(values: Mapping[str, float]) -> str:
    return f"{clock(values['eta_seconds'])} left" if "eta_seconds" in values else ""

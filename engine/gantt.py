"""Gantt charts as SVG: a row a machine, a colour a job, time from left to right."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from tesuji.domains.logistics.scheduling.shop import ShopInstance, ShopSchedule
from tesuji.engine.svg import nice_step

_WIDTH, _ROW, _BAR = 1000, 30, 24
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 18, 40, 40
_GOLDEN_ANGLE = 137.508  # degrees: neighbouring jobs get colours far apart
_LETTER = 7.0  # width of a digit

_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#222}"
    ".title{font-weight:600;font-size:14px}"
    ".job{font-size:11px;text-anchor:middle}"
    ".axis{stroke:#ddd}.end{stroke:#b00;stroke-dasharray:4 3}"
    ".bar{stroke:#fff;stroke-width:1}"
)


def draw_gantt(instance: ShopInstance, schedule: ShopSchedule) -> str:
    """Return the schedule as a whole SVG document."""
    height = _TOP + instance.num_machines * _ROW + _BOTTOM
    scale = (_WIDTH - _LEFT - _RIGHT) / max(1, schedule.makespan)
    title = f"{instance.name}: makespan {schedule.makespan}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}" role="img" aria-label="{escape(title)}">',
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        f'<text class="title" x="{_LEFT}" y="22">{escape(title)}</text>',
        *_axis(schedule.makespan, scale, height - _BOTTOM),
        *_rows(instance.num_machines),
        *_bars(instance, schedule, scale),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def job_colour(job: int) -> str:
    """Return the colour of a job, light enough for dark letters on it."""
    hue = job * _GOLDEN_ANGLE % 360
    return f"hsl({hue:.0f} {(65, 50, 80)[job % 3]}% {(72, 62, 82)[job // 3 % 3]}%)"


def _axis(makespan: int, scale: float, bottom: int) -> Iterator[str]:
    step = max(1, round(nice_step(max(1, makespan), 10)))
    for tick in range(0, makespan + 1, step):
        x = _LEFT + tick * scale
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick}</text>'
    x = _LEFT + makespan * scale
    yield f'<line class="end" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{bottom + 4}"/>'
    yield f'<text x="{_WIDTH - _RIGHT}" y="{bottom + 32}" text-anchor="end">time</text>'


def _rows(machines: int) -> Iterator[str]:
    for machine in range(machines):
        y = _TOP + machine * _ROW + _BAR / 2 + 4
        yield f'<text x="{_LEFT - 8}" y="{y:.0f}" text-anchor="end">M{machine}</text>'


def _bars(instance: ShopInstance, schedule: ShopSchedule, scale: float) -> Iterator[str]:
    job_of = instance.job_of
    for operation in np.argsort(schedule.start, kind="stable").tolist():
        job, machine = int(job_of[operation]), int(schedule.machine[operation])
        start = int(schedule.start[operation])
        duration = dict(instance.choices(operation))[machine]
        x, y, width = _LEFT + start * scale, _TOP + machine * _ROW, duration * scale
        about = f"job {job}, machine {machine}: {start} to {start + duration}"
        yield (
            f'<rect class="bar" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2" '
            f'fill="{job_colour(job)}"><title>{about}</title></rect>'
        )
        if width > _LETTER * (1 + len(str(job))):
            middle, line = x + width / 2, y + _BAR / 2 + 4
            yield f'<text class="job" x="{middle:.1f}" y="{line:.0f}">{job}</text>'

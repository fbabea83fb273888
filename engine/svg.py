"""Charts as SVG, drawn by hand: no script, no font, no request; colours come from the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from html import escape

from tesuji.engine.curves import Chart, Point
from tesuji.engine.measures import number

NUM_COLOURS = 8

_WIDTH, _HEIGHT = 560, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 12, 38
_FLOOR = 1e-6  # smallest lower edge of a logarithmic axis
_MOST_MARKED = 60  # points of a curve that get a mark

Scale = Callable[[float], float]


def draw(chart: Chart) -> str:
    """Return the chart as an `svg` element."""
    xs = [x for curve in chart.curves.values() for x, _ in curve]
    left, right = _span(min(0.0, *xs), max(xs))
    low, high = y_range(chart)
    x_of = _linear(left, right, _LEFT, _WIDTH - _RIGHT)
    y_of = _y_scale(chart, low, high)
    parts = [*_y_axis(chart, low, high, y_of), *_x_axis(chart, left, right, x_of)]
    for index, (name, curve) in enumerate(chart.curves.items()):
        parts += _curve(name, curve, index, chart, lambda p: (x_of(p[0]), y_of(p[1])))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(chart.title)}">'
        + "".join(parts)
        + "</svg>"
    )


def y_range(chart: Chart) -> tuple[float, float]:
    """Return the lower and upper edge of the y axis."""
    values = [y for curve in chart.curves.values() for _, y in curve]
    if chart.logarithmic:
        above = [value for value in values if value > 0] or [_FLOOR]
        low = 10.0 ** math.floor(math.log10(max(min(above), _FLOOR)))
        high = 10.0 ** math.ceil(math.log10(max(above)))
        if chart.unit == "%":
            high = min(high, 1.0)
        return (low, high) if high > low else (low / 10, low)
    low, high = _span(min(0.0, *values), max(0.0, *values))
    step = nice_step(high - low)
    return math.floor(low / step) * step, math.ceil(high / step) * step


def nice_step(span: float, steps: int = 4) -> float:
    """Return 1, 2 or 5 times a power of ten that divides `span` into about `steps`."""
    raw = span / steps
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)


def _span(low: float, high: float) -> tuple[float, float]:
    """Return the edges of an axis from `low` to `high`, never empty."""
    return (low, high) if low < high else (low, low + 1.0)


def _linear(low: float, high: float, start: float, end: float) -> Scale:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _y_scale(chart: Chart, low: float, high: float) -> Scale:
    bottom, top = _HEIGHT - _BOTTOM, _TOP
    if not chart.logarithmic:
        return _linear(low, high, bottom, top)
    scale = _linear(math.log10(low), math.log10(high), bottom, top)
    return lambda value: scale(math.log10(min(max(value, low), high)))


def _ticks(low: float, high: float, step: float) -> Iterator[float]:
    first = math.ceil(low / step - 1e-9)
    for index in range(first, math.floor(high / step + 1e-9) + 1):
        yield index * step


def _y_axis(chart: Chart, low: float, high: float, y_of: Scale) -> Iterator[str]:
    if chart.logarithmic:
        exponents = range(round(math.log10(low)), round(math.log10(high)) + 1)
        factors = (1, 2, 5) if len(exponents) <= 3 else (1,)
        ticks = [factor * 10.0**e for e in exponents for factor in factors]
        ticks = [tick for tick in ticks if tick <= high * 1.001]
    else:
        ticks = list(_ticks(low, high, nice_step(high - low)))
    for tick in ticks:
        y = y_of(tick)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(_LEFT - 7, y + 4, "end", tick_text(tick, chart.unit))


def tick_text(tick: float, unit: str = "") -> str:
    """Return a number beside an axis."""
    if unit == "%":
        return f"{100 * tick:g} %"
    return f"{tick:.4g}" if abs(tick) < 1e4 else number(tick).replace(".0 k", " k")


def _x_axis(chart: Chart, left: float, right: float, x_of: Scale) -> Iterator[str]:
    bottom = _HEIGHT - _BOTTOM
    yield f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>'
    for tick in _ticks(left, right, nice_step(right - left, 6)):
        yield _text(x_of(tick), bottom + 16, "middle", tick_text(tick))
    yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 4, "middle", chart.x_label)


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _curve(
    name: str,
    points: list[Point],
    index: int,
    chart: Chart,
    place: Callable[[Point], tuple[float, float]],
) -> Iterator[str]:
    style = f"c{index % NUM_COLOURS}" + (" dashed" if index >= NUM_COLOURS else "")
    places = [place(point) for point in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline class="{style}" points="{path}"/>'
    if len(points) > _MOST_MARKED:
        return
    for (x, y), (at, value) in zip(places, points, strict=True):
        told = escape(f"{name}: {number(value, chart.unit)} at {at:.4g} {chart.x_label}")
        mark = f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="2.5">'
        yield f"{mark}<title>{told}</title></circle>"

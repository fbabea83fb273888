"""The learning curves of a run: which numbers of its metrics share a chart.

The x of every point is the time of training in minutes, or the step where rows have no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from tesuji.engine.measures import measure, numbers

Point = tuple[float, float]

_MOST_POINTS = 300  # of one curve; more are averaged

# What is no curve: where a row stands, and what the head of the report says.
_PLACES = {"step", "iteration", "seconds", "progress", "eta_seconds"}
_PLACES |= {"games", "positions", "simulations", "steps"}  # sums

# Measures that share a chart, charts in this order; others follow, one for each first name.
_CHARTS = {
    "mistakes": "Mistakes",
    "non_optimal": "Non-optimal moves",
    "accuracy": "Accuracy",
    "elo": "Elo",
    "loss": "Losses",
    "games_per_second": "Games a second",
    "simulations_per_second": "Simulations a second",
    "evaluations_per_second": "Evaluations a second",
    "training_steps_per_second": "Training steps a second",
    "game_length": "Moves a game",
    "outcome": "Outcomes of self-play",
    "cache_hits": "Cache hits",
    "duration": "Seconds an iteration",
    "window": "Positions to learn from",
    "memory_mb": "Memory",
}
_SHARED = {
    "first_wins": "outcome",
    "second_wins": "outcome",
    "draws": "outcome",
    "target_entropy": "loss",
    "selfplay_seconds": "duration",
    "learning_seconds": "duration",
}

# Nested as MEASURE/AGENT/SET: a chart for each agent, a curve for each set.
_BY_AGENT = {"mistakes", "non_optimal", "accuracy"}
_LOGARITHMIC = {"mistakes", "non_optimal", "learning_rate"}


@dataclass(frozen=True)
class Chart:
    """Curves over one axis.

    Attributes:
        title: what is shown.
        unit: of y, as in `Measure`.
        x_label: what x is.
        logarithmic: whether y grows by factors; points at 0 lie on its lower edge.
        curves: points by name.
    """

    title: str
    unit: str
    x_label: str
    logarithmic: bool
    curves: dict[str, list[Point]] = field(default_factory=dict)


def collect(rows: Sequence[Mapping[str, object]]) -> list[Chart]:
    """Return the charts of a run's metrics, in the order in which they are shown."""
    found = [(row, numbers(row)) for row in rows]
    timed = any("seconds" in values for _, values in found)
    charts: dict[tuple[str, str], Chart] = {}
    for row, values in found:
        x = values.get("seconds", 0.0) / 60 if timed else values.get("step", 0.0)
        if row.get("kind") == "event" or (timed and "seconds" not in values):
            continue
        for name, value in values.items():
            if name in _PLACES:
                continue
            group, agent, curve = _split(name)
            if (group, agent) not in charts:
                charts[group, agent] = _chart(group, agent, name, timed)
            charts[group, agent].curves.setdefault(curve, []).append((x, value))
    order = list(_CHARTS)
    known = sorted(charts, key=lambda key: order.index(key[0]) if key[0] in order else len(order))
    for key in known:
        for curve, points in charts[key].curves.items():
            charts[key].curves[curve] = thin(points)
    return [charts[key] for key in known]


def _split(name: str) -> tuple[str, str, str]:
    """Return a measure's chart group, the agent that it is of, and its curve's name."""
    first, _, rest = name.partition("/")
    if first in _BY_AGENT and "/" in rest:
        agent, _, curve = rest.partition("/")
        return first, agent, curve
    if first.startswith("loss_"):
        return "loss", "", measure(name).title
    return _SHARED.get(first, first), "", rest or measure(first).title


def _chart(group: str, agent: str, name: str, timed: bool) -> Chart:
    shown = measure(name)
    title = _CHARTS.get(group) or shown.title.partition(",")[0].capitalize()
    return Chart(
        title=f"{title}, {_agent_words(agent)}" if agent else title,
        unit=shown.unit,
        x_label="minutes" if timed else "step",
        logarithmic=group in _LOGARITHMIC,
    )


def _agent_words(agent: str) -> str:
    return {"policy": "policy alone", "search": "with search"}.get(agent, agent)


def thin(points: Sequence[Point], most: int = _MOST_POINTS) -> list[Point]:
    """Return at most `most` points: means of equal runs of them where there are more."""
    size = -(-len(points) // most)
    if size <= 1:
        return list(points)
    runs = groupby(enumerate(points), key=lambda numbered: numbered[0] // size)
    return [_mean([point for _, point in run]) for _, run in runs]


def _mean(points: Iterable[Point]) -> Point:
    xs, ys = zip(*points, strict=True)
    return sum(xs) / len(xs), sum(ys) / len(ys)

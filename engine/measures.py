"""What the numbers of a metrics row are called and how people read them.

A row is flat or nested: `{"mistakes": {"policy": {"Begin-Easy": 0.1}}}` and
`{"mistakes/policy/Begin-Easy": 0.1}` say the same. Names that are not in the table below are shown
as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Measure(NamedTuple):
    """How one measure is shown."""

    title: str
    unit: str = ""  # `%` for shares in [0, 1], `s`, `MB`, or what follows the number


MEASURES = {
    "games": Measure("games"),
    "positions": Measure("positions"),
    "inferences": Measure("inferences"),
    "depth": Measure("depth"),
    "games_per_second": Measure("games/s"),
    "positions_per_second": Measure("positions/s"),
    "simulations_per_second": Measure("simulations/s"),
    "evaluations_per_second": Measure("evaluations/s"),
    "training_steps_per_second": Measure("training steps/s"),
    "cache_hits": Measure("cache hits", "%"),
    "loss": Measure("loss"),
    "loss_policy": Measure("policy loss"),
    "loss_value": Measure("value loss"),
    "loss_reply": Measure("loss of the next move's policy"),
    "loss_ownership": Measure("ownership loss"),
    "loss_lead": Measure("score lead loss"),
    "cpu_seconds": Measure("processor time", "s"),
    "mistakes": Measure("mistakes", "%"),
    "non_optimal": Measure("non-optimal moves", "%"),
    "accuracy": Measure("accuracy", "%"),
    "game_length": Measure("moves a game"),
    "first_wins": Measure("first side wins", "%"),
    "second_wins": Measure("second side wins", "%"),
    "draws": Measure("draws", "%"),
    "mean_return": Measure("mean return", ""),
    "proven_games": Measure("games with a proven end", "%"),
    "evaluator_share": Measure("time in the net", "%"),
    "selfplay_seconds": Measure("self-play"),
    "learning_seconds": Measure("learning"),
    "target_entropy": Measure("entropy of the policy target"),
    "memory_mb": Measure("memory", "MB"),
    "learning_rate": Measure("learning rate"),
    "gradient_norm": Measure("gradient norm"),
    "elo": Measure("Elo"),
    "score": Measure("score", "%"),
    "llr": Measure("LLR"),
    "eta_seconds": Measure("ETA", "s"),
}


def flatten(row: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the values of a row, the names of nested ones joined by `/`."""
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value


def numbers(row: Mapping[str, object]) -> dict[str, float]:
    """Return the finite numbers of a row by flat name."""
    found: dict[str, float] = {}
    for name, value in flatten(row):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            found[name] = float(value)
    return found


def measure(name: str) -> Measure:
    """Return how the measure with the flat name `name` is shown."""
    first, _, rest = name.partition("/")
    known = MEASURES.get(first) or Measure(first.replace("_", " "))
    return known._replace(title=f"{known.title}, {rest.replace('/', ', ')}") if rest else known


def number(value: float, unit: str = "") -> str:
    """Return a number as people read it."""
    match unit:
        case "%":
            return f"{100 * value:.{1 if value >= 0.1 else 2}f} %"
        case "s":
            return clock(value)
    size = abs(value)
    if size >= 1e6:
        text = f"{value / 1e6:.2f} M"
    elif size >= 1e4:
        text = f"{value / 1e3:.1f} k"
    elif size >= 100 or value == int(value):
        text = f"{value:.0f}"
    else:
        text = f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def clock(seconds: float) -> str:
    """Return a time as `m:ss` or `h:mm:ss`."""
    minutes, second = divmod(round(max(seconds, 0.0)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"

"""What a run has done so far, and the line of metrics that an iteration leaves."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tesuji.engine.training_config import TrainConfig

if TYPE_CHECKING:
    from tesuji.engine.selfplay_round import RoundResult
    from tesuji.engine.trainer import Losses


@dataclass
class Totals:
    """What a run has done so far, kept in every checkpoint."""

    iteration: int = 0
    seconds: float = 0.0
    games: int = 0
    positions: int = 0
    simulations: int = 0
    num_shards: int = 0
    diverged: int = 0
    measured: float = 0.0  # seconds at the last measurement
    cpu_seconds: float = 0.0  # of playing and learning


class Timing(NamedTuple):
    """Seconds that an iteration took."""

    playing: float
    whole: float


def iteration_row(
    config: TrainConfig,
    totals: Totals,
    played: RoundResult,
    losses: Losses | None,
    timing: Timing,
) -> dict[str, Any]:
    """Return the metrics of one iteration."""
    row: dict[str, Any] = {
        "kind": "iteration",
        "game": config.game,
        "iteration": totals.iteration,
        "seconds": round(totals.seconds, 3),
        "games": totals.games,
        "positions": totals.positions,
        "simulations": totals.simulations,
        "cpu_seconds": round(totals.cpu_seconds, 3),
        "games_per_second": played.games / timing.playing,
        "simulations_per_second": played.simulations / timing.playing,
        "evaluations_per_second": played.evaluations / timing.playing,
        "cache_hits": played.cache_hits / max(played.cache_hits + played.evaluations, 1),
        "evaluator_share": played.evaluator_seconds / max(played.lane_seconds, 1e-9),
        "proven_games": played.proven / max(played.games, 1),
        "game_length": played.positions / max(played.games, 1),
        "first_wins": played.wins / max(played.games, 1),
        "draws": played.draws / max(played.games, 1),
        "mean_return": played.returns / max(played.games, 1),
        "selfplay_seconds": timing.playing,
        "learning_seconds": timing.whole - timing.playing,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if losses is not None:
        row |= {
            "loss": losses.loss,
            "loss_policy": losses.policy,
            "loss_value": losses.value,
            **{f"loss_{name}": value for name, value in losses.auxiliary.items()},
            "target_entropy": losses.policy_entropy,
            "gradient_norm": losses.gradient,
        }
    if config.minutes:
        row["eta_seconds"] = max(0.0, 60.0 * config.minutes - totals.seconds)
    elif config.iterations:
        row["eta_seconds"] = timing.whole * (config.iterations - totals.iteration)
    return row


def share_over(config: TrainConfig, totals: Totals) -> float:
    """Return the share of a run that is over, in [0, 1]."""
    if config.iterations:
        return min(1.0, totals.iteration / config.iterations)
    limits = ((totals.seconds, config.minutes), (totals.cpu_seconds, config.cpu_minutes))
    return min(1.0, max(spent / (60.0 * limit) for spent, limit in limits if limit))


def is_over(config: TrainConfig, totals: Totals) -> bool:
    """Return whether one of a run's limits is reached."""
    limits = (
        (totals.iteration, config.iterations),
        (totals.seconds, 60.0 * config.minutes),
        (totals.cpu_seconds, 60.0 * config.cpu_minutes),
    )
    return any(spent >= limit for spent, limit in limits if limit)

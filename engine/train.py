"""Training: open a run's folder, start its workers, and train to the end.

Nothing here loads torch: the workers start, and one of them compiles the search or loads it, while
torch is still being loaded.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tesuji.domains.compiled import CompiledDomain
from tesuji.engine.config import load_toml, save_toml
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.progress import Progress
from tesuji.engine.rules import make_domain
from tesuji.engine.run_folder import CONFIG, RunFolder
from tesuji.engine.training_config import TrainConfig
from tesuji.engine.worker import WorkerPool


@dataclass(frozen=True)
class TrainSummary:
    """How a run ended."""

    run: Path
    iteration: int
    games: int
    positions: int
    seconds: float
    strength: dict[str, Any]


def train(config: TrainConfig, run: Path, progress: Progress, resume: bool = False) -> TrainSummary:
    """Train until the time or the iterations are spent; return how it ended.

    Args:
        config: the run's settings; on resume those it was started with.
        run: the run's folder, new or to be resumed.
        progress: told of each iteration, measurement and event.
        resume: go on with the newest sound checkpoint.

    Raises:
        TesujiError: the folder is in use, cannot be written, or holds another run.
        KeyboardInterrupt: the run stands at its last checkpoint.
    """
    domain = make_domain(config.game, config.constraints)
    if not isinstance(domain, CompiledDomain):
        raise TesujiError(
            f"{config.game} is an object domain; training takes compiled domains so far"
        )
    with RunFolder(run, resume) as folder:
        if resume:
            _check_rules(config, run / CONFIG)
        save_toml(run / CONFIG, config)
        with WorkerPool(min(config.workers or _cores(), config.selfplay.lanes)) as pool:
            pool.prepare(
                {
                    "kind": "prepare",
                    "game": config.game,
                    "constraints": list(config.constraints),
                    "config": asdict(config.selfplay),
                }
            )
            return _train(config, domain, folder.path, pool, progress, resume)


def _train(
    config: TrainConfig,
    domain: CompiledDomain,
    run: Path,
    pool: WorkerPool,
    progress: Progress,
    resume: bool,
) -> TrainSummary:
    from tesuji.engine.training_run import TrainingRun  # noqa: PLC0415

    training = TrainingRun(config, domain, run, pool, progress, resume)
    try:
        totals = training.to_end()
    finally:
        training.close()
    return TrainSummary(
        run, totals.iteration, totals.games, totals.positions, totals.seconds,
        training.last_strength,
    )  # fmt: skip


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_rules(config: TrainConfig, saved: Path) -> None:
    """Check that a run goes on with the constraints and heads that it was started with."""
    if not saved.is_file():
        return
    before = load_toml(TrainConfig, saved)
    if before.constraints != config.constraints:
        raise UsageError(
            f"{saved.parent} is trained under {_listed(before.constraints)}, not under "
            f"{_listed(config.constraints)}; start a new run"
        )
    heads = [(run.auxiliary.reply, run.auxiliary.territory) for run in (before, config)]
    if heads[0] != heads[1]:
        raise UsageError(
            f"{saved.parent} was started with {before.auxiliary}; an auxiliary weight cannot "
            "become or leave 0 on the way: start a new run"
        )


def _listed(constraints: tuple[str, ...]) -> str:
    return ", ".join(map(repr, constraints)) or "no constraints"

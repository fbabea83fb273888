"""A training run: self-play, window, trainer, checkpoint, measurement, and round again.

The run's folder holds all there is. A checkpoint is the one moment that counts: everything before
it is on disk and named by it, everything after it is done again on resume, from the same seeds, to
the same bytes.
"""

from __future__ import annotations

import ctypes
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tesuji.domains.compiled import CompiledDomain
from tesuji.engine.checkpoint import (
    Checkpoint,
    checkpoint_path,
    list_checkpoints,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from tesuji.engine.config import load_toml, save_toml
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.metrics import MetricsWriter
from tesuji.engine.progress import Progress
from tesuji.engine.replay import ReplayWindow
from tesuji.engine.rules import make_domain
from tesuji.engine.run_folder import CONFIG, RunFolder
from tesuji.engine.selfplay import mix_seed
from tesuji.engine.selfplay_round import Round, RoundResult, write_network
from tesuji.engine.shards import ShardInfo, save_shard_list
from tesuji.engine.strength import Strength
from tesuji.engine.territory import count_cells
from tesuji.engine.trained import net_to_dict
from tesuji.engine.trainer import DivergedError, Losses, Trainer
from tesuji.engine.training_config import TrainConfig
from tesuji.engine.training_row import Timing, Totals, is_over, iteration_row, share_over
from tesuji.engine.worker import WorkerPool
from tesuji.nets.model import build

_MILESTONE = 50
_TRIES = 3
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's mallopt


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
    with RunFolder(run, resume) as folder:
        if resume:
            _check_rules(config, run / CONFIG)
        save_toml(run / CONFIG, config)
        runner = _Runner(config, folder.path, progress, resume)
        try:
            return runner.run_to_end()
        finally:
            runner.close()


class _Runner:
    def __init__(self, config: TrainConfig, run: Path, progress: Progress, resume: bool) -> None:
        domain = make_domain(config.game, config.constraints)
        if not isinstance(domain, CompiledDomain):
            raise TesujiError(
                f"{config.game} is an object domain; training takes compiled domains so far"
            )
        _check_device(config.device)
        torch.manual_seed(mix_seed(config.seed, 0) % 2**63)
        torch.set_num_threads(config.workers or torch.get_num_threads())
        _keep_memory()
        self.config, self.run, self.progress, self.domain = config, run, progress, domain
        extra = config.auxiliary
        self.net = config.net.config(
            domain.spec.observation_shape, reply=extra.reply, territory=extra.territory
        )
        cells = count_cells(domain) if extra.territory else 0
        network = build(self.net, domain.spec)
        self.trainer = Trainer(domain, network, config.learning, config.device, extra)
        actions = domain.spec.num_actions
        self.window = ReplayWindow(run, domain.row_size, actions, config.window, cells)
        self.totals = Totals()
        self.shards: list[ShardInfo] = []
        self.lanes: list[dict[str, str]] = []
        self.last_strength: dict[str, Any] = {}
        self._resumed = resume and self._restore()
        self.metrics = MetricsWriter(run, step=self.totals.iteration)
        self.strength = Strength(domain, config.evaluation)
        cores = config.workers or max(1, torch.get_num_threads())
        self.pool = WorkerPool(min(cores, config.selfplay.lanes))
        self.round = Round(config, domain, run, self.pool, progress)
        self._began = time.monotonic() - self.totals.seconds

    def close(self) -> None:
        self.pool.close()
        self.metrics.close()

    def run_to_end(self) -> TrainSummary:
        if not self._resumed:
            self._save()
        self._export()
        while not is_over(self.config, self.totals):
            self._iterate()
        if self.totals.measured < self.totals.seconds:
            self._measure()
        totals = self.totals
        return TrainSummary(
            self.run, totals.iteration, totals.games, totals.positions, totals.seconds,
            self.last_strength,
        )  # fmt: skip

    def _iterate(self) -> None:
        totals = self.totals
        number = totals.iteration + 1
        began, began_cpu = time.monotonic(), time.process_time()
        played = self.round.play(number, self.lanes)
        self.lanes = played.lanes
        self._extend(played.shards)
        played_seconds = time.monotonic() - began
        losses = self._learn(number, played)
        totals.iteration = number
        totals.games += played.games
        totals.positions += played.positions
        totals.simulations += played.simulations
        totals.seconds = time.monotonic() - self._began
        self._export()
        totals.cpu_seconds += played.cpu_seconds + time.process_time() - began_cpu
        timing = Timing(played_seconds, time.monotonic() - began)
        row = iteration_row(self.config, totals, played, losses, timing) | {
            "progress": round(share_over(self.config, self.totals), 4),
            "window": len(self.window),
            "steps": self.trainer.step,
        }
        self.metrics.write(number, row)
        self.progress.update(row)
        if self._measurement_due():
            self._measure()
        self._save()

    def _export(self) -> None:
        self.exported = write_network(self.config, self.domain, self.run, self.trainer.average)

    def _learn(self, number: int, played: RoundResult) -> Losses | None:
        every = sum(shard.count for shard in played.shards)
        fresh = played.full if self.config.window.full_only else every
        steps = round(fresh * self.config.learning.reuse / self.config.learning.batch_size)
        if not len(self.window) or steps < 1:
            return None
        seed = [self.config.seed, 1, number, self.totals.diverged]
        rng = np.random.default_rng(seed)
        try:
            return self.trainer.learn(self.window, steps, rng, share_over(self.config, self.totals))
        except DivergedError as error:
            self.totals.diverged += 1
            if self.totals.diverged > _TRIES:
                raise TesujiError(
                    f"training diverged {_TRIES} times ({error}); lower the learning rate"
                ) from error
            good = load_checkpoint(self.run, game=self.domain.spec.name)
            self.trainer.restore(good.step, good.tensors, good.training)
            self._event(f"{error}: back to the last good checkpoint (step {good.step})")
            return None

    def _extend(self, shards: list[ShardInfo]) -> None:
        self.shards += shards
        self.totals.num_shards = len(self.shards)
        save_shard_list(self.run, self.shards)
        for error in self.window.extend(shards):
            self._event(f"{error}; training goes on without it")

    def _measurement_due(self) -> bool:
        every = self.config.evaluation.every_minutes
        return every > 0 and self.totals.seconds - self.totals.measured >= 60.0 * every

    def _measure(self) -> None:
        """Measure strength with the network that plays, and say so."""
        self.totals.measured = self.totals.seconds
        measured = self.strength.measure(self.config, self.trainer.average, self.exported)
        if not measured:
            return
        self.last_strength = measured
        row = {
            "kind": "evaluation",
            "game": self.config.game,
            "iteration": self.totals.iteration,
            "seconds": round(self.totals.seconds, 3),
            **measured,
        }
        self.metrics.write(self.totals.iteration, row)
        self.progress.update(row)

    def _event(self, message: str) -> None:
        row = {
            "kind": "event",
            "iteration": self.totals.iteration,
            "seconds": round(time.monotonic() - self._began, 3),
            "message": message,
        }
        self.metrics.write(self.totals.iteration, row)
        self.progress.update(row)

    def _save(self) -> None:
        totals = self.totals
        checkpoint = Checkpoint(
            game=self.domain.spec.name,
            net=net_to_dict(self.net),
            step=self.trainer.step,
            tensors=self.trainer.weights(),
            training=self.trainer.training_state(),
            metadata={
                "totals": asdict(totals),
                "lanes": self.lanes,
                "seed": self.config.seed,
                "constraints": list(self.config.constraints),
                "strength": self.last_strength,
            },
        )
        save_checkpoint(checkpoint_path(self.run, totals.iteration), checkpoint)
        prune_checkpoints(self.run, self.config.keep_checkpoints, _MILESTONE)
        self.round.prune(totals.iteration - self.config.keep_checkpoints)

    def _restore(self) -> bool:
        if not list_checkpoints(self.run):
            return False  # killed before there was anything to keep
        checkpoint = load_checkpoint(self.run, game=self.domain.spec.name, set_aside=True)
        self.trainer.restore(checkpoint.step, checkpoint.tensors, checkpoint.training)
        self.totals = Totals(**checkpoint.metadata["totals"])
        self.lanes = RunFolder.lanes(self.run, checkpoint.metadata["lanes"])
        self.last_strength = dict(checkpoint.metadata["strength"])
        for warning in checkpoint.warnings:
            self.progress.update({"kind": "event", "message": warning})
        self.shards = RunFolder.shards(self.run)[: self.totals.num_shards]
        for error in self.window.extend(self.shards):
            self.progress.update({"kind": "event", "message": f"{error}; going on without it"})
        return True


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


def _check_device(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        raise TesujiError("no GPU here that torch can use; train with --device cpu")


def _keep_memory() -> None:
    """Let glibc keep what tensors free: mapping it anew each time costs a sixth of a step."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)

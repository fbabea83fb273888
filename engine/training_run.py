"""A training run under way: self-play, window, trainer, checkpoint, measurement, round again.

The run's folder holds all there is. A checkpoint is the one moment that counts: everything before
it is on disk and named by it, everything after it is done again on resume, from the same seeds, to
the same bytes.
"""

from __future__ import annotations

import ctypes
import time
from dataclasses import asdict
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
from tesuji.engine.errors import TesujiError
from tesuji.engine.metrics import MetricsWriter
from tesuji.engine.progress import Progress
from tesuji.engine.replay import ReplayWindow
from tesuji.engine.run_folder import RunFolder
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


class TrainingRun:
    """A run under way; `train` opens its folder and starts its workers."""

    def __init__(
        self,
        config: TrainConfig,
        domain: CompiledDomain,
        run: Path,
        pool: WorkerPool,
        progress: Progress,
        resume: bool,
    ) -> None:
        _check_device(config.device)
        torch.manual_seed(mix_seed(config.seed, 0) % 2**63)
        torch.set_num_threads(pool.size)
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
        self.round = Round(config, domain, run, pool, progress)
        self._began = time.monotonic() - self.totals.seconds

    def close(self) -> None:
        """Close the files that stay open."""
        self.metrics.close()

    def to_end(self) -> Totals:
        """Train until the time or the iterations are spent; return what was done in all."""
        if not self._resumed:
            self._save()
        self._export()
        while not is_over(self.config, self.totals):
            self._iterate()
        if self.totals.measured < self.totals.seconds:
            self._measure()
        return self.totals

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


def _check_device(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        raise TesujiError("no GPU here that torch can use; train with --device cpu")


def _keep_memory() -> None:
    """Let glibc keep what tensors free: mapping it anew each time costs a sixth of a step."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)

"""One round of self-play: every lane once, spread over the workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from tesuji.domains.compiled import CompiledDomain
from tesuji.engine.checkpoint import checkpoint_path
from tesuji.engine.progress import Progress
from tesuji.engine.shards import ShardInfo
from tesuji.engine.storage import atomic_write, explained
from tesuji.engine.trained import random_observations
from tesuji.engine.training_config import TrainConfig
from tesuji.engine.worker import WorkerPool
from tesuji.nets.evaluators import make_evaluator
from tesuji.nets.export import check_parity, export_native, export_onnx

LANES = "lanes"
NETWORK = "selfplay.net"
_PARITY = 1e-3


@dataclass(frozen=True)
class RoundResult:
    """What all lanes found together."""

    lanes: list[dict[str, str]]
    shards: list[ShardInfo]
    positions: int
    full: int  # positions that were searched in full
    games: int
    wins: int
    draws: int
    returns: float
    proven: int
    simulations: int
    evaluations: int
    cache_hits: int
    lane_seconds: float
    cpu_seconds: float
    evaluator_seconds: float


class Round:
    """Hands lanes to workers."""

    def __init__(
        self,
        config: TrainConfig,
        domain: CompiledDomain,
        run: Path,
        pool: WorkerPool,
        progress: Progress,
    ) -> None:
        self._config, self._domain, self._run = config, domain, run
        self._pool, self._progress = pool, progress
        (run / LANES).mkdir(exist_ok=True)

    def play(self, number: int, lanes: list[dict[str, str]]) -> RoundResult:
        """Play round `number` from where the lanes stand; an empty list starts them."""
        tasks = [self._task(number, lane, lanes) for lane in range(self._config.selfplay.lanes)]
        began = time.monotonic()
        moves: dict[int, Mapping[str, Any]] = {}
        lock = threading.Lock()

        def live(lane: int, seen: Mapping[str, Any]) -> None:
            with lock:
                moves[lane] = seen
                seconds = max(time.monotonic() - began, 1e-9)
                row = {
                    f"{name}_per_second": sum(m[name] for m in moves.values()) / seconds
                    for name in ("games", "simulations", "evaluations")
                }
                self._progress.update(
                    {"kind": "live", "game": self._config.game, "iteration": number, **row}
                )

        results = self._pool.run(tasks, live)
        totals = {
            name: sum(result[name] for result in results)
            for name in (
                "positions", "full", "games", "wins", "draws", "returns", "proven", "simulations",
                "evaluations", "cache_hits", "evaluator_seconds", "cpu_seconds",
            )
        }  # fmt: skip
        return RoundResult(
            lanes=[{k: result[k] for k in ("lane_file", "lane_sha256")} for result in results],
            shards=[ShardInfo(**result["shard"]) for result in results if result["shard"]],
            lane_seconds=sum(result["seconds"] for result in results),
            **totals,
        )

    def prune(self, before: int) -> None:
        """Remove the lanes' files of rounds before number `before`."""
        for path in (self._run / LANES).glob("*.npz"):
            if int(path.name.split("-")[0]) < before:
                with explained("remove", path):
                    path.unlink(missing_ok=True)

    def _task(self, number: int, lane: int, lanes: list[dict[str, str]]) -> dict[str, Any]:
        config = self._config
        before = lanes[lane] if lanes else {"lane_file": "", "lane_sha256": ""}
        return {
            "kind": "play",
            "game": config.game,
            "constraints": list(config.constraints),
            "run": str(self._run),
            "config": asdict(config.selfplay),
            "territory": config.auxiliary.territory,
            "lane": lane,
            "seed": config.seed,
            **before,
            "lane_out": f"{LANES}/{number:06d}-{lane}.npz",
            "shard": number * config.selfplay.lanes + lane,
            "backend": choose_backend(config),
            "device": config.device,
            "network": NETWORK,
            "checkpoint": str(checkpoint_path(Path(), number - 1)),
        }


def choose_backend(config: TrainConfig) -> str:
    """Return what runs the network in self-play; `auto` is the fastest on the device."""
    if config.backend != "auto":
        return config.backend
    return "native" if config.device == "cpu" else "torch"


def write_network(
    config: TrainConfig, domain: CompiledDomain, run: Path, network: nn.Module
) -> bytes:
    """Export the network that plays, after a check that the export says what the network says."""
    backend = choose_backend(config)
    if backend == "torch":
        return b""  # the workers read the checkpoint
    exported = export_native(network) if backend == "native" else export_onnx(network, domain.spec)
    if backend.endswith("int8"):
        from tesuji.nets.quantize import quantize_onnx  # noqa: PLC0415

        exported = quantize_onnx(exported, random_observations(domain, 512, seed=config.seed))
    else:
        check_parity(
            make_evaluator("torch", network, domain.spec),
            make_evaluator(backend, exported, domain.spec),
            random_observations(domain, 32, seed=config.seed),
            tolerance=_PARITY,
        )
    atomic_write(run / NETWORK, exported)
    return exported

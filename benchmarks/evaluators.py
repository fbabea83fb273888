"""Evaluations per CPU-second of networks on Connect Four's shape, by backend and batch size.

    python benchmarks/evaluators.py [--nets 64x5 48x5 32x4] [--json FILE]

One thread, CPU time of this process (not wall-clock time, so that a busy machine distorts little).
GFLOP/s counts the two operations of each multiplication in the direct 3x3 convolutions, whatever
the backend really does.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tesuji.nets.config import ResNetConfig
from tesuji.nets.evaluators import BACKENDS, make_evaluator
from tesuji.nets.model import build
from tesuji.search.base import DomainSpec, Evaluator, FloatArray

SPEC = DomainSpec("connect_four", 7, (2, 6, 7), 2, 42)
BATCHES = (1, 8, 32, 64, 128, 256, 512)


def random_boards(size: int) -> FloatArray:
    """Return observations `[size, 2, 6, 7]` with random stones."""
    owner = np.random.default_rng(size).integers(0, 4, (size, 1, *SPEC.observation_shape[1:]))
    return np.concatenate([owner == 1, owner == 2], 1).astype(np.float32)


def rate(evaluator: Evaluator, observations: FloatArray, seconds: float) -> float:
    """Return evaluated rows per CPU-second."""
    calls, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        evaluator.evaluate(observations)
        calls += 1
    return calls * len(observations) / (time.process_time() - start)


def best_rates(
    evaluators: dict[str, Evaluator], batch: int, seconds: float, rounds: int = 3
) -> dict[str, float]:
    """Return the best rate of each evaluator; they take turns, so that all see the same machine."""
    observations = random_boards(batch)
    for evaluator in evaluators.values():
        evaluator.evaluate(observations)
    rates = [
        {name: rate(evaluator, observations, seconds) for name, evaluator in evaluators.items()}
        for _ in range(rounds)
    ]
    return {name: max(turn[name] for turn in rates) for name in evaluators}


def convolution_flops(config: ResNetConfig) -> float:
    """Return the operations of the 3x3 convolutions of one evaluation."""
    planes, height, width = SPEC.observation_shape
    weights = 9 * config.channels * (planes + 2 * config.blocks * config.channels)
    return 2.0 * height * width * weights


def measure(net: str, backends: list[str], seconds: float) -> list[dict[str, Any]]:
    """Return one row per backend: evaluations per CPU-second at each batch size."""
    channels, blocks = (int(number) for number in net.split("x"))
    config = ResNetConfig(channels=channels, blocks=blocks)
    torch.manual_seed(0)
    model = build(config, SPEC)
    calibration = random_boards(512)
    evaluators = {
        name: make_evaluator(name, model, SPEC, calibration=calibration) for name in backends
    }
    by_batch = {batch: best_rates(evaluators, batch, seconds) for batch in BATCHES}
    rows = []
    for backend in backends:
        rates = {batch: rates[backend] for batch, rates in by_batch.items()}
        gflops = max(rates.values()) * convolution_flops(config) / 1e9
        rows.append({"net": net, "backend": backend, "rates": rates, "gflops": gflops})
        print(_line(rows[-1]), flush=True)
    return rows


def _line(row: dict[str, Any]) -> str:
    rates = "".join(f"{rate:>9,.0f}" for rate in row["rates"].values())
    return f"{row['net']:>6} {row['backend']:<14}{rates}{row['gflops']:>8.0f}"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", default=["64x5", "48x5", "32x4"])
    parser.add_argument("--backends", nargs="+", default=list(BACKENDS))
    parser.add_argument(
        "--seconds", type=float, default=0.3, help="CPU-seconds a turn, three a cell"
    )
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    header = "".join(f"{batch:>9}" for batch in BATCHES)
    print(f"{'net':>6} {'backend':<14}{header}{'GFLOP/s':>8}")
    rows = [row for net in options.nets for row in measure(net, options.backends, options.seconds)]
    if options.json:
        result = {"machine": platform.processor() or platform.machine(), "rows": rows}
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

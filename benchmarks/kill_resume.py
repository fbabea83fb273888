"""`kill -9` at random instants of a training run, again and again: nothing may be lost.

    python benchmarks/kill_resume.py [--kills 200] [--iterations 3] [--seed 0] [--json FILE]
        [--game connect_four] [--flags "--workers 1 ..."]

One run is left alone. Others, with the same seed, are killed after a random time and resumed, until
they end; every second kill takes all processes of the run, the others the main process alone. A run
counts as lost if resuming it fails, and as changed if its final weights or the losses in its
metrics are not, bit for bit, those of the run that was left alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tesuji.engine.checkpoint import MODEL, list_checkpoints, load_checkpoint
from tesuji.engine.metrics import read_metrics
from tesuji.engine.storage import sha256

CONFIG = "config.toml"  # the first thing that a run writes
TAG = "TESUJI_KILLED_RUN"  # marks a run's processes, so that these and no others are killed
FLAGS = (
    "--minutes 0 --workers 1 --evaluation.every-minutes 0 --net.channels 16 --net.blocks 1 "
    "--selfplay.lanes 1 --selfplay.games 16 --selfplay.simulations 16"
)
Outcome = tuple[str, list[tuple[int, float | None]]]


@dataclass
class Tally:
    """What the kills did."""

    kills: int = 0
    runs: int = 0
    lost: int = 0
    changed: int = 0
    damaged: int = 0  # files set aside; a kill alone damages none
    orphans: int = 0  # processes that outlived their run


class Trainer:
    """Starts, kills and resumes `tesuji train` in one run's folder."""

    def __init__(self, run: Path, arguments: argparse.Namespace) -> None:
        self.run = run
        self._arguments = arguments
        self._log = run.with_suffix(".log")

    def command(self) -> list[str]:
        """Return how to go on: resume where there is a run, start one where there is none."""
        tesuji = [sys.executable, "-m", "tesuji", "train"]
        if (self.run / CONFIG).exists():
            return [*tesuji, "--resume", str(self.run)]
        given = self._arguments
        numbers = ["--iterations", str(given.iterations), "--seed", str(given.seed)]
        flags = shlex.split(given.flags)
        return [*tesuji, given.game, "--run-dir", str(self.run), *numbers, *flags]

    def work(self, seconds: float | None, *, everything: bool = False) -> int | None:
        """Train for `seconds`, or to the end; return the exit code, None where killed."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, TAG: str(self.run)},
            )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            for victim in self.processes() if everything else [process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
            process.wait()
            return None

    def processes(self) -> list[int]:
        """Return the living processes of this run, by the mark in their environment."""
        mark = f"{TAG}={self.run}".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
        return found

    def end_orphans(self, patience: float = 10.0) -> int:
        """End what outlives this run by `patience` seconds; return how many processes that were."""
        deadline = time.monotonic() + patience
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.2)
        orphans = self.processes()
        for process in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return len(orphans)

    def log_tail(self) -> str:
        """Return the last lines that the trainer printed."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])


def outcome(run: Path) -> Outcome:
    """Return the hash of a finished run's weights, and the step and loss of each iteration."""
    load_checkpoint(run)
    weights = (list_checkpoints(run)[-1] / MODEL).read_bytes()
    lines = [line for line in read_metrics(run) if line.get("kind") == "iteration"]
    return sha256(weights), [(line["step"], line.get("loss")) for line in lines]


def torment(
    folder: Path, arguments: argparse.Namespace, expected: Outcome, duration: float
) -> Tally:
    """Kill and resume runs until there were enough kills."""
    rng = np.random.default_rng(arguments.seed)
    tally = Tally()
    while tally.kills < arguments.kills:
        trainer = Trainer(folder / f"run{tally.runs}", arguments)
        tally.runs += 1
        code = None
        while code is None:
            enough = tally.kills >= arguments.kills
            patience = None if enough else float(rng.uniform(0, arguments.patience * duration))
            code = trainer.work(patience, everything=tally.kills % 2 == 0)
            tally.kills += code is None
        tally.damaged += len(list(trainer.run.rglob("*.damaged-*")))
        tally.orphans += trainer.end_orphans()
        if code:
            tally.lost += 1
            print(f"{trainer.run.name} was lost (exit code {code}):\n{trainer.log_tail()}")
        elif (found := outcome(trainer.run)) != expected:
            tally.changed += 1
            print(f"{trainer.run.name} was changed: {found}")
        print(f"{tally.kills} kills, {tally.runs} runs, {tally.lost} lost, {tally.changed} changed")
        sys.stdout.flush()
    return tally


def leave_alone(folder: Path, arguments: argparse.Namespace) -> tuple[Outcome, float]:
    """Return the outcome of undisturbed runs and the seconds of one."""
    outcomes = []
    for attempt in range(2):  # the first fills the caches of compiled code
        trainer = Trainer(folder / f"alone{attempt}", arguments)
        start = time.monotonic()
        if trainer.work(None):
            raise SystemExit(f"the run that was left alone failed:\n{trainer.log_tail()}")
        duration = time.monotonic() - start
        outcomes.append(outcome(trainer.run))
    if outcomes[0] != outcomes[1]:
        raise SystemExit(f"two undisturbed runs differ: {outcomes}")
    print(f"left alone: {duration:.1f} s, weights {outcomes[0][0][:16]}", flush=True)
    return outcomes[0], duration


def main() -> None:
    """Kill runs and compare how they end."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--game", default="connect_four")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--iterations", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flags", default=FLAGS, help="more flags of `tesuji train`")
    parser.add_argument(
        "--patience", type=float, default=0.9, help="longest time to a kill (1: a run)"
    )
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder without it")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        expected, duration = leave_alone(folder, arguments)
        tally = torment(folder, arguments, expected, duration)
    if arguments.json:
        result = {**asdict(tally), "seconds_a_run": duration, "machine": platform.machine()}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    if tally.lost or tally.changed or tally.orphans:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

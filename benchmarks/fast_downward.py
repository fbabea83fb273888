"""Fast Downward as a peer, where `up-fast-downward` (GPL, never shipped) is installed."""

from __future__ import annotations

import importlib.util
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ALIASES = ("lama-first", "lama")


def driver() -> Path:
    """Return the planner's script.

    Raises:
        SystemExit: it is not installed.
    """
    spec = importlib.util.find_spec("up_fast_downward")
    if spec is None or spec.origin is None:
        raise SystemExit("Fast Downward is not installed: pip install up-fast-downward")
    return Path(spec.origin).parent / "downward" / "fast-downward.py"


def solve_with(alias: str, domain: Path, problem: Path, seconds: float) -> dict[str, Any]:
    """Solve one problem by an alias of Fast Downward's within `seconds` of CPU time, all told."""
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        _call(folder, "--overall-time-limit", f"{seconds:.0f}s", "--alias", alias, domain, problem)
        costs = [
            float(match[1])
            for path in Path(folder).glob("sas_plan*")
            if (match := re.search(r"; cost = (\d+)", path.read_text()))
        ]
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
    return {
        "status": "solved" if costs else "unknown",
        "cost": min(costs, default=None),
        "first": max(costs, default=None),
        "cpu_seconds": round(cpu, 2),
    }


def generated_per_second(domain: Path, problem: Path, seconds: float) -> tuple[int, float]:
    """Return states that a blind breadth-first search generates, and its seconds of search."""
    with tempfile.TemporaryDirectory() as folder:
        text = _call(
            folder, "--search-time-limit", f"{seconds:.0f}s", domain, problem,
            "--search", f"eager(single(g()), cost_type=one, max_time={0.8 * seconds})",
        )  # fmt: skip
    generated = re.findall(r"Generated (\d+) state", text)
    spent = re.findall(r"Search time: ([\d.]+)s", text)
    if not generated or not spent:
        raise SystemExit(f"Fast Downward said nothing about {problem}: {text[-300:]}")
    return int(generated[-1]), float(spent[-1])


def _call(folder: str, *arguments: str | Path) -> str:
    command = [sys.executable, str(driver()), *(str(argument) for argument in arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, check=False, cwd=folder, capture_output=True, text=True, env=environment
    )
    return done.stdout + done.stderr

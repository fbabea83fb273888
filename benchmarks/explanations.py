"""How long an explanation takes: `python benchmarks/explanations.py`.

A robot (double integrator) under 150 named constraints: keep-out zones, swept, and speed limits.
Random play finds 200 refused actions; each is explained by a warm `Explainer`: a minimal core,
proved twice. With `--ahead K`, actions that are allowed now are asked about K steps ahead too.
Processor time is that of this process and of z3's, on Linux.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import z3

from tesuji.domains.registry import make
from tesuji.domains.robotics.double_integrator import ACCELERATION_X, ACCELERATION_Y
from tesuji.search.symbolic.cores import Verdict
from tesuji.search.symbolic.explain import Explainer, Explanation
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.symbols import symbols

NUM_ZONES = 73  # two constraints each, position and midpoint; with four limits, 150


def robot_model(seed: int = 0) -> SymbolicModel:
    """Return the robot under 150 constraints."""
    parts = {"ax": ACCELERATION_X, "ay": ACCELERATION_Y}
    x = symbols(make("double_integrator"), parts=parts, bounds={"steps": (0, 32)})
    s, ax, ay = x.state, z3.ToReal(x.part.ax), z3.ToReal(x.part.ay)
    half = z3.Q(1, 2)
    effects = {
        "x": s.x + s.vx * half + ax / 8,
        "y": s.y + s.vy * half + ay / 8,
        "vx": s.vx + ax * half,
        "vy": s.vy + ay * half,
    }
    midpoint = (s.x + s.vx / 4 + ax / 32, s.y + s.vy / 4 + ay / 32)
    rng = np.random.default_rng(seed)
    constraints: dict[str, Any] = {}
    for i in range(NUM_ZONES):
        left, low = (int(n) for n in rng.integers(-28, 28, 2))
        for name, (px, py) in (("zone", (s.x, s.y)), ("sweep", midpoint)):
            constraints[f"{name} {i}"] = z3.Or(
                px < z3.Q(left, 8), px > z3.Q(left + 3, 8), py < z3.Q(low, 8), py > z3.Q(low + 3, 8)
            )
    for axis in ("vx", "vy"):
        constraints[f"{axis} at most"] = s[axis] <= 1
        constraints[f"{axis} at least"] = s[axis] >= -1
    return SymbolicModel(x, constraints, effects=effects)


def explanations(
    explainer: Explainer, count: int, horizon: int, seed: int = 0
) -> list[tuple[float, Explanation]]:
    """Return `count` refusals that random play meets, with their milliseconds."""
    domain = explainer.model.symbols.domain
    rng = np.random.default_rng(seed)
    found: list[tuple[float, Explanation]] = []
    state, discount = domain.reset(), 1.0
    while len(found) < count:
        if discount == 0:
            state = domain.reset()
        action = int(rng.integers(domain.spec.num_actions))
        start = time.perf_counter()
        explanation = explainer.explain(state, action, horizon)
        spent = 1000 * (time.perf_counter() - start)
        if explanation.verdict is not Verdict.ALLOWED:
            found.append((spent, explanation))
        state, _, discount = domain.step(state, action)
    return found


def processor_seconds() -> float:
    """Return the processor time of this process and of its children."""
    ticks = 0
    for path in Path("/proc/self/task").glob("*/children"):
        for child in path.read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # in user and in system mode
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--ahead", type=int, default=0)
    options = parser.parse_args()
    model = robot_model()
    explainer = Explainer(model)
    explanations(explainer, 5, options.ahead, seed=1)
    began = processor_seconds()
    found = explanations(explainer, options.count, options.ahead)
    processor = 1000 * (processor_seconds() - began) / len(found)
    spent = np.array([milliseconds for milliseconds, _ in found])
    refused = [e for _, e in found if e.verdict is Verdict.REFUSED]
    sizes = np.bincount([len(e.names) for e in refused]).tolist()
    print(f"{len(model.constraints)} constraints, {len(found)} refusals, ahead {options.ahead}")
    print(f"mean {spent.mean():.1f} ms, median {np.median(spent):.1f}, max {spent.max():.1f}")
    print(f"processor time of each {processor:.1f} ms")
    print(f"proved {len(refused)}, of them minimal {sum(e.minimal for e in refused)}")
    print(f"cores by size from 0: {sizes}")


if __name__ == "__main__":
    main()

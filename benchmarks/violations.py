"""Constraint violations in played moves, over all examples: there must be none.

    python benchmarks/violations.py [--moves 1000000] [--seconds 600]
        [--examples pattern delivery robot] [--seed 0] [--json FILE]

The three examples of `docs/examples` are played by a search of eight simulations under the compiled
mask, with a random move now and then; a third of the moves each, or as many as so
many CPU-seconds allow for each. Every move is judged by a few
lines of Python of this file, which know neither z3 nor the rules.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "docs" / "examples"))

from delivery import delivery_model  # type: ignore[import-not-found]
from robot import ZONES, robot_model  # type: ignore[import-not-found]

from tesuji.domains.base import Domain, State
from tesuji.domains.logistics.delivery import delivery
from tesuji.domains.logistics.delivery_task import random_task
from tesuji.domains.registry import make
from tesuji.engine.rules import make_domain
from tesuji.search.base import Budget, UniformEvaluator
from tesuji.search.search import Search
from tesuji.search.symbolic.constrained import constrain

Judge = Callable[[State, int], bool]

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
BATCH = 256
RANDOM = 0.2  # of the moves
REPORT = 20  # seconds


def forbidden_pattern(seed: int) -> tuple[Domain, Judge]:
    """Return Connect Four without squares, and whether a move makes none."""
    del seed
    texts = re.findall(r'--constraint "(.*?)"', (EXAMPLES / "forbidden_pattern.md").read_text())

    def keeps(state: State, column: int) -> bool:
        own = int(state.stones[state.to_play])
        both = own | int(state.stones[1 - state.to_play])
        row = next(r for r in range(6) if not both >> (7 * column + r) & 1)
        stones = {(c, r) for c in range(7) for r in range(6) if own >> (7 * c + r) & 1}
        stones.add((column, row))
        return not any({(c + 1, r), (c, r + 1), (c + 1, r + 1)} <= stones for c, r in stones)

    return make_domain("connect_four", texts), keeps


def deliveries(seed: int) -> tuple[Domain, Judge]:
    """Return a delivery task, and whether a move keeps capacity, window and shift."""
    task = random_task(30, 3, seed)

    def keeps(state: State, place: int) -> bool:
        arrival = int(state.time) + int(task.travel[state.at, place])
        if place == 0:
            return arrival <= task.due[0]
        leave = max(arrival, int(task.ready[place])) + int(task.service[place])
        heavy = int(state.load) + int(task.demand[place]) > task.capacity
        home = leave + int(task.travel[place, 0])
        return not heavy and arrival <= task.due[place] and home <= task.due[0]

    return constrain(delivery(task), delivery_model(task)), keeps


def robot(seed: int) -> tuple[Domain, Judge]:
    """Return the robot, and whether a move keeps out of the zones, in the arena and slow."""
    del seed
    domain = make("double_integrator")

    def keeps(state: State, action: int) -> bool:
        ax, ay = action // 3 - 1, action % 3 - 1
        for t in (0.25, 0.5):
            x = state.x + state.vx * t + ax * t * t / 2
            y = state.y + state.vy * t + ay * t * t / 2
            for left, right, low, high in ZONES.values():
                if left <= x <= right and low <= y <= high:
                    return False
        inside = abs(x) <= 4 and abs(y) <= 4
        return bool(inside and abs(state.vx + ax / 2) <= 1 and abs(state.vy + ay / 2) <= 1)

    return constrain(domain, robot_model(domain)), keeps


EXAMPLES_BY_NAME = {"pattern": forbidden_pattern, "delivery": deliveries, "robot": robot}


def play(
    domain: Domain, keeps: Judge, moves: int, seconds: float, rng: np.random.Generator
) -> dict[str, int]:
    """Play `moves` moves; count those that break a constraint, and random ones that would."""
    search = Search(domain, UniformEvaluator(domain.spec.num_actions))
    base: Domain = domain.base  # type: ignore[attr-defined]
    found = {"moves": 0, "violations": 0, "forbidden": 0, "games": 0}
    states = [domain.reset() for _ in range(BATCH)]
    shown, began = time.monotonic(), time.process_time()
    while found["moves"] < moves and time.process_time() - began < seconds:
        seeds = rng.integers(2**63, size=BATCH)
        results = search.run(states, Budget(simulations=8), seed=seeds.tolist())
        for i, (state, result) in enumerate(zip(states, results, strict=True)):
            action = result.action
            if rng.random() < RANDOM:
                action = int(rng.choice(np.flatnonzero(domain.allowed(state))))
            found["moves"] += 1
            found["violations"] += not keeps(state, action)
            if found["moves"] % 16 == 0:  # what the constraints are there for
                free = np.flatnonzero(base.legal(state))
                found["forbidden"] += not keeps(state, int(rng.choice(free)))
            states[i], _, discount = domain.step(state, action)
            if discount == 0 or not domain.allowed(states[i]).any():
                states[i] = domain.reset()
                found["games"] += 1
        if time.monotonic() - shown > REPORT:
            shown = time.monotonic()
            sys.stderr.write(f"{domain.spec.name}: {found}\n")
    return found


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=1_000_000)
    parser.add_argument("--examples", nargs="+", choices=EXAMPLES_BY_NAME, default=EXAMPLES_BY_NAME)
    parser.add_argument("--seconds", type=float, default=600.0, help="CPU-seconds an example")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = {}
    for name in options.examples:
        domain, keeps = EXAMPLES_BY_NAME[name](options.seed)
        rng = np.random.default_rng(options.seed)
        figures[domain.spec.name] = play(
            domain, keeps, -(-options.moves // 3), options.seconds, rng
        )
        print(f"{domain.spec.name}: {figures[domain.spec.name]}", flush=True)
    if options.json:
        machine = platform.processor() or platform.machine()
        options.json.write_text(
            json.dumps({"machine": machine, "command": sys.argv, **figures}, indent=1) + "\n"
        )
    sys.exit(any(row["violations"] for row in figures.values()))


if __name__ == "__main__":
    main()

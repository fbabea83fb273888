"""Shortest plans in MiniGrid: how many seeds are solved, how long plans are, what they cost.

    python benchmarks/mazes.py --seeds 1000
    python benchmarks/mazes.py --seeds 200 --constraint "action != left"

A line an environment. A seed counts as solved where the plan, carried out in MiniGrid itself, ends
with a reward at its last action, and its length is the proven lower bound. Times are the
processor's, of reading the grid and of planning; making the environment is not counted. Under
constraints seeds whose start breaks one are left out, some have no plan, and steps that break one
in MiniGrid itself are counted.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from tesuji.domains.robotics.environments import make_environment
from tesuji.domains.robotics.grid import look, make_grid
from tesuji.search.planning.grid_search import Outcome, find_shortest
from tesuji.search.symbolic.grid_constraints import GridConstraints

NAMES = (
    "MiniGrid-LockedRoom-v0",
    "MiniGrid-MultiRoom-N6-v0",
    "MiniGrid-KeyCorridorS6R3-v0",
    "MiniGrid-ObstructedMaze-2Dlh-v0",
)


def measure(name: str, seeds: int, texts: Sequence[str]) -> dict[str, object]:
    """Return one row."""
    env = make_environment(name)
    env.reset(seed=0)
    began = time.process_time()
    constraints = GridConstraints(make_grid(env), texts)
    tabled = 1000 * (time.process_time() - began)
    for seed in range(seeds, seeds + 20):  # the kernels are compiled, or loaded
        env.reset(seed=seed)
        find_shortest(make_grid(env).instance, limits=constraints.limits)
    solved, lengths, milliseconds, states, by_pattern = 0, [], [], [], 0
    left_out, violating = 0, 0
    found: Counter[Outcome] = Counter()
    for seed in range(seeds):
        env.reset(seed=seed)
        if constraints.broken_at(look(env)):
            left_out += 1
            continue
        began = time.process_time()
        plan = find_shortest(make_grid(env).instance, limits=constraints.limits)
        milliseconds.append(1000 * (time.process_time() - began))
        found[plan.outcome] += 1
        states.append(plan.abstract_states + plan.states)
        by_pattern += plan.states == 0
        reward, ended = 0.0, False
        for number, action in enumerate(plan.actions):
            before = look(env)
            _, reward, terminated, truncated, _ = env.step(action)
            violating += bool(constraints.broken(before, action, look(env)))
            ended = (terminated or truncated) and number + 1 == len(plan.actions)
            if terminated or truncated:
                break
        solved += ended and float(reward) > 0.0 and len(plan.actions) == plan.bound
        if plan.actions:
            lengths.append(len(plan.actions))
    return {
        "environment": name,
        "seeds": seeds,
        "left_out": left_out,
        **{outcome.value: found[outcome] for outcome in Outcome},
        "solved_shortest": solved / max(1, len(lengths)),
        "violating_steps": violating,
        "mean_length": round(float(np.mean(lengths)), 2) if lengths else None,
        "longest": max(lengths, default=None),
        "tables_ms": round(tabled, 1),
        "cpu_ms_p50": round(float(np.percentile(milliseconds, 50)), 2),
        "cpu_ms_p99": round(float(np.percentile(milliseconds, 99)), 2),
        "cpu_ms_max": round(max(milliseconds), 2),
        "states_p50": int(np.median(states)),
        "by_pattern_alone": by_pattern / len(states),
    }


def main(words: Sequence[str] | None = None) -> None:
    """Print a JSON line an environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(NAMES), help="environments")
    parser.add_argument("--seeds", type=int, default=100, help="0 to this, not included")
    parser.add_argument("--constraint", action="append", default=[], help="what plans must keep")
    arguments = parser.parse_args(words)
    print(json.dumps({"minigrid": version("minigrid")}))
    for name in arguments.names:
        print(json.dumps(measure(name, arguments.seeds, arguments.constraint)), flush=True)


if __name__ == "__main__":
    main()

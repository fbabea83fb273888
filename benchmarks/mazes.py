"""Shortest plans in MiniGrid: how many seeds are solved, how long plans are, what they cost.

    python benchmarks/mazes.py --seeds 1000
    python benchmarks/mazes.py --seeds 200 --constraint "action != left"
    python benchmarks/mazes.py --seeds 30 --tasks --constraint "action != left"

A line an environment. A seed counts as solved where the plan, carried out in MiniGrid itself, ends
with a reward at its last action, and its length is the proven lower bound. Times are the
processor's, of reading the grid and of planning; making the environment is not counted. Under
constraints seeds whose start breaks one are left out, some have no plan, and steps that break one
in MiniGrid itself are counted, and what has not come by the end. With `--tasks` a symbolic plan and
its motions are beside the shortest plans, and seeds are told by both.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from tesuji.domains.robotics.environments import make_environment
from tesuji.domains.robotics.grid import look, make_grid
from tesuji.engine.discrete_episodes import GridRunner
from tesuji.engine.errors import UsageError
from tesuji.engine.planning import load_kernels
from tesuji.search.planning.grid_search import Outcome, find_shortest
from tesuji.search.symbolic.grid_constraints import GridConstraints
from tesuji.search.symbolic.grid_monitor import GridMonitor

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
    left_out, violating, unmet = 0, 0, 0
    found: Counter[Outcome] = Counter()
    for seed in range(seeds):
        env.reset(seed=seed)
        if constraints.reason(look(env)) is not None:
            left_out += 1
            continue
        began = time.process_time()
        plan = find_shortest(make_grid(env).instance, limits=constraints.limits)
        milliseconds.append(1000 * (time.process_time() - began))
        found[plan.outcome] += 1
        states.append(plan.abstract_states + plan.states)
        by_pattern += plan.states == 0
        reward, ended, monitor = 0.0, False, GridMonitor(constraints, look(env))
        for number, action in enumerate(plan.actions):
            before = look(env)
            _, reward, terminated, truncated, _ = env.step(action)
            violating += bool(monitor.advance(before, action, look(env)))
            ended = (terminated or truncated) and number + 1 == len(plan.actions)
            if terminated or truncated:
                break
        solved += ended and float(reward) > 0.0 and len(plan.actions) == plan.bound
        if plan.actions:
            lengths.append(len(plan.actions))
            unmet += bool(monitor.unmet)
    return {
        "environment": name,
        "seeds": seeds,
        "left_out": left_out,
        **{outcome.value: found[outcome] for outcome in Outcome},
        "solved_shortest": solved / max(1, len(lengths)),
        "violating_steps": violating,
        "unmet": unmet,
        "mean_length": round(float(np.mean(lengths)), 2) if lengths else None,
        "longest": max(lengths, default=None),
        "tables_ms": round(tabled, 1),
        "cpu_ms_p50": round(float(np.percentile(milliseconds, 50)), 2),
        "cpu_ms_p99": round(float(np.percentile(milliseconds, 99)), 2),
        "cpu_ms_max": round(max(milliseconds), 2),
        "states_p50": int(np.median(states)),
        "by_pattern_alone": by_pattern / len(states),
    }


def measure_tasks(name: str, seeds: int, texts: Sequence[str]) -> dict[str, object]:
    """Return one row of plans by tasks and motions, beside shortest ones."""
    tasks = GridRunner(make_environment(name), tasks=True, constraints=texts)
    plans = GridRunner(make_environment(name), constraints=texts)
    load_kernels()
    rows: list[tuple[dict[str, Any], dict[str, Any]]] = []
    left_out, seconds = 0, []
    for seed in range(seeds):
        try:
            *_, shortest = plans.run(seed)
        except UsageError:
            left_out += 1
            continue
        began = time.process_time()
        *_, episode = tasks.run(seed)
        seconds.append(time.process_time() - began)
        rows.append((episode.facts(), shortest.facts()))
    both = [(own["steps"], best["steps"]) for own, best in rows if own["solved"]]
    return {
        "environment": name,
        "seeds": seeds,
        "left_out": left_out,
        "solved": len(both),
        "with_plan": sum(best["solved"] for _, best in rows),
        "no_plan_left": sum(own["no_plan_left"] for own, _ in rows),
        "violating_steps": sum(own["violating_steps"] for own, _ in rows),
        "mean_length": round(float(np.mean([own for own, _ in both])), 2) if both else None,
        "mean_shortest": round(float(np.mean([best for _, best in both])), 2) if both else None,
        "failed_motions": sum(len(own["failed"]) for own, _ in rows),
        "cpu_s_p50": round(float(np.median(seconds)), 2),
        "cpu_s_max": round(max(seconds), 2),
    }


def main(words: Sequence[str] | None = None) -> None:
    """Print a JSON line an environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(NAMES), help="environments")
    parser.add_argument("--seeds", type=int, default=100, help="0 to this, not included")
    parser.add_argument("--constraint", action="append", default=[], help="what plans must keep")
    parser.add_argument("--tasks", action="store_true", help="plan by tasks and motions")
    arguments = parser.parse_args(words)
    print(json.dumps({"minigrid": version("minigrid")}))
    for name in arguments.names:
        row = measure_tasks if arguments.tasks else measure
        print(json.dumps(row(name, arguments.seeds, arguments.constraint)), flush=True)


if __name__ == "__main__":
    main()

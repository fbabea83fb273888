"""Snapshots, models and trajectory search: what they cost beside the simulator alone.

    python benchmarks/robotics.py
    python benchmarks/robotics.py --check      snapshots of all environments: to the bit? how fast?

A line an environment: microseconds to save and restore a snapshot, steps a CPU-second of
`mujoco.rollout` alone on random actions, of the model on the same, and of the whole loop of
planning, by trajectories and by trees, with and without a constraint. Planned trajectories meet the
ground more or less than random ones, which has nothing to do with the planner: what a loop costs is
told as the time that `mujoco.rollout` alone takes for the very trajectories that it simulated, as a
part of the loop's. `planned_steps` are the steps a CPU-second of that. One process, times of the
processor.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import mujoco
import numpy as np
from mujoco.rollout import Rollout

from tesuji.domains.robotics.check_environment import check_environment
from tesuji.domains.robotics.environment_domain import EnvironmentDomain, Moment
from tesuji.domains.robotics.environments import (
    EnvironmentRefusedError,
    environment_id,
    make_environment,
)
from tesuji.domains.robotics.models import Floats, Model, make_model
from tesuji.domains.robotics.mujoco_memory import memory
from tesuji.domains.robotics.snapshots import Snapshots
from tesuji.engine.planner import Planner
from tesuji.search.base import Budget
from tesuji.search.trajectory.monitor import ConstraintMonitor
from tesuji.search.trajectory.planner import TrajectoryPlanner

ROWS = {
    "HalfCheetah-v5": "x_velocity <= 3.2096",
    "Hopper-v5": "x_velocity <= 0.7402",
    "Reacher-v5": "abs(joint0_velocity) <= 10",
    "InvertedDoublePendulum-v5": "abs(slider) <= 0.9",
    "Walker2d-v5": "x_velocity <= 1",
    "Ant-v5": "y_velocity <= 1",
    "Humanoid-v5": "y_velocity <= 1",
    "Pusher-v5": "action_0 <= 1.5",
}
_BATCH, _HORIZON = 64, 30
_SIMULATIONS = 64  # of a tree


def cpu_seconds(work: Callable[[], object], times: int) -> float:
    """Return the processor's seconds of one call, the first not counted."""
    work()
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times


def snapshot_costs(snapshots: Snapshots) -> dict[str, object]:
    """Return microseconds to save and to restore: the least of many rounds, since others run."""
    taken = snapshots.save()
    works = {"save_us": snapshots.save, "restore_us": lambda: snapshots.restore(taken)}
    return {
        name: round(1e6 * min(cpu_seconds(work, 50) for _ in range(20)), 2)
        for name, work in works.items()
    }


def measure(name: str, constraint: str, times: int) -> dict[str, object]:
    """Return one row."""
    domain = EnvironmentDomain(name)
    model = make_model(domain)
    state = domain.reset(0)
    rng = np.random.default_rng(0)
    actions = model.units(rng.uniform(-1, 1, (_BATCH, _HORIZON, model.low.size)))
    steps = _BATCH * _HORIZON

    raw = _Raw(domain)
    start = model.begin(state)
    alone = steps / cpu_seconds(lambda: raw.roll(start, actions), times)
    rolled = steps / cpu_seconds(lambda: model.roll(state, actions), times)
    row: dict[str, object] = {
        "environment": name,
        **snapshot_costs(domain.snapshots),
        "raw_steps": round(alone),
        "model": round(rolled / alone, 3),
    }
    for label, monitor in (
        ("planner", None),
        ("constrained", ConstraintMonitor(model, [constraint])),
    ):
        planner = TrajectoryPlanner(model, monitor=monitor)
        row[label], pace = raw.share(lambda: planner.plan(state), model, state, times)  # noqa: B023
        if monitor is None:
            row["planned_steps"] = round(pace)
    for label, texts in (("tree", []), ("constrained_tree", [constraint])):
        tree = Planner(
            domain, "rollout", budget=Budget(simulations=_SIMULATIONS), constraints=texts
        )
        row[label], _ = raw.share(lambda: tree.plan(state), domain.imagination.model, state, times)  # noqa: B023
    return row


class _Raw:
    """`mujoco.rollout` alone, from rows of a model's memory."""

    def __init__(self, domain: EnvironmentDomain) -> None:
        self._model: Any = domain.env.unwrapped.model
        self._data, self._scratch = mujoco.MjData(self._model), mujoco.MjData(self._model)
        self._rollout = Rollout(nthread=0)
        self._substeps = domain.imagination.model.num_substeps

    def roll(self, starts: Floats, actions: Floats) -> None:
        """Simulate `actions [B, H, D]` from `starts`, which are used in turn."""
        self.simulate(*self.prepare(starts, actions))

    def prepare(self, starts: Floats, actions: Floats) -> tuple[Floats, Floats, Floats]:
        """Return full states, warm starts and controls of trajectories."""
        kind = mujoco.mjtState.mjSTATE_FULLPHYSICS
        states, warm = [], []
        for row in starts:
            memory(self._data).view(np.float64)[:] = row[:-1]
            self._data.time = row[-1]
            full = np.empty(mujoco.mj_stateSize(self._model, kind))
            mujoco.mj_getState(self._model, self._data, full, kind)
            states.append(full)
            warm.append(self._data.qacc_warmstart.copy())
        turn = np.arange(len(actions)) % len(starts)
        controls = np.repeat(actions, self._substeps, axis=1)
        return np.array(states)[turn], np.array(warm)[turn], controls

    def simulate(self, states: Floats, warm: Floats, controls: Floats) -> None:
        """Simulate what `prepare` returned."""
        self._rollout.rollout(self._model, self._scratch, states, controls, initial_warmstart=warm)

    def share(
        self, work: Callable[[], object], model: Model, state: Moment, times: int
    ) -> tuple[float, float]:
        """Return the part of `work` that its trajectories alone take, and their steps a second."""
        work()
        calls: list[tuple[Floats, Floats]] = []
        inner: Any = model
        simulate = inner._simulate

        def noted(starts: Floats, rows: Any, actions: Floats, kept: int) -> Any:
            calls.append((starts, actions))
            return simulate(starts, rows, actions, kept)

        inner._simulate = noted
        whole = alone = 0.0
        steps = 0
        for _ in range(times):
            calls.clear()
            began = time.process_time()
            work()
            whole += time.process_time() - began
            again = [self.prepare(*call) for call in calls]
            steps += sum(actions.shape[0] * actions.shape[1] for _, actions in calls)
            began = time.process_time()
            for each in again:
                self.simulate(*each)
            alone += time.process_time() - began
        inner._simulate = simulate
        return round(alone / whole, 3), steps / alone


def every_name() -> list[str]:
    """Return the newest version of each environment that is registered."""
    environment_id("FetchReach-v4")  # has the plugins register theirs
    newest: dict[str, int] = {}
    for name in gymnasium.registry:
        family, _, version = name.rpartition("-v")
        if family and version.isdigit():
            newest[family] = max(newest.get(family, 0), int(version))
    return [f"{family}-v{version}" for family, version in sorted(newest.items())]


def check(name: str, num_snapshots: int) -> dict[str, object]:
    """Return whether snapshots of one environment go on to the bit."""
    row: dict[str, object] = {"environment": name}
    try:
        env = make_environment(name)
    except EnvironmentRefusedError as error:
        return {**row, "made": False, "reason": str(error)}
    try:
        report = check_environment(env, num_snapshots)
        costs = snapshot_costs(Snapshots(env))
    except EnvironmentRefusedError as error:
        return {**row, "made": True, "exact": False, "reason": str(error)}
    finally:
        env.close()
    facts = {"made": True, "exact": True, "steps": report.num_steps, "draws": report.draws}
    return {**row, **facts, **costs}


def check_all(num_snapshots: int) -> None:
    """Print a line an environment, and how many there are of each kind."""
    made = exact = 0
    for name in every_name():
        row = check(name, num_snapshots)
        made += bool(row["made"])
        exact += bool(row.get("exact"))
        print(json.dumps(row), flush=True)
    print(json.dumps({"made": made, "exact": exact}))


def main(words: Sequence[str] | None = None) -> None:
    """Print a JSON line an environment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="calls that are timed")
    parser.add_argument("--check", action="store_true", help="check snapshots of all environments")
    parser.add_argument("--snapshots", type=int, default=5, help="that are checked of each")
    options = parser.parse_args(words)
    print(json.dumps({"mujoco": mujoco.__version__}))
    if options.check:
        check_all(options.snapshots)
        return
    for name, constraint in ROWS.items():
        print(json.dumps(measure(name, constraint, options.times)), flush=True)


if __name__ == "__main__":
    main()

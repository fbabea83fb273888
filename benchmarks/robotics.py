"""Snapshots, models and trajectory search: what they cost beside the simulator alone.

    python benchmarks/robotics.py
    python benchmarks/robotics.py --check      snapshots of all environments, to the bit?

A line an environment: microseconds to save and restore a snapshot, steps a CPU-second of
`mujoco.rollout` alone, of the model, and of the whole loop of planning, by trajectories and by
trees, with and without a constraint, as parts of the first. One process, times of the processor.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence

import gymnasium
import mujoco
import numpy as np
from mujoco.rollout import Rollout

from tesuji.domains.robotics.check_environment import check_environment
from tesuji.domains.robotics.environment_domain import EnvironmentDomain
from tesuji.domains.robotics.environments import (
    EnvironmentRefusedError,
    environment_id,
    make_environment,
)
from tesuji.domains.robotics.models import make_model
from tesuji.domains.robotics.snapshots import integration_state
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


def measure(name: str, constraint: str, times: int) -> dict[str, object]:
    """Return one row."""
    domain = EnvironmentDomain(name)
    model = make_model(domain)
    state = domain.reset(0)
    snapshots = domain.snapshots
    saving = cpu_seconds(snapshots.save, 2000)
    restoring = cpu_seconds(lambda: snapshots.restore(state.snapshot), 2000)
    rng = np.random.default_rng(0)
    actions = model.units(rng.uniform(-1, 1, (_BATCH, _HORIZON, model.low.size)))
    steps = _BATCH * _HORIZON

    inner = domain.env.unwrapped
    full = np.empty(mujoco.mj_stateSize(inner.model, mujoco.mjtState.mjSTATE_FULLPHYSICS))
    mujoco.mj_getState(inner.model, inner.data, full, mujoco.mjtState.mjSTATE_FULLPHYSICS)
    scratch = mujoco.MjData(inner.model)
    whole = integration_state(inner.model, inner.data)
    mujoco.mj_setState(inner.model, scratch, whole, mujoco.mjtState.mjSTATE_INTEGRATION)
    control = np.repeat(actions, model.num_substeps, axis=1)
    rollout = Rollout(nthread=0)
    raw = steps / cpu_seconds(
        lambda: rollout.rollout(inner.model, scratch, full[None], control), times
    )
    rolled = steps / cpu_seconds(lambda: model.roll(state, actions), times)
    row: dict[str, object] = {
        "environment": name,
        "save_us": round(1e6 * saving, 2),
        "restore_us": round(1e6 * restoring, 2),
        "raw_steps": round(raw),
        "model": round(rolled / raw, 3),
    }
    for label, monitor in (
        ("planner", None),
        ("constrained", ConstraintMonitor(model, [constraint])),
    ):
        planner = TrajectoryPlanner(model, monitor=monitor)
        simulated = planner.plan(state).simulated + planner.settings.horizon
        speed = simulated / cpu_seconds(lambda: planner.plan(state), times)  # noqa: B023
        row[label] = round(speed / raw, 3)
    for label, texts in (("tree", []), ("constrained_tree", [constraint])):
        tree = Planner(
            domain, "rollout", budget=Budget(simulations=_SIMULATIONS), constraints=texts
        )
        rollouts, depth = domain.rollouts
        simulated = _SIMULATIONS * rollouts * (1 + depth)
        speed = simulated / cpu_seconds(lambda: tree.plan(state), times)  # noqa: B023
        row[label] = round(speed / raw, 3)
    return row


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
    except EnvironmentRefusedError as error:
        return {**row, "made": True, "exact": False, "reason": str(error)}
    finally:
        env.close()
    return {**row, "made": True, "exact": True, "steps": report.num_steps, "draws": report.draws}


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

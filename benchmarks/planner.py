"""Do skeletons and hints pay? `python benchmarks/planner.py [--seconds 15] [--json FILE]`.

Each task is planned by each way alone and by all of them in a race: the plain unrolling, the same
with the policy's plan as a hint, skeletons ranked alike, skeletons ranked by the policy, and, for
the robot, skeletons whose templates are the accelerations along x, while z3 chooses those along y.

No network has been trained on these tasks. The policies are written by hand instead, as good as a
small network's might be: the nearest customer that is due soon; accelerate towards the goal and
brake. Time is processor time, of z3's processes and of this one; a first plan and the end, which is
a proof that it is a shortest one, unless the time was over.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import z3

sys.path.append(str(Path(__file__).parents[1] / "docs" / "examples"))

from delivery import delivery_model  # type: ignore[import-not-found]
from robot import robot_model  # type: ignore[import-not-found]

from tesuji.domains.logistics.delivery import delivery
from tesuji.domains.logistics.delivery_task import random_task
from tesuji.domains.robotics.double_integrator import (
    ACCELERATION_X,
    ACCELERATION_Y,
    double_integrator,
)
from tesuji.search.base import Evaluation, Evaluator
from tesuji.search.symbolic.model import SymbolicModel
from tesuji.search.symbolic.planning import PlanBudget, SMTPlanner, Way
from tesuji.search.symbolic.plans import PlanResult
from tesuji.search.symbolic.skeletons import Templates, templates_by


class NearAndDue:
    """A policy for delivery: who is near and due soon; home when all are served."""

    def evaluate(self, observations: Any) -> Evaluation:
        """Return logits from the observation's features of each place."""
        places = observations[:, 3:].reshape(len(observations), -1, 6)
        travel, due = places[:, :, 2], places[:, :, 4]
        logits = -8 * travel - 8 * np.maximum(due, 0)
        logits[:, 0] = -4.0
        zeros = np.zeros(len(observations), np.float32)
        return Evaluation(logits.astype(np.float32), zeros, zeros)


class Steering:
    """A policy for the robot: accelerate towards the goal, brake the faster it is."""

    def evaluate(self, observations: Any) -> Evaluation:
        """Return logits from speed and the way to the goal."""
        speed, way = 4.0 * observations[:, 2:4], 8.0 * observations[:, 4:6]
        wish = 0.6 * way - 1.2 * speed
        pushes = np.stack([ACCELERATION_X, ACCELERATION_Y], 1)
        logits = -2.0 * ((pushes[None] - wish[:, None]) ** 2).sum(2)
        zeros = np.zeros(len(observations), np.float32)
        return Evaluation(logits.astype(np.float32), zeros, zeros)


@dataclass(frozen=True)
class Task:
    """What to plan."""

    name: str
    model: SymbolicModel
    horizon: int
    policy: Evaluator
    templates: Templates | None = None


def delivery_task(customers: int, seed: int) -> Task:
    """Return a delivery by one vehicle, with effects, in tight windows."""
    task = random_task(customers, 1, seed, width=200)
    base = delivery_model(task)
    s, a, p = base.symbols.state, base.symbols.action, base.symbols.parameter
    arrival = s.time + p.travel[s.at][a]
    leave = z3.If(arrival < p.ready[a], p.ready[a], arrival) + p.service[a]
    effects = {
        "time": z3.If(a == 0, 0, leave),
        "load": z3.If(a == 0, 0, s.load + p.demand[a]),
        "at": a,
        "vehicle": z3.If(z3.And(s.at == 0, a != 0), s.vehicle + 1, s.vehicle),
        "visited": z3.If(a == 0, s.visited, z3.Store(s.visited, a, 1)),
    }
    served = [s.visited[i] == 1 for i in range(1, customers + 1)]
    rules = {
        **base.constraints,
        "once": z3.Or(a == 0, s.visited[a] == 0),
        "home": z3.Or(a != 0, z3.And(served)),
    }
    model = SymbolicModel(base.symbols, rules, effects, base.goal)
    assert model.check_against(delivery(task), games=3) is None
    return Task(f"delivery, {customers} customers", model, customers + 1, NearAndDue())


def robot_task(goal: tuple[float, float], horizon: int) -> Task:
    """Return the example robot between its zones, on the way to `goal`."""
    domain = double_integrator(goal=goal)
    model = robot_model(domain)
    s = model.symbols.state
    near = [
        z3.And(s[v] >= c - z3.Q(1, 2), s[v] <= c + z3.Q(1, 2))
        for v, c in zip("xy", goal, strict=True)
    ]
    slow = [z3.And(2 * s[v] >= -1, 2 * s[v] <= 1) for v in ("vx", "vy")]
    found = SymbolicModel(model.symbols, model.constraints, model.effects, z3.And(near + slow))
    by_x = templates_by(found.symbols, "ax")
    return Task(f"robot to {goal[0]:g}, {goal[1]:g}", found, horizon, Steering(), by_x)


def entrants(task: Task, budget: PlanBudget) -> dict[str, SMTPlanner]:
    """Return a planner for each way, and one for all of them."""

    def planner(*ways: Way, policy: bool = True, templates: Templates | None = None) -> SMTPlanner:
        evaluator = task.policy if policy else None
        return SMTPlanner(task.model, budget, evaluator=evaluator, templates=templates, ways=ways)

    found = {
        "unrolling": planner("unrolling"),
        "hint": planner("hint"),
        "skeletons, alike": planner("skeletons", policy=False),
        "skeletons, policy": planner("skeletons"),
    }
    if task.templates is not None:
        found["skeletons, by x"] = planner("skeletons", templates=task.templates)
    found["race"] = planner("unrolling", "hint", "skeletons", templates=task.templates)
    return found


def measure(task: Task, planner: SMTPlanner) -> dict[str, Any]:
    """Return what a planner found, and when."""
    state = task.model.symbols.domain.reset()
    began, own = time.monotonic(), time.process_time()
    first: float | None = None
    last: PlanResult | None = None
    for result in planner.solutions(state, task.horizon):
        if result.solved and first is None:
            first = time.monotonic() - began
        last = result
    assert last is not None
    if last.solved:
        assert planner.validate(state, last.actions).valid
    return {
        "status": last.status.value,
        "steps": len(last.actions) if last.solved else None,
        "lower_bound": None if last.lower_bound is None else int(last.lower_bound),
        "found_by": last.found_by,
        "proved_by": last.proved_by,
        "first_seconds": None if first is None else round(first, 2),
        "seconds": round(time.monotonic() - began, 2),
        "cpu_seconds": round(last.cpu_seconds + time.process_time() - own, 2),
    }


def main() -> None:
    """Plan all tasks in all ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--customers", type=int, nargs="*", default=[4, 6, 8, 10])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    tasks = [delivery_task(customers, seed=0) for customers in options.customers]
    tasks += [robot_task((-1.0, -3.0), 10), robot_task((0.0, -3.0), 12), robot_task((3.0, 3.0), 24)]
    rows = []
    for task in tasks:
        for way, planner in entrants(task, PlanBudget(seconds=options.seconds)).items():
            row = {"task": task.name, "way": way, **measure(task, planner)}
            rows.append(row)
            sys.stdout.write(f"{row}\n")
            sys.stdout.flush()
            if options.json is not None:
                options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

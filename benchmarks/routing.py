"""Routing: how far routes and bounds are from the best known costs, in CPU-seconds, one thread.

    python benchmarks/routing.py FOLDER --best BEST.json --seconds 2 --peer --out results.jsonl
    python benchmarks/routing.py FOLDER --best BEST.json --agent net --by tree --out T.jsonl

FOLDER holds instances; BEST.json names best known costs: `{"some/path/NAME": {"best": 784}}`.
Routes, bound and the peer (PyVRP, the extra `pyvrp`) get the seconds each, one after the other, so
that load does not matter. A line of the results is an instance; those that are there are not
measured again, so that a run can be cut off and gone on with.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.files import read_routing
from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.engine.route_policy import load_route_net, read_instance
from tesuji.engine.routing_bound import make_bound
from tesuji.search.routing.anneal import Annealing, load_kernels
from tesuji.search.routing.construct import (
    PolicyTables,
    construction_task,
    edge_odds,
    roll_out,
    routes_from,
)
from tesuji.search.routing.policy_search import PolicySearch
from tesuji.search.routing.policy_search import load_kernels as load_policy_kernels
from tesuji.search.routing.policy_tree import construct_by_search
from tesuji.search.routing.side_constraints import SideConstraints

_SLICE = 0.05


class Sampling:
    """Routes that a policy draws whole, and nothing else."""

    def __init__(self, instance: RoutingInstance, tables: PolicyTables, seed: int) -> None:
        self._tables, self._task, self._seed = tables, construction_task(instance), seed
        self.iterations, self.cost, self.routes = 0, 1 << 62, [[0]]

    def run(self, iterations: int, begin: float, end: float) -> None:
        """Draw so many more, a little cooler than the policy."""
        first = np.zeros(iterations, np.int64)
        self._seed += 1
        found = roll_out(self._tables, self._task, first, 0.5, self._seed)
        self.iterations += iterations
        if found.cost.min() < self.cost:
            self.cost = int(found.cost.min())
            self.routes = routes_from(found.moves[found.cost.argmin()])


def constructed(
    instance: RoutingInstance, tables: PolicyTables, seconds: float, seed: int
) -> Sampling:
    """Return the best of constructions by tree search, each with twice the simulations."""
    start, found, simulations = time.process_time(), Sampling(instance, tables, seed), 8
    while (spent := time.process_time() - start) < seconds:
        routes = construct_by_search(
            instance, tables, simulations, seed, lambda: time.process_time() - start >= seconds
        )
        found.iterations += simulations
        if instance.cost(routes) < found.cost:
            found.cost, found.routes = instance.cost(routes), routes
        simulations *= 2
        if 2 * spent > seconds:
            simulations //= 2
    return found


def drive(
    instance: RoutingInstance, side: SideConstraints, arguments: argparse.Namespace
) -> Annealing | PolicySearch | Sampling:
    """Return a search after so many CPU-seconds, of which reading the instance is a part."""
    start, seconds, seed = time.process_time(), arguments.seconds, arguments.seed
    if arguments.agent is None:
        search: Annealing | PolicySearch | Sampling = Annealing(
            instance, seed, side.forbidden, (), side.rules
        )
    else:
        tables = read_instance(arguments.net, instance)
        if arguments.by == "tree":
            left = seconds - (time.process_time() - start)
            return constructed(instance, tables, left, seed)
        if arguments.by == "ruin":
            odds = edge_odds(tables, construction_task(instance))
            search = Annealing(instance, seed, odds=odds)
        elif arguments.by == "sample":
            search = Sampling(instance, tables, seed)
        else:
            until = start + seconds / 10
            search = PolicySearch(
                instance, tables, seed, is_over=lambda: time.process_time() > until
            )
    count = 20
    while (before := time.process_time() - start) < seconds:
        search.run(count, before / seconds, min(1.0, (before + _SLICE) / seconds))
        took = time.process_time() - start - before
        count = max(10, int(count * min(4.0, _SLICE / max(took, 1e-4))))
    return search


def bounded(instance: RoutingInstance, seconds: float) -> int:
    """Return the bound that is proven after so many CPU-seconds."""
    start, bound = time.process_time(), make_bound(instance, ())
    assert bound is not None
    while not bound.done and (left := seconds - (time.process_time() - start)) > 0:
        bound.step(left)
    return bound.best.bound


def peer(instance: RoutingInstance, seconds: float, seed: int) -> float | None:
    """Return the cost of PyVRP's routes after so many CPU-seconds; None without any."""
    from tesuji.search.routing.pyvrp import routes_by_pyvrp  # noqa: PLC0415 - an extra

    start = time.process_time()
    routes = routes_by_pyvrp(instance, lambda: time.process_time() - start >= seconds, seed)
    if routes is None:
        return None
    assert not check_routes(instance, routes).faults
    return instance.cost(routes) / instance.scale


def best_known(entry: dict[str, Any]) -> float:
    """Return the best known cost; for pick-up and delivery that with the fewest vehicles."""
    return float(entry["best"] if "best" in entry else entry["vroom_bks_min_vehicles"][1])


def measured(path: Path, best: float, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the row of one instance."""
    instance = read_routing(path)
    side = SideConstraints(instance, arguments.constraint)
    search = drive(instance, side, arguments)
    cost = search.cost / instance.scale
    row = {
        "set": path.parent.name, "name": path.stem, "cost": cost, "best": best,
        "over_best": cost / best - 1, "iterations": search.iterations,
        "faults": len(check_routes(instance, search.routes).faults),
        "constraints": len(side.constraints), "violated": len(side.faults(search.routes)),
    }  # fmt: skip
    if arguments.bound:
        bound = bounded(instance, arguments.bound) / instance.scale
        row |= {"bound": bound, "gap": (cost - bound) / cost}
    if arguments.peer:
        theirs = peer(instance, arguments.seconds, arguments.seed)
        row["peer"] = None if theirs is None else theirs / best - 1
    return row


def main() -> None:
    """Measure folders and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--best", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--bound", type=float, default=0.0, help="seconds for the bound")
    parser.add_argument("--peer", action="store_true", help="measure PyVRP beside")
    parser.add_argument("--agent", help="a run of logistics/cvrp, or net")
    parser.add_argument(
        "--by", choices=("rebuild", "tree", "sample", "ruin"), default="rebuild",
        help="what the agent does: rebuild, construct by tree search, draw, say where ruins begin",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--largest", type=int, default=10**6, help="nodes at most")
    parser.add_argument("--constraint", action="append", default=[], help="of each route")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    known = {Path(key).name: entry for key, entry in json.loads(arguments.best.read_text()).items()}
    lines = arguments.out.read_text().splitlines() if arguments.out.exists() else []
    rows = [json.loads(line) for line in lines]
    done = {(row["set"], row["name"]) for row in rows}
    load_kernels()
    if arguments.agent is not None:
        if arguments.constraint:
            parser.error("--agent knows no constraints")
        torch.set_num_threads(1)
        arguments.net = load_route_net(arguments.agent)
        load_policy_kernels()
    for folder in arguments.folders:
        paths = [p for p in sorted(folder.iterdir()) if p.suffix in {".vrp", ".txt"}]
        for path in paths[:: arguments.every]:
            too_large = read_routing(path).num_nodes > arguments.largest
            if (folder.name, path.stem) in done or too_large:
                continue
            rows.append(measured(path, best_known(known[path.stem]), arguments))
            with arguments.out.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    for key in ("over_best", "peer", "gap"):
        found = [row[key] for row in rows if row.get(key) is not None]
        if found:
            mean = sum(found) / len(found)
            print(f"{key}: mean {mean:.3%} of {len(found)}, worst {max(found):.3%}")
    for key in ("faults", "violated"):
        print(f"{key}: {sum(row[key] for row in rows)}")


if __name__ == "__main__":
    main()

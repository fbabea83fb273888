"""Routing: how far routes and bounds are from the best known costs, in CPU-seconds, one thread.

    python benchmarks/routing.py FOLDER --best BEST.json --seconds 2 --peer --out results.jsonl

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

from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.files import read_routing
from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.engine.routing import make_bound
from tesuji.search.routing.anneal import Annealing, load_kernels
from tesuji.search.routing.side_constraints import SideConstraints

_SLICE = 0.05


def drive(instance: RoutingInstance, seconds: float, seed: int, side: SideConstraints) -> Annealing:
    """Return a search after so many CPU-seconds."""
    start = time.process_time()
    annealing, count = Annealing(instance, seed, side.forbidden, (), side.rules), 200
    while (before := time.process_time() - start) < seconds:
        annealing.run(count, before / seconds, min(1.0, (before + _SLICE) / seconds))
        took = time.process_time() - start - before
        count = max(10, int(count * min(4.0, _SLICE / max(took, 1e-4))))
    return annealing


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
    search = drive(instance, arguments.seconds, arguments.seed, side)
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

"""Routing: how far routes and bounds are from the best known costs, in CPU-seconds, one thread.

    python benchmarks/routing.py FOLDER --best BEST.json --seconds 2 --out results.json

FOLDER holds instances; BEST.json names best known costs: `{"some/path/NAME": {"best": 784}}`.
Routes and bound get the seconds each, one after the other, so that load does not matter.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from tesuji.domains.logistics.routing.check import check_routes
from tesuji.domains.logistics.routing.files import read_routing
from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.search.routing.anneal import Annealing
from tesuji.search.routing.bound import CutBound

_SLICE = 0.05


def drive(instance: RoutingInstance, seconds: float, seed: int) -> Annealing:
    """Return a search after so many CPU-seconds."""
    annealing, count = Annealing(instance, seed), 200
    start = time.process_time()
    while (before := time.process_time() - start) < seconds:
        annealing.run(count, before / seconds, min(1.0, (before + _SLICE) / seconds))
        took = time.process_time() - start - before
        count = max(10, int(count * min(4.0, _SLICE / max(took, 1e-4))))
    return annealing


def bounded(instance: RoutingInstance, seconds: float) -> int:
    """Return the bound that is proven after so many CPU-seconds."""
    start, bound = time.process_time(), CutBound(instance)
    while not bound.done and (left := seconds - (time.process_time() - start)) > 0:
        bound.step(left)
    return bound.best.bound


def main() -> None:
    """Measure a folder and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--best", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    known = {Path(key).name: entry for key, entry in json.loads(arguments.best.read_text()).items()}
    paths = [p for p in sorted(arguments.folder.iterdir()) if p.suffix in {".vrp", ".txt"}]
    drive(read_routing(paths[0]), 0.1, 0)  # compiles
    rows = []
    for path in paths[:: arguments.every]:
        instance, best = read_routing(path), float(known[path.stem]["best"])
        search = drive(instance, arguments.seconds, arguments.seed)
        faults = check_routes(instance, search.routes).faults
        cost = search.cost / instance.scale
        bound = bounded(instance, arguments.seconds) / instance.scale
        rows.append({
            "name": path.stem, "cost": cost, "best": best, "bound": bound,
            "over_best": cost / best - 1, "gap": (cost - bound) / cost,
            "iterations": search.iterations, "faults": len(faults),
        })  # fmt: skip
        print(json.dumps(rows[-1]), flush=True)
    mean = {key: sum(row[key] for row in rows) / len(rows) for key in ("over_best", "gap")}
    print(json.dumps(mean))
    given = {"seconds": arguments.seconds, "seed": arguments.seed, "every": arguments.every}
    arguments.out.write_text(json.dumps({**given, "mean": mean, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

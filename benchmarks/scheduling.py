"""Gaps of the search for schedules on a folder of instances.

    python benchmarks/scheduling.py FOLDER --best best_known.json --seconds 10

Seconds are of this process's CPU time, one core. Beside each makespan stand how far it is above the
best known one and above our own bound, which the verifier accepts; every schedule is checked.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from tesuji.domains.logistics.scheduling.checking import check_schedule
from tesuji.domains.logistics.scheduling.reading import read_shop
from tesuji.engine.shop_policy import load_policy
from tesuji.search.scheduling.policy_search import PolicySearch, PolicyWeights
from tesuji.search.scheduling.policy_search import load_kernels as load_policy_kernels
from tesuji.search.scheduling.shop_bounds import shop_bound
from tesuji.search.scheduling.shop_search import ShopSearch, load_kernels


def measure(
    path: Path, known: int | None, seconds: float, seed: int, policy: PolicyWeights | None
) -> dict[str, object]:
    """Return the row of one instance."""
    instance = read_shop(path)
    start = time.process_time()
    bound = shop_bound(instance)
    search = ShopSearch(instance, seed) if policy is None else PolicySearch(instance, policy, seed)
    first = search.makespan
    while time.process_time() - start < seconds and search.makespan > bound.value:
        search.advance(200 if policy is None else max(1, 20_000 // instance.num_operations))
    fault = check_schedule(instance, search.schedule())
    if fault is not None:
        raise SystemExit(f"{path}: {fault}")
    return {
        "instance": path.stem,
        "jobs": instance.num_jobs,
        "machines": instance.num_machines,
        "dispatched": first,
        "makespan": search.makespan,
        "best_known": known,
        "bound": bound.value,
        "moves": search.moves,
        "seconds": round(time.process_time() - start, 2),
        "over_best": None if known is None else search.makespan / known - 1,
        "gap": 1 - bound.value / search.makespan,
    }


def best_known(table: dict[str, dict[str, int]], path: Path) -> int | None:
    """Return the upper bound that the table has for the file, under its name or FOLDER/NAME."""
    row = table.get(path.stem) or table.get(f"{path.parent.name}/{path.stem}")
    return None if row is None else row["upper_bound"]


def main() -> None:
    """Measure a folder and write the table as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--best", type=Path)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="every so many instances")
    parser.add_argument("--learned", action="store_true", help="by the shipped policy alone")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    table = json.loads(arguments.best.read_text()) if arguments.best else {}
    load_kernels()
    policy = load_policy() if arguments.learned else None
    load_policy_kernels()
    rows = []
    for path in sorted(arguments.folder.glob("*.txt"))[:: arguments.every]:
        known = best_known(table, path)
        row = measure(path, known, arguments.seconds, arguments.seed, policy)
        rows.append(row)
        over = "" if known is None else f"{row['over_best']:8.2%}"
        print(f"{path.stem:12}{row['makespan']:8}{over}  gap {row['gap']:7.2%}", flush=True)
    over_best = [row["over_best"] for row in rows if row["over_best"] is not None]
    means = {
        "over_best": sum(over_best) / len(over_best) if over_best else None,
        "gap": sum(row["gap"] for row in rows) / len(rows),
    }
    print(f"{len(rows)} instances, mean over best known {means['over_best']}, gap {means['gap']}")
    if arguments.out:
        arguments.out.write_text(json.dumps({"mean": means, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Plans for a folder of PDDL problems: how many are solved, at what cost, how near to the least.

    python benchmarks/planning.py FOLDER ... --seconds 10 [--json FILE]

A folder holds `domain.pddl` and problems, or folders of those. Each problem gets `--seconds` of
this process's CPU time, grounding and all; every plan is validated before it counts. The JSON file
is written after each problem, and problems that it holds already are not done again.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tesuji.engine.planning import solve_task
from tesuji.engine.solving import SolveBudget


def problems_of(folder: Path) -> list[tuple[Path, Path]]:
    """Return `(domain, problem)` of all problems below a folder."""
    found = []
    for path in sorted(folder.rglob("*.pddl")):
        if path.name.startswith("domain"):
            continue
        domain = next(
            (p / "domain.pddl" for p in path.parents if (p / "domain.pddl").is_file()), None
        )
        if domain is not None:
            found.append((domain, path))
    return found


def solve(domain: Path, problem: Path, seconds: float) -> dict[str, Any]:
    """Solve one problem within `seconds` of CPU time."""
    stop = threading.Event()
    began = time.process_time()

    def watch() -> None:
        while time.process_time() - began < seconds and not stop.wait(0.02):
            pass
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
    try:
        answer = solve_task(domain, problem, SolveBudget(seconds=20 * seconds), stop=stop)
    except (ValueError, MemoryError) as error:
        return {"status": "error", "reason": str(error)}
    finally:
        stop.set()
    return {
        "status": answer.status, "cost": answer.cost, "bound": answer.bound,
        "first": answer.first and answer.first[0], "evaluated": answer.evaluated,
        "cpu_seconds": round(time.process_time() - began, 2),
    }  # fmt: skip


def summary(rows: dict[str, dict[str, Any]]) -> str:
    """Return a table of the families."""
    lines = [
        "| family | problems | solved | optimal | mean gap | summed cost |",
        "|---|---|---|---|---|---|",
    ]
    families: dict[str, list[dict[str, Any]]] = {}
    for name, row in rows.items():
        families.setdefault(name.rsplit("/", 1)[0], []).append(row)
    for name, own in {**families, "all": list(rows.values())}.items():
        solved = [row for row in own if row.get("cost") is not None]
        optimal = sum(row["status"] == "optimal" for row in solved)
        gaps = [1 - min(row["bound"], row["cost"]) / row["cost"] for row in solved if row["cost"]]
        mean = f"{sum(gaps) / len(gaps):.1%}" if gaps else "-"
        total = sum(row["cost"] for row in solved)
        lines.append(f"| {name} | {len(own)} | {len(solved)} | {optimal} | {mean} | {total:g} |")
    return "\n".join(lines)


def main() -> None:
    """Solve, and write what was found after each problem."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: dict[str, dict[str, Any]] = {}
    if options.json is not None and options.json.is_file():
        rows = json.loads(options.json.read_text())["problems"]
    for folder in options.folders:
        for domain, problem in problems_of(folder):
            name = f"{folder.name}/{problem.relative_to(folder).with_suffix('')}"
            if name in rows:
                continue
            rows[name] = solve(domain, problem, options.seconds)
            print(name, rows[name], file=sys.stderr, flush=True)
            if options.json is not None:
                facts = {"machine": platform.processor() or platform.machine()}
                text = json.dumps({**facts, "seconds": options.seconds, "problems": rows}, indent=1)
                options.json.write_text(text + "\n")
    print(summary(rows))


if __name__ == "__main__":
    main()

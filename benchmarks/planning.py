"""Plans for a folder of PDDL problems: how many are solved, at what cost, how near to the least.

    python benchmarks/planning.py FOLDER ... --seconds 10 [--planners tesuji lama] [--json FILE]
    python benchmarks/planning.py FOLDER --agent RUN   guided by what `tesuji train` learned
    python benchmarks/planning.py FOLDER --agent net   by what ships, where something does

A folder holds `domain.pddl` and problems, or folders of those; what is in folders named `training`
is for learning, and left out. Each problem gets `--seconds` of
CPU time, grounding and all; every plan of ours is validated before it counts. Peers are Fast
Downward's planners at the same CPU time. The JSON file is written after each problem, and problems
that it holds already are not done again.
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

import fast_downward

from tesuji.domains.logistics.pddl.parser import load_task
from tesuji.engine.plan_config import SHIPPED, Guide
from tesuji.engine.plan_model import shipped_ranking
from tesuji.engine.planning import load_kernels, solve_task
from tesuji.engine.solving import SolveBudget, SolveProgress

OWN = "tesuji"
Rows = dict[str, dict[str, Any]]  # of each problem


def problems_of(folder: Path) -> list[tuple[Path, Path]]:
    """Return `(domain, problem)` of all problems below a folder, those to learn from left out."""
    found = []
    for path in sorted(folder.rglob("*.pddl")):
        if path.name.startswith("domain") or "training" in path.relative_to(folder).parts:
            continue
        domain = next(
            (p / "domain.pddl" for p in path.parents if (p / "domain.pddl").is_file()), None
        )
        if domain is not None:
            found.append((domain, path))
    return found


def guide_of(source: str | None, domain: Path, problem: Path) -> Guide | None:
    """Return what guides the search, None where nothing is asked for or nothing ships."""
    if source is None:
        return None
    guide = Guide(source)
    if source == SHIPPED and not shipped_ranking(load_task(domain, problem).domain).is_dir():
        return None
    return guide


def solve(
    domain: Path, problem: Path, seconds: float, first: bool, guide: Guide | None = None
) -> dict[str, Any]:
    """Solve one problem within `seconds` of CPU time; only once with `first`."""
    began = time.process_time()
    stop = threading.Event()

    def listen(progress: SolveProgress) -> None:
        if first and progress.cost is not None:
            stop.set()

    budget = SolveBudget(seconds=seconds, cpu_time=True)
    try:
        answer = solve_task(domain, problem, budget, listen, stop, guide=guide)
    except (ValueError, MemoryError) as error:
        return {"status": "error", "reason": str(error)}
    return {
        "status": answer.status, "cost": answer.cost, "bound": answer.bound,
        "first": answer.first and answer.first[0], "evaluated": answer.evaluated,
        "cpu_seconds": round(time.process_time() - began, 2),
    }  # fmt: skip


def summary(runs: dict[str, Rows]) -> str:
    """Return a table of the families: what each planner solved, its costs and its score.

    Costs are summed over the problems that all planners solved; the score is the best known of
    these planners' costs over the planner's own, summed over all problems (IPC's quality score).
    """
    lines = ["| family | problems | planner | solved | optimal | mean gap | cost | score |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    names = list(dict.fromkeys(name for rows in runs.values() for name in rows))
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(name.rsplit("/", 1)[0], []).append(name)
    for family, own in {**families, "all": names}.items():
        common = [
            name for name in own if all(_cost(rows, name) is not None for rows in runs.values())
        ]
        for planner, rows in runs.items():
            solved = [name for name in own if _cost(rows, name) is not None]
            bounds = [(rows[name].get("bound", 0.0), rows[name]["cost"]) for name in solved]
            gaps = [1 - min(bound, cost) / cost for bound, cost in bounds if cost]
            mean = f"{sum(gaps) / len(gaps):.1%}" if gaps and planner == OWN else "-"
            optimal = sum(rows[name]["status"] == "optimal" for name in solved)
            total = sum(rows[name]["cost"] for name in common)
            score = sum(_score(runs, rows, name) for name in solved)
            lines.append(
                f"| {family} | {len(own)} | {planner} | {len(solved)} | {optimal} | {mean} "
                f"| {total:g} | {score:.2f} |"
            )
    return "\n".join(lines)


def _cost(rows: Rows, name: str) -> float | None:
    cost = rows.get(name, {}).get("cost")
    return None if cost is None else float(cost)


def _score(runs: dict[str, Rows], rows: Rows, name: str) -> float:
    costs = [cost for other in runs.values() if (cost := _cost(other, name)) is not None]
    own = rows[name]["cost"]
    return min(costs) / own if own else 1.0


def main() -> None:
    """Solve, and write what was found after each problem."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--every", type=int, default=1, help="each how many-th problem of a folder")
    parser.add_argument("--agent", help="the run whose ranking guides the search, or net")
    parser.add_argument("--first", action="store_true", help="stop ours at the first plan")
    parser.add_argument(
        "--planners", nargs="+", choices=(OWN, *fast_downward.ALIASES), default=[OWN]
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    runs: dict[str, Rows] = {planner: {} for planner in options.planners}
    if options.json is not None and options.json.is_file():
        runs.update(json.loads(options.json.read_text())["planners"])
    load_kernels(options.agent is not None)
    for folder in options.folders:
        for domain, problem in problems_of(folder)[:: options.every]:
            name = f"{folder.name}/{problem.relative_to(folder).with_suffix('')}"
            for planner in options.planners:
                rows = runs[planner]
                if name in rows:
                    continue
                if planner == OWN:
                    guide = guide_of(options.agent, domain, problem)
                    rows[name] = solve(domain, problem, options.seconds, options.first, guide)
                else:
                    rows[name] = fast_downward.solve_with(planner, domain, problem, options.seconds)
                print(name, planner, rows[name], file=sys.stderr, flush=True)
                if options.json is not None:
                    facts = {"machine": platform.processor() or platform.machine()}
                    facts_and_rows = {**facts, "seconds": options.seconds, "planners": runs}
                    options.json.write_text(json.dumps(facts_and_rows, indent=1) + "\n")
    print(summary(runs))


if __name__ == "__main__":
    main()

"""Certified gaps: plans and lower bounds of a folder of PDDL problems, each proof verified.

    python benchmarks/planning_bounds.py FOLDER ... --seconds 20 [--every N] [--json FILE]

Each problem gets `--seconds` of CPU time, grounding, plans and bounds together. What was found is
written as a certificate, and the separate verifier says what is proven; the gap is the part of the
plan's cost above that. A certificate that is refused counts as a gap of 100 %. The file is written
after each problem, and problems that it holds are not done again. Leaves with 1 where one was
refused.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

from planning import problems_of

from tesuji.engine.plan_certificate import certificate, with_best_proof
from tesuji.engine.plan_reading import PlanProofFault
from tesuji.engine.plan_verification import verify_plan
from tesuji.engine.planning import load_kernels, solve_task
from tesuji.engine.solving import SolveBudget

Rows = dict[str, dict[str, Any]]  # of each problem


def certified(domain: Path, problem: Path, seconds: float) -> dict[str, Any]:
    """Solve one problem within `seconds` of CPU time and have what was proven verified."""
    began = time.process_time()
    try:
        answer = solve_task(domain, problem, SolveBudget(seconds=seconds, cpu_time=True))
    except (ValueError, MemoryError) as error:
        return {"status": "error", "reason": str(error)}
    if answer.status == "optimal":  # maybe by search; what is left of the time is for paper
        answer = with_best_proof(answer, lambda: time.process_time() - began > seconds)
    spent = time.process_time() - began
    content = certificate(answer, domain.read_text(), problem.read_text())
    # As a file says it.
    content = json.loads(json.dumps(content))
    began = time.process_time()
    row = {
        "status": answer.status, "cost": answer.cost, "claimed": content["bound"],
        "operators": len(answer.grounded.variables.cost), "cpu_seconds": round(spent, 2),
    }  # fmt: skip
    try:
        found = verify_plan(content)
    except PlanProofFault as fault:
        return {**row, "refused": str(fault)}
    bound = None if found.bound is None else float(found.bound)
    return {**row, "bound": bound, "verify_seconds": round(time.process_time() - began, 2)}


def gap(row: dict[str, Any]) -> float | None:
    """Return the part of a plan's cost that is above what is certified; None without a plan."""
    cost = row.get("cost")
    if cost is None:
        return None
    return max(0.0, 1 - (row.get("bound") or 0.0) / cost) if cost else 0.0


def summary(rows: Rows) -> str:
    """Return a table of the families.

    `optimal` counts plans whose cost is certified as the least, `by search` those that only a
    search to the end proved so.
    """
    lines = ["| family | problems | with a plan | mean gap | optimal | by search | refused |"]
    lines.append("|---|---|---|---|---|---|---|")
    families: dict[str, list[str]] = {}
    for name in rows:
        families.setdefault(name.rsplit("/", 1)[0], []).append(name)
    for family, names in {**families, "all": list(rows)}.items():
        own = [rows[name] for name in names]
        gaps = [found for row in own if (found := gap(row)) is not None]
        optimal = sum(found <= 0.0 for found in gaps)
        searched = sum(row["status"] == "optimal" for row in own) - sum(
            row["status"] == "optimal" and gap(row) == 0.0 for row in own
        )
        refused = sum("refused" in row for row in own)
        lines.append(
            f"| {family} | {len(own)} | {len(gaps)} | {mean(gaps or [1.0]):.1%} | {optimal} "
            f"| {searched} | {refused} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Solve and verify, and write what was found after each problem."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--every", type=int, default=1, help="each how many-th problem of a folder")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows: Rows = {}
    if options.json is not None and options.json.is_file():
        rows = json.loads(options.json.read_text())["problems"]
    load_kernels()
    for folder in options.folders:
        for domain, problem in problems_of(folder)[:: options.every]:
            name = f"{folder.name}/{problem.relative_to(folder).with_suffix('')}"
            if name in rows:
                continue
            rows[name] = certified(domain, problem, options.seconds)
            print(name, rows[name], file=sys.stderr, flush=True)
            if options.json is not None:
                facts = {"machine": platform.processor() or platform.machine()}
                content = {**facts, "seconds": options.seconds, "problems": rows}
                options.json.write_text(json.dumps(content, indent=1) + "\n")
    print(summary(rows))
    sys.exit(any("refused" in row for row in rows.values()))


if __name__ == "__main__":
    main()

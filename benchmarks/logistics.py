"""The table of logistics: planning, routing and shops against their aims, in one run.

    python benchmarks/logistics.py DATA --out FOLDER [--every 8] [--rows "plans in 10 s" "CVRP A"]

DATA holds `pddl`, `pddl_ipc23lt`, `cvrp`, `vrptw`, `pdptw`, `jssp`, `fjssp` and the files of best
known costs. Each row is a run of another script here, in CPU-seconds of one core; what it found
lies in FOLDER, and problems that are there are not done again. `--every` takes each how many-th
problem only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

HERE = Path(__file__).parent
FAMILIES = (
    "logistics00", "logistics98", "transport-opt08-strips", "depot", "driverlog", "zenotravel",
    "elevators-opt11-strips",
)  # fmt: skip
Found = dict[str, Any]  # the JSON of one script
Rows = list[dict[str, Any]]


class Row(NamedTuple):
    """One row: the script and its arguments, what to say of its results, and the aim."""

    task: str
    arguments: list[str]  # {data} and {every} are filled in
    figure: Callable[[Any], str]
    aim: str


def ratio(found: Found) -> str:
    """Return the rate of successors beside the peer's."""
    own, peer = found["tesuji"], found["Fast Downward"]
    return f"{own / 1e6:.2f} M/s, Fast Downward {peer / 1e6:.2f} M/s: {own / peer:.2f}x"


def plans(found: Found) -> str:
    """Return coverage, summed costs of common problems, the gap and proofs of optimality."""
    planners = found["planners"]
    own = planners["tesuji"]
    common = [n for n in own if all(rows.get(n, {}).get("cost") for rows in planners.values())]
    parts = [f"{name} {solved(rows)} of {len(rows)}" for name, rows in planners.items()]
    costs = [
        f"{name} {sum(rows[n]['cost'] for n in common):,.0f}" for name, rows in planners.items()
    ]
    gaps = [1 - min(r["bound"], r["cost"]) / r["cost"] for r in own.values() if r.get("cost")]
    optimal = sum(row["status"] == "optimal" for row in own.values())
    return (
        f"solved: {', '.join(parts)}; cost of {len(common)}: {', '.join(costs)}; "
        f"gap {mean(gaps):.1%}; optimal {optimal}"
    )


def certified(found: Found) -> str:
    """Return the mean gap to what the verifier accepts, and how many plans are proven the least."""
    rows = [row for row in found["problems"].values() if row.get("cost")]
    gaps = [1 - min(row.get("bound") or 0.0, row["cost"]) / row["cost"] for row in rows]
    refused = sum("refused" in row for row in rows)
    return f"{mean(gaps):.1%} of {len(gaps)}, {gaps.count(0.0)} optimal, {refused} refused"


def solved(rows: dict[str, dict[str, Any]]) -> int:
    """Return how many problems have a plan."""
    return sum(row.get("cost") is not None for row in rows.values())


def tracks(found: Found) -> str:
    """Return coverage of each level of difficulty."""
    own = found["planners"]["tesuji"]
    levels = sorted({name.split("/")[1] for name in own})
    counts = {
        level: {name: row for name, row in own.items() if name.split("/")[1] == level}
        for level in levels
    }
    return ", ".join(f"{level} {solved(rows)} of {len(rows)}" for level, rows in counts.items())


def mutations(found: Found) -> str:
    """Return how many wrong certificates were refused."""
    kinds = [of for of in found.values() if isinstance(of, dict)]
    refused = sum(of.get("wrong, refused", 0) for of in kinds)
    return f"{refused:,} wrong certificates refused, {len(found['faults'])} accepted"


def routes(rows: Rows) -> str:
    """Return how far routes and the peer's are above the best known, and the proven gap."""
    parts = [f"{mean(row['over_best'] for row in rows):.2%} over the best of {len(rows)}"]
    peers = [row["peer"] for row in rows if row.get("peer") is not None]
    gaps = [row["gap"] for row in rows if row.get("gap") is not None]
    if peers:
        parts.append(f"PyVRP {mean(peers):.2%}")
    if gaps:
        parts.append(f"gap {mean(gaps):.2%}")
    wrong = sum(row["faults"] + row["violated"] for row in rows)
    return ", ".join([*parts, f"{wrong} faults"])


def shops(found: Found) -> str:
    """Return how far makespans are above the best known ones, and the proven gap."""
    rows = found["rows"]
    over = mean(row["over_best"] for row in rows if row["over_best"] is not None)
    return f"{over:.2%} over the best of {len(rows)}, gap {mean(row['gap'] for row in rows):.2%}"


def table() -> list[Row]:
    """Return the rows in the table's order."""
    every = ["--every", "{every}"]
    seven = [f"{{data}}/pddl/{family}" for family in FAMILIES]
    vehicles = ["--best", "{data}/routing_best_known.json", *every]
    known = ["--best", "{data}/jssp_best_known.json", "--seconds", "10", *every]
    side = [
        "--constraint", "stops: stops <= 9", "--constraint", "apart: visits[1] + visits[2] < 2",
        "--constraint", "together: visits[5] == visits[6]",
    ]  # fmt: skip
    return [
        *(
            Row(
                f"successors of {family} {name}",
                [
                    "successors.py",
                    f"{{data}}/pddl/{family}/domain.pddl",
                    f"{{data}}/pddl/{family}/{name}.pddl",
                ],
                ratio,
                "≥ 1x",
            )
            for family, name in (("driverlog", "p09"), ("depot", "p05"))
        ),
        Row(
            "plans in 10 s",
            ["planning.py", *seven, *every, "--planners", "tesuji", "lama-first", "lama"],
            plans,
            "86 of 88, cost 10 % below LAMA-first, 32 optimal",
        ),
        Row("certified gap in 20 s", ["planning_bounds.py", *seven, *every], certified, "≤ 12 %"),
        *(
            Row(
                f"learning track, {name}",
                ["planning.py", "{data}/pddl_ipc23lt", *every, "--first", *guide],
                tracks,
                "easy 28 of 28, medium 16 of 21, hard 8 of 19",
            )
            for name, guide in (("untrained", []), ("trained", ["--agent", "net"]))
        ),
        Row("verifier", ["mutations.py"], mutations, "10,000 changed, none wrong accepted"),
        Row(
            "CVRP A",
            ["routing.py", "{data}/cvrp/A", *vehicles, "--seconds", "2", "--bound", "2", "--peer"],
            routes,
            "≤ PyVRP, gap ≤ 4 %",
        ),
        Row(
            "CVRP XML100",
            ["routing.py", "{data}/cvrp/XML100", *vehicles, "--seconds", "2", "--peer"],
            routes,
            "≤ PyVRP",
        ),
        Row(
            "CVRP X",
            [
                "routing.py",
                "{data}/cvrp/X",
                *vehicles,
                "--seconds",
                "10",
                "--largest",
                "420",
                "--peer",
            ],
            routes,
            "≤ PyVRP",
        ),
        Row(
            "CVRP A, side constraints",
            ["routing.py", "{data}/cvrp/A", *vehicles, *side],
            routes,
            "0 faults",
        ),
        Row(
            "Solomon",
            [
                "routing.py",
                "{data}/vrptw/solomon",
                *vehicles,
                "--seconds",
                "4",
                "--bound",
                "4",
                "--peer",
            ],
            routes,
            "≤ 1 %, then ≤ 0.3 %",
        ),
        Row(
            "Li & Lim",
            ["routing.py", "{data}/pdptw/li_lim_100", *vehicles, "--seconds", "4", "--bound", "4"],
            routes,
            "feasible",
        ),
        Row(
            "job shops, learned",
            ["scheduling.py", "{data}/jssp", *known, "--learned"],
            shops,
            "≤ 8 %",
        ),
        Row("job shops", ["scheduling.py", "{data}/jssp", *known], shops, "a gap for all"),
        Row("flexible shops", ["scheduling.py", "{data}/fjssp", *known], shops, "a gap for all"),
    ]


def main() -> None:
    """Run the rows one after the other and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="each how many-th problem of a folder")
    parser.add_argument(
        "--rows", nargs="+", help="these rows only", choices=[r.task for r in table()]
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    lines = ["| task | measured | aim |", "|---|---|---|"]
    for row in table():
        if options.rows is not None and row.task not in options.rows:
            continue
        script, *rest = row.arguments
        lined = script == "routing.py"
        path = options.out / f"{row.task.replace(' ', '_')}.json{'l' if lined else ''}"
        filled = [text.format(data=options.data, every=options.every) for text in rest]
        written = "--out" if script in {"routing.py", "scheduling.py"} else "--json"
        print(f"==> {row.task}", file=sys.stderr, flush=True)
        subprocess.run(
            [sys.executable, str(HERE / script), *filled, written, str(path)], check=True,
            stdout=sys.stderr, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        text = path.read_text()
        found = [json.loads(line) for line in text.splitlines()] if lined else json.loads(text)
        lines.append(f"| {row.task} | {row.figure(found)} | {row.aim} |")
        (options.out / "table.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()

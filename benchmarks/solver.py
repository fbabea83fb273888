"""The exact solver: time and nodes a position, beside what Pons published for his C++.

    python benchmarks/solver.py [--positions 100] [--sets Begin-Hard] [--data DIR] [--json FILE]

Sets are made as his were (phase by stones, difficulty by moves left, random play), by seed; with
`--data DIR` his own files (`Test_L3_R1`, `Test_L2_R1`: `moves score` a line) are measured too, and
their scores checked. Times are CPU time and include all of Python. A set starts with an empty
table and keeps it from one position to the next; `--clear` empties it before each position. The
first solver call of a process and the touching of fresh memory are left out, as for any server.
Pons' figures are from http://blog.gamesolver.org (no opening book), on his machine.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from tesuji.domains.games.connect_four_bitboard import Bitboard, position_from_moves
from tesuji.domains.games.connect_four_positions import random_games
from tesuji.domains.games.connect_four_solver import DEFAULT_TABLE_BITS, Solver

PONS_MS = {
    "End-Easy": 0.13,
    "Middle-Easy": 0.21,
    "Middle-Medium": 8.1,
    "Begin-Easy": 0.8,
    "Begin-Medium": 287.0,
    "Begin-Hard": 8100.0,
}
DEFAULT_SETS = tuple(PONS_MS)[:-1]
PONS_FILES = {"Test_L3_R1": "End-Easy", "Test_L2_R1": "Middle-Easy"}

Row = dict[str, str | int | float]


def measure(
    label: str, name: str, positions: list[Bitboard], solver: Solver, clear: bool
) -> tuple[Row, list[int]]:
    """Return one row, and the scores found."""
    solver.clear()
    scores, seconds, nodes = [], [], []
    for position in positions:
        if clear:
            solver.clear()
        nodes_before, start = solver.num_nodes, time.process_time()
        scores.append(solver.score(position))
        seconds.append(time.process_time() - start)
        nodes.append(solver.num_nodes - nodes_before)
    mean = statistics.mean(seconds) * 1e3
    row: Row = {
        "set": label,
        "positions": len(positions),
        "mean_ms": round(mean, 4),
        "median_ms": round(statistics.median(seconds) * 1e3, 4),
        "max_ms": round(max(seconds) * 1e3, 2),
        "nodes": round(statistics.mean(nodes), 1),
        "knodes_s": round(sum(nodes) / sum(seconds) / 1e3),
        "pons_ms": PONS_MS[name],
        "ratio": round(mean / PONS_MS[name], 2),
    }
    return row, scores


def measure_all(options: argparse.Namespace) -> list[Row]:
    """Return a row for each set and each file."""
    solver = Solver(options.table_bits)
    rows = []
    for label, name in PONS_FILES.items() if options.data else ():
        lines = [line.split() for line in (options.data / label).read_text().splitlines()]
        positions = [position_from_moves(moves) for moves, _ in lines]
        row, scores = measure(f"{label} ({name})", name, positions, solver, options.clear)
        if scores != [int(score) for _, score in lines]:
            raise SystemExit(f"the scores of {label} are not those in its file")
        rows.append(row)
    for name in options.sets:
        generator = np.random.default_rng(options.seed)
        games = random_games(name, options.positions, generator, solver)
        positions = [position_from_moves(moves) for moves in games]
        rows.append(measure(name, name, positions, solver, options.clear)[0])
    return rows


def main() -> None:
    """Print a table and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sets", nargs="+", choices=PONS_MS, default=DEFAULT_SETS)
    parser.add_argument("--positions", type=int, default=100, help="of each set that is made")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="folder with Pons' files")
    parser.add_argument("--table-bits", type=int, default=DEFAULT_TABLE_BITS)
    parser.add_argument("--clear", action="store_true", help="empty the table before each position")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    options = parser.parse_args()
    rows = measure_all(options)
    sys.stdout.write(f"{'set':28}" + "".join(f"{key:>11}" for key in list(rows[0])[1:]) + "\n")
    for row in rows:
        cells = [f"{cell:>11}" for cell in list(row.values())[1:]]
        sys.stdout.write(f"{row['set']:28}" + "".join(cells) + "\n")
    if options.json:
        machine = {"machine": platform.processor() or platform.machine(), "rows": rows}
        options.json.write_text(json.dumps(machine, indent=2) + "\n")


if __name__ == "__main__":
    main()

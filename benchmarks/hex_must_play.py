"""What z3 could add to Hex's must-play regions: as few cells as possible that leave one.

    python benchmarks/hex_must_play.py [--size 7] [--positions 200] [--seed 0]

Random positions, filled in, where the other side has several threats to join its edges. All of them
together leave the cells that they share; a smaller set of threats that leaves the same makes a
smaller carrier, which is what prunes further up. The solver takes threats by size; z3 finds the set
with the fewest cells. Times are CPU-milliseconds a position: all of `judge`, and z3 alone.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import time

import numpy as np
import z3

from tesuji.domains.games.hex_fill import fill, fill_tables
from tesuji.domains.games.hex_judge import UNKNOWN, Judge


def _smallest_union(carriers: list[int], must: int, size: int) -> int:
    """Return the fewest cells of threats that leave no more than `must` in common, by z3."""
    optimizer = z3.Optimize()
    chosen = [z3.Bool(f"threat_{i}") for i in range(len(carriers))]
    needed = [z3.Bool(f"cell_{cell}") for cell in range(size * size)]
    for cell, need in enumerate(needed):
        having = [x for x, carrier in zip(chosen, carriers, strict=True) if carrier >> cell & 1]
        optimizer.add(*[z3.Implies(x, need) for x in having])
        if not must >> cell & 1:
            lacking = zip(chosen, carriers, strict=True)
            optimizer.add(z3.Or(*[x for x, carrier in lacking if not carrier >> cell & 1]))
    optimizer.minimize(z3.Sum(*[z3.If(need, 1, 0) for need in needed]))
    assert optimizer.check() == z3.sat
    model = optimizer.model()
    return sum(z3.is_true(model[need]) for need in needed)


def must_play(positions: int, size: int, seed: int) -> dict[str, object]:
    """Compare how few cells leave the must-play region: threats by size, and chosen by z3."""
    judge, tables = Judge(size), fill_tables(size)
    rng = np.random.default_rng(seed)
    judge(0, 0, 0)
    spent, cells, done = [0.0, 0.0], [0, 0], 0
    while done < positions:
        placed = rng.permutation(size * size)[: int(rng.integers(2, size + 4))]
        first, second = (sum(1 << int(c) for c in placed[side::2]) for side in (0, 1))
        one, two, _ = fill(tables, np.uint64(first), np.uint64(second), size)
        start = time.process_time()
        found = judge(int(one), int(two), len(placed) % 2)
        judged = time.process_time() - start
        count = judge.other.num_semi[size * size, size * size + 1]
        if found.outcome != UNKNOWN or count < 2:
            continue
        threats = [int(c) for c in judge.other.semi_cells[size * size, size * size + 1, :count]]
        common = functools.reduce(int.__and__, threats)
        greedy, left = 0, -1
        for carrier in sorted(threats, key=int.bit_count):
            if left & carrier != left:
                left, greedy = left & carrier, greedy | carrier
        start = time.process_time()
        fewest = _smallest_union(threats, common, size)
        spent = [spent[0] + judged, spent[1] + time.process_time() - start]
        cells = [cells[0] + greedy.bit_count(), cells[1] + fewest]
        done += 1
    return {
        "positions": done,
        "judge_ms": round(1e3 * spent[0] / done, 2),
        "z3_ms": round(1e3 * spent[1] / done, 2),
        "cells_by_size": round(cells[0] / done, 2),
        "cells_by_z3": round(cells[1] / done, 2),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--size", type=int, default=7)
    parser.add_argument("--positions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    facts = must_play(options.positions, options.size, options.seed)
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()

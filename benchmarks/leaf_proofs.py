"""Proofs at the leaves of the tree search: how many late roots are proven, at what CPU time.

    python benchmarks/leaf_proofs.py [--games hex_5x5 othello_6x6 connect_four] [--positions 200]

Random late positions, searched with the game's shipped net, without (`moves` 0) and with a bounded
proof search at leaves of few moves, at several numbers of simulations. Compare rows of like
CPU-seconds. What both claim of a root is compared; a different value is counted as wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from tesuji.domains.base import Domain, State
from tesuji.domains.playout import random_states
from tesuji.domains.registry import make
from tesuji.engine.trained import load_evaluator
from tesuji.search.base import Budget, Evaluator
from tesuji.search.config import PUCT
from tesuji.search.search import Search

# Game: random moves before a position, at least and at most.
_GAMES = {"hex_5x5": (6, 14), "othello_6x6": (16, 24), "connect_four": (16, 28)}
_RUNS = ((0, 0), (6, 50), (12, 50), (12, 400))  # most moves, positions a question
_SIMULATIONS = (8, 32, 128)


def measure(
    domain: Domain, evaluator: Evaluator, states: list[State], moves: int, nodes: int
) -> list[dict[str, object]]:
    """Return the figures of one setting, by simulations."""
    settings = PUCT(proof_moves=moves, proof_nodes=max(nodes, 1), cache_entries=0)
    Search(domain, evaluator, settings).run(states[:2], Budget(simulations=4))
    rows = []
    for simulations in _SIMULATIONS:
        search = Search(domain, evaluator, settings)
        start = time.process_time()
        results = search.run(states, Budget(simulations=simulations))
        spent = time.process_time() - start
        values = [result.value if result.status.proven else None for result in results]
        rows.append(
            {
                "game": domain.spec.name,
                "moves": moves,
                "nodes": nodes,
                "simulations": simulations,
                "proven": sum(value is not None for value in values),
                "cpu_seconds": round(spent, 2),
                "values": values,
            }
        )
    return rows


def main() -> None:
    """Print the figures, and write them as JSON if asked."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--games", nargs="+", choices=list(_GAMES), default=list(_GAMES))
    parser.add_argument("--positions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    rows = []
    for name in options.games:
        domain = make(name)
        evaluator = load_evaluator("net", domain)
        states = random_states(domain, options.positions, *_GAMES[name], options.seed)
        known: list[object] = [None] * len(states)
        for moves, nodes in _RUNS:
            for row in measure(domain, evaluator, states, moves, nodes):
                found = row.pop("values")
                assert isinstance(found, list)
                pairs = list(zip(known, found, strict=True))
                row["wrong"] = sum(None not in pair and pair[0] != pair[1] for pair in pairs)
                known = [new if old is None else old for old, new in pairs]
                rows.append({**row, "positions": len(states)})
                sys.stderr.write(f"{rows[-1]}\n")
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

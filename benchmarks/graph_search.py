"""Graph search against tree search on solved Connect Four positions, at equal simulations.

    python benchmarks/graph_search.py [--limit 500] [--sims 100,1000] [--agents rollout,net]

For each kind of leaf: mistakes (another move keeps a better outcome) over all shipped sets,
simulations per CPU-second, and distinct positions per node. Each position is searched by both in
turn, with the same seeds. Exact look-ahead and proofs are on unless `--plain` takes them away.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

import numpy as np

from tesuji.domains.base import Domain
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.registry import make
from tesuji.engine.evaluation import judge
from tesuji.engine.positions import SolvedSet, shipped_sets
from tesuji.engine.statistics import wilson
from tesuji.engine.trained import load_evaluator
from tesuji.search.base import Budget
from tesuji.search.config import PUCT
from tesuji.search.search import Search

_PART = 64  # positions searched at once


@dataclass
class Count:
    """What one search has done so far."""

    positions: int = 0
    mistakes: int = 0
    simulations: int = 0
    nodes: int = 0
    distinct: int = 0
    seconds: float = 0.0


def look(search: Search, solved: SolvedSet, simulations: int, seed: int, count: Count) -> None:
    """Search a set of positions and add what was found to `count`."""
    actions: list[int] = []
    for start in range(0, len(solved.states), _PART):
        states = list(solved.states[start : start + _PART])
        seeds = [seed + start + i for i in range(len(states))]
        began = time.process_time()
        results = search.run(states, Budget(simulations=simulations), seed=seeds)
        count.seconds += time.process_time() - began
        actions += [result.action for result in results]
        width = search.driver.tree.nodes.shape[1]
        for t, result in enumerate(results):
            rows = search.driver.tree.states[t * width : t * width + result.num_nodes]
            count.distinct += len(np.unique(rows, axis=0))
            count.nodes += result.num_nodes
            count.simulations += result.num_simulations
    count.positions += len(actions)
    count.mistakes += judge(solved, actions)[0]


def describe(name: str, simulations: int, count: Count) -> str:
    """Return one line of the table."""
    low, high = wilson(count.mistakes, count.positions)
    share = count.mistakes / count.positions
    return (
        f"{name:<22}{simulations:>6}{share:>9.2%} [{low:.2%}, {high:.2%}]"
        f"{count.simulations / count.seconds:>12,.0f}{count.distinct / count.nodes:>9.3f}\n"
    )


def compare(domain: Domain, agent: str, simulations: int, options: argparse.Namespace) -> None:
    """Print what both searches do with one kind of leaf."""
    evaluator = load_evaluator(agent, domain)
    more = {"lookahead": 0, "prove": False} if options.plain else {}
    searches = {
        kind: Search(domain, evaluator, PUCT(graph=kind == "graph", cache_entries=0, **more))
        for kind in ("tree", "graph")
    }
    counts = {kind: Count() for kind in searches}
    for solved in shipped_sets(domain):
        for kind, search in searches.items():
            look(search, solved.first(options.limit), simulations, options.seed, counts[kind])
    for kind, count in counts.items():
        sys.stdout.write(describe(f"{agent}, {kind}", simulations, count))
        sys.stdout.flush()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--limit", type=int, default=500, help="positions of each set")
    parser.add_argument("--sims", default="100,1000")
    parser.add_argument("--agents", default="rollout,net")
    parser.add_argument("--plain", action="store_true", help="neither look-ahead nor proofs")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    domain = make("connect_four")
    assert isinstance(domain, CompiledDomain)
    header = f"{'leaf, search':<22}{'sims':>6}{'mistakes':>9}{'':<16}"
    sys.stdout.write(f"{header}{'sims/CPU-s':>12}{'distinct':>9}\n")
    for agent in options.agents.split(","):
        for simulations in options.sims.split(","):
            compare(domain, agent, int(simulations), options)


if __name__ == "__main__":
    main()

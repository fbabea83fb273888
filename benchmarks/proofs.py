"""Proofs of the search against exact values: how many of many random positions, how many wrong.

    python benchmarks/proofs.py [--positions 100000] [--seconds 600] [--json FILE]

Connect Four positions after 20 to 36 random moves; the tree search proves what it can in 30
simulations with an evaluator that knows nothing, and the exact solver says what is true, also of
every bound on every move.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from tesuji.domains.base import State
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.games.connect_four_bitboard import Bitboard
from tesuji.domains.games.connect_four_solver import Solver
from tesuji.domains.registry import make
from tesuji.search.base import Budget, SearchResult, UniformEvaluator
from tesuji.search.config import PUCT
from tesuji.search.search import Search

_BATCH = 1000
_ILLEGAL = -1000


def random_state(domain: CompiledDomain, rng: np.random.Generator) -> State:
    """Return a position that is no end, after 20 to 36 random moves."""
    while True:
        state, discount = domain.reset(), 1.0
        for _ in range(int(rng.integers(20, 37))):
            action = int(rng.choice(np.flatnonzero(domain.legal(state))))
            state, _, discount = domain.step(state, action)
            if discount == 0.0:
                break
        if discount != 0.0:
            return state


def count_wrong(solver: Solver, state: State, result: SearchResult) -> int:
    """Return how many of the result's claims about its moves are false."""
    own, other = int(state.stones[state.to_play]), int(state.stones[1 - state.to_play])
    scores = np.asarray(solver.scores(Bitboard(own, own | other)))
    values = np.where(scores == _ILLEGAL, np.nan, np.sign(scores))
    wrong = (values < result.lower) | (values > result.upper)
    false_root = result.status.proven and result.value != np.nanmax(values)
    return int(wrong.sum()) + int(false_root)


def main() -> None:
    """Print the counts, and write them as JSON if asked."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--positions", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=1e9, help="CPU-seconds, then stop")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the counts to this file")
    options = parser.parse_args()
    domain = make("connect_four")
    assert isinstance(domain, CompiledDomain)
    rng = np.random.default_rng(options.seed)
    search, solver = Search(domain, UniformEvaluator(7), PUCT()), Solver()
    proven = wrong = done = 0
    start = time.process_time()
    while done < options.positions and time.process_time() - start < options.seconds:
        states = [random_state(domain, rng) for _ in range(min(_BATCH, options.positions - done))]
        results = search.run(states, Budget(simulations=30))
        proven += sum(result.status.proven for result in results)
        wrong += sum(count_wrong(solver, *pair) for pair in zip(states, results, strict=True))
        done += len(states)
        sys.stderr.write(f"\r{done} positions, {proven} proven, {wrong} wrong ")
    facts = {
        "positions": done,
        "proven": proven,
        "wrong": wrong,
        "cpu_seconds": round(time.process_time() - start, 1),
    }
    sys.stdout.write(json.dumps(facts) + "\n")
    if options.json:
        options.json.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()

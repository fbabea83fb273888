"""The proof search: values against exhaustive ones, Othello 6x6 endgames, openings of Hex.

    python benchmarks/proof_search.py exact [--positions 100000]
    python benchmarks/proof_search.py othello [--positions 50]
    python benchmarks/proof_search.py hex --size 6 [--seconds 600]

`exact`: random positions of small games, each asked of one proof search with a small table (1 MB)
that it keeps, and compared with minimax over the whole game or the exact solver. `othello`: random
positions with 16 empty cells, each with an empty table. `hex`: every opening, its certificate
checked. Times are CPU-seconds. `--json FILE` writes the figures.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tesuji.domains.base import Domain, State
from tesuji.domains.games.connect_four_bitboard import Bitboard
from tesuji.domains.games.connect_four_solver import Solver
from tesuji.domains.games.hex_proof import Line, turn_proof, write_proof
from tesuji.domains.games.hex_solver import HexSolver
from tesuji.domains.playout import random_state
from tesuji.domains.registry import make
from tesuji.engine.certificates import Proof
from tesuji.engine.hex_verification import check_hex
from tesuji.search.proof import ProofConfig, ProofSearch

# Game, and how many random moves before a position: at least, at most.
_GAMES = {
    "tic_tac_toe": (0, 7),
    "hex_3x3": (0, 7),
    "othello_4x4": (2, 9),
    "connect_four": (24, 38),
    "hex_4x4": (8, 13),
    "othello_6x6": (24, 31),
    "breakthrough_4x4": (4, 30),
}
_TABLE = 2_000_000  # values that minimax remembers at most

Value = Callable[[State], float]


def minimax(domain: Domain) -> Value:
    """Return a function that computes values by the rules alone."""
    values: dict[bytes | None, float] = {}

    def value(state: State) -> float:
        key = domain.key(state)
        if key not in values:
            best = -2.0
            for action in np.flatnonzero(domain.legal(state)):
                following, reward, discount = domain.step(state, int(action))
                best = max(best, reward + (discount * value(following) if discount else 0.0))
                if best == 1.0:
                    break
            if len(values) >= _TABLE:
                values.clear()
            values[key] = best
        return values[key]

    return value


def solver_value() -> Value:
    """Return a function that asks the Connect Four solver."""
    solver = Solver()

    def value(state: State) -> float:
        own, other = int(state.stones[state.to_play]), int(state.stones[1 - state.to_play])
        return float(solver.value(Bitboard(own, own | other)))

    return value


def exact(positions: int, seconds: float, seed: int) -> list[dict[str, object]]:
    """Compare values game by game; `seconds` bounds each game."""
    rows = []
    for name, (low, high) in _GAMES.items():
        domain = make(name)
        value = solver_value() if name == "connect_four" else minimax(domain)
        search = ProofSearch(domain, ProofConfig(memory_mb=1))
        rng = np.random.default_rng(seed)
        start = time.process_time()
        done = wrong = undecided = 0
        while done < positions and time.process_time() - start < seconds:
            state = random_state(domain, rng, low, high)
            result = search.run(state)
            undecided += not result.proven
            wrong += not result.lower <= value(state) <= result.upper
            done += 1
        spent = round(time.process_time() - start, 1)
        rows.append(
            {
                "game": name,
                "positions": done,
                "wrong": wrong,
                "undecided": undecided,
                "cpu_seconds": spent,
            }
        )
        sys.stderr.write(f"{rows[-1]}\n")
    return rows


def othello(positions: int, seconds: float, seed: int) -> list[dict[str, object]]:
    """Time random endgames of Othello 6x6 with 16 empty cells."""
    domain = make("othello_6x6")
    rng = np.random.default_rng(seed)
    ProofSearch(domain, ProofConfig(memory_mb=1)).run(random_state(domain, rng, 28, 28))
    times, nodes, values = [], 0, {-1: 0, 0: 0, 1: 0}
    begun = time.process_time()
    while len(times) < positions and time.process_time() - begun < seconds:
        state = random_state(domain, rng, 16, 20)
        if sum(int(stones).bit_count() for stones in state.stones) != 20:
            continue
        search = ProofSearch(domain, ProofConfig(memory_mb=64))
        start = time.process_time()
        result = search.run(state)
        times.append(time.process_time() - start)
        nodes += result.nodes
        values[result.lower] += 1
    return [
        {
            "positions": len(times),
            "mean_seconds": round(float(np.mean(times)), 4),
            "median_seconds": round(float(np.median(times)), 4),
            "worst_seconds": round(max(times), 4),
            "nodes_per_second": round(nodes / sum(times)),
            "lost_drawn_won": list(values.values()),
        }
    ]


class _Spent(Exception):
    """The time for one opening is over."""


class _Openings:
    """Proves the openings of one board size, each by itself or by what another's proof says."""

    def __init__(self, size: int, seconds: float) -> None:
        self.size = size
        self.seconds = seconds
        self.domain = make(f"hex_{size}x{size}")
        self.solver = HexSolver(size)
        self.solver.judge(0, 0, 0)  # compiled before the clock runs
        self.proven: dict[int, tuple[int, list[Line]]] = {}  # winner and proof by opening
        self.answers: list[tuple[int, list[Line]]] = []  # what blue needs, and the proof

    def prove(self, action: int) -> tuple[int, list[Line], str] | None:
        """Return the winner after an opening, the proof and where it is from; None if not found."""
        turned = self.size**2 - 1 - action
        if turned in self.proven:
            winner, lines = self.proven[turned]
            return winner, turn_proof(lines, self.size), "turned"
        for carrier, lines in self.answers:
            if not carrier >> action & 1:
                return 1, lines, "answered alike"
        start = time.process_time()

        def watch(_: int) -> None:
            if time.process_time() - start > self.seconds:
                raise _Spent

        try:
            node = self.solver.solve(1 << action, 0, 1, watch)
        except _Spent:
            return None
        winner = 1 if node.proof == 0 else 0
        lines, _ = write_proof(self.solver, node)
        if winner == 1:
            last = self.size**2 - 1
            mirrored = sum(1 << last - cell for cell in range(last + 1) if node.carrier >> cell & 1)
            self.answers += [(node.carrier, lines), (mirrored, turn_proof(lines, self.size))]
        return winner, lines, "solved"


def hex_openings(size: int, seconds: float) -> list[dict[str, object]]:
    """Prove every opening and check its certificate; `seconds` bounds each opening."""
    openings, rows = _Openings(size, seconds), []
    domain = openings.domain
    cells = range(size * size)
    for action in sorted(cells, key=lambda c: sum(abs(2 * x - size + 1) for x in divmod(c, size))):
        start, before = time.process_time(), openings.solver.num_judged
        state, _, _ = domain.step(domain.reset(), action)
        row: dict[str, object] = {"opening": domain.action_name(domain.reset(), action)}
        found = openings.prove(action)
        row["solve_seconds"] = round(time.process_time() - start, 2)
        row["judged"] = openings.solver.num_judged - before
        row["winner"] = "?" if found is None else ("red", "blue")[found[0]]
        if found is not None:
            winner, lines, row["by"] = found
            openings.proven[action] = winner, lines
            start = time.process_time()
            check_hex(domain, state, Proof(winner, True, "hex", lines))
            row["proof_nodes"] = len(lines)
            row["check_seconds"] = round(time.process_time() - start, 2)
        rows.append(row)
        sys.stderr.write(f"{row}\n")
    sums = {
        name: round(sum(float(str(row.get(name, 0))) for row in rows), 1)
        for name in ("solve_seconds", "check_seconds", "judged", "proof_nodes")
    }
    won = sum(row["winner"] == "red" for row in rows)
    return [*rows, {"all": len(rows), "won_by_red": won, **sums}]


def main() -> None:
    """Print the figures, and write them as JSON if asked."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("what", choices=["exact", "othello", "hex"])
    parser.add_argument("--positions", type=int, default=1000)
    parser.add_argument("--size", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1e9, help="CPU-seconds, then stop")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    if options.what == "exact":
        rows = exact(options.positions, options.seconds, options.seed)
    elif options.what == "othello":
        rows = othello(options.positions, options.seconds, options.seed)
    else:
        rows = hex_openings(options.size, options.seconds)
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

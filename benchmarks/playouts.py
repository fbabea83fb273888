"""Random playouts: steps per CPU-second of the compiled rules, beside OpenSpiel's C++ and pgx.

    python -m venv /tmp/peers && /tmp/peers/bin/pip install open_spiel pgx
    python benchmarks/playouts.py --peers /tmp/peers/bin/python [--games chess] [--json FILE]

Peers run in an interpreter of their own, in turns with ours, so that all see the same machine; the
figure is the median of the rounds, in CPU time of the process and on one core. OpenSpiel plays
its rollouts in C++ (`MCTSBot` with one simulation of many rollouts, from the first position);
their steps are counted by the mean length of the same game's random episodes here. pgx steps a
batch of 128 and resets what is over, jitted by XLA.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.playout import random_playouts
from tesuji.domains.registry import make

# Our name: the peers' name and about how many steps a second OpenSpiel makes, for equal times.
GAMES = {
    "tic_tac_toe": ("tic_tac_toe", 3e6),
    "connect_four": ("connect_four", 3e6),
    "othello": ("othello", 2e5),
    "chess": ("chess", 1.7e5),
    "hex": ("hex", 1e6),
    "go": ("go(board_size=9)", 7e5),
    "gomoku": ("gomoku", 3e5),
    "breakthrough": ("breakthrough", 1e6),
    "2048": ("2048", 5e5),
}

# What pgx has not, and what OpenSpiel's MCTSBot refuses, as it wants rewards at the end only.
NOT_PGX = {"go", "gomoku", "breakthrough"}
NOT_OPEN_SPIEL = {"2048"}

OPEN_SPIEL = """
import sys, time
import pyspiel
name, num_games = sys.argv[1], int(sys.argv[2])
game = pyspiel.load_game(name)
evaluator = pyspiel.RandomRolloutEvaluator(num_games, 1)
bot = pyspiel.MCTSBot(game, evaluator, 2.0, 1, 100, False, 1, False)
start = time.process_time()
bot.mcts_search(game.new_initial_state())
sys.stdout.write(f"{num_games / (time.process_time() - start)}")
"""

PGX = """
import sys, time
import jax, jax.numpy as jnp
import pgx, pgx.experimental
name, num_steps = sys.argv[1], int(sys.argv[2])
env = pgx.make(name)
step = pgx.experimental.auto_reset(env.step, env.init)

@jax.jit
def play(states, key):
    def body(carry, key):
        logits = jnp.where(carry.legal_action_mask, 0.0, -jnp.inf)
        actions = jax.random.categorical(key, logits)
        return jax.vmap(step)(carry, actions, jax.random.split(key, 128)), None
    return jax.lax.scan(body, states, jax.random.split(key, num_steps))[0]

states = jax.jit(jax.vmap(env.init))(jax.random.split(jax.random.PRNGKey(0), 128))
states = jax.block_until_ready(play(states, jax.random.PRNGKey(1)))
start = time.process_time()
jax.block_until_ready(play(states, jax.random.PRNGKey(2)))
sys.stdout.write(f"{128 * num_steps / (time.process_time() - start)}")
"""


def our_rate(domain: CompiledDomain, seed: int, seconds: float) -> tuple[float, float]:
    """Return steps per CPU-second and the mean length of an episode."""
    random_playouts(domain, 10, seed)
    num_steps = num_games = 0
    start = time.process_time()
    while (spent := time.process_time() - start) < seconds:
        num_steps += random_playouts(domain, 1000, seed + num_games).num_steps
        num_games += 1000
    return num_steps / spent, num_steps / num_games


def peer_rate(python: str, program: str, game: str, count: int) -> float:
    """Return what a peer's program prints; it runs on one core."""
    core = {min(os.sched_getaffinity(0))}
    command = [python, "-c", program, game, str(count)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, core),
    )
    if done.returncode:
        raise SystemExit(f"the peer failed on {game}: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)


def measure(game: str, options: argparse.Namespace) -> dict[str, float | str]:
    """Return one row: the median rates of all on one game."""
    domain, (peer_name, speed) = make(game), GAMES[game]
    assert isinstance(domain, CompiledDomain)
    rates: dict[str, list[float]] = {"tesuji": [], "open_spiel": [], "pgx": []}
    for round_ in range(options.rounds):
        rate, length = our_rate(domain, round_, options.seconds)
        rates["tesuji"].append(rate)
        if options.peers and game not in NOT_OPEN_SPIEL:
            count = max(int(options.seconds * speed / length), 1)
            games = peer_rate(options.peers, OPEN_SPIEL, peer_name, count)
            rates["open_spiel"].append(games * length)
        if options.peers and options.pgx and game not in NOT_PGX:
            rates["pgx"].append(peer_rate(options.peers, PGX, peer_name, 500))
    row: dict[str, float | str] = {"game": game, "mean_length": round(length, 2)}
    row |= {name: round(statistics.median(found)) for name, found in rates.items() if found}
    for peer in ("open_spiel", "pgx"):
        if peer in row:
            row[f"ratio_{peer}"] = round(float(row["tesuji"]) / float(row[peer]), 1)
    return row


def main() -> None:
    """Print a table and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--peers", help="an interpreter that has open_spiel, and pgx for --pgx")
    parser.add_argument("--pgx", action="store_true", help="measure pgx too")
    parser.add_argument("--games", nargs="+", choices=GAMES, default=list(GAMES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU-seconds a measurement")
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    options = parser.parse_args()
    rows = [measure(game, options) for game in options.games]
    lines = [["game", "tesuji", "open_spiel", "ratio", "pgx", "ratio"]]
    for row in rows:
        cells = ["tesuji", "open_spiel", "ratio_open_spiel", "pgx", "ratio_pgx"]
        lines.append([str(row["game"]), *(f"{row[c]:,}" if c in row else "-" for c in cells)])
    for line in lines:
        sys.stdout.write(f"{line[0]:14}" + "".join(f"{cell:>14}" for cell in line[1:]) + "\n")
    sys.stdout.write("random steps per CPU-second, one core\n")
    if options.json:
        machine = {"machine": platform.processor() or platform.machine(), "rows": rows}
        options.json.write_text(json.dumps(machine, indent=2) + "\n")


if __name__ == "__main__":
    main()

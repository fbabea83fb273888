"""Simulations per CPU-second of the tree search, beside OpenSpiel's C++ and DeepMind's mctx.

    python -m venv /tmp/peers && /tmp/peers/bin/pip install open_spiel mctx pgx
    python benchmarks/search.py --peers /tmp/peers/bin/python --pgx [--json FILE]

Everything plays Connect Four from its first position, judged by a constant. One tree: 1,000
simulations a search, against OpenSpiel's `MCTSBot` with one random playout a leaf. Many trees: 128
of 32 simulations, Gumbel, against mctx's `gumbel_muzero_policy`, its tree alone (the state of a
node is a number, a step adds one) and with pgx's rules. Peers run in an interpreter of their own,
in turns with ours, pinned to the same core; the figure is the median of the rounds in CPU time.
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
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.registry import make
from tesuji.search.base import Budget, UniformEvaluator
from tesuji.search.config import PUCT, Gumbel
from tesuji.search.search import Search

ONE, BATCH, SIMULATIONS = 1000, 128, 32

OPEN_SPIEL = """
import sys, time
import pyspiel
simulations, seconds = int(sys.argv[1]), float(sys.argv[2])
game = pyspiel.load_game("connect_four")
evaluator = pyspiel.RandomRolloutEvaluator(1, 1)
bot = pyspiel.MCTSBot(game, evaluator, 2.0, simulations, 100, False, 1, False)
state = game.new_initial_state()
done, start = 0, time.process_time()
while time.process_time() - start < seconds:
    bot.mcts_search(state)
    done += simulations
sys.stdout.write(f"{done / (time.process_time() - start)}")
"""

MCTX = """
import sys, time
import jax, jax.numpy as jnp
import mctx
batch, simulations, rules, seconds = *map(int, sys.argv[1:4]), float(sys.argv[4])
if rules:
    import pgx
    env = pgx.make("connect_four")
    states = jax.vmap(env.init)(jax.random.split(jax.random.PRNGKey(0), batch))
else:
    states = jnp.zeros((batch, 1), jnp.int32)

def grow(params, key, action, state):
    if rules:
        before = state.current_player
        state = jax.vmap(env.step)(state, action)
        reward = state.rewards[jnp.arange(batch), before]
        discount = jnp.where(state.terminated, 0.0, -1.0)
        logits = jnp.where(state.legal_action_mask, 0.0, -1e9)
    else:
        state = state + 1
        reward, discount, logits = jnp.zeros(batch), -jnp.ones(batch), jnp.zeros((batch, 7))
    out = mctx.RecurrentFnOutput(
        reward=reward, discount=discount, prior_logits=logits, value=jnp.zeros(batch)
    )
    return out, state

@jax.jit
def search(key, states):
    root = mctx.RootFnOutput(
        prior_logits=jnp.zeros((batch, 7)), value=jnp.zeros(batch), embedding=states
    )
    return mctx.gumbel_muzero_policy((), key, root, grow, simulations).action_weights

jax.block_until_ready(search(jax.random.PRNGKey(1), states))
done, start = 0, time.process_time()
while time.process_time() - start < seconds:
    jax.block_until_ready(search(jax.random.PRNGKey(done), states))
    done += batch * simulations
sys.stdout.write(f"{done / (time.process_time() - start)}")
"""


def rate(search: Callable[[int], int], seconds: float) -> float:
    """Return simulations per CPU-second of `search`, which takes a seed and returns their count."""
    search(0)
    done = seed = 0
    start = time.process_time()
    while (spent := time.process_time() - start) < seconds:
        seed += 1
        done += search(seed)
    return done / spent


def one_tree(domain: CompiledDomain, settings: PUCT) -> Callable[[int], int]:
    """Return a search of one tree from the first position."""
    search = Search(domain, UniformEvaluator(domain.spec.num_actions), settings)
    root = domain.reset()
    budget = Budget(simulations=ONE)
    return lambda seed: search.run([root], budget, seed=seed)[0].num_simulations


def many_trees(domain: CompiledDomain) -> Callable[[int], int]:
    """Return a search of many trees at once, as self-play does it."""
    settings = Gumbel(lookahead=0, gumbel_scale=1.0)
    search = Search(domain, UniformEvaluator(domain.spec.num_actions), settings)
    rows = np.stack([domain.row(domain.reset())] * BATCH)
    counts = np.full(BATCH, SIMULATIONS)

    def run(seed: int) -> int:
        seeds = np.arange(BATCH, dtype=np.uint64) + np.uint64(seed * BATCH)
        visits = search.run_rows(rows, counts, seeds).visits
        return int(visits.sum())

    return run


def peer_rate(python: str, program: str, *arguments: float) -> float:
    """Return what a peer's program prints."""
    done = subprocess.run(
        [python, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"a peer failed: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)


def measure(options: argparse.Namespace) -> dict[str, int]:
    """Return the median rate of every contestant."""
    domain = make("connect_four")
    assert isinstance(domain, CompiledDomain)
    seconds = options.seconds
    contestants: dict[str, Callable[[], float]] = {
        "one tree: tesuji, PUCT": lambda: rate(one_tree(domain, PUCT(lookahead=0)), seconds),
        "one tree: tesuji, PUCT, lookahead 1": lambda: rate(
            one_tree(domain, PUCT(lookahead=1)), seconds
        ),
        "128 trees: tesuji, Gumbel": lambda: rate(many_trees(domain), seconds),
    }
    if options.open_spiel or options.peers:
        python = options.open_spiel or options.peers
        contestants["one tree: OpenSpiel"] = lambda: peer_rate(python, OPEN_SPIEL, ONE, seconds)
    if options.peers:
        for name, rules in (("tree alone", 0), ("pgx rules", 1))[: 1 + options.pgx]:
            contestants[f"128 trees: mctx, {name}"] = lambda rules=rules: peer_rate(  # type: ignore[misc]
                options.peers, MCTX, BATCH, SIMULATIONS, rules, seconds
            )
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for _round in range(options.rounds):
        for name, contestant in contestants.items():
            found[name].append(contestant())
    return {name: round(statistics.median(rates)) for name, rates in sorted(found.items())}


def main() -> None:
    """Print a table and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--peers", help="an interpreter that has open_spiel and mctx")
    parser.add_argument("--pgx", action="store_true", help="measure mctx with pgx's rules too")
    parser.add_argument("--open-spiel", help="an interpreter that has open_spiel, if another")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU-seconds a measurement")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.core})
    rates = measure(options)
    for name, figure in rates.items():
        sys.stdout.write(f"{name:40}{figure:>12,}\n")
    sys.stdout.write("simulations per CPU-second, one core, Connect Four\n")
    if options.json:
        machine = {"machine": platform.processor() or platform.machine(), "rates": rates}
        options.json.write_text(json.dumps(machine, indent=2) + "\n")


if __name__ == "__main__":
    main()

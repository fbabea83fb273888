"""Self-play simulations per CPU-second with a network, beside mctx with pgx's rules.

    python -m venv /tmp/peers && /tmp/peers/bin/pip install mctx pgx dm-haiku
    python benchmarks/selfplay.py --peers /tmp/peers/bin/python [--net 64x5] [--json FILE]

128 games of Connect Four at once, 32 Gumbel simulations a move, random weights, one core. Ours
with and without its cache of evaluations and without look-ahead, so that a simulation means the
same on both sides; the peer's network is the same tower without our pooling layers, its batch norm
folded away. Peers run in an interpreter of their own, in turns with ours, pinned to the same core.
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

import numpy as np
import torch

from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.registry import make
from tesuji.domains.rows import step_rows
from tesuji.nets.config import ResNetConfig
from tesuji.nets.evaluators import make_evaluator
from tesuji.nets.export import export_native, export_onnx
from tesuji.nets.model import build
from tesuji.nets.quantize import quantize_onnx
from tesuji.search.base import Evaluation, Evaluator, FloatArray
from tesuji.search.config import Gumbel
from tesuji.search.search import Search

GAMES, SIMULATIONS = 128, 32

MCTX = """
import sys, time
import haiku as hk, jax, jax.numpy as jnp
import mctx, pgx
batch, simulations, channels, blocks, seconds = *map(int, sys.argv[1:5]), float(sys.argv[5])
env = pgx.make("connect_four")
init, step = jax.vmap(env.init), jax.vmap(env.step)

def tower(x):
    x = jax.nn.relu(hk.Conv2D(channels, 3)(x))
    for _ in range(blocks):
        y = hk.Conv2D(channels, 3)(jax.nn.relu(hk.Conv2D(channels, 3)(x)))
        x = jax.nn.relu(x + y)
    logits = hk.Linear(7)(hk.Flatten()(jax.nn.relu(hk.Conv2D(2, 1)(x))))
    value = hk.Linear(1)(jax.nn.relu(hk.Linear(64)(hk.Flatten()(hk.Conv2D(1, 1)(x)))))
    return logits, jnp.tanh(value[:, 0])

net = hk.without_apply_rng(hk.transform(tower))

def grow(params, key, action, state):
    before = state.current_player
    state = step(state, action)
    logits, value = net.apply(params, state.observation.astype(jnp.float32))
    reward = state.rewards[jnp.arange(batch), before]
    discount = jnp.where(state.terminated, 0.0, -1.0)
    logits = jnp.where(state.legal_action_mask, logits, -1e9)
    out = mctx.RecurrentFnOutput(
        reward=reward, discount=discount, prior_logits=logits,
        value=jnp.where(state.terminated, 0.0, value),
    )
    return out, state

@jax.jit
def move(params, key, state):
    logits, value = net.apply(params, state.observation.astype(jnp.float32))
    root = mctx.RootFnOutput(prior_logits=logits, value=value, embedding=state)
    found = mctx.gumbel_muzero_policy(
        params, key, root, grow, simulations, invalid_actions=~state.legal_action_mask
    )
    after = step(state, found.action)
    fresh = init(jax.random.split(key, batch))
    pick = lambda new, old: jnp.where(after.terminated.reshape((-1,) + (1,) * (old.ndim - 1)), new, old)
    return jax.tree_util.tree_map(pick, fresh, after)

state = init(jax.random.split(jax.random.PRNGKey(0), batch))
params = net.init(jax.random.PRNGKey(1), state.observation.astype(jnp.float32))
state = jax.block_until_ready(move(params, jax.random.PRNGKey(2), state))
done, start = 0, time.process_time()
while time.process_time() - start < seconds:
    state = jax.block_until_ready(move(params, jax.random.PRNGKey(done), state))
    done += batch * simulations
sys.stdout.write(f"{done / (time.process_time() - start)}")
"""  # noqa: E501


class Timed:
    """An evaluator that adds up the CPU time it takes."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self.seconds = 0.0

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Judge a batch."""
        start = time.process_time()
        found = self._evaluator.evaluate(observations)
        self.seconds += time.process_time() - start
        return found


def play(
    domain: CompiledDomain, evaluator: Evaluator, cache: int, seconds: float
) -> tuple[float, float]:
    """Return simulations per CPU-second and the share of the time that is not the network's."""
    timed = Timed(evaluator)
    search = Search(domain, timed, Gumbel(lookahead=0, gumbel_scale=1.0, cache_entries=cache))
    first = domain.row(domain.reset())
    rows = np.stack([first] * GAMES)
    counts = np.full(GAMES, SIMULATIONS)
    rewards, discounts, keys = np.zeros(GAMES), np.zeros(GAMES), np.zeros(GAMES, np.uint64)
    table = domain.kernels.addresses()
    done, move, start = 0, 0, 0.0
    while move < 2 or time.process_time() - start < seconds:
        if move == 1:  # the first move compiles
            done, start, timed.seconds = 0, time.process_time(), 0.0
        seeds = np.arange(GAMES, dtype=np.uint64) + np.uint64(move * GAMES)
        found = search.run_rows(rows, counts, seeds)
        done += GAMES * SIMULATIONS
        step_rows(table, domain.instance, rows, found.action, keys, rewards, discounts)
        rows[(discounts == 0.0) | found.proven] = first
        move += 1
    spent = time.process_time() - start
    return done / spent, 1.0 - timed.seconds / spent


def peer_rate(python: str, *arguments: float) -> float:
    """Return what the peer's program prints."""
    done = subprocess.run(
        [python, "-c", MCTX, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"},
    )
    if done.returncode:
        raise SystemExit(f"the peer failed: {done.stderr.strip().splitlines()[-1]}")
    return float(done.stdout)


def evaluators(domain: CompiledDomain, channels: int, blocks: int) -> dict[str, Evaluator]:
    """Return the network behind each backend."""
    torch.manual_seed(0)
    network = build(ResNetConfig(channels, blocks), domain.spec).eval()
    onnx = export_onnx(network, domain.spec)
    shape = (512, *domain.spec.observation_shape)
    sample = np.random.default_rng(0).integers(0, 2, shape).astype(np.float32)
    return {
        "native": make_evaluator("native", export_native(network), domain.spec),
        "onnx": make_evaluator("onnx", onnx, domain.spec),
        "onnx-int8": make_evaluator("onnx-int8", quantize_onnx(onnx, sample), domain.spec),
    }


def measure(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return the median rate of every contestant, and its tree's share of the time."""
    domain = make("connect_four")
    assert isinstance(domain, CompiledDomain)
    channels, blocks = map(int, options.net.split("x"))
    ours = evaluators(domain, channels, blocks)
    found: dict[str, list[tuple[float, float]]] = {}
    for _round in range(options.rounds):
        for name, evaluator in ours.items():
            for what, cache in (("no cache", 0), ("cache", 262_144)):
                key = f"tesuji, {name}, {what}"
                found.setdefault(key, []).append(play(domain, evaluator, cache, options.seconds))
        if options.peers:
            rate = peer_rate(options.peers, GAMES, SIMULATIONS, channels, blocks, options.seconds)
            found.setdefault("mctx + pgx", []).append((rate, float("nan")))
    return {
        name: {
            "simulations": round(statistics.median(r for r, _ in rates)),
            "tree_share": round(statistics.median(s for _, s in rates), 3),
        }
        for name, rates in found.items()
    }


def main() -> None:
    """Print a table and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--peers", help="an interpreter that has mctx, pgx and dm-haiku")
    parser.add_argument("--net", default="64x5", help="channels x blocks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="CPU-seconds a measurement")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.core})
    torch.set_num_threads(1)
    rates = measure(options)
    for name, row in rates.items():
        share = row["tree_share"]
        tree = "" if np.isnan(share) else f"{share:10.1%}"
        sys.stdout.write(f"{name:30}{row['simulations']:>10,}{tree}\n")
    sys.stdout.write(
        "simulations per CPU-second, one core, and the share not spent in the network\n"
    )
    if options.json:
        machine = {"machine": platform.processor() or platform.machine(), "net": options.net}
        options.json.write_text(json.dumps({**machine, "rates": rates}, indent=2) + "\n")


if __name__ == "__main__":
    main()

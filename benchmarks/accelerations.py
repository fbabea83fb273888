"""What each of KataGo's accelerations brings on a small game, at equal processor time.

    python benchmarks/accelerations.py --game othello_6x6 --cpu-minutes 4 --seeds 3 --out FOLDER

Every variant differs from its base in one setting and learns from nothing for the same processor
time, trainer and workers together; then it plays a fixed opponent (rollout-MCTS) from paired
openings. A line of JSON a run goes to FOLDER/results.jsonl; runs that are there are not done again,
so that it goes on after Ctrl-C. `--seconds` begins no run after so long. `--report` prints the
table alone, and draws it as FOLDER/accelerations.svg.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tesuji.domains.registry import make
from tesuji.engine.agent import load_agent
from tesuji.engine.arena import MatchConfig, match
from tesuji.engine.metrics import read_metrics
from tesuji.engine.progress import Silent
from tesuji.engine.storage import remove_folder
from tesuji.engine.train import train
from tesuji.engine.training_config import (
    AuxiliaryConfig,
    EvaluationConfig,
    LearningConfig,
    NetSettings,
    SelfPlayConfig,
    TrainConfig,
    WindowConfig,
)

PLAY = SelfPlayConfig(
    lanes=1, games=96, moves=12, simulations=32, fast_simulations=8, lookahead=1,
    opening_share=0.5, opening_plies=8,
)  # fmt: skip
BASE = TrainConfig(
    minutes=0.0, cpu_minutes=1.0, workers=1, net=NetSettings(channels=32, blocks=4), selfplay=PLAY,
    learning=LearningConfig(reuse=4.0, batch_size=256), evaluation=EvaluationConfig(0.0),
)  # fmt: skip
CAPPED = replace(PLAY, simulations=64, fast_simulations=12, full_share=0.25)
PUCT_PLAY = replace(PLAY, search="puct", simulations=64)

# name -> (what it is compared with, its settings)
VARIANTS: Mapping[str, tuple[str, TrainConfig]] = {
    "base": ("", BASE),
    "playout caps": ("base", replace(BASE, selfplay=CAPPED)),
    "playout caps, full only": (
        "base",
        replace(BASE, selfplay=CAPPED, window=WindowConfig(full_only=True)),
    ),
    "no pooling": ("base", replace(BASE, net=replace(BASE.net, pool_every=0, pool_policy=False))),
    "reply": ("base", replace(BASE, auxiliary=AuxiliaryConfig(reply_weight=0.15))),
    "ownership and lead": (
        "base",
        replace(BASE, auxiliary=AuxiliaryConfig(ownership_weight=1.5, lead_weight=0.5)),
    ),
    "puct": ("base", replace(BASE, selfplay=PUCT_PLAY)),
    "puct, forced playouts": (
        "puct",
        replace(BASE, selfplay=replace(PUCT_PLAY, forced_playouts=2.0)),
    ),
}


def run_one(name: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what one variant reached with one seed."""
    config = VARIANTS[name][1]
    config = replace(
        config,
        game=arguments.game,
        seed=seed,
        cpu_minutes=arguments.cpu_minutes,
        net=replace(config.net, channels=arguments.channels, blocks=arguments.blocks),
        selfplay=replace(config.selfplay, games=arguments.lane),
    )
    folder = arguments.out / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}"
    if folder.exists():
        remove_folder(folder)
    summary = train(config, folder, Silent())
    rows = [row for row in read_metrics(folder) if "cpu_seconds" in row]
    domain = make(arguments.game)
    opponent = load_agent(f"rollout:sims={arguments.opponent}", domain)
    ours = load_agent(f"{folder}:sims={arguments.sims}", domain)
    played = match(domain, ours, opponent, MatchConfig(arguments.games, 4, seed=seed))
    return {
        "variant": name,
        "seed": seed,
        "score": played.score,
        "games_played": played.num_games,
        "cpu_seconds": rows[-1]["cpu_seconds"] if rows else 0.0,
        "selfplay_games": summary.games,
        "positions": summary.positions,
        "iterations": summary.iteration,
    }


def report(results: list[dict[str, Any]]) -> str:
    """Return the table of all results: means over seeds and their standard errors."""
    scores = {
        name: {r["seed"]: r["score"] for r in results if r["variant"] == name} for name in VARIANTS
    }
    lines = [
        "| variant | seeds | score | against | difference |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, (other, _) in VARIANTS.items():
        own = scores[name]
        if not own:
            continue
        pairs = [own[seed] - scores[other][seed] for seed in own if other and seed in scores[other]]
        gain = _mean(pairs) if pairs else ""
        lines.append(f"| {name} | {len(own)} | {_mean(list(own.values()))} | {other} | {gain} |")
    return "\n".join(lines)


def _mean(values: list[float]) -> str:
    mean = 100 * statistics.mean(values)
    if len(values) < 2:
        return f"{mean:.1f} %"
    return f"{mean:.1f} ± {100 * statistics.stdev(values) / math.sqrt(len(values)):.1f} %"


def draw(results: list[dict[str, Any]]) -> str:
    """Return every variant's mean score with its standard error, and the runs, as SVG."""
    names = [name for name in VARIANTS if any(r["variant"] == name for r in results)]
    height = 40 + 30 * len(names)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="640" height="{height}" fill="#fff"/>',
    ]
    for share in (0, 25, 50, 75, 100):
        x = 190 + 4.2 * share
        lines.append(f'<path d="M{x:g} 10V{height - 25}" stroke="#ddd"/>')
        lines.append(f'<text x="{x:g}" y="{height - 8}" text-anchor="middle">{share} %</text>')
    for row, name in enumerate(names):
        y = 28 + 30 * row
        scores = [100 * r["score"] for r in results if r["variant"] == name]
        mean = statistics.mean(scores)
        error = statistics.stdev(scores) / math.sqrt(len(scores)) if len(scores) > 1 else 0.0
        low, high = (190 + 4.2 * min(max(mean + d, 0), 100) for d in (-error, error))
        lines.append(f'<text x="180" y="{y + 4}" text-anchor="end">{name}</text>')
        lines.append(f'<path d="M{low:.1f} {y}H{high:.1f}" stroke="#2b6a74" stroke-width="3"/>')
        lines += [
            f'<circle cx="{190 + 4.2 * score:.1f}" cy="{y}" r="3" fill="#999"/>' for score in scores
        ]
        lines.append(f'<circle cx="{190 + 4.2 * mean:.1f}" cy="{y}" r="5" fill="#2b6a74"/>')
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--game", default="othello_6x6")
    parser.add_argument("--cpu-minutes", type=float, default=4.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--games", type=int, default=100)
    parser.add_argument("--sims", type=int, default=32)
    parser.add_argument("--opponent", type=int, default=200)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--lane", type=int, default=96, help="games played side by side")
    parser.add_argument("--variants", nargs="*", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--out", type=Path, default=Path("runs/accelerations"))
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no run after so long")
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "results.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    results = [json.loads(line) for line in lines]
    done = {(result["variant"], result["seed"]) for result in results}
    todo = [(name, seed + 1) for seed in range(arguments.seeds) for name in arguments.variants]
    began = time.monotonic()
    for name, seed in [] if arguments.report else todo:
        if (name, seed) not in done and time.monotonic() - began < arguments.seconds:
            results.append(run_one(name, seed, arguments))
            with path.open("a") as file:
                file.write(json.dumps(results[-1]) + "\n")
            print(json.dumps(results[-1]), flush=True)
    print(report(results))
    (arguments.out / "accelerations.svg").write_text(draw(results))


if __name__ == "__main__":
    main()

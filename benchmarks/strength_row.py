"""Strength by processor time: a net from nothing against rollout-MCTS with ten times its search.

    python benchmarks/strength_row.py --game hex_7x7 --cpu-minutes 60 --every 10 --out FOLDER

Trains until the processor time is spent, of trainer and workers together, and stops every so many
minutes of it to play a match: `--sims` simulations a move against rollout-MCTS with ten times as
many, paired openings. A line of JSON a match goes to FOLDER/curve.jsonl. After Ctrl-C the same
command goes on from the last checkpoint. The aim is a score of at least 95 % after 60 minutes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tesuji.domains.registry import make
from tesuji.engine.agent import load_agent
from tesuji.engine.arena import MatchConfig, match
from tesuji.engine.config import SAVED
from tesuji.engine.train import train
from tesuji.engine.training_config import (
    AuxiliaryConfig,
    EvaluationConfig,
    LearningConfig,
    NetSettings,
    SelfPlayConfig,
    TrainConfig,
)


class StopAt:
    """Interrupts training, as Ctrl-C does, in the round after some processor time is spent."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.spent = seconds, 0.0
        self._reached = False

    def update(self, row: Mapping[str, Any]) -> None:
        """Stop at the first sign of a new round, when the last one's checkpoint is written."""
        if row.get("kind") == "live" and self._reached:
            raise KeyboardInterrupt
        self.spent = float(row.get("cpu_seconds", self.spent))
        self._reached = self.spent >= self.seconds


def settings(arguments: argparse.Namespace) -> TrainConfig:
    """Return how the net is trained."""
    return TrainConfig(
        game=arguments.game,
        minutes=0.0,
        cpu_minutes=arguments.cpu_minutes,
        seed=arguments.seed,
        workers=1,
        net=NetSettings(channels=arguments.channels, blocks=arguments.blocks),
        selfplay=SelfPlayConfig(
            lanes=1, games=128, moves=16, simulations=48, lookahead=1, opening_share=0.5,
            opening_plies=8,
        ),
        learning=LearningConfig(reuse=4.0),
        auxiliary=AuxiliaryConfig(reply_weight=arguments.reply),
        evaluation=EvaluationConfig(every_minutes=0.0),
    )  # fmt: skip


def main() -> None:
    """Train, and measure on the way."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--game", default="hex_7x7")
    parser.add_argument("--cpu-minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--sims", type=int, default=100)
    parser.add_argument("--games", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--reply", type=float, default=0.0)
    parser.add_argument("--out", type=Path, default=Path("runs/strength"))
    arguments = parser.parse_args()
    run, domain = arguments.out / arguments.game, make(arguments.game)
    arguments.out.mkdir(parents=True, exist_ok=True)
    opponent = load_agent(f"rollout:sims={10 * arguments.sims}", domain)
    curve = arguments.out / "curve.jsonl"
    rows = [json.loads(line) for line in curve.read_text().splitlines()] if curve.exists() else []
    spent = [row["cpu_seconds"] / 60.0 for row in rows if row["game"] == arguments.game]
    minutes = max(spent, default=0.0) // arguments.every * arguments.every
    while minutes < arguments.cpu_minutes:
        minutes = min(minutes + arguments.every, arguments.cpu_minutes)
        progress = StopAt(60.0 * minutes)
        try:
            train(settings(arguments), run, progress, resume=(run / SAVED).is_file())
        except KeyboardInterrupt:
            if progress.spent < progress.seconds:
                raise
        agent = load_agent(f"{run}:sims={arguments.sims}", domain)
        played = match(domain, agent, opponent, MatchConfig(arguments.games, 4, arguments.seed))
        row = {"game": arguments.game, "cpu_seconds": progress.spent, **played.to_json()}
        with curve.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{progress.spent / 60:.1f} CPU-minutes: {100 * played.score:.1f} %", flush=True)


if __name__ == "__main__":
    main()

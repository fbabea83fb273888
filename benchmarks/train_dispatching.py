"""Train the dispatching policy that `tesuji solve --learned` uses.

    python benchmarks/train_dispatching.py --seconds 70 --out engine/weights/job_shop/policy.json

Seconds are of this process's CPU time; shops are drawn at random, none is read.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import torch

from tesuji.engine.shop_policy import PolicyTraining, save_policy, train_policy


def main() -> None:
    """Train and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=PolicyTraining.seconds)
    parser.add_argument("--seed", type=int, default=PolicyTraining.seed)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    training = PolicyTraining(seconds=arguments.seconds, seed=arguments.seed)
    weights = train_policy(training, print)
    save_policy(arguments.out, weights, asdict(training))


if __name__ == "__main__":
    main()

"""Learning to dispatch: a small network that imitates the best schedules its own search finds.

Expert iteration (Anthony, Tian & Barber 2017) with self-made labels (Corsini et al. 2024): on new
random shops the search of `search/scheduling/policy_search.py` looks for a short schedule with the
network's logits as prior; what it chose is what the network learns. Shops of any size share it.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tesuji.domains.logistics.scheduling.shop import random_shop
from tesuji.engine.errors import UsageError
from tesuji.engine.storage import atomic_write, dump_json
from tesuji.search.scheduling.policy_search import (
    FEATURES,
    PolicySearch,
    PolicyWeights,
    load_kernels,
)

POLICY = "policy.json"  # in the folder of a run
SHIPPED = Path(__file__).parent / "weights" / "job_shop" / POLICY
_FORMAT = "tesuji dispatching policy"
Lesson = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # [C, F], choice of each [C], chosen [S]


@dataclass(frozen=True)
class PolicyTraining:
    """How a dispatching policy is trained.

    Attributes:
        seconds: of processor time.
        seed: all that is random follows from it, but for when the time is up.
        hidden: units of the network.
        shops: new ones in a round.
        rollouts: of the search on each.
        kept: rounds whose lessons are learned again.
        epochs: over the kept lessons in a round.
        rate: of learning, at first; it falls to a tenth.
        jobs: fewest and most.
        machines: fewest and most.
    """

    seconds: float = 300.0
    seed: int = 1
    hidden: int = 16
    shops: int = 12
    rollouts: int = 1500
    kept: int = 12
    epochs: int = 2
    rate: float = 0.005
    jobs: tuple[int, int] = (6, 20)
    machines: tuple[int, int] = (5, 15)


def train_policy(
    training: PolicyTraining, listener: Callable[[dict[str, float]], None] | None = None
) -> PolicyWeights:
    """Return weights that were learned on random shops.

    Args:
        training: how.
        listener: told of each round: rounds, loss, seconds, and the mean of makespans as parts of
            those that greedy dispatching by the network gives.
    """
    load_kernels()
    torch.manual_seed(training.seed)
    random = np.random.default_rng(training.seed)
    net = nn.Sequential(
        nn.Linear(FEATURES, training.hidden), nn.ReLU(), nn.Linear(training.hidden, 1, bias=False)
    ).double()
    optimizer = torch.optim.Adam(net.parameters(), training.rate)
    lessons: deque[list[Lesson]] = deque(maxlen=training.kept)
    start, rounds = time.process_time(), 0
    while (spent := time.process_time() - start) < training.seconds:
        fresh, gains = _look_for_lessons(training, _weights(net), random)
        lessons.append(fresh)
        for group in optimizer.param_groups:
            group["lr"] = training.rate * 0.1 ** (spent / training.seconds)
        loss = _learn(net, optimizer, [one for part in lessons for one in part], training, random)
        rounds += 1
        if listener is not None:
            listener({"round": rounds, "loss": loss, "gain": gains, "seconds": spent})
    return _weights(net)


def _look_for_lessons(
    training: PolicyTraining, weights: PolicyWeights, random: np.random.Generator
) -> tuple[list[Lesson], float]:
    lessons, gains = [], []
    for _ in range(training.shops):
        jobs = int(random.integers(training.jobs[0], training.jobs[1] + 1))
        machines = int(random.integers(training.machines[0], training.machines[1] + 1))
        shop = random_shop(jobs, machines, int(random.integers(2**31)))
        search = PolicySearch(shop, weights, int(random.integers(2**31)))
        search.advance(training.rollouts)
        gains.append(search.makespan / search.greedy)
        features, first, chosen = search.lesson()
        choice = np.repeat(np.arange(len(chosen)), np.diff(first))
        lessons.append(
            (torch.from_numpy(features), torch.from_numpy(choice), torch.from_numpy(chosen))
        )
    return lessons, float(np.mean(gains))


def _learn(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    lessons: Sequence[Lesson],
    training: PolicyTraining,
    random: np.random.Generator,
) -> float:
    # Cross-entropy of what was chosen, a shop a step.
    losses = []
    for number in np.tile(np.arange(len(lessons)), training.epochs)[
        random.permutation(len(lessons) * training.epochs)
    ].tolist():
        features, choice, chosen = lessons[number]
        logits = net(features)[:, 0]
        weight = torch.exp(logits - logits.max())
        total = torch.zeros(len(chosen), dtype=logits.dtype).index_add(0, choice, weight)
        loss = (torch.log(total) + logits.max() - logits[chosen]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def _weights(net: nn.Module) -> PolicyWeights:
    with torch.no_grad():
        hidden, shift, out = (p.detach().numpy().copy() for p in net.parameters())
    return PolicyWeights(np.ascontiguousarray(hidden.T), shift, out[0])


def save_policy(path: Path, weights: PolicyWeights, trained: dict[str, Any]) -> None:
    """Write weights as JSON, with what is known of their training.

    Raises:
        StorageError: it could not be written.
    """
    lists = {name: value.tolist() for name, value in weights._asdict().items()}
    atomic_write(path, dump_json({"format": _FORMAT, "trained": trained, **lists}))


def load_policy(source: str = "net") -> PolicyWeights:
    """Return the weights that `source` names.

    Args:
        source: `net` for those that ship, or the folder of a run.

    Raises:
        UsageError: it holds none.
    """
    path = SHIPPED if source == "net" else Path(source).expanduser() / POLICY
    try:
        data = json.loads(path.read_text())
        weights = PolicyWeights(*(np.array(data[n], np.float64) for n in PolicyWeights._fields))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} holds no dispatching policy ({error})") from None
    units = weights.out.shape
    sound = weights.hidden.shape == (FEATURES, *units) and weights.shift.shape == units
    if not sound or len(units) != 1 or not all(np.isfinite(w).all() for w in weights):
        raise UsageError(f"{path} holds no dispatching policy of {FEATURES} features")
    return weights

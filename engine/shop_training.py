"""Learning to dispatch: a small network that imitates the best schedules its own search finds.

Expert iteration (Anthony, Tian & Barber 2017) with self-made labels (Corsini et al. 2024): on new
random shops the search of `search/scheduling/policy_search.py` looks for a short schedule with the
network's logits as prior; what it chose is what the network learns. Shops of any size share it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tesuji.domains.logistics.scheduling.shop import random_shop
from tesuji.engine.config import save_toml
from tesuji.engine.metrics import MetricsWriter
from tesuji.engine.pace import Pace
from tesuji.engine.progress import Progress
from tesuji.engine.run_folder import CONFIG, RunFolder
from tesuji.engine.selfplay import mix_seed
from tesuji.engine.shop_config import ShopTrainConfig
from tesuji.engine.shop_policy import POLICY, load_policy, read_totals, save_policy
from tesuji.search.scheduling.policy_search import (
    FEATURES,
    PolicySearch,
    PolicyWeights,
    load_kernels,
)

Lesson = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # [C, F], choice of each [C], chosen [S]


@dataclass
class ShopTotals:
    """What a run has done so far.

    Attributes:
        gain: mean of the last round's makespans, as parts of those of greedy dispatching.
    """

    iteration: int = 0
    shops: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    gain: float | None = None


def train_shops(
    config: ShopTrainConfig, run: Path, progress: Progress, resume: bool = False
) -> ShopTotals:
    """Learn until the time or the rounds are spent; return how it ended.

    Args:
        config: the run's settings; on resume those it was started with.
        run: the run's folder, new or to be resumed.
        progress: told of each round.
        resume: go on with the policy of the last round; its lessons are drawn anew.

    Raises:
        TesujiError: the folder is in use or cannot be written.
        UsageError: it holds no policy that could be gone on with.
        KeyboardInterrupt: the run stands at its last round.
    """
    with RunFolder(run, resume) as folder:
        save_toml(run / CONFIG, config)
        training = _ShopTraining(config, folder.path, progress)
        try:
            return training.to_end()
        finally:
            training.metrics.close()


class _ShopTraining:
    def __init__(self, config: ShopTrainConfig, run: Path, progress: Progress) -> None:
        torch.set_num_threads(1)  # one sum, one order: the same bytes
        torch.manual_seed(config.seed)
        self.config, self.run, self.progress = config, run, progress
        hidden = config.scheduling.hidden
        self.net = nn.Sequential(
            nn.Linear(FEATURES, hidden), nn.ReLU(), nn.Linear(hidden, 1, bias=False)
        ).double()
        self.totals = ShopTotals()
        if (run / POLICY).exists():
            _set_weights(self.net, load_policy(str(run)))
            self.totals = ShopTotals(**read_totals(run))
        self.optimizer = torch.optim.Adam(self.net.parameters(), config.scheduling.rate)
        self.lessons: deque[list[Lesson]] = deque(maxlen=config.scheduling.kept)
        self.metrics = MetricsWriter(run, step=self.totals.iteration)
        load_kernels()
        self.pace = Pace(config, self.totals, progress)

    def to_end(self) -> ShopTotals:
        while self.pace.share() < 1.0:
            self._iterate(self.totals.iteration + 1)
        return self.totals

    def _iterate(self, number: int) -> None:
        settings, totals = self.config.scheduling, self.totals
        rng = np.random.default_rng(mix_seed(self.config.seed, 1, number))
        for group in self.optimizer.param_groups:
            group["lr"] = settings.rate * 0.1 ** self.pace.share()
        fresh, totals.gain = self._look_for_lessons(rng)
        self.lessons.append(fresh)
        loss = self._learn([one for part in self.lessons for one in part], rng)
        totals.iteration, totals.shops = number, totals.shops + settings.shops
        self.pace.note()
        row = {
            "kind": "iteration", "game": self.config.game, "iteration": number,
            "seconds": round(totals.seconds, 3), "cpu_seconds": round(totals.cpu_seconds, 3),
            "progress": round(min(self.pace.share(), 1.0), 4), "instances": totals.shops,
            "loss": round(loss, 5), "gain": round(totals.gain, 5),
        }  # fmt: skip
        self.metrics.write(number, row)
        self.progress.update(row)
        trained = {"totals": asdict(totals), "seed": self.config.seed, **asdict(settings)}
        save_policy(self.run / POLICY, _weights(self.net), trained)

    def _look_for_lessons(self, rng: np.random.Generator) -> tuple[list[Lesson], float]:
        settings, weights = self.config.scheduling, _weights(self.net)
        lessons, gains = [], []
        for number in range(settings.shops):
            self.pace.tell(f"scheduling shop {number + 1} of {settings.shops}")
            jobs = int(rng.integers(settings.fewest_jobs, settings.most_jobs + 1))
            machines = int(rng.integers(settings.fewest_machines, settings.most_machines + 1))
            shop = random_shop(jobs, machines, int(rng.integers(2**31)))
            search = PolicySearch(shop, weights, int(rng.integers(2**31)))
            search.advance(settings.rollouts)
            gains.append(search.makespan / search.greedy)
            features, first, chosen = search.lesson()
            choice = np.repeat(np.arange(len(chosen)), np.diff(first))
            lessons.append(
                (torch.from_numpy(features), torch.from_numpy(choice), torch.from_numpy(chosen))
            )
        return lessons, float(np.mean(gains))

    def _learn(self, lessons: Sequence[Lesson], rng: np.random.Generator) -> float:
        # Cross-entropy of what was chosen, a shop a step.
        losses, epochs = [], self.config.scheduling.epochs
        for number in np.tile(np.arange(len(lessons)), epochs)[
            rng.permutation(len(lessons) * epochs)
        ].tolist():
            features, choice, chosen = lessons[number]
            logits = self.net(features)[:, 0]
            weight = torch.exp(logits - logits.max())
            total = torch.zeros(len(chosen), dtype=logits.dtype).index_add(0, choice, weight)
            loss = (torch.log(total) + logits.max() - logits[chosen]).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(float(loss.detach()))
        return float(np.mean(losses))


def _weights(net: nn.Module) -> PolicyWeights:
    with torch.no_grad():
        hidden, shift, out = (p.detach().numpy().copy() for p in net.parameters())
    return PolicyWeights(np.ascontiguousarray(hidden.T), shift, out[0])


def _set_weights(net: nn.Module, weights: PolicyWeights) -> None:
    arrays = weights.hidden.T, weights.shift, weights.out[None]
    with torch.no_grad():
        for parameter, array in zip(net.parameters(), arrays, strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)))

"""Learning to route: imitate routes of ruin and recreate, then reinforce the policy's own.

The first rounds imitate near-optimal routes of small random instances, as in Drakulic et al. 2023.
The others draw routes from several first customers, and the mean of their costs is the
baseline of each (POMO, Kwon et al. 2020). Rollouts are drawn by compiled code; all their moves are
then weighed by the network at once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from tesuji.engine.checkpoint import (
    checkpoint_path,
    list_checkpoints,
    load_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from tesuji.engine.config import save_toml
from tesuji.engine.metrics import MetricsWriter
from tesuji.engine.optimizers import restore_optimizer
from tesuji.engine.pace import Pace
from tesuji.engine.progress import Progress
from tesuji.engine.route_config import RouteTrainConfig
from tesuji.engine.route_examples import (
    RouteExample,
    draw_example,
    moves_of,
    states_of,
    turned,
)
from tesuji.engine.route_policy import (
    net_of,
    route_checkpoint,
    tables_of,
)
from tesuji.engine.run_folder import CONFIG, RunFolder
from tesuji.engine.selfplay import mix_seed
from tesuji.nets.routing import Decoder, RouteNet
from tesuji.search.routing.construct import construction_task, roll_out

_WIDE = 48  # labelled instances of a step
_TRIAL_STARTS = 20  # first customers of a trial
_CLIP = 1.0  # of the gradient's norm


@dataclass
class RouteTotals:
    """What a run has done so far."""

    iteration: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    steps: int = 0
    instances: int = 0
    over: float | None = None


@dataclass(frozen=True)
class RouteTrainSummary:
    """How a run ended; `over` is what its trials cost over the routes of ruin and recreate."""

    iteration: int
    instances: int
    seconds: float
    over: float | None


def train_routes(
    config: RouteTrainConfig, run: Path, progress: Progress, resume: bool = False
) -> RouteTrainSummary:
    """Learn until the time or the rounds are spent; return how it ended.

    Args:
        config: the run's settings; on resume those it was started with.
        run: the run's folder, new or to be resumed.
        progress: told of each round.
        resume: go on after the newest sound checkpoint.

    Raises:
        TesujiError: the folder is in use or cannot be written.
        KeyboardInterrupt: the run stands at its last checkpoint.
    """
    with RunFolder(run, resume) as folder:
        save_toml(run / CONFIG, config)
        training = _RouteTraining(config, folder.path, progress, resume)
        try:
            return training.to_end()
        finally:
            training.metrics.close()


class _RouteTraining:
    def __init__(
        self, config: RouteTrainConfig, run: Path, progress: Progress, resume: bool
    ) -> None:
        torch.set_num_threads(1)  # one sum, one order: the same bytes
        self.config, self.run, self.progress = config, run, progress
        self.totals = RouteTotals()
        torch.manual_seed(config.seed)
        self.net = RouteNet(config.route_net)
        checkpoint = None
        if resume and list_checkpoints(run):
            checkpoint = load_checkpoint(run, game=config.game, set_aside=True)
            self.net = net_of(checkpoint)
            self.totals = RouteTotals(**checkpoint.metadata["totals"])
        self.optimizer = torch.optim.Adam(self.net.parameters(), config.routing.rate)
        if checkpoint is not None:
            restore_optimizer(self.optimizer, list(self.net.parameters()), checkpoint.training)
        self.metrics = MetricsWriter(run, step=self.totals.iteration)
        self.pace = Pace(config, self.totals, progress)

    def to_end(self) -> RouteTrainSummary:
        settings, rng = self.config.routing, np.random.default_rng(mix_seed(self.config.seed, 1))
        customers = settings.trial_customers
        self.trials = [
            draw_example(settings, customers, rng, settings.label_iterations * customers)
            for _ in range(settings.trials)
        ]
        totals = self.totals
        while self.pace.share() < 1.0:
            self._iterate(totals.iteration + 1)
        return RouteTrainSummary(totals.iteration, totals.instances, totals.seconds, totals.over)

    def _iterate(self, number: int) -> None:
        totals, share = self.totals, self.pace.share()
        rng = np.random.default_rng(mix_seed(self.config.seed, 2, number))
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.routing.rate * 0.01**share
        imitates = share < self.config.routing.imitation
        loss = self._imitate(rng) if imitates else self._reinforce(rng)
        totals.iteration, totals.over = number, self._try()
        self.pace.note()
        row = {
            "kind": "iteration", "game": self.config.game, "iteration": number,
            "seconds": round(totals.seconds, 3), "cpu_seconds": round(totals.cpu_seconds, 3),
            "progress": round(min(self.pace.share(), 1.0), 4), "instances": totals.instances,
            "imitates": imitates, "loss": round(loss, 5), "over": round(totals.over, 5),
        }  # fmt: skip
        self.metrics.write(number, row)
        self.progress.update(row)
        metadata = {"totals": asdict(totals), "seed": self.config.seed}
        checkpoint = route_checkpoint(self.net, self.optimizer, totals.steps, metadata)
        save_checkpoint(checkpoint_path(self.run, number), checkpoint)
        prune_checkpoints(self.run, self.config.keep_checkpoints, milestone=0)

    def _customers(self, rng: np.random.Generator) -> int:
        settings = self.config.routing
        return int(rng.integers(settings.fewest, settings.most + 1))

    def _imitate(self, rng: np.random.Generator) -> float:
        """Learn from labelled routes, driven in random orders; return the loss a move."""
        settings, customers = self.config.routing, self._customers(rng)
        iterations = settings.label_iterations * customers
        examples = []
        for number in range(settings.labelled):
            examples.append(draw_example(settings, customers, rng, iterations))
            self.pace.tell(f"driving instance {number + 1} of {settings.labelled}")
        self.totals.instances += len(examples)
        losses = []
        for _ in range(settings.epochs):
            order = rng.permutation(len(examples))
            for first in range(0, len(order), _WIDE):
                batch = [examples[i] for i in order[first : first + _WIDE]]
                moves = np.stack([
                    [moves_of(each.routes, customers + 1, rng) for _ in range(2)] for each in batch
                ])  # fmt: skip
                states = states_of(moves, [each.instance for each in batch])
                likely = self.net.log_probability(self._read(batch, rng), states)
                losses.append(self._step(-likely.sum() / (likely < 0).sum()))
        return float(np.mean(losses))

    def _reinforce(self, rng: np.random.Generator) -> float:
        """Learn from routes of the policy; return the mean of their costs' relative spread."""
        settings, spreads = self.config.routing, []
        for number in range(settings.steps):
            self.pace.tell(f"step {number + 1} of {settings.steps}")
            customers = self._customers(rng)
            batch = [draw_example(settings, customers, rng) for _ in range(settings.batch)]
            self.totals.instances += len(batch)
            decoder = self._read(batch, rng)
            starts = min(settings.starts, customers)
            rollouts = [
                roll_out(
                    tables, construction_task(each.instance),
                    rng.permutation(customers)[:starts] + 1, 1.0, int(rng.integers(2**62)),
                )
                for tables, each in zip(tables_of(self.net, decoder), batch, strict=True)
            ]  # fmt: skip
            cost = np.stack([found.cost for found in rollouts]).astype(np.float64)  # [B, P]
            worse = cost - cost.mean(1, keepdims=True)
            spread = worse.std(1, keepdims=True)
            spreads.append(float((spread[:, 0] / cost.mean(1)).mean()))
            weight = torch.from_numpy((worse / (spread + 1e-9)).astype(np.float32))
            moves = np.stack([found.moves for found in rollouts])
            states = states_of(moves, [each.instance for each in batch])
            likely = self.net.log_probability(decoder, states).view(*cost.shape, -1)
            # The first move was not the policy's choice.
            loss = (weight * likely[..., 1:].sum(2)).mean() / customers
            self._step(loss)
        return float(np.mean(spreads))

    def _read(self, batch: list[RouteExample], rng: np.random.Generator) -> Decoder:
        node = torch.stack([turned(each.node, rng) for each in batch])
        decoder: Decoder = self.net(node, torch.stack([each.edge for each in batch]))
        return decoder

    def _step(self, loss: torch.Tensor) -> float:
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), _CLIP)
        self.optimizer.step()
        self.totals.steps += 1
        return float(loss.detach())

    def _try(self) -> float:
        """Return by how much the best of a few likeliest routes costs more than the labels do."""
        with torch.no_grad():
            node = torch.stack([each.node for each in self.trials])
            decoder = self.net(node, torch.stack([each.edge for each in self.trials]))
        over = []
        for tables, each in zip(tables_of(self.net, decoder), self.trials, strict=True):
            first = np.argsort(each.instance.distance[0, 1:], kind="stable")[:_TRIAL_STARTS] + 1
            found = roll_out(tables, construction_task(each.instance), first, 0.0, 0)
            over.append(found.cost.min() / each.cost - 1.0)
        return float(np.mean(over))

"""Learning to rank successors: a linear model whose softmax over successors is the policy.

Each *choice* is a state with its successors; what is known of a successor are the features in which
it differs from the state, so that features which a choice has in common cost nothing. Good ones are
those on a cheapest way to the goal. The loss is the negative logarithm of their probability, plus
that of the probability of all from which the goal can be reached, plus a hinge that wants the value
of a good one to be lower than the state's, so that values fall along plans (Garrett, Kaelbling &
Lozano-Perez 2016; Chen, Trevizan & Thiebaux 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

Numbers = npt.NDArray[np.int64]


class Choices(NamedTuple):
    """States with their successors; feature numbers below `num_features`."""

    num_features: int
    row: Numbers  # [d] the successor that has
    feature: Numbers  # [d] this feature
    amount: Numbers  # [d] so many times more often than its state
    choice: Numbers  # [s] the choice of each successor, ascending
    good: npt.NDArray[np.bool_]  # [s] on a cheapest way, as far as is known
    dead: npt.NDArray[np.bool_]  # [s] no way leads on from there


@dataclass(frozen=True)
class RankingConfig:
    """How a ranking is learned.

    Attributes:
        decay: weight of half the sum of squared weights, a choice.
        fall: weight of the hinge against the policy's loss.
        dead: weight of dead ends against the policy's loss.
        steps: of L-BFGS, at most.
    """

    decay: float = 1e-4
    fall: float = 0.3
    dead: float = 20.0
    steps: int = 100

    def __post_init__(self) -> None:
        if min(self.decay, self.fall, self.dead) < 0 or self.steps < 1:
            raise ValueError("decay, fall and dead must be at least 0, steps at least 1")


def learn_ranking(
    choices: Choices, config: RankingConfig, first: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.float64]:
    """Return the weight of each feature; lower values are better. L-BFGS from `first` or zeros."""
    weights = torch.zeros(choices.num_features, dtype=torch.float64)
    if first is not None:
        weights = torch.from_numpy(first.copy())
    weights.requires_grad_(True)
    loss = _Loss(choices, config)
    optimizer = torch.optim.LBFGS(
        [weights], max_iter=config.steps, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss(weights)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach().numpy().copy()


def accuracy(choices: Choices, weights: npt.NDArray[np.float64]) -> float:
    """Return in which share of choices the lowest value is a good successor's, ties counted off."""
    amounts = choices.amount * weights[choices.feature]
    value = np.round(np.bincount(choices.row, amounts, len(choices.choice)), 9)
    first = np.flatnonzero(np.diff(choices.choice, prepend=-1))
    least = np.repeat(np.minimum.reduceat(value, first), np.diff([*first, len(value)]))
    best = value == least
    hits = np.add.reduceat((best & choices.good).astype(float), first)
    return float(np.mean(hits / np.add.reduceat(best.astype(float), first)))


class _Loss:
    def __init__(self, choices: Choices, config: RankingConfig) -> None:
        order = np.argsort(choices.row, kind="stable")
        self.size = len(choices.choice)
        row = torch.from_numpy(choices.row[order])
        self.offsets = torch.searchsorted(row, torch.arange(self.size))
        self.feature = torch.from_numpy(choices.feature[order])
        self.amount = torch.from_numpy(choices.amount[order].astype(np.float64))
        self.choice = torch.from_numpy(choices.choice)
        self.good = torch.from_numpy(choices.good)
        self.alive = torch.from_numpy(~choices.dead)
        self.count = int(choices.choice.max()) + 1
        self.config = config

    def __call__(self, weights: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = torch.nn.functional.embedding_bag(
            self.feature, weights[:, None], self.offsets, mode="sum",
            per_sample_weights=self.amount,
        )[:, 0]  # fmt: skip
        everything = self._log_sum(-value, self.choice)
        good = self._log_sum(-value[self.good], self.choice[self.good])
        alive = self._log_sum(-value[self.alive], self.choice[self.alive])
        fall = torch.relu(1.0 + value[self.good])
        falls = torch.zeros(self.count, dtype=value.dtype).index_add(
            0, self.choice[self.good], fall
        )
        many = torch.bincount(self.choice[self.good], minlength=self.count)
        loss = (everything - good).mean() + self.config.dead * (everything - alive).mean()
        loss = loss + self.config.fall * (falls / many).mean()
        return loss + 0.5 * self.config.decay * (weights * weights).sum()

    def _log_sum(self, score: torch.Tensor, choice: torch.Tensor) -> torch.Tensor:
        highest = torch.full((self.count,), -torch.inf, dtype=score.dtype)
        highest = highest.scatter_reduce(0, choice, score.detach(), "amax")
        total = torch.zeros(self.count, dtype=score.dtype).index_add(
            0, choice, torch.exp(score - highest[choice])
        )
        return highest + torch.log(total)

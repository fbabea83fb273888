"""The chance that an open goal of a connection tableau closes, from the goal's hashed features.

It is a network of its own beside the policy's (`connection.py`): what is learned of outcomes leaves
the policy as it is. `B` goals, `F` features of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from tesuji.nets.ragged import Numbers, pick_rows

Reals = npt.NDArray[np.float32]


class ClosingExamples(NamedTuple):
    """Goals, and whether they were closed."""

    feature: Numbers  # [F]
    feature_first: Numbers  # [B + 1]
    closed: Reals  # [B] 0 or 1


class ClosingNet(nn.Module):
    """A sum of embeddings, and what it says of the chance.

    Args:
        buckets: features of goals.
        hidden: units.
        spread: of the first embeddings.
    """

    def __init__(self, buckets: int, hidden: int, spread: float) -> None:
        super().__init__()
        # What means something in one problem only is left out.
        self.goal = nn.EmbeddingBag(
            buckets + 1, hidden, mode="sum", include_last_offset=True, padding_idx=buckets
        )
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.chance = nn.Linear(hidden, 1)
        nn.init.normal_(self.goal.weight, std=spread)
        nn.init.zeros_(self.chance.weight)  # untaught, it gives every goal the same chance
        nn.init.zeros_(self.chance.bias)

    def forward(self, feature: Tensor, first: Tensor) -> Tensor:
        """Return the logits `[B]` of goals with these features."""
        known = feature.clamp(max=self.goal.num_embeddings - 1)
        out: Tensor = self.chance(torch.relu(self.goal(known, first) + self.bias))
        return out[:, 0]


def learn_closing(
    net: ClosingNet, examples: ClosingExamples, epochs: int, seed: int, rate: float, decay: float,
    batch: int,
) -> float:  # fmt: skip
    """Train on what became of goals; return the last epoch's mean cross-entropy, in nats."""
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=decay)
    rng, number = np.random.default_rng(seed), len(examples.closed)
    steps = epochs * -(-number // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps + 1)
    total = 0.0
    for _ in range(epochs):
        total, order = 0.0, rng.permutation(number)
        for start in range(0, number, batch):
            rows = order[start : start + batch]
            feature, first, _ = pick_rows(examples.feature, examples.feature_first, rows)
            logits = net(torch.from_numpy(feature), torch.from_numpy(first))
            closed = torch.from_numpy(examples.closed[rows])
            loss = binary_cross_entropy_with_logits(logits, closed)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(rows)
    return total / max(number, 1)

"""A policy over the steps of connection tableaux: one network reads goals, one reads actions.

Both sum the embeddings of hashed features; the logit of an action is the product of what they make
of the goal and of the action. An action does not change while a problem is searched, so its part is
computed once (`action_rows`), and a goal costs a sum and a small product.

`B` goals, `F` features of them, `A` different actions, `C` candidates of all goals.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tesuji.nets.closing import ClosingNet
from tesuji.nets.config import ConnectionNetConfig
from tesuji.nets.ragged import pick_rows

Numbers = npt.NDArray[np.int32]


class Candidates(NamedTuple):
    """Goals with the steps that could close them, and the one that did."""

    feature: Numbers  # [F]
    feature_first: Numbers  # [B + 1]
    candidate: Numbers  # [C] an action
    candidate_first: Numbers  # [B + 1]
    chosen: Numbers  # [B] place in `candidate`
    weight: npt.NDArray[np.float32]  # [B]


class Actions(NamedTuple):
    """Features of different actions."""

    feature: Numbers
    first: Numbers  # [A + 1]


class ConnectionNet(nn.Module):
    """The two networks, and a third that says which goals will close.

    Args:
        config: their sizes.
        buckets: features of goals, and of actions.

    Attributes:
        closing: the third.
    """

    def __init__(self, config: ConnectionNetConfig, buckets: int) -> None:
        super().__init__()
        self.config, self.buckets = config, buckets
        self.goal = nn.EmbeddingBag(buckets, config.hidden, mode="sum", include_last_offset=True)
        self.goal_bias = nn.Parameter(torch.zeros(config.hidden))
        self.query = nn.Linear(config.hidden, config.width)
        self.action = nn.EmbeddingBag(buckets, config.hidden, mode="sum", include_last_offset=True)
        self.action_bias = nn.Parameter(torch.zeros(config.hidden))
        self.key = nn.Linear(config.hidden, config.width, bias=False)
        for table in (self.goal, self.action):
            nn.init.normal_(table.weight, std=config.spread)
        self.closing = ClosingNet(buckets, config.hidden, config.spread)

    def queries(self, feature: Tensor, first: Tensor) -> Tensor:
        """Return `[B, D]` of goals with these features."""
        out: Tensor = self.query(torch.relu(self.goal(feature, first) + self.goal_bias))
        return out

    def action_rows(self, feature: Tensor, first: Tensor) -> Tensor:
        """Return `[A, D]` of actions with these features."""
        out: Tensor = self.key(torch.relu(self.action(feature, first) + self.action_bias))
        return out


def learn_connections(
    net: ConnectionNet, actions: Actions, lessons: Candidates, epochs: int, seed: int
) -> tuple[float, float]:
    """Train on what closed goals; return mean loss and accuracy of the last epoch.

    The loss is cross-entropy, less `config.entropy` times the policy's entropy: sure policies leave
    a search nothing else to try.
    """
    config = net.config
    optimizer = torch.optim.AdamW(net.parameters(), config.rate, weight_decay=config.decay)
    rng = np.random.default_rng(seed)
    number = len(lessons.chosen)
    steps = epochs * -(-number // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.rate, total_steps=steps + 1)
    losses = hits = 0.0
    for _ in range(epochs):
        losses = hits = 0.0
        order = rng.permutation(number)
        for start in range(0, number, config.batch):
            loss, hit = _step_loss(net, actions, lessons, order[start : start + config.batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            losses += float(loss.detach())
            hits += hit
    batches = -(-number // config.batch)
    return losses / max(batches, 1), hits / max(number, 1)


def _step_loss(
    net: ConnectionNet, actions: Actions, lessons: Candidates, goals: npt.NDArray[np.int64]
) -> tuple[Tensor, float]:
    feature, feature_first, _ = pick_rows(lessons.feature, lessons.feature_first, goals)
    candidate, candidate_first, goal = pick_rows(lessons.candidate, lessons.candidate_first, goals)
    used, row = np.unique(candidate, return_inverse=True)
    action_feature, action_first, _ = pick_rows(actions.feature, actions.first, used)
    queries = net.queries(torch.from_numpy(feature), torch.from_numpy(feature_first))
    rows = net.action_rows(torch.from_numpy(action_feature), torch.from_numpy(action_first))
    of = torch.from_numpy(goal)
    logits = (queries[of] * rows[torch.from_numpy(row)]).sum(1)
    most = torch.from_numpy(np.maximum.reduceat(logits.detach().numpy(), candidate_first[:-1]))
    total = torch.zeros(len(goals)).index_add(0, of, torch.exp(logits - most[of]))
    prior = logits - most[of] - torch.log(total)[of]  # [C] logarithms
    entropy = -torch.zeros(len(goals)).index_add(0, of, prior.exp() * prior)
    place = candidate_first[:-1] + (lessons.chosen - lessons.candidate_first[:-1])[goals]
    right = prior[torch.from_numpy(place)]
    hit = float((logits.detach()[torch.from_numpy(place)] >= most).sum())
    weight = torch.from_numpy(lessons.weight[goals])
    loss = ((-right - net.config.entropy * entropy) * weight).sum() / weight.sum()
    return loss, hit

"""A policy over the steps of connection tableaux: one network reads goals, one reads actions.

Both sum the embeddings of hashed features; the logit of an action is the product of what they make
of the goal and of the action. An action does not change while a problem is searched, so its part is
computed once (`action_rows`), and a goal costs a sum and a small product. A network that reads
graphs (`config.sight`) has a third part, which reads a problem's clauses once and makes embeddings
of its symbols, in each part that they play, and of its literals: they are added to those of
features.

`B` goals, `F` features of them, `A` different actions, `C` candidates of all goals.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from tesuji.nets.clause_graph import ClauseGraphNet, Graphs
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
    problem: Numbers  # [B] number of its graph; empty where there are none
    own_action: Numbers  # [C] number of `candidate` in its problem


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
        self.graph: ClauseGraphNet | None = None
        if config.sight != "names":
            self.graph = ClauseGraphNet(config.graph_width, config.graph_rounds, config.hidden)

    def queries(self, feature: Tensor, first: Tensor, read: Tensor | None = None) -> Tensor:
        """Return `[B, D]` of goals with these features.

        Args:
            feature: of all goals.
            first: `[B + 1]`.
            read: `[R, H]` what the graph network says of features beyond `buckets`.
        """
        if read is None:
            summed = self.goal(feature, first)
        else:
            table = torch.cat([self.goal.weight, read])
            summed = embedding_bag(feature, table, first, mode="sum", include_last_offset=True)
        out: Tensor = self.query(torch.relu(summed + self.goal_bias))
        return out

    def action_rows(self, feature: Tensor, first: Tensor, read: Tensor | None = None) -> Tensor:
        """Return `[A, D]` of actions with these features; `read` `[A, H]` is of the graphs."""
        summed = self.action(feature, first)
        if read is not None:
            summed = summed + read
        out: Tensor = self.key(torch.relu(summed + self.action_bias))
        return out


def learn_connections(
    net: ConnectionNet, actions: Actions, lessons: Candidates, epochs: int, seed: int,
    graphs: Graphs | None = None,
) -> tuple[float, float]:  # fmt: skip
    """Train on what closed goals; return mean loss and accuracy of the last epoch.

    The loss is cross-entropy, less `config.entropy` times the policy's entropy: sure policies leave
    a search nothing else to try. A batch is of goals from anywhere, or, since each graph is read
    anew, of goals of few problems.
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
        if graphs is not None:
            place = rng.permutation(len(graphs.kind_first) - 1)
            order = np.argsort(place[lessons.problem], kind="stable")
        for start in range(0, number, config.batch):
            batch = order[start : start + config.batch]
            loss, hit = _step_loss(net, actions, lessons, batch, graphs)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            losses += float(loss.detach())
            hits += hit
    batches = -(-number // config.batch)
    return losses / max(batches, 1), hits / max(number, 1)


def _step_loss(
    net: ConnectionNet, actions: Actions, lessons: Candidates, goals: npt.NDArray[np.int64],
    graphs: Graphs | None,
) -> tuple[Tensor, float]:  # fmt: skip
    feature, feature_first, owner = pick_rows(lessons.feature, lessons.feature_first, goals)
    candidate, candidate_first, goal = pick_rows(lessons.candidate, lessons.candidate_first, goals)
    said_goals = said_actions = None
    if net.graph is not None:
        assert graphs is not None
        own, _, _ = pick_rows(lessons.own_action, lessons.candidate_first, goals)
        problem = lessons.problem[goals].astype(np.int64)
        read = net.graph.read(graphs, np.unique(problem))
        feature = read.rows(feature, problem[owner], net.buckets)
        said_goals = read.goals
        several = np.stack([candidate, read.action_rows(own, problem[goal])])
        (candidate, own), row = np.unique(several, axis=1, return_inverse=True)
        said_actions, used = read.actions[torch.from_numpy(own)], candidate
    else:
        used, row = np.unique(candidate, return_inverse=True)
    action_feature, action_first, _ = pick_rows(actions.feature, actions.first, used)
    queries = net.queries(torch.from_numpy(feature), torch.from_numpy(feature_first), said_goals)
    rows = net.action_rows(
        torch.from_numpy(action_feature), torch.from_numpy(action_first), said_actions
    )
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

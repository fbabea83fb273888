"""A graph network that reads a problem's clauses and knows no names.

Each round every node hears the mean of its neighbours and how many there are, apart for each kind
of edge and direction (relational graph convolutions, Schlichtkrull et al. 2018), and keeps what it
knew (residual). What comes out is added to the sums of hashed features that `connection.py` makes
of goals and actions.

`N` nodes, `E` edges, `W` width, `H` hidden units, `S` symbols, `L` literals.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tesuji.nets.ragged import pick_rows

Numbers = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]

NODE_KINDS, EDGE_KINDS, ROLES = 15, 6, 8


class Graphs(NamedTuple):
    """The clauses of `P` problems as graphs: symbols first, then terms, literals, clauses."""

    kind: Numbers  # of all nodes
    kind_first: Numbers  # [P + 1]
    whole: Numbers  # of all edges: a node, counted in its problem
    part: Numbers
    edge: Numbers
    edge_first: Numbers  # [P + 1]
    sizes: Numbers  # [P, 4] symbols, terms, literals, clauses


class Reading(NamedTuple):
    """What the network says of some problems.

    Attributes:
        goals: a row `[H]` for each symbol in each of its roles, then for each literal.
        actions: a row `[H]` for an extension by each literal, then two for each symbol: reductions
            with goals of either sign.
        place: of a problem among those that were read.
        symbols: that come before those of each problem; in the end, how many there are.
        literals: likewise.
    """

    goals: Tensor
    actions: Tensor
    place: dict[int, int]
    symbols: Places
    literals: Places

    def rows(self, feature: Places, problem: Places, buckets: int) -> Places:
        """Return which row of `[hashed features, goals]` each feature of a problem's goals is."""
        at = self._at(problem)
        own = feature - buckets
        count = (self.symbols[at + 1] - self.symbols[at]) * ROLES
        symbol = own + self.symbols[at] * ROLES
        literal = own - count + self.literals[at] + self.symbols[-1] * ROLES
        return np.where(own < 0, feature, buckets + np.where(own < count, symbol, literal))

    def action_rows(self, action: Places, problem: Places) -> Places:
        """Return which row of `actions` each action of a problem is."""
        at = self._at(problem)
        count = self.literals[at + 1] - self.literals[at]
        reduction = action - count + 2 * self.symbols[at] + self.literals[-1]
        return np.where(action < count, action + self.literals[at], reduction)

    def _at(self, problem: Places) -> Places:
        numbers, inverse = np.unique(problem, return_inverse=True)
        return np.array([self.place[int(each)] for each in numbers], np.int64)[inverse]


class ClauseGraphNet(nn.Module):
    """The network.

    Args:
        width: of embeddings.
        rounds: of messages.
        hidden: of what it says.
    """

    def __init__(self, width: int, rounds: int, hidden: int) -> None:
        super().__init__()
        self.start = nn.Embedding(NODE_KINDS, width)
        self.hear = nn.ModuleList(
            nn.Linear(2 * EDGE_KINDS * (width + 1), width) for _ in range(rounds)
        )
        self.norm = nn.ModuleList(nn.LayerNorm(width) for _ in range(rounds))
        self.roles = nn.Linear(width, ROLES * hidden)
        self.origin = nn.Linear(width, hidden)
        self.extension = nn.Linear(width, hidden)
        self.reduction = nn.Linear(width, 2 * hidden)

    def forward(self, kind: Tensor, whole: Tensor, part: Tensor, edge: Tensor) -> Tensor:
        """Return embeddings `[N, W]` of nodes of these kinds, with these edges."""
        nodes, kinds = len(kind), 2 * EDGE_KINDS
        to = torch.cat([whole * kinds + 2 * edge, part * kinds + 2 * edge + 1])
        sender = torch.cat([part, whole])
        count = torch.zeros(nodes * kinds).index_add_(0, to, torch.ones(len(to)))
        share = (1.0 / count.clamp(min=1.0))[to][:, None]
        degrees = torch.log1p(count).view(nodes, kinds)
        state: Tensor = self.start(kind)
        for hear, norm in zip(self.hear, self.norm, strict=True):
            heard = torch.zeros(nodes * kinds, state.shape[1])
            heard = heard.index_add(0, to, state[sender] * share)
            both = torch.cat([heard.view(nodes, -1), degrees], 1)
            state = norm(state + torch.relu(hear(both)))
        return state

    def read(self, graphs: Graphs, problems: Places) -> Reading:
        """Read the graphs of some problems, each of which is named once."""
        kind, node_first, _ = pick_rows(graphs.kind, graphs.kind_first, problems)
        edge, _, of = pick_rows(graphs.edge, graphs.edge_first, problems)
        whole, part = (
            torch.from_numpy(pick_rows(side, graphs.edge_first, problems)[0] + node_first[of])
            for side in (graphs.whole, graphs.part)
        )
        state = self(torch.from_numpy(kind), whole, part, torch.from_numpy(edge))
        sizes = graphs.sizes[problems].astype(np.int64)
        symbols = state[_spans(node_first[:-1], sizes[:, 0])]
        literals = state[_spans(node_first[:-1] + sizes[:, 0] + sizes[:, 1], sizes[:, 2])]
        hidden = self.origin.out_features
        return Reading(
            torch.cat([self.roles(symbols).view(-1, hidden), self.origin(literals)]),
            torch.cat([self.extension(literals), self.reduction(symbols).view(-1, hidden)]),
            {int(number): at for at, number in enumerate(problems)},
            np.concatenate([[0], np.cumsum(sizes[:, 0])]),
            np.concatenate([[0], np.cumsum(sizes[:, 2])]),
        )


def _spans(start: Places, count: Places) -> Tensor:
    ends = np.cumsum(count)
    within = np.arange(ends[-1]) - np.repeat(ends - count, count)
    return torch.from_numpy(np.repeat(start, count) + within)

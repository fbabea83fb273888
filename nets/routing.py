"""A network that reads a routing instance: attention over nodes, tables for a pointer decoder.

Encoder and decoder of Kool, van Hoof & Welling 2019. Beside the pointer, a small network scores
each edge by its length as its neighbourhood sees it, which serves instances larger than those it
learned on (as local policies do, Gao et al. 2024). What depends on the vehicle is a query and a
factor only, so that a rollout needs no torch (`search/routing/construct.py`).

`B` instances, `N` nodes, `D` width, `S` moves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from tesuji.nets.config import RouteNetConfig

NODE_FEATURES, EDGE_FEATURES = 8, 9
_NEAR = 5  # neighbours whose distance is a neighbourhood's scale
_CLIP = 10.0
_FAR = -1e30  # the logit of what is not allowed
_EDGE_HIDDEN = 32


class Decoder(NamedTuple):
    """What the pointer needs of instances."""

    query: Tensor  # [B, N, D]
    load: Tensor  # [D]
    key: Tensor  # [B, N, D]
    value: Tensor  # [B, N, D]
    point: Tensor  # [B, N, D]
    edge: Tensor  # [B, N, N]


class Moves(NamedTuple):
    """Moves of rollouts, of which the log-probability is asked."""

    at: Tensor  # [B, S] where the vehicle is
    free: Tensor  # [B, S] its free capacity, as a part of the whole
    allowed: Tensor  # [B, S, N]
    taken: Tensor  # [B, S]


def describe_instance(
    distance: npt.NDArray[np.int64],
    demand: npt.NDArray[np.int64],
    capacity: int,
    coordinates: npt.NDArray[np.float64] | None,
) -> tuple[Tensor, Tensor]:
    """Return the features of nodes `[N, NODE_FEATURES]` and edges `[N, N, EDGE_FEATURES]`.

    Args:
        distance: `[N, N]`.
        demand: `[N]`.
        capacity: of a vehicle.
        coordinates: `[N, 2]`; where there are none, the plane that fits the distances best is
            taken (classical scaling).
    """
    apart = (distance + distance.T) / 2.0
    where = _plane(apart) if coordinates is None else coordinates
    far = max(float(apart[0].max()), 1e-9)
    where = (where - where[0]) / max(float(np.abs(where - where[0]).max()), 1e-9)
    share = demand / capacity
    nodes = len(demand)
    order = np.argsort(apart, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(nodes)[None, :].repeat(nodes, 0), 1)
    near = np.take_along_axis(apart, order[:, 1 : _NEAR + 1], 1).mean(1) + 1e-6 * far
    depot = apart[0] / far
    is_depot = (np.arange(nodes) == 0).astype(float)
    fill = np.full(nodes, share[1:].mean())
    node = [where[:, 0], where[:, 1], share, depot, near / far * np.sqrt(nodes), is_depot,
            np.log(fill), np.log(near / near.mean())]  # fmt: skip
    savings = (depot[:, None] + depot[None, :] - apart / far) / (
        depot[:, None] + depot[None, :] + 1e-6
    )
    ones = np.ones((nodes, nodes))
    edge = [
        np.log1p(apart / near[:, None]), np.log1p(apart / near[None, :]), np.exp(-rank / 4.0),
        np.exp(-rank.T / 4.0), savings, ones * depot, ones * is_depot, is_depot[:, None] * ones,
        ones * share,
    ]  # fmt: skip
    return (
        torch.from_numpy(np.stack(node, 1).astype(np.float32)),
        torch.from_numpy(np.stack(edge, 2).astype(np.float32)),
    )


def _plane(apart: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    squares = apart**2
    centred = squares - squares.mean(0) - squares.mean(1)[:, None] + squares.mean()
    values, vectors = np.linalg.eigh(-centred / 2.0)
    plane: npt.NDArray[np.float64] = vectors[:, -2:] * np.sqrt(np.maximum(values[-2:], 0.0))
    return plane


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.mix_in = nn.Linear(width, 3 * width)
        self.mix_out = nn.Linear(width, width)
        self.near = nn.Parameter(torch.linspace(0.0, 2.0, heads))  # how much heads mind distance
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, nodes: Tensor, apart: Tensor) -> Tensor:
        batch, count, width = nodes.shape
        parts = self.mix_in(self.first(nodes)).view(batch, count, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        bias = -self.near[:, None, None] * apart[:, None]
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        nodes = nodes + self.mix_out(seen.transpose(1, 2).reshape(batch, count, width))
        hidden = functional.relu(self.widen(self.second(nodes)))
        wider: Tensor = nodes + self.narrow(hidden)
        return wider


class RouteNet(nn.Module):
    """Reads instances of one size at once; sizes may differ from batch to batch."""

    def __init__(self, config: RouteNetConfig) -> None:
        super().__init__()
        width = config.width
        self.config = config
        self.enter = nn.Linear(NODE_FEATURES, width)
        self.layers = nn.ModuleList(_Layer(width, config.heads) for _ in range(config.layers))
        self.leave = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.load = nn.Parameter(torch.zeros(width))
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.point = nn.Linear(width, width, bias=False)
        self.edge = nn.Sequential(
            nn.Linear(EDGE_FEATURES, _EDGE_HIDDEN), nn.ReLU(), nn.Linear(_EDGE_HIDDEN, 1)
        )

    def forward(self, node: Tensor, edge: Tensor) -> Decoder:
        """Return the decoder's tables.

        Args:
            node: `[B, N, NODE_FEATURES]`.
            edge: `[B, N, N, EDGE_FEATURES]`.
        """
        nodes = self.enter(node)
        for layer in self.layers:
            nodes = layer(nodes, edge[..., 0])
        nodes = self.leave(nodes)
        head, width = self.config.width // self.config.heads, self.config.width
        return Decoder(
            self.query(nodes) / head**0.5, self.load / head**0.5, self.key(nodes),
            self.value(nodes), self.point(nodes) / width**0.5, self.edge(edge)[..., 0],
        )  # fmt: skip

    def log_probability(self, decoder: Decoder, moves: Moves) -> Tensor:
        """Return the log-probability of each move `[B, S]`."""
        batch, many = moves.at.shape
        heads, width = self.config.heads, self.config.width
        index = moves.at[..., None].expand(-1, -1, width)
        query = decoder.query.gather(1, index) + moves.free[..., None] * decoder.load

        def split(rows: Tensor) -> Tensor:
            return rows.view(batch, -1, heads, width // heads).transpose(1, 2)

        bias = torch.where(moves.allowed, 0.0, _FAR)
        seen = functional.scaled_dot_product_attention(
            split(query), split(decoder.key), split(decoder.value), attn_mask=bias[:, None],
            scale=1.0,
        )  # fmt: skip
        seen = seen.transpose(1, 2).reshape(batch, many, width)
        pointed = _CLIP * torch.tanh(seen @ decoder.point.transpose(1, 2))
        wide = moves.at[..., None].expand(-1, -1, decoder.edge.shape[-1])
        logits = pointed + decoder.edge.gather(1, wide) + bias
        return functional.log_softmax(logits, 2).gather(2, moves.taken[..., None])[..., 0]

"""The heads of a network: policies of three kinds, the value, and those that only training hears.

`C` is channels, `H` and `W` the board, `E` actions that are no cells, `K` returns of the value.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from tesuji.nets.config import ResNetConfig
from tesuji.nets.value import WIN_DRAW_LOSS, value_support
from tesuji.search.base import DomainSpec


class CellPolicy(nn.Module):
    """Actions are cells, `p * H * W + cell`, then extra ones from the pooled board."""

    def __init__(self, channels: int, pooled: int, planes: int, extra: int) -> None:
        super().__init__()
        self.planes = nn.Conv2d(channels, planes, 1)
        self.extra = nn.Linear(pooled, extra) if extra else None

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:
        """Return logits `[B, P * H * W + E]`."""
        logits = self.planes(hidden).flatten(1)
        if self.extra is None:
            return logits  # type: ignore[no-any-return]
        return torch.cat([logits, self.extra(pooled)], 1)


class ColumnPolicy(nn.Module):
    """Actions are the board's columns: the same weights judge each of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.column = nn.Conv2d(2 * channels, 1, 1)

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:
        """Return logits `[B, W]`."""
        del pooled
        rows = [hidden.mean(2, keepdim=True), hidden.amax(2, keepdim=True)]
        return self.column(torch.cat(rows, 1)).flatten(1)  # type: ignore[no-any-return]


class PooledPolicy(nn.Module):
    """Any other actions, from the pooled board; its size is that of the action space."""

    def __init__(self, pooled: int, num_actions: int) -> None:
        super().__init__()
        self.logits = nn.Linear(pooled, num_actions)

    def forward(self, hidden: Tensor, pooled: Tensor) -> Tensor:
        """Return logits `[B, A]`."""
        del hidden
        return self.logits(pooled)  # type: ignore[no-any-return]


def policy_head(config: ResNetConfig, spec: DomainSpec) -> nn.Module:
    """Return the policy head that suits a domain's actions."""
    pooled = 2 * config.channels
    if spec.policy_planes:
        return CellPolicy(config.head_channels, pooled, spec.policy_planes, spec.num_extra_actions)
    if spec.num_actions == spec.observation_shape[2]:
        return ColumnPolicy(config.head_channels)
    return PooledPolicy(pooled, spec.num_actions)


def value_head(inputs: int, spec: DomainSpec) -> nn.Linear:
    """Return the last layer of a value head; beyond wins and losses it starts near 0."""
    support = value_support(spec)
    head = nn.Linear(inputs, len(support))
    if len(support) != len(WIN_DRAW_LOSS):
        # All bins alike would mean the middle of the range, which may be far from any return.
        distance = np.abs(np.arange(len(support)) - np.abs(support).argmin())
        with torch.no_grad():
            head.bias.copy_(torch.from_numpy(-distance.astype(np.float32)))
    return head


class AuxiliaryHeads(nn.Module):
    """Heads that only training hears: they make the tower learn what it would find out late.

    The opponent's reply, ownership and score lead are KataGo's (Wu 2019, arXiv:1902.10565).
    """

    def __init__(self, config: ResNetConfig, spec: DomainSpec) -> None:
        super().__init__()
        self.reply = policy_head(config, spec) if config.reply else None
        self.owners = nn.Conv2d(config.channels, 1, 1) if config.territory else None
        self.lead = nn.Linear(2 * config.channels, 1) if config.territory else None

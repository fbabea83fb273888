"""The networks: observations in, policy and value logits out.

`forward(observations)` takes `[B, *observation_shape]` and returns `(policy_logits [B, A],
value_logits [B, K])` over the returns of `value_support`: in games for two win, draw and loss of
the side to move. `C` is channels, `H` and `W` the board, `E` actions that are no cells (a pass).
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from tesuji.nets.config import MLPConfig, NetConfig, ResNetConfig
from tesuji.nets.value import WIN_DRAW_LOSS, value_support
from tesuji.search.base import DomainSpec

__all__ = ["MLP", "MLPConfig", "NetConfig", "ResNet", "ResNetConfig", "build"]


def build(config: NetConfig, spec: DomainSpec) -> nn.Module:
    """Return a new network for a domain; torch's random state decides its weights."""
    _check_spatial_policy(spec)
    if isinstance(config, MLPConfig):
        return MLP(config, spec)
    return ResNet(config, spec)


def _check_spatial_policy(spec: DomainSpec) -> None:
    if spec.policy_planes == 0:
        return
    cells = math.prod(spec.observation_shape[1:])
    actions = spec.policy_planes * cells + spec.num_extra_actions
    if len(spec.observation_shape) != 3 or actions != spec.num_actions:
        raise ValueError(
            f"{spec.name}: {spec.policy_planes} policy planes on an observation "
            f"{spec.observation_shape} and {spec.num_extra_actions} extra actions make {actions} "
            f"actions, but num_actions is {spec.num_actions}"
        )


def _pool_board(x: Tensor) -> Tensor:
    """Return mean and maximum over the board, `[B, C, H, W]` to `[B, 2 C]`."""
    return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)


class ConvNorm(nn.Module):
    """A convolution and its batch norm; `fold` makes them one convolution for inference."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, outputs, H, W]`."""
        return self.norm(self.conv(x))  # type: ignore[no-any-return]

    def fold(self) -> None:
        """Put the running statistics into the convolution, in place."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = nn.utils.fusion.fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class Block(nn.Module):
    """A residual block; with `pooling`, what the whole board holds reaches every cell.

    The pooled bias is KataGo's (Wu 2019, arXiv:1902.10565), added at the block's end so that
    both convolutions stay plain and fast.
    """

    def __init__(self, channels: int, pooling: bool) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3)
        self.second = ConvNorm(channels, channels, 3)
        self.pooled = nn.Linear(2 * channels, channels) if pooling else None

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, C, H, W]`."""
        hidden = relu(self.first(x))
        if self.pooled is not None:
            x = x + self.pooled(_pool_board(hidden))[:, :, None, None]
        return relu(self.second(hidden) + x)


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


def _policy_head(config: ResNetConfig, spec: DomainSpec) -> nn.Module:
    pooled = 2 * config.channels
    if spec.policy_planes:
        return CellPolicy(config.head_channels, pooled, spec.policy_planes, spec.num_extra_actions)
    if spec.num_actions == spec.observation_shape[2]:
        return ColumnPolicy(config.head_channels)
    return PooledPolicy(pooled, spec.num_actions)


def _value_head(inputs: int, spec: DomainSpec) -> nn.Linear:
    """Return the last layer of a value head; beyond wins and losses it starts near 0."""
    support = value_support(spec)
    head = nn.Linear(inputs, len(support))
    if len(support) != len(WIN_DRAW_LOSS):
        # All bins alike would mean the middle of the range, which may be far from any return.
        distance = np.abs(np.arange(len(support)) - np.abs(support).argmin())
        with torch.no_grad():
            head.bias.copy_(torch.from_numpy(-distance.astype(np.float32)))
    return head


class ResNet(nn.Module):
    """A residual tower with pooling blocks and heads that work on any board size."""

    def __init__(self, config: ResNetConfig, spec: DomainSpec) -> None:
        super().__init__()
        if len(spec.observation_shape) != 3:
            raise ValueError(
                f"{spec.name}: a residual net needs observations (C, H, W), got "
                f"{spec.observation_shape}; choose the mlp"
            )
        channels, every = config.channels, config.pool_every
        self.stem = ConvNorm(spec.observation_shape[0], channels, 3)
        self.blocks = nn.Sequential(
            *(Block(channels, every > 0 and i % every == every - 1) for i in range(config.blocks))
        )
        self.policy_hidden = ConvNorm(channels, config.head_channels, 1)
        self.policy_pooled = nn.Linear(2 * channels, config.head_channels)
        self.policy = _policy_head(config, spec)
        self.value_hidden = nn.Linear(2 * channels, config.value_hidden)
        self.value = _value_head(config.value_hidden, spec)
        self.register_buffer("support", torch.from_numpy(value_support(spec)), persistent=False)
        self._start_as_identity()

    def _start_as_identity(self) -> None:
        """Let each block add nothing at first, so that deep towers train from the first step."""
        for block in self.blocks:
            assert isinstance(block, Block)
            nn.init.zeros_(block.second.norm.get_parameter("weight"))
            if block.pooled is not None:
                nn.init.zeros_(block.pooled.weight)
                nn.init.zeros_(block.pooled.bias)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(policy_logits [B, A], value_logits [B, K])`."""
        x = self.blocks(relu(self.stem(observations)))
        pooled = _pool_board(x)
        bias = self.policy_pooled(pooled)[:, :, None, None]
        policy = self.policy(relu(self.policy_hidden(x) + bias), pooled)
        return policy, self.value(relu(self.value_hidden(pooled)))


class MLP(nn.Module):
    """A perceptron for observations of any shape; its size is fixed by the domain."""

    def __init__(self, config: MLPConfig, spec: DomainSpec) -> None:
        super().__init__()
        sizes = [math.prod(spec.observation_shape)] + [config.hidden] * config.layers
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.policy = nn.Linear(config.hidden, spec.num_actions)
        self.value = _value_head(config.hidden, spec)
        self.register_buffer("support", torch.from_numpy(value_support(spec)), persistent=False)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(policy_logits [B, A], value_logits [B, K])`."""
        x = observations.flatten(1)
        for layer in self.layers:
            x = relu(layer(x))
        return self.policy(x), self.value(x)

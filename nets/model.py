"""The networks: observations in, policy and value logits out.

`forward(observations)` takes `[B, *observation_shape]` and returns `(policy_logits [B, A],
value_logits [B, K])` over the returns of `value_support`: in games for two win, draw and loss of
the side to move. `learn` adds what the auxiliary heads say, which only training hears. `C` is
channels, `H` and `W` the board, `E` actions that are no cells (a pass).
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from tesuji.nets.config import MLPConfig, NetConfig, ResNetConfig
from tesuji.nets.heads import AuxiliaryHeads, policy_head, value_head
from tesuji.nets.value import value_support
from tesuji.search.base import DomainSpec

__all__ = ["MLP", "MLPConfig", "NetConfig", "Outputs", "ResNet", "ResNetConfig", "build"]


class Outputs(NamedTuple):
    """All that a network says; None where it has no head for it."""

    policy: Tensor  # [B, A] logits
    value: Tensor  # [B, K] logits
    reply: Tensor | None = None  # [B, A] logits of the policy of the next move
    owners: Tensor | None = None  # [B, H * W] logits of the cell being the mover's at the end
    lead: Tensor | None = None  # [B] by how much the mover will lead, in sides of the board


def build(config: NetConfig, spec: DomainSpec) -> MLP | ResNet:
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


class ResNet(nn.Module):
    """A residual tower with pooling blocks and heads that work on any board size."""

    auxiliary: AuxiliaryHeads | None

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
        pool = config.pool_policy
        self.policy_pooled = nn.Linear(2 * channels, config.head_channels) if pool else None
        self.policy = policy_head(config, spec)
        self.value_hidden = nn.Linear(2 * channels, config.value_hidden)
        self.value = value_head(config.value_hidden, spec)
        self.register_buffer("support", torch.from_numpy(value_support(spec)), persistent=False)
        self.auxiliary = None
        if config.reply or config.territory:
            self.auxiliary = AuxiliaryHeads(config, spec)
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
        _, hidden, pooled = self._see(observations)
        return self.policy(hidden, pooled), self.value(relu(self.value_hidden(pooled)))

    def learn(self, observations: Tensor) -> Outputs:
        """Return all that there are heads for."""
        x, hidden, pooled = self._see(observations)
        policy, value = self.policy(hidden, pooled), self.value(relu(self.value_hidden(pooled)))
        heads = self.auxiliary
        if heads is None:
            return Outputs(policy, value)
        return Outputs(
            policy,
            value,
            None if heads.reply is None else heads.reply(hidden, pooled),
            None if heads.owners is None else heads.owners(x).flatten(1),
            None if heads.lead is None else heads.lead(pooled)[:, 0],
        )

    def _see(self, observations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the tower's board, what the policy heads see of it, and what was pooled."""
        x = self.blocks(relu(self.stem(observations)))
        pooled = _pool_board(x)
        hidden = self.policy_hidden(x)
        if self.policy_pooled is not None:
            hidden = hidden + self.policy_pooled(pooled)[:, :, None, None]
        return x, relu(hidden), pooled


class MLP(nn.Module):
    """A perceptron for observations of any shape; its size is fixed by the domain."""

    auxiliary: nn.Linear | None  # the policy of the next move

    def __init__(self, config: MLPConfig, spec: DomainSpec) -> None:
        super().__init__()
        sizes = [math.prod(spec.observation_shape)] + [config.hidden] * config.layers
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(sizes))
        self.policy = nn.Linear(config.hidden, spec.num_actions)
        self.value = value_head(config.hidden, spec)
        self.register_buffer("support", torch.from_numpy(value_support(spec)), persistent=False)
        self.auxiliary = nn.Linear(config.hidden, spec.num_actions) if config.reply else None

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Return `(policy_logits [B, A], value_logits [B, K])`."""
        x = self._see(observations)
        return self.policy(x), self.value(x)

    def learn(self, observations: Tensor) -> Outputs:
        """Return all that there are heads for."""
        x = self._see(observations)
        reply = None if self.auxiliary is None else self.auxiliary(x)
        return Outputs(self.policy(x), self.value(x), reply)

    def _see(self, observations: Tensor) -> Tensor:
        x = observations.flatten(1)
        for layer in self.layers:
            x = relu(layer(x))
        return x

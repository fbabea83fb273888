"""What a network looks like: one frozen dataclass per kind, light to import (no torch)."""

from __future__ import annotations

from dataclasses import dataclass


def _check_at_least(config: object, minimum: int, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        if value < minimum:
            raise ValueError(f"{name} must be at least {minimum}, got {value}")


@dataclass(frozen=True)
class ResNetConfig:
    """A residual convolution net; none of its weights depends on the size of the board.

    Attributes:
        channels: channels of the trunk.
        blocks: residual blocks of two 3x3 convolutions each.
        pool_every: every k-th block adds what it pooled from the whole board; 0 for none.
        pool_policy: whether the policy head, too, sees what was pooled from the whole board.
        head_channels: channels of the 1x1 convolution that starts the policy head.
        value_hidden: hidden units of the value head.
        reply: whether it learns the policy of the next move beside its own.
        territory: whether it learns who will own each cell, and by how much.
    """

    channels: int = 64
    blocks: int = 5
    pool_every: int = 2
    pool_policy: bool = True
    head_channels: int = 32
    value_hidden: int = 64
    reply: bool = False
    territory: bool = False

    def __post_init__(self) -> None:
        _check_at_least(self, 1, "channels", "head_channels", "value_hidden")
        _check_at_least(self, 0, "blocks", "pool_every")


@dataclass(frozen=True)
class MLPConfig:
    """A plain multi-layer perceptron over the flattened observation.

    Attributes:
        hidden: units of each hidden layer.
        layers: number of hidden layers.
        reply: whether it learns the policy of the next move beside its own.
    """

    hidden: int = 128
    layers: int = 3
    reply: bool = False

    def __post_init__(self) -> None:
        _check_at_least(self, 1, "hidden", "layers")


NetConfig = ResNetConfig | MLPConfig


@dataclass(frozen=True)
class RouteNetConfig:
    """A network that reads routing instances; none of its weights depends on their size.

    Attributes:
        width: of a node's embedding.
        heads: of attention; they divide the width.
        layers: of the encoder.
    """

    width: int = 64
    heads: int = 4
    layers: int = 3

    def __post_init__(self) -> None:
        _check_at_least(self, 1, "width", "heads", "layers")
        if self.width % self.heads:
            raise ValueError(f"heads must divide width, got {self.heads} and {self.width}")

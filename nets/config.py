"""What a network looks like: one frozen dataclass per kind, light to import (no torch)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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


@dataclass(frozen=True)
class ConnectionNetConfig:
    """Sizes and training of a policy over the steps of connection tableaux.

    Attributes:
        sight: what it reads: `names` of symbols, the clauses as a `graph` without names, or `both`.
        graph_width: of the graph network's embeddings.
        graph_rounds: of its messages.
        hidden: units that read a goal, and as many an action.
        width: of what the two make, whose product is a logit.
        spread: of the first embeddings.
        entropy: weight of the policy's entropy against the loss.
        rate: of learning, at its height.
        decay: of weights, a step.
        batch: goals of a step.
    """

    sight: Literal["names", "graph", "both"] = "graph"
    graph_width: int = 24
    graph_rounds: int = 3
    hidden: int = 48
    width: int = 32
    spread: float = 0.1
    entropy: float = 0.3
    rate: float = 0.003
    decay: float = 0.01
    batch: int = 256

    def __post_init__(self) -> None:
        if self.sight not in ("names", "graph", "both"):
            raise ValueError(f"sight must be names, graph or both, got {self.sight!r}")
        for name in ("hidden", "width", "batch", "graph_width", "graph_rounds"):
            if not 1 <= getattr(self, name) <= 4096:
                raise ValueError(f"{name} must be 1 to 4096, got {getattr(self, name)}")
        if min(self.spread, self.entropy, self.decay) < 0 or not 0.0 < self.rate < 1.0:
            raise ValueError("spread, entropy and decay must be at least 0, rate above 0, below 1")


@dataclass(frozen=True)
class ControlNetConfig:
    """Sizes of the networks for continuous control: policy and value, of two hidden layers each.

    Attributes:
        hidden: units of a layer.
        bins: that the range of returns is divided into.
    """

    hidden: int = 64
    bins: int = 51

    def __post_init__(self) -> None:
        _check_at_least(self, 1, "hidden")
        _check_at_least(self, 4, "bins")

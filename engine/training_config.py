"""What a training run is told: frozen settings, light to import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tesuji.nets.config import MLPConfig, ResNetConfig


@dataclass(frozen=True)
class NetSettings:
    """What network to make.

    Attributes:
        kind: `resnet` for boards, `mlp` for anything; `auto` looks at the observation.
        channels: resnet: channels of the trunk.
        blocks: resnet: residual blocks.
        pool_every: resnet: every k-th block sees the whole board (global pooling); 0 for none.
        pool_policy: resnet: whether the policy head sees the whole board, too.
        hidden: mlp: units of a layer.
        layers: mlp: hidden layers.
    """

    kind: Literal["auto", "resnet", "mlp"] = "auto"
    channels: int = 32
    blocks: int = 5
    pool_every: int = 2
    pool_policy: bool = True
    hidden: int = 128
    layers: int = 3

    def config(
        self, observation_shape: tuple[int, ...], *, reply: bool = False, territory: bool = False
    ) -> ResNetConfig | MLPConfig:
        """Return the network's configuration for observations of this shape, and its extra heads.

        Raises:
            ValueError: a perceptron was to learn territory, for which it has no cells.
        """
        if self.kind == "mlp" or (self.kind == "auto" and len(observation_shape) != 3):
            if territory:
                raise ValueError("an mlp learns no territory; choose a resnet or weights of 0")
            return MLPConfig(self.hidden, self.layers, reply=reply)
        return ResNetConfig(
            self.channels,
            self.blocks,
            self.pool_every,
            self.pool_policy,
            reply=reply,
            territory=territory,
        )


@dataclass(frozen=True)
class SelfPlayConfig:
    """How games are played against oneself.

    Attributes:
        lanes: independent streams of games; more workers than lanes have nothing to do. The games
            depend on the lanes, not on the workers.
        games: games that one lane plays at once; 0 takes 256, or fewer where boards are large, so
            that an iteration stays short.
        moves: moves of every game in one iteration.
        simulations: simulations of a full search.
        fast_simulations: simulations of a fast search, which explores nothing and whose policy is
            not learned (playout-cap randomisation, Wu 2019, section 3.1).
        full_share: share of moves that are searched in full; below 1 is playout-cap randomisation.
        search: `gumbel`, or `puct` with noise at the root and moves drawn by visits.
        lookahead: plies of exact look-ahead at a leaf, fewer where there are many moves.
        leaf_proofs: whether leaves with few moves are asked of a proof search, in the games where
            that pays.
        cache_entries: evaluations kept by position in each lane.
        gumbel_scale: gumbel: how much the root explores.
        dirichlet_fraction: puct: share of noise in the root's priors.
        forced_playouts: puct: factor k of forced playouts and policy-target pruning (Wu 2019,
            section 3.2, where it is 2); 0 for none.
        opening_share: share of games that begin with random moves.
        opening_plies: at most so many.
    """

    lanes: int = 2
    games: int = 0
    moves: int = 16
    simulations: int = 40
    fast_simulations: int = 16
    full_share: float = 1.0
    search: Literal["gumbel", "puct"] = "gumbel"
    lookahead: int = 3
    leaf_proofs: bool = True
    cache_entries: int = 262_144
    gumbel_scale: float = 1.0
    dirichlet_fraction: float = 0.25
    forced_playouts: float = 0.0
    opening_share: float = 0.7
    opening_plies: int = 20

    def __post_init__(self) -> None:
        if self.games < 0:
            raise ValueError(f"games must be at least 0, got {self.games}")
        for name in ("lanes", "moves", "simulations", "fast_simulations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("full_share", "opening_share", "dirichlet_fraction"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be between 0 and 1, got {getattr(self, name)}")
        if self.forced_playouts < 0:
            raise ValueError(f"forced_playouts must be at least 0, got {self.forced_playouts}")
        if self.forced_playouts and self.search != "puct":
            raise ValueError("forced_playouts are PUCT's; set search to puct as well")


@dataclass(frozen=True)
class WindowConfig:
    """How many of the newest positions are learned from.

    The window grows as a power of the number of all positions so far (KataGo, Wu 2019,
    https://arxiv.org/abs/1902.10565, appendix C):
    `start * (1 + slope * ((total / start) ** exponent - 1) / exponent)`, up to `capacity`.

    Attributes:
        capacity: the most positions that are ever held.
        start: while there are fewer, all count; `start = capacity` is a fixed window.
        exponent: 1 makes the window a constant share of all positions.
        slope: positions that the window gains for each new one, at `start`.
        full_only: whether only positions that were searched in full are learned from, as in the
            paper; else the value is learned from all of them.
    """

    capacity: int = 500_000
    start: int = 50_000
    exponent: float = 0.75
    slope: float = 0.4
    full_only: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.start <= self.capacity:
            raise ValueError(
                f"window: start must be from 1 to capacity ({self.capacity}), got {self.start}"
            )
        if not (self.exponent > 0 and 0 <= self.slope <= 1):
            raise ValueError(
                "window: exponent must be above 0 and slope from 0 to 1, "
                f"got {self.exponent} and {self.slope}"
            )

    def size(self, total: int) -> int:
        """Return how many of `total` positions count."""
        if total <= self.start:
            return total
        growth = ((total / self.start) ** self.exponent - 1) / self.exponent
        return min(self.capacity, total, int(self.start * (1 + self.slope * growth)))


@dataclass(frozen=True)
class LearningConfig:
    """How the network learns from the window.

    Attributes:
        batch_size: positions of one step.
        reuse: times that a new position is learned from, on average.
        learning_rate: of AdamW, after the warm-up.
        final_rate: share of the learning rate that is left at the end.
        decay_start: share of the run after which the rate falls.
        warmup_steps: steps in which the rate rises from 0.
        weight_decay: of AdamW.
        clip: largest norm of the gradient.
        value_mix: share of the search's root value in the value target; the rest is the outcome.
        value_weight: weight of the value loss against the policy loss.
        average: decay of the exponential moving average of the weights, the net that plays.
    """

    batch_size: int = 512
    reuse: float = 6.0
    learning_rate: float = 2e-3
    final_rate: float = 0.05
    decay_start: float = 0.6
    warmup_steps: int = 50
    weight_decay: float = 1e-4
    clip: float = 5.0
    value_mix: float = 0.5
    value_weight: float = 1.0
    average: float = 0.99

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {self.batch_size}")
        for name in ("reuse", "learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("value_mix", "average", "final_rate", "decay_start"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be between 0 and 1, got {getattr(self, name)}")


@dataclass(frozen=True)
class AuxiliaryConfig:
    """What the network learns beside policy and value (KataGo, Wu 2019, sections 3.4 and 4.1).

    A weight of 0 makes no such head; the heads are heard in training only.

    Attributes:
        reply_weight: weight of the policy of the next move; KataGo's is 0.15.
        ownership_weight: weight of who will own each cell where there is territory; KataGo's 1.5.
        lead_weight: weight of by how much the side to move will lead, in sides of the board.
    """

    reply_weight: float = 0.0
    ownership_weight: float = 0.0
    lead_weight: float = 0.0

    def __post_init__(self) -> None:
        for name in ("reply_weight", "ownership_weight", "lead_weight"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")

    @property
    def reply(self) -> bool:
        """Return whether the next move's policy is learned."""
        return self.reply_weight > 0

    @property
    def territory(self) -> bool:
        """Return whether ends of games are looked at for territory."""
        return self.ownership_weight > 0 or self.lead_weight > 0


@dataclass(frozen=True)
class EvaluationConfig:
    """How strength is measured on the way, where a game has solved positions.

    Attributes:
        every_minutes: minutes between two measurements; 0 for none.
        positions: positions of each set.
        simulations: simulations a move.
        lookahead: plies of exact look-ahead at a leaf, fewer where there are many moves.
    """

    every_minutes: float = 3.0
    positions: int = 100
    simulations: int = 100
    lookahead: int = 3

    def __post_init__(self) -> None:
        if self.every_minutes < 0:
            raise ValueError(f"every_minutes must be at least 0, got {self.every_minutes}")


@dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Attributes:
        game: the game to learn.
        minutes: stop after so many minutes of work; 0 for no limit.
        iterations: stop after so many rounds of self-play and learning; 0 for no limit.
        cpu_minutes: stop after so many minutes of processor time, of trainer and workers together;
            0 for no limit.
        seed: all that is random follows from it.
        workers: processes that play; 0 takes one a core.
        device: where the network learns, `cpu` or `cuda`.
        backend: what evaluates positions in self-play; `auto` takes the fastest that is installed.
        keep_checkpoints: newest checkpoints that are kept, besides every 50th.
        constraints: what must hold besides the rules, each an expression after an optional `NAME:`.
        net: the network.
        selfplay: how games are played.
        window: what is learned from.
        learning: how.
        auxiliary: what else is learned.
        evaluation: how strength is measured.
    """

    game: str = "connect_four"
    minutes: float = 10.0
    iterations: int = 0
    cpu_minutes: float = 0.0
    seed: int = 1
    workers: int = 0
    device: Literal["cpu", "cuda"] = "cpu"
    backend: str = "auto"
    keep_checkpoints: int = 3
    constraints: tuple[str, ...] = ()
    net: NetSettings = field(default_factory=NetSettings)
    selfplay: SelfPlayConfig = field(default_factory=SelfPlayConfig)
    window: WindowConfig = field(default_factory=WindowConfig)
    learning: LearningConfig = field(default_factory=LearningConfig)
    auxiliary: AuxiliaryConfig = field(default_factory=AuxiliaryConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)

    def __post_init__(self) -> None:
        if self.minutes < 0 or self.iterations < 0 or self.cpu_minutes < 0:
            raise ValueError("minutes, cpu_minutes and iterations must be at least 0")
        if self.minutes == self.iterations == self.cpu_minutes == 0:
            raise ValueError("a run needs an end: give minutes, cpu_minutes or iterations")
        if self.workers < 0:
            raise ValueError(f"workers must be at least 0, got {self.workers}")

"""What search, networks and the engine share: evaluator, budget, status, result, scales.

Dimensions: `B` batch, `A` actions. Values are seen by the side to move unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import BoolArray, Domain, DomainSpec, FloatArray, State

if TYPE_CHECKING:
    import networkx

__all__ = [
    "BoolArray",
    "Budget",
    "Domain",
    "DomainSpec",
    "Edge",
    "Evaluation",
    "Evaluator",
    "FloatArray",
    "SearchResult",
    "State",
    "Status",
    "UniformEvaluator",
    "scales",
]

_STEADY = 1e-3  # deviation of an observation that hardly varies: scaled up, it would be noise


def scales(deviations: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return what observations of these deviations `[F]` are divided by; 1 where steady."""
    return np.where(deviations > _STEADY, deviations, 1.0)


class Evaluation(NamedTuple):
    """What an evaluator says of a batch; arrays may be views valid until its next call."""

    logits: FloatArray  # [B, A] policy logits; illegal actions are masked by the search
    value: FloatArray  # [B] expected return, for the side to move
    draw: FloatArray  # [B] probability of a draw, 0 where unknown


class Evaluator(Protocol):
    """Anything that judges observations in batches."""

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Judge `observations` `[B, *observation_shape]`, C-contiguous."""
        ...


@dataclass(frozen=True)
class UniformEvaluator:
    """The evaluator that knows nothing: equal priors, value 0; the search runs it inline."""

    num_actions: int

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Return zeros."""
        size = len(observations)
        zeros = np.zeros(size, np.float32)
        return Evaluation(np.zeros((size, self.num_actions), np.float32), zeros, zeros)


@dataclass(frozen=True)
class Budget:
    """When a search stops: at the first limit that is reached; None is no limit.

    Attributes:
        simulations: simulations of one tree, counted from the start of this search.
        seconds: wall-clock time.
        nodes: nodes of one tree; a full tree goes on without growing.
        memory_mb: memory of all trees of this search; sets the capacity of each.
    """

    simulations: int | None = None
    seconds: float | None = None
    nodes: int | None = None
    memory_mb: float | None = None

    def __post_init__(self) -> None:
        for name in ("simulations", "seconds", "nodes", "memory_mb"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"budget: {name} must be above 0, got {value}")
        if self.simulations is None and self.seconds is None:
            raise ValueError("budget: give simulations, seconds or both")


class Status(Enum):
    """Why a search stopped, or what it proved; never None."""

    PROVEN_WIN = "proven win"
    PROVEN_DRAW = "proven draw"
    PROVEN_LOSS = "proven loss"
    SOLVED = "solved"  # proven value that is no win, draw or loss, as in a puzzle
    SIMULATIONS = "simulations spent"
    TIME = "time spent"
    NODES = "tree full"
    INTERRUPTED = "interrupted"
    SEARCHING = "searching"  # an interim result; the search goes on
    TERMINAL = "terminal"  # the root is an end: no action, nothing to search

    @property
    def proven(self) -> bool:
        """Whether the root's value is exact."""
        return self in (
            Status.PROVEN_WIN,
            Status.PROVEN_DRAW,
            Status.PROVEN_LOSS,
            Status.SOLVED,
            Status.TERMINAL,
        )


class Edge(NamedTuple):
    """One legal action at the root, as the search saw it; values for the side to move there."""

    action: int
    visits: int
    prior: float
    q: float
    policy: float  # share of the improved policy
    lower: float  # proven bounds of the action's return
    upper: float


@dataclass(frozen=True)
class SearchResult:
    """What a search found at one root; values are for the side to move at the root.

    Attributes:
        action: the chosen action, -1 at an end.
        policy: improved policy `[A]`, sums to 1.
        value: the root's value after search.
        wdl: chances of win, draw and loss; where values do not lie in [-1, 1], the value's place
            in its range as `(share, 0, 1 - share)`.
        visits: visit counts `[A]`.
        priors: the evaluator's policy over legal actions `[A]`.
        q: action values `[A]`, NaN where illegal or unvisited and unproven.
        lower: proven lower bounds of each action's return `[A]`, NaN where illegal.
        upper: proven upper bounds `[A]`.
        legal: legal actions `[A]`.
        raw_value: the evaluator's own value of the root.
        status: why the search stopped, or what was proven.
        principal_variation: the line of best actions; a proof's line where proven. After chance
            outcomes it follows the one most visited.
        num_simulations: simulations of this search.
        num_evaluations: evaluator rows that this root cost.
        num_nodes: nodes in the tree.
        cache_hits: evaluations found in the cache.
        seconds: wall-clock time of the whole batch.
        principal_keys: what `Domain.step` takes to replay that line; empty where it takes nothing.
        tree: a snapshot of the tree for `to_graph`, where asked for.
    """

    action: int
    policy: FloatArray
    value: float
    wdl: tuple[float, float, float]
    visits: npt.NDArray[np.int64]
    priors: FloatArray
    q: FloatArray
    lower: FloatArray
    upper: FloatArray
    legal: BoolArray
    raw_value: float
    status: Status
    principal_variation: tuple[int, ...]
    num_simulations: int
    num_evaluations: int
    num_nodes: int
    cache_hits: int
    seconds: float
    principal_keys: tuple[int, ...] = ()
    tree: Any = field(default=None, repr=False, compare=False)

    def edges(self) -> list[Edge]:
        """Return the legal actions, most visited first."""
        rows = [
            Edge(
                int(a),
                int(self.visits[a]),
                float(self.priors[a]),
                float(self.q[a]),
                float(self.policy[a]),
                float(self.lower[a]),
                float(self.upper[a]),
            )
            for a in np.flatnonzero(self.legal)
        ]
        return sorted(rows, key=lambda edge: (-edge.visits, -edge.policy, edge.action))

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain JSON values; NaN becomes None."""

        def plain(number: float) -> float | None:
            return None if np.isnan(number) else round(number, 6)

        return {
            "action": self.action,
            "value": plain(self.value),
            "wdl": [plain(share) for share in self.wdl],
            "status": self.status.value,
            "proven": self.status.proven,
            "principal_variation": list(self.principal_variation),
            "simulations": self.num_simulations,
            "evaluations": self.num_evaluations,
            "nodes": self.num_nodes,
            "cache_hits": self.cache_hits,
            "seconds": round(self.seconds, 6),
            "raw_value": plain(self.raw_value),
            "edges": [
                {
                    name: plain(value) if isinstance(value, float) else value
                    for name, value in edge._asdict().items()
                }
                for edge in self.edges()
            ],
        }

    def to_graph(self, max_nodes: int = 1000) -> networkx.DiGraph:
        """Return the most visited part of the tree as a networkx graph.

        Raises:
            ValueError: the search did not keep its tree (`keep_tree=True`).
        """
        if self.tree is None:
            raise ValueError("this result has no tree; search with keep_tree=True")
        graph: networkx.DiGraph = self.tree.to_graph(max_nodes)
        return graph

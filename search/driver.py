"""What drives the trees of one search: the part that knows how a domain is stepped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.search.base import (
    BoolArray,
    Domain,
    DomainSpec,
    Evaluation,
    Evaluator,
    FloatArray,
    State,
    UniformEvaluator,
)
from tesuji.search.config import PUCT, Gumbel
from tesuji.search.leaves import INLINE_NONE, INLINE_ROLLOUT, INLINE_UNIFORM
from tesuji.search.lookahead import Workspace
from tesuji.search.parameters import Parameters, parameters_dtype
from tesuji.search.select import FPU_LOSS, FPU_MINMAX, FPU_PARENT, FPU_REDUCTION
from tesuji.search.tree import ROOT, Tree, allocate

_FPU = {
    "parent": FPU_PARENT,
    "reduction": FPU_REDUCTION,
    "loss": FPU_LOSS,
    "minmax": FPU_MINMAX,
}
# Simulations a call between looks at the clock: as many as take about so long.
FIRST_QUOTA, MOST_QUOTA = 16, 1024
SOON, LATE = 0.003, 0.010  # seconds


@dataclass(frozen=True)
class RolloutEvaluator:
    """Judge a leaf by the mean return of random play from it; the search runs it inline.

    Attributes:
        num_rollouts: random games from a leaf.
        max_steps: moves of one such game; where it is not over then, what it brought so far counts:
            a draw, where rewards come at the end. Random chess goes on for 340 moves in the mean.
    """

    num_rollouts: int = 1
    max_steps: int = 1000

    def __post_init__(self) -> None:
        if self.max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {self.max_steps}")
        if self.num_rollouts < 1:
            raise ValueError(f"num_rollouts must be at least 1, got {self.num_rollouts}")


class EvaluatorError(ValueError):
    """An evaluator returned what no search can use."""


def make_parameters(settings: PUCT | Gumbel, spec: DomainSpec) -> Parameters:
    """Return the settings as the kernels take them."""
    puct = settings if isinstance(settings, PUCT) else PUCT()
    gumbel = settings if isinstance(settings, Gumbel) else Gumbel()
    prove = settings.prove and spec.deterministic  # an expectation is not proven by its samples
    proof_moves = spec.proof_moves if settings.proof_moves is None else settings.proof_moves
    settled = prove and spec.num_players == 2 and spec.value_range == (-1.0, 1.0)
    values = dict(
        gumbel=int(isinstance(settings, Gumbel)),
        c_init=float(puct.c_init),
        c_base=float(puct.c_base),
        fpu=_FPU[puct.fpu],
        fpu_reduction=float(puct.fpu_reduction),
        value_scale=float(gumbel.value_scale),
        maxvisit_init=float(gumbel.maxvisit_init),
        rescale=int(gumbel.rescale),
        prove=int(prove),
        chance=int(not spec.deterministic),
        graph=int(settings.graph),
        adaptive=int(spec.value_range != (-1.0, 1.0)),
        lookahead=settings.lookahead if prove else 0,
        lookahead_steps=settings.lookahead_steps,
        proof_moves=proof_moves if settled else 0,
        proof_nodes=settings.proof_nodes,
        policy_temperature=settings.policy_temperature,
        leaves=settings.leaves,
        canonical=int(settings.canonical and spec.num_symmetries > 1),
        num_symmetries=spec.num_symmetries,
        num_actions=spec.num_actions,
        lowest=float(spec.value_range[0]),
        highest=float(spec.value_range[1]),
        dirichlet_alpha=float(puct.dirichlet_alpha),
        dirichlet_fraction=float(puct.dirichlet_fraction),
        gumbel_scale=float(gumbel.gumbel_scale),
        max_considered=gumbel.max_considered,
        forced_playouts=float(puct.forced_playouts),
        widening=float(puct.widening),
        widening_exponent=float(puct.widening_exponent),
    )
    record = np.zeros(1, parameters_dtype).view(np.recarray)[0]
    for name, value in values.items():
        record[name] = value
    return record


class Driver(ABC):
    """The trees of one search and the means to grow them."""

    row_size: int
    workspace: Workspace

    def __init__(
        self, domain: Domain, evaluator: Evaluator | RolloutEvaluator, parameters: Parameters
    ) -> None:
        self.domain = domain
        self.spec = domain.spec
        self.evaluator = evaluator
        self.parameters = parameters
        self.tree: Tree = allocate(0, 1, 1, 8)
        self.inline = INLINE_NONE
        self.rollouts = self.rollout_steps = 0
        self.quota = FIRST_QUOTA
        self._cost = 0.0  # seconds of a call, by its quota
        if isinstance(evaluator, UniformEvaluator):
            self.inline = INLINE_UNIFORM
        elif isinstance(evaluator, RolloutEvaluator):
            self.inline = INLINE_ROLLOUT
            self.rollouts = evaluator.num_rollouts
            self.rollout_steps = min(evaluator.max_steps, self.spec.max_steps)

    def allocate(self, batch: int, num_nodes: int, num_edges: int) -> None:
        """Make `batch` empty trees with at least this room, in the old arrays where they fit."""
        tree = self.tree
        if (
            len(tree.trees) != batch
            or tree.nodes.shape[1] < num_nodes
            or tree.edges.shape[1] < num_edges
        ):
            kind = bool(self.parameters.chance), bool(self.parameters.graph)
            self.tree = allocate(batch, num_nodes, num_edges, self.row_size, *kind)
        self.tree.trees.view(np.ndarray)[:] = np.zeros((), self.tree.trees.dtype)
        self.tree.table[:] = 0
        self.tree.trees["low"] = np.inf
        self.tree.trees["high"] = -np.inf

    def begin(self, targets: npt.ArrayLike, seeds: npt.ArrayLike) -> None:
        """Start a search of `targets` simulations on every tree, on top of what the trees hold."""
        trees = self.tree.trees
        trees["target"] = targets
        trees["simulations"] = 0
        trees["evaluations"] = 0
        trees["cache_hits"] = 0
        trees["seed"] = np.array(seeds, np.uint64)
        self._dress_roots()

    def pace(self, seconds: float) -> None:
        """Adapt the quota to how long a call took; what a tree becomes does not depend on it."""
        self._cost = seconds / self.quota
        if seconds > LATE:
            self.quota = max(self.quota // 2, 1)
        elif seconds < SOON:
            self.quota = min(2 * self.quota, MOST_QUOTA)

    def hurry(self, seconds: float) -> None:
        """Make the next call take no longer than `seconds`, as far as that can be foreseen."""
        if self.quota * self._cost > seconds:
            self.quota = max(int(seconds / self._cost), 1)

    def judged(self) -> bool:
        """Return whether every root has been judged, so that there is something to report."""
        return bool(self.tree.nodes["evaluated"][:, ROOT].all())

    def evaluate(self, observations: FloatArray) -> Evaluation:
        """Judge a batch and refuse what is not a number."""
        assert not isinstance(self.evaluator, RolloutEvaluator)
        shaped = observations.reshape(len(observations), *self.spec.observation_shape)
        logits, value, draw = self.evaluator.evaluate(shaped)
        if logits.shape != (len(observations), self.spec.num_actions):
            raise EvaluatorError(
                f"the evaluator returned logits {logits.shape}, expected "
                f"{(len(observations), self.spec.num_actions)} for {self.spec.name}"
            )
        if not (np.isfinite(value).all() and np.isfinite(logits).all()):
            raise EvaluatorError(
                "the evaluator returned NaN or infinity; its weights are damaged or its training "
                "diverged: take an earlier checkpoint"
            )
        return Evaluation(
            np.ascontiguousarray(logits, np.float32),
            np.ascontiguousarray(value, np.float32),
            np.ascontiguousarray(draw, np.float32),
        )

    @abstractmethod
    def place_roots(self, roots: Sequence[State], masks: Sequence[BoolArray]) -> None:
        """Put the roots' states into the empty trees, with what is allowed at each `[A]`."""

    @abstractmethod
    def step(self) -> bool:
        """Grow every tree by one batch; return whether any is unfinished."""

    @abstractmethod
    def clear_cache(self) -> None:
        """Forget cached evaluations."""

    @abstractmethod
    def state_of(self, t: int, node: int) -> State:
        """Return the state of a node."""

    @abstractmethod
    def find(self, t: int, nodes: npt.NDArray[np.int64], root: State) -> int:
        """Return the first of `nodes` whose state equals `root`, -1 where none does."""

    @abstractmethod
    def take_states(self, t: int, nodes: npt.NDArray[np.int64]) -> Any:
        """Return copies of the states of `nodes`, as `place_states` takes them."""

    @abstractmethod
    def place_states(self, t: int, states: Any) -> None:
        """Make node `i` of tree `t` hold the state at `i`."""

    @abstractmethod
    def _dress_roots(self) -> None:
        """Give roots that are judged already this search's noise."""

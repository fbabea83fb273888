"""The driver for compiled domains: kernels all the way down."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tesuji.domains.compiled import CompiledDomain
from tesuji.search.base import BoolArray, Evaluator, State
from tesuji.search.batched import advance, receive
from tesuji.search.driver import Driver, RolloutEvaluator
from tesuji.search.leaf_proofs import LeafProver, open_leaf_prover, prove_leaves
from tesuji.search.leaves import Batch, Rules, allocate_cache, dress_root, request_dtype
from tesuji.search.lookahead import allocate_workspace
from tesuji.search.parameters import Parameters
from tesuji.search.tree import ROOT


class CompiledDriver(Driver):
    """Trees over state rows."""

    def __init__(
        self,
        domain: CompiledDomain,
        evaluator: Evaluator | RolloutEvaluator,
        parameters: Parameters,
        cache_entries: int,
    ) -> None:
        super().__init__(domain, evaluator, parameters)
        self.compiled = domain
        self.row_size = domain.row_size
        self.rules = Rules(
            domain.kernels.addresses(),
            domain.free.addresses(),
            int("restrict" in domain.kernels),
            domain.instance,
            self.inline,
            self.rollouts,
            self.rollout_steps,
            np.zeros((0, domain.spec.num_actions), np.bool_),
        )
        self.cache = allocate_cache(cache_entries, domain.spec.num_actions)
        self.workspace = allocate_workspace(self.row_size, domain.spec.num_actions)
        self.prover: LeafProver | None = None  # of leaves where few moves are left
        if parameters.proof_moves:
            self.prover = open_leaf_prover(domain, int(parameters.proof_nodes))
        self._batch = Batch(
            np.zeros(0, request_dtype).view(np.recarray), np.zeros((0, 1), np.float32)
        )

    def place_roots(self, roots: Sequence[State], masks: Sequence[BoolArray]) -> None:
        """Put the roots' rows into the empty trees, with what is allowed at each `[A]`."""
        self.place_rows(np.stack([self.compiled.row(state) for state in roots]))
        self.rules = self.rules._replace(roots=np.stack(masks))

    def place_rows(self, rows: npt.NDArray[np.uint8]) -> None:
        """Put rows `[B, S]` into the empty trees; what `legal` leaves undecided is forbidden."""
        self.rules = self.rules._replace(roots=self.rules.roots[:0])
        self.tree.states[:: self.tree.nodes.shape[1]] = rows

    def clear_cache(self) -> None:
        """Forget cached evaluations."""
        self.cache.keys[:] = 0

    def state_of(self, t: int, node: int) -> State:
        """Return a copy of a node's state."""
        return self.compiled.state(self.tree.states[t * self.tree.nodes.shape[1] + node].copy())

    def find(self, t: int, nodes: npt.NDArray[np.int64], root: State) -> int:
        """Return the first of `nodes` that holds `root`."""
        equal = (self.take_states(t, nodes) == self.compiled.row(root)).all(axis=1)
        return int(nodes[equal.argmax()]) if equal.any() else -1

    def take_states(self, t: int, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Return copies of the rows of `nodes`."""
        rows: npt.NDArray[np.uint8] = self.tree.states[t * self.tree.nodes.shape[1] + nodes]
        return rows

    def place_states(self, t: int, states: npt.NDArray[np.uint8]) -> None:
        """Fill the first rows of tree `t`."""
        first = t * self.tree.nodes.shape[1]
        self.tree.states[first : first + len(states)] = states

    def step(self) -> bool:
        """Grow every tree by one batch."""
        self._reserve(len(self.tree.trees) * self.parameters.leaves)
        began = time.perf_counter()
        filled, unfinished = advance(
            self.tree, 0, len(self.tree.trees), self.rules, self.cache, self._batch, self.quota,
            self.parameters, self.workspace,
        )  # fmt: skip
        self.pace(time.perf_counter() - began)
        if filled and self.prover is not None:
            filled = prove_leaves(
                self.tree, self._batch, filled, self.prover, self.rules, self.cache,
                self.parameters, self.workspace,
            )  # fmt: skip
        if filled:
            logits, value, draw = self.evaluate(self._batch.observations[:filled])
            receive(
                self.tree, self.rules, self.cache, self._batch, filled, logits, value, draw,
                self.parameters, self.workspace,
            )  # fmt: skip
        return bool(unfinished)

    def _reserve(self, size: int) -> None:
        if len(self._batch.requests) < size:
            self._batch = Batch(
                np.zeros(size, request_dtype).view(np.recarray),
                np.zeros((size, int(np.prod(self.spec.observation_shape))), np.float32),
            )

    def _dress_roots(self) -> None:
        for t in np.flatnonzero(self.tree.trees["num_nodes"]):
            if self.tree.nodes[t, ROOT].evaluated:
                dress_root(self.tree, int(t), self.parameters)

"""The driver for object domains: the same kernels for the tree, Python for the rules."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.search.backup import add_pending, back_up, back_up_edge, tighten
from tesuji.search.base import BoolArray, Domain, Evaluator, State
from tesuji.search.batched import IN_FLIGHT
from tesuji.search.driver import Driver, RolloutEvaluator
from tesuji.search.leaves import INLINE_ROLLOUT, INLINE_UNIFORM, dress_root, settle
from tesuji.search.lookahead import allocate_workspace, plies
from tesuji.search.parameters import Parameters
from tesuji.search.random import advance as next_seed
from tesuji.search.random import below, mix
from tesuji.search.results import exact_bounds
from tesuji.search.select import select_leaf
from tesuji.search.tree import NO_PARENT, ROOT, UNVISITED, add_edges, add_node, set_priors


class _Request(NamedTuple):
    tree: int
    node: int
    key: bytes | None


class ObjectDriver(Driver):
    """Trees over Python states; `compiled_driver` is its fast twin, visit for visit."""

    row_size = 0

    def __init__(
        self,
        domain: Domain,
        evaluator: Evaluator | RolloutEvaluator,
        parameters: Parameters,
        cache_entries: int,
    ) -> None:
        # Canonical forms need rows to compare; without them each position stands for itself.
        parameters.canonical = 0
        super().__init__(domain, evaluator, parameters)
        self.workspace = allocate_workspace(0, domain.spec.num_actions)
        self._cache_entries = cache_entries
        self._cache: dict[bytes, tuple[npt.NDArray[np.float32], float, float]] = {}
        self._states: list[dict[int, State]] = []
        self._requests: list[_Request] = []
        self._masks: Sequence[BoolArray] = []  # of the roots

    def allocate(self, batch: int, num_nodes: int, num_edges: int) -> None:
        """Make empty trees."""
        super().allocate(batch, num_nodes, num_edges)
        self._states = [{} for _ in range(batch)]

    def place_roots(self, roots: Sequence[State], masks: Sequence[BoolArray]) -> None:
        """Put the roots' states into the empty trees, with what is allowed at each `[A]`."""
        self._masks = masks
        for states, root in zip(self._states, roots, strict=True):
            states[ROOT] = root

    def clear_cache(self) -> None:
        """Forget cached evaluations."""
        self._cache.clear()

    def state_of(self, t: int, node: int) -> State:
        """Return a node's state."""
        return self._states[t][node]

    def find(self, t: int, nodes: npt.NDArray[np.int64], root: State) -> int:
        """Return the first of `nodes` that holds `root`."""
        wanted = self.domain.key(root)
        for node in [] if wanted is None else nodes.tolist():
            if self.domain.key(self._states[t][node]) == wanted:
                return int(node)
        return -1

    def take_states(self, t: int, nodes: npt.NDArray[np.int64]) -> list[State]:
        """Return the states of `nodes`."""
        return [self._states[t][node] for node in nodes.tolist()]

    def place_states(self, t: int, states: Sequence[State]) -> None:
        """Set the states of the first nodes of tree `t`."""
        self._states[t] = dict(enumerate(states))

    def step(self) -> bool:
        """Grow every tree by one batch."""
        self._requests = []
        began = time.perf_counter()
        unfinished = [self._advance(t) for t in range(len(self.tree.trees))]
        self.pace(time.perf_counter() - began)
        if self._requests:
            self._receive()
        return any(unfinished)

    def _advance(self, t: int) -> bool:
        record = self.tree.trees[t]
        record.spare_used = 0
        asked, left = 0, self.quota
        if record.num_nodes == 0:
            add_node(self.tree, t, NO_PARENT, NO_PARENT, self.parameters.leaves)
            if not self._open(t, ROOT):
                asked = self.parameters.leaves
        root = self.tree.nodes[t, ROOT]

        def unfinished() -> bool:
            proven = self.parameters.prove and root.lower == root.upper
            return bool(record.simulations < record.target and not proven)

        while asked < self.parameters.leaves and left > 0 and unfinished():
            left -= 1
            outcome = self._simulate(t)
            if outcome is None:
                break
            if not outcome:
                left = left if asked else IN_FLIGHT
                asked += 1
        return bool(asked) or unfinished()

    def _simulate(self, t: int) -> bool | None:
        """Return True when backed up, False when an evaluation is asked for, None on collision."""
        tree, parameters = self.tree, self.parameters
        record = tree.trees[t]
        node = ROOT
        while True:
            node, index = select_leaf(tree, t, node, self.workspace.work, parameters)
            if index < 0:
                leaf = tree.nodes[t, node]
                if not leaf.evaluated:
                    return None
                record.simulations += 1
                back_up(tree, t, node, float(leaf.raw_value), 0.0, parameters)
                return True
            edge = tree.edges[t, index]
            if parameters.prove and edge.lower == edge.upper:
                record.simulations += 1
                back_up_edge(tree, t, node, index, float(edge.lower), parameters)
                return True
            key = self._draw(t)
            after = self.domain.step(self._states[t][node], int(edge.action), key)
            if after[2] == 0.0:
                record.simulations += 1
                if not parameters.chance:
                    edge.lower = edge.upper = after[1]
                back_up_edge(tree, t, node, index, float(after[1]), parameters)
                return True
            known = self._outcome(t, int(edge.child), *after) if parameters.chance else UNVISITED
            if known == UNVISITED:
                break
            node = known
        record.simulations += 1
        return self._grow(t, node, index, key, after)

    def _draw(self, t: int) -> int:
        """Return the random bits of a step: 0 where nothing is random."""
        if not self.parameters.chance:
            return 0
        record = self.tree.trees[t]
        record.seed = next_seed(np.uint64(record.seed))
        return int(mix(np.uint64(record.seed)))

    def _outcome(self, t: int, child: int, state: State, reward: float, discount: float) -> int:
        """Return the node among `child` and its siblings that a step led to, UNVISITED if none."""
        wanted = self._key(state)
        while child != UNVISITED:
            node = self.tree.nodes[t, child]
            same = node.reward == np.float32(reward) and node.discount == np.float32(discount)
            if same and self._key(self._states[t][child]) == wanted:
                return child
            child = int(node.sibling)
        return child

    def _key(self, state: State) -> bytes:
        key = self.domain.key(state)
        if key is None:
            raise ValueError(
                f"{self.spec.name}: steps draw outcomes, so the search must tell states apart; "
                "give the domain a `key`"
            )
        return key

    def _grow(
        self, t: int, node: int, index: int, key: int, after: tuple[State, float, float]
    ) -> bool:
        """Add the node that a step led to; return whether it is backed up already."""
        tree, parameters = self.tree, self.parameters
        child = add_node(tree, t, node, index, parameters.leaves)
        self._states[t][child], tree.nodes[t, child].reward, tree.nodes[t, child].discount = after
        if parameters.chance:
            tree.keys[t, child] = key
        done = self._open(t, child)
        if not done and parameters.leaves > 1:
            add_pending(tree, t, child, 1)
        elif done and child >= tree.nodes.shape[1] - parameters.leaves:
            tree.trees[t].spare_used -= 1
        return done

    def _open(self, t: int, node: int) -> bool:
        tree, parameters = self.tree, self.parameters
        state = self._states[t][node]
        legal = self._masks[t] if node == ROOT else self.domain.legal(state)
        if add_edges(tree, t, node, legal, parameters) and parameters.lookahead:
            self._bound_edges(t, node)
            tighten(tree, t, node)
            record = tree.nodes[t, node]
            if parameters.prove and record.lower == record.upper:
                draw = 1.0 if record.lower == 0.0 else 0.0
                settle(tree, t, node, float(record.lower), draw, parameters)
                return True
        if self.inline == INLINE_UNIFORM:
            settle(tree, t, node, 0.0, 0.0, parameters)
            return True
        if self.inline == INLINE_ROLLOUT:
            settle(tree, t, node, self._rollouts(t, state), 0.0, parameters)
            return True
        key = self.domain.key(state) if self._cache_entries else None
        if key is not None and key in self._cache:
            tree.trees[t].cache_hits += 1
            logits, value, draw = self._cache[key]
            self._settle(t, node, logits, value, draw)
            return True
        self._requests.append(_Request(t, node, key))
        return False

    def _settle(
        self, t: int, node: int, logits: npt.NDArray[np.float32], value: float, draw: float
    ) -> None:
        if self.tree.nodes[t, node].num_edges:
            set_priors(self.tree, t, node, logits, self.parameters)
        settle(self.tree, t, node, float(value), float(draw), self.parameters)

    def _receive(self) -> None:
        observations = np.stack(
            [self.domain.observe(self._states[r.tree][r.node]).ravel() for r in self._requests]
        )
        logits, value, draw = self.evaluate(observations.astype(np.float32, copy=False))
        for i, (t, node, key) in enumerate(self._requests):
            if self.parameters.leaves > 1 and node != ROOT:
                add_pending(self.tree, t, node, -1)
            self.tree.trees[t].evaluations += 1
            self._settle(t, node, logits[i], value[i], draw[i])
            if key is not None:
                if len(self._cache) >= self._cache_entries:
                    del self._cache[next(iter(self._cache))]
                self._cache[key] = (logits[i].copy(), float(value[i]), float(draw[i]))

    def _bound_edges(self, t: int, node: int) -> None:
        record = self.tree.nodes[t, node]
        edges = self.tree.edges[t, record.first_edge : record.first_edge + record.num_edges]
        following: list[tuple[int, State, float, float]] = []
        for i in range(len(edges)):
            state, reward, discount = self.domain.step(self._states[t][node], int(edges[i].action))
            if discount == 0.0:
                edges[i].lower = edges[i].upper = reward
                if reward >= self.parameters.highest:
                    record.lower = record.upper = reward
                    return
            else:
                following.append((i, state, reward, discount))
        depth = plies(len(edges), self.parameters)
        if depth > 1:
            for i, state, reward, discount in following:
                edge = edges[i]
                behind = exact_bounds(
                    self.domain,
                    state,
                    depth - 1,
                    (self.parameters.lowest, self.parameters.highest),
                )
                low, high = sorted(reward + discount * bound for bound in behind)
                edge.lower = max(edge.lower, low)
                edge.upper = min(edge.upper, high)
                if edge.lower >= self.parameters.highest:
                    return

    def _rollouts(self, t: int, state: State) -> float:
        record = self.tree.trees[t]
        seed = np.uint64(record.seed)
        total = 0.0
        for _ in range(self.rollouts):
            here, sign = state, 1.0
            for _step in range(self.rollout_steps):
                options = np.flatnonzero(self.domain.legal(here))
                seed = np.uint64(next_seed(seed))
                action = int(options[below(np.uint64(mix(seed)), len(options))])
                here, reward, discount = self.domain.step(here, action, int(seed))
                total += sign * reward
                sign *= discount
                if discount == 0.0:
                    break
        record.seed = seed
        return total / self.rollouts

    def _dress_roots(self) -> None:
        for t in np.flatnonzero(self.tree.trees["num_nodes"]):
            if self.tree.nodes[t, ROOT].evaluated:
                dress_root(self.tree, int(t), self.parameters)

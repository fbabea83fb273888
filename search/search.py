"""`Search`: roots and an evaluator in, results out, for any domain.

    search = Search(domain, evaluator, PUCT())
    [result] = search.run([state], Budget(simulations=400))

The same trees, selection and backups serve compiled domains (`CompiledDriver`, no Python a node)
and object domains (`ObjectDriver`). What a tree becomes depends on its own root, seed and budget,
never on its place in a batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import SimulatedDomain
from tesuji.domains.compiled import CompiledDomain
from tesuji.search.base import (
    BoolArray,
    Budget,
    Domain,
    Evaluator,
    FloatArray,
    SearchResult,
    State,
    Status,
)
from tesuji.search.compiled_driver import CompiledDriver
from tesuji.search.config import PUCT, Gumbel
from tesuji.search.decide import Summary, allocate_summary, best_line, summarise
from tesuji.search.driver import Driver, RolloutEvaluator, make_parameters
from tesuji.search.leaves import INLINE_NONE
from tesuji.search.object_driver import ObjectDriver
from tesuji.search.results import MAX_LINE, build_results, terminal
from tesuji.search.reuse import known_visits, reroot
from tesuji.search.simulated_driver import SimulatedDriver
from tesuji.search.tree import edge_dtype, node_dtype

_PROGRESS_SECONDS = 0.1
_DEFAULT_MEMORY_MB = 512.0  # where only time limits a search
_NO_LIMIT = 2**31 - 2


class Search:
    """A tree search over one domain with one evaluator; keeps its trees and its cache.

    Args:
        domain: compiled or object domain. Where its steps draw outcomes, the tree samples them
            from its own seed, and nothing is proven.
        evaluator: judges leaves; `UniformEvaluator` and `RolloutEvaluator` run inside the kernel.
        settings: `PUCT` or `Gumbel`.

    Not for use by two threads at once.
    """

    def __init__(
        self,
        domain: Domain,
        evaluator: Evaluator | RolloutEvaluator,
        settings: PUCT | Gumbel | None = None,
    ) -> None:
        self.domain = domain
        self.evaluator = evaluator
        self.settings = PUCT() if settings is None else settings
        compiled = isinstance(domain, CompiledDomain)
        if self.settings.graph and not (compiled and domain.spec.deterministic):
            kind = "has chance outcomes" if compiled else "is an object domain"
            raise ValueError(
                f"graph search takes compiled, deterministic domains; {domain.spec.name} {kind}"
            )
        self.parameters = make_parameters(self.settings, domain.spec)
        # With several leaves in flight a cached one would come back before its turn, so that the
        # tree would depend on what other trees have seen.
        entries = self.settings.cache_entries if self.settings.leaves == 1 else 0
        self._narrowed = False  # whether the last run's `allowed` was given
        self._glanced: FloatArray | None = None  # the policy's logits, as last seen by `glance`
        self.driver: Driver
        if isinstance(domain, CompiledDomain):
            self.driver = CompiledDriver(domain, evaluator, self.parameters, entries)
        elif isinstance(domain, SimulatedDomain) and domain.batched:
            self.driver = SimulatedDriver(domain, evaluator, self.parameters, entries)
        else:
            self.driver = ObjectDriver(domain, evaluator, self.parameters, entries)

    def clear_cache(self) -> None:
        """Forget all cached evaluations, as when the evaluator's weights have changed."""
        self.driver.clear_cache()

    def run(
        self,
        states: Sequence[State],
        budget: Budget,
        *,
        seed: int | Sequence[int] = 0,
        reuse: bool = False,
        keep_tree: bool = False,
        allowed: Sequence[BoolArray] | None = None,
        stop: Event | None = None,
        progress: Callable[[list[SearchResult]], None] | None = None,
    ) -> list[SearchResult]:
        """Search from each of `states` and return a result for each.

        Args:
            states: roots; ends are answered with `Status.TERMINAL`.
            budget: limits of each tree.
            seed: one for all roots, or one for each; noise and temperature follow from it.
            reuse: keep the subtrees of the last run where a root now is at most two plies below
                the root then. A Gumbel root starts afresh, on cached evaluations.
            keep_tree: give each result a snapshot of its tree.
            allowed: what may be played at each root `[A]`, of what the rules allow; all where None.
            stop: set it from another thread to end the search early, with what is known.
            progress: called about ten times a second with the results so far.
        """
        began = time.perf_counter()
        legal = allowed or [self.domain.allowed(state) for state in states]
        live = [i for i, mask in enumerate(legal) if mask.any()]
        seeds = [seed] * len(states) if isinstance(seed, int) else list(seed)
        if len(seeds) != len(states):
            raise ValueError(f"seed: got {len(seeds)} seeds for {len(states)} states")
        every = [terminal(self.domain.spec.num_actions) for _ in states]
        if not live:
            return every
        roots = [states[i] for i in live]
        reuse = reuse and not self._narrowed  # else the last root may lack edges
        self._narrowed = allowed is not None
        room = self._capacity(budget, max(int(legal[i].sum()) for i in live), len(live))
        # An inner node has no edges for what was undecided, so it cannot become such a root.
        reuse = reuse and all(np.array_equal(legal[i], self.domain.legal(states[i])) for i in live)
        reuse = reuse and not self.parameters.gumbel
        masks = [legal[i] for i in live]
        if not (reuse and reroot(self.driver, roots, masks, *room)):
            self.driver.allocate(len(roots), *room)
            self.driver.place_roots(roots, masks)
        self.driver.begin(budget.simulations or _NO_LIMIT, [seeds[i] for i in live])

        def results(reason: Status) -> list[SearchResult]:
            seconds = time.perf_counter() - began
            found = build_results(self.driver, roots, self._summary(), reason, seconds, keep_tree)
            for i, result in zip(live, found, strict=True):
                every[i] = result
            return list(every)

        return results(self._grow(budget, began, stop, progress, results))

    def glance(
        self,
        state: State,
        seed: int = 0,
        allowed: BoolArray | None = None,
        *,
        haste: bool = False,
    ) -> int:
        """Return an action at once, without a search: for when no time is left for one.

        It is what the last run liked best where its first tree knows the position, else the first
        choice of the evaluator's policy, else any.

        Args:
            state: a position that is no end.
            seed: decides where nothing else does.
            allowed: what may be played `[A]`, of what the rules allow; all where None.
            haste: look at neither tree nor evaluator, but at what the policy said last.
        """
        legal = self.domain.allowed(state) if allowed is None else allowed
        if not haste:
            weights = known_visits(self.driver, state, self.domain.spec.num_actions)
            weights = np.where(legal, weights, 0)
            if weights.any():
                return int(weights.argmax())
            if self.driver.inline == INLINE_NONE:
                observations = self.domain.observe(state)[None]
                self._glanced = self.driver.evaluate(observations).logits[0].copy()
        if self._glanced is None:
            return int(np.random.default_rng(seed).choice(np.flatnonzero(legal)))
        return int(np.where(legal, self._glanced, -np.inf).argmax())

    def line(self, action: int, root: int = 0) -> tuple[int, ...]:
        """Return the line of best actions that begins with `action`, as the last run found it.

        While a search runs it may be asked from `progress` only.

        Args:
            action: legal at the root.
            root: which of the last run's roots, ends not counted.
        """
        out = np.zeros((MAX_LINE, 2), np.int64)
        length = best_line(self.driver.tree, root, action, out, self.parameters)
        return tuple(int(a) for a in out[:length, 0])

    def run_rows(
        self,
        rows: npt.NDArray[np.uint8],
        simulations: npt.NDArray[np.int64],
        seeds: npt.NDArray[np.uint64],
        quiet: npt.NDArray[np.bool_] | None = None,
    ) -> Summary:
        """Search from state rows `[B, S]`, none an end, with a budget and a seed each.

        The bare form of `run` for self-play on compiled domains: arrays in, arrays out. A root
        that is `quiet` [B] is searched without noise and forced playouts.
        """
        assert isinstance(self.driver, CompiledDriver)
        room = self._capacity(
            Budget(simulations=int(simulations.max())), self.domain.spec.num_actions, len(rows)
        )
        self.driver.allocate(len(rows), *room)
        self.driver.place_rows(rows)
        self.driver.tree.trees["quiet"] = 0 if quiet is None else quiet
        self.driver.begin(simulations, seeds)
        while self.driver.step():
            pass
        return self._summary()

    def _grow(
        self,
        budget: Budget,
        began: float,
        stop: Event | None,
        progress: Callable[[list[SearchResult]], None] | None,
        results: Callable[[Status], list[SearchResult]],
    ) -> Status:
        shown = began
        if budget.seconds is not None:
            self.driver.hurry(began + budget.seconds - time.perf_counter())
        while self.driver.step():
            if not self.driver.judged():
                continue
            now = time.perf_counter()
            if budget.seconds is not None:
                left = began + budget.seconds - now
                if left <= 0:
                    return Status.TIME
                self.driver.hurry(left)
            if stop is not None and stop.is_set():
                return Status.INTERRUPTED
            if progress is not None and now - shown >= _PROGRESS_SECONDS:
                shown = now
                progress(results(Status.SEARCHING))
        return Status.SIMULATIONS

    def _summary(self) -> Summary:
        tree = self.driver.tree
        temperature = self.settings.temperature if isinstance(self.settings, PUCT) else 0.0
        out = allocate_summary(len(tree.trees), self.domain.spec.num_actions)
        seeds = tree.trees["seed"].copy()  # a look must not move the stream of random numbers
        summarise(tree, out, self.driver.workspace.work, temperature, self.parameters)
        tree.trees["seed"] = seeds
        return out

    def _capacity(self, budget: Budget, num_legal: int, batch: int) -> tuple[int, int]:
        """Return `(nodes, edges)` of one tree, spare room included."""
        num_actions = self.domain.spec.num_actions
        # Rarely does mean branching pass twice the root's; where it does, the tree is full early.
        branching = min(num_actions, 2 * num_legal + 8)
        nodes = _NO_LIMIT if budget.simulations is None else budget.simulations + 2
        memory = budget.memory_mb
        if memory is None and budget.simulations is None:
            memory = _DEFAULT_MEMORY_MB
        if memory is not None:
            size = node_dtype.itemsize + branching * edge_dtype.itemsize + self.driver.row_size
            nodes = min(nodes, int(memory * 2**20 / (batch * size)))
        if budget.nodes is not None:
            nodes = min(nodes, budget.nodes)
        nodes = max(nodes, 2)
        leaves = self.parameters.leaves
        return nodes + leaves, nodes * branching + leaves * num_actions

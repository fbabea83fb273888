"""Proofs of lower bounds, better and better: LM-cut, then potentials and landmarks together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np

from tesuji.domains.logistics.pddl.finite_domain import FactNames, FiniteDomain, Small, classical
from tesuji.domains.logistics.pddl.ragged import Numbers64
from tesuji.search.planning.bounds import charged, cut_landmarks, whole_costs
from tesuji.search.planning.limits import Limit
from tesuji.search.planning.potential_rows import Floats, PotentialRows, make_rows, tied
from tesuji.search.planning.relaxation import make_relaxation

_GRAIN = 1000  # parts of one use of an operator, where landmarks are sought that a plan breaks
_ROUNDS = 30
_LEAST_GAIN = 0.002  # of the bound, for another round
_LARGE = 50_000  # entries of rows from which smaller programs come first
_MOST_ENTRIES = 3_000_000
_FEWER = 0.7  # features are tied where this part of them is left


@dataclass(frozen=True)
class BoundProof:
    """Why no plan costs less than a bound; see `tesuji.engine.plan_verification`.

    Attributes:
        bound: in units of the task's costs.
        unit: parts of a cost that weights count.
        landmarks: facts, and what the first operator to make one true is charged.
        features: `[K, 2]` facts, the second -1 where there is one, that have a weight.
        weights: `[K]`.
        limits: what the weights rely on.
    """

    bound: float
    unit: int
    landmarks: tuple[tuple[Small, int], ...]
    features: Numbers64
    weights: Numbers64
    limits: tuple[Limit, ...] = ()


class BoundSearch:
    """Looks for better and better proofs for one task.

    Args:
        task: its goal can be reached if nothing is ever deleted.
        names: what its facts say; first, those that say the same of alike objects get one weight.
        is_over: says when to end.

    Attributes:
        best: the best proof so far.
        is_over: says when to end.
    """

    def __init__(
        self, task: FiniteDomain, names: FactNames, is_over: Callable[[], bool] = lambda: False
    ) -> None:
        # Without numbers, what happens under conditions on them seems to happen always.
        self._certain = np.diff(task.when_start) == 0
        self._task, self._names, self.is_over = classical(task), names, is_over
        self._cost, self._unit = whole_costs(task)
        self._step = int(np.gcd.reduce(self._cost)) if len(self._cost) else 0
        self._facts: list[Small] = []
        self._charged: list[Numbers64] = []
        none = np.zeros((0, 2), np.int64)
        self.best = BoundProof(0.0, self._unit, (), none, none[:, 0])

    def improve(self) -> Iterator[BoundProof]:
        """Yield better and better proofs until told to end or nothing more is known."""
        relaxation = make_relaxation(self._task, self._cost)
        found = cut_landmarks(self._task, relaxation, self._cost, self.is_over)
        self._add([landmark.facts for landmark in found])
        total = sum(landmark.weight for landmark in found)
        pairs = tuple((landmark.facts, landmark.weight) for landmark in found)
        if total:
            self.best = self._proof(total, 1, pairs, self.best.features, self.best.weights)
            yield self.best
        yield from self._programs()

    def _programs(self) -> Iterator[BoundProof]:
        if find_spec("highspy") is None:
            return
        rows = make_rows(self._task, self._certain, self._names.groups)
        size = len(rows.base.row) + len(rows.context.row)
        if size > _LARGE:
            few = make_rows(self._task, self._certain, self._names.groups, few=True)
            together = tied(few.features, self._names)
            if together.max(initial=0) < _FEWER * len(few.features):
                yield from self._rounds(few, together)
            yield from self._rounds(few, np.arange(len(few.features)))
        if size < _MOST_ENTRIES:
            yield from self._rounds(rows, np.arange(len(rows.features)))

    def _rounds(self, rows: PotentialRows, together: Numbers64) -> Iterator[BoundProof]:
        """Yield the proofs of programs with more and more landmarks."""
        from tesuji.search.planning.potentials import best_weights  # noqa: PLC0415

        last = 0.0
        for _ in range(_ROUNDS):
            if self.is_over():
                return
            numbers = np.repeat(np.arange(len(self._facts)), [len(own) for own in self._charged])
            operators = np.concatenate([np.zeros(0, np.int64), *self._charged])
            landmarks = operators, numbers, len(self._facts)
            found = best_weights(self._task, rows, together, landmarks, self._cost, self.is_over)
            if found is None:
                return
            used = np.flatnonzero(found.features)
            pairs = tuple(
                (self._facts[i], int(found.landmarks[i])) for i in np.flatnonzero(found.landmarks)
            )
            proof = self._proof(
                found.total, found.parts, pairs, rows.features[used], found.features[used]
            )
            proof = replace(proof, limits=rows.limits)
            if proof.bound > self.best.bound:
                self.best = proof
                yield proof
            value = found.total / found.parts
            if value < last * (1 + _LEAST_GAIN) or not self._separate(found.usage):
                return
            last = value

    def _separate(self, usage: Floats) -> bool:
        """Add landmarks that a relaxed plan breaks; return whether there are any."""
        parts = np.floor(usage * _GRAIN + 1e-6).astype(np.int64)
        relaxation = make_relaxation(self._task, parts)
        fresh = []
        for landmark in cut_landmarks(self._task, relaxation, parts, self.is_over):
            if parts[charged(self._task, landmark.facts)].sum() < _GRAIN - 1:
                fresh.append(landmark.facts)
        self._add(fresh)
        return bool(fresh)

    def _add(self, landmarks: list[Small]) -> None:
        self._facts += landmarks
        self._charged += [charged(self._task, facts) for facts in landmarks]

    def _proof(
        self,
        total: int,
        parts: int,
        landmarks: tuple[tuple[Small, int], ...],
        features: Numbers64,
        weights: Numbers64,
    ) -> BoundProof:
        # Costs of plans are multiples of a step.
        whole = math.ceil(total / (parts * self._step)) * self._step if self._step else 0
        return BoundProof(whole / self._unit, parts * self._unit, landmarks, features, weights)

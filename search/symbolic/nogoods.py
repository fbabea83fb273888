"""Nogoods: facts that no completion survives, learnt from proofs and matched all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import State
from tesuji.search.symbolic.cores import Cores, SolverBudget, Verdict
from tesuji.search.symbolic.facts import Fact, Plan, Question
from tesuji.search.symbolic.symbols import Symbols, Variable

_WEAKENING = 12  # checks that the weakening of one fact may take
_TYPES = (np.bool_, np.int64, np.float64)  # of flags, other whole numbers, reals


@dataclass(frozen=True)
class Answer:
    """What z3 said to a question.

    Attributes:
        verdict: `ALLOWED` where a completion may exist, `REFUSED` where none does.
        nogoods: with `REFUSED`, sets of facts, each of which refutes all states that have them.
        plan: with `ALLOWED` and a decoder, a plan that is yet to be replayed.
        cpu_seconds: processor time of z3's process.
    """

    verdict: Verdict
    nogoods: tuple[tuple[Fact, ...], ...] = ()
    plan: Plan = ()
    cpu_seconds: float = 0.0


def ask(question: Question, budget: SolverBudget) -> Answer:
    """Put a question to z3; a refutation is made small, weakened, and proved by a new solver."""
    size = len(question.facts)
    cores = Cores(question.claims, size, question.background, budget, question.wanted)
    before = cores.cpu_seconds
    verdict, core = cores.find()
    plan: Plan = ()
    nogoods: list[tuple[Fact, ...]] = []
    if verdict is Verdict.ALLOWED and question.decode is not None:
        plan = question.decode(cores.values)
    if verdict is Verdict.REFUSED:
        nogoods = question.refute(_weakened(question, core, cores))
    return Answer(verdict, tuple(nogoods), plan, cores.cpu_seconds - before)


def _weakened(question: Question, core: tuple[int, ...], cores: Cores) -> tuple[Fact, ...]:
    """Return a core's facts with thresholds as weak as a few checks can make them, proved anew."""
    facts = [question.facts[i] for i in core]
    firm, weakened = list(core), question.declarations
    for place, fact in enumerate(facts):
        if fact.relation == "==" or fact.variable not in question.weaken:
            continue
        formula = question.weaken[fact.variable]
        rest = [i for i in firm if i != core[place]]
        sign = -1 if fact.relation == ">=" else 1
        value, stride, growing = int(fact.value), 1, True
        for _ in range(_WEAKENING):
            if stride == 0:
                break
            if cores.refuted(rest, f"{weakened}(assert {formula(value + sign * stride)})"):
                value += sign * stride
            else:
                growing = False
            stride = stride * 2 if growing else stride // 2
        if value != fact.value:
            facts[place], firm = replace(fact, value=value), rest
            weakened += f"(assert {formula(value)})"
    if len(firm) < len(core) and not cores.proved(firm, weakened):
        return tuple(question.facts[i] for i in core)
    return tuple(facts)


class Nogoods:
    """A store of refuted facts, the oldest overwritten when it is full.

    `N` nogoods; flags are the elements of variables with two values, packed into `F` bytes;
    `I` other whole numbers, `R` reals.
    """

    def __init__(self, symbols: Symbols, capacity: int = 4096) -> None:
        self._symbols = symbols
        self._flags, self._ints, self._reals = _columns(symbols)
        num_bytes = -(-len(self._flags) // 8)
        self._mask = np.zeros((capacity, num_bytes), np.uint8)  # [N, F]
        self._want = np.zeros((capacity, num_bytes), np.uint8)  # [N, F]
        self._bounds = np.zeros((2, capacity, len(self._ints)), np.int64)  # [2, N, I]
        self._limits = np.zeros((2, capacity, len(self._reals)))  # [2, N, R]
        self._facts: list[tuple[Fact, ...]] = []
        self._next = 0

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, facts: Sequence[Fact]) -> None:
        """Remember that no state with all these facts has a completion."""
        row = self._next
        flags = np.zeros((2, len(self._flags)), np.bool_)
        info = np.iinfo(np.int64)
        self._bounds[0, row], self._bounds[1, row] = info.min, info.max
        self._limits[0, row], self._limits[1, row] = -np.inf, np.inf
        for fact in facts:
            element = (fact.variable, fact.index)
            if element in self._flags:
                column = self._flags[element]
                if fact.relation == "==" or (fact.relation == ">=") == bool(fact.value):
                    flags[:, column] = True, bool(fact.value)
                continue
            limits: npt.NDArray[Any] = self._bounds
            columns = self._ints
            if element in self._reals:
                limits, columns = self._limits, self._reals
            for side, relation in enumerate((">=", "<=")):
                if fact.relation in {"==", relation}:
                    limits[side, row, columns[element]] = _signed(fact.value)
        self._mask[row], self._want[row] = np.packbits(flags, axis=1)
        self._facts[row : row + 1] = [tuple(facts)]
        self._next = (row + 1) % len(self._mask)

    def match(self, state: State) -> tuple[Fact, ...]:
        """Return a nogood that refutes `state`; empty if there is none."""
        size = len(self._facts)
        flags, ints, reals = self._features(state)
        hit = (((self._want[:size] ^ flags) & self._mask[:size]) == 0).all(1)
        for numbers, limits in ((ints, self._bounds), (reals, self._limits)):
            low, high = limits[:, :size]
            hit &= ((low <= numbers) & (numbers <= high)).all(1)
        found = int(hit.argmax()) if hit.any() else -1
        return self._facts[found] if found >= 0 else ()

    def _features(
        self, state: State
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        values = self._symbols.values(state)
        parts: list[list[npt.NDArray[Any]]] = [[np.zeros(0, t)] for t in _TYPES]
        for variable in self._symbols.of("state"):
            array = np.asarray(values[variable.name]).ravel()
            if variable.kind == "bits":
                array = array.astype(np.uint64).view(np.int64)
            place = _place(variable)
            parts[place].append(array.astype(_TYPES[place]))
        flags, ints, reals = (np.concatenate(part) for part in parts)
        return np.packbits(flags), ints, reals


Columns = dict[tuple[str, tuple[int, ...]], int]


def _columns(symbols: Symbols) -> tuple[Columns, Columns, Columns]:
    columns: tuple[Columns, Columns, Columns] = ({}, {}, {})
    for variable in symbols.of("state"):
        part = columns[_place(variable)]
        for index in variable.elements():
            part[variable.name, index] = len(part)
    return columns


def _place(variable: Variable) -> int:
    """Return 0 for flags, 1 for other whole numbers, 2 for reals."""
    if variable.kind == "real":
        return 2
    two = variable.kind == "bool" or (variable.kind, variable.low, variable.high) == ("int", 0, 1)
    return 0 if two else 1


def _signed(value: int | float) -> int | float:
    """Return 64 bits as a signed number."""
    return value - 2**64 if value >= 2**63 else value

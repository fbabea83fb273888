"""The proof search over Python objects: the kernels' slow twin, line for line the same method."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from tesuji.domains.base import Domain, State
from tesuji.search.base import Evaluator
from tesuji.search.proof import Numbers, ProofConfig, ProofError, Question, Watch
from tesuji.search.proof_policy import move_costs
from tesuji.search.proof_table import INFINITE

SLICE = 256  # positions between two looks at the budget
ENTRY_BYTES = 400  # of memory that one position takes in a dict, roughly


@dataclass
class _Child:
    key: Hashable
    state: State
    prover: bool
    proof: int
    disproof: int
    cost: int = 0


@dataclass
class _Level:
    key: Hashable
    state: State
    prover: bool
    proof_limit: int
    disproof_limit: int
    begun: int
    children: list[_Child]
    chosen: int = 0


class ObjectProver:
    """Answers questions by df-pn over any domain; states need a key to be recognised."""

    def __init__(self, domain: Domain, config: ProofConfig, evaluator: Evaluator | None) -> None:
        self.domain = domain
        self.config = config
        self.evaluator = evaluator
        self.nodes = 0
        self._capacity = max(int(config.memory_mb * (1 << 20)) // ENTRY_BYTES, 64)
        self._tables: dict[Question, dict[Hashable, Numbers]] = {}
        self._cyclic: set[Question] = set()

    def answer(self, state: State, question: Question, ply: int, watch: Watch) -> bool | None:
        """Return whether the question holds; None where its denial hangs on a repetition."""
        mine = self.domain.to_play(state) == question.prover
        key = _key(self.domain, state)
        line = [_Level(key, state, mine, INFINITE, INFINITE, self.nodes, [])]
        while True:
            level = line[-1]
            if not level.children:
                if self.nodes % SLICE == 0 or watch.left(self.nodes) <= 0:
                    watch.look(question, self.nodes)
                self._open(level, question, ply + len(line) - 1)
            low, second, level.chosen, others, waiting = self._summary(level)
            numbers = (low, others) if level.prover else (others, low)
            if numbers[0] >= level.proof_limit or numbers[1] >= level.disproof_limit:
                self._store(level, numbers, question)
                line.pop()
                if not line:
                    return None if numbers[0] and question in self._cyclic else numbers[0] == 0
                child = line[-1].children[line[-1].chosen]
                child.proof, child.disproof = numbers
                continue
            child = level.children[level.chosen]
            known = self._table(question).get(child.key)
            if known is not None and known[:2] != (child.proof, child.disproof):
                child.proof, child.disproof = known[:2]
            elif any(above.key == child.key for above in line):
                child.proof, child.disproof = INFINITE, 0
                self._cyclic.add(question)
            else:
                line.append(self._below(level, child, second, others, waiting))

    def numbers(self, state: State, question: Question, ply: int) -> Numbers | None:
        """Return what the table has of a state."""
        del ply
        return self._table(question).get(_key(self.domain, state))

    def _table(self, question: Question) -> dict[Hashable, Numbers]:
        return self._tables.setdefault(question, {})

    def _open(self, level: _Level, question: Question, ply: int) -> None:
        self.nodes += 1
        legal = self.domain.legal(level.state)
        costs = np.zeros(len(legal), np.int32)
        if self.evaluator is not None and ply < self.config.policy_plies:
            weight = self.config.policy_weight
            costs = move_costs(self.domain, self.evaluator, level.state, legal, weight)
        for action in np.flatnonzero(legal):
            child = self._child(level, int(action), question)
            child.cost = int(costs[action])
            level.children.append(child)
            if (child.proof if level.prover else child.disproof) == 0:
                level.children = [child]
                return
        if not level.children:
            raise ProofError(f"{self.domain.spec.name} has a position without moves; cannot prove")

    def _child(self, level: _Level, action: int, question: Question) -> _Child:
        state, reward, discount = self.domain.step(level.state, action)
        if discount == 0.0:
            gain = reward if level.prover else -reward
            good = gain > 0 or (gain == 0 and not question.strict)
            return _Child(None, state, False, 0 if good else INFINITE, INFINITE if good else 0)
        if reward != 0.0 or abs(discount) != 1.0:
            raise ProofError(
                f"{self.domain.spec.name} gives rewards before the end, or discounts that are not "
                "1, -1 or 0; a proof needs a game decided at its end"
            )
        prover = level.prover if discount > 0 else not level.prover
        key = _key(self.domain, state)
        known = self._table(question).get(key)
        if known is not None:
            return _Child(key, state, prover, known.proof, known.disproof)
        count = max(int(self.domain.legal(state).sum()), 1)
        return _Child(key, state, prover, 1 if prover else count, count if prover else 1)

    def _summary(self, level: _Level) -> tuple[int, int, int, int, int]:
        low = second = INFINITE
        chosen, total, largest, waiting = -1, 0, 0, 0
        for i, child in enumerate(level.children):
            own, other = child.proof, child.disproof
            if not level.prover:
                own, other = other, own
            if 0 < own < INFINITE:
                own = min(own + child.cost, INFINITE - 1)
            if own < low:
                second, low, chosen = low, own, i
            else:
                second = min(second, own)
            total += other
            waiting += other > 0
            largest = max(largest, other)
        if low in (0, INFINITE):
            return low, second, chosen, INFINITE - low, waiting
        others = total if self.config.summed else largest + max(waiting - 1, 0)
        return low, second, chosen, min(others, INFINITE - 1), waiting

    def _below(
        self, level: _Level, child: _Child, second: int, others: int, waiting: int
    ) -> _Level:
        own_limit, other_limit = level.proof_limit, level.disproof_limit
        taken = child.disproof
        if not level.prover:
            own_limit, other_limit = other_limit, own_limit
            taken = child.proof
        slack = max(int(self.config.epsilon * second), 1)
        own_limit = min(own_limit, second + slack, INFINITE) - child.cost
        if other_limit < INFINITE:
            other_limit -= others - taken if self.config.summed else waiting - 1
        if not level.prover:
            own_limit, other_limit = other_limit, own_limit
        return _Level(child.key, child.state, child.prover, own_limit, other_limit, self.nodes, [])

    def _store(self, level: _Level, numbers: tuple[int, int], question: Question) -> None:
        table = self._table(question)
        known = table.get(level.key)
        work = self.nodes - level.begun + (known.work if known else 0)
        if known is None and len(table) >= self._capacity:
            del table[next(iter(table))]
        table[level.key] = Numbers(*numbers, work)


def _key(domain: Domain, state: State) -> Hashable:
    """Return what tells a state from others; without keys every state stands for itself."""
    key = domain.key(state)
    return key if key is not None else _Unique(state)


class _Unique:
    """A key equal to nothing but itself."""

    def __init__(self, state: State) -> None:
        self.state = state

"""The proof search over rows of a compiled domain: memory, budget, policy around the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import State
from tesuji.domains.compiled import CompiledDomain
from tesuji.search.base import Evaluator, Status
from tesuji.search.proof import (
    Numbers,
    OutOfBudgetError,
    ProofConfig,
    ProofError,
    Question,
    Watch,
)
from tesuji.search.proof_frames import allocate_frames, control_dtype, parameters_dtype
from tesuji.search.proof_kernels import (
    ASKS,
    FULL,
    SOLVED,
    UNFIT,
    begin,
    lookup,
    prove,
)
from tesuji.search.proof_policy import move_costs
from tesuji.search.proof_table import allocate_table

SLICE = 20_000  # positions between two looks at the budget

_SALTS = {
    Question(side, strict): 0x9E3779B97F4A7C15 * (2 * side + strict + 1) & (1 << 64) - 1
    for side in (0, 1)
    for strict in (False, True)
}


class RowProver:
    """Answers questions by df-pn over a compiled domain."""

    def __init__(
        self, domain: CompiledDomain, config: ProofConfig, evaluator: Evaluator | None
    ) -> None:
        self.domain = domain
        self.config = config
        self.evaluator = evaluator
        self.nodes = 0
        self._table = allocate_table(config.memory_mb)
        self._frames = allocate_frames(domain)
        self._control = np.zeros(1, control_dtype).view(np.recarray)[0]
        self._rules = domain.kernels.addresses()
        self._cyclic: set[Question] = set()
        self._costs: dict[bytes, npt.NDArray[np.int32]] = {}

    def answer(self, state: State, question: Question, ply: int, watch: Watch) -> bool | None:
        """Return whether the question holds; None where its denial hangs on a repetition."""
        self._frames.states[0] = self.domain.row(state)
        parameters = self._parameters(question)
        arguments = (self._rules, self.domain.instance, parameters)
        control = self._control
        control.cycles = control.nodes = 0
        control.ply = ply
        mine = int(self.domain.to_play(state) == question.prover)
        begin(self._frames, control, mine, *arguments)
        while True:
            allowed = control.nodes + max(min(SLICE, watch.left(self.nodes)), 0)
            before = control.nodes
            outcome = prove(self._frames, control, self._table, *arguments, allowed)
            self.nodes += int(control.nodes - before)
            if control.cycles:
                self._cyclic.add(question)
            if outcome == SOLVED:
                break
            self._tell_unfit(outcome)
            if outcome == ASKS:
                self._write_costs()
            else:
                watch.look(question, self.nodes)
        numbers = self.numbers(state, question, ply)
        assert numbers is not None  # the root is stored last
        if numbers.proof and question in self._cyclic:
            return None
        return numbers.proof == 0

    def numbers(self, state: State, question: Question, ply: int) -> Numbers | None:
        """Return what the table has of a state."""
        self._frames.states[0] = self.domain.row(state)
        parameters = self._parameters(question)
        mine = int(self.domain.to_play(state) == question.prover)
        rest = (self._rules, self.domain.instance, parameters)
        index = lookup(self._frames, ply, mine, self._table, *rest)
        if index < 0:
            return None
        entry = self._table[index]
        return Numbers(int(entry.proof), int(entry.disproof), int(entry.work))

    def _parameters(self, question: Question) -> Any:
        parameters = np.zeros(1, parameters_dtype).view(np.recarray)[0]
        parameters.salt = np.uint64(_SALTS[question])
        parameters.strict = question.strict
        parameters.summed = self.config.summed
        parameters.policy_plies = self.config.policy_plies if self.evaluator else 0
        parameters.symmetric_plies = self.config.symmetric_plies
        parameters.num_symmetries = self.domain.spec.num_symmetries
        parameters.epsilon = self.config.epsilon
        return parameters

    def _write_costs(self) -> None:
        """Ask the evaluator about the top of the line."""
        assert self.evaluator is not None
        row = self._frames.states[self._control.level]
        key = row.tobytes()
        if key not in self._costs:
            state = self.domain.state(row.copy())
            legal = self.domain.legal(state)
            self._costs[key] = move_costs(
                self.domain, self.evaluator, state, legal, self.config.policy_weight
            )
        self._frames.costs[:] = self._costs[key]
        self._control.ready = 1

    def _tell_unfit(self, outcome: int) -> None:
        name = self.domain.spec.name
        if outcome == UNFIT:
            raise ProofError(
                f"{name} gives rewards before the end, discounts that are not 1, -1 or 0, or "
                "positions without moves; a proof needs a game decided at its end"
            )
        if outcome == FULL:
            raise OutOfBudgetError(Status.NODES)

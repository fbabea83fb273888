"""Hex by its own solver: how `tesuji prove` asks it, and how it answers."""

from __future__ import annotations

from tesuji.domains.base import Domain, State
from tesuji.domains.games.hex_points import MAX_SIZE
from tesuji.domains.games.hex_proof import write_proof
from tesuji.domains.games.hex_solver import HexSolver
from tesuji.engine.certificates import Proof
from tesuji.search.base import Status
from tesuji.search.proof import (
    Claim,
    Finding,
    OutOfBudgetError,
    ProofBudget,
    ProofResult,
    Question,
    Tell,
    Watch,
)


def open_hex(domain: Domain) -> HexMethod | None:
    """Return the method for a board that it can serve: up to 8x8, without the swap rule."""
    size = int(domain.spec.num_actions**0.5)
    if domain.spec.name != f"hex_{size}x{size}" or size > MAX_SIZE:
        return None
    return HexMethod(size)


class HexMethod:
    """Proof numbers over virtual connections, for one board size."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.solver = HexSolver(size)

    def run(
        self, state: State, budget: ProofBudget, claim: Claim | None, tell: Tell | None
    ) -> ProofResult:
        """Return who wins: in Hex there is no draw, and any claim is settled by it."""
        del claim
        mover = int(state["to_play"])
        before = self.solver.num_judged
        watch = Watch(budget, tell, before)
        question = Question(mover, strict=True)
        status, lower, upper = Status.SEARCHING, -1, 1
        findings: tuple[Finding, ...] = ()
        try:
            node = self.solver.solve(
                *self._stones(state), mover, lambda nodes: watch.look(question, nodes)
            )
            lower = upper = 1 if node.proof == 0 else -1
            status = Status.PROVEN_WIN if lower == 1 else Status.PROVEN_LOSS
            holds = question if lower == 1 else Question(1 - mover, strict=True)
            findings = (Finding(holds, question),)
        except OutOfBudgetError as spent:
            status = spent.status
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
        nodes = self.solver.num_judged - before
        return ProofResult(status, lower, upper, findings, nodes, watch.elapsed())

    def proofs(
        self, state: State, result: ProofResult, budget: ProofBudget
    ) -> list[tuple[Proof, tuple[int, ...]]]:
        """Return the proof behind a result, and its longest line."""
        del budget
        [finding] = result.findings
        node = self.solver.table[(*self._stones(state), int(state["to_play"]))]
        nodes, line = write_proof(self.solver, node)
        return [(Proof(finding.holds.prover, True, "hex", nodes), line)]

    def _stones(self, state: State) -> tuple[int, int]:
        board = [int(value) & 3 for value in state["board"][: self.size**2]]
        first = sum(1 << cell for cell, stone in enumerate(board) if stone == 1)
        second = sum(1 << cell for cell, stone in enumerate(board) if stone == 2)
        return first, second

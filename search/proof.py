"""Proof search: is a position won, drawn or lost, in any game of two players.

Two questions settle it, each asked of one side: can it win, can it hold at least a draw? An answer
comes as a proof that `tesuji.search.proof_tree` turns into a certificate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from tesuji.domains.base import Domain, State
from tesuji.domains.compiled import CompiledDomain
from tesuji.search.base import Evaluator, Status

Claim = Literal["win", "draw", "loss"]


class ProofError(RuntimeError):
    """The game is none that a proof search can settle; the message says why."""


class Question(NamedTuple):
    """Whether `prover` reaches at least a draw, or (`strict`) a win."""

    prover: int  # side 0 or 1
    strict: bool

    def denied(self) -> Question:
        """Return what the other side holds where the answer is no."""
        return Question(1 - self.prover, not self.strict)


class Numbers(NamedTuple):
    """What a table knows of one position under one question."""

    proof: int
    disproof: int
    work: int


@dataclass(frozen=True)
class ProofConfig:
    """How to search.

    Attributes:
        memory_mb: size of the table of positions.
        epsilon: how far past the second best a line is followed before the search goes back.
        summed: add the numbers of children as in Allis' search, instead of the weak form that
            counts a position once.
        policy_plies: so many plies from the root the evaluator's policy orders the moves.
        policy_weight: what a move costs for each halving of its probability.
        symmetric_plies: so many plies from the root symmetric positions are taken for one.
    """

    memory_mb: float = 256.0
    epsilon: float = 0.25
    summed: bool = False
    policy_plies: int = 4
    policy_weight: float = 1.0
    symmetric_plies: int = 4

    def __post_init__(self) -> None:
        for name in ("epsilon", "policy_plies", "policy_weight", "symmetric_plies"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"proof: {name} must be at least 0, got {getattr(self, name)}")
        if not 0 < self.memory_mb <= 1 << 20:
            raise ValueError(f"proof: memory_mb must be above 0, got {self.memory_mb}")


@dataclass(frozen=True)
class ProofBudget:
    """When a proof search gives up; None is never.

    Attributes:
        nodes: positions opened.
        seconds: wall-clock time.
    """

    nodes: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("nodes", "seconds"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"budget: {name} must be above 0, got {value}")


class Progress(NamedTuple):
    """Where a search stands, told a few times a second."""

    question: Question
    nodes: int
    seconds: float


Tell = Callable[[Progress], None]


class Prover(Protocol):
    """What answers questions: compiled rows, Python objects, or a game's own method."""

    nodes: int  # positions opened so far

    def answer(self, state: State, question: Question, ply: int, watch: Watch) -> bool | None:
        """Return whether the question holds at `state`, None where it cannot be said."""
        ...

    def numbers(self, state: State, question: Question, ply: int) -> Numbers | None:
        """Return what the table has of `state`, None where it has forgotten."""
        ...


class OutOfBudgetError(Exception):
    """The budget is spent."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.value)
        self.status = status


@dataclass
class Watch:
    """Looks at the budget while a search runs."""

    budget: ProofBudget
    tell: Tell | None = None
    nodes_before: int = 0
    started: float = field(default_factory=time.monotonic)

    def left(self, nodes: int) -> int:
        """Return how many more positions may be opened."""
        if self.budget.nodes is None:
            return 1 << 62
        return self.budget.nodes - (nodes - self.nodes_before)

    def elapsed(self) -> float:
        """Return the seconds since the watch was made."""
        return time.monotonic() - self.started

    def look(self, question: Question, nodes: int) -> None:
        """Tell how far the search is, and stop it where the budget is spent."""
        seconds = self.elapsed()
        if self.tell is not None:
            self.tell(Progress(question, nodes - self.nodes_before, seconds))
        if self.left(nodes) <= 0:
            raise OutOfBudgetError(Status.NODES)
        if self.budget.seconds is not None and seconds >= self.budget.seconds:
            raise OutOfBudgetError(Status.TIME)


class Finding(NamedTuple):
    """A question that was answered yes, and the one that the search asked to learn it."""

    holds: Question
    asked: Question


@dataclass(frozen=True)
class ProofResult:
    """What a proof search found, seen by the side to move.

    Attributes:
        status: proven win, draw or loss; or why the search stopped.
        lower: -1, 0 or 1: at least this is certain.
        upper: at most this is possible.
        findings: what was proven, as a certificate needs it.
        nodes: positions opened.
        seconds: wall-clock time.
    """

    status: Status
    lower: int
    upper: int
    findings: tuple[Finding, ...]
    nodes: int
    seconds: float

    @property
    def proven(self) -> bool:
        """Whether the value is exact."""
        return self.lower == self.upper


_STATUS = {1: Status.PROVEN_WIN, 0: Status.PROVEN_DRAW, -1: Status.PROVEN_LOSS}

# What to ask, in this order, as (the side to move asks, must win), until the value is known.
_PLANS: dict[Claim | None, tuple[tuple[bool, bool], ...]] = {
    None: ((True, True), (False, True), (False, False), (True, False)),
    "win": ((True, True), (False, False)),
    "draw": ((True, True), (False, True), (False, False), (True, False)),
    "loss": ((False, True), (True, False)),
}


class ProofSearch:
    """A proof search with its table of positions, which later calls reuse.

    One search serves one thread; it frees the GIL while a compiled domain's kernels run.
    """

    def __init__(
        self,
        domain: Domain,
        config: ProofConfig | None = None,
        evaluator: Evaluator | None = None,
        prover: Prover | None = None,
    ) -> None:
        """Make a search.

        Args:
            domain: a deterministic game of two players.
            config: how to search.
            evaluator: whose policy orders moves near the root; by their replies alone where None.
            prover: what answers questions in place of the general search.
        """
        spec = domain.spec
        if spec.num_players != 2 or not spec.deterministic:
            raise ProofError(f"{spec.name} is no deterministic game of two players; cannot prove")
        self.domain = domain
        self.config = config or ProofConfig()
        self.prover = prover or _general(domain, self.config, evaluator)

    def run(
        self,
        state: State,
        budget: ProofBudget | None = None,
        claim: Claim | None = None,
        tell: Tell | None = None,
    ) -> ProofResult:
        """Return what can be proven of `state`, which is no end.

        Args:
            state: where to start.
            budget: when to give up; never where None.
            claim: search only until this is known to be so or not.
            tell: is told how far the search is.
        """
        watch = Watch(budget or ProofBudget(), tell, self.prover.nodes)
        mover = self.domain.to_play(state)
        lower, upper = -1, 1
        findings: list[Finding] = []
        stopped: Status | None = None
        try:
            for own, strict in _PLANS[claim]:
                gain = int(strict)
                if lower == upper or (lower >= gain if own else -upper >= gain):
                    continue
                if (upper < gain) if own else (-lower < gain):
                    continue
                question = Question(mover if own else 1 - mover, strict)
                answer = self.prover.answer(state, question, 0, watch)
                if answer is None:
                    continue
                holds = question if answer else question.denied()
                findings.append(Finding(holds, question))
                if holds.prover == mover:
                    lower = max(lower, int(holds.strict))
                else:
                    upper = min(upper, -int(holds.strict))
        except OutOfBudgetError as spent:
            stopped = spent.status
        except KeyboardInterrupt:
            stopped = Status.INTERRUPTED
        status = _STATUS[lower] if lower == upper else stopped or Status.SEARCHING
        nodes = self.prover.nodes - watch.nodes_before
        seconds = watch.elapsed()
        return ProofResult(status, lower, upper, _needed(findings), nodes, seconds)


def _needed(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return the findings that no stronger one makes idle."""
    return tuple(
        finding
        for finding in findings
        if finding.holds.strict
        or not any(
            other.holds.strict and other.holds.prover == finding.holds.prover for other in findings
        )
    )


def _general(domain: Domain, config: ProofConfig, evaluator: Evaluator | None) -> Prover:
    if isinstance(domain, CompiledDomain):
        from tesuji.search.proof_rows import RowProver  # noqa: PLC0415

        return RowProver(domain, config, evaluator)
    from tesuji.search.proof_objects import ObjectProver  # noqa: PLC0415

    return ObjectProver(domain, config, evaluator)

"""Prove positions and write what was proven as certificates."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tesuji.domains.base import Domain, State
from tesuji.engine.certificates import Certificate, Proof
from tesuji.engine.errors import TesujiError, UsageError
from tesuji.engine.game import Game
from tesuji.engine.moves import read_game
from tesuji.search.base import Evaluator
from tesuji.search.proof import (
    Claim,
    OutOfBudgetError,
    ProofBudget,
    ProofConfig,
    ProofError,
    ProofResult,
    ProofSearch,
    Tell,
    Watch,
)
from tesuji.search.proof_tree import unfold

# Games with a method of their own: first word of the name -> `module:function`, called with the
# domain; it returns a `Method`, or None where it cannot serve.
METHODS = {"hex": "tesuji.engine.hex_method:open_hex"}

# What bounds of the value, -1 a loss and 1 a win, say in a certificate.
CLAIMS = {(1, 1): "win", (0, 0): "draw", (-1, -1): "loss", (0, 1): "not loss", (-1, 0): "not win"}


@dataclass(frozen=True)
class Position:
    """A position as a certificate names it."""

    game: str
    state: State
    moves: tuple[int, ...] | None
    text: str | None


def read_position(domain: Domain, game: str, text: str) -> Position:
    """Return the position that `text` tells: the moves from the start, or the game's notation.

    Raises:
        UsageError: it is neither, or the game is over there.
    """
    try:
        line = read_game(domain, text)
    except UsageError:
        if domain.format_state(domain.reset()) is None:
            raise
        return _parsed(domain, game, text)
    if line.current.ended:
        raise UsageError(f"the game is over after {text!r}; nothing to prove")
    return Position(game, line.current.state, _actions(line), None)


def _parsed(domain: Domain, game: str, text: str) -> Position:
    try:
        state = domain.parse_state(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is neither moves nor a position: {error}") from None
    if not domain.legal(state).any():
        raise UsageError(f"the game is over at {text!r}; nothing to prove")
    return Position(game, state, None, text)


def _actions(line: Game) -> tuple[int, ...]:
    made = [position.move for position in line.line()[: line.current.ply + 1]]
    return tuple(move.action for move in made if move is not None)


class Method(Protocol):
    """A way to prove positions of a game."""

    def run(
        self, state: State, budget: ProofBudget, claim: Claim | None, tell: Tell | None
    ) -> ProofResult:
        """Return what can be proven of a state."""
        ...

    def proofs(
        self, state: State, result: ProofResult, budget: ProofBudget
    ) -> list[tuple[Proof, tuple[int, ...]]]:
        """Return each proof that the result follows from, and its longest line of play.

        Raises:
            TesujiError: it cannot be written out.
        """
        ...


class General:
    """The proof search that knows only the rules."""

    def __init__(self, search: ProofSearch) -> None:
        self.search = search

    def run(
        self, state: State, budget: ProofBudget, claim: Claim | None, tell: Tell | None
    ) -> ProofResult:
        """Return what can be proven of a state."""
        return self.search.run(state, budget, claim, tell)

    def proofs(
        self, state: State, result: ProofResult, budget: ProofBudget
    ) -> list[tuple[Proof, tuple[int, ...]]]:
        """Return the proof trees behind a result, and their longest lines."""
        prover = self.search.prover
        watch = Watch(budget, None, prover.nodes)
        try:
            trees = [
                unfold(self.search.domain, prover, state, finding, watch)
                for finding in result.findings
            ]
        except ProofError as error:
            raise TesujiError(f"no certificate: {error}") from None
        except OutOfBudgetError as spent:
            raise TesujiError(f"no certificate: {spent} while it was written out") from None
        return [(Proof(tree.prover, tree.strict, "tree", tree.nodes), tree.line) for tree in trees]


def open_method(domain: Domain, config: ProofConfig, evaluator: Evaluator | None) -> Method:
    """Return the best way to prove positions of a game."""
    own = METHODS.get(domain.spec.name.split("_")[0])
    if own is not None and not domain.constraints:
        module, _, function = own.partition(":")
        method: Method | None = getattr(importlib.import_module(module), function)(domain)
        if method is not None:
            return method
    try:
        return General(ProofSearch(domain, config, evaluator))
    except ProofError as error:
        raise UsageError(str(error)) from None


def certificate_of(position: Position, result: ProofResult, proofs: Sequence[Proof]) -> Certificate:
    """Return the certificate of a result that knows more than nothing."""
    claim = CLAIMS[result.lower, result.upper]
    return Certificate(position.game, position.moves, position.text, claim, tuple(proofs))

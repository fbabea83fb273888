"""Check certificates by the rules alone: `legal` and `step`, and no line of the search's code.

A proof by the method `tree` is a list of nodes, every parent before its children; node 0 is the
position. Where the prover moves, a node is `[action, child]`; where the other side moves, it is
one child for each legal action in order. A child of 0 says that the game is over there, at least
as well for the prover as claimed. Checking walks the list once and keeps only positions to come.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tesuji.domains.base import Domain, State
from tesuji.domains.registry import UnknownDomainError, make
from tesuji.engine.certificates import MAX_BYTES, Certificate, Proof, load_certificate
from tesuji.engine.errors import UnprovenError, UsageError

# How to check each method of proof: `module:function`, called with `(domain, state, proof)`. A
# game's own method is one line here.
METHODS = {
    "tree": "tesuji.engine.verification:check_tree",
    "hex": "tesuji.engine.hex_verification:check_hex",
}


class ProofFault(UnprovenError):
    """A certificate does not prove what it claims; the message says where it fails."""


class Verified(NamedTuple):
    """What a certificate proves."""

    certificate: Certificate
    domain: Domain
    state: State
    nodes: int


def verify(path: Path, game: str | None = None, max_bytes: int = MAX_BYTES) -> Verified:
    """Check the certificate in a file and return what it proves.

    Args:
        path: the file.
        game: the game, where it is a file of the user's own: no certificate chooses code to run.
        max_bytes: larger files are refused unread.

    Raises:
        TesujiError: the file is damaged, or does not prove what it claims.
    """
    certificate = load_certificate(path, max_bytes)
    domain = _domain(certificate, game)
    state = _position(certificate, domain)
    reached = {-1: False, 1: False}, {-1: False, 1: False}
    nodes = 0
    for proof in certificate.proofs:
        check = _method(proof.method)
        check(domain, state, proof)
        nodes += len(proof.nodes)
        own = int(domain.to_play(state) == proof.prover)
        reached[own][1 if proof.strict else -1] = True
    _check_claim(certificate.claim, reached[1], reached[0])
    return Verified(certificate, domain, state, nodes)


def _check_claim(claim: str, own: dict[int, bool], other: dict[int, bool]) -> None:
    """Check that what each side reaches (1 a win, -1 a draw at least) gives the claim."""
    enough = {
        "win": own[1],
        "loss": other[1],
        "draw": own[-1] and other[-1],
        "not loss": own[-1],
        "not win": other[-1],
    }
    if not enough[claim]:
        raise ProofFault(f"its proofs do not add up to a {claim} of the side to move")


def _method(name: str) -> Callable[[Domain, State, Proof], None]:
    if name not in METHODS:
        raise ProofFault(f"no method of proof is called {name!r}; known: {', '.join(METHODS)}")
    module, _, function = METHODS[name].partition(":")
    check: Callable[[Domain, State, Proof], None] = getattr(
        importlib.import_module(module), function
    )
    return check


def _domain(certificate: Certificate, game: str | None) -> Domain:
    name = certificate.game
    if game is not None and game != name:
        raise UsageError(f"the certificate is of game {name!r}, not of {game!r}")
    if game is None and ".py:" in name:
        raise UsageError(f"the certificate is of a game of your own; give --game {name}")
    try:
        domain = make(name)
    except (UnknownDomainError, ValueError) as error:
        raise ProofFault(f"its game cannot be made: {error}") from None
    if domain.spec.num_players != 2 or not domain.spec.deterministic:
        raise ProofFault(f"{name} is no deterministic game of two players")
    return domain


def _position(certificate: Certificate, domain: Domain) -> State:
    if certificate.state is not None:
        try:
            return domain.parse_state(certificate.state)
        except ValueError as error:
            raise ProofFault(f"its position: {error}") from None
    state = domain.reset()
    for number, action in enumerate(certificate.moves or (), 1):
        if action >= domain.spec.num_actions or not domain.legal(state)[action]:
            raise ProofFault(f"move {number} of its position, {action}, is not legal")
        state, _, discount = domain.step(state, action)
        if discount == 0.0:
            raise ProofFault(f"the game is over after move {number} of its position")
    return state


def check_tree(domain: Domain, root: State, proof: Proof) -> None:
    """Check a proof by `tree`.

    Raises:
        ProofFault: it fails; the message says at which node.
    """
    waiting = {0: root}
    for number, node in enumerate(proof.nodes):
        if number not in waiting:
            raise ProofFault(f"node {number} is nobody's child")
        state = waiting.pop(number)
        legal = np.flatnonzero(domain.legal(state))
        if domain.to_play(state) == proof.prover:
            if len(node) != 2 or node[0] not in legal:
                raise ProofFault(f"node {number}: {list(node)} is no legal move and its child")
            moves = [node]
        else:
            if len(node) != len(legal) or not len(legal):
                raise ProofFault(f"node {number}: {len(node)} children, {len(legal)} legal moves")
            moves = [(int(action), child) for action, child in zip(legal, node, strict=True)]
        for action, child in moves:
            _follow(domain, state, action, number, child, proof, waiting)
    if waiting:
        raise ProofFault(f"node {min(waiting)} is missing")


def _follow(
    domain: Domain,
    state: State,
    action: int,
    number: int,
    child: int,
    proof: Proof,
    waiting: dict[int, State],
) -> None:
    """Make a move of node `number` and check that it leads to `child`."""
    following, reward, discount = domain.step(state, action)
    here = f"node {number}, action {action}"
    mine = domain.to_play(state) == proof.prover
    if discount == 0.0:
        gain = reward if mine else -reward
        if child != 0:
            raise ProofFault(f"{here}: the game is over, but it names child {child}")
        if gain < 0 or (gain == 0 and proof.strict):
            raise ProofFault(f"{here}: the game ends worse for the prover than claimed")
        return
    same = domain.to_play(following) == domain.to_play(state)
    if reward != 0.0 or discount != (1.0 if same else -1.0):
        raise ProofFault(f"{here}: a reward before the end; the game is none for such a proof")
    if child <= number:
        raise ProofFault(f"{here}: child {child} does not come after it")
    if child not in waiting:
        if child >= len(proof.nodes):
            raise ProofFault(f"{here}: there is no node {child}")
        waiting[child] = following
    else:
        key = domain.key(following)
        if key is None or key != domain.key(waiting[child]):
            raise ProofFault(f"{here}: child {child} is another position")

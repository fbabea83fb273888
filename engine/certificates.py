"""Certificates: proofs of a position's value as a file that the rules alone can check.

A text file. The first line is a JSON object: what is claimed of which position of which game, and
the SHA-256 of the file without that entry. The nodes follow, one JSON list of whole numbers a
line, proof after proof. `tesuji.engine.verification` says what they mean and checks them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tesuji.engine.storage import DamagedFileError, atomic_write, read_checked, sha256

FORMAT = "tesuji certificate"
VERSION = 1
MAX_BYTES = 1 << 30
MAX_HEADER = 1 << 20
CLAIMS = ("win", "draw", "loss", "not loss", "not win")

Node = tuple[int, ...]


@dataclass(frozen=True)
class Proof:
    """A proof that a side reaches at least something.

    Attributes:
        prover: the side, 0 or 1.
        strict: whether it wins; else it holds at least a draw.
        method: how to read the nodes: `tree`, or a game's own.
        nodes: the proof.
    """

    prover: int
    strict: bool
    method: str
    nodes: Sequence[Node]


@dataclass(frozen=True)
class Certificate:
    """What is claimed, and why it is so.

    Attributes:
        game: the registered name.
        moves: actions from the start to the position; None where `state` says it.
        state: the position in the game's own notation.
        claim: what the side to move gets, one of `CLAIMS`.
        proofs: what the claim follows from.
    """

    game: str
    moves: tuple[int, ...] | None
    state: str | None
    claim: str
    proofs: tuple[Proof, ...]


def save_certificate(path: Path, certificate: Certificate) -> int:
    """Write a certificate, whole or not at all, and return its size in bytes."""
    body = "".join(
        f"[{','.join(map(str, node))}]\n" for proof in certificate.proofs for node in proof.nodes
    ).encode()
    header: dict[str, Any] = {"format": FORMAT, "version": VERSION, "game": certificate.game}
    if certificate.moves is not None:
        header["moves"] = list(certificate.moves)
    else:
        header["state"] = certificate.state
    header["claim"] = certificate.claim
    header["proofs"] = [
        {"prover": p.prover, "strict": p.strict, "method": p.method, "nodes": len(p.nodes)}
        for p in certificate.proofs
    ]
    digest = sha256(_line(header) + body)
    content = _line({**header, "sha256": digest}) + body
    atomic_write(path, content)
    return len(content)


def load_certificate(path: Path, max_bytes: int = MAX_BYTES) -> Certificate:
    """Read a certificate whose bytes are those that were written; what they claim is unchecked.

    Raises:
        DamagedFileError: it is no certificate, or not what was written.
    """
    content = read_checked(path, limit=max_bytes)
    first, newline, body = content.partition(b"\n")
    try:
        header = json.loads(first) if newline and len(first) <= MAX_HEADER else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise DamagedFileError(path, f"it does not begin as a {FORMAT}")
    if header.get("version") != VERSION:
        raise DamagedFileError(path, f"version {header.get('version')!r}, expected {VERSION}")
    digest = header.pop("sha256", None)
    try:
        same = digest == sha256(_line(header) + body) and _line(header, digest) + body == content
    except (ValueError, RecursionError):
        same = False
    if not same:
        raise DamagedFileError(path, "its SHA-256 is not that of what was written")
    try:
        return _parse(header, body)
    except ValueError as error:
        raise DamagedFileError(path, str(error)) from None


def _line(header: dict[str, Any], digest: Any = None) -> bytes:
    whole = header if digest is None else {**header, "sha256": digest}
    return (json.dumps(whole, allow_nan=False) + "\n").encode()


def _parse(header: dict[str, Any], body: bytes) -> Certificate:
    game, claim = header.get("game"), header.get("claim")
    moves, state, proofs = header.get("moves"), header.get("state"), header.get("proofs")
    if not isinstance(game, str) or claim not in CLAIMS:
        raise ValueError(f"its claim is {claim!r} of game {game!r}; expected one of {CLAIMS}")
    if (moves is None) == (state is None) or not isinstance(state, str | None):
        raise ValueError("it must say the position by its moves or as a state")
    if moves is not None and not (isinstance(moves, list) and all(map(_whole, moves))):
        raise ValueError("its moves are not a list of whole numbers")
    if not isinstance(proofs, list) or not all(isinstance(p, dict) for p in proofs):
        raise ValueError("its proofs are not a list of objects")
    lines = body.split(b"\n")
    if lines.pop() != b"":
        raise ValueError("its last line is cut off")
    read, at = [], 0
    for proof in proofs:
        count = proof.get("nodes", -1)
        if not _whole(count) or count > len(lines) - at:
            raise ValueError(f"it names {count!r} nodes and has {len(lines) - at} lines left")
        read.append(_proof(proof, [_node(line) for line in lines[at : at + count]]))
        at += count
    if at != len(lines):
        raise ValueError(f"it has {len(lines) - at} lines that belong to no proof")
    return Certificate(game, None if moves is None else tuple(moves), state, claim, tuple(read))


def _proof(entry: dict[str, Any], nodes: list[Node]) -> Proof:
    prover, strict, method = entry.get("prover", -1), entry.get("strict"), entry.get("method")
    if not _whole(prover) or prover > 1 or not isinstance(strict, bool):
        raise ValueError(f"a proof's prover is {prover!r} and strict {strict!r}")
    if not isinstance(method, str):
        raise ValueError(f"a proof's method is {method!r}, expected a name")
    return Proof(prover, strict, method, nodes)


def _node(line: bytes) -> Node:
    """Return the numbers of `[a,b,c]`, written as a certificate writes them."""
    if not (line.startswith(b"[") and line.endswith(b"]")) or len(line) > MAX_HEADER:
        raise ValueError(f"line {line[:40]!r} is no list")
    words = line[1:-1].split(b",")
    if not all(word.isdigit() and len(word) <= 19 for word in words):
        raise ValueError(f"line {line[:40]!r} is no list of whole numbers")
    return tuple(map(int, words))


def _whole(number: object) -> bool:
    return type(number) is int and number >= 0

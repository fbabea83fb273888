"""Check proofs by the method `hex`: moves by the rules, connections by three rules of their own.

`domains/games/hex_proof.py` says how a node is written. What is trusted here, beside `legal` and
`step`, is what makes a connection, and that a stone more never harms its side:

- *base*: neighbouring points are connected, whoever moves;
- *and*: two connections that need different cells and share a point make one between their other
  ends; where the shared point is empty, the prover must move first, and needs that cell, too;
- *or*: where several connections of the same points are there for who moves first, and no cell is
  needed by all of them, then the points are connected, whoever moves.

What a node needs is a set of cells, its carrier: the prover wins from there even if all other empty
cells were the other side's. So where the other side moves, an answer with a carrier answers each
move outside of it. Nothing here is shared with the solver.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tesuji.domains.base import Domain, State
from tesuji.domains.compiled import CompiledDomain
from tesuji.engine.certificates import Node, Proof
from tesuji.engine.errors import TesujiError

_AROUND = ((-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0))


class HexFault(TesujiError):
    """A proof does not hold; the message says where."""


class _Connection(NamedTuple):
    ends: frozenset[int]
    carrier: frozenset[int]
    full: bool


class _Step(NamedTuple):
    mine: bool
    moves: list[tuple[int, int]]
    empty: frozenset[int]
    connections: list[_Connection]  # of the prover's edges


def check_hex(domain: Domain, root: State, proof: Proof) -> None:
    """Check a proof by `hex`.

    Raises:
        HexFault: it fails; the message says at which node.
    """
    from tesuji.domains.games import hex as rules  # noqa: PLC0415

    size = int(domain.spec.num_actions**0.5)
    plain = domain.spec.name == f"hex_{size}x{size}" and isinstance(domain, CompiledDomain)
    if not plain or domain.kernels is not rules.kernels or domain.constraints:  # type: ignore[attr-defined]
        raise HexFault(f"{domain.spec.name} is not plain Hex; the method does not fit")
    waiting = {0: root}
    steps: list[_Step] = []
    for number, node in enumerate(proof.nodes):
        if number not in waiting:
            raise HexFault(f"node {number} is nobody's child")
        state = waiting.pop(number)
        try:
            step = _read(domain, state, node, proof.prover, size)
            for action, child in step.moves:
                _follow(domain, state, action, child, number, len(proof.nodes), waiting)
        except HexFault as fault:
            raise HexFault(f"node {number}: {fault}") from None
        steps.append(step)
    if waiting:
        raise HexFault(f"node {min(waiting)} is missing")
    carriers: dict[int, frozenset[int]] = {}
    for number in reversed(range(len(steps))):
        try:
            carriers[number] = _carrier(steps[number], carriers)
        except HexFault as fault:
            raise HexFault(f"node {number}: {fault}") from None


def _read(domain: Domain, state: State, node: Node, prover: int, size: int) -> _Step:
    """Return what a node says, its connections derived."""
    board = [int(value) & 3 for value in state["board"][: size**2]]
    count = node[0]
    if len(node) < 1 + 2 * count:
        raise HexFault("it is cut off")
    moves = [(node[i], node[i + 1]) for i in range(1, 1 + 2 * count, 2)]
    legal = domain.legal(state)
    if len({action for action, _ in moves}) != count:
        raise HexFault("it shows a move twice")
    for action, _ in moves:
        if action >= len(legal) or not legal[action]:
            raise HexFault(f"move {action} is not legal")
    points = _Points(board, prover, size)
    connections = _derive(points, node[1 + 2 * count :])
    edges = frozenset((points.name[size * size], points.name[size * size + 1]))
    found = [connection for connection in connections if connection.ends == edges]
    empty = frozenset(int(cell) for cell in np.flatnonzero(legal))
    return _Step(domain.to_play(state) == prover, moves, empty, found)


def _follow(
    domain: Domain,
    state: State,
    action: int,
    child: int,
    number: int,
    count: int,
    waiting: dict[int, State],
) -> None:
    """Make a move and check that it leads to `child`."""
    following, _, discount = domain.step(state, action)
    if discount == 0.0:
        raise HexFault(f"move {action} ends the game, where a connection would do")
    if not number < child < count:
        raise HexFault(f"move {action}: there is no node {child} after it")
    if child in waiting and domain.key(waiting[child]) != domain.key(following):
        raise HexFault(f"move {action}: node {child} is another position")
    waiting[child] = following


def _carrier(step: _Step, carriers: dict[int, frozenset[int]]) -> frozenset[int]:
    """Return what the prover needs at a node.

    Raises:
        HexFault: he has not won.
    """
    full = [connection.carrier for connection in step.connections if connection.full]
    if full:
        return min(full, key=len)
    if step.mine:
        if step.connections:
            return min((connection.carrier for connection in step.connections), key=len)
        if len(step.moves) != 1:
            raise HexFault(f"{len(step.moves)} moves and no connection of the edges")
        [(action, child)] = step.moves
        return carriers[child] | {action}
    left = step.empty
    needed: frozenset[int] = frozenset()
    for connection in step.connections:
        left &= connection.carrier
        needed |= connection.carrier
    for action, child in step.moves:
        left = (left & carriers[child]) - {action}
        needed |= carriers[child] | {action}
    if left:
        raise HexFault(f"moves {sorted(left)} are not answered")
    return needed


class _Points:
    """Chains, edges and empty cells of the prover, by name."""

    def __init__(self, board: list[int], prover: int, size: int) -> None:
        self.size = size
        self.board = board
        self.own = prover + 1
        edges = (size * size, size * size + 1)
        self.chains = set(edges)
        self.name: dict[int, int] = {edge: edge for edge in edges}
        for edge in edges:
            for cell in self._along(edge):
                if board[cell] == self.own:
                    self._flood(cell, edge)
        for cell in range(size * size):
            if board[cell] == self.own and cell not in self.name:
                self.chains.add(cell)
                self._flood(cell, cell)
            elif board[cell] == 0:
                self.name[cell] = cell
        self.near = self._pairs()

    def _along(self, edge: int) -> list[int]:
        """Return the cells along an edge of the prover."""
        line = 0 if edge == self.size * self.size else self.size - 1
        if self.own == 1:  # top and bottom
            return [line * self.size + i for i in range(self.size)]
        return [i * self.size + line for i in range(self.size)]

    def _around(self, cell: int) -> list[int]:
        row, column = divmod(cell, self.size)
        near = [(row + down, column + right) for down, right in _AROUND]
        return [r * self.size + c for r, c in near if 0 <= r < self.size and 0 <= c < self.size]

    def _flood(self, start: int, name: int) -> None:
        stack = [start]
        while stack:
            cell = stack.pop()
            if self.board[cell] == self.own and cell not in self.name:
                self.name[cell] = name
                stack += self._around(cell)

    def _pairs(self) -> set[frozenset[int]]:
        """Return the pairs of points that touch."""
        pairs = set()
        for cell, name in self.name.items():
            touching = self._around(cell) if cell < self.size**2 else self._along(cell)
            for other in touching:
                if other in self.name and self.name[other] != name:
                    pairs.add(frozenset((name, self.name[other])))
        return pairs


def _derive(points: _Points, numbers: tuple[int, ...]) -> list[_Connection]:
    """Return the connections that a node's steps derive, each step checked."""
    made: list[_Connection] = []
    rest = list(reversed(numbers))

    def take() -> int:
        if not rest:
            raise HexFault("its last step is cut off")
        return rest.pop()

    def earlier() -> _Connection:
        index = take()
        if index >= len(made):
            raise HexFault(f"step {len(made)} uses step {index}, which is none before it")
        return made[index]

    while rest:
        kind = take()
        if kind == 0:
            made.append(_base(points, take(), take()))
        elif kind == 1:
            made.append(_and(points, earlier(), earlier()))
        elif kind == 2:
            made.append(_or([earlier() for _ in range(min(take(), len(numbers)))]))
        else:
            raise HexFault(f"no step is of kind {kind}")
    return made


def _base(points: _Points, first: int, second: int) -> _Connection:
    ends = frozenset(points.name.get(point, -1) for point in (first, second))
    if ends not in points.near:
        raise HexFault(f"points {first} and {second} do not touch")
    return _Connection(ends, frozenset(), full=True)


def _and(points: _Points, one: _Connection, two: _Connection) -> _Connection:
    shared = one.ends & two.ends
    ends = one.ends ^ two.ends
    if not (one.full and two.full) or len(shared) != 1:
        raise HexFault("an *and* of what are not two connections that share one point")
    cells = {point for point in ends if point not in points.chains}
    if one.carrier & two.carrier or (one.carrier | two.carrier) & cells:
        raise HexFault("an *and* of connections that need the same cells")
    if shared <= points.chains:
        return _Connection(ends, one.carrier | two.carrier, full=True)
    return _Connection(ends, one.carrier | two.carrier | shared, full=False)


def _or(parts: list[_Connection]) -> _Connection:
    if len({part.ends for part in parts}) != 1:
        raise HexFault("an *or* of connections of different points")
    if frozenset.intersection(*(part.carrier for part in parts)):
        raise HexFault("an *or* of connections that all need one cell")
    union: frozenset[int] = frozenset().union(*(part.carrier for part in parts))
    return _Connection(parts[0].ends, union, full=True)

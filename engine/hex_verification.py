"""Check proofs by the method `hex`: moves and connections, and cells that are filled in.

`domains/games/hex_proof.py` says how a node is written. Each node is a theorem about two sets of
cells: the prover wins where he holds his *stones*, the cells of the *carrier* are empty, and all
others are the other side's. A stone more never harms its side, so he also wins wherever he holds
at least those stones and the other side holds nothing of the carrier. What is trusted beside that:

- the three rules that make connections (`hex_derivation`);
- a *move*: if the prover wins with a stone more, he wins if he may place it;
- *answers*: where each cell is outside of what one of several answers or threats needs, the
  prover has an answer to every move of the other side;
- a cell is *dead* where its colour never matters: in all ways to fill the empty cells around it,
  neither side's stones there lie in two places; then it may count as the prover's;
- two empty cells are *captured* where the prover's stone on either makes the other dead: he
  answers one by the other, so both may count as his, and the carrier needs both.

Nothing here is shared with the solver.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from tesuji.domains.base import Domain, State
from tesuji.domains.compiled import CompiledDomain
from tesuji.engine.certificates import Node, Proof
from tesuji.engine.hex_derivation import AROUND, Connection, HexFault, Points, derive

__all__ = ["HexFault", "check_hex"]


class _Link(NamedTuple):
    move: int
    child: int
    fills: list[tuple[int, int]]  # two captured cells, or twice a dead one


class _Step(NamedTuple):
    mine: bool
    stones: int
    links: list[_Link]
    connections: list[Connection]  # of the prover's edges


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
    board = [int(value) & 3 for value in root["board"][: size * size]]
    own = sum(1 << cell for cell, stone in enumerate(board) if stone == proof.prover + 1)
    taken = sum(1 << cell for cell, stone in enumerate(board) if stone == 2 - proof.prover)
    if not domain.legal(root).any():
        raise HexFault("the game is over there")
    checker = _Checker(proof, size)
    carrier = checker.check(own, domain.to_play(root) == proof.prover)
    if carrier & taken:
        raise HexFault("it needs cells that the other side holds")


class _Checker:
    """Checks the nodes of one proof."""

    def __init__(self, proof: Proof, size: int) -> None:
        self.prover = proof.prover
        self.nodes = proof.nodes
        self.size = size

    def check(self, stones: int, mine: bool) -> int:
        """Return the carrier of the whole proof."""
        waiting = {0: (stones, mine)}
        steps: list[_Step] = []
        for number, node in enumerate(self.nodes):
            if number not in waiting:
                raise HexFault(f"node {number} is nobody's child")
            try:
                step = self._read(node, *waiting.pop(number))
                for link in step.links:
                    self._follow(step, link, number, waiting)
            except HexFault as fault:
                raise HexFault(f"node {number}: {fault}") from None
            steps.append(step)
        if waiting or not steps:
            raise HexFault(f"node {min(waiting)} is missing")
        carriers: dict[int, int] = {}
        for number in reversed(range(len(steps))):
            try:
                carriers[number] = self._carrier(steps[number], carriers)
            except HexFault as fault:
                raise HexFault(f"node {number}: {fault}") from None
        return carriers[0]

    def _read(self, node: Node, stones: int, mine: bool) -> _Step:
        """Return what a node says, its connections derived."""
        numbers = list(reversed(node))

        def take() -> int:
            if not numbers:
                raise HexFault("it is cut off")
            return numbers.pop()

        def cell() -> int:
            found = take()
            if found >= self.size * self.size:
                raise HexFault(f"there is no cell {found}")
            return found

        links = []
        for _ in range(min(take(), len(node))):
            move, child = cell(), take()
            fills = [(cell(), cell()) for _ in range(min(take(), len(node)))]
            links.append(_Link(move, child, fills))
        if not numbers:
            return _Step(mine, stones, links, [])
        points = Points(stones, self.prover, self.size)
        edges = frozenset((points.top, points.top + 1))
        made = derive(points, tuple(reversed(numbers)))
        return _Step(mine, stones, links, [found for found in made if found.ends == edges])

    def _follow(
        self, step: _Step, link: _Link, number: int, waiting: dict[int, tuple[int, bool]]
    ) -> None:
        """Tell the child of a link what the prover holds there."""
        if not number < link.child < len(self.nodes):
            raise HexFault(f"move {link.move}: there is no node {link.child} after it")
        if step.mine and step.stones >> link.move & 1:
            raise HexFault(f"move {link.move} is not on an empty cell")
        stones = step.stones | (1 << link.move if step.mine else 0)
        for one, two in link.fills:
            stones |= 1 << one | 1 << two
        known, mine = waiting.get(link.child, (stones, not step.mine))
        if mine == step.mine:
            raise HexFault(f"move {link.move}: at node {link.child} the same side moves")
        # Where ways meet, the child may count on what all of them bring.
        waiting[link.child] = (known & stones, mine)

    def _carrier(self, step: _Step, carriers: dict[int, int]) -> int:
        """Return what the prover needs at a node.

        Raises:
            HexFault: he has not won.
        """
        full = [connection.carrier for connection in step.connections if connection.full]
        threats = [connection.carrier for connection in step.connections]
        if full or (threats and step.mine):
            return min(full or threats, key=int.bit_count)
        if step.mine:
            if len(step.links) != 1:
                raise HexFault(f"{len(step.links)} moves and no connection of the edges")
            [link] = step.links
            move = 1 << link.move
            needed = self._unfill(step.stones | move, link.fills, carriers[link.child])
            return (needed | move) & ~step.stones
        sets = threats + [
            self._unfill(step.stones, link.fills, carriers[link.child]) & ~step.stones
            for link in step.links
        ]
        left, union = (1 << self.size * self.size) - 1, 0
        for cells in sets:
            left &= cells
            union |= cells
        if left:
            raise HexFault(f"{left.bit_count()} moves are not answered")
        return union

    def _unfill(self, stones: int, fills: list[tuple[int, int]], carrier: int) -> int:
        """Return what the prover needs before cells are filled in, each step checked."""
        held = [stones]
        for one, two in fills:
            held.append(held[-1] | 1 << one | 1 << two)
        carrier &= ~held[-1]
        for (one, two), before in zip(reversed(fills), reversed(held[:-1]), strict=True):
            if before >> one & 1 or before >> two & 1:
                raise HexFault(f"cells {one} and {two} are not empty")
            if one == two:
                if not self._dead(one, before, carrier):
                    raise HexFault(f"cell {one} is not dead")
                continue
            first, second = 1 << one, 1 << two
            if not (
                self._dead(one, before | second, carrier)
                and self._dead(two, before | first, carrier)
            ):
                raise HexFault(f"cells {one} and {two} are not captured")
            carrier |= first | second
        return carrier

    def _dead(self, cell: int, stones: int, empty: int) -> bool:
        """Return whether a cell is dead where all but stones and empty cells is the other's."""
        row, column = divmod(cell, self.size)
        ring: list[bool | None] = []
        for down, right in AROUND:
            r, c = row + down, column + right
            if not 0 <= r < self.size:
                ring.append(self.prover == 0)
            elif not 0 <= c < self.size:
                ring.append(self.prover == 1)
            elif stones >> r * self.size + c & 1:
                ring.append(True)
            else:
                ring.append(None if empty >> r * self.size + c & 1 else False)
        return _never_matters(tuple(ring))


@cache
def _never_matters(ring: tuple[bool | None, ...]) -> bool:
    """Return whether both sides have at most one run around a cell, however None is filled."""
    if None in ring:
        place = ring.index(None)
        return all(
            _never_matters((*ring[:place], held, *ring[place + 1 :])) for held in (True, False)
        )
    return sum(ring[i] != ring[i - 1] for i in range(6)) <= 2

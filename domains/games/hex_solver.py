"""Solve Hex positions of up to 8x8 by proof numbers over virtual connections.

Best-first proof-number search (Allis 1994) on the graph of positions, all of it in memory; numbers
are seen by the side to move and added in the weak form (Ueda et al. 2008). A position is judged
when it is first visited: most end there. Where the other side threatens to join its edges, only
the cells that all of its threats share need an answer (must-play, Hayward et al. 2003), and each
answer that fails shrinks them further: a cell outside the carrier of what beat it fails as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tesuji.domains.games.hex_fill import CELLS, expand, fill_tables
from tesuji.domains.games.hex_judge import LOSS, WIN, Judge

INFINITE = 1 << 40
WEIGHT = 20
SLICE = 64  # positions judged between two looks at the watch


@dataclass(slots=True, eq=False)
class Node:
    """A position: stones of both sides as sets of cells, and what is known of it.

    Attributes:
        first: stones of the side that joins top and bottom.
        second: stones of the side that joins left and right.
        to_play: who moves.
        proof: effort until the mover has won, 0 where he has.
        disproof: effort until he has lost.
        must: the cells that he must still try; all others lose.
        carrier: cells that the winner needs; before the end those that leave only `must`.
        children: `(cell as a set, position, cost)`, the best first; None before the first visit.
        judged: whether it was decided at sight.
    """

    first: int
    second: int
    to_play: int
    proof: int = 1
    disproof: int = 1
    must: int = 0
    carrier: int = 0
    children: list[Link] | None = None
    judged: bool = False

    @property
    def key(self) -> tuple[int, int, int]:
        """What tells it from other positions."""
        return self.first, self.second, self.to_play

    @property
    def solved(self) -> bool:
        """Whether it is won or lost."""
        return self.proof == 0 or self.disproof == 0


class Link(NamedTuple):
    """A move, the position that follows, and the cells that each side captures by it."""

    cell: int
    child: Node
    cost: int
    captured: tuple[int, int]

    def needs(self, winner: int) -> int:
        """Return the cells that the winner of the child needs beside the move."""
        return self.child.carrier | self.captured[winner]


@dataclass
class HexSolver:
    """A solver of one board size, with all positions that it has seen; one serves one thread."""

    size: int
    num_judged: int = 0
    table: dict[tuple[int, int, int], Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.judge = Judge(self.size)
        self.tables = fill_tables(self.size)
        self._following = np.zeros((CELLS, 4), np.uint64)

    def solve(
        self, first: int, second: int, to_play: int, watch: Callable[[int], None] | None = None
    ) -> Node:
        """Return the position, solved.

        Args:
            first: stones of the side that joins top and bottom.
            second: stones of the side that joins left and right.
            to_play: who moves.
            watch: called with the positions judged so far; it may raise to stop the search.
        """
        root = self._node(first, second, to_play, 1, 1)
        path = [root]
        while not root.solved:
            node = path[-1]
            if node.children is None:
                if watch is not None and self.num_judged % SLICE == 0:
                    watch(self.num_judged)
                self._open(node)
                path.pop()
            elif self._update(node) and len(path) > 1:
                path.pop()
            elif not node.solved:
                path.append(self._best(node))
            if not path:
                path = [root]
        return root

    def _node(self, first: int, second: int, to_play: int, proof: int, disproof: int) -> Node:
        node = self.table.get((first, second, to_play))
        if node is None:
            node = Node(first, second, to_play, proof, disproof)
            self.table[first, second, to_play] = node
        return node

    def _open(self, node: Node) -> None:
        """Judge a position, and list its moves where that does not decide it."""
        self.num_judged += 1
        outcome, node.must, node.carrier, scores = self.judge(node.first, node.second, node.to_play)
        node.children = []
        if outcome in (WIN, LOSS):
            won = outcome == WIN
            node.proof, node.disproof = (0, INFINITE) if won else (INFINITE, 0)
            node.judged = True
            return
        count = expand(
            self.tables,
            np.uint64(node.first),
            np.uint64(node.second),
            node.to_play,
            np.uint64(node.must),
            self.size,
            self._following,
        )
        cells = [cell for cell in range(self.size**2) if node.must >> cell & 1]
        best = max(scores[cell] for cell in cells)
        following = self._following[:count].tolist()
        for cell, (first, second, *captured) in zip(cells, following, strict=True):
            cost = 1 + round(WEIGHT * (best - scores[cell]))
            child = self._node(first, second, 1 - node.to_play, 1 + len(cells) // 4, cost)
            node.children.append(Link(1 << cell, child, cost, (captured[0], captured[1])))
        node.children.sort(key=lambda link: link.cost)

    def _update(self, node: Node) -> bool:
        """Compute a position's numbers from its children; return whether they changed."""
        before = node.proof, node.disproof
        children = node.children or []
        for link in children:
            if link.child.disproof == 0:
                node.proof, node.disproof = 0, INFINITE
                node.carrier = link.needs(node.to_play) | link.cell
                node.children = [link]
                return True
            if link.child.proof == 0:
                node.must &= link.needs(1 - node.to_play) & ~link.cell
        if not node.must:
            node.proof, node.disproof = INFINITE, 0
            node.children = [link for link in children if link.child.proof == 0]
            for link in node.children:
                node.carrier |= link.needs(1 - node.to_play)
            return True
        waiting = [link.child for link in children if link.cell & node.must]
        node.proof = min(child.disproof for child in waiting)
        node.disproof = max(child.proof for child in waiting) + len(waiting) - 1
        return before != (node.proof, node.disproof)

    def _best(self, node: Node) -> Node:
        waiting = [link for link in node.children or [] if link.cell & node.must]
        return min(waiting, key=lambda link: (link.child.disproof, link.cost)).child

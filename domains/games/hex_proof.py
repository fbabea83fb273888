"""Write what the Hex solver found as a proof that needs no solver to be checked.

A node is a flat list of numbers: how many moves it shows, each move's cell, the number of the node
that follows and what is filled in before it, then steps that derive connections of the prover:

    0 x y           neighbouring points x and y: a full connection (base)
    1 a b           from steps a and b, full ones that share a point (and)
    2 n a1 ... an   from n semi connections of the same points (or)

Points are cells; `size ** 2` and the number after it stand for the prover's edges. What is filled
in is written as how many times, then two cells that the prover captures or twice a dead one; what
the other side captures needs no proof: the prover wins without it. Where the prover moves, a node
shows his move, or derives a connection of his edges. Where the other side moves, it shows answers
and derives threats, semi connections of the edges: each cell outside of what all of them need has
its answer already.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tesuji.domains.games.hex_fill import CAPTURED, fill
from tesuji.domains.games.hex_points import AND, BASE, Workspace
from tesuji.domains.games.hex_solver import HexSolver, Link, Node

Line = tuple[int, ...]
Key = tuple[int, int, int]


@dataclass
class _Shown:
    moves: list[Link]
    steps: list[int]
    done: bool = False
    height: int = 0
    longest: int = 0  # the move after which the proof is longest

    def finish(self, shown: dict[Key, _Shown]) -> None:
        """Measure the proof below, whose children are all finished."""
        self.done = True
        for i, link in enumerate(self.moves):
            height = 1 + shown[link.child.key].height
            if height > self.height:
                self.height, self.longest = height, i


def write_proof(solver: HexSolver, root: Node) -> tuple[list[Line], tuple[int, ...]]:
    """Return the nodes of the proof of a solved position, and its longest line of play."""
    prover = root.to_play if root.proof == 0 else 1 - root.to_play
    shown: dict[Key, _Shown] = {}
    order: list[Node] = []
    stack = [root]
    while stack:
        node = stack[-1]
        if node.key not in shown:
            shown[node.key] = _show(solver, node, prover)
            stack += [m.child for m in shown[node.key].moves if m.child.key not in shown]
            continue
        stack.pop()
        if not shown[node.key].done:
            shown[node.key].finish(shown)
            order.append(node)
    order.reverse()
    numbers = {node.key: i for i, node in enumerate(order)}
    lines = []
    for node in order:
        here = shown[node.key]
        line = [len(here.moves)]
        for link in here.moves:
            fills = _fills(solver, node, link, prover)
            line += [link.cell.bit_length() - 1, numbers[link.child.key], len(fills) // 2, *fills]
        lines.append((*line, *here.steps))
    return lines, _longest(shown, root)


def turn_proof(lines: Iterable[Line], size: int) -> list[Line]:
    """Return the same proof for the board turned by half: each cell and edge becomes the other."""
    turned = []
    for line in lines:
        numbers = list(reversed(line))
        out = [numbers.pop()]
        for _ in range(out[0]):
            move, child, fills = numbers.pop(), numbers.pop(), numbers.pop()
            out += [size * size - 1 - move, child, fills]
            out += [size * size - 1 - numbers.pop() for _ in range(2 * fills)]
        while numbers:
            out.append(numbers.pop())
            if out[-1] == BASE:
                out += [_turn_point(numbers.pop(), size) for _ in range(2)]
            else:
                out += [numbers.pop() for _ in range(2 if out[-1] == AND else numbers[-1] + 1)]
        turned.append(tuple(out))
    return turned


def _turn_point(point: int, size: int) -> int:
    return size * size - 1 - point if point < size * size else 2 * size * size + 1 - point


def _fills(solver: HexSolver, node: Node, link: Link, prover: int) -> list[int]:
    """Return what is filled in for the prover after a move, pair by pair."""
    first = node.first | (link.cell if node.to_play == 0 else 0)
    second = node.second | (link.cell if node.to_play == 1 else 0)
    _, _, count = fill(solver.tables, np.uint64(first), np.uint64(second), solver.size)
    pairs: list[int] = []
    for kind, side, one, two in solver.tables.steps[:count].tolist():
        if side == prover:
            pairs += [one, two if kind == CAPTURED else one]
    return pairs


def _longest(shown: dict[Key, _Shown], node: Node) -> tuple[int, ...]:
    line = []
    while here := shown[node.key].moves:
        link = here[shown[node.key].longest]
        line.append(link.cell.bit_length() - 1)
        node = link.child
    return tuple(line)


def _show(solver: HexSolver, node: Node, prover: int) -> _Shown:
    judge = solver.judge
    mine = node.to_play == prover
    if mine and not node.judged:
        return _Shown((node.children or [])[:1], [])
    judge(node.first, node.second, node.to_play)
    work = judge.own if mine else judge.other
    writer = _Steps(work, solver.size, prover)
    if work.num_full[writer.edges]:
        writer.derive([_smallest(work, work.full[writer.edges][: work.num_full[writer.edges]])])
        return _Shown([], writer.steps)
    threats = [int(index) for index in work.semi[writer.edges][: work.num_semi[writer.edges]]]
    if mine:
        writer.derive([_smallest(work, threats)])
        return _Shown([], writer.steps)
    left = (1 << solver.size**2) - 1 & ~(node.first | node.second)
    sets: list[tuple[int, int | Link]] = [(writer.carrier(index), index) for index in threats]
    sets.sort(key=lambda found: found[0].bit_count())
    answers = [] if node.judged else node.children or []
    sets += sorted(
        ((link.needs(prover), link) for link in answers), key=lambda found: found[0].bit_count()
    )
    needed: list[int] = []
    moves: list[Link] = []
    for carrier, source in sets:
        if left & carrier == left:
            continue
        left &= carrier
        if isinstance(source, Link):
            moves.append(source)
        else:
            needed.append(source)
    writer.derive(needed)
    return _Shown(moves, writer.steps)


def _smallest(work: Workspace, indices: Iterable[int]) -> int:
    return int(min(indices, key=lambda index: int(work.pool["carrier"][index]).bit_count()))


class _Steps:
    """Writes steps that derive connections, each once."""

    def __init__(self, work: Workspace, size: int, prover: int) -> None:
        self.work = work
        self.size = size
        self.turned = prover == 1  # that side's board was looked at transposed
        self.edges = (size * size, size * size + 1)
        self.steps: list[int] = []

    def carrier(self, index: int) -> int:
        """Return the carrier of a connection as cells of the board."""
        cells = int(self.work.pool[index].carrier)
        if not self.turned:
            return cells
        return sum(1 << self._point(c) for c in range(self.size**2) if cells >> c & 1)

    def derive(self, goals: Iterable[int]) -> None:
        """Write the steps that end in `goals`."""
        needed: set[int] = set()
        stack = list(goals)
        while stack:
            index = stack.pop()
            if index not in needed:
                needed.add(index)
                stack += self._parents(index)
        numbers = {index: i for i, index in enumerate(sorted(needed))}
        for index in sorted(needed):
            record = self.work.pool[index]
            kind = int(record.kind)
            parents = [numbers[parent] for parent in self._parents(index)]
            self.steps.append(kind)
            if kind == BASE:
                self.steps += [self._point(int(record.first)), self._point(int(record.second))]
            else:
                self.steps += parents if kind == AND else [len(parents), *parents]

    def _parents(self, index: int) -> list[int]:
        return [int(parent) for parent in self.work.pool[index].parents if parent >= 0]

    def _point(self, point: int) -> int:
        if self.turned and point < self.size**2:
            return point % self.size * self.size + point // self.size
        return point

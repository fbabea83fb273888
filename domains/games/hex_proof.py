"""Write what the Hex solver found as a proof that needs no solver to be checked.

A node is a flat list of numbers: how many moves it shows, `action, child` for each, then steps that
derive connections of the prover at that position:

    0 x y           neighbouring points x and y: a full connection (base)
    1 a b           from steps a and b, full ones that share a point (and)
    2 n a1 ... an   from n semi connections of the same points (or)

Points are cells; `size ** 2` and the number after it stand for the prover's edges. Where the
prover moves, a node shows his move, or derives a connection of his edges. Where the other side
moves, it shows answers and derives threats, semi connections of the edges: each cell outside of
what all of them need has its answer already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tesuji.domains.games.hex_points import AND, BASE, Workspace
from tesuji.domains.games.hex_solver import HexSolver, Node

Line = tuple[int, ...]
Key = tuple[int, int]


@dataclass
class _Shown:
    moves: list[tuple[int, Node]]
    steps: list[int]
    done: bool = False
    height: int = 0
    longest: int = 0  # the move after which the proof is longest

    def finish(self, shown: dict[Key, _Shown]) -> None:
        """Measure the proof below, whose children are all finished."""
        self.done = True
        for i, (_, child) in enumerate(self.moves):
            height = 1 + shown[child.first, child.second].height
            if height > self.height:
                self.height, self.longest = height, i


def write_proof(solver: HexSolver, root: Node) -> tuple[list[Line], tuple[int, ...]]:
    """Return the nodes of the proof of a solved position, and its longest line of play."""
    prover = root.to_play if root.proof == 0 else 1 - root.to_play
    shown: dict[tuple[int, int], _Shown] = {}
    order: list[Node] = []
    stack = [root]
    while stack:
        node = stack[-1]
        key = (node.first, node.second)
        if key not in shown:
            shown[key] = _show(solver, node, prover)
            stack += [c for _, c in shown[key].moves if (c.first, c.second) not in shown]
            continue
        stack.pop()
        if not shown[key].done:
            shown[key].finish(shown)
            order.append(node)
    order.reverse()
    numbers = {(node.first, node.second): i for i, node in enumerate(order)}
    lines = []
    for node in order:
        here = shown[node.first, node.second]
        line = [len(here.moves)]
        for action, child in here.moves:
            line += [action, numbers[child.first, child.second]]
        lines.append((*line, *here.steps))
    return lines, _longest(shown, root)


def _longest(shown: dict[Key, _Shown], node: Node) -> tuple[int, ...]:
    line = []
    while here := shown[node.first, node.second].moves:
        action, node = here[shown[node.first, node.second].longest]
        line.append(action)
    return tuple(line)


def _show(solver: HexSolver, node: Node, prover: int) -> _Shown:
    judge = solver.judge
    mine = node.to_play == prover
    if mine and not node.judged:
        return _Shown([next(_moves(node, beaten=True))[1:]], [])
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
    sets: list[tuple[int, int, Node | None]] = []
    sets += [(writer.carrier(index), index, None) for index in threats]
    answers = [] if node.judged else list(_moves(node, beaten=False))
    sets += [(carrier, action, child) for carrier, action, child in answers]
    needed: list[int] = []
    moves: list[tuple[int, Node]] = []
    for carrier, name, child in sorted(sets, key=lambda s: (s[2] is not None, s[0].bit_count())):
        keep = carrier if child is None else carrier & ~(1 << name)
        if left & keep != left:
            left &= keep
            if child is None:
                needed.append(name)
            else:
                moves.append((name, child))
    writer.derive(needed)
    return _Shown(moves, writer.steps)


def _moves(node: Node, beaten: bool) -> Iterator[tuple[int, int, Node]]:
    """Yield `(carrier, action, child)` of solved children: those that the mover wins by, or not."""
    for cell, child, _ in node.children or []:
        if (child.disproof if beaten else child.proof) == 0:
            yield child.carrier, cell.bit_length() - 1, child


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

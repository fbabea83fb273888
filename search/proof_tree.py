"""Proof trees: what a search found, as nodes that anyone can check by the rules.

Nodes are listed with every parent before its children and positions that two lines reach listed
once. Where the prover moves a node is `(action, child)`, elsewhere one child for each legal action
in order. A child is the number of a node, or `END` where the game is over.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

import numpy as np

from tesuji.domains.base import Domain, State
from tesuji.search.proof import Finding, ProofError, Prover, Watch

END = 0  # the root is nobody's child


@dataclass(frozen=True)
class ProofTree:
    """A proof that a side reaches at least a draw, or a win.

    Attributes:
        prover: the side, 0 or 1.
        strict: whether it wins.
        nodes: parents before children; see the module.
        line: the longest line of play in it.
    """

    prover: int
    strict: bool
    nodes: tuple[tuple[int, ...], ...]
    line: tuple[int, ...]


@dataclass
class _Node:
    moves: list[tuple[int, Hashable | None, State]]  # action, key of the child, None at an end
    prover: bool
    done: bool = False
    height: int = 0
    best: int = 0


class _Unfolding:
    """Walks the table's proof from the root; what the table forgot is searched again."""

    def __init__(
        self, domain: Domain, prover: Prover, finding: Finding, max_nodes: int, watch: Watch
    ) -> None:
        self.domain = domain
        self.prover = prover
        self.finding = finding
        self.max_nodes = max_nodes
        self.watch = watch
        self.nodes: dict[Hashable, _Node] = {}
        self.order: list[Hashable] = []  # children before parents

    def walk(self, root: State) -> None:
        """Open every node of the proof below `root`."""
        stack: list[tuple[Hashable, State, int]] = [(self._key(root), root, 0)]
        while stack:
            key, state, ply = stack[-1]
            if key not in self.nodes:
                if len(self.nodes) >= self.max_nodes:
                    raise ProofError(f"the proof has more than {self.max_nodes} nodes; allow more")
                self.nodes[key] = node = self._open(state, ply)
                waiting = [
                    (below, following, ply + 1)
                    for _, below, following in node.moves
                    if below is not None and below not in self.nodes
                ]
                if any(
                    below is not None and below in self.nodes and not self.nodes[below].done
                    for _, below, _ in node.moves
                ):
                    raise ProofError("positions repeat in this proof; it cannot be written")
                stack.extend(waiting)
                if waiting:
                    continue
            stack.pop()
            self._close(key)

    def _close(self, key: Hashable) -> None:
        node = self.nodes[key]
        if node.done:
            return
        node.done = True
        heights = [0 if k is None else 1 + self.nodes[k].height for _, k, _ in node.moves]
        node.best = max(range(len(heights)), key=heights.__getitem__)
        node.height = heights[node.best]
        self.order.append(key)

    def _key(self, state: State) -> Hashable:
        key = self.domain.key(state)
        return object() if key is None else key

    def _open(self, state: State, ply: int) -> _Node:
        prover = self.domain.to_play(state) == self.finding.holds.prover
        moves: list[tuple[int, Hashable | None, State]] = []
        least = None
        for action in map(int, np.flatnonzero(self.domain.legal(state))):
            following, reward, discount = self.domain.step(state, action)
            if discount == 0.0:
                gain = reward if prover else -reward
                good = gain > 0 or (gain == 0 and not self.finding.holds.strict)
                work, key = (0, None) if good else (-1, None)
            else:
                key = self._key(following)
                work = self._work(following, key, ply + 1)
            if not prover:
                moves.append((action, key, following))
            elif work >= 0 and (least is None or work < least):
                least = work
                moves = [(action, key, following)]
        if not moves:
            return self._search_move(state, ply)
        return _Node(moves, prover)

    def _work(self, state: State, key: Hashable, ply: int) -> int:
        """Return what it cost to prove a state, -1 where the table knows no proof of it."""
        node = self.nodes.get(key)
        if node is not None:
            return 0 if node.done else -1
        numbers = self.prover.numbers(state, self.finding.asked, ply)
        if numbers is None:
            return -1
        positive = self.finding.asked == self.finding.holds
        proven = (numbers.proof if positive else numbers.disproof) == 0
        return numbers.work if proven else -1

    def _search_move(self, state: State, ply: int) -> _Node:
        """Find the prover's move again where the table has lost it."""
        positive = self.finding.asked == self.finding.holds
        for action in map(int, np.flatnonzero(self.domain.legal(state))):
            following, _, discount = self.domain.step(state, action)
            key = self._key(following)
            if discount == 0.0 or (key in self.nodes and not self.nodes[key].done):
                continue
            answer = self.prover.answer(following, self.finding.asked, ply + 1, self.watch)
            if answer is positive:
                return _Node([(action, key, following)], prover=True)
        raise ProofError("the proof was lost: no move of the prover keeps what was proven")


def unfold(
    domain: Domain,
    prover: Prover,
    state: State,
    finding: Finding,
    watch: Watch,
    max_nodes: int = 10_000_000,
) -> ProofTree:
    """Return the proof of `finding` at `state` as a tree.

    Raises:
        ProofError: it has more than `max_nodes` nodes, or goes in circles.
        OutOfBudgetError: the watch's budget ended while a lost part was searched again.
    """
    unfolding = _Unfolding(domain, prover, finding, max_nodes, watch)
    unfolding.walk(state)
    keys = unfolding.order[::-1]
    numbers: dict[Hashable | None, int] = {key: i for i, key in enumerate(keys)}
    numbers[None] = END
    nodes = []
    for key in keys:
        node = unfolding.nodes[key]
        children = tuple(numbers[below] for _, below, _ in node.moves)
        nodes.append((node.moves[0][0], *children) if node.prover else children)
    line = tuple(_line(unfolding.nodes, keys[0]))
    return ProofTree(finding.holds.prover, finding.holds.strict, tuple(nodes), line)


def _line(nodes: dict[Hashable, _Node], key: Hashable | None) -> Iterator[int]:
    while key is not None:
        node = nodes[key]
        action, key, _ = node.moves[node.best]
        yield action

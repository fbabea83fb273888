"""A game as a tree of moves: play, undo, redo and branch; no engine in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

import numpy as np

from tesuji.domains.base import Domain, State

MAX_POSITIONS = 4096  # of one game tree, variations included


class IllegalMoveError(ValueError):
    """A move that the rules refuse; the message says why."""


class Step(NamedTuple):
    """One move of a line, ready to be shown."""

    action: int
    name: str
    side: int
    cell: tuple[int, int] | None  # where its stone comes to lie
    origin: tuple[int, int] | None = None  # where it leaves from


@dataclass(eq=False)
class Position:
    """A node of the game tree.

    Attributes:
        index: place in `Session.positions`; parents come before children.
        state: the domain's state.
        to_play: the side to move.
        ended: whether the game is over here.
        score: return of the first side so far.
        parent: the position before, None at the start.
        move: the move that led here.
        children: positions after, in the order in which they were first played.
        following: the child that `redo` goes to.
    """

    index: int
    state: State
    to_play: int
    ended: bool = False
    score: float = 0.0
    parent: Position | None = None
    move: Step | None = None
    children: list[Position] = field(default_factory=list)
    following: Position | None = None

    @property
    def ply(self) -> int:
        """Return the number of moves made."""
        return 0 if self.parent is None else self.parent.ply + 1


class Game:
    """A game in progress with all its variations.

    Args:
        domain: the rules.
        seed: decides the first state and every chance outcome.
        start: the first state, where it is another one.

    Raises:
        ValueError: the game is over at `start`.
    """

    def __init__(self, domain: Domain, seed: int = 0, start: State | None = None) -> None:
        self.domain = domain
        self.seed = seed
        self.given = start is not None
        state = domain.reset(seed) if start is None else start
        if not domain.allowed(state).any():
            raise ValueError("the game is over in this position: there is no legal move")
        self.positions = [Position(0, state, domain.to_play(state))]
        self.current = self.positions[0]

    def legal_moves(self) -> dict[str, int]:
        """Return the legal actions by name; empty at an end."""
        if self.current.ended:
            return {}
        state = self.current.state
        legal = np.flatnonzero(self.domain.allowed(state))
        return {self.domain.action_name(state, int(a)): int(a) for a in legal}

    def side_name(self, side: int) -> str:
        """Return what people call a side."""
        board = self.domain.board(self.current.state)
        return board.sides[side] if board is not None else ("First", "Second")[side]

    def outcome(self) -> str | None:
        """Return how the game ended, in words, or None while it goes on."""
        if not self.current.ended:
            return None
        score = self.current.score
        if self.domain.spec.num_players == 1:
            return f"finished with {score:g}"
        return "draw" if score == 0 else f"{self.side_name(0 if score > 0 else 1)} wins"

    def play(self, move: int | str) -> Position:
        """Make a legal move, given as action or by name, and return the new position.

        Raises:
            IllegalMoveError: the rules refuse it; the message says why.
        """
        here = self.current
        action = self._named(move) if isinstance(move, str) else move
        if not self.allows(action):
            raise IllegalMoveError(self.refusal(action))
        known = next((c for c in here.children if c.move and c.move.action == action), None)
        child = known if known is not None else self._grow(action)
        here.following = self.current = child
        return child

    def allows(self, action: int) -> bool:
        """Return whether `action` is legal here."""
        if self.current.ended:
            return False
        legal = self.domain.allowed(self.current.state)
        return 0 <= action < len(legal) and bool(legal[action])

    def action_at(self, cell: tuple[int, int], origin: tuple[int, int] | None = None) -> int | None:
        """Return the action that a cell stands for, a legal one if there is one.

        Args:
            cell: where the stone or piece comes to lie.
            origin: where the piece leaves from; None for what is not moved.
        """
        state, found = self.current.state, None
        for action in range(self.domain.spec.num_actions):
            if cell not in self.domain.action_cells(state, action):
                continue
            if self.domain.action_origin(state, action) == origin:
                if self.allows(action):
                    return action
                found = action
        return found

    def _named(self, text: str) -> int:
        """Return the action that `text` names, legal or not."""
        state = self.current.state
        try:
            return self.domain.parse_action(state, text)
        except ValueError as error:
            if self.domain.board(state) is not None:
                wanted = text.strip().lower()
                for action in range(self.domain.spec.num_actions):
                    if self.domain.action_name(state, action).lower() == wanted:
                        return action
            raise IllegalMoveError(str(error)) from None

    def refusal(self, action: int) -> str:
        """Return why `action` cannot be played here, in one line."""
        here = self.current
        outcome = self.outcome()
        if outcome is not None:
            return f"the game is over ({outcome}); undo or start a new game"
        if not 0 <= action < self.domain.spec.num_actions:
            top = self.domain.spec.num_actions - 1
            return f"there is no action {action}; actions go from 0 to {top}"
        name = self.domain.action_name(here.state, action)
        board = self.domain.board(here.state)
        cells = self.domain.action_cells(here.state, action)
        moved = self.domain.action_origin(here.state, action) is not None
        if board and cells and not moved and all(board.cells[r][c] for r, c in cells):
            return f"{name} is full" if len(cells) > 1 else f"{name} is taken"
        reason = self.domain.refusal(here.state, action)
        if reason is not None:
            return f"{name} is {reason}"
        names = list(self.legal_moves())
        shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
        return f"the rules do not allow {name} here; legal: {shown}"

    def _grow(self, action: int) -> Position:
        here = self.current
        if len(self.positions) >= MAX_POSITIONS:
            raise ValueError(f"this game has {MAX_POSITIONS} positions, no more; start a new one")
        index = len(self.positions)
        key = 0
        if not self.domain.spec.deterministic:
            key = int(np.random.default_rng([self.seed, index]).integers(2**64, dtype=np.uint64))
        state, reward, discount = self.domain.step(here.state, action, key)
        two = self.domain.spec.num_players == 2
        score = here.score + (-reward if two and here.to_play == 1 else reward)
        child = Position(
            index,
            state,
            self.domain.to_play(state),
            ended=discount == 0,
            score=score,
            parent=here,
            move=self._step(here.state, action),
        )
        here.children.append(child)
        self.positions.append(child)
        return child

    def _step(self, state: State, action: int) -> Step:
        cells = self.domain.action_cells(state, action)
        name = self.domain.action_name(state, action)
        origin = self.domain.action_origin(state, action)
        return Step(action, name, self.domain.to_play(state), cells[0] if cells else None, origin)

    def undo(self, side: int | None = None) -> Position:
        """Go back one move, or to the last earlier position where `side` moves.

        Raises:
            ValueError: there is none.
        """
        node = self.current.parent
        while node is not None and side is not None and node.to_play != side:
            node = node.parent
        if node is None:
            raise ValueError("nothing to undo: this is the start")
        self.current = node
        return node

    def redo(self, side: int | None = None) -> Position:
        """Go on along the line last played, to where `side` moves or to its end.

        Raises:
            ValueError: no move follows.
        """
        node = self.current.following
        if node is None:
            raise ValueError("nothing to redo: no move follows")
        while side is not None and node.to_play != side and node.following is not None:
            node = node.following
        self.current = node
        return node

    def goto(self, index: int) -> Position:
        """Go to any position of the tree; `redo` from its ancestors now leads here.

        Raises:
            ValueError: there is no such position.
        """
        if not 0 <= index < len(self.positions):
            raise ValueError(f"there is no position {index}; they go to {len(self.positions) - 1}")
        self.current = node = self.positions[index]
        while node.parent is not None:
            node.parent.following = node
            node = node.parent
        return self.current

    def line(self) -> list[Position]:
        """Return the positions from the start through here to the end of this line."""
        line = [self.current]
        while line[-1].parent is not None:
            line.append(line[-1].parent)
        line.reverse()
        while line[-1].following is not None:
            line.append(line[-1].following)
        return line

    def steps(self, state: State, actions: Sequence[int], keys: Sequence[int] = ()) -> list[Step]:
        """Return a line of actions from `state`, ready to be shown.

        It stops at an end; where chance decides, it follows `keys`, and without them stops at once.
        """
        steps: list[Step] = []
        for action, key in zip_longest(actions, keys[: len(actions)], fillvalue=0):
            if steps and not keys and not self.domain.spec.deterministic:
                break
            steps.append(self._step(state, action))
            state, _, discount = self.domain.step(state, action, key)
            if discount == 0:
                break
        return steps

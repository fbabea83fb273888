"""A domain over the states of another, which says of them what the other does."""

from __future__ import annotations

from tesuji.domains.base import Board, Domain, FloatArray, State


class Wrapped(Domain):
    """Passes on to `base` what it does not change.

    Attributes:
        base: the domain whose states these are.
    """

    base: Domain

    def reset(self, seed: int = 0) -> State:
        """Return a first state."""
        return self.base.reset(seed)

    def observe(self, state: State) -> FloatArray:
        """Return the observation."""
        return self.base.observe(state)

    def to_play(self, state: State) -> int:
        """Return the side to move."""
        return self.base.to_play(state)

    def key(self, state: State) -> bytes | None:
        """Return the state's key."""
        return self.base.key(state)

    def render(self, state: State) -> str:
        """Return the state as text."""
        return self.base.render(state)

    def action_name(self, state: State, action: int) -> str:
        """Return the action as people write it."""
        return self.base.action_name(state, action)

    def board(self, state: State) -> Board | None:
        """Return the state on a grid, or None."""
        return self.base.board(state)

    def action_cells(self, state: State, action: int) -> tuple[tuple[int, int], ...]:
        """Return the cells that stand for `action`."""
        return self.base.action_cells(state, action)

"""Connect Four once more, as plain Python objects: the slow twin of the compiled rules."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tesuji.domains.base import BoolArray, Domain, DomainSpec, FloatArray

WIDTH, HEIGHT = 7, 6


class Position(NamedTuple):
    """Columns from the left, each a string of `X` and `O` from the bottom up."""

    columns: tuple[str, ...]
    to_play: int


class ObjectConnectFour(Domain):
    def __init__(self) -> None:
        self.spec = DomainSpec(
            name="object_connect_four",
            num_actions=WIDTH,
            observation_shape=(2, HEIGHT, WIDTH),
            num_players=2,
            max_steps=WIDTH * HEIGHT,
            num_symmetries=2,
        )

    def reset(self, seed: int = 0) -> Position:
        return Position(("",) * WIDTH, 0)

    def legal(self, state: Position) -> BoolArray:
        return np.array([len(column) < HEIGHT for column in state.columns])

    def step(self, state: Position, action: int, key: int = 0) -> tuple[Position, float, float]:
        if len(state.columns[action]) == HEIGHT:
            raise ValueError(f"column {action} is full")
        symbol = "XO"[state.to_play]
        columns = list(state.columns)
        columns[action] += symbol
        following = Position(tuple(columns), 1 - state.to_play)
        if wins(columns, action, symbol):
            return following, 1.0, 0.0
        full = all(len(column) == HEIGHT for column in columns)
        return following, 0.0, 0.0 if full else -1.0

    def observe(self, state: Position) -> FloatArray:
        planes = np.zeros((2, HEIGHT, WIDTH), np.float32)
        for column, discs in enumerate(state.columns):
            for row, symbol in enumerate(discs):
                planes["XO".index(symbol) ^ state.to_play, HEIGHT - 1 - row, column] = 1
        return planes

    def to_play(self, state: Position) -> int:
        return state.to_play

    def transform(self, state: Position, symmetry: int) -> Position:
        return Position(state.columns[::-1], state.to_play) if symmetry else state

    def transform_action(self, action: int, symmetry: int) -> int:
        return WIDTH - 1 - action if symmetry else action

    def key(self, state: Position) -> bytes:
        return "|".join(state.columns).encode()

    def render(self, state: Position) -> str:
        rows = [
            " ".join(column[row] if row < len(column) else "." for column in state.columns)
            for row in range(HEIGHT - 1, -1, -1)
        ]
        return "\n".join([*rows, "1 2 3 4 5 6 7"])

    def action_name(self, state: Position, action: int) -> str:
        return str(action + 1)


def wins(columns: list[str], column: int, symbol: str) -> bool:
    """Return whether the topmost disc of `column` is part of a four."""
    row = len(columns[column]) - 1
    for down, right in ((1, 0), (0, 1), (1, 1), (1, -1)):
        run = 1
        for sign in (1, -1):
            r, c = row + sign * down, column + sign * right
            while 0 <= c < WIDTH and 0 <= r < len(columns[c]) and columns[c][r] == symbol:
                run, r, c = run + 1, r + sign * down, c + sign * right
        if run >= 4:
            return True
    return False


def object_connect_four() -> ObjectConnectFour:
    return ObjectConnectFour()

"""2048: slide the tiles, merge equal ones, reach the highest. For one player, with chance.

    . . 2 4          a move slides all tiles one way; two equal ones that meet become one,
    . . . .          once a move; then a 2 (nine times of ten) or a 4 appears on a free
    2 . . 2          cell, each equally likely; a move that changes nothing is not allowed
    . . . .

The episode ends with the tile `max_tile`, or where nothing moves. The reward of a move is the sum
of the tiles that it made, as a part of what making one `max_tile` of 2s is worth. A cell holds the
exponent of its tile, 0 where it is free; cell `(row, column)` is number `size * row + column`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.base import Board, DomainSpec, State
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.games.square import NUM_SYMMETRIES, transform_cell

MIN_SIZE, MAX_SIZE, DEFAULT_SIZE = 2, 5, 4
DEFAULT_TILE = 2048
UP, RIGHT, DOWN, LEFT = range(4)
_EDGES = (1, 5, 7, 3)  # where the middle of a board of three goes to, by direction
NAMES = ("up", "right", "down", "left")

state_dtype = np.dtype([("board", np.int8, MAX_SIZE * MAX_SIZE)])
kernels = Kernels(state_dtype)

# Where an instance keeps the size and the exponent of the tile that ends the game.
_SIZE, _HIGHEST = 0, 1

_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_MIX_2 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_3 = np.uint64(0x94D049BB133111EB)
# Of 2**32: how often the new tile is a 4.
_FOUR = np.uint64(429496730)


@njit(cache=True)
def add(a, b):  # type: ignore[no-untyped-def]
    """Return the sum modulo 2**64, in halves: plain Python warns of what overflows."""
    low = (a & _LOW) + (b & _LOW)
    high = (a >> _HALF) + (b >> _HALF) + (low >> _HALF)
    return (high << _HALF) | (low & _LOW)


@njit(cache=True)
def times(a, b):  # type: ignore[no-untyped-def]
    """Return the product modulo 2**64, in halves."""
    low = (a & _LOW) * (b & _LOW)
    cross = ((a >> _HALF) * (b & _LOW) & _LOW) + ((a & _LOW) * (b >> _HALF) & _LOW)
    return (((low >> _HALF) + cross) << _HALF) | (low & _LOW)


@njit(cache=True)
def mix(key):  # type: ignore[no-untyped-def]
    """Return bits that all depend on all of `key` (splitmix64, Steele et al. 2014)."""
    key = add(key, _MIX)
    key = times(key ^ (key >> np.uint64(30)), _MIX_2)
    key = times(key ^ (key >> np.uint64(27)), _MIX_3)
    return key ^ (key >> np.uint64(31))


@njit(cache=True)
def add_tile(board, cells, key):  # type: ignore[no-untyped-def]
    """Put a 2 or a 4 on a free cell, as `key` says."""
    free = 0
    for cell in range(cells):
        free += board[cell] == 0
    bits = mix(key)
    skip = np.int64(((bits >> np.uint64(32)) * np.uint64(free)) >> np.uint64(32))
    for cell in range(cells):
        if board[cell] == 0:
            if skip == 0:
                board[cell] = 2 if (bits & np.uint64(0xFFFFFFFF)) < _FOUR else 1
                return
            skip -= 1


@njit(cache=True)
def slide(board, size, direction):  # type: ignore[no-untyped-def]
    """Slide and merge; return the sum of the tiles made and the highest exponent among them."""
    none = np.int64(0)
    made, highest = none, none
    down = direction in (UP, DOWN)
    ahead = size if down else 1
    across = 1 if down else size
    if direction in (DOWN, RIGHT):
        ahead = -ahead
    for line in range(size):
        start = line * across + (0 if ahead > 0 else -ahead * (size - 1))
        target, last = start, none
        for place in range(size):
            tile = np.int64(board[start + place * ahead])
            if tile == 0:
                continue
            board[start + place * ahead] = 0
            if tile == last:
                board[target - ahead] = tile + 1
                made += np.int64(2) << tile
                if tile >= highest:
                    highest = tile + 1
                last = none
            else:
                board[target] = tile
                target += ahead
                last = tile
    return made, highest


@njit(cache=True)
def find_moves(board, size):  # type: ignore[no-untyped-def]
    """Return which directions change the board, one bit each."""
    moves = 0
    for row in range(size):
        for column in range(size):
            tile = board[size * row + column]
            for ahead in range(2):  # the neighbours to the right and below
                if (column if ahead == 0 else row) == size - 1:
                    continue
                other = board[size * row + column + (1 if ahead == 0 else size)]
                same = tile != 0 and tile == other
                if same or (tile == 0 and other != 0):
                    moves |= 1 << (LEFT if ahead == 0 else UP)
                if same or (tile != 0 and other == 0):
                    moves |= 1 << (RIGHT if ahead == 0 else DOWN)
    return moves


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Put two tiles on the empty board."""
    cells = instance[_SIZE] * instance[_SIZE]
    for cell in range(cells):
        state.board[cell] = 0
    add_tile(state.board, cells, key)
    add_tile(state.board, cells, mix(key))


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow what changes the board."""
    moves = find_moves(state.board, instance[_SIZE])
    for direction in range(4):
        mask[direction] = moves >> direction & 1


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Slide, and add a tile; end with the highest tile or where nothing moves."""
    size, last = instance[_SIZE], instance[_HIGHEST]
    made, highest = slide(state.board, size, action)
    reward = made / ((1 << last) * (last - 1))
    if highest == last:
        return reward, 0.0
    add_tile(state.board, size * size, key)
    return reward, 1.0 if find_moves(state.board, size) else 0.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write a plane for each exponent."""
    cells = instance[_SIZE] * instance[_SIZE]
    for cell in range(cells):
        if state.board[cell]:
            out[(state.board[cell] - 1) * cells + cell] = 1.0


@kernels.transform
def transform(state, symmetry, instance, out):  # type: ignore[no-untyped-def]
    """Turn or mirror the board."""
    size = instance[_SIZE]
    for cell in range(size * size):
        out.board[transform_cell(cell, symmetry, size)] = state.board[cell]


@kernels.transform_action
def transform_action(action, symmetry, instance):  # type: ignore[no-untyped-def]
    """Turn or mirror a direction."""
    turned = transform_cell(_EDGES[action], symmetry, 3)
    for direction in range(4):
        if _EDGES[direction] == turned:
            return direction
    return action


class _View:
    """Boards and moves of one board size as people see them."""

    def __init__(self, size: int, highest: int) -> None:
        self.size = size
        self.glyphs = ("", *(str(1 << exponent) for exponent in range(1, highest + 1)))

    def board(self, state: State) -> Board:
        """Return the board for front ends that draw."""
        tiles = [int(tile) for tile in state.board[: self.size**2]]
        rows = range(0, len(tiles), self.size)
        cells = tuple(tuple(tiles[row : row + self.size]) for row in rows)
        return Board(cells, "tiles", glyphs=self.glyphs, note=f"sum {_sum(tiles)}")

    def render(self, state: State) -> str:
        """Return the board as text."""
        width = len(self.glyphs[-1])
        board = self.board(state)
        lines = [" ".join(f"{self.glyphs[t] or '.':>{width}}" for t in row) for row in board.cells]
        return "\n".join(lines)

    def action_cells(self, state: State, action: int) -> tuple[tuple[int, int], ...]:
        """Return the cells on the side that the tiles go to, without its corners."""
        del state
        last = self.size - 1
        places = range(1, last) if self.size > 2 else range(last)
        if action in (UP, DOWN):
            return tuple((0 if action == UP else last, place) for place in places)
        return tuple((place, 0 if action == LEFT else last) for place in places)

    def format_state(self, state: State) -> str:
        """Return the tiles in one line, rows from the top, 0 where there is none."""
        rows = self.board(state).cells
        return "/".join(",".join(self.glyphs[tile] or "0" for tile in row) for row in rows)

    def parse_state(self, text: str) -> State:
        """Return the position that `format_state` writes.

        Raises:
            ValueError: what is wrong with the text.
        """
        begin = f"not a position of 2048: {text[:60]!r}"
        rows = [row.split(",") for row in text.strip().split("/")]
        if [len(row) for row in rows] != [self.size] * self.size:
            example = "/".join([",".join(["2", *"0" * (self.size - 1)])] * self.size)
            raise ValueError(f"{begin}; expected {self.size} rows of {self.size}, as {example!r}")
        known = {glyph or "0": exponent for exponent, glyph in enumerate(self.glyphs[:-1])}
        state = np.zeros(1, kernels.state_dtype).view(np.recarray)[0]
        for cell, tile in enumerate(tile.strip() for row in rows for tile in row):
            if tile not in known:
                raise ValueError(
                    f"{begin}: a tile is 0 or a power of two up to {self.glyphs[-2]}, got {tile!r}"
                )
            state.board[cell] = known[tile]
        if not find_moves(state.board, self.size):
            raise ValueError(f"{begin}: nothing moves there")
        return state

    def action_name(self, state: State, action: int) -> str:
        """Return the direction."""
        del state
        return NAMES[action]


def _sum(tiles: list[int]) -> int:
    return sum(1 << tile for tile in tiles if tile)


def twenty_forty_eight(size: int = DEFAULT_SIZE, max_tile: int = DEFAULT_TILE) -> CompiledDomain:
    """Return the domain on a board of 2 to 5, played until the tile `max_tile`."""
    if not (isinstance(size, int) and MIN_SIZE <= size <= MAX_SIZE):
        raise ValueError(f"2048: size must be {MIN_SIZE} to {MAX_SIZE}, got {size!r}")
    powers = [1 << exponent for exponent in range(3, 18)]
    if max_tile not in powers:
        raise ValueError(f"2048: max_tile must be a power of two, 8 to 131072, got {max_tile!r}")
    highest, cells = max_tile.bit_length() - 1, size * size
    view = _View(size, highest)
    name = "2048" if max_tile == DEFAULT_TILE else f"2048_to_{max_tile}"
    # Before the last move no tile is above half of max_tile. A tile 2**k, made of 2s, has brought
    # (k - 1) 2**k, and each move adds a tile of at least 2.
    most = cells * (highest - 2) * (max_tile // 2) + max_tile
    spec = DomainSpec(
        name=name if size == DEFAULT_SIZE else f"{name}_{size}x{size}",
        num_actions=4,
        observation_shape=(highest, size, size),
        num_players=1,
        max_steps=cells * max_tile // 4,
        num_symmetries=NUM_SYMMETRIES,
        value_range=(0.0, most / (max_tile * (highest - 1))),
        deterministic=False,
    )
    return CompiledDomain(
        spec,
        kernels,
        [size, highest],
        render=view.render,
        action_name=view.action_name,
        board=view.board,
        action_cells=view.action_cells,
        format_state=view.format_state,
        parse_state=view.parse_state,
    )

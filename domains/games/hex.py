"""Hex on a rhombus of 3 to 13 cells a side: the first to join the own two edges wins.

The first side, red, joins top and bottom, the second, blue, left and right. Cell `(row, column)` is
action `size * row + column`, and touches six cells: each row lies half a cell further right.

    . . .        a1 b1 c1          0 1
     . . .         a2 b2 c2      2 . 3      the neighbours of a cell
      . . .          a3 b3 c3    4 5

A stone knows which of its side's edges it is joined to, so that the end is found by looking at six
neighbours; a flood carries news of an edge to the stones joined to the new one, and no stone hears
of an edge twice in a game.

With the swap rule the second side's first move may be to take over the first stone, mirrored at the
long diagonal so that it does for blue what it did for red; the action is that stone's cell.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from tesuji.domains.base import Board, DomainSpec, State
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.games.stones import Cells, StoneText, check_cells

MIN_SIZE, MAX_SIZE, DEFAULT_SIZE = 3, 13, 11
NUM_PLANES = 7

# A cell holds 0 where it is empty; else 1 or 2 for the side, and in the bits above the edges that
# its stone is joined to: 4 the side's first edge (top, left), 8 its second.
state_dtype = np.dtype([("board", np.int8, MAX_SIZE * MAX_SIZE), ("to_play", np.int8)])
kernels = Kernels(state_dtype)

STONE, FIRST_EDGE, SECOND_EDGE = 3, 4, 8
_BOTH = FIRST_EDGE | SECOND_EDGE
_CAME = 4  # during a flood the bits from here hold the way that it came

# An instance: the size, whether there is a swap, then a record of each cell: the edges it lies on,
# for the first side and for the second, and its six neighbours, itself standing for the missing.
_SIZE, _SWAP, _CELLS = 0, 1, 2
_RECORD, _NEIGHBOURS = 8, 2


@njit(cache=True)
def join(board, cell, stone, instance):  # type: ignore[no-untyped-def]
    """Set `stone` on `cell`, tell its edges to all that is joined to it, and return them."""
    record = _CELLS + _RECORD * cell
    edges = instance[record + stone - 1]
    spread = False
    for neighbour in range(record + _NEIGHBOURS, record + _RECORD):
        value = board[instance[neighbour]]
        if value & STONE == stone:
            edges |= value & _BOTH
            spread = True
    board[cell] = stone | edges
    if spread and edges and edges != _BOTH:
        flood(board, cell, stone | edges, instance)
    return edges


@njit(cache=True)
def flood(board, cell, value, instance):  # type: ignore[no-untyped-def]
    """Give `value` to all stones that are joined to `cell` and have no edge yet.

    The walk goes deep first and keeps in each stone's upper bits which way it came.
    """
    stone = value & STONE
    start = cell
    while True:
        record = _CELLS + _RECORD * cell + _NEIGHBOURS
        way = 0
        while way < 6 and board[instance[record + way]] != stone:
            way += 1
        if way < 6:
            cell = instance[record + way]
            board[cell] = value | (way << _CAME)
        elif cell == start:
            return
        else:
            back = 5 - (board[cell] >> _CAME)
            board[cell] = value
            cell = instance[record + back]


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Start empty: the row comes zeroed."""


@njit(cache=True)
def swappable(board, to_play, instance):  # type: ignore[no-untyped-def]
    """Return the cell of the only stone where the second side may swap, or -1."""
    found = -1
    if instance[_SWAP] and to_play == 1:
        for cell in range(instance[_SIZE] * instance[_SIZE]):
            if board[cell]:
                if found >= 0:
                    return -1
                found = cell
    return found


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow every empty cell, and to swap."""
    for cell in range(len(mask)):
        mask[cell] = state.board[cell] == 0
    if instance[_SWAP]:
        first = swappable(state.board, state.to_play, instance)
        if first >= 0:
            mask[first] = True


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Set a stone; who joins both edges has won, and a full board has a winner."""
    stone = np.int64(state.to_play) + 1
    state.to_play = 1 - state.to_play
    if state.board[action]:  # swap: a stone of the own, mirrored at the long diagonal
        state.board[action] = 0
        size = instance[_SIZE]
        action = action % size * size + action // size
    if join(state.board, action, stone, instance) == _BOTH:
        return 1.0, 0.0
    return 0.0, -1.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write stones, those joined to the first edge, and to the second, own then other; the side."""
    cells = instance[_SIZE] * instance[_SIZE]
    own = state.to_play + 1
    for cell in range(cells):
        value = state.board[cell]
        if value:
            plane = 0 if value & STONE == own else 3
            out[plane * cells + cell] = 1.0
            if value & FIRST_EDGE:
                out[(plane + 1) * cells + cell] = 1.0
            if value & SECOND_EDGE:
                out[(plane + 2) * cells + cell] = 1.0
        out[6 * cells + cell] = 2 - own


@kernels.transform
def transform(state, symmetry, instance, out):  # type: ignore[no-untyped-def]
    """Turn by half, or mirror at the long diagonal and let the sides change colours, or both."""
    for cell in range(instance[_SIZE] * instance[_SIZE]):
        value = state.board[cell]
        if value and symmetry & 1 and value > STONE and value & _BOTH != _BOTH:
            value ^= _BOTH
        if value and symmetry & 2:
            value ^= STONE
        out.board[transform_cell(cell, symmetry, instance[_SIZE])] = value
    out.to_play = state.to_play ^ 1 if symmetry & 2 else state.to_play


@njit(cache=True)
def transform_cell(cell, symmetry, size):  # type: ignore[no-untyped-def]
    """Return where `symmetry` sends `cell`: bit 0 turns by half, bit 1 mirrors."""
    if symmetry & 2:
        cell = cell % size * size + cell // size
    return size * size - 1 - cell if symmetry & 1 else cell


@kernels.transform_action
def transform_action(action, symmetry, instance):  # type: ignore[no-untyped-def]
    """Turn or mirror a cell."""
    return transform_cell(action, symmetry, instance[_SIZE])


def neighbours(cell: int, size: int) -> list[int]:
    """Return the six neighbours of `cell`, itself standing for those that lie off the board."""
    row, column = divmod(cell, size)
    around = ((-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0))
    return [
        (row + down) * size + column + right
        if 0 <= row + down < size and 0 <= column + right < size
        else cell
        for down, right in around
    ]


def _instance(size: int, swap: bool) -> npt.NDArray[np.int64]:
    data = [size, int(swap)]
    for cell in range(size * size):
        row, column = divmod(cell, size)
        for place in (row, column):
            data.append(FIRST_EDGE * (place == 0) + SECOND_EDGE * (place == size - 1))
        data += neighbours(cell, size)
    return np.array(data, np.int64)


class _View:
    """Boards and moves of one board size as people see them."""

    def __init__(self, size: int, instance: npt.NDArray[np.int64]) -> None:
        self.size, self.instance = size, instance
        self.columns = tuple("abcdefghijklm"[:size])

    def board(self, state: State) -> Board:
        """Return the board for front ends that draw."""
        stones = np.asarray(state.board)[: self.size**2].reshape(self.size, self.size) & STONE
        cells = tuple(tuple(int(stone) for stone in row) for row in stones)
        rows = tuple(str(row + 1) for row in range(self.size))
        return Board(cells, "hexagons", ("Red", "Blue"), self.columns, rows)

    def render(self, state: State) -> str:
        """Return the board as text; `X` moves first and joins top and bottom."""
        lines = [
            f"{' ' * row}{row + 1:2} {' '.join('.XO'[stone] for stone in stones)}"
            for row, stones in enumerate(self.board(state).cells)
        ]
        return "\n".join([f"   {' '.join(self.columns)}", *lines])

    def action_cells(self, state: State, action: int) -> tuple[tuple[int, int], ...]:
        """Return the cell of the stone."""
        del state
        return (divmod(action, self.size),)

    def arrange(self, cells: Cells, to_play: int) -> State:
        """Return the position with these stones.

        Raises:
            ValueError: the board has another size, or a side has won.
        """
        state = np.zeros(1, kernels.state_dtype).view(np.recarray)[0]
        for cell, side in check_cells(cells, self.size, to_play):
            if join(state.board, cell, side + 1, self.instance) == _BOTH:
                raise ValueError(f"{('Red', 'Blue')[side]} has won there")
        state.to_play = to_play
        return state

    def action_name(self, state: State, action: int) -> str:
        """Return the cell as column letter and row number, or `swap`."""
        row, column = divmod(action, self.size)
        return "swap" if state.board[action] else f"{self.columns[column]}{row + 1}"


def hex_board(size: int = DEFAULT_SIZE, swap: bool = False) -> CompiledDomain:
    """Return the domain on a board of `size`, with or without the swap rule."""
    if not (isinstance(size, int) and MIN_SIZE <= size <= MAX_SIZE):
        raise ValueError(f"hex: size must be {MIN_SIZE} to {MAX_SIZE}, got {size!r}")
    instance = _instance(size, swap)
    view = _View(size, instance)
    text = StoneText("Hex", size, view.board, view.arrange)
    name = "hex_swap" if swap else "hex"
    spec = DomainSpec(
        name=name if size == DEFAULT_SIZE else f"{name}_{size}x{size}",
        num_actions=size * size,
        observation_shape=(NUM_PLANES, size, size),
        num_players=2,
        max_steps=size * size + int(swap),
        num_symmetries=2 if swap else 4,  # only the second side swaps: the sides differ
        policy_planes=1,
    )
    return CompiledDomain(
        spec,
        kernels,
        instance,
        render=view.render,
        action_name=view.action_name,
        board=view.board,
        action_cells=view.action_cells,
        format_state=text.format_state,
        parse_state=text.parse_state,
        arrange=view.arrange,
    )


def hex_swap(size: int = DEFAULT_SIZE) -> CompiledDomain:
    """Return the domain with the swap rule on a board of `size`."""
    return hex_board(size, swap=True)

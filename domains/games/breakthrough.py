r"""Breakthrough on a square board of 4 to 8: the first to reach the far row wins.

A man goes one step ahead, straight or aslant, and takes aslant only. Who loses all men has lost,
too; there is always a move, for the foremost man can go aslant.

Everything is seen by its side: each side's men are a bitboard on which they begin in the lowest two
rows and go up, so that both sides play by one set of kernels and a net sees both alike. Cell `(row,
column)` is bit `8 * row + column`, row 0 the far one. Action `plane * size * size + size * row +
column` moves the man on that cell up and left, up, or up and right, as the plane says, in the
mover's rows; the columns are the same for both.

    8 n n n n       plane    0 1 2
    7 n n n n                 \|/
    2 N N N N                  N
    1 N N N N       the first side's view is the board as it is drawn
      a b c d
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.base import Board, DomainSpec, State
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.games.stones import Cells, StoneText, check_cells

MIN_SIZE, MAX_SIZE, DEFAULT_SIZE = 4, 8, 8
NUM_PLANES = 3

state_dtype = np.dtype([("men", np.uint64, 2), ("to_play", np.int8)], align=True)
kernels = Kernels(state_dtype)

# Where an instance keeps the size; the bits of the board, of its first and of its last column.
_SIZE, _BOARD, _FIRST, _LAST, _START = range(5)

_ONE = np.uint64(1)
_FAR = np.uint64(0xFF)


@njit(cache=True)
def mirror_rows(bits, size):  # type: ignore[no-untyped-def]
    """Return `bits` as the other side sees them."""
    bits = ((bits >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)) | (
        (bits & np.uint64(0x00FF00FF00FF00FF)) << np.uint64(8)
    )
    bits = ((bits >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)) | (
        (bits & np.uint64(0x0000FFFF0000FFFF)) << np.uint64(16)
    )
    bits = (bits >> np.uint64(32)) | (bits << np.uint64(32))
    return bits >> np.uint64(8 * (8 - size))


@njit(cache=True)
def mirror_columns(bits, size):  # type: ignore[no-untyped-def]
    """Return `bits` with left and right exchanged."""
    for shift, mask in (
        (np.uint64(1), np.uint64(0x5555555555555555)),
        (np.uint64(2), np.uint64(0x3333333333333333)),
        (np.uint64(4), np.uint64(0x0F0F0F0F0F0F0F0F)),
    ):
        bits = ((bits >> shift) & mask) | ((bits & mask) << shift)
    return bits >> np.uint64(8 - size)


@njit(cache=True)
def movable(plane, own, other, instance):  # type: ignore[no-untyped-def]
    """Return the men of `own` that can go the way of `plane`."""
    if plane == 1:
        free = np.uint64(instance[_BOARD]) & ~(own | other)
        return own & (free << np.uint64(8))
    free = np.uint64(instance[_BOARD]) & ~own
    if plane == 0:
        return own & ~np.uint64(instance[_FIRST]) & (free << np.uint64(9))
    return own & ~np.uint64(instance[_LAST]) & (free << np.uint64(7))


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Write two rows of men a side."""
    for side in range(2):
        state.men[side] = np.uint64(instance[_START])
    state.to_play = 0


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow steps ahead to free cells, and aslant to cells without an own man."""
    size = instance[_SIZE]
    own = state.men[state.to_play]
    other = mirror_rows(state.men[1 - state.to_play], size)
    action = 0
    for plane in range(NUM_PLANES):
        men = movable(plane, own, other, instance)
        if size == 8:
            for cell in range(64):
                mask[action + cell] = (men >> np.uint64(cell)) & _ONE
        else:
            for row in range(size):
                for column in range(size):
                    bit = np.uint64(8 * row + column)
                    mask[action + size * row + column] = (men >> bit) & _ONE
        action += size * size


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Move a man and take what stands there; the far row or the last man taken wins."""
    size = instance[_SIZE]
    side = np.int64(state.to_play)
    plane, cell = action // (size * size), action % (size * size)
    man = _ONE << np.uint64(cell // size * 8 + cell % size)
    target = man >> np.uint64(9 - plane)
    state.men[side] = (state.men[side] & ~man) | target
    left = state.men[1 - side] & ~mirror_rows(target, size)
    state.men[1 - side] = left
    state.to_play = 1 - side
    if target & _FAR or left == 0:
        return 1.0, 0.0
    return 0.0, -1.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write two planes, own men and the opponent's, both as the mover sees them."""
    size = instance[_SIZE]
    cell = 0
    for plane in range(2):
        men = state.men[state.to_play ^ plane]
        if plane == 1:
            men = mirror_rows(men, size)
        for row in range(size):
            for column in range(size):
                out[cell] = np.float32((men >> np.uint64(8 * row + column)) & _ONE)
                cell += 1


@kernels.transform
def transform(state, symmetry, instance, out):  # type: ignore[no-untyped-def]
    """Mirror left and right."""
    for side in range(2):
        out.men[side] = mirror_columns(state.men[side], instance[_SIZE])
    out.to_play = state.to_play


@kernels.transform_action
def transform_action(action, symmetry, instance):  # type: ignore[no-untyped-def]
    """Mirror a man's column and its way."""
    size = instance[_SIZE]
    plane, cell = action // (size * size), action % (size * size)
    row, column = cell // size, cell % size
    return (2 - plane) * size * size + size * row + size - 1 - column


class _View:
    """Boards and moves of one board size as people see them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.columns = tuple("abcdefgh"[:size])

    def board(self, state: State) -> Board:
        """Return the board for front ends that draw, the first side below."""
        cells = [[0] * self.size for _ in range(self.size)]
        for side, men in enumerate(state.men):
            for row in range(self.size):
                for column in range(self.size):
                    if int(men) >> (8 * row + column) & 1:
                        cells[self._seen(row, side)][column] = side + 1
        rows = tuple(str(row) for row in range(self.size, 0, -1))
        return Board(
            tuple(tuple(row) for row in cells),
            "pieces",
            ("White", "Black"),
            self.columns,
            rows,
            glyphs=("", "♙", "♟"),
        )

    def _seen(self, row: int, side: int) -> int:
        return self.size - 1 - row if side else row

    def render(self, state: State) -> str:
        """Return the board as text; `X` moves first, from below."""
        lines = [
            f"{self.size - row} {' '.join('.XO'[man] for man in men)}"
            for row, men in enumerate(self.board(state).cells)
        ]
        return "\n".join([*lines, f"  {' '.join(self.columns)}"])

    def _way(self, state: State, action: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the cells from and to, as seen on the board; the second may lie beside it."""
        plane, cell = divmod(action, self.size**2)
        row, column = divmod(cell, self.size)
        side = int(state.to_play)
        target = column + plane - 1
        return (self._seen(row, side), column), (self._seen(row - 1, side), target)

    def arrange(self, cells: Cells, to_play: int) -> State:
        """Return the position with these men.

        Raises:
            ValueError: the board has another size, or a side has won, no man, or too many.
        """
        state = np.zeros(1, kernels.state_dtype).view(np.recarray)[0]
        stones = check_cells(cells, self.size, to_play)
        for cell, side in stones:
            row, column = divmod(cell, self.size)
            row = self._seen(row, side)
            if row == 0:
                raise ValueError(f"{('White', 'Black')[side]} has won there")
            state.men[side] |= _ONE << np.uint64(8 * row + column)
        for side, name in enumerate(("White", "Black")):
            count = sum(owner == side for _, owner in stones)
            if not 1 <= count <= 2 * self.size:
                raise ValueError(f"{name} has {count} men, expected 1 to {2 * self.size}")
        state.to_play = to_play
        return state

    def action_origin(self, state: State, action: int) -> tuple[int, int]:
        """Return the man's cell."""
        return self._way(state, action)[0]

    def action_cells(self, state: State, action: int) -> tuple[tuple[int, int], ...]:
        """Return where the man goes; none off the board."""
        row, column = self._way(state, action)[1]
        inside = 0 <= row < self.size and 0 <= column < self.size
        return ((row, column),) if inside else ()

    def action_name(self, state: State, action: int) -> str:
        """Return the cells from and to, such as `a2b3`."""
        return "".join(
            f"{self.columns[column] if 0 <= column < self.size else '-'}{self.size - row}"
            for row, column in self._way(state, action)
        )


def _bits(rows: range, columns: range) -> int:
    """Return the bits of some rows and columns, as the int64 that holds them."""
    bits = sum(1 << (8 * row + column) for row in rows for column in columns)
    return int(np.uint64(bits).astype(np.int64))


def breakthrough(size: int = DEFAULT_SIZE) -> CompiledDomain:
    """Return the domain on a board of 4 to 8."""
    if not (isinstance(size, int) and MIN_SIZE <= size <= MAX_SIZE):
        raise ValueError(f"breakthrough: size must be {MIN_SIZE} to {MAX_SIZE}, got {size!r}")
    whole = range(size)
    instance = [
        size,
        _bits(whole, whole),
        _bits(whole, range(1)),
        _bits(whole, range(size - 1, size)),
        _bits(range(size - 2, size), whole),
    ]
    view = _View(size)
    text = StoneText("Breakthrough", size, view.board, view.arrange)
    spec = DomainSpec(
        name="breakthrough" if size == DEFAULT_SIZE else f"breakthrough_{size}x{size}",
        num_actions=NUM_PLANES * size * size,
        observation_shape=(2, size, size),
        num_players=2,
        # No man steps more often than there are rows ahead, and one that arrives ends the game.
        max_steps=2 * size * (2 * size - 3),
        num_symmetries=2,
        policy_planes=NUM_PLANES,
    )
    return CompiledDomain(
        spec,
        kernels,
        instance,
        render=view.render,
        action_name=view.action_name,
        board=view.board,
        action_cells=view.action_cells,
        action_origin=view.action_origin,
        format_state=text.format_state,
        parse_state=text.parse_state,
        arrange=view.arrange,
    )

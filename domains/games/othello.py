"""Othello on a square board of 4, 6 or 8: most discs at the end win.

Bitboards, one `uint64` a side, with eight bits a row for every size; a smaller board lies in the
low corner. Cell `(row, column)` is bit `8 * row + column` and action `size * row + column`; the
last action is the pass. The side without a move must pass, and the game ends at once where
neither side has one.

      a b c d e f g h
    1 0 1 2 3 4 5 6 7
    2 8 9 ...
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.base import Board, DomainSpec, FloatArray, State
from tesuji.domains.bits import count_bits
from tesuji.domains.compiled import CompiledDomain, Kernels
from tesuji.domains.games.square import NUM_SYMMETRIES, transform_cell
from tesuji.domains.games.stones import Cells, StoneText, check_cells

# `moves` follows from the stones; kept so that it is found once a step, for `legal` and the end.
state_dtype = np.dtype(
    [("stones", np.uint64, 2), ("moves", np.uint64), ("to_play", np.int8)], align=True
)
kernels = Kernels(state_dtype)

# Where an instance keeps its board size; the bits of its board and of its start.
_SIZE, _BOARD, _START = 0, 1, 2

_ONE = np.uint64(1)
_INNER = np.uint64(0x7E7E7E7E7E7E7E7E)  # without the edges, so that no shift wraps a row


@njit(cache=True)
def _up(start, through, shift):  # type: ignore[no-untyped-def]
    """Return the run of `through` next to `start` towards higher bits (Kogge-Stone fill)."""
    run = through & (start << shift)
    run |= through & (run << shift)
    pairs = through & (through << shift)
    run |= pairs & (run << (shift + shift))
    return run | (pairs & (run << (shift + shift)))


@njit(cache=True)
def _down(start, through, shift):  # type: ignore[no-untyped-def]
    """Return the run of `through` next to `start` towards lower bits."""
    run = through & (start >> shift)
    run |= through & (run >> shift)
    pairs = through & (through >> shift)
    run |= pairs & (run >> (shift + shift))
    return run | (pairs & (run >> (shift + shift)))


@njit(cache=True)
def find_moves(own, other, board):  # type: ignore[no-untyped-def]
    """Return the empty cells from which `own` captures a run of `other`."""
    inner = other & _INNER
    moves = np.uint64(0)
    for shift, through in (
        (np.uint64(1), inner),
        (np.uint64(7), inner),
        (np.uint64(8), other),
        (np.uint64(9), inner),
    ):
        moves |= _up(own, through, shift) << shift
        moves |= _down(own, through, shift) >> shift
    return moves & board & ~(own | other)


@njit(cache=True)
def find_flips(move, own, other):  # type: ignore[no-untyped-def]
    """Return the discs of `other` that the disc `move` captures."""
    inner = other & _INNER
    flips = np.uint64(0)
    for shift, through in (
        (np.uint64(1), inner),
        (np.uint64(7), inner),
        (np.uint64(8), other),
        (np.uint64(9), inner),
    ):
        run = _up(move, through, shift)
        if (run << shift) & own:
            flips |= run
        run = _down(move, through, shift)
        if (run >> shift) & own:
            flips |= run
    return flips


@njit(cache=True)
def _swap(bits, mask, shift):  # type: ignore[no-untyped-def]
    """Return `bits` with those under `mask` and those `shift` above it exchanged."""
    difference = (bits ^ (bits >> shift)) & mask
    return bits ^ difference ^ (difference << shift)


@njit(cache=True)
def transform_bits(bits, symmetry, size):  # type: ignore[no-untyped-def]
    """Return a bitboard under a symmetry of its square of `size`."""
    if symmetry & 4:  # transpose
        bits = _swap(bits, np.uint64(0x00AA00AA00AA00AA), np.uint64(7))
        bits = _swap(bits, np.uint64(0x0000CCCC0000CCCC), np.uint64(14))
        bits = _swap(bits, np.uint64(0x00000000F0F0F0F0), np.uint64(28))
    if symmetry & 2:  # mirror the rows, then back into the corner
        bits = _swap(bits, np.uint64(0x00FF00FF00FF00FF), np.uint64(8))
        bits = _swap(bits, np.uint64(0x0000FFFF0000FFFF), np.uint64(16))
        bits = (bits >> np.uint64(32)) | (bits << np.uint64(32))
        bits >>= np.uint64(8 * (8 - size))
    if symmetry & 1:
        bits = _swap(bits, np.uint64(0x5555555555555555), np.uint64(1))
        bits = _swap(bits, np.uint64(0x3333333333333333), np.uint64(2))
        bits = _swap(bits, np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(4))
        bits >>= np.uint64(8 - size)
    return bits


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Write the four discs of the start."""
    for side in range(2):
        state.stones[side] = np.uint64(instance[_START + side])
    state.moves = find_moves(state.stones[0], state.stones[1], np.uint64(instance[_BOARD]))
    state.to_play = 0


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow the captures; without one, the pass, unless the game is over."""
    size = instance[_SIZE]
    moves = state.moves
    if size == 8:
        for cell in range(64):
            mask[cell] = (moves >> np.uint64(cell)) & _ONE
    else:
        for row in range(size):
            for column in range(size):
                mask[size * row + column] = (moves >> np.uint64(8 * row + column)) & _ONE
    mask[size * size] = False
    if moves == 0:
        own, other = state.stones[state.to_play], state.stones[1 - state.to_play]
        mask[size * size] = find_moves(other, own, np.uint64(instance[_BOARD])) != 0


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Place a disc and turn the captured ones, or pass; count the discs at the end."""
    size, board = instance[_SIZE], np.uint64(instance[_BOARD])
    side = np.int64(state.to_play)
    own, other = state.stones[side], state.stones[1 - side]
    if action != size * size:
        cell = action if size == 8 else action // size * 8 + action % size
        move = _ONE << np.uint64(cell)
        flips = find_flips(move, own, other)
        own |= move | flips
        other &= ~flips
        state.stones[side], state.stones[1 - side] = own, other
    state.moves = find_moves(other, own, board)
    state.to_play = 1 - side
    if state.moves == 0 and find_moves(own, other, board) == 0:
        lead = count_bits(own) - count_bits(other)
        return (1.0 if lead > 0 else -1.0 if lead < 0 else 0.0), 0.0
    return 0.0, -1.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write two planes, own discs and the opponent's."""
    size = instance[_SIZE]
    cell = 0
    for plane in range(2):
        stones = state.stones[state.to_play ^ plane]
        for row in range(size):
            for column in range(size):
                out[cell] = np.float32((stones >> np.uint64(8 * row + column)) & _ONE)
                cell += 1


@kernels.transform
def transform(state, symmetry, instance, out):  # type: ignore[no-untyped-def]
    """Turn or mirror the board."""
    size = instance[_SIZE]
    for side in range(2):
        out.stones[side] = transform_bits(state.stones[side], symmetry, size)
    out.moves = transform_bits(state.moves, symmetry, size)
    out.to_play = state.to_play


@kernels.transform_action
def transform_action(action, symmetry, instance):  # type: ignore[no-untyped-def]
    """Turn or mirror a cell; a pass stays a pass."""
    size = instance[_SIZE]
    return action if action == size * size else transform_cell(action, symmetry, size)


class _View:
    """Boards and moves of one board size as people see them."""

    def __init__(self, size: int, whole: int) -> None:
        self.size, self.whole = size, whole
        self.columns = tuple("abcdefgh"[:size])

    def board(self, state: State) -> Board:
        """Return the board for front ends that draw."""
        first, second = (int(stones) for stones in state.stones)
        cells = tuple(
            tuple(
                (first >> bit & 1) + 2 * (second >> bit & 1)
                for bit in range(8 * row, 8 * row + self.size)
            )
            for row in range(self.size)
        )
        rows = tuple(str(row + 1) for row in range(self.size))
        return Board(cells, "stones", ("Black", "White"), self.columns, rows)

    def ownership(self, state: State) -> tuple[FloatArray, float]:
        """Return whose disc lies on each cell, and how many more the first side has."""
        cells = np.array(self.board(state).cells)
        owners = (cells == 1).astype(np.float32) - (cells == 2).astype(np.float32)
        return owners, float(owners.sum())

    def render(self, state: State) -> str:
        """Return the board as text, `X` moves first, with the discs counted."""
        cells = self.board(state).cells
        lines = [f"{i + 1} {' '.join('.XO'[disc] for disc in row)}" for i, row in enumerate(cells)]
        discs = [disc for row in cells for disc in row]
        count = f"X {discs.count(1)}, O {discs.count(2)}"
        return "\n".join([f"  {' '.join(self.columns)}", *lines, count])

    def action_cells(self, state: State, action: int) -> tuple[tuple[int, int], ...]:
        """Return the cell of the disc; none for a pass."""
        del state
        return () if action == self.size**2 else (divmod(action, self.size),)

    def arrange(self, cells: Cells, to_play: int) -> State:
        """Return the position with these discs.

        Raises:
            ValueError: the board has another size, or neither side can move.
        """
        state = np.zeros(1, kernels.state_dtype).view(np.recarray)[0]
        for cell, side in check_cells(cells, self.size, to_play):
            row, column = divmod(cell, self.size)
            state.stones[side] |= _ONE << np.uint64(8 * row + column)
        own, other, whole = state.stones[to_play], state.stones[1 - to_play], np.uint64(self.whole)
        state.moves, state.to_play = find_moves(own, other, whole), to_play
        if state.moves == 0 and find_moves(other, own, whole) == 0:
            raise ValueError("neither side can move there")
        return state

    def action_name(self, state: State, action: int) -> str:
        """Return the cell as column letter and row number, or `pass`."""
        del state
        row, column = divmod(action, self.size)
        return "pass" if row == self.size else f"{self.columns[column]}{row + 1}"


def othello(size: int = 8) -> CompiledDomain:
    """Return the domain on a board of 4, 6 or 8."""
    if size not in {4, 6, 8}:
        raise ValueError(f"othello: size must be 4, 6 or 8, got {size!r}")
    spec = DomainSpec(
        name="othello" if size == 8 else f"othello_{size}x{size}",
        num_actions=size * size + 1,
        observation_shape=(2, size, size),
        num_players=2,
        max_steps=2 * (size * size - 4),
        num_symmetries=NUM_SYMMETRIES,
        policy_planes=1,
        num_extra_actions=1,
        proof_moves=12,
    )
    board = sum(1 << 8 * row + column for row in range(size) for column in range(size))
    low, high = size // 2 - 1, size // 2
    first = 1 << 8 * low + high | 1 << 8 * high + low
    second = 1 << 8 * low + low | 1 << 8 * high + high
    instance = np.array([size, 0, 0, 0], np.int64)
    instance[_BOARD:] = np.array([board, first, second], np.uint64).view(np.int64)
    view = _View(size, board)
    text = StoneText("Othello", size, view.board, view.arrange)
    return CompiledDomain(
        spec,
        kernels,
        instance,
        render=view.render,
        action_name=view.action_name,
        board=view.board,
        action_cells=view.action_cells,
        ownership=view.ownership,
        format_state=text.format_state,
        parse_state=text.parse_state,
        arrange=view.arrange,
    )


def othello_6x6() -> CompiledDomain:
    """Return the domain on a board of 6."""
    return othello(6)

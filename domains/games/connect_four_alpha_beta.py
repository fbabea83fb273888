"""The search of the Connect Four solver: alpha-beta with a null window over bitboards.

One call answers "is the score of the root at least `threshold`?"; the child is asked for
`1 - threshold`. Numba cannot cache a kernel that calls itself, so the search keeps its own stack:
a flat int64 array of frames, one for the node at each depth. A node is entered only where its
side cannot win at once.

*Fours* are the empty squares that complete four in a row. Those of the side that just moved come
with the node, since they were computed to order the moves that led to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core import config as numba_config
from numba.extending import intrinsic

from tesuji.domains.games.connect_four_bitboard import BOARD, BOTTOM, NUM_SQUARES, Bitboard

UNKNOWN = -1

# Fields of a frame; the last three hold one entry a move, best move last.
_OWN, _MASK, _FOURS, _NUM_MOVES, _MOVES, _MOVE_FOURS, _ORDER = 0, 1, 2, 3, 4, 11, 18
_FRAME = 25

# A table entry is key << 12 | upper bound << 6 | lower bound; bounds are stored plus 21.
_BOUND_BITS, _OFFSET = 6, 21
_LOWER = 0b111111
_UPPER = _LOWER << _BOUND_BITS

# Up to so many stones, mirror images share an entry; later ones are hardly ever both reached.
_MIRRORED = 16
_COLUMN = 0b1111111
_CENTRE = _COLUMN << 21

# Equal moves are tried from the centre outwards.
_COLUMNS = tuple(0b111111 << 7 * column for column in (6, 0, 5, 1, 4, 2, 3))


def new_frames() -> npt.NDArray[np.int64]:
    """Return a stack for the longest game."""
    return np.zeros((NUM_SQUARES + 1) * _FRAME, np.int64)


def set_root(frames: npt.NDArray[np.int64], position: Bitboard) -> None:
    """Write the root into the first frame."""
    own, mask = position
    frames[:_NUM_MOVES] = own, mask, completes_four(own ^ mask) & ~mask


@intrinsic
def _emit_prefetch(typing_context: Any, table: Any, slot: Any) -> Any:
    """Emit the processor's prefetch of `table[slot]`."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(array.data, [arguments[1]])
        pointer = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        int32 = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [pointer.type, int32, int32, int32]),
            "llvm.prefetch.p0",
        )
        builder.call(function, [pointer, int32(0), int32(3), int32(1)])  # read, keep, data
        return context.get_dummy_value()

    return types.void(table, types.int64), codegen


@njit("void(int64[::1], int64)", cache=True)
def _prefetch(table, slot):  # type: ignore[no-untyped-def]
    """Fetch a table entry early; without it the search waits on memory a third of its time."""
    if not numba_config.DISABLE_JIT:
        _emit_prefetch(table, slot)


@njit("int64(int64)", cache=True)
def _num_squares(squares):  # type: ignore[no-untyped-def]
    """Return the number of set bits; LLVM makes one instruction of this."""
    pairs = squares - (squares >> 1 & 0x5555555555555555)
    nibbles = (pairs & 0x3333333333333333) + (pairs >> 2 & 0x3333333333333333)
    return ((nibbles + (nibbles >> 4) & 0x0F0F0F0F0F0F0F0F) * 0x0101010101010101) >> 56


@njit("int64(int64)", cache=True)
def completes_four(stones):  # type: ignore[no-untyped-def]
    """Return the squares, taken or not, that complete four in a row with three of `stones`."""
    squares = (stones << 1) & (stones << 2) & (stones << 3)
    for step in (6, 7, 8):
        before = (stones << step) & (stones << 2 * step)
        after = (stones >> step) & (stones >> 2 * step)
        squares |= before & ((stones << 3 * step) | (stones >> step))
        squares |= after & ((stones >> 3 * step) | (stones << step))
    return squares & BOARD


@njit("int64(int64, int64, int64)", cache=True)
def _key(own, mask, stones):  # type: ignore[no-untyped-def]
    """Return a number above 0 for the position, early on the same for its mirror image."""
    key = own + mask + BOTTOM
    if stones > _MIRRORED:
        return key
    mirrored = key & _CENTRE
    for column in range(3):
        shift = 7 * (6 - 2 * column)
        mirrored |= (key & _COLUMN << 7 * column) << shift
        mirrored |= (key >> shift) & _COLUMN << 7 * column
    return min(key, mirrored)


@njit("int64(int64, int64)", cache=True)
def _slot(key, num_slots):  # type: ignore[no-untyped-def]
    """Return the table slot of a position: Fibonacci hashing, where overflow is meant."""
    return ((key ^ (key >> 32)) * -0x61C8864680B583EB >> 33) & (num_slots - 1)


@njit("int64(int64, int64, int64[::1])", cache=True)
def _look_up(key, threshold, table):  # type: ignore[no-untyped-def]
    """Return 1 or 0 where the table knows the answer, else -1."""
    entry = table[_slot(key, table.size)]
    if entry >> 2 * _BOUND_BITS != key:
        return UNKNOWN
    if threshold <= (entry & _LOWER) - _OFFSET:
        return 1
    if threshold > (entry >> _BOUND_BITS & _LOWER) - _OFFSET:
        return 0
    return UNKNOWN


@njit("int64(int64, int64)", cache=True)
def _safe_moves(mask, fours):  # type: ignore[no-untyped-def]
    """Return the moves after which the opponent, who holds `fours`, cannot win at once."""
    playable = (mask + BOTTOM) & BOARD
    forced = playable & fours
    if forced:
        playable = 0 if forced & (forced - 1) else forced
    return playable & ~(fours >> 1)  # never play below a winning square


@njit("int64(int64[::1], int64, int64, int64[::1])", cache=True)
def _order_moves(frames, node, moves, table):  # type: ignore[no-untyped-def]
    """Sort the moves by the fours they leave, best last; return 1 where one wins by force."""
    own, mask = frames[node + _OWN], frames[node + _MASK]
    num_moves = 0
    for column in _COLUMNS:
        move = moves & column
        if move:
            fours = completes_four(own | move) & ~mask
            if _safe_moves(mask | move, fours) == 0:
                return 1
            _prefetch(table, _slot(_key(own ^ mask, mask | move, NUM_SQUARES), table.size))
            # A four right above the stone goes to waste: the opponent must and will block it.
            order = 2 * _num_squares(fours) - ((fours & (move << 1)) != 0)
            entry = node + num_moves
            while entry > node and frames[entry - 1 + _ORDER] > order:
                frames[entry + _MOVES] = frames[entry - 1 + _MOVES]
                frames[entry + _MOVE_FOURS] = frames[entry - 1 + _MOVE_FOURS]
                frames[entry + _ORDER] = frames[entry - 1 + _ORDER]
                entry -= 1
            frames[entry + _MOVES] = move
            frames[entry + _MOVE_FOURS] = fours
            frames[entry + _ORDER] = order
            num_moves += 1
    frames[node + _NUM_MOVES] = num_moves
    return UNKNOWN


@njit("int64(int64[::1], int64, int64, int64, int64[::1])", cache=True)
def _enter(frames, node, stones, threshold, table):  # type: ignore[no-untyped-def]
    """Return 1 or 0 where the answer is known at once; else order the moves and return -1."""
    mask = frames[node + _MASK]
    moves = _safe_moves(mask, frames[node + _FOURS])
    if moves == 0:
        return threshold <= -(NUM_SQUARES - stones >> 1)
    if stones >= NUM_SQUARES - 2:
        return threshold <= 0
    # The earliest loss and the earliest win that are left.
    if threshold <= -(NUM_SQUARES - 2 - stones >> 1):
        return 1
    if threshold > NUM_SQUARES - 1 - stones >> 1:
        return 0
    answer = _look_up(_key(frames[node + _OWN], mask, stones), threshold, table)
    if answer == UNKNOWN:
        answer = _order_moves(frames, node, moves, table)
    return answer


@njit("void(int64[::1], int64, int64, int64, int64, int64[::1])", cache=True)
def _record(frames, node, stones, threshold, answer, table):  # type: ignore[no-untyped-def]
    """Write the answer for the node into the table as a lower or an upper bound."""
    key = _key(frames[node + _OWN], frames[node + _MASK], stones)
    slot = _slot(key, table.size)
    entry = table[slot]
    if entry >> 2 * _BOUND_BITS != key:
        entry = key << 2 * _BOUND_BITS | _UPPER
    if answer:
        entry = (entry & ~_LOWER) | (threshold + _OFFSET)
    else:
        entry = (entry & ~_UPPER) | (threshold - 1 + _OFFSET) << _BOUND_BITS
    table[slot] = entry


@njit("int64(int64[::1], int64[::1], int64[::1], int64)", cache=True, nogil=True)
def search(frames, table, progress, max_nodes):  # type: ignore[no-untyped-def]
    """Answer 1 or 0: is the score of the root at least the threshold? -1 means: call again.

    Args:
        frames: the stack; frame 0 holds the root.
        table: bounds of positions seen.
        progress: root stones, root threshold, current node and nodes visited; the last two
            are kept up to date, so that the search goes on where it stopped.
        max_nodes: stop after so many nodes.
    """
    node = progress[2]
    depth = node // _FRAME
    stones = progress[0] + depth
    threshold = 1 - progress[1] if depth & 1 else progress[1]
    for _ in range(max_nodes):
        progress[3] += 1
        answer = _enter(frames, node, stones, threshold, table)
        while answer != UNKNOWN:
            if node == 0:
                return answer
            node -= _FRAME
            stones -= 1
            threshold = 1 - threshold
            answer = 1 - answer
            if answer == 0 and frames[node + _NUM_MOVES] > 0:
                answer = UNKNOWN
            else:
                _record(frames, node, stones, threshold, answer, table)
        move = frames[node + _NUM_MOVES] - 1
        frames[node + _NUM_MOVES] = move
        child = node + _FRAME
        frames[child + _OWN] = frames[node + _MASK] ^ frames[node + _OWN]
        frames[child + _MASK] = frames[node + _MASK] | frames[node + _MOVES + move]
        frames[child + _FOURS] = frames[node + _MOVE_FOURS + move]
        node = child
        stones += 1
        threshold = 1 - threshold
    progress[2] = node
    return UNKNOWN

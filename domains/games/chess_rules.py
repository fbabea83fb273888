"""Chess: the row of a position and its kernels.

A row is seen from the side to move, which plays upwards; a move turns the board over. The game is
drawn at once by stalemate, dead material, the third occurrence of a position or fifty moves.

`history` holds what repetition needs and no more: the moves since the last one that cannot be
taken back, each as `4096 * piece + 64 * source + target`, seen by the side that made it. Walking
it backwards sums random words of the squares left and entered; where they cancel, the position
is the same (Zobrist 1970). Two bytes a move keep the row small, where sixty-four-bit keys of
the positions would make it three times as large.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.bits import lowest_bit
from tesuji.domains.compiled import Kernels
from tesuji.domains.games.chess_moves import (
    ONE,
    castling_rooks,
    find_attackers,
    find_limits,
    has_move,
    is_dead,
    king_targets,
    limited_targets,
    passing_pawns,
)
from tesuji.domains.games.chess_tables import (
    ACTIONS,
    KING,
    PAWN,
    QUEEN,
    RANK_1,
    ROOK,
    STARTS,
    TARGETS,
    UNDERPROMOTIONS,
    WORDS,
)

FIFTY = 100  # plies without capture or pawn move that draw
NUM_PLANES = 17  # of an observation

state_dtype = np.dtype(
    [
        ("pieces", np.uint64, 6),  # by kind, both sides'
        ("sides", np.uint64, 2),  # the side to move, the other
        ("rights", np.uint64),  # rooks that may still castle
        ("history", np.uint16, FIFTY),
        ("clock", np.int16),  # plies since the last capture or pawn move
        ("length", np.uint8),  # moves in `history`
        ("repetitions", np.uint8),  # earlier occurrences of this position, at most 2
        ("passing", np.uint8),  # where en passant is legal, else 0
        ("to_play", np.int8),
    ],
    align=True,
)
kernels = Kernels(state_dtype)

_EIGHT = np.uint64(8)
# Masks and shifts that turn the ranks of a board over.
_BYTES, _PAIRS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
_SIXTEEN, _THIRTY_TWO = np.uint64(16), np.uint64(32)


@njit(cache=True)
def turn(bits):  # type: ignore[no-untyped-def]
    """Return a set of squares as the other side sees it."""
    bits = ((bits >> _EIGHT) & _BYTES) | ((bits & _BYTES) << _EIGHT)
    bits = ((bits >> _SIXTEEN) & _PAIRS) | ((bits & _PAIRS) << _SIXTEEN)
    return (bits >> _THIRTY_TWO) | (bits << _THIRTY_TWO)


@kernels.reset
def reset(state, instance, key):  # type: ignore[no-untyped-def]
    """Write the start; `instance[0]` is its number, drawn from the key where below 0."""
    number = instance[0] if instance[0] >= 0 else np.int64(key % np.uint64(len(STARTS)))
    first = np.int64(STARTS[number])
    for file in range(8):
        piece = (first >> (4 * file)) & 7
        both = ONE << np.uint64(file) | ONE << np.uint64(56 + file)
        state.pieces[piece] |= both
        if piece == ROOK:
            state.rights |= both
    state.pieces[PAWN] = np.uint64(0x00FF00000000FF00)
    state.sides[0] = np.uint64(0xFFFF)
    state.sides[1] = np.uint64(0xFFFF000000000000)


@njit(cache=True)
def _allow(mask, source, targets):  # type: ignore[no-untyped-def]
    while targets:
        mask[ACTIONS[64 * source + lowest_bit(targets)]] = True
        targets &= targets - ONE


@njit(cache=True)
def _allow_promotions(mask, source, targets):  # type: ignore[no-untyped-def]
    targets >>= np.uint64(56)
    while targets:
        plane = UNDERPROMOTIONS + 1 + lowest_bit(targets) - source % 8
        targets &= targets - ONE
        for piece in range(3):
            mask[64 * (plane + 3 * piece) + source] = True


@kernels.legal
def legal(state, instance, mask):  # type: ignore[no-untyped-def]
    """Allow what leaves the own king safe; nothing where the side is mated or stalemated."""
    mask[:] = False
    pieces, sides = state.pieces, state.sides
    limits = find_limits(pieces, sides)
    for piece in range(KING):
        rest = pieces[piece] & sides[0]
        while rest:
            square = lowest_bit(rest)
            rest &= rest - ONE
            targets = limited_targets(piece, square, pieces, sides, limits)
            _allow(mask, square, targets)
            if piece == PAWN and square >= 48:
                _allow_promotions(mask, square, targets)
    king = limits[0]
    _allow(mask, king, king_targets(pieces, sides, limits))
    _allow(mask, king, castling_rooks(pieces, sides, state.rights, limits))
    if state.passing:
        pawns = passing_pawns(pieces, sides, np.int64(state.passing))
        while pawns:
            mask[ACTIONS[64 * lowest_bit(pawns) + np.int64(state.passing)]] = True
            pawns &= pawns - ONE


@njit(cache=True)
def _castle(state, source, target):  # type: ignore[no-untyped-def]
    king_to, rook_to = (6, 5) if target > source else (2, 3)
    king, rook = ONE << np.uint64(source), ONE << np.uint64(target)
    new_king, new_rook = ONE << np.uint64(king_to), ONE << np.uint64(rook_to)
    state.pieces[KING] = (state.pieces[KING] ^ king) | new_king
    state.pieces[ROOK] = (state.pieces[ROOK] ^ rook) | new_rook
    state.sides[0] = (state.sides[0] ^ king ^ rook) | new_king | new_rook


@njit(cache=True)
def _move(state, piece, source, target, plane):  # type: ignore[no-untyped-def]
    """Move a piece; return whether that captured something."""
    left, entered = ONE << np.uint64(source), ONE << np.uint64(target)
    captured = state.sides[1] & entered
    if piece == PAWN and target == np.int64(state.passing):  # no pawn moves to square 0
        captured = entered >> _EIGHT
    if captured:
        state.sides[1] ^= captured
        for kind in range(KING):
            state.pieces[kind] &= ~captured
    state.sides[0] ^= left | entered
    state.pieces[piece] ^= left | entered
    if piece == PAWN and target >= 56:
        state.pieces[PAWN] ^= entered
        promoted = QUEEN if plane < UNDERPROMOTIONS else 1 + (plane - UNDERPROMOTIONS) // 3
        state.pieces[promoted] |= entered
    return captured != 0


@njit(cache=True)
def _turn_over(state):  # type: ignore[no-untyped-def]
    for piece in range(6):
        state.pieces[piece] = turn(state.pieces[piece])
    own = turn(state.sides[0])
    state.sides[0] = turn(state.sides[1])
    state.sides[1] = own
    state.rights = turn(state.rights)
    state.to_play = 1 - state.to_play


@njit(cache=True)
def _remember(state, move, final):  # type: ignore[no-untyped-def]
    """Add a move to the history, or clear that where the move is final; count repetitions."""
    state.repetitions = 0
    if final:
        for i in range(state.length):
            state.history[i] = 0
        state.length = 0
        return
    if state.length == FIFTY:  # only where play goes on after a draw
        for i in range(FIFTY - 1):
            state.history[i] = state.history[i + 1]
        state.length -= 1
    state.history[state.length] = move
    state.length += 1
    length = np.int64(state.length)
    difference = np.uint64(0)
    for back in range(length):
        past = np.int64(state.history[length - 1 - back])
        words = WORDS[back & 1, past >> 12]
        difference ^= words[(past >> 6) & 63] ^ words[past & 63]
        if difference == 0 and back >= 3 and back & 1:
            state.repetitions += 1
            if state.repetitions == 2:
                return


@kernels.step
def step(state, action, instance, key):  # type: ignore[no-untyped-def]
    """Make a move, turn the board over, and see whether that ends the game."""
    source, plane = action & 63, action >> 6
    target = np.int64(TARGETS[action])
    left, entered = ONE << np.uint64(source), ONE << np.uint64(target)
    piece = PAWN
    while not state.pieces[piece] & left:
        piece += 1
    final = state.passing != 0
    state.clock += 1 if state.clock < 30_000 else 0
    leap = piece == PAWN and target - source == 16
    if state.sides[0] & entered:
        _castle(state, source, target)
        final = True
    elif _move(state, piece, source, target, plane) or piece == PAWN:
        state.clock = 0
        final = True
    rights = state.rights & ~(left | entered)
    if piece == KING:
        rights &= ~RANK_1
    final = final or rights != state.rights
    state.rights = rights
    _turn_over(state)
    state.passing = 0
    if leap and passing_pawns(state.pieces, state.sides, (source + 8) ^ 56):
        state.passing = (source + 8) ^ 56
    _remember(state, 4096 * piece + 64 * source + target, final)
    pieces, sides = state.pieces, state.sides
    if not has_move(pieces, sides, state.rights, state.passing):
        king = lowest_bit(pieces[KING] & sides[0])
        mated = find_attackers(king, sides[0] | sides[1], pieces, sides[1]) != 0
        return (1.0 if mated else 0.0), 0.0
    if state.clock >= FIFTY or state.repetitions >= 2 or is_dead(pieces, sides):
        return 0.0, 0.0
    return 0.0, -1.0


@kernels.observe
def observe(state, instance, out):  # type: ignore[no-untyped-def]
    """Write own pieces, the opponent's, castling rooks of both, en passant, repeated, clock."""
    for side in range(2):
        for piece in range(6):
            rest = state.pieces[piece] & state.sides[side]
            while rest:
                out[64 * (6 * side + piece) + lowest_bit(rest)] = 1.0
                rest &= rest - ONE
        rest = state.rights & state.sides[side]
        while rest:
            out[64 * (12 + side) + lowest_bit(rest)] = 1.0
            rest &= rest - ONE
    if state.passing:
        out[64 * 14 + state.passing] = 1.0
    clock = min(np.float32(state.clock) / np.float32(FIFTY), np.float32(1.0))
    for square in range(64):
        out[64 * 15 + square] = np.float32(state.repetitions > 0)
        out[64 * 16 + square] = clock

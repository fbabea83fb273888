"""Chess: where pieces may go, as kernels over bitboards seen from the side to move.

`pieces[p]` are the pieces of kind `p` of both sides, `sides[0]` those of the side to move. Sets of
squares are `uint64`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tesuji.domains.bits import count_bits, highest_bit, lowest_bit
from tesuji.domains.games.chess_tables import (
    ALL,
    BISHOP,
    DARK,
    FILE_A,
    FILE_H,
    KING,
    KING_STEPS,
    KNIGHT,
    KNIGHT_LEAPS,
    PAWN,
    QUEEN,
    RANK_1,
    RANK_3,
    RAYS,
    ROOK,
    UPWARDS,
)

ONE = np.uint64(1)
_TOP = np.uint64(1 << 63)
_NOT_A, _NOT_H = ~FILE_A, ~FILE_H
_NOT_AB, _NOT_GH = ~(FILE_A | FILE_A << ONE), ~(FILE_H | FILE_H >> ONE)
_1, _6, _7, _8, _9, _10, _15, _17 = (np.uint64(n) for n in (1, 6, 7, 8, 9, 10, 15, 17))


@njit(cache=True)
def ray_attacks(direction, square, occupied):  # type: ignore[no-untyped-def]
    """Return the squares up to the first piece in one direction, that piece's included."""
    ray = RAYS[direction, square]
    # The corner has no ray of its own, so that it stands for "nothing in the way".
    if direction < UPWARDS:
        return ray ^ RAYS[direction, lowest_bit((ray & occupied) | _TOP)]
    return ray ^ RAYS[direction, highest_bit((ray & occupied) | ONE)]


@njit(cache=True)
def rook_attacks(square, occupied):  # type: ignore[no-untyped-def]
    """Return what a rook attacks."""
    return (
        ray_attacks(0, square, occupied)
        | ray_attacks(2, square, occupied)
        | ray_attacks(4, square, occupied)
        | ray_attacks(6, square, occupied)
    )


@njit(cache=True)
def bishop_attacks(square, occupied):  # type: ignore[no-untyped-def]
    """Return what a bishop attacks."""
    return (
        ray_attacks(1, square, occupied)
        | ray_attacks(3, square, occupied)
        | ray_attacks(5, square, occupied)
        | ray_attacks(7, square, occupied)
    )


@njit(cache=True)
def find_attackers(square, occupied, pieces, other):  # type: ignore[no-untyped-def]
    """Return the pieces of `other`, who plays downwards, that attack `square`."""
    bit = ONE << np.uint64(square)
    pawns = ((bit & _NOT_A) << _7) | ((bit & _NOT_H) << _9)
    straight, slanted = pieces[ROOK] | pieces[QUEEN], pieces[BISHOP] | pieces[QUEEN]
    return other & (
        (pawns & pieces[PAWN])
        | (KNIGHT_LEAPS[square] & pieces[KNIGHT])
        | (KING_STEPS[square] & pieces[KING])
        | (rook_attacks(square, occupied) & straight)
        | (bishop_attacks(square, occupied) & slanted)
    )


@njit(cache=True)
def _fill_up(start, empty, shift):  # type: ignore[no-untyped-def]
    # Kogge-Stone: all pieces slide at once; `empty` lacks the file that a step must not enter.
    start |= empty & (start << shift)
    empty &= empty << shift
    start |= empty & (start << (shift + shift))
    empty &= empty << (shift + shift)
    return start | (empty & (start << (shift + shift + shift + shift)))


@njit(cache=True)
def _fill_down(start, empty, shift):  # type: ignore[no-untyped-def]
    start |= empty & (start >> shift)
    empty &= empty >> shift
    start |= empty & (start >> (shift + shift))
    empty &= empty >> (shift + shift)
    return start | (empty & (start >> (shift + shift + shift + shift)))


@njit(cache=True)
def find_danger(pieces, other, occupied):  # type: ignore[no-untyped-def]
    """Return all squares that `other` attacks where `occupied` are in the way."""
    empty = ~occupied
    east, west = empty & _NOT_A, empty & _NOT_H
    pawns, knights = pieces[PAWN] & other, pieces[KNIGHT] & other
    straight = (pieces[ROOK] | pieces[QUEEN]) & other
    slanted = (pieces[BISHOP] | pieces[QUEEN]) & other
    found = ((pawns & _NOT_A) >> _9) | ((pawns & _NOT_H) >> _7)
    found |= ((knights << _17) | (knights >> _15)) & _NOT_A
    found |= ((knights << _15) | (knights >> _17)) & _NOT_H
    found |= ((knights << _10) | (knights >> _6)) & _NOT_AB
    found |= ((knights << _6) | (knights >> _10)) & _NOT_GH
    found |= (_fill_up(straight, empty, _8) << _8) | (_fill_down(straight, empty, _8) >> _8)
    found |= (_fill_up(straight, east, _1) << _1) & _NOT_A
    found |= (_fill_down(straight, west, _1) >> _1) & _NOT_H
    found |= (_fill_up(slanted, east, _9) << _9) & _NOT_A
    found |= (_fill_down(slanted, west, _9) >> _9) & _NOT_H
    found |= (_fill_up(slanted, west, _7) << _7) & _NOT_H
    found |= (_fill_down(slanted, east, _7) >> _7) & _NOT_A
    return found | KING_STEPS[lowest_bit(pieces[KING] & other)]


@njit(cache=True)
def _line_through(king, square):  # type: ignore[no-untyped-def]
    bit = ONE << np.uint64(square)
    for direction in range(8):
        if RAYS[direction, king] & bit:
            return RAYS[direction, king] | RAYS[(direction + 4) & 7, king]
    return ALL


@njit(cache=True)
def _answers(king, checkers):  # type: ignore[no-untyped-def]
    # Where a move of another piece ends a check: on the checker or in its way.
    if checkers == 0:
        return ALL
    if checkers & (checkers - ONE):
        return np.uint64(0)
    square = lowest_bit(checkers)
    for direction in range(8):
        if RAYS[direction, king] & checkers:
            return RAYS[direction, king] ^ RAYS[direction, square]
    return checkers


@njit(cache=True)
def find_limits(pieces, sides):  # type: ignore[no-untyped-def]
    """Return `(king's square, checkers, pinned pieces, squares where a move ends the check)`."""
    own, other = sides[0], sides[1]
    occupied = own | other
    king = lowest_bit(pieces[KING] & own)
    checkers = find_attackers(king, occupied, pieces, other)
    straight, slanted = pieces[ROOK] | pieces[QUEEN], pieces[BISHOP] | pieces[QUEEN]
    pinned = np.uint64(0)
    for direction in range(8):
        sliders = (slanted if direction & 1 else straight) & other
        if RAYS[direction, king] & sliders:
            blocker = ray_attacks(direction, king, occupied) & own
            if blocker and ray_attacks(direction, king, occupied ^ blocker) & sliders:
                pinned |= blocker
    return king, checkers, pinned, _answers(king, checkers)


@njit(cache=True)
def pawn_targets(bit, occupied, other):  # type: ignore[no-untyped-def]
    """Return where a pawn may go, en passant apart."""
    step = (bit << _8) & ~occupied
    leap = ((step & RANK_3) << _8) & ~occupied
    return step | leap | ((((bit & _NOT_A) << _7) | ((bit & _NOT_H) << _9)) & other)


@njit(cache=True)
def piece_targets(piece, square, occupied, other):  # type: ignore[no-untyped-def]
    """Return where a piece other than the king may go, were its own pieces no hindrance."""
    if piece == PAWN:
        return pawn_targets(ONE << np.uint64(square), occupied, other)
    if piece == KNIGHT:
        return KNIGHT_LEAPS[square]
    if piece == BISHOP:
        return bishop_attacks(square, occupied)
    if piece == ROOK:
        return rook_attacks(square, occupied)
    return rook_attacks(square, occupied) | bishop_attacks(square, occupied)


@njit(cache=True)
def limited_targets(piece, square, pieces, sides, limits):  # type: ignore[no-untyped-def]
    """Return where a piece other than the king may go by the rules, en passant apart."""
    king, _, pinned, answers = limits
    targets = piece_targets(piece, square, sides[0] | sides[1], sides[1]) & ~sides[0] & answers
    if pinned >> np.uint64(square) & ONE:
        targets &= _line_through(king, square)
    return targets


@njit(cache=True)
def king_targets(pieces, sides, limits):  # type: ignore[no-untyped-def]
    """Return where the king may step, castling apart."""
    king = limits[0]
    steps = KING_STEPS[king] & ~sides[0]
    if steps == 0:
        return steps
    occupied = (sides[0] | sides[1]) ^ (ONE << np.uint64(king))
    return steps & ~find_danger(pieces, sides[1], occupied)


@njit(cache=True)
def castling_rooks(pieces, sides, rights, limits):  # type: ignore[no-untyped-def]
    """Return the rooks with which the king may castle now."""
    king, checkers = limits[0], limits[1]
    rooks = rights & RANK_1
    found = np.uint64(0)
    if rooks == 0 or checkers:
        return found
    king_bit = ONE << np.uint64(king)
    occupied = sides[0] | sides[1]
    danger = find_danger(pieces, sides[1], occupied ^ king_bit)
    while rooks:
        square = lowest_bit(rooks)
        rook_bit = ONE << np.uint64(square)
        rooks ^= rook_bit
        king_to, rook_to = (6, 5) if square > king else (2, 3)
        king_way = _span(king, king_to)
        after = (occupied ^ king_bit ^ rook_bit) | ONE << np.uint64(rook_to)
        free = (king_way | _span(square, rook_to)) & occupied & ~(king_bit | rook_bit) == 0
        # In Chess960 the rook may have kept a check from the square that the king goes to.
        if (
            free
            and king_way & danger == 0
            and (
                rook_attacks(king_to, after) & (pieces[ROOK] | pieces[QUEEN]) & sides[1] & RANK_1
                == 0
            )
        ):
            found |= rook_bit
    return found


@njit(cache=True)
def _span(first, last):  # type: ignore[no-untyped-def]
    # All squares of a rank from one to the other, both included.
    low, high = min(first, last), max(first, last)
    return (ONE << np.uint64(high)) | ((ONE << np.uint64(high)) - (ONE << np.uint64(low)))


@njit(cache=True)
def passing_pawns(pieces, sides, target):  # type: ignore[no-untyped-def]
    """Return the pawns that may capture en passant on the square `target`."""
    own, other = sides[0], sides[1]
    bit = ONE << np.uint64(target)
    captured = bit >> _8
    pawns = (((bit & _NOT_A) >> _9) | ((bit & _NOT_H) >> _7)) & pieces[PAWN] & own
    king = lowest_bit(pieces[KING] & own)
    found = np.uint64(0)
    while pawns:
        pawn = pawns ^ (pawns & (pawns - ONE))
        pawns ^= pawn
        occupied = (own | other) ^ pawn ^ bit ^ captured
        if find_attackers(king, occupied, pieces, other ^ captured) == 0:
            found |= pawn
    return found


@njit(cache=True)
def has_move(pieces, sides, rights, passing):  # type: ignore[no-untyped-def]
    """Return whether the side to move has a legal move; `passing` is the en passant square or 0."""
    limits = find_limits(pieces, sides)
    own, occupied = sides[0], sides[0] | sides[1]
    if limits[1] == 0 and ((pieces[PAWN] & own & ~limits[2]) << _8) & ~occupied:
        return True
    for piece in range(KING):
        rest = pieces[piece] & own
        while rest:
            square = lowest_bit(rest)
            rest &= rest - ONE
            if limited_targets(piece, square, pieces, sides, limits):
                return True
    if king_targets(pieces, sides, limits):
        return True
    # An en passant square is set only where some pawn may capture there.
    return passing != 0 or castling_rooks(pieces, sides, rights, limits) != 0


@njit(cache=True)
def is_dead(pieces, sides):  # type: ignore[no-untyped-def]
    """Return whether neither side has what a mate needs, however badly the other plays."""
    if pieces[PAWN] | pieces[ROOK] | pieces[QUEEN]:
        return False
    if pieces[KNIGHT]:
        return count_bits(sides[0] | sides[1]) <= 3
    return pieces[BISHOP] & DARK == 0 or pieces[BISHOP] & ~DARK == 0

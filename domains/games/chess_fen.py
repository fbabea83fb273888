"""Chess positions as FEN: X-FEN is written, Shredder-FEN and the four fields of EPD are read, too.

The number of the move is not part of a position, so it is written as 1. A position that is read
has no history: what was repeated before it is not known.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.base import State
from tesuji.domains.games.chess_moves import find_attackers, passing_pawns
from tesuji.domains.games.chess_rules import state_dtype, turn
from tesuji.domains.games.chess_tables import KING, LETTERS, PAWN, ROOK

MAX_TEXT = 120  # characters of a FEN; the longest needs about ninety
_FORM = "such as 'rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1'"

Placement = dict[int, tuple[int, int]]  # square of the board -> (side, piece); White is side 0


def square_name(square: int) -> str:
    """Return a square, counted from a1, as people write it."""
    return "abcdefgh"[square % 8] + str(square // 8 + 1)


def placement(state: State) -> Placement:
    """Return the pieces by square, as the board lies before White."""
    flip = 56 if state.to_play else 0
    mover = int(state.to_play)
    own = int(state.sides[0])
    found = {}
    for piece, squares in enumerate(state.pieces):
        bits = int(squares)
        while bits:
            square = (bits & -bits).bit_length() - 1
            bits &= bits - 1
            side = mover if own >> square & 1 else 1 - mover
            found[square ^ flip] = (side, piece)
    return found


def format_fen(state: State) -> str:
    """Return the position as X-FEN."""
    pieces = placement(state)
    ranks = []
    for rank in range(7, -1, -1):
        text = "".join(_letter(pieces.get(8 * rank + file)) for file in range(8))
        for empty in range(8, 0, -1):
            text = text.replace("." * empty, str(empty))
        ranks.append(text)
    passing = int(state.passing)
    target = square_name(passing ^ (56 if state.to_play else 0)) if passing else "-"
    rights = _format_rights(state, pieces) or "-"
    return f"{'/'.join(ranks)} {'wb'[state.to_play]} {rights} {target} {state.clock} 1"


def _letter(piece: tuple[int, int] | None) -> str:
    if piece is None:
        return "."
    letter = LETTERS[piece[1]]
    return letter.upper() if piece[0] == 0 else letter


def _format_rights(state: State, pieces: Placement) -> str:
    rights = int(turn(state.rights)) if state.to_play else int(state.rights)
    text = ""
    if not rights:
        return text
    for side, first in enumerate((0, 56)):
        king = next(s for s, p in pieces.items() if p == (side, KING))
        rooks = [s for s, p in pieces.items() if p == (side, ROOK) and s // 8 == first // 8]
        for rook in range(first + 7, first - 1, -1):
            if rights >> rook & 1:
                letter = "k" if rook > king else "q"
                if _outermost(rooks, king, letter) != rook:
                    letter = "abcdefgh"[rook % 8]
                text += letter.upper() if side == 0 else letter
    return text


def _outermost(rooks: list[int], king: int, letter: str) -> int | None:
    beyond = [rook for rook in rooks if (rook > king) == (letter == "k")]
    if not beyond:
        return None
    return max(beyond) if letter == "k" else min(beyond)


def parse_fen(text: str, chess960: bool) -> State:
    """Return the position that `text` writes.

    Raises:
        ValueError: it is malformed, or no such position can arise; the message says why.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"a FEN has at most {MAX_TEXT} characters, got {len(text)}; {_FORM}")
    fields = text.split()
    if not 4 <= len(fields) <= 6:
        raise ValueError(f"a FEN has four to six fields, got {len(fields)} in {text!r}; {_FORM}")
    pieces = _parse_placement(fields[0])
    if fields[1] not in ("w", "b"):
        raise ValueError(f"the side to move must be 'w' or 'b', got {fields[1]!r}")
    mover = "wb".index(fields[1])
    state = np.zeros(1, state_dtype).view(np.recarray)[0]
    state.to_play = mover
    flip = 56 if mover else 0
    for square, (side, piece) in pieces.items():
        bit = np.uint64(1 << (square ^ flip))
        state.pieces[piece] |= bit
        state.sides[side ^ mover] |= bit
    for rook in _parse_rights(fields[2], pieces, chess960):
        state.rights |= np.uint64(1 << (rook ^ flip))
    state.clock = _parse_count("the halfmove clock", fields[4]) if len(fields) > 4 else 0
    if len(fields) > 5:
        _parse_count("the number of the move", fields[5])
    _check_kings(state)
    state.passing = _parse_passing(fields[3], state)
    return state


def _parse_placement(text: str) -> Placement:
    ranks = text.split("/")
    if len(ranks) != 8:
        raise ValueError(f"a FEN has eight ranks, got {len(ranks)} in {text!r}")
    pieces: Placement = {}
    for rank, line in zip(range(7, -1, -1), ranks, strict=True):
        file = 0
        for letter in line:
            if letter in "12345678":
                file += int(letter)
            elif letter.lower() in LETTERS and letter.isascii():
                pieces[8 * rank + file] = (int(letter.islower()), LETTERS.index(letter.lower()))
                file += 1
            else:
                raise ValueError(f"rank {rank + 1} has {letter!r}, expected one of PNBRQK or 1-8")
        if file != 8:
            raise ValueError(f"rank {rank + 1} must have eight squares, {line!r} has {file}")
    _check_count(pieces)
    return pieces


def _check_count(pieces: Placement) -> None:
    for side, name in enumerate(("White", "Black")):
        mine = [piece for owner, piece in pieces.values() if owner == side]
        if mine.count(KING) != 1:
            raise ValueError(f"{name} must have one king, it has {mine.count(KING)}")
        for what, found, most in (("pawns", mine.count(PAWN), 8), ("pieces", len(mine), 16)):
            if found > most:
                raise ValueError(f"{name} has {found} {what}, more than {most}")
    for square, (_, piece) in pieces.items():
        if piece == PAWN and square // 8 in (0, 7):
            raise ValueError(f"a pawn cannot stand on {square_name(square)}")


def _parse_rights(text: str, pieces: Placement, chess960: bool) -> list[int]:
    if text == "-":
        return []
    found: list[int] = []
    for letter in text:
        side = int(letter.islower())
        first = 56 * side
        king = next(s for s, p in pieces.items() if p == (side, KING))
        rooks = [s for s, p in pieces.items() if p == (side, ROOK) and s // 8 == first // 8]
        low = letter.lower()
        rook = first + "abcdefgh".find(low) if low in "abcdefgh" else _outermost(rooks, king, low)
        usual = king % 8 == 4 and rook is not None and rook % 8 in (0, 7)
        if low not in "abcdefghkq" or rook not in rooks or king // 8 != first // 8:
            raise ValueError(f"castling {letter!r} of {text!r}: no king and rook that could")
        if not chess960 and not usual:
            raise ValueError(f"castling {letter!r} of {text!r} is of Chess960; take chess960")
        if rook in found:
            raise ValueError(f"castling {text!r} names the rook on {square_name(rook)} twice")
        found.append(rook)
    for side in (0, 1):
        king = next(s for s, p in pieces.items() if p == (side, KING))
        mine = [rook > king for rook in found if rook // 56 == side]
        if len(mine) != len(set(mine)):
            raise ValueError(f"castling {text!r} names two rooks on one side of the king")
    return found


def _parse_count(what: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise ValueError(f"{what} must be a number from 0 to 9999, got {text!r}")
    return int(text)


def _check_kings(state: State) -> None:
    pieces = np.array([turn(bits) for bits in state.pieces], np.uint64)
    own, other = (np.uint64(turn(side)) for side in (state.sides[1], state.sides[0]))
    king = (int(pieces[KING]) & int(own)).bit_length() - 1
    if find_attackers(king, own | other, pieces, other):
        mover = ("White", "Black")[state.to_play]
        raise ValueError(f"{mover} is to move and could take the king")


def _parse_passing(text: str, state: State) -> int:
    """Return the en passant square as the mover sees it, 0 where no pawn may capture there."""
    if text == "-":
        return 0
    if len(text) != 2 or text[0] not in "abcdefgh" or text[1] not in "12345678":
        raise ValueError(f"the en passant square must be '-' or such as 'e3', got {text!r}")
    square = 8 * (int(text[1]) - 1) + "abcdefgh".index(text[0])
    target = square ^ 56 if state.to_play else square
    occupied = int(state.sides[0] | state.sides[1])
    pawns = int(state.pieces[PAWN] & state.sides[1])
    if (
        target // 8 != 5
        or occupied >> target & 1
        or occupied >> (target + 8) & 1
        or not pawns >> (target - 8) & 1
    ):
        raise ValueError(f"no pawn can just have passed {text}")
    return target if passing_pawns(state.pieces, state.sides, target) else 0

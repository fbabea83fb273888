"""Chess moves as text: UCI and SAN, read and written.

UCI writes castling as `e1g1`, in Chess960 as the king taking its rook (`e1h1`); both are read.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import State
from tesuji.domains.games.chess_fen import square_name
from tesuji.domains.games.chess_moves import find_attackers
from tesuji.domains.games.chess_rules import kernels, state_dtype
from tesuji.domains.games.chess_tables import (
    KING,
    LETTERS,
    NUM_ACTIONS,
    PAWN,
    TARGETS,
    UNDERPROMOTIONS,
)

MAX_TEXT = 16  # characters of a move; `Qa1xb2=Q+!?` has eleven
_SAN = re.compile(
    r"(?P<piece>[NBRQK])?(?P<file>[a-h])?(?P<rank>[1-8])?[x:-]?"
    r"(?P<target>[a-h][1-8])(?:=?(?P<promotion>[NBRQ]))?"
)
_CASTLING = re.compile(r"([O0])-\1(-\1)?")
_NO_INSTANCE = np.zeros(1, np.int64)


def legal_actions(state: State) -> npt.NDArray[np.int64]:
    """Return the legal actions in order."""
    mask = np.zeros(NUM_ACTIONS, np.bool_)
    kernels["legal"](state, _NO_INSTANCE, mask)
    return np.flatnonzero(mask)


def is_castling(state: State, action: int) -> bool:
    """Return whether an action castles: the king goes where its own rook stands."""
    target = int(TARGETS[action])
    if target >= 8 or target < 0 or action % 64 >= 8:  # most are told without the state
        return False
    return bool(int(state.sides[0]) >> target & 1)


def in_check(state: State) -> bool:
    """Return whether the side to move is in check."""
    own, other = state.sides
    king = (int(state.pieces[KING]) & int(own)).bit_length() - 1
    return bool(find_attackers(king, own | other, state.pieces, other))


def piece_at(state: State, square: int) -> int:
    """Return the kind of the piece on a square as the mover sees it, -1 on an empty one."""
    return next((p for p, bits in enumerate(state.pieces) if int(bits) >> square & 1), -1)


def promotion(state: State, action: int) -> int:
    """Return what a pawn becomes, -1 where none promotes."""
    plane, source = divmod(action, 64)
    if plane >= UNDERPROMOTIONS:
        return 1 + (plane - UNDERPROMOTIONS) // 3
    last = source // 8 == 6 and TARGETS[action] >= 56 and piece_at(state, source) == PAWN
    return LETTERS.index("q") if last else -1


def squares(state: State, action: int, chess960: bool) -> tuple[int, int]:
    """Return where a move begins and ends, as the board lies before White and UCI says it."""
    source, target = action % 64, int(TARGETS[action])
    if not chess960 and is_castling(state, action):
        target = 6 if target > source else 2
    flip = 56 if state.to_play else 0
    return source ^ flip, target ^ flip


def format_uci(state: State, action: int, chess960: bool = False) -> str:
    """Return a move as UCI writes it; legal or not, but on the board."""
    if TARGETS[action] < 0:
        return f"action {action}"
    source, target = squares(state, action, chess960)
    kind = promotion(state, action)
    return square_name(source) + square_name(target) + (LETTERS[kind] if kind >= 0 else "")


def format_san(state: State, action: int) -> str:
    """Return a legal move in standard algebraic notation."""
    following = np.array(state, state_dtype).reshape(1).view(np.recarray)[0]
    reward, discount = kernels["step"](following, np.int64(action), _NO_INSTANCE, np.uint64(0))
    mate = discount == 0 and reward == 1
    suffix = "#" if mate else "+" if in_check(following) else ""
    source, target = action % 64, int(TARGETS[action])
    if is_castling(state, action):
        return ("O-O" if target > source else "O-O-O") + suffix
    piece = piece_at(state, source)
    kind = promotion(state, action)
    captures = piece_at(state, target) >= 0 or (piece == PAWN and (target - source) % 8 != 0)
    begin, end = (square_name(square) for square in squares(state, action, True))
    if piece == PAWN:
        text = begin[0] if captures else ""
    else:
        text = LETTERS[piece].upper() + _distinction(state, piece, source, target)
    text += ("x" if captures else "") + end
    return text + (f"={LETTERS[kind].upper()}" if kind >= 0 else "") + suffix


def _distinction(state: State, piece: int, source: int, target: int) -> str:
    """Return the least that tells a piece from others of its kind that may go to `target`."""
    legal = legal_actions(state)
    same = legal[TARGETS[legal] == target] % 64
    others = [int(s) for s in same if s != source and int(state.pieces[piece]) >> int(s) & 1]
    others = [] if piece == KING else others
    name = square_name(source ^ (56 if state.to_play else 0))
    if not others:
        return ""
    if all(other % 8 != source % 8 for other in others):
        return name[0]
    return name[1] if all(other // 8 != source // 8 for other in others) else name


def parse_move(state: State, text: str, chess960: bool) -> int | None:
    """Return the legal action that `text` names in UCI or SAN, or None.

    Raises:
        ValueError: `text` fits several moves.
    """
    text = text.strip()
    if len(text) > MAX_TEXT:
        return None
    legal = legal_actions(state)
    found = _parse_uci(state, text, legal, chess960)
    if found is not None:
        return found
    text = text.rstrip("+#!?")
    if castling := _CASTLING.fullmatch(text):
        wanted = [a for a in _castlings(state, legal) if (TARGETS[a] < a % 64) == bool(castling[2])]
        return wanted[0] if wanted else None
    san = _SAN.fullmatch(text)
    return None if san is None else _parse_san(state, san, legal)


def _castlings(state: State, legal: npt.NDArray[np.int64]) -> list[int]:
    return [int(action) for action in legal if is_castling(state, int(action))]


def _parse_uci(state: State, text: str, legal: npt.NDArray[np.int64], chess960: bool) -> int | None:
    wanted = text.lower()
    if re.fullmatch(r"[a-h][1-8][a-h][1-8][nbrq]?", wanted) is None:
        return None
    flip = 56 if state.to_play else 0
    source = (8 * (int(wanted[1]) - 1) + "abcdefgh".index(wanted[0])) ^ flip
    near = [int(action) for action in legal[legal % 64 == source]]
    # The form of the rules in force comes first, where the other one means something else.
    for form in (chess960, not chess960):
        for action in near:
            if format_uci(state, action, form) == wanted:
                return action
    return None


def _parse_san(state: State, san: re.Match[str], legal: npt.NDArray[np.int64]) -> int | None:
    flip = 56 if state.to_play else 0
    target = 8 * (int(san["target"][1]) - 1) + "abcdefgh".index(san["target"][0])
    piece = LETTERS.index((san["piece"] or "P").lower())
    kind = LETTERS.index(san["promotion"].lower()) if san["promotion"] else -1
    found = []
    for action in legal[TARGETS[legal] == target ^ flip].tolist():
        name = square_name(action % 64 ^ flip)
        if (
            piece_at(state, action % 64) == piece
            and not is_castling(state, action)
            and promotion(state, action) == kind
            and san["file"] in (None, name[0])
            and san["rank"] in (None, name[1])
        ):
            found.append(action)
    if len(found) > 1:
        names = ", ".join(format_uci(state, action) for action in found)
        raise ValueError(f"{san.string!r} fits several moves: {names}")
    return found[0] if found else None

"""Chess: squares, actions and tables of attacks, as module constants that kernels embed.

The board is seen from the side to move, which plays upwards. Square `8 * rank + file`:

    8 | 56 57 ...   63
    . |
    1 |  0  1 ...    7
         a  b        h

An action is `64 * plane + source`, with the 73 planes of AlphaZero (Silver et al., Science 2018):
8 directions by 7 distances, 8 jumps of a knight, 3 by 3 underpromotions. Castling is written as the
king taking its own rook, which says it without doubt in Chess960, too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING = range(6)
LETTERS = "pnbrqk"

# The first four reach higher squares, each of the last four is the opposite of one of them.
DIRECTIONS = ((0, 1), (1, 1), (1, 0), (-1, 1), (0, -1), (-1, -1), (-1, 0), (1, -1))  # (file, rank)
UPWARDS = 4  # directions below this index lead to higher squares; d + 4 is the opposite of d
JUMPS = ((1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2))
UNDERPROMOTIONS = 64  # the first plane of those to a knight, then a bishop, then a rook
NUM_PLANES = 73
NUM_ACTIONS = 64 * NUM_PLANES

FILE_A, FILE_H = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
RANK_1, RANK_3, RANK_8 = np.uint64(0xFF), np.uint64(0xFF0000), np.uint64(0xFF00000000000000)
DARK = np.uint64(0xAA55AA55AA55AA55)
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


def _steps(square: int, way: tuple[int, int], most: int = 7) -> list[int]:
    """Return the squares that lie in direction `way`, nearest first."""
    file, rank = square % 8, square // 8
    found = []
    for _ in range(most):
        file, rank = file + way[0], rank + way[1]
        if not (0 <= file < 8 and 0 <= rank < 8):
            break
        found.append(8 * rank + file)
    return found


def _bits(squares: list[int]) -> np.uint64:
    return np.uint64(sum(1 << square for square in squares))


def _leaps(ways: tuple[tuple[int, int], ...]) -> npt.NDArray[np.uint64]:
    reached = ([square for way in ways for square in _steps(s, way, 1)] for s in range(64))
    return np.array([_bits(squares) for squares in reached], np.uint64)


def _targets() -> npt.NDArray[np.int8]:
    targets = np.full(NUM_ACTIONS, -1, np.int8)
    for square in range(64):
        for plane in range(56):
            line = _steps(square, DIRECTIONS[plane // 7])
            if plane % 7 < len(line):
                targets[64 * plane + square] = line[plane % 7]
        for jump, way in enumerate(JUMPS):
            targets[64 * (56 + jump) + square] = (_steps(square, way, 1) or [-1])[0]
        for plane in range(UNDERPROMOTIONS, NUM_PLANES):
            target = _steps(square, ((plane - UNDERPROMOTIONS) % 3 - 1, 1), 1)
            if square // 8 == 6 and target:
                targets[64 * plane + square] = target[0]
    return targets


def _actions() -> npt.NDArray[np.int16]:
    actions = np.full(64 * 64, -1, np.int16)
    for action in range(64 * UNDERPROMOTIONS):
        if TARGETS[action] >= 0:
            actions[64 * (action % 64) + int(TARGETS[action])] = action
    return actions


def _starts() -> npt.NDArray[np.uint32]:
    """Return the 960 first ranks by Scharnagl's number, four bits a file; 518 is the usual one."""
    knights = [(a, b) for a in range(5) for b in range(a + 1, 5)]
    starts = []
    for number in range(960):
        rest, light = divmod(number, 4)
        rest, dark = divmod(rest, 4)
        pair, queen = divmod(rest, 6)
        rank = {2 * light + 1: BISHOP, 2 * dark: BISHOP}
        free = [file for file in range(8) if file not in rank]
        rank[free.pop(queen)] = QUEEN
        for index in reversed(knights[pair]):
            rank[free.pop(index)] = KNIGHT
        rank |= dict(zip(free, (ROOK, KING, ROOK), strict=True))
        starts.append(sum(piece << 4 * file for file, piece in rank.items()))
    return np.array(starts, np.uint32)


KNIGHT_LEAPS, KING_STEPS = _leaps(JUMPS), _leaps(DIRECTIONS)  # [64]
RAYS = np.array(
    [[_bits(_steps(s, way)) for s in range(64)] for way in DIRECTIONS], np.uint64
)  # [8, 64]
TARGETS = _targets()  # [A] where an action leads, -1 where off the board
ACTIONS = _actions()  # [64 * source + target] the action, -1 where no piece moves so
STARTS = _starts()  # [960]
USUAL_START = 518
# Random words by side, piece and square: equal sums (exclusive or) mean equal positions.
WORDS = np.random.Generator(np.random.PCG64(960)).integers(0, 2**64, (2, 6, 64), np.uint64)

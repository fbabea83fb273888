"""Portable game notation: games to text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from tesuji.engine.protocols.pgn import ROSTER, PgnGame, PgnMove

_WIDTH = 79


def format_pgn(game: PgnGame, first_ply: int = 0) -> str:
    """Return a game as text.

    Args:
        game: the game.
        first_ply: plies before the first move, so that its number is right; odd where Black moves.

    Raises:
        ValueError: a comment holds a brace, which PGN cannot write.
    """
    tags = {name: "?" for name in ROSTER} | {"Date": "????.??.??"} | game.tags
    tags["Result"] = game.result
    lines = [f'[{name} "{_escaped(value)}"]' for name, value in tags.items()]
    words = [_comment(game.comment)] if game.comment else []
    words += [*_line(game.moves, first_ply), game.result]
    body = textwrap.fill(" ".join(words), _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join([*lines, "", body, ""])


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')


def _comment(text: str) -> str:
    if "}" in text:
        raise ValueError(f"PGN cannot write a comment with a closing brace: {text!r:.60}")
    return "{" + text + "}"


def _line(moves: list[PgnMove], first_ply: int) -> Iterator[str]:
    """Yield the words of a line of play; a stack of iterators stands for recursion."""
    stack = [_Line(moves, first_ply)]
    while stack:
        line = stack[-1]
        if line.waiting:
            yield "("
            variation = line.waiting.pop(0)
            stack.append(_Line(variation, line.ply - 1))
        elif line.index == len(line.moves):
            stack.pop()
            if stack:
                yield ")"
        else:
            yield from line.write()


class _Line:
    """A line of play that is being written."""

    def __init__(self, moves: list[PgnMove], ply: int) -> None:
        self.moves = moves
        self.ply = ply
        self.index = 0
        self.waiting: list[list[PgnMove]] = []
        self.broken = True  # whether the next move needs its number, though Black makes it

    def write(self) -> Iterator[str]:
        """Yield the words of the next move."""
        move = self.moves[self.index]
        if move.before:
            yield _comment(move.before)
        if self.ply % 2 == 0 or self.broken or move.before:
            yield f"{self.ply // 2 + 1}." + (".." if self.ply % 2 else "")
        yield move.text
        yield from (f"${nag}" for nag in move.nags)
        if move.comment:
            yield _comment(move.comment)
        self.broken = bool(move.comment or move.variations)
        self.waiting = list(move.variations)
        self.index += 1
        self.ply += 1

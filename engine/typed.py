"""What a person may type at the terminal besides moves, and what it means."""

from __future__ import annotations

from pathlib import Path

HELP = """\
A move is its name as in the list of moves; a command may be cut short to its first letters.
  undo, redo       a move back or forward (yours and the engine's)
  hint             the best move, and why
  analyse [SIMS]   every move with visits, prior and winning chances
  switch           change sides with the engine
  go               let the engine move for you
  level N          strength of the engine, 1 to 10
  moves            the legal moves, and those made
  new              another game
  save FILE        keep the game in a file
  load FILE        go on with a kept game
  quit             leave"""


def count(text: str, what: str, largest: int) -> int:
    """Return a number from 1 to `largest` that a person typed after the command `what`."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= largest:
        raise ValueError(f"{what} takes a number from 1 to {largest}, got {text[:20]!r}")
    return number


def filename(text: str, what: str) -> Path:
    """Return the path that a person typed after the command `what`."""
    if not text or "\0" in text:
        raise ValueError(f"{what} takes a file name, as in: {what} game.json")
    return Path(text).expanduser()

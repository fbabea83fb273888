"""UCI as text: what the GUI says, read into values; nothing of it is trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

MAX_MOVES = 12_700  # of a `position`: no game of chess is longer
MOST = 10**12  # numbers beyond it stand for it, so that an absurd clock is just a long one
_PER_DEPTH = 400  # simulations that a ply of `depth` stands for
_PER_MATE = 50_000
_MOST_SIMULATIONS = 2**31 - 3
_FLAGS = ("infinite", "ponder")


@dataclass(frozen=True)
class Go:
    """What `go` asks for; times are milliseconds, None where nothing was said."""

    wtime: int | None = None
    btime: int | None = None
    winc: int | None = None
    binc: int | None = None
    movestogo: int | None = None
    movetime: int | None = None
    nodes: int | None = None
    depth: int | None = None
    mate: int | None = None
    infinite: bool = False
    ponder: bool = False
    searchmoves: tuple[str, ...] = ()

    def simulations(self) -> int | None:
        """Return the fewest simulations that a limit stands for, None without such a limit."""
        limits = [self.nodes]
        limits += [None if self.depth is None else _PER_DEPTH * self.depth]
        limits += [None if self.mate is None else _PER_MATE * self.mate]
        given = [min(max(limit, 1), _MOST_SIMULATIONS) for limit in limits if limit is not None]
        return min(given) if given else None


@dataclass(frozen=True)
class Position:
    """What `position` says: a FEN, None for the usual start, and moves from there."""

    fen: str | None
    moves: tuple[str, ...]


_NUMBERS = {f.name for f in fields(Go)} - {*_FLAGS, "searchmoves"}


def parse_go(words: Iterable[str]) -> Go:
    """Return what the words after `go` ask for; words that nobody knows are passed over.

    Raises:
        ValueError: a number is missing or malformed.
    """
    values: dict[str, object] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in _FLAGS:
            values[word] = True
        elif word in _NUMBERS:
            values[word] = _number(word, rest.pop(0) if rest else "")
        elif word == "searchmoves":
            moves = list(_until_keyword(rest))
            values[word] = tuple(moves)
            del rest[: len(moves)]
    return Go(**values)  # type: ignore[arg-type]


def _until_keyword(words: list[str]) -> Iterator[str]:
    for word in words:
        if word in _NUMBERS or word in _FLAGS:
            return
        yield word


def _number(name: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{name} must be a whole number, got {text[:40]!r}")
    number = MOST if len(digits) > 12 else int(digits)
    return -number if text.startswith("-") else number


def parse_position(words: list[str]) -> Position:
    """Return what the words after `position` say.

    Raises:
        ValueError: they begin with neither `startpos` nor `fen`, or tell too many moves.
    """
    at = words.index("moves") if "moves" in words else len(words)
    head, moves = words[:at], tuple(words[at + 1 :])
    if len(moves) > MAX_MOVES:
        raise ValueError(f"a position has at most {MAX_MOVES} moves, got {len(moves)}")
    if head == ["startpos"]:
        return Position(None, moves)
    if head[:1] == ["fen"]:
        return Position(" ".join(head[1:]), moves)
    raise ValueError("position takes 'startpos' or 'fen FEN', then 'moves' and moves")


def parse_option(text: str) -> tuple[str, str]:
    """Return the name and value of `setoption`, whose names may hold blanks.

    Raises:
        ValueError: there is no name.
    """
    words = text.split()
    if len(words) < 2 or words[0] != "name":
        raise ValueError("setoption takes 'name NAME' or 'name NAME value VALUE'")
    at = words.index("value") if "value" in words else len(words)
    return " ".join(words[1:at]), " ".join(words[at + 1 :])

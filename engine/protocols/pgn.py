"""Portable game notation: text to games and back, without knowing the rules.

The grammar is that of the PGN standard (Edwards 1994) with the liberties of today's files: several
games a text, comments, NAGs and `!?`, variations, `%` lines, games without a result. There is no
recursion, and what a text may hold is bounded by `Limits`: beyond them it is refused at once.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

RESULTS = ("1-0", "0-1", "1/2-1/2", "*")
ROSTER = ("Event", "Site", "Date", "Round", "White", "Black", "Result")
_GLYPHS = {"!": 1, "?": 2, "!!": 3, "??": 4, "!?": 5, "?!": 6}
_TOKEN = re.compile(
    r"(?P<blank>\s+)"
    r"|(?P<tag>\[\s*(?P<name>[A-Za-z0-9_]{1,255})\s*\"(?P<value>(?:[^\"\\\n]|\\.)*)\"\s*\])"
    r"|\{(?P<comment>[^}]*)\}"
    r"|;(?P<rest>[^\n]*)"
    r"|(?P<result>1-0|0-1|1/2-1/2|\*)(?![\w/-])"
    r"|(?P<number>\d{1,6}(?:\.+|(?=\s)))"
    r"|(?P<dots>\.{1,3})"
    r"|\$(?P<nag>\d{1,3})"
    r"|(?P<open>\()|(?P<close>\))"
    r"|(?P<move>(?:[A-Za-z]|0-0)[A-Za-z0-9=:+#-]{0,15})(?P<glyph>[!?]{1,2})?"
    r"|(?P<only_glyph>[!?]{1,2})"
)


class PgnError(ValueError):
    """A text that is no PGN, or too much of one; the message says where.

    Attributes:
        line: counted from 1.
        column: counted from 1.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Limits:
    """How much one text may hold.

    Attributes:
        max_characters: of the whole text.
        max_games: games in it.
        max_depth: variations in one another.
        max_moves: moves of one game, variations included.
        max_tags: tags of one game.
        max_comment: characters of one comment.
    """

    max_characters: int = 16 << 20
    max_games: int = 10_000
    max_depth: int = 32
    max_moves: int = 20_000
    max_tags: int = 200
    max_comment: int = 10_000


LIMITS = Limits()


class Place(NamedTuple):
    """Where something stands in a text, counted from 1."""

    line: int
    column: int


_TOP = Place(1, 1)


@dataclass
class PgnMove:
    """A move as it is written, and what is said of it.

    Attributes:
        text: the move.
        place: where it stands.
        nags: numeric annotation glyphs.
        before: a comment before it.
        comment: a comment after it.
        variations: other lines that begin in its place.
    """

    text: str
    place: Place = _TOP
    nags: list[int] = field(default_factory=list)
    before: str = ""
    comment: str = ""
    variations: list[list[PgnMove]] = field(default_factory=list)


@dataclass
class PgnGame:
    """A game: tags, moves, result."""

    tags: dict[str, str] = field(default_factory=dict)
    moves: list[PgnMove] = field(default_factory=list)
    result: str = "*"
    comment: str = ""  # before the first move
    place: Place = _TOP


def parse_pgn(text: str, limits: Limits = LIMITS) -> list[PgnGame]:
    """Return the games in `text`.

    Raises:
        PgnError: it is malformed or holds more than `limits` allow; the message says where.
    """
    if len(text) > limits.max_characters:
        message = f"more than max_characters = {limits.max_characters} characters"
        raise PgnError(message, 1, 1)
    parser = _Parser(text.removeprefix("\ufeff"), limits)
    for match in parser.tokens():
        parser.take(match)
    return parser.finish()


class _Parser:
    """A walk through the tokens; `lines[-1]` is the line of play that grows."""

    def __init__(self, text: str, limits: Limits) -> None:
        self.text = text
        self.limits = limits
        self.games: list[PgnGame] = []
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self.offset = 0
        self.game: PgnGame | None = None
        self.lines: list[list[PgnMove]] = []
        self.opened: list[Place] = []
        self.num_moves = 0
        self.remark = ""  # a comment that stands before the first move of a line

    def tokens(self) -> Iterator[re.Match[str]]:
        while self.offset < len(self.text):
            if self.text[self.offset] == "%" and self.starts[self.place().line - 1] == self.offset:
                end = self.text.find("\n", self.offset)
                self.offset = len(self.text) if end < 0 else end
                continue
            match = _TOKEN.match(self.text, self.offset)
            if match is None:
                raise self.error(_unread(self.text[self.offset : self.offset + 20]))
            yield match
            self.offset = match.end()

    def place(self) -> Place:
        line = bisect_right(self.starts, self.offset)
        return Place(line, self.offset - self.starts[line - 1] + 1)

    def error(self, message: str, place: Place | None = None) -> PgnError:
        return PgnError(message, *(place or self.place()))

    def bound(self, name: str, count: int, what: str) -> None:
        most = getattr(self.limits, name)
        if count > most:
            raise self.error(f"more than {name} = {most} {what}")

    def take(self, match: re.Match[str]) -> None:
        kind = match.lastgroup
        if kind == "blank" or kind in ("number", "dots"):
            return
        if kind == "glyph":
            kind = "move"
        game = self.begin() if self.game is None else self.game
        if kind == "tag":
            self.take_tag(game, match)
        elif kind == "result":
            if len(self.lines) > 1:
                if match["result"] == "*":
                    return
                raise self.error(f"the result {match['result']} stands inside a variation")
            game.result = match["result"]
            self.end()
        elif kind in ("comment", "rest"):
            self.take_comment(game, match[kind])
        elif kind == "move":
            self.take_move(match)
        elif kind == "open":
            self.open()
        elif kind == "close":
            self.close()
        else:
            self.take_glyph(match)

    def begin(self) -> PgnGame:
        self.bound("max_games", len(self.games) + 1, "games")
        self.game = PgnGame(place=self.place())
        self.lines, self.opened, self.num_moves, self.remark = [self.game.moves], [], 0, ""
        return self.game

    def end(self) -> None:
        if self.opened:
            raise self.error("this variation is never closed", self.opened[-1])
        if self.game is not None:
            self.games.append(self.game)
        self.game = None

    def finish(self) -> list[PgnGame]:
        self.end()
        return self.games

    def take_tag(self, game: PgnGame, match: re.Match[str]) -> None:
        if game.moves:  # the game before has no result
            self.end()
            game = self.begin()
        value = re.sub(r"\\(.)", r"\1", match["value"])
        game.tags[match["name"]] = value
        self.bound("max_tags", len(game.tags), "tags")
        if match["name"] == "Result" and value in RESULTS:
            game.result = value

    def take_comment(self, game: PgnGame, text: str) -> None:
        self.bound("max_comment", len(text), "characters in a comment")
        text = " ".join(text.split())
        line = self.lines[-1]
        if line:
            line[-1].comment = f"{line[-1].comment} {text}".strip()
        elif len(self.lines) == 1:
            game.comment = f"{game.comment} {text}".strip()
        else:
            self.remark = f"{self.remark} {text}".strip()

    def take_move(self, match: re.Match[str]) -> None:
        self.num_moves += 1
        self.bound("max_moves", self.num_moves, "moves in a game")
        nags = [_GLYPHS[match["glyph"]]] if match["glyph"] else []
        self.lines[-1].append(PgnMove(match["move"], self.place(), nags, self.remark))
        self.remark = ""

    def take_glyph(self, match: re.Match[str]) -> None:
        if not self.lines[-1]:
            raise self.error(f"{match[0]!r} stands before any move")
        nag = int(match["nag"]) if match["nag"] else _GLYPHS[match["only_glyph"]]
        if nag > 255:
            raise self.error(f"a NAG is a number up to 255, got {nag}")
        self.lines[-1][-1].nags.append(nag)

    def open(self) -> None:
        if not self.lines[-1]:
            raise self.error("a variation must follow the move that it replaces")
        self.opened.append(self.place())
        self.bound("max_depth", len(self.opened), "variations in one another")
        variation: list[PgnMove] = []
        self.lines[-1][-1].variations.append(variation)
        self.lines.append(variation)

    def close(self) -> None:
        if len(self.lines) == 1:
            raise self.error("this parenthesis closes nothing")
        if not self.lines.pop():
            raise self.error("this variation is empty", self.opened[-1])
        self.opened.pop()
        self.remark = ""


def _unread(text: str) -> str:
    if text[0] == "{":
        return "this comment is never closed"
    if text[0] == "[":
        return f'expected a tag such as [Event "..."], got {text!r}'
    return f"expected a move, a comment or a result, got {text!r}"

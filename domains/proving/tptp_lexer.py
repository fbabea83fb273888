"""The words of a TPTP file, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_WORDS = re.compile(
    r"(?P<space>(?:\s+|%[^\n]*|/\*.*?\*/)+)"
    r"|(?P<lower>[a-z][A-Za-z0-9_]*)"
    r"|(?P<upper>[A-Z][A-Za-z0-9_]*)"
    r"|(?P<sign><=>|<~>|=>|<=|!=|~\||~&|[()\[\],.:!?~&|=])"
    r"|(?P<quoted>'(?:[^'\\\n]|\\['\\])+')"
    r"|(?P<defined>\$\$?[a-z][A-Za-z0-9_]*)"
    r"|(?P<distinct>\"(?:[^\"\\\n]|\\[\"\\])*\")"
    r"|(?P<number>[+-]?\d[\d./eE+-]*)",
    re.DOTALL,
)
_PLAIN = re.compile(r"[a-z][A-Za-z0-9_]*\Z")
_ESCAPED = re.compile(r"\\(.)")


class TptpError(ValueError):
    """A text is not what TPTP allows, or not what is supported; it says where.

    Attributes:
        file: its name.
        line: from 1.
        column: from 1.
    """

    def __init__(self, file: str, line: int, column: int, what: str) -> None:
        super().__init__(f"{file}, line {line}, column {column}: {what}")
        self.file, self.line, self.column = file, line, column


class Word(NamedTuple):
    """A word: its kind, its text, and where it begins."""

    kind: str
    text: str
    start: int


def words_of(text: str, file: str) -> Iterator[Word]:
    """Yield the words of a text without space and comments, and one of kind `end`.

    Raises:
        TptpError: something is no word.
    """
    at = 0
    while at < len(text):
        match = _WORDS.match(text, at)
        if match is None:
            raise error_at(text, at, file, f"unexpected {text[at : at + 12]!r}")
        kind, end = match.lastgroup, match.end()
        if kind != "space":
            word = match[0]
            if kind == "quoted":
                word, kind = _unquoted(word), "lower"
            yield Word(kind or "", word, at)
        at = end
    yield Word("end", "", len(text))


def _unquoted(word: str) -> str:
    # 'p' and p are one symbol; whatever needs quotes keeps them.
    inner = _ESCAPED.sub(r"\1", word[1:-1])
    return inner if _PLAIN.match(inner) else word


def error_at(text: str, at: int, file: str, what: str) -> TptpError:
    """Return an error that says where in the text it is."""
    line = text.count("\n", 0, at) + 1
    return TptpError(file, line, at - text.rfind("\n", 0, at), what)

"""The verifier's own reader of the words of a Metamath database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tesuji.engine.errors import UnprovenError
from tesuji.engine.storage import explained

MOST_BYTES = 100_000_000
MOST_FILES = 100

_WORD = re.compile(r"[^ \t\r\n\f]+")


class MetamathFault(UnprovenError):
    """A database is malformed, or a proof does not show what it claims."""


def words_of(path: Path, folder: Path, seen: set[Path]) -> Iterator[str]:
    """Yield the words of a file and of what it includes, without comments.

    Args:
        path: of the file.
        folder: which holds all.
        seen: files that are not included again.
    """
    path = path.resolve()
    if path in seen:
        return
    seen.add(path)
    if not path.is_relative_to(folder):
        raise MetamathFault(f"{path.name} is outside the folder of the database")
    with explained("read", path):
        if path.stat().st_size > MOST_BYTES or len(seen) > MOST_FILES:
            raise MetamathFault(f"more than {MOST_BYTES:,} bytes, or {MOST_FILES} files")
        content = path.read_bytes()
    if not content.isascii():
        raise MetamathFault(f"{path.name} has characters that are not ASCII")
    comment = False
    words = (match.group() for match in _WORD.finditer(content.decode()))
    for word in words:
        if comment:
            comment = word != "$)"
        elif word == "$(":
            comment = True
        elif word == "$[":
            yield from words_of(path.parent / next(words, ""), folder, seen)
            if next(words, "") != "$]":
                raise MetamathFault(f"{path.name}: $] is missing")
        else:
            yield word
    if comment:
        raise MetamathFault(f"{path.name}: a comment does not end")


def words_until(words: Iterator[str], end: str) -> list[str]:
    """Return the words before a keyword, which is taken away, too."""
    found: list[str] = []
    for word in words:
        if word == end:
            return found
        if "$" in word:
            raise MetamathFault(f"{word[:40]} stands where {end} is expected")
        found.append(word)
    raise MetamathFault(f"the file ends where {end} is expected")

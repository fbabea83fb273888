"""Reads Metamath databases: `$c $v $f $e $d $a $p`, blocks, comments and includes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from tesuji.domains.proving.metamath import (
    Assertion,
    Database,
    Expression,
    Hypothesis,
    MetamathError,
    Pair,
)

MOST_BYTES = 100_000_000
MOST_FILES = 100

_WORDS = re.compile(r"\$\((?=\s).*?\s\$\)(?!\S)|\S+", re.DOTALL)
_LABEL = re.compile(r"[A-Za-z0-9._-]+")
_SYMBOL = re.compile(r"[!-#%-~]+")


def read_database(path: Path, until: str | None = None) -> Database:
    """Read a database and what it includes, from its own folder or below.

    Args:
        path: of the main file.
        until: a label after which nothing more is read.

    Raises:
        MetamathError: it is malformed, or too large.
        OSError: a file cannot be read.
    """
    reader = _Reader(path)
    reader.read(until)
    return Database(path.stem, reader.text, reader.assertions, frozenset(reader.ever))


@dataclass
class _Scope:
    variables: list[str] = field(default_factory=list)
    hypotheses: list[Hypothesis] = field(default_factory=list)
    floating: dict[str, Hypothesis] = field(default_factory=dict)
    disjoint: set[Pair] = field(default_factory=set)


class _Reader:
    def __init__(self, path: Path) -> None:
        self.assertions: dict[str, Assertion] = {}
        self.ever: set[str] = set()
        self._path, self._included = path, {path.resolve()}
        self._folder = path.resolve().parent
        self._bytes = 0
        self.text = self._load(path)
        self._at, self._file, self._source = 0, path, self.text  # the last word
        self._counted = self.text, 0, 1  # a source, a place in it, its line
        self._constants: set[str] = set()
        self._labels: set[str] = set()
        self._scopes = [_Scope()]
        self._active: set[str] = set()
        self._floating: dict[str, Hypothesis] = {}

    def read(self, until: str | None) -> None:
        """Read all statements up to an assertion."""
        words, label = self._words(self._path, self.text), None
        for word in words:
            if word[0] != "$":
                if label is not None:
                    self._fail(f"two labels, {label} and {word}; a keyword such as $p is missing")
                label = self._new_label(word)
                continue
            if word in ("$f", "$e", "$a", "$p"):
                if label is None:
                    self._fail(f"{word} has no label")
                self._labelled(word, label, words)
                if label == until:
                    return
                label = None
            elif label is not None:
                self._fail(f"label {label} stands before {word}")
            else:
                self._unlabelled(word, words)
        if label is not None:
            self._fail(f"the file ends after the label {label}")
        if len(self._scopes) > 1:
            self._fail("the file ends within a block; $} is missing")

    def _load(self, path: Path) -> str:
        self._bytes += path.stat().st_size
        if self._bytes > MOST_BYTES:
            raise MetamathError(path.name, 1, f"more than {MOST_BYTES:,} bytes")
        try:
            return path.read_bytes().decode("ascii")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise MetamathError(path.name, line, "a character that is not ASCII") from None

    def _words(self, path: Path, text: str) -> Iterator[str]:
        # The words of a file and of those that it includes, without comments.
        found = _WORDS.finditer(text)
        for match in found:
            word = match.group()
            self._at, self._file, self._source = match.start(), path, text
            if word[:2] == "$(":
                if len(word) == 2:
                    self._fail("the comment does not end")
            elif word == "$[":
                name, end = next(found, None), next(found, None)
                if name is None or end is None or end.group() != "$]":
                    self._fail("$[ needs a file's name and $]")
                yield from self._include(path, name.group())
            else:
                yield word

    def _include(self, path: Path, name: str) -> Iterator[str]:
        other = (path.parent / name).resolve()
        if not other.is_relative_to(self._folder):
            self._fail(f"{name} is outside the folder of the database")
        if not other.is_file():
            self._fail(f"there is no file {name}")
        if other not in self._included:  # a second time it is empty, says the specification
            self._included.add(other)
            if len(self._included) > MOST_FILES:
                self._fail(f"more than {MOST_FILES} files")
            yield from self._words(other, self._load(other))

    def _fail(self, what: str) -> NoReturn:
        raise MetamathError(self._file.name, self._line(), what)

    def _line(self) -> int:
        # Counted from the place that was asked for last, if that is before it.
        source, at, line = self._counted
        if source is not self._source or at > self._at:
            at, line = 0, 1
        line += self._source.count("\n", at, self._at)
        self._counted = self._source, self._at, line
        return line

    def _new_label(self, word: str) -> str:
        if not _LABEL.fullmatch(word):
            self._fail(f"{word[:40]} is no label")
        if word in self._labels or word in self._constants or word in self.ever:
            self._fail(f"{word} is there already")
        self._labels.add(word)
        return word

    def _until(self, words: Iterator[str], end: str) -> list[str]:
        found: list[str] = []
        for word in words:
            if word[0] == "$":
                break
            found.append(word)
        else:
            word = "the file's end"
        if word != end:
            self._fail(f"{word[:40]} stands where {end} is expected")
        return found

    def _unlabelled(self, word: str, words: Iterator[str]) -> None:
        if word == "${":
            self._scopes.append(_Scope())
        elif word == "$}":
            if len(self._scopes) == 1:
                self._fail("$} ends no block")
            scope = self._scopes.pop()
            self._active -= set(scope.variables)
            if scope.floating:
                self._floating = {k: v for s in self._scopes for k, v in s.floating.items()}
        elif word in ("$c", "$v"):
            self._declare(word, self._until(words, "$."))
        elif word == "$d":
            names = self._until(words, "$.")
            for name in names:
                if name not in self._active:
                    self._fail(f"{name} is no variable")
            if len(set(names)) != len(names) or len(names) < 2:
                self._fail("$d needs two or more different variables")
            pairs = {(a, b) for a in names for b in names if a < b}
            self._scopes[-1].disjoint |= pairs
        else:
            self._fail(f"{word[:40]} is no keyword that may stand here")

    def _declare(self, word: str, names: list[str]) -> None:
        if word == "$c" and len(self._scopes) > 1:
            self._fail("$c stands within a block")
        for name in names:
            if not _SYMBOL.fullmatch(name):
                self._fail(f"{name[:40]} is no symbol")
            old = name in self._constants or name in self._labels or name in self._active
            if old or (word == "$c" and name in self.ever):
                self._fail(f"{name} is there already")
            if word == "$c":
                self._constants.add(name)
            else:
                self._active.add(name)
                self.ever.add(name)
                self._scopes[-1].variables.append(name)

    def _labelled(self, word: str, label: str, words: Iterator[str]) -> None:
        expression = tuple(self._until(words, "$=" if word == "$p" else "$."))
        if not expression or expression[0] not in self._constants:
            self._fail(f"{label} does not begin with a constant, its typecode")
        for symbol in expression:
            if symbol not in self._constants and symbol not in self._active:
                self._fail(f"{symbol[:40]} is neither constant nor variable here")
            if word != "$f" and symbol in self._active and symbol not in self._floating:
                self._fail(f"{symbol} has no $f here")
        if word in ("$f", "$e"):
            hypothesis = Hypothesis(label, expression, word == "$f")
            if hypothesis.floating:
                self._add_floating(hypothesis)
            self._scopes[-1].hypotheses.append(hypothesis)
            return
        proof, place = None, None
        if word == "$p":
            start = self._at + len("$=")
            proof = tuple(self._until(words, "$."))
            place = (start, self._at) if self._file == self._path else None
        self.assertions[label] = self._assertion(label, expression, proof, place)

    def _add_floating(self, hypothesis: Hypothesis) -> None:
        expression = hypothesis.expression
        if len(expression) != 2 or expression[1] not in self._active:
            self._fail("$f needs a constant and a variable")
        if expression[1] in self._floating:
            self._fail(f"{expression[1]} has an $f already")
        self._scopes[-1].floating[expression[1]] = hypothesis
        self._floating = {**self._floating, expression[1]: hypothesis}

    def _assertion(
        self, label: str, expression: Expression, proof: tuple[str, ...] | None,
        place: tuple[int, int] | None,
    ) -> Assertion:  # fmt: skip
        all_ = [each for scope in self._scopes for each in scope.hypotheses]
        used = set(expression).union(*(h.expression for h in all_ if not h.floating))
        mandatory = tuple(h for h in all_ if not h.floating or h.expression[1] in used)
        disjoint = frozenset[Pair]().union(*(scope.disjoint for scope in self._scopes))
        return Assertion(
            label, expression, mandatory, disjoint, self._floating, proof, self._file.name,
            self._line(), place,
        )  # fmt: skip

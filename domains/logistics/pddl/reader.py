"""Reading PDDL's brackets: words and lists that know where they stand in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

# A variable begins a word of its own even where no space stands before it.
_TOKEN = re.compile(r"[()]|\??[^\s();?]+|\?|;[^\n]*")
_MAX_DEPTH = 200


class PddlError(ValueError):
    """What is wrong with a PDDL file, and where."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word, in small letters as PDDL does not tell them apart."""

    text: str
    file: str
    line: int
    column: int

    def fail(self, message: str) -> NoReturn:
        """Raise an error that says where this stands."""
        raise PddlError(f"{self.file}:{self.line}:{self.column}: {message}")


@dataclass(frozen=True, slots=True)
class Group:
    """A list in brackets."""

    items: tuple[Word | Group, ...]
    file: str
    line: int
    column: int

    def fail(self, message: str) -> NoReturn:
        """Raise an error that says where this begins."""
        raise PddlError(f"{self.file}:{self.line}:{self.column}: {message}")

    def head(self) -> Word:
        """Return the first item, which must be a word."""
        if not self.items or not isinstance(self.items[0], Word):
            self.fail("expected a word after '('")
        return self.items[0]


Node = Word | Group


def read(text: str, file: str) -> Group:  # noqa: PLR0912
    """Return the one list that `text` holds.

    Raises:
        PddlError: brackets that do not match, nesting deeper than 200, or something else than one
            list.
    """
    open_groups: list[tuple[list[Node], int, int]] = []
    done: Group | None = None
    line, line_start, position = 1, 0, 0
    for match in _TOKEN.finditer(text):
        newlines = text.count("\n", position, match.start())
        if newlines:
            line += newlines
            line_start = text.rindex("\n", position, match.start()) + 1
        position = match.start()
        column = position - line_start + 1
        token = match.group()
        if token[0] == ";":
            continue
        here = Word(token.lower(), file, line, column)
        if done is not None:
            here.fail(f"expected the end of the file after its one list, found {token!r}")
        if token == "(":
            if len(open_groups) == _MAX_DEPTH:
                here.fail(f"brackets nest deeper than {_MAX_DEPTH}")
            open_groups.append(([], line, column))
        elif not open_groups:
            here.fail(f"expected '(', found {token!r}")
        elif token == ")":
            items, at_line, at_column = open_groups.pop()
            group = Group(tuple(items), file, at_line, at_column)
            if open_groups:
                open_groups[-1][0].append(group)
            else:
                done = group
        else:
            open_groups[-1][0].append(here)
    if open_groups:
        _, at_line, at_column = open_groups[-1]
        raise PddlError(f"{file}:{at_line}:{at_column}: this '(' is never closed")
    if done is None:
        raise PddlError(f"{file}:1:1: expected a (define ...), found nothing")
    return done

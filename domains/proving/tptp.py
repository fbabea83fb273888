"""The reader of TPTP's FOF and CNF (Sutcliffe 2017), with includes.

Each symbol has one arity and is a function or a predicate in all of a problem. Formulas are closed:
a free variable of a `fof` formula is an error, those of `cnf` are universal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tesuji.domains.proving.formulas import AnnotatedFormula, Problem
from tesuji.domains.proving.tptp_formulas import FormulaReader, Symbols, shown
from tesuji.domains.proving.tptp_lexer import TptpError, Word

MOST_BYTES = 64 << 20  # of one file
ROLES = frozenset({
    "axiom", "hypothesis", "definition", "assumption", "lemma", "theorem", "corollary",
    "conjecture", "negated_conjecture", "plain",
})  # fmt: skip

Include = Callable[[str], tuple[str, str]]  # a name in an include -> the file and its text


def read_problem(path: Path) -> Problem:
    """Read a problem and what it includes.

    Included files are looked for beside the problem, in the folders above it, and in the folder
    that the environment variable `TPTP` names.

    Raises:
        TptpError: a file is malformed or not supported, or an include is missing or circular.
        OSError: the file cannot be read.
    """
    folders = [*path.resolve().parents]
    if "TPTP" in os.environ:
        folders.append(Path(os.environ["TPTP"]))

    def include(name: str) -> tuple[str, str]:
        for folder in folders:
            if (folder / name).is_file():
                return name, _text_of(folder / name)
        raise FileNotFoundError(name)

    return parse_problem(_text_of(path), str(path), include)


def _text_of(path: Path) -> str:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise TptpError(str(path), 1, 1, f"{size >> 20} MiB; at most {MOST_BYTES >> 20} are read")
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def parse_problem(text: str, name: str = "problem", include: Include | None = None) -> Problem:
    """Return the problem that a text describes.

    Args:
        text: in TPTP's language.
        name: of the file, for messages.
        include: finds what the text includes.

    Raises:
        TptpError: it is malformed or not supported.
    """
    symbols: Symbols = {}
    found: dict[str, AnnotatedFormula] = {}
    conjecture = None
    for each in _FileReader(text, name, symbols, include, (name,)).formulas():
        if each.role == "conjecture":
            if conjecture is not None:
                raise TptpError(each.file, each.line, 1, f"a second conjecture, {each.name}")
            conjecture = each.name
        number, unique = 1, each.name
        while unique in found:
            number += 1
            unique = f"{each.name}_{number}"
        found[unique] = replace(each, name=unique)
    return Problem(Path(name).stem, tuple(found.values()))


class _FileReader:
    """Reads one file."""

    def __init__(
        self,
        text: str,
        file: str,
        symbols: Symbols,
        include: Include | None,
        within: tuple[str, ...],
    ) -> None:
        self._text, self._file, self._include, self._within = text, file, include, within
        self._symbols = symbols
        self._line, self._counted = 1, 0  # of the text, up to a letter
        self._reader = FormulaReader(text, file, symbols)

    def formulas(self) -> Iterator[AnnotatedFormula]:
        """Yield the formulas, those of includes where they stand."""
        while self._reader.word.kind != "end":
            word = self._reader.next()
            if word.text == "include":
                yield from self._included(word)
            elif word.text in ("fof", "cnf"):
                yield self._annotated(word)
            elif word.text in ("tff", "thf", "tcf", "tpi", "tfx", "thx"):
                raise self._reader.error(word, f"{word.text} is not supported; fof and cnf are")
            else:
                raise self._reader.error(word, f"expected fof, cnf or include, not {shown(word)}")

    def _included(self, start: Word) -> Iterator[AnnotatedFormula]:
        self._reader.take("(")
        word = self._reader.name("a file's name in quotes")
        name, wanted = word.text.strip("'"), None
        if self._reader.word.text == ",":
            self._reader.next()
            self._reader.take("[")
            wanted = {self._reader.name("a formula's name").text}
            while self._reader.word.text == ",":
                self._reader.next()
                wanted.add(self._reader.name("a formula's name").text)
            self._reader.take("]")
        self._reader.take(")")
        self._reader.take(".")
        if self._include is None:
            raise self._reader.error(start, f"cannot include {name!r} here")
        try:
            file, text = self._include(name)
        except OSError:
            raise self._reader.error(word, f"no file {name!r} to include is found") from None
        if file in self._within:
            way = " -> ".join((*self._within, file))
            raise self._reader.error(word, f"files include each other: {way}")
        inner = _FileReader(text, file, self._symbols, self._include, (*self._within, file))
        for each in inner.formulas():
            if wanted is None or each.name in wanted:
                yield each

    def _annotated(self, start: Word) -> AnnotatedFormula:
        self._reader.take("(")
        name = self._reader.name("a formula's name").text
        self._reader.take(",")
        role = self._reader.name("a role")
        if role.text not in ROLES:
            raise self._reader.error(role, f"the role {role.text} is not supported")
        self._reader.take(",")
        formula = self._reader.formula(clause=start.text == "cnf")
        if self._reader.word.text == ",":
            self._reader.skip_annotations()
        self._reader.take(")")
        point = self._reader.take(".")
        self._line += self._text.count("\n", self._counted, start.start)
        self._counted = start.start
        text = self._text[start.start : point.start + 1]
        return AnnotatedFormula(name, role.text, formula, self._file, self._line, text)

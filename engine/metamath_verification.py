"""Checks a Metamath database from its text: every proof, by a stack of expressions.

It shares no code with the reader, the search and what writes proofs down. Where a file is not what
the specification (Megill & Wheeler 2019, chapter 4) allows, nothing is proven.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tesuji.engine.metamath_words import MetamathFault, words_of, words_until

MOST_SYMBOLS = 100_000  # of an expression

Symbols = tuple[str, ...]

_LABEL = re.compile(r"[A-Za-z0-9._-]+")


class Hypothesis(NamedTuple):
    """A variable's typecode (`$f`), or what is assumed (`$e`)."""

    label: str
    floating: bool
    expression: Symbols


class Frame(NamedTuple):
    """What an assertion states, and needs."""

    statement: Symbols
    hypotheses: tuple[Hypothesis, ...]
    disjoint: frozenset[frozenset[str]]  # pairs of its variables


class Checked(NamedTuple):
    """What a database proves.

    Attributes:
        statements: of the axioms and theorems, with hypotheses and conditions.
        proven: theorems whose proofs hold.
        open: theorems whose proofs have gaps.
        rests_on: for each assertion, the open theorems that its proof goes back to.
        steps: that were checked.
    """

    statements: dict[str, Frame]
    proven: list[str]
    open: list[str]
    rests_on: dict[str, frozenset[str]]
    steps: int


@dataclass
class _Block:
    variables: set[str] = field(default_factory=set)
    hypotheses: list[Hypothesis] = field(default_factory=list)
    disjoint: set[frozenset[str]] = field(default_factory=set)


def check_metamath(path: Path) -> Checked:
    """Check all proofs of a database, and return what it proves.

    Raises:
        MetamathFault: it is malformed, or a proof does not hold.
        StorageError: it cannot be read.
    """
    return _Checker().check(words_of(path, path.resolve().parent, set()))


def check_proofs(path: Path, proofs: Mapping[str, str]) -> None:
    """Check proofs that take the place of those in a database; its others are not looked at.

    Raises:
        MetamathFault: it is malformed, or one of these proofs does not hold or has gaps.
        StorageError: it cannot be read.
    """
    found = _Checker(proofs).check(words_of(path, path.resolve().parent, set()))
    for label in proofs:
        if label not in found.proven:
            raise MetamathFault(f"{label} is no theorem, or its proof has gaps")


def compare(checked: Checked, problem: Checked) -> None:
    """Make sure that a database states what another one does, whatever the proofs.

    Raises:
        MetamathFault: an assertion differs, is missing or is new.
    """
    labels = checked.statements.keys() | problem.statements.keys()
    axioms = axioms_of(checked) ^ axioms_of(problem)
    for label in labels:
        if checked.statements.get(label) != problem.statements.get(label) or label in axioms:
            raise MetamathFault(f"{label} is not what the problem's file states")


def axioms_of(checked: Checked) -> set[str]:
    """Return the labels of a database's axioms."""
    return checked.statements.keys() - set(checked.proven) - set(checked.open)


class _Checker:
    def __init__(self, proofs: Mapping[str, str] | None = None) -> None:
        self._proofs = proofs  # in place of the file's; None for those
        self._blocks = [_Block()]
        self._constants: set[str] = set()
        self._names: set[str] = set()  # of variables and labels that ever were
        self._found = Checked({}, [], [], {}, 0)
        self._steps = 0

    def check(self, words: Iterator[str]) -> Checked:
        label = ""
        for word in words:
            if word in ("$f", "$e", "$a", "$p"):
                self._state(word, label, words)
                label = ""
                if self._proofs is not None and len(self._found.proven) == len(self._proofs):
                    return self._found
            elif label:
                raise MetamathFault(f"{word[:40]} follows the label {label}")
            elif word == "${":
                self._blocks.append(_Block())
            elif word == "$}" and len(self._blocks) > 1:
                self._blocks.pop()
            elif word in ("$c", "$v", "$d"):
                self._declare(word, words_until(words, "$."))
            elif not _LABEL.fullmatch(word) or word in self._names or word in self._constants:
                raise MetamathFault(f"{word[:40]} may not stand here, or was there before")
            else:
                label = word
                self._names.add(label)
        if label or len(self._blocks) > 1:
            raise MetamathFault("the file ends within a statement or block")
        return self._found._replace(steps=self._steps)

    def _declare(self, word: str, names: list[str]) -> None:
        active = {name for block in self._blocks for name in block.variables}
        own = set(names)
        if word == "$d":
            if not own <= active or len(own) < max(2, len(names)):
                raise MetamathFault(f"$d {' '.join(names)[:80]}: not different variables")
            self._blocks[-1].disjoint |= {frozenset((a, b)) for a in own for b in own if a != b}
        elif own & (self._constants | active) or len(own) < len(names):
            raise MetamathFault(f"{word} {' '.join(names)[:80]}: declared before")
        elif word == "$c":
            if len(self._blocks) > 1 or own & self._names:
                raise MetamathFault(f"$c {' '.join(names)[:80]}: within a block, or no new names")
            self._constants |= own
        else:
            self._blocks[-1].variables |= own
            self._names |= own

    def _state(self, word: str, label: str, words: Iterator[str]) -> None:
        expression = tuple(words_until(words, "$=" if word == "$p" else "$."))
        hypotheses = [each for block in self._blocks for each in block.hypotheses]
        typed = {each.expression[1] for each in hypotheses if each.floating}
        used = set(expression) - self._constants
        if word == "$f":
            active = {name for block in self._blocks for name in block.variables}
            fits = len(expression) == 2 and bool(used) and used <= active - typed
        else:
            fits = used <= typed
        if not label or not fits or not set(expression[:1]) & self._constants:
            raise MetamathFault(f"{word} {label}: what it says is no expression here")
        if word in ("$f", "$e"):
            hypothesis = Hypothesis(label, word == "$f", expression)
            self._blocks[-1].hypotheses.append(hypothesis)
            return
        disjoint = {pair for block in self._blocks for pair in block.disjoint}
        frame = _frame(expression, hypotheses, disjoint)
        rests: frozenset[str] = frozenset()
        if word == "$p":
            proof = words_until(words, "$.")
            if self._proofs is not None:
                proof = self._proofs.get(label, "?").split()
            rests = self._prove(label, frame, hypotheses, disjoint, proof)
        self._found.statements[label] = frame
        self._found.rests_on[label] = rests

    def _prove(
        self, label: str, frame: Frame, hypotheses: Sequence[Hypothesis],
        disjoint: set[frozenset[str]], words: list[str],
    ) -> frozenset[str]:  # fmt: skip
        # Check a proof; return the open theorems that it goes back to.
        if any("?" in word for word in words):
            self._found.open.append(label)
            return frozenset((label,))
        local = {each.label: each.expression for each in hypotheses}
        rests: set[str] = set()
        stack: list[Symbols] = []
        marked: list[Symbols] = []
        for step in _steps(label, frame, words):
            self._steps += 1
            if step is None and stack:
                marked.append(stack[-1])
            elif isinstance(step, int) and step < len(marked):
                stack.append(marked[step])
            elif isinstance(step, str) and step in local:
                stack.append(local[step])
            elif isinstance(step, str) and step in self._found.statements:
                rests |= self._found.rests_on[step]
                terms = _apply(label, step, self._found.statements[step], stack)
                for pair in self._found.statements[step].disjoint:
                    self._keep_apart(label, step, [terms[name] for name in pair], disjoint)
            else:
                raise MetamathFault(f"{label}: its proof goes back to {step}, which is not there")
        if stack != [frame.statement]:
            raise MetamathFault(f"{label}: its proof does not end in what it states")
        self._found.proven.append(label)
        return frozenset(rests)

    def _keep_apart(
        self, label: str, step: str, terms: list[Symbols], disjoint: set[frozenset[str]]
    ) -> None:
        one, two = (set(term) - self._constants for term in terms)
        for a in one:
            for b in two:
                if a == b or frozenset((a, b)) not in disjoint:
                    raise MetamathFault(f"{label}: {step} needs {a} and {b} to be disjoint")


def _frame(
    statement: Symbols, hypotheses: Sequence[Hypothesis], disjoint: set[frozenset[str]]
) -> Frame:
    used = set(statement).union(*(each.expression for each in hypotheses if not each.floating))
    own = tuple(each for each in hypotheses if not each.floating or each.expression[1] in used)
    names = {each.expression[1] for each in own if each.floating}
    return Frame(statement, own, frozenset(pair for pair in disjoint if pair <= names))


def _steps(label: str, frame: Frame, words: list[str]) -> Iterator[str | int | None]:
    # The steps of a proof: labels, marked parts by their number, and None where one is marked.
    if not words:
        raise MetamathFault(f"{label} has an empty proof")
    if words[0] != "(":
        yield from words
        return
    if ")" not in words:
        raise MetamathFault(f"{label}: ) is missing in its proof")
    end = words.index(")")
    names = [*(each.label for each in frame.hypotheses), *words[1:end]]
    number = 0
    for letter in "".join(words[end + 1 :]):
        if letter == "Z" and number == 0:
            yield None
        elif "A" <= letter <= "T":
            place = 20 * number + ord(letter) - ord("A")
            yield names[place] if place < len(names) else place - len(names)
            number = 0
        elif "U" <= letter <= "Y" and number < MOST_SYMBOLS:
            number = 5 * number + ord(letter) - ord("U") + 1
        else:
            raise MetamathFault(f"{label}: {letter} stands in its proof where it may not")
    if number:
        raise MetamathFault(f"{label}: its proof ends within a number")


def _apply(label: str, step: str, frame: Frame, stack: list[Symbols]) -> Mapping[str, Symbols]:
    # Take the hypotheses of an assertion from the stack, leave what it states; return the terms.
    start = len(stack) - len(frame.hypotheses)
    if start < 0:
        raise MetamathFault(f"{label}: {step} finds too little on the stack")
    given = stack[start:]
    terms: dict[str, Symbols] = {}
    for hypothesis, found in zip(frame.hypotheses, given, strict=True):
        if hypothesis.floating:
            typecode, name = hypothesis.expression
            terms[name] = found[1:]
            fits = found[0] == typecode
        else:
            fits = found == _put(hypothesis.expression, terms)
        if not fits:
            raise MetamathFault(f"{label}: what {step} finds does not fit its {hypothesis.label}")
    result = _put(frame.statement, terms)
    if len(result) > MOST_SYMBOLS:
        raise MetamathFault(f"{label}: an expression has more than {MOST_SYMBOLS:,} symbols")
    stack[start:] = [result]
    return terms


def _put(expression: Symbols, terms: Mapping[str, Symbols]) -> Symbols:
    found: list[str] = []
    for symbol in expression:
        found += terms.get(symbol, (symbol,))
    return tuple(found)

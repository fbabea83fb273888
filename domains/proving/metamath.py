"""Metamath databases (Megill & Wheeler 2019): axioms, theorems, and what is in force for each.

An expression is a tuple of symbols whose first is its typecode. A proof is a tuple of labels, or a
list of labels in parentheses and letters, as it stands in the file; nothing here checks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

Expression = tuple[str, ...]
Pair = tuple[str, str]  # of variables, sorted

UNKNOWN = "?"  # a step of a proof that is missing


class MetamathError(ValueError):
    """A file is no Metamath database, or not one that is supported; it says where.

    Attributes:
        file: its name.
        line: from 1.
    """

    def __init__(self, file: str, line: int, what: str) -> None:
        super().__init__(f"{file}, line {line}: {what}")
        self.file, self.line = file, line


class Hypothesis(NamedTuple):
    """An `$f`, a variable's typecode, or an `$e`."""

    label: str
    expression: Expression
    floating: bool


@dataclass(frozen=True, slots=True)
class Assertion:
    """An axiom or a theorem, with what is in force where it stands.

    Attributes:
        label: unique in the database.
        expression: what it states.
        hypotheses: the mandatory ones, in the order of the text.
        disjoint: pairs of variables that may have none in common, others' than the mandatory too.
        floating: all variables in force, each with its `$f`.
        proof: as it stands in the file; None for an axiom.
        file: where it stands.
        line: in it.
        place: where the proof begins and ends in the text of the main file; None elsewhere.
    """

    label: str
    expression: Expression
    hypotheses: tuple[Hypothesis, ...]
    disjoint: frozenset[Pair]
    floating: Mapping[str, Hypothesis]
    proof: tuple[str, ...] | None = None
    file: str = ""
    line: int = 0
    place: tuple[int, int] | None = None

    @property
    def variables(self) -> dict[str, str]:
        """Return the typecodes of the mandatory variables, in the order of their `$f`."""
        return {h.expression[1]: h.expression[0] for h in self.hypotheses if h.floating}

    @property
    def essential(self) -> tuple[Hypothesis, ...]:
        """Return the hypotheses that are `$e`."""
        return tuple(each for each in self.hypotheses if not each.floating)

    @property
    def is_open(self) -> bool:
        """Return whether it is a theorem without a whole proof."""
        return self.proof is not None and any(UNKNOWN in word for word in self.proof)


@dataclass(frozen=True)
class Database:
    """A database.

    Attributes:
        name: of its file, without the suffix.
        text: of the main file.
        assertions: by label, in the order of the text.
        variables: all that are ever declared.
    """

    name: str
    text: str
    assertions: dict[str, Assertion]
    variables: frozenset[str]

    def with_proofs(self, proofs: Mapping[str, str]) -> str:
        """Return the text of the main file with these proofs in it."""
        parts, end = [], 0
        for label, assertion in self.assertions.items():
            if label in proofs and assertion.place is not None:
                parts += [self.text[end : assertion.place[0]], proofs[label]]
                end = assertion.place[1]
        return "".join([*parts, self.text[end:]])

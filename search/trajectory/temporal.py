"""Constraints over time: what must hold always, some time, or until something else does.

    p  or  always(p)          p holds at every time
    eventually(p)             p holds at some time; `eventually(p, 40)`: within the first 40 steps
    p until q  or  until(p, q)    q holds at some time, and p before it; `until(p, q, 40)` likewise

`p` and `q` are expressions without time. An episode is a finite trace: what must come has to come
before its end (linear temporal logic on finite traces, De Giacomo & Vardi 2013).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import z3

from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.solver_pool import borrow, give_back
from tesuji.search.symbolic.solver_process import Check
from tesuji.search.symbolic.symbols import Variable
from tesuji.search.symbolic.terms import MAIN
from tesuji.search.symbolic.text import Names, parse_constraint

_CALL = re.compile(r"\s*(always|eventually|until)\s*\(")
_WORD = re.compile(r"\b(always|eventually|until)\b")
_FORMS = {"always": (1, 1), "eventually": (1, 2), "until": (2, 3)}
_CAN_COME = Check(seconds=2.0, rlimit=1_000_000)  # to see that something never holds


@dataclass(frozen=True)
class Formula:
    """One constraint.

    Attributes:
        name: of the constraint.
        hold: what holds at every time, or until `goal` does; None for nothing.
        goal: what comes some time; None for nothing.
        within: steps in which it comes; None for all of the episode.
    """

    name: str
    hold: z3.BoolRef | None
    goal: z3.BoolRef | None
    within: int | None = None

    def names(self) -> set[str]:
        """Return the names of the numbers in it."""
        found, rest = set(), [term for term in (self.hold, self.goal) if term is not None]
        while rest:
            term: Any = rest.pop()
            rest += term.children()
            if term.decl().kind() == z3.Z3_OP_UNINTERPRETED:
                found.add(term.decl().name())
        return found


class QuantityNames:
    """What constraints may speak of: numbers by their names.

    Args:
        names: of the numbers.

    Attributes:
        variables: by name; all are reals.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.variables: Mapping[str, Variable] = {
            name: Variable(name, "state", "real") for name in names
        }


def parse_formula(text: str, symbols: Names) -> Formula:
    """Return the constraint that `text` states.

    Raises:
        ConstraintError: it cannot be read, or can never hold.
    """
    head, colon, _ = text.partition(":")
    start = len(head) + 1 if colon else 0
    call = _CALL.match(text, start)
    form, parts, end = "always", [(start, len(text))], len(text)
    if call is not None:
        form = call[1]
        parts, end = _arguments(text, call.end())
    elif (word := _outside(text, start)) is not None:
        form, parts = "until", [(start, word.start()), (word.end(), len(text))]
    name = head.strip() if colon else text.strip()
    if text[end:].strip() or any(_WORD.search(text, *part) for part in parts):
        raise ConstraintError(
            f"constraint {name!r}: always, eventually and until stand outside of all else, once; "
            "give several constraints instead"
        )
    fewest, most = _FORMS[form]
    if not fewest <= len(parts) <= most:
        takes = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise ConstraintError(f"constraint {name!r}: {form} takes {takes} parts, got {len(parts)}")
    within = _steps(name, text[slice(*parts.pop())]) if len(parts) > max(1, fewest) or (
        form == "eventually" and len(parts) == most) else None  # fmt: skip
    truths = [_truth(text, part, start, symbols) for part in parts]
    hold = None if form == "eventually" else truths[0]
    goal = None if form == "always" else truths[-1]
    with MAIN:
        _refuse_contradiction(name, truths[-1])
    return Formula(name, hold, goal, within)


def _truth(text: str, part: tuple[int, int], start: int, symbols: Names) -> z3.BoolRef:
    # All but the part is blanked out, so that columns in messages are those of the whole.
    low, high = part
    blank = text[:start] + " " * (low - start) + text[low:high]
    return parse_constraint(blank, symbols)[1]


def _arguments(text: str, start: int) -> tuple[list[tuple[int, int]], int]:
    """Return where the parts of a call lie, and where it ends."""
    parts, depth, first = [], 1, start
    for i in range(start, len(text)):
        depth += (text[i] in "([") - (text[i] in ")]")
        if depth == 0 or (depth == 1 and text[i] == ","):
            parts.append((first, i))
            first = i + 1
        if depth == 0:
            return parts, first
    raise ConstraintError(f"constraint {text.strip()!r}: a bracket is not closed")


def _outside(text: str, start: int) -> re.Match[str] | None:
    """Return the first `until` that no brackets enclose."""
    for word in re.finditer(r"\buntil\b", text[start:]):
        before = text[start : start + word.start()]
        if sum(before.count(each) for each in "([") == sum(before.count(each) for each in ")]"):
            return re.compile(r"until").search(text, start + word.start())
    return None


def _steps(name: str, text: str) -> int:
    if not re.fullmatch(r"\s*[1-9][0-9]{0,8}\s*", text):
        raise ConstraintError(
            f"constraint {name!r}: expected a number of steps, found {text.strip()!r}"
        )
    return int(text)


def _refuse_contradiction(name: str, expression: z3.BoolRef) -> None:
    process = borrow()
    try:
        process.add([expression])
        if process.check(_CAN_COME) == z3.unsat:
            raise ConstraintError(f"constraint {name!r} can never hold")
    finally:
        give_back(process)

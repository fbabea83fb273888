"""The verifier of theorems: clauses made anew from the text of formulas, their instances refuted.

It shares no code with the search nor with the clausifier: it reads the formulas in the proof, makes
their clauses with the names that the proof gives to new symbols (docs/proving.md), puts the terms
in, and refutes what it has by a solver of its own. What is proved is about the formulas in the
file; with a problem at hand they are compared with its formulas.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from tesuji.engine.storage import explained, load_json
from tesuji.engine.theorem_clauses import Clausifier
from tesuji.engine.theorem_reading import EQUALITY, Bank, Formula, Reader, TheoremFault
from tesuji.engine.theorem_refutation import conflicts_to_refute

FORMAT = "tesuji theorem proof"
VERSION = 1
EQUALITY_AXIOMS, DISTINCT = "equality", "distinct"  # what clauses may be of, beside formulas

_NAME = re.compile(r"[a-z][A-Za-z0-9_]*")


class VerifiedTheorem(NamedTuple):
    """What a proof shows.

    Attributes:
        problem: its name.
        conjecture: the name of what follows; None where the axioms contradict each other.
        axioms: names of the formulas that were used.
        instances: so many contradict each other.
        conflicts: that the solver met.
        compared: whether the formulas are those of a given problem.
    """

    problem: str
    conjecture: str | None
    axioms: tuple[str, ...]
    instances: int
    conflicts: int
    compared: bool


def verify_theorem_file(path: Path, problem: Path | None = None) -> VerifiedTheorem:
    """Check the proof in a file.

    Args:
        path: the proof.
        problem: the TPTP file that it should be of.

    Raises:
        TheoremFault: it does not show what it claims.
        DamagedFileError: it is not byte for byte what was written.
    """
    return verify_theorem(load_json(path), problem)


def verify_theorem(content: dict[str, Any], problem: Path | None = None) -> VerifiedTheorem:
    """Check what a proof holds; see `verify_theorem_file`."""
    if content.get("format") != FORMAT or content.get("version") != VERSION:
        raise TheoremFault(f"expected {FORMAT!r}, version {VERSION}")
    try:
        return _Verifier(content, problem).result()
    except RecursionError:
        raise TheoremFault("formulas are nested too deep") from None


class _Verifier:
    """Checks one proof."""

    def __init__(self, content: dict[str, Any], problem: Path | None) -> None:
        self._content, self._problem = content, problem
        self._bank = Bank()
        self._known: dict[tuple[str, str], list[int]] = {}  # clauses by formula and number
        self._clauses: dict[str, list[int]] = {}  # those of the proof, by name
        self._parents: set[str] = set()  # what they are of

    def result(self) -> VerifiedTheorem:
        """Return what is proved."""
        formulas = self._formulas()
        conjectures = [name for name, (role, _) in formulas.items() if role == "conjecture"]
        if len(conjectures) > 1:
            raise TheoremFault("it has more than one conjecture")
        claim = "Theorem" if conjectures else "Unsatisfiable"
        if self._content.get("claim") != claim:
            raise TheoremFault(f"the formulas make the claim {claim}")
        if self._problem is not None:
            self._compare(formulas)
        for row in _rows(self._content, "clauses"):
            self._take_clause(row)
        ground = list(self._instances())
        conflicts = conflicts_to_refute(ground)
        if conflicts is None:
            raise TheoremFault("the instances were not found to contradict each other")
        used = self._parents
        axioms = tuple(name for name in formulas if name in used and name not in conjectures)
        conjecture = conjectures[0] if conjectures and conjectures[0] in used else None
        name = _text(self._content, "problem")
        return VerifiedTheorem(
            name, conjecture, axioms, len(ground), conflicts, self._problem is not None
        )

    def _formulas(self) -> dict[str, tuple[str, Formula]]:
        # Read the formulas and make their clauses.
        formulas: dict[str, tuple[str, Formula]] = {}
        symbols: list[str] = []
        waiting = []
        for row in _rows(self._content, "formulas"):
            name = _text(row, "name")
            if name in formulas or name in (EQUALITY_AXIOMS, DISTINCT):
                raise TheoremFault(f"the name {name!r} is taken")
            reader = Reader(_text(row, "text"), self._bank)
            statement = reader.statement()
            if not reader.ended or statement.role == "include":
                raise TheoremFault(f"{name} is more or less than one formula")
            formulas[name] = statement.role, statement.formula
            own = _names(row, "skolems"), _names(row, "definitions")
            symbols += [*own[0], *own[1]]
            waiting.append((name, statement, own))
        old = {symbol for symbol, _ in self._bank.nodes}
        if len(set(symbols)) < len(symbols) or old & set(symbols):
            raise TheoremFault("a new symbol is not new")
        for name, statement, (skolems, definitions) in waiting:
            formula = statement.formula
            if statement.role == "conjecture":
                formula = ["~", formula]
            clausifier = Clausifier(self._bank, skolems, definitions)
            for number, clause in enumerate(clausifier.clauses(formula), 1):
                self._known[name, str(number)] = clause
        return formulas

    def _take_clause(self, row: dict[str, Any]) -> None:
        name, of = _text(row, "name"), _text(row, "of")
        if name in self._clauses:
            raise TheoremFault(f"the name {name!r} is taken")
        literals = Reader(_text(row, "text"), self._bank).clause()
        if of == EQUALITY_AXIOMS:
            known = literals in self._equality_axioms(literals)
        elif of == DISTINCT:
            known = self._is_distinct(literals)
        else:
            prefix, _, number = name.rpartition("_")
            known = prefix == of and self._known.get((of, number)) == literals
        if not known:
            raise TheoremFault(f"{name} is no clause of {of}")
        self._parents.add(of)
        self._clauses[name] = literals

    def _equality_axioms(self, literals: list[int]) -> Iterator[list[int]]:
        # Those that the last literal may be of.
        bank, number = self._bank, self._bank.number
        x, y, z = map(number, "XYZ")

        def equal(one: int, two: int) -> int:
            return number(EQUALITY, (one, two))

        yield [equal(x, x)]
        yield [-equal(x, y), equal(y, x)]
        yield [-equal(x, y), -equal(y, z), equal(x, z)]
        predicate, arguments = bank.nodes[abs(literals[-1])] if literals else ("", ())
        inside = [bank.nodes[each] for each in arguments] if predicate == EQUALITY else []
        for symbol, arity in [(predicate, len(arguments)), *((s, len(a)) for s, a in inside)]:
            left = tuple(number(f"X{place}") for place in range(1, arity + 1))
            right = tuple(number(f"Y{place}") for place in range(1, arity + 1))
            pairs = [-equal(*pair) for pair in zip(left, right, strict=True)]
            one, two = number(symbol or "X", left), number(symbol or "X", right)
            if inside:
                yield [*pairs, equal(one, two)]
            yield [*pairs, -one, two]

    def _is_distinct(self, literals: list[int]) -> bool:
        predicate, arguments = self._bank.nodes[abs(literals[0])] if literals else ("", ())
        if len(literals) != 1 or literals[0] > 0 or predicate != EQUALITY:
            return False
        values = [_value(*self._bank.nodes[each]) for each in arguments]
        return None not in values and values[0] != values[1]

    def _instances(self) -> Iterator[list[int]]:
        bank = self._bank
        table: list[int] = []
        for text in self._content.get("terms") or []:
            if not isinstance(text, str):
                raise TheoremFault("a term is no text")
            table.append(Reader(text, bank, table).whole_term())
        rest = bank.number("\n")  # a constant that nothing else can be
        closed: dict[int, int] = {}
        for row in _rows(self._content, "instances"):
            name, terms = _text(row, "clause"), row.get("terms")
            if name not in self._clauses:
                raise TheoremFault(f"{name!r} is no clause of the proof")
            if not isinstance(terms, dict) or not all(isinstance(t, str) for t in terms.values()):
                raise TheoremFault(f"the terms of {name} are no texts by name")
            read = {
                variable: bank.put(Reader(text, bank, table).whole_term(), {}, closed, rest)
                for variable, text in terms.items()
            }
            known: dict[int, int] = {}
            yield [
                bank.put(abs(each), read, known, rest) * (1 if each > 0 else -1)
                for each in self._clauses[name]
            ]

    def _compare(self, formulas: dict[str, tuple[str, Formula]]) -> None:
        assert self._problem is not None
        found = {repr(each) for each in _problem_formulas(self._problem, self._bank)}
        for name, each in formulas.items():
            if repr(each) not in found:
                raise TheoremFault(f"{name} is not in {self._problem}")


def _problem_formulas(problem: Path, bank: Bank) -> Iterator[tuple[str, Formula]]:
    # Role and formula of each formula of a file and of what it includes.
    folders = [*problem.resolve().parents]
    if "TPTP" in os.environ:
        folders.append(Path(os.environ["TPTP"]))
    waiting: list[tuple[Path, frozenset[str] | None]] = [(problem, None)]
    seen = set()
    while waiting:
        path, wanted = waiting.pop()
        if (path, wanted) in seen:
            continue
        seen.add((path, wanted))
        with explained("read", path):
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
        reader = Reader(text, bank)
        while not reader.ended:
            one = reader.statement()
            if one.role == "include":
                homes = (folder / one.name for folder in folders)
                home = next((each for each in homes if each.is_file()), None)
                if home is None:
                    raise TheoremFault(f"{one.name}, which {path} includes, is not found")
                waiting.append((home, one.wanted))
            elif wanted is None or one.name in wanted:
                yield one.role, one.formula


def _value(symbol: str, arguments: tuple[int, ...]) -> Fraction | str | None:
    # What a number or an object in double quotes is; None for other terms.
    if arguments or symbol[0] not in '"+-0123456789':
        return None
    try:
        return symbol if symbol[0] == '"' else Fraction(symbol)
    except (ValueError, ZeroDivisionError):
        return None


def _rows(content: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = content.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TheoremFault(f"{key!r} must be a list of entries")
    return rows


def _text(row: dict[str, Any], key: str) -> str:
    text = row.get(key)
    if not isinstance(text, str):
        raise TheoremFault(f"{key!r} must be text")
    return text


def _names(row: dict[str, Any], key: str) -> list[str]:
    names = row.get(key)
    if not isinstance(names, list) or not all(
        isinstance(name, str) and _NAME.fullmatch(name) for name in names
    ):
        raise TheoremFault(f"{key!r} must be a list of names")
    return names

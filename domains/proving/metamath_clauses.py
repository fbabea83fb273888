"""Metamath's assertions as clauses, one matrix for all theorems of a database.

An assertion is a Horn clause: `|- ps | ~ |- ph | ~ |- ( ph -> ps )` is modus ponens. To prove a
theorem is to refute its negation, with its variables as constants, from earlier assertions and its
own hypotheses. Which variables must be disjoint is said apart from the clauses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.clauses import Clause, ClauseSet, Literal
from tesuji.domains.proving.formulas import Atom, Function, Term
from tesuji.domains.proving.matrix import (
    NOTHING_APART,
    Apart,
    Matrix,
    NamedMatrix,
    Small,
    make_matrix,
)
from tesuji.domains.proving.metamath import Assertion, Database, Hypothesis, MetamathError
from tesuji.domains.proving.metamath_syntax import SyntaxRules
from tesuji.domains.proving.terms import substitute, subterms

RULE, GOAL, GIVEN = range(3)
CONSTANT = "$"  # before a theorem's variable; no symbol of Metamath has one


@dataclass(frozen=True, eq=False)
class Library:
    """A database with the clauses of all that it proves; `C` clauses.

    Attributes:
        database: itself.
        rules: its grammar.
        named: the clauses.
        owner: `[C]` number of the assertion that a clause is of.
        kind: `[C]` RULE, the assertion; GOAL, its negation; GIVEN, a hypothesis of it.
        hypotheses: of a RULE, in the order of its negative literals; none of others.
        numbers: of assertions, by label.
        labels: of each clause, empty for a GOAL.
        clauses: a RULE by its own number and label, a GIVEN by its theorem's number and its label.
    """

    database: Database
    rules: SyntaxRules
    named: NamedMatrix
    owner: Small
    kind: Small
    hypotheses: tuple[tuple[Hypothesis, ...], ...]
    numbers: dict[str, int]
    labels: tuple[str, ...]
    clauses: dict[tuple[int, str], int]

    def matrix_for(self, label: str) -> Matrix:
        """Return the matrix whose only goal is a theorem, and that has only what is before it."""
        number, matrix = self.numbers[label], self.named.matrix
        usable = ((self.kind == RULE) & (self.owner < number)) | (
            (self.kind == GIVEN) & (self.owner == number)
        )
        goal = (self.kind == GOAL) & (self.owner == number)
        keep = usable[matrix.clause[matrix.partner]] | (matrix.key[matrix.partner] & 1 == 1)
        first = np.concatenate(([0], np.cumsum(keep)))[matrix.partner_first]
        return matrix._replace(
            goal=goal.astype(np.int32), partner=matrix.partner[keep],
            partner_first=first.astype(np.int32), apart=self._apart(label, usable),
        )  # fmt: skip

    def _apart(self, label: str, usable: npt.NDArray[np.bool_]) -> Apart:
        # The conditions of usable assertions; constants are kept apart as the theorem says.
        assertions = list(self.database.assertions.values())
        lengths, pairs = np.zeros(len(usable) + 1, np.int32), []
        for clause in np.flatnonzero(usable & (self.kind == RULE)).tolist():
            places = {name: place for place, name in enumerate(self.named.variables[clause])}
            own = [
                (places[one], places[two])
                for one, two in assertions[self.owner[clause]].disjoint
                if one in places and two in places
            ]
            lengths[clause + 1] = len(own)
            pairs += own
        if not pairs:
            return NOTHING_APART
        theorem = self.database.assertions[label]
        names = {CONSTANT + name: place for place, name in enumerate(theorem.variables)}
        kept = [
            [(min(one, two), max(one, two)) in theorem.disjoint for two in theorem.variables]
            for one in theorem.variables
        ]
        numbers = [names.get(symbol, -1) for symbol in self.named.symbols]
        return Apart(
            np.cumsum(lengths, dtype=np.int32), np.array(pairs, np.int32),
            np.array(numbers, np.int32), np.array(kept, np.int32).reshape(len(names), len(names)),
        )  # fmt: skip

    def literal(self, label: str, theorem: str) -> int | None:
        """Return the literal that a step of a theorem's proof closes a goal with."""
        number = self.numbers.get(label, self.numbers[theorem])
        clause = self.clauses.get((number, label))
        if clause is None:
            return None
        first = int(self.named.matrix.clause_first[clause])
        return first + int((self.named.matrix.key[first:] & 1).argmin())

    def theorems(self) -> list[str]:
        """Return the labels of all theorems that can be searched for, in order."""
        labels = list(self.database.assertions)
        return [labels[number] for number in self.owner[self.kind == GOAL].tolist()]


def make_library(database: Database) -> Library:
    """Return the clauses of a database.

    Raises:
        MetamathError: an expression is none by its syntax axioms.
    """
    rules = SyntaxRules(database.assertions.values())
    clauses: list[Clause] = []
    owner, kind, hypotheses = [], [], []
    labels: list[str] = []
    by_label: dict[tuple[int, str], int] = {}

    def add(
        literals: list[Literal], of: int, what: int, label: str, own: tuple[Hypothesis, ...] = ()
    ) -> None:
        name = f"{what} {of} {len(clauses)}"
        if what != GOAL:
            by_label[of, label] = len(clauses)
        clauses.append(Clause(name, tuple(literals), str(of), what == GOAL))
        labels.append(label)
        owner.append(of)
        kind.append(what)
        hypotheses.append(own)

    for number, assertion in enumerate(database.assertions.values()):
        if rules.is_syntax(assertion):
            continue
        stated = _term(rules, assertion, assertion.expression)
        assumed = [(each, _term(rules, assertion, each.expression)) for each in assertion.essential]
        # What says most comes first: a variable alone would fit everything.
        assumed.sort(key=lambda pair: -sum(isinstance(t, Function) for t in subterms(pair[1])))
        literals = [_literal(True, stated), *(_literal(False, term) for _, term in assumed)]
        add(literals, number, RULE, assertion.label, tuple(each for each, _ in assumed))
        if assertion.proof is not None:
            fixed = {name: Function(CONSTANT + name) for name in assertion.variables}
            add([_literal(False, substitute(stated, fixed))], number, GOAL, "")
            for each, term in assumed:
                add([_literal(True, substitute(term, fixed))], number, GIVEN, each.label)
    named = make_matrix(ClauseSet(tuple(clauses), (), (), has_conjecture=True))
    numbers = {label: number for number, label in enumerate(database.assertions)}
    return Library(
        database, rules, named, np.array(owner, np.int32), np.array(kind, np.int32),
        tuple(hypotheses), numbers, tuple(labels), by_label,
    )  # fmt: skip


def _term(rules: SyntaxRules, assertion: Assertion, expression: tuple[str, ...]) -> Term:
    found = rules.parse(expression, assertion.variables)
    if found is None:
        what = f"{' '.join(expression)[:80]} is nothing that the syntax axioms make"
        raise MetamathError(assertion.file, assertion.line, f"{assertion.label}: {what}")
    return Function(expression[0], (found,))


def _literal(positive: bool, statement: Term) -> Literal:
    assert isinstance(statement, Function)
    return Literal(positive, Atom(statement.symbol, statement.arguments))

"""Proofs of Metamath as trees and as closed tableaux, read from a database and written for it."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from tesuji.domains.proving.formulas import Term
from tesuji.domains.proving.instances import copies_of
from tesuji.domains.proving.metamath import Assertion, Database
from tesuji.domains.proving.metamath_clauses import CONSTANT, GIVEN, Library
from tesuji.domains.proving.tableau import (
    ABOVE,
    BY_LEMMA,
    CELLS,
    CLOSED_BY,
    NONE,
    OPEN,
    WITH,
    Tableau,
    begin,
    extend,
    lemma,
    make_tableau,
    take_lemma,
)
from tesuji.domains.proving.terms import fold

_LINES = textwrap.TextWrapper(75, break_on_hyphens=False, break_long_words=False)
_MOST_STEPS = 400  # of a proof that is learned from, as a tree


class Step(NamedTuple):
    """A step of a proof: an assertion or hypothesis, and what its essential hypotheses are from."""

    label: str
    below: Mapping[str, Step]  # by label of the hypothesis


def read_proof(database: Database, theorem: Assertion) -> Step | None:
    """Return the steps of a theorem's proof but those of syntax; None where it has gaps.

    Raises:
        ValueError: the proof goes back to something that is not there.
    """
    if theorem.proof is None or theorem.is_open:
        return None
    stack: list[Step] = []
    marked: list[Step] = []
    try:
        for word in _steps(theorem):
            if word is None:
                marked.append(stack[-1])
            elif isinstance(word, int):
                stack.append(marked[word])
            elif word in database.assertions:
                hypotheses = database.assertions[word].hypotheses
                start = len(stack) - len(hypotheses)
                given = zip(hypotheses, stack[start:], strict=True)
                step = Step(word, {h.label: each for h, each in given if not h.floating})
                stack[start:] = [step]
            else:
                stack.append(Step(word, {}))
        return stack[0]
    except (IndexError, ValueError):
        raise ValueError(f"{theorem.label}: its proof is not sound") from None


def _steps(theorem: Assertion) -> list[str | int | None]:
    # Labels, marked parts by their number, and None where one is marked.
    words = theorem.proof or ()
    if words[0] != "(":
        return list(words)
    end = words.index(")")
    labels = [*(each.label for each in theorem.hypotheses), *words[1:end]]
    steps: list[str | int | None] = []
    number = 0
    for letter in "".join(words[end + 1 :]):
        if letter == "Z":
            steps.append(None)
        elif letter >= "U":
            number = 5 * number + ord(letter) - ord("T")
        else:
            place = 20 * number + ord(letter) - ord("A")
            steps.append(labels[place] if place < len(labels) else place - len(labels))
            number = 0
    return steps


def replay(library: Library, label: str) -> tuple[Tableau, int] | None:
    """Return the closed tableau that a theorem's proof is, and the clause that it starts with.

    None for a proof with gaps, one that is too large, and one that is no tableau.

    Raises:
        ValueError: the proof is not sound.
    """
    root = read_proof(library.database, library.database.assertions[label])
    if root is None:
        return None
    matrix = library.matrix_for(label)
    start = int(matrix.goal.argmax())
    tableau = make_tableau(goals=2 * _MOST_STEPS)
    counts = tableau.counts
    begin(matrix, tableau, start)
    steps = {0: root}
    while counts[OPEN] != NONE:
        goal = int(counts[OPEN])
        left = lemma(matrix, tableau, goal)
        if left != NONE:
            take_lemma(tableau, goal, left)
            continue
        step, first = steps[goal], int(counts[CELLS])
        literal = library.literal(step.label, label)
        if literal is None or first > _MOST_STEPS or extend(matrix, tableau, goal, literal) != 1:
            return None
        names = library.hypotheses[matrix.clause[literal]]
        for cell in range(first, int(counts[CELLS])):
            steps[cell] = step.below[names[cell - first].label]
    return tableau, start


class _Steps:
    """The steps of a proof with those of syntax, each once, and the variables in each term."""

    def __init__(self, theorem: Assertion) -> None:
        self.label: list[str] = []
        self.below: list[tuple[int, ...]] = []
        self._variables: list[frozenset[str]] = []
        self._known: dict[tuple[str, tuple[int, ...]], int] = {}
        self._names = {h.label: frozenset((name,)) for name, h in theorem.floating.items()}
        self._disjoint = theorem.disjoint

    def number(self, label: str, below: tuple[int, ...] = ()) -> int:
        """Return the number of a step."""
        number = self._known.setdefault((label, below), len(self.label))
        if number == len(self.label):
            self.label.append(label)
            self.below.append(below)
            own = self._names.get(label, frozenset())
            self._variables.append(own.union(*(self._variables[each] for each in below)))
        return number

    def are_disjoint(self, one: int, two: int) -> bool:
        """Return whether the theorem keeps each variable of a term from each of the other."""
        pairs = ((a, b) for a in self._variables[one] for b in self._variables[two])
        return all((min(pair), max(pair)) in self._disjoint for pair in pairs)


def write_proof(library: Library, label: str, tableau: Tableau) -> str | None:
    """Return the compressed proof that a closed tableau is.

    None where variables are not disjoint that must be, or where one cannot be named.

    Variables that are left open become a constant of the syntax, or else one in force that the
    theorem does not have, each another.
    """
    theorem = library.database.assertions[label]
    matrix, labels = library.named.matrix, list(library.database.assertions)
    rows = tableau.cells[: tableau.counts[CELLS]].tolist()
    extended = [goal for goal, row in enumerate(rows) if row[CLOSED_BY] >= 0]
    copies = [(int(matrix.clause[rows[goal][CLOSED_BY]]), rows[goal][WITH]) for goal in extended]
    instances = dict(zip(extended, copies_of(library.named, tableau, copies), strict=True))
    names = _Names(library, theorem, copies)
    steps = _Steps(theorem)
    done: dict[int, int] = {}

    def number(term: Term) -> int:
        return fold(
            term, lambda open_: steps.number(names.left(open_)),
            lambda symbol, below: steps.number(names.symbol(symbol), below),
        )  # fmt: skip

    below: dict[int, list[int]] = {goal: [] for goal in range(len(rows))}
    for goal, row in enumerate(rows):
        if row[ABOVE] != NONE:
            below[row[ABOVE]].append(goal)
    waiting = [0]
    while waiting:
        goal = waiting[-1]
        by_lemma = rows[goal][CLOSED_BY] == BY_LEMMA
        missing = [
            each for each in ([rows[goal][WITH]] if by_lemma else below[goal]) if each not in done
        ]
        if missing:
            waiting += missing
            continue
        waiting.pop()
        if by_lemma:
            done[goal] = done[rows[goal][WITH]]
            continue
        clause, terms = instances[goal]
        if library.kind[clause] == GIVEN:
            done[goal] = steps.number(library.labels[clause])
            continue
        used = library.database.assertions[labels[library.owner[clause]]]
        proved = {
            each.label: done[cell]
            for each, cell in zip(library.hypotheses[clause], below[goal], strict=True)
        }
        try:
            put = {name: number(terms[name]) for name in used.variables}
        except LookupError:
            return None
        if not all(
            steps.are_disjoint(put[one], put[two])
            for one, two in used.disjoint
            if one in put and two in put
        ):
            return None
        parts = tuple(
            put[each.expression[1]] if each.floating else proved[each.label]
            for each in used.hypotheses
        )
        done[goal] = steps.number(used.label, parts)
    return _compressed(steps, done[0], [each.label for each in theorem.hypotheses])


class _Names:
    """Labels of what stands in terms."""

    def __init__(self, library: Library, theorem: Assertion, copies: list[tuple[int, int]]) -> None:
        self._library, self._theorem = library, theorem
        assertions = list(library.database.assertions.values())
        self._typecodes: dict[str, str] = {}
        for clause, offset in copies:
            variables = assertions[library.owner[clause]].variables
            for place, name in enumerate(library.named.variables[clause]):
                self._typecodes[f"X{offset + place}"] = variables[name]
        self._chosen: dict[str, str] = {}

    def symbol(self, symbol: str) -> str:
        """Return the label of a production, or of a variable of the theorem."""
        if symbol.startswith(CONSTANT):
            return self._theorem.floating[symbol[len(CONSTANT) :]].label
        return symbol

    def left(self, name: str) -> str:
        """Return the label of what takes the place of a variable that was left open."""
        if name not in self._chosen:
            self._chosen[name] = self._choose(self._typecodes[name])
        return self._chosen[name]

    def _choose(self, typecode: str) -> str:
        numbers, theorem = self._library.numbers, self._theorem
        for label in self._library.rules.constants.get(typecode, ()):
            if numbers[label] < numbers[theorem.label]:
                return label
        apart = Counter(name for pair in theorem.disjoint for name in pair)
        fitting = [h for h in theorem.floating.values() if h.expression[0] == typecode]
        fitting.sort(key=lambda each: -apart[each.expression[1]])  # those for this purpose first
        taken = {*self._chosen.values(), *(h.label for h in theorem.hypotheses)}
        return next((h.label for h in fitting if h.label not in taken), fitting[0].label)


def _compressed(steps: _Steps, root: int, mandatory: list[str]) -> str:
    uses = dict.fromkeys([root], 1)
    for number in range(root, -1, -1):  # parts have lower numbers
        for part in steps.below[number] if number in uses else ():
            uses[part] = uses.get(part, 0) + 1
    others = [steps.label[number] for number in sorted(uses)]
    labels = [*mandatory, *dict.fromkeys(each for each in others if each not in mandatory)]
    place = {label: number for number, label in enumerate(labels)}
    letters: list[str] = []
    marked: dict[int, int] = {}
    waiting = [(root, False)]
    while waiting:
        number, complete = waiting.pop()
        if number in marked:
            letters.append(_letters(len(labels) + marked[number]))
        elif steps.below[number] and not complete:
            waiting += [(number, True), *((each, False) for each in reversed(steps.below[number]))]
        else:
            letters.append(_letters(place[steps.label[number]]))
            if steps.below[number] and uses[number] > 1:
                letters.append("Z")
                marked[number] = len(marked)
    text = "".join(letters)
    words = ["(", *labels[len(mandatory) :], ")"]
    words += [text[at : at + 60] for at in range(0, len(text), 60)]
    return "\n" + "".join(f"    {line}\n" for line in _LINES.wrap(" ".join(words))) + "  "


def _letters(number: int) -> str:
    number, last = divmod(number, 20)
    text = chr(ord("A") + last)
    while number:
        number, digit = divmod(number - 1, 5)
        text = chr(ord("U") + digit) + text
    return text

"""Terms, clauses and instances as TPTP text, and instances that are ground."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import is_

from tesuji.domains.proving.clauses import Clause, ClauseSet, Instance, Literal
from tesuji.domains.proving.clausify import TooLargeError
from tesuji.domains.proving.formulas import EQUALITY, Atom, Function, Term, Variable
from tesuji.domains.proving.terms import substitute, variables_in

MOST_LETTERS = 1 << 20  # of a term
MOST_INLINE = 80  # letters of a term, before those around it name it only


class TermTexts:
    """Writes terms; long ones go into a table once, and are `$0`, `$1`, ... where they occur.

    Attributes:
        table: the long terms, each of those before it and what is short; none with `inline`.
    """

    def __init__(self, inline: bool = False) -> None:
        self._most = None if inline else MOST_INLINE
        self._known: dict[Term, str] = {}
        self.table: list[str] = []

    def text(self, term: Term) -> str:
        """Return the text of a term."""
        waiting = [term]
        while waiting:
            one = waiting[-1]
            if one in self._known:
                waiting.pop()
                continue
            if isinstance(one, Variable):
                self._known[one] = one.name
                continue
            missing = [each for each in one.arguments if each not in self._known]
            if missing:
                waiting += reversed(missing)
                continue
            self._known[one] = self._short(one)
        return self._known[term]

    def _short(self, term: Function) -> str:
        if not term.arguments:
            return term.symbol
        text = f"{term.symbol}({','.join(self._known[each] for each in term.arguments)})"
        if len(text) > MOST_LETTERS:
            raise TooLargeError(f"a term is longer than {MOST_LETTERS:,} letters")
        if self._most is None or len(text) <= self._most:
            return text
        self.table.append(text)
        return f"${len(self.table) - 1}"

    def atom(self, atom: Atom, positive: bool = True) -> str:
        """Return the text of a literal."""
        if atom.predicate == EQUALITY:
            left, right = map(self.text, atom.arguments)
            return f"{left} {'=' if positive else '!='} {right}"
        text = atom.predicate
        if atom.arguments:
            text += f"({','.join(map(self.text, atom.arguments))})"
        return text if positive else f"~ {text}"

    def clause(self, literals: Iterable[Literal]) -> str:
        """Return the text of a clause; `$false` for the empty one."""
        return " | ".join(self.atom(each.atom, each.positive) for each in literals) or "$false"


def ground_clauses(
    clauses: ClauseSet, instances: Sequence[Instance], constant: str
) -> tuple[Clause, ...]:
    """Return instances as clauses without variables, in order.

    Args:
        clauses: what they are instances of.
        instances: of those.
        constant: what variables become that the instances leave open.
    """
    rest: Term = Function(constant)
    closed = _Closed(rest)
    found = []
    for number, instance in enumerate(instances, 1):
        clause = clauses.clauses[instance.clause]
        names = {name: rest for each in clause.literals for name in variables_in(each.atom)}
        terms = names | {name: closed.term(term) for name, term in instance.terms.items()}
        literals = tuple(
            Literal(lit.positive, Atom(lit.atom.predicate, tuple(
                substitute(each, terms) for each in lit.atom.arguments)))
            for lit in clause.literals
        )  # fmt: skip
        found.append(Clause(f"instance_{number}", literals, clause.name, clause.goal))
    return tuple(found)


class _Closed:
    """Puts a constant in the place of variables; terms that share parts may be large as trees."""

    def __init__(self, constant: Term) -> None:
        self._constant = constant
        self._known: dict[Term, Term] = {}

    def term(self, term: Term) -> Term:
        """Return a term without variables."""
        waiting = [term]
        while waiting:
            one = waiting[-1]
            if isinstance(one, Variable):
                self._known[one] = self._constant
            elif one not in self._known:
                missing = [each for each in one.arguments if each not in self._known]
                if missing:
                    waiting += missing
                    continue
                arguments = tuple(self._known[each] for each in one.arguments)
                same = all(map(is_, arguments, one.arguments))
                self._known[one] = one if same else Function(one.symbol, arguments)
            waiting.pop()
        return self._known[term]


def quoted(name: str) -> str:
    """Return a name as a TPTP word, in quotes where it needs them."""
    plain = name.replace("_", "a").isalnum() and name.isascii() and name[0].islower()
    if plain or (name[0] == name[-1] == "'" and len(name) > 1):
        return name
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def new_name(taken: Mapping[str, object] | set[str], stem: str) -> str:
    """Return a name that nothing has."""
    while stem in taken:
        stem = f"{stem}_"
    return stem

"""Clauses of formulas: negation normal form, Skolem terms, definitions, distribution.

`docs/proving.md` says it step by step, because the checker derives the clauses again by code of its
own. Skolem functions depend on the universal variables that occur in the formula of their
variable (Nonnengart & Weidenbach 2001); parts whose clauses would multiply get a name (Plaisted &
Greenbaum 1986).
"""

from __future__ import annotations

from collections.abc import Mapping

from tesuji.domains.proving.clauses import (
    Clause,
    ClauseSet,
    DefinedPredicate,
    Literal,
    SkolemSymbol,
)
from tesuji.domains.proving.equality import distinctness, equality_axioms
from tesuji.domains.proving.formulas import (
    FALSE,
    TRUE,
    AnnotatedFormula,
    Atom,
    Connective,
    Formula,
    Function,
    Problem,
    Quantified,
    Term,
    Variable,
)
from tesuji.domains.proving.terms import (
    free_variables,
    map_terms,
    substitute,
    symbols_of,
    variables_in,
    variables_of,
)

MOST_CLAUSES = 64  # of a disjunction, before its parts are named
MOST_NODES = 1_000_000  # of a formula in negation normal form


class TooLargeError(ValueError):
    """The clauses would be more than can be made."""


def clausify(problem: Problem) -> ClauseSet:
    """Return clauses that are unsatisfiable if the conjecture is a theorem, and only then.

    Raises:
        TooLargeError: a formula grows too large.
    """
    return _Clausifier(problem).run()


class _Clausifier:
    """Makes the clauses of one problem; numbers new symbols through all of it."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._taken = symbols_of(problem)
        self._skolems: list[SkolemSymbol] = []
        self._definitions: list[DefinedPredicate] = []
        self._clauses: list[Clause] = []

    def run(self) -> ClauseSet:
        """Return all clauses."""
        for each in self._problem.formulas:
            self._add(each)
        self._clauses += distinctness(self._clauses)
        self._clauses += equality_axioms(self._clauses)
        return ClauseSet(
            tuple(self._clauses), tuple(self._skolems), tuple(self._definitions),
            self._problem.has_conjecture,
        )  # fmt: skip

    def _add(self, each: AnnotatedFormula) -> None:
        formula = each.formula
        if each.role == "conjecture":
            formula = Connective("~", (formula,))
        goal = each.role in ("conjecture", "negated_conjecture")
        normal = _Normal(each.name)
        tree = _simplified(_apart(normal.form(formula, positive=True), {}, [0]))
        tree = self._skolemized(tree, each.name, (), {})
        waiting: list[Formula] = []
        tree = self._named(tree, each.name, waiting)
        number = 0
        for part in (tree, *waiting):
            for literals in _distributed(part):
                clean = _cleaned(literals)
                if clean is not None:
                    number += 1
                    self._clauses.append(Clause(f"{each.name}_{number}", clean, each.name, goal))

    def _new(self, letter: str, number: int) -> str:
        name = f"{letter}{number}"
        while name in self._taken:
            name = f"{name}_"
        return name

    def _skolemized(
        self,
        formula: Formula,
        name: str,
        universal: tuple[str, ...],
        terms: Mapping[str, Term],
    ) -> Formula:
        # Without quantifiers: existential variables replaced, universal ones left free.
        if isinstance(formula, Quantified):
            if formula.quantifier == "!":
                return self._skolemized(formula.body, name, universal + formula.variables, terms)
            free = free_variables(formula)
            more = dict(terms)
            # What a variable outside became brings its own variables along.
            own = tuple(v for v in universal if v in free or any(
                v in variables_of(terms[w]) for w in free if w in terms))  # fmt: skip
            for variable in formula.variables:
                symbol = self._new("sK", len(self._skolems) + 1)
                self._skolems.append(SkolemSymbol(symbol, name, variable, own))
                more[variable] = Function(symbol, tuple(Variable(v) for v in own))
            return self._skolemized(formula.body, name, universal, more)
        if isinstance(formula, Connective) and formula.operator != "~":
            parts = tuple(self._skolemized(p, name, universal, terms) for p in formula.parts)
            return Connective(formula.operator, parts)
        return map_terms(formula, lambda term: substitute(term, terms))

    def _named(self, formula: Formula, name: str, waiting: list[Formula]) -> Formula:
        # Name parts of disjunctions from the inside out, the one of most clauses first.
        if not isinstance(formula, Connective) or formula.operator == "~":
            return formula
        parts = [self._named(part, name, waiting) for part in formula.parts]
        if formula.operator == "|":
            counts = [num_clauses(part) for part in parts]
            while _product(counts) > MOST_CLAUSES:
                at = counts.index(max(counts))
                symbol = self._new("sP", len(self._definitions) + 1)
                own = tuple(dict.fromkeys(variables_in(parts[at])))
                self._definitions.append(DefinedPredicate(symbol, name, parts[at], own))
                atom = Atom(symbol, tuple(Variable(v) for v in own))
                waiting.append(Connective("|", (Connective("~", (atom,)), parts[at])))
                parts[at], counts[at] = atom, 1
        return Connective(formula.operator, tuple(parts))


class _Normal:
    """Negation normal form, within a limit."""

    def __init__(self, name: str) -> None:
        self._name, self._nodes = name, 0

    def form(self, formula: Formula, positive: bool) -> Formula:
        """Return the formula or its negation, of `&`, `|`, `!`, `?`, and `~` before atoms."""
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise TooLargeError(f"{self._name} has more than {MOST_NODES:,} parts when expanded")
        if isinstance(formula, Atom):
            return formula if positive else Connective("~", (formula,))
        if isinstance(formula, Quantified):
            quantifier = (
                formula.quantifier if positive else "?" if formula.quantifier == "!" else "!"
            )
            return Quantified(quantifier, formula.variables, self.form(formula.body, positive))
        if formula.operator == "~":
            return self.form(formula.parts[0], not positive)
        if formula.operator in ("&", "|"):
            operator = formula.operator if positive else "|" if formula.operator == "&" else "&"
            return Connective(operator, tuple(self.form(p, positive) for p in formula.parts))
        left, right = formula.parts
        if formula.operator == "=>":
            parts = (self.form(left, not positive), self.form(right, positive))
            return Connective("|" if positive else "&", parts)
        one = (self.form(left, not positive), self.form(right, True))
        two = (self.form(left, positive), self.form(right, False))
        return Connective("&", (Connective("|", one), Connective("|", two)))


def _apart(formula: Formula, names: Mapping[str, str], count: list[int]) -> Formula:
    # With bound variables V1, V2, ... in the order of the text.
    if isinstance(formula, Quantified):
        own = dict(names)
        for variable in formula.variables:
            count[0] += 1
            own[variable] = f"V{count[0]}"
        variables = tuple(own[variable] for variable in formula.variables)
        return Quantified(formula.quantifier, variables, _apart(formula.body, own, count))
    if isinstance(formula, Connective) and formula.operator != "~":
        return Connective(formula.operator, tuple(_apart(p, names, count) for p in formula.parts))
    terms = {name: Variable(new) for name, new in names.items()}
    return map_terms(formula, lambda term: substitute(term, terms))


def _simplified(formula: Formula) -> Formula:
    # Without $true and $false, but for a formula that is one of them.
    if isinstance(formula, Quantified):
        body = _simplified(formula.body)
        return (
            body if _is_constant(body) else Quantified(formula.quantifier, formula.variables, body)
        )
    if isinstance(formula, Atom):
        return formula
    if formula.operator == "~":
        opposite = {TRUE: FALSE, FALSE: TRUE}
        atom = formula.parts[0]
        assert isinstance(atom, Atom)
        return Atom(opposite[atom.predicate]) if _is_constant(atom) else formula
    neutral, absorbing = (TRUE, FALSE) if formula.operator == "&" else (FALSE, TRUE)
    parts = [_simplified(part) for part in formula.parts]
    if Atom(absorbing) in parts:
        return Atom(absorbing)
    parts = [part for part in parts if part != Atom(neutral)]
    if not parts:
        return Atom(neutral)
    return parts[0] if len(parts) == 1 else Connective(formula.operator, tuple(parts))


def _is_constant(formula: Formula) -> bool:
    return isinstance(formula, Atom) and formula.predicate in (TRUE, FALSE)


def num_clauses(formula: Formula) -> int:
    """Return how many clauses a formula without quantifiers has."""
    if not isinstance(formula, Connective) or formula.operator == "~":
        return 1
    counts = [num_clauses(part) for part in formula.parts]
    return sum(counts) if formula.operator == "&" else _product(counts)


def _product(counts: list[int]) -> int:
    product = 1
    for count in counts:
        product *= count
    return product


def _distributed(formula: Formula) -> list[tuple[Literal, ...]]:
    if isinstance(formula, Atom):
        return [(Literal(True, formula),)]
    assert isinstance(formula, Connective)
    if formula.operator == "~":
        atom = formula.parts[0]
        assert isinstance(atom, Atom)
        return [(Literal(False, atom),)]
    parts = [_distributed(part) for part in formula.parts]
    if formula.operator == "&":
        return [clause for part in parts for clause in part]
    clauses: list[tuple[Literal, ...]] = [()]
    for part in parts:
        clauses = [(*clause, *more) for clause in clauses for more in part]
    return clauses


def _cleaned(literals: tuple[Literal, ...]) -> tuple[Literal, ...] | None:
    # Each literal once; None for a clause that is always true.
    unique = tuple(dict.fromkeys(lit for lit in literals if lit != Literal(True, Atom(FALSE))))
    if Literal(True, Atom(TRUE)) in unique:
        return None
    atoms = {literal.atom for literal in unique if literal.positive}
    if any(not literal.positive and literal.atom in atoms for literal in unique):
        return None
    return unique

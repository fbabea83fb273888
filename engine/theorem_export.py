"""Proofs in the languages of other provers: ground instances to refute, and a TSTP listing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tesuji.domains.proving.clauses import Clause, ClauseSet, Instance
from tesuji.domains.proving.equality import DISTINCT, EQUALITY_AXIOMS
from tesuji.domains.proving.formulas import (
    EQUALITY,
    AnnotatedFormula,
    Atom,
    Function,
    Problem,
    Quantified,
    Term,
)
from tesuji.domains.proving.terms import symbols_of
from tesuji.domains.proving.tptp_lexer import words_of
from tesuji.domains.proving.tptp_text import TermTexts, ground_clauses, new_name, quoted

_REMARK = re.compile(
    r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|%[^\n]*|/\*.*?\*/|[\r\n]+\s*""", re.DOTALL
)


def ground_instances(
    problem: Problem, clauses: ClauseSet, instances: Sequence[Instance]
) -> tuple[Clause, ...]:
    """Return the ground instances; variables that are left are one new constant."""
    taken = symbols_of(problem) | {each.symbol for each in clauses.skolems}
    taken |= {each.symbol for each in clauses.definitions}
    return ground_clauses(clauses, instances, new_name(taken, "sK0"))


def dimacs(ground: Sequence[Clause]) -> str:
    """Return ground clauses as DIMACS, atoms as numbers, which remarks explain where short."""
    numbers: dict[Atom, int] = {}
    rows = []
    for clause in ground:
        row = []
        for literal in clause.literals:
            number = numbers.setdefault(literal.atom, len(numbers) + 1)
            row.append(number if literal.positive else -number)
        rows.append(" ".join(map(str, [*row, 0])))
    texts = TermTexts()
    names = [f"c {number} {texts.atom(atom)}" for atom, number in numbers.items()]
    table = [f"c ${number} {text}" for number, text in enumerate(texts.table)]
    return "\n".join([*table, *names, f"p cnf {len(numbers)} {len(rows)}", *rows, ""])


def tptp_cnf(ground: Sequence[Clause]) -> str:
    """Return ground clauses as TPTP's CNF.

    Raises:
        TooLargeError: a term is too long to be written out.
    """
    texts = TermTexts(inline=True)
    return "\n".join(
        [f"cnf({each.name}, axiom, {texts.clause(each.literals)})." for each in ground] + [""]
    )


def smt_lib(ground: Sequence[Clause]) -> str:
    """Return ground clauses as SMT-LIB 2: one sort, functions and predicates without meaning."""
    writer = _SmtWriter()
    asserts = [writer.clause(each) for each in ground]
    head = ["(set-logic QF_UF)", "(declare-sort U 0)"]
    return "\n".join([*head, *writer.declared, *asserts, "(check-sat)", ""])


class _SmtWriter:
    """Writes clauses; a term of parts is defined once."""

    def __init__(self) -> None:
        self.declared: list[str] = []
        self._known: dict[Term, str] = {}
        self._symbols: set[tuple[str, int, str]] = set()

    def clause(self, clause: Clause) -> str:
        """Return the assertion of a clause."""
        literals = []
        for literal in clause.literals:
            text = self._atom(literal.atom)
            literals.append(text if literal.positive else f"(not {text})")
        whole = literals[0] if len(literals) == 1 else f"(or {' '.join(literals)})"
        return f"(assert {whole if literals else 'false'}) ; {_remark(clause.parent)}"

    def _atom(self, atom: Atom) -> str:
        arguments = [self._term(each) for each in atom.arguments]
        name = "=" if atom.predicate == EQUALITY else self._symbol(
            atom.predicate, len(arguments), "Bool")  # fmt: skip
        return f"({' '.join([name, *arguments])})" if arguments else name

    def _term(self, term: Term) -> str:
        waiting = [term]
        while waiting:
            one = waiting[-1]
            assert isinstance(one, Function)
            if one not in self._known:
                missing = [each for each in one.arguments if each not in self._known]
                if missing:
                    waiting += missing
                    continue
                name = self._symbol(one.symbol, len(one.arguments), "U")
                if one.arguments:
                    inner = " ".join([name, *(self._known[each] for each in one.arguments)])
                    name = f"|t {len(self._known)}|"
                    self.declared.append(f"(define-fun {name} () U ({inner}))")
                self._known[one] = name
            waiting.pop()
        return self._known[term]

    def _symbol(self, symbol: str, arity: int, sort: str) -> str:
        # Apart from SMT-LIB's own words; bars and backslashes cannot be in its names.
        letters = "".join(c if c.isascii() and c not in "|\\" else f"<{ord(c)}>" for c in symbol)
        name = f"|{'p' if sort == 'Bool' else 'f'} {letters}|"
        if (symbol, arity, sort) not in self._symbols:
            self._symbols.add((symbol, arity, sort))
            self.declared.append(f"(declare-fun {name} ({' '.join(['U'] * arity)}) {sort})")
        return name


def _remark(text: str) -> str:
    return text.replace("\n", " ")


def tstp(problem: Problem, clauses: ClauseSet, instances: Sequence[Instance]) -> str:
    """Return a derivation in TPTP's language: formulas, clauses, their instances, `$false`.

    Raises:
        TooLargeError: a term is too long to be written out.
    """
    return "\n".join([*_derivation(problem, clauses, instances), ""])


def _derivation(
    problem: Problem, clauses: ClauseSet, instances: Sequence[Instance]
) -> Iterator[str]:
    used = {each.clause: clauses.clauses[each.clause] for each in instances}
    parents = {clause.parent for clause in used.values()}
    texts = TermTexts(inline=True)
    taken = {each.name for each in problem.formulas}

    def fresh(name: str) -> str:
        taken.add(new := new_name(taken, name))
        return quoted(new)

    sources = {EQUALITY_AXIOMS: "theory(equality)", DISTINCT: "theory(distinct)"}
    for each in problem.formulas:
        if each.name in parents or each.role == "conjecture":
            name, (language, body) = quoted(each.name), _body(each)
            yield f"{language}({name}, {each.role}, {body}, file({_file(each.file)}, {name}))."
            if each.role == "conjecture":
                denied = fresh(f"{each.name.strip(chr(39))}_denied")
                made = f"inference(negate_conjecture, [status(cth)], [{name}])"
                yield f"fof({denied}, negated_conjecture, ~ ({_closed(each, body)}), {made})."
                name = denied
            sources[each.name] = f"inference(clausify, [status(esa)], [{name}])"
    names = {}
    for clause in used.values():
        role = "negated_conjecture" if clause.goal else "plain"
        role = "axiom" if clause.parent in (EQUALITY_AXIOMS, DISTINCT) else role
        name, text = fresh(clause.name), texts.clause(clause.literals)
        names[clause.name] = name
        yield f"cnf({name}, {role}, {text}, {sources[clause.parent]})."
    last = []
    for one in ground_instances(problem, clauses, instances):
        last.append(fresh(one.name))
        made = f"inference(instantiate, [status(thm)], [{names[one.parent]}])"
        yield f"cnf({last[-1]}, plain, {texts.clause(one.literals)}, {made})."
    made = f"inference(propositional, [status(thm)], [{', '.join(last)}])"
    yield f"cnf({fresh('refutation')}, plain, $false, {made})."


def _body(each: AnnotatedFormula) -> tuple[str, str]:
    # Its language and the formula alone, without name, role and annotations.
    words, depth, commas = list(words_of(each.text, each.file)), 0, []
    for word in words:
        if word.text in ("(", "["):
            depth += 1
        elif word.text in (")", "]"):
            depth -= 1
            if not depth:
                commas.append(word.start)
        elif word.text == "," and depth == 1:
            commas.append(word.start)
    return words[0].text, _plain(each.text[commas[1] + 1 : commas[2]])


def _plain(text: str) -> str:
    # On one line, without remarks, but not within quotes.
    return _REMARK.sub(lambda found: found[1] or " ", text).strip()


def _closed(each: AnnotatedFormula, body: str) -> str:
    if isinstance(each.formula, Quantified) and each.text.startswith("cnf"):
        return f"! [{','.join(each.formula.variables)}] : ({body})"
    return body


def _file(name: str) -> str:
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"

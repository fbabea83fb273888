"""The verifier's own reader of TPTP's FOF and CNF: terms and atoms are numbers, each once.

A formula is `["!", names, formula]`, `["?", names, formula]`, `["~", formula]`, `["=>", one, two]`,
`["<=>", one, two]`, `["&", ...]`, `["|", ...]`, the number of an atom, True or False.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from typing import Any, NamedTuple

from tesuji.engine.errors import UnprovenError

Formula = Any  # see above

MOST_NESTED = 250  # formulas in formulas
ROLES = frozenset({
    "axiom", "hypothesis", "definition", "assumption", "lemma", "theorem", "corollary",
    "conjecture", "negated_conjecture", "plain",
})  # fmt: skip
EQUALITY = "="

_TOKEN = re.compile(
    r"""(?:\s|%[^\n]*|/\*.*?\*/)*(?:([A-Za-z][A-Za-z0-9_]*|\$\$?[a-z][A-Za-z0-9_]*|\$\d+)
    |('(?:[^'\\]|\\.)+'|"(?:[^"\\]|\\.)*")|([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?:/\d+)?)
    |(<=>|<~>|=>|<=|!=|~\||~&|[()\[\],.:!?~&|=]))""",
    re.DOTALL | re.VERBOSE,
)
_QUOTED = 2  # the group of quoted words
_SPACE = re.compile(r"(?:\s|%[^\n]*|/\*.*?\*/)*", re.DOTALL)
_PLAIN = re.compile(r"'([a-z][A-Za-z0-9_]*)'")
_BINARY = frozenset(("=>", "<=", "<=>", "<~>", "~&", "~|"))


class TheoremFault(UnprovenError):
    """A proof does not show what it claims."""


class Statement(NamedTuple):
    """An annotated formula, or an include."""

    role: str  # "include" for those
    formula: Formula  # the file's name for an include
    name: str
    wanted: frozenset[str] | None  # formulas of the include; None for all


class Bank:
    """Terms and atoms, each once, by number from 1."""

    def __init__(self) -> None:
        self.nodes: list[tuple[str, tuple[int, ...]]] = [("", ())]
        self.variables: list[frozenset[str]] = [frozenset()]
        self._numbers: dict[tuple[str, tuple[int, ...]], int] = {}

    def number(self, symbol: str, arguments: tuple[int, ...] = ()) -> int:
        """Return the number of a term or atom; names of variables begin with a capital."""
        node = (symbol, arguments)
        if node not in self._numbers:
            self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
            names = frozenset((symbol,)) if symbol[0].isupper() else frozenset[str]()
            self.variables.append(names.union(*(self.variables[each] for each in arguments)))
        return self._numbers[node]

    def put(self, term: int, terms: Mapping[str, int], known: dict[int, int], rest: int = 0) -> int:
        """Return a term with terms in the place of variables.

        Args:
            term: to begin with.
            terms: of variables, by name.
            known: results so far, for these `terms`.
            rest: what other variables become; 0 leaves them.
        """
        waiting = [term]
        while waiting:
            one = waiting.pop()
            symbol, arguments = self.nodes[one]
            if one in known:
                continue
            if not self.variables[one]:
                known[one] = one
            elif not arguments:
                known[one] = terms.get(symbol, rest or one)
            elif missing := [each for each in arguments if each not in known]:
                waiting += [one, *missing]
            else:
                known[one] = self.number(symbol, tuple(known[each] for each in arguments))
        return known[term]


class Reader:
    """Reads a text of annotated formulas, clauses or terms."""

    def __init__(self, text: str, bank: Bank, table: list[int] | None = None) -> None:
        """Begin with a text; `table` says what `$0`, `$1`, ... are in the terms of an instance."""
        self._bank, self._table = bank, table
        self._words = _words(text)
        self._next = next(self._words)
        self._depth = 0
        self._free: dict[str, None] = {}  # variables that no quantifier binds
        self._bound: list[str] = []

    @property
    def ended(self) -> bool:
        """Return whether nothing is left."""
        return not self._next

    def statement(self) -> Statement:
        """Read an annotated formula or an include."""
        language = self._word()
        self._expect("(")
        if language == "include":
            return self._include()
        if language not in ("fof", "cnf"):
            raise TheoremFault(f"expected fof or cnf, not {language!r}")
        name = self._word()
        self._expect(",")
        role = self._word()
        if role not in ROLES:
            raise TheoremFault(f"the role {role!r} is not known")
        self._expect(",")
        self._free = {}
        formula = self._formula()
        if self._free:
            if language == "fof":
                raise TheoremFault(f"no quantifier binds {next(iter(self._free))} in {name}")
            formula = ["!", tuple(self._free), formula]
        depth = 0
        while self._next and (depth or self._next != ")"):
            word = self._word()
            depth += (word in ("(", "[")) - (word in (")", "]"))
        self._expect(")")
        self._expect(".")
        return Statement(role, formula, name, None)

    def _include(self) -> Statement:
        file, wanted = self._word().strip("'"), None
        if self._next == ",":
            self._word()
            names = []
            while self._next not in (")", ""):
                names.append(self._word())
            wanted = frozenset(names) - {"[", "]", ","}
        self._expect(")")
        self._expect(".")
        return Statement("include", file, file, wanted)

    def clause(self) -> list[int]:
        """Read a whole clause: numbers of atoms, negative where they are negated."""
        formula = self._formula()
        parts = formula[1:] if isinstance(formula, list) and formula[0] == "|" else [formula]
        literals = []
        for part in parts:
            negated = isinstance(part, list) and part[0] == "~"
            atom = part[1] if negated else part
            if part is False and len(parts) == 1:
                continue
            if not isinstance(atom, int) or isinstance(atom, bool):
                raise TheoremFault("a clause has a part that is no literal")
            literals.append(-atom if negated else atom)
        self._expect("")
        return literals

    def whole_term(self) -> int:
        """Read a term that is all there is."""
        term = self._term()
        self._expect("")
        return term

    def _word(self) -> str:
        word, self._next = self._next, next(self._words)
        return word

    def _expect(self, word: str) -> None:
        if (found := self._word()) != word:
            raise TheoremFault(f"expected {word or 'the end'!r}, not {found or 'the end'!r}")

    def _formula(self) -> Formula:
        one = self._unit()
        if self._next in ("&", "|"):
            sign, parts = self._next, [one]
            while self._next == sign:
                self._word()
                parts.append(self._unit())
            return [sign, *parts]
        if self._next not in _BINARY:
            return one
        sign = self._word()
        other = self._unit()
        if sign == "<=":
            return ["=>", other, one]
        if sign in ("=>", "<=>"):
            return [sign, one, other]
        return ["~", [{"<~>": "<=>", "~&": "&", "~|": "|"}[sign], one, other]]

    def _unit(self) -> Formula:
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise TheoremFault(f"formulas are nested deeper than {MOST_NESTED}")
        formula: Formula
        if self._next == "~":
            self._word()
            formula = ["~", self._unit()]
        elif self._next == "(":
            self._word()
            formula = self._formula()
            self._expect(")")
        elif self._next in ("!", "?"):
            formula = self._quantified()
        else:
            formula = self._atom()
        self._depth -= 1
        return formula

    def _quantified(self) -> Formula:
        sign = self._word()
        names: list[str] = []
        self._expect("[")
        while not names or self._next == ",":
            if names:
                self._word()
            names.append(self._word())
            if not names[-1][:1].isupper():
                raise TheoremFault(f"{names[-1]!r} is no variable")
        self._expect("]")
        self._expect(":")
        self._bound += names
        body = self._unit()
        del self._bound[-len(names) :]
        return [sign, tuple(dict.fromkeys(names)), body]

    def _atom(self) -> Formula:
        if self._next in ("$true", "$false"):
            return self._word() == "$true"
        left = self._term()
        if self._next not in ("=", "!="):
            symbol = self._bank.nodes[left][0]
            if symbol[0].isupper() or symbol[0] in '"+-0123456789':
                raise TheoremFault(f"{symbol} is no formula")
            return left
        sign = self._word()
        equality = self._bank.number(EQUALITY, (left, self._term()))
        return equality if sign == "=" else ["~", equality]

    def _term(self) -> int:
        around: list[tuple[str, list[int]]] = []
        while True:
            word = self._word()
            if word[:1] == "$":
                term = self._shared(word)
            elif not word or not (word[0].isalnum() or word[0] in "'\"+-"):
                raise TheoremFault(f"expected a term, not {word or 'the end'!r}")
            elif self._next == "(" and not word[0].isupper():
                self._word()
                around.append((word, []))
                continue
            else:
                if word[0].isupper() and word not in self._bound:
                    self._free.setdefault(word)
                term = self._bank.number(word)
            while around:
                around[-1][1].append(term)
                if self._next == ",":
                    self._word()
                    break
                self._expect(")")
                symbol, arguments = around.pop()
                term = self._bank.number(symbol, tuple(arguments))
            else:
                return term

    def _shared(self, word: str) -> int:
        if self._table is None or not word[1:].isdigit() or int(word[1:]) >= len(self._table):
            raise TheoremFault(f"{word} is not known")
        return self._table[int(word[1:])]


def _words(text: str) -> Iterator[str]:
    # The words of a text, quotes around a plain one left out; then empty ones.
    words, end = [], 0
    for found in _TOKEN.finditer(text):
        if found.start() != end:
            break
        kind, end = found.lastindex, found.end()
        word = found[kind or 0]
        plain = _PLAIN.fullmatch(word) if kind == _QUOTED else None
        words.append(plain[1] if plain else word)
    space = _SPACE.match(text, end)
    at = space.end() if space else end
    if at < len(text):
        raise TheoremFault(f"{text[at : at + 12]!r} is no word")
    return chain(words, repeat(""))

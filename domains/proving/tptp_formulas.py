"""Formulas and terms from the words of a TPTP text."""

from __future__ import annotations

from tesuji.domains.proving.formulas import (
    EQUALITY,
    FALSE,
    TRUE,
    Atom,
    Connective,
    Formula,
    Function,
    Quantified,
    Term,
    Variable,
)
from tesuji.domains.proving.tptp_lexer import TptpError, Word, error_at, words_of

MOST_NESTED = 200  # formulas in formulas
MOST_NESTED_TERMS = 10_000

_BINARY = frozenset({"=>", "<=", "<=>", "<~>", "~&", "~|"})

Symbols = dict[str, tuple[str, int]]  # function or predicate, and its arity


class FormulaReader:
    """Reads words one by one, and formulas.

    Attributes:
        word: the next word.
    """

    def __init__(self, text: str, file: str, symbols: Symbols) -> None:
        """Begin.

        Args:
            text: of the file.
            file: its name, for messages.
            symbols: known so far; new ones are added.
        """
        self._text, self._file, self._symbols = text, file, symbols
        self._words = words_of(text, file)
        self.word = next(self._words)
        self._bound: dict[str, int] = {}  # how many quantifiers around bind it
        self._free: dict[str, None] | None = None  # of a cnf formula
        self._depth = 0

    def formula(self, clause: bool) -> Formula:
        """Read a closed formula; that of a `clause` has no quantifiers, and gets one in front."""
        self._free = {} if clause else None
        self._depth = 0
        formula = self._formula()
        return Quantified("!", tuple(self._free), formula) if self._free else formula

    def next(self) -> Word:
        """Return the next word and go on."""
        word = self.word
        self.word = next(self._words, word)
        return word

    def error(self, word: Word, what: str) -> TptpError:
        """Return an error at a word."""
        return error_at(self._text, word.start, self._file, what)

    def take(self, text: str) -> Word:
        """Go on if the next word is `text`."""
        word = self.next()
        if word.text != text or word.kind == "quoted":
            raise self.error(word, f"expected {text!r}, not {shown(word)}")
        return word

    def name(self, what: str) -> Word:
        """Return the next word, which must be a name; `what` says of what."""
        word = self.next()
        if word.kind not in ("lower", "number"):
            raise self.error(word, f"expected {what}, not {shown(word)}")
        return word

    def skip_annotations(self) -> None:
        """Go on to the parenthesis that closes the formula."""
        depth = 0
        while depth or self.word.text != ")":
            word = self.next()
            if word.kind == "end":
                raise self.error(word, "the file ends within a formula")
            depth += (word.text in "([") - (word.text in ")]") if len(word.text) == 1 else 0

    def _formula(self) -> Formula:
        left = self._unitary()
        sign = self.word.text
        if sign in ("&", "|"):
            parts = [left]
            while self.word.text == sign:
                self.next()
                parts.append(self._unitary())
            if self.word.text in ("&", "|") or self.word.text in _BINARY:
                raise self.error(self.word, f"{sign} and {self.word.text}: put parentheses")
            return Connective(sign, tuple(parts))  # type: ignore[arg-type]
        if sign not in _BINARY:
            return left
        self.next()
        right = self._unitary()
        if self.word.text in ("&", "|") or self.word.text in _BINARY:
            raise self.error(self.word, f"{sign} and {self.word.text}: put parentheses")
        return _joined(sign, left, right)

    def _unitary(self) -> Formula:
        self._depth += 1
        word = self.word
        if self._depth > MOST_NESTED:
            raise self.error(word, f"formulas are nested deeper than {MOST_NESTED}")
        if word.text == "~":
            self.next()
            formula: Formula = Connective("~", (self._unitary(),))
        elif word.text in ("!", "?"):
            formula = self._quantified()
        elif word.text == "(":
            self.next()
            formula = self._formula()
            self.take(")")
        else:
            formula = self._atom()
        self._depth -= 1
        return formula

    def _quantified(self) -> Formula:
        quantifier = self.next()
        if self._free is not None:
            raise self.error(quantifier, "cnf formulas have no quantifiers")
        self.take("[")
        names = [self._variable()]
        while self.word.text == ",":
            self.next()
            names.append(self._variable())
        self.take("]")
        self.take(":")
        for name in names:
            self._bound[name] = self._bound.get(name, 0) + 1
        body = self._unitary()
        for name in names:
            self._bound[name] -= 1
        return Quantified(quantifier.text, tuple(dict.fromkeys(names)), body)  # type: ignore[arg-type]

    def _variable(self) -> str:
        word = self.next()
        if word.kind != "upper":
            raise self.error(word, f"expected a variable, not {shown(word)}")
        return word.text

    def _atom(self) -> Formula:
        word = self.word
        if word.kind == "defined":
            self.next()
            if word.text not in (TRUE, FALSE):
                raise self.error(word, f"{word.text} is not supported")
            return Atom(word.text)
        term = self._term()
        sign = self.word.text
        if sign in ("=", "!="):
            self.next()
            right = self._term()
            self._use_terms(word, (term, right))
            atom = Atom(EQUALITY, (term, right))
            return atom if sign == "=" else Connective("~", (atom,))
        if isinstance(term, Variable):
            raise self.error(word, f"the variable {term.name} is no formula")
        self._use_terms(word, term.arguments)
        self._use(word, "predicate", term.symbol, len(term.arguments))
        return Atom(term.symbol, term.arguments)

    def _term(self) -> Term:
        # The functions around the term that is read: their names and their arguments so far.
        around: list[tuple[str, list[Term]]] = []
        while True:
            word = self.next()
            if word.kind == "upper":
                term: Term = self._variable_of(word)
            elif word.kind not in ("lower", "number", "distinct"):
                raise self.error(word, f"expected a term or formula, not {shown(word)}")
            elif self.word.text == "(":
                if len(around) == MOST_NESTED_TERMS:
                    raise self.error(word, f"terms are nested deeper than {MOST_NESTED_TERMS}")
                self.next()
                around.append((word.text, []))
                continue
            else:
                term = Function(word.text)
            while around:
                symbol, arguments = around[-1]
                arguments.append(term)
                if self.word.text == ",":
                    self.next()
                    break
                self.take(")")
                around.pop()
                term = Function(symbol, tuple(arguments))
            else:
                return term

    def _variable_of(self, word: Word) -> Variable:
        if self._free is not None:
            self._free.setdefault(word.text)
        elif not self._bound.get(word.text):
            raise self.error(word, f"no quantifier binds the variable {word.text}")
        return Variable(word.text)

    def _use_terms(self, word: Word, terms: tuple[Term, ...]) -> None:
        left = list(terms)
        while left:
            term = left.pop()
            if isinstance(term, Function):
                self._use(word, "function", term.symbol, len(term.arguments))
                left += term.arguments

    def _use(self, word: Word, kind: str, symbol: str, arity: int) -> None:
        known = self._symbols.setdefault(symbol, (kind, arity))
        if known != (kind, arity):
            raise self.error(
                word,
                f"{symbol} is a {kind} of {arity} here and was a {known[0]} of {known[1]} before",
            )


def _joined(sign: str, left: Formula, right: Formula) -> Formula:
    if sign in ("=>", "<=>"):
        return Connective(sign, (left, right))  # type: ignore[arg-type]
    if sign == "<=":
        return Connective("=>", (right, left))
    inner: Formula = Connective("<=>", (left, right))
    if sign == "~&":
        inner = Connective("&", (left, right))
    elif sign == "~|":
        inner = Connective("|", (left, right))
    return Connective("~", (inner,))


def shown(word: Word) -> str:
    """Return a word for a message."""
    return "the end of the file" if word.kind == "end" else repr(word.text)

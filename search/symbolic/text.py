"""Constraints from text: `"keep centre: implies(to_play == 0, action != 3)"`.

Python's syntax for expressions, read by Python's own parser and never evaluated. `//` and `%` are
those of z3 (the remainder is never negative); bit-vectors compare and shift as unsigned.
"""

from __future__ import annotations

import ast
import difflib
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import z3

from tesuji.search.symbolic.model import ConstraintError
from tesuji.search.symbolic.operators import (
    UnknownNameError,
    WrongSortError,
    arithmetic,
    choose,
    compare,
    exact_number,
    negate,
    select,
    truth,
)
from tesuji.search.symbolic.symbols import Variable
from tesuji.search.symbolic.terms import MAIN

MAX_LENGTH = 10_000  # characters
MAX_DEPTH = 200  # of the syntax tree

_FUNCTIONS = {"implies": (2, 2), "abs": (1, 1), "min": (2, 64), "max": (2, 64)}
_WORDS_USED = {"and", "or", "not", "if", "else", "True", "False"}
_QUANTIFIERS = {"all", "any", "exists", "forall", "sum"}


class Names(Protocol):
    """What constraints can speak of by a name alone."""

    @property
    def variables(self) -> Mapping[str, Variable]:
        """Return the variables."""


Functions = Mapping[str, Callable[[Sequence[str]], Any]]


def parse_constraint(
    text: str, symbols: Names, functions: Functions | None = None
) -> tuple[str, z3.BoolRef]:
    """Return the name and the expression of a constraint.

    Args:
        text: an expression, after `NAME:` if it has a name; otherwise the text is its name.
        symbols: what its names stand for.
        functions: what `NAME(word, ...)` stands for, of words that are names or text in quotes.

    Raises:
        ConstraintError: it cannot be read; the message has its name and the column.
    """
    if len(text) > MAX_LENGTH:
        raise ConstraintError(f"constraint {text[:40] + '…'!r} is longer than {MAX_LENGTH}")
    head, colon, body = text.partition(":")
    if not colon:
        head, body = "", text
    name = head.strip() or body.strip()
    offset = len(text) - len(body) + len(body) - len(body.lstrip())
    source = " ".join(body.strip().splitlines())
    with MAIN:
        source = _unreserved(source, functions or {})
        return name, _Reader(name, source, offset, symbols, functions or {}).read()


def _unreserved(source: str, functions: Functions) -> str:
    """Return an expression that may call functions by Python's own words, such as `in(a, b)`.

    Written in full-width letters they are names, which the parser turns back; columns stay.
    """
    for word in (set(keyword.kwlist) & set(functions)) - _WORDS_USED:
        wide = "".join(chr(ord(letter) + 0xFEE0) for letter in word)
        source = re.sub(rf"\b{word}(?=\s*\()", wide, source)
    return source


class _Reader:
    def __init__(
        self, name: str, source: str, offset: int, symbols: Names, functions: Functions
    ) -> None:
        self._name = name
        self._source = source
        self._offset = offset
        self._terms = {n: v.term for n, v in symbols.variables.items()}
        self._functions = functions

    def read(self) -> z3.BoolRef:
        if not self._source:
            raise ConstraintError(f"constraint {self._name!r} is empty")
        try:
            tree = ast.parse(self._source, mode="eval").body
        except SyntaxError as error:
            raise self._at((error.offset or 1) - 1, error.msg) from None
        except (RecursionError, MemoryError, ValueError) as error:
            raise self._at(0, f"it cannot be parsed ({error or 'too deep'})") from None
        self._check_depth(tree)
        term = self._term(tree)
        try:
            return truth(term)
        except WrongSortError as error:
            raise self._fault(tree, str(error)) from None

    def _check_depth(self, tree: ast.AST) -> None:
        level, depth = [tree], 0
        while level:
            depth += 1
            if depth > MAX_DEPTH:
                raise self._at(0, f"it is nested more than {MAX_DEPTH} deep")
            level = [child for node in level for child in ast.iter_child_nodes(node)]

    def _at(self, column: int, what: str) -> ConstraintError:
        where = column + self._offset + 1
        return ConstraintError(f"constraint {self._name!r}, column {where}: {what}")

    def _fault(self, node: ast.AST, what: str) -> ConstraintError:
        start = getattr(node, "col_offset", 0)
        return self._at(len(self._source.encode()[:start].decode(errors="ignore")), what)

    def _term(self, node: ast.expr) -> Any:
        """Return the z3 term, or a plain number or truth value, that `node` stands for."""
        read = _NODES.get(type(node))
        if read is None:
            what = ast.unparse(node)
            raise self._fault(node, f"{what[:60]!r} is not part of the language of constraints")
        try:
            return read(self, node)
        except (WrongSortError, UnknownNameError) as error:
            raise self._fault(node, str(error)) from None
        except z3.Z3Exception as error:
            raise self._fault(node, f"z3 refuses it: {_words(error)}") from None

    def _constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool | int):
            return node.value
        if isinstance(node.value, float):
            written = ast.get_source_segment(self._source, node) or repr(node.value)
            return exact_number(written)
        raise self._fault(node, f"{node.value!r} is neither a number nor a truth value")

    def _known(self, node: ast.Name) -> Any:
        if node.id in self._terms:
            return self._terms[node.id]
        near = difflib.get_close_matches(node.id, self._terms, n=1, cutoff=0.5)
        known = ", ".join(self._terms)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {known}"
        raise self._fault(node, f"unknown name {node.id!r}; {hint}")

    def _binary(self, node: ast.BinOp) -> Any:
        operator = type(node.op).__name__
        return arithmetic(operator, self._term(node.left), self._term(node.right))

    def _unary(self, node: ast.UnaryOp) -> Any:
        return negate(type(node.op).__name__, self._term(node.operand))

    def _comparison(self, node: ast.Compare) -> Any:
        terms = [self._term(term) for term in (node.left, *node.comparators)]
        parts = [
            compare(type(operator).__name__, left, right)
            for operator, left, right in zip(node.ops, terms, terms[1:], strict=False)
        ]
        return parts[0] if len(parts) == 1 else z3.And(*map(truth, parts))

    def _connective(self, node: ast.BoolOp) -> Any:
        parts = [truth(self._term(value)) for value in node.values]
        return z3.And(*parts) if isinstance(node.op, ast.And) else z3.Or(*parts)

    def _choice(self, node: ast.IfExp) -> Any:
        condition = truth(self._term(node.test))
        return choose(condition, self._term(node.body), self._term(node.orelse))

    def _element(self, node: ast.Subscript) -> Any:
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        term = self._term(node.value)
        for index in indices:
            term = select(term, self._term(index))
        return term

    def _word(self, node: ast.expr) -> str:
        """Return the name of an object: a name, a number, or text in quotes."""
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return str(node.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        raise self._fault(node, f"expected the name of an object, found {ast.unparse(node)!r}")

    def _call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name in self._functions:
            return self._functions[name]([self._word(argument) for argument in node.args])
        if name in _QUANTIFIERS:
            what = f"{name}: quantifiers are outside the fragment; state it of each element"
            raise self._fault(node, what)
        if name not in _FUNCTIONS:
            known = [*self._functions, *_FUNCTIONS]
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise self._fault(node, f"unknown function {name!r}; {hint}")
        fewest, most = _FUNCTIONS[name]
        if node.keywords or not fewest <= len(node.args) <= most:
            takes = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise self._fault(node, f"{name} takes {takes} arguments, got {len(node.args)}")
        return _apply(name, [self._term(argument) for argument in node.args])


def _apply(name: str, terms: list[Any]) -> Any:
    if name == "implies":
        return z3.Implies(truth(terms[0]), truth(terms[1]))
    if name == "abs":
        return choose(truth(compare("GtE", terms[0], 0)), terms[0], negate("USub", terms[0]))
    found = terms[0]
    for term in terms[1:]:
        found = choose(truth(compare("LtE" if name == "min" else "GtE", found, term)), found, term)
    return found


def _words(error: z3.Z3Exception) -> str:
    value = error.value
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


_NODES: dict[type[ast.expr], Callable[[_Reader, Any], Any]] = {
    ast.Constant: _Reader._constant,
    ast.Name: _Reader._known,
    ast.BinOp: _Reader._binary,
    ast.UnaryOp: _Reader._unary,
    ast.Compare: _Reader._comparison,
    ast.BoolOp: _Reader._connective,
    ast.IfExp: _Reader._choice,
    ast.Subscript: _Reader._element,
    ast.Call: _Reader._call,
}

"""Smart Game Format, FF[4]: text to trees of properties and back, without knowing any rules.

There is no recursion, and what a file may hold is bounded by `Limits`: beyond them it is refused at
once. Values are kept as they are meant: unescaped, decoded by the file's own `CA`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field


class SgfError(ValueError):
    """A text that is no SGF, or too much of one; the message says where."""


@dataclass(frozen=True)
class Limits:
    """How much one file may hold.

    Attributes:
        max_bytes: of the whole file.
        max_nodes: of all games together.
        max_variations: branches of all games together.
        max_depth: variations in one another.
        max_value: characters of one value.
        max_values: values of one property.
    """

    max_bytes: int = 8 << 20
    max_nodes: int = 50_000
    max_variations: int = 10_000
    max_depth: int = 1_000
    max_value: int = 100_000
    max_values: int = 1_000


LIMITS = Limits()
_ENCODINGS = ("utf-8", "latin-1")  # tried in turn where a file names none
_IDENT = re.compile(r"[A-Za-z]{1,32}")
_BLANK = re.compile(r"[\s\x00]*")
_VALUE = re.compile(r"((?:[^\]\\]|\\.)*)\]", re.DOTALL)
_CA = re.compile(rb"CA\s*\[\s*([A-Za-z0-9_.:-]{1,40})\s*\]")


@dataclass(eq=False)
class SgfNode:
    """A node: what it says, and the nodes that may follow, the main line first."""

    properties: dict[str, list[str]] = field(default_factory=dict)
    children: list[SgfNode] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """Return the first value of a property, or None."""
        values = self.properties.get(name)
        return values[0] if values else None


def parse_sgf(data: bytes | str, limits: Limits = LIMITS) -> list[SgfNode]:
    """Return the roots of the games in `data`.

    Raises:
        SgfError: it is no SGF, or exceeds a limit, which the message names.
    """
    if len(data) > limits.max_bytes:
        raise SgfError(f"an SGF file has at most {limits.max_bytes} bytes, got {len(data)}")
    return _Parser(data if isinstance(data, str) else _decode(data), limits).games()


def _decode(data: bytes) -> str:
    """Return the text of a file, by its own word, or by what fits."""
    named = _CA.search(data[:4096])
    encodings: tuple[str, ...] = _ENCODINGS
    if named is not None:
        try:
            encodings = (codecs.lookup(named[1].decode("ascii")).name, "utf-8", "latin-1")
        except LookupError:
            raise SgfError(f"unknown encoding CA[{named[1].decode('ascii')}]") from None
    for encoding in encodings:
        try:
            return data.decode(encoding).removeprefix("\ufeff")
        except (UnicodeDecodeError, LookupError):
            continue
    raise SgfError("the text fits no encoding")


class _Parser:
    def __init__(self, text: str, limits: Limits) -> None:
        self.text = text
        self.limits = limits
        self.at = 0
        self.num_nodes = self.num_variations = 0

    def fault(self, what: str) -> SgfError:
        """Return the error that tells of `what` here."""
        line = self.text.count("\n", 0, self.at) + 1
        column = self.at - self.text.rfind("\n", 0, self.at)
        return SgfError(f"line {line}, column {column}: {what}")

    def blank(self) -> str:
        """Skip blanks and return the next character, empty at the end."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def games(self) -> list[SgfNode]:
        start = re.search(r"\(\s*;", self.text)  # mail headers and the like may stand before
        if start is None:
            raise SgfError("not an SGF file: it has no '(;'")
        self.at = start.start()
        top = SgfNode()
        stack: list[SgfNode] = []  # where each open variation began
        here, begun = top, False
        while sign := self.blank():
            if sign == "(":
                self._open(stack, here, begun)
                begun = False
            elif sign == ")" and stack and begun:
                here = stack.pop()
                self.at += 1
                begun = bool(stack)
            elif sign == ";" and stack:
                self.at += 1
                node = self._node()
                here.children.append(node)
                here, begun = node, True
            elif not stack:
                break  # what follows the last game is no concern of ours
            else:
                raise self.fault(f"expected ';', '(' or ')', got {sign!r}")
        if stack:
            raise self.fault(f"{len(stack)} variation(s) are not closed by ')'")
        return top.children

    def _open(self, stack: list[SgfNode], here: SgfNode, begun: bool) -> None:
        if stack and not begun:
            raise self.fault("a variation begins with ';'")
        self.num_variations += 1
        if self.num_variations > self.limits.max_variations:
            raise self.fault(f"more than {self.limits.max_variations} variations (max_variations)")
        if len(stack) >= self.limits.max_depth:
            raise self.fault(f"variations nested deeper than {self.limits.max_depth} (max_depth)")
        stack.append(here)
        self.at += 1

    def _node(self) -> SgfNode:
        self.num_nodes += 1
        if self.num_nodes > self.limits.max_nodes:
            raise self.fault(f"more than {self.limits.max_nodes} nodes (max_nodes)")
        node = SgfNode()
        while self.blank().isalpha():
            match = _IDENT.match(self.text, self.at)
            if match is None:
                raise self.fault(f"no property is called {self.text[self.at : self.at + 8]!r}")
            self.at = match.end()
            # Older files have small letters in names, which do not count.
            name = "".join(letter for letter in match[0] if letter.isupper()) or match[0]
            values = node.properties.setdefault(name, [])
            values.extend(self._values(name))
            if len(values) > self.limits.max_values:
                raise self.fault(f"{name} has more than {self.limits.max_values} values")
        return node

    def _values(self, name: str) -> Iterator[str]:
        if self.blank() != "[":
            raise self.fault(f"property {name} has no value in '[]'")
        while self.blank() == "[":
            match = _VALUE.match(self.text, self.at + 1, self.at + self.limits.max_value + 2)
            if match is None:
                limit = self.limits.max_value
                raise self.fault(f"the value of {name} is not closed by ']' within {limit}")
            self.at = match.end()
            yield _unescape(match[1])


def _unescape(text: str) -> str:
    text = re.sub(r"\\(\r\n|\n\r|\n|\r)", "", text)  # a line broken for looks only
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def format_sgf(roots: list[SgfNode]) -> str:
    """Return games as SGF, UTF-8."""
    parts: list[str] = []
    stack: list[SgfNode | str] = []
    for root in reversed(roots):
        stack += [")\n", root, "("]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        parts.append(";" + "".join(_property(*item) for item in node.properties.items()))
        if len(node.children) == 1:
            stack.append(node.children[0])
        else:
            for child in reversed(node.children):
                stack += [")", child, "\n("]
    return "".join(parts)


def _property(name: str, values: list[str]) -> str:
    escaped = (value.replace("\\", "\\\\").replace("]", "\\]") for value in values)
    return name + "".join(f"[{value}]" for value in escaped)

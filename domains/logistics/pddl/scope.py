"""What names mean while PDDL is read: types, objects, predicates, functions, variables."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tesuji.domains.logistics.pddl.reader import Group, Node, Word
from tesuji.domains.logistics.pddl.syntax import OBJECT, TOTAL_COST, TOTAL_TIME, Atom, Variable


@dataclass
class Scope:
    """The declarations read so far."""

    supertypes: dict[str, str] = field(default_factory=dict)
    objects: dict[str, tuple[str, ...]] = field(default_factory=dict)
    predicates: dict[str, tuple[Variable, ...]] = field(default_factory=dict)
    functions: dict[str, tuple[Variable, ...]] = field(
        default_factory=lambda: {TOTAL_COST: (), TOTAL_TIME: ()}
    )

    def check_type(self, word: Word) -> str:
        """Return the name of a declared type."""
        if word.text != OBJECT and word.text not in self.supertypes:
            word.fail(f"unknown type {word.text!r}{suggest(word.text, self.supertypes)}")
        return word.text

    def ancestors(self, kind: str) -> set[str]:
        """Return a type and all types above it."""
        found = {kind, OBJECT}
        while kind in self.supertypes and self.supertypes[kind] not in found:
            kind = self.supertypes[kind]
            found.add(kind)
        return found

    def atom(self, group: Group, variables: Mapping[str, Variable]) -> Atom:
        """Return a predicate over terms that are known and of its types."""
        return self._apply(group, variables, self.predicates, "predicate")

    def fluent(self, node: Node, variables: Mapping[str, Variable]) -> Atom:
        """Return a numeric function over terms that are known and of its types."""
        if isinstance(node, Word):
            node = Group((node,), node.file, node.line, node.column)
        return self._apply(node, variables, self.functions, "function")

    def _apply(
        self,
        group: Group,
        variables: Mapping[str, Variable],
        table: Mapping[str, tuple[Variable, ...]],
        what: str,
    ) -> Atom:
        name = group.head()
        if name.text not in table:
            name.fail(f"unknown {what} {name.text!r}{suggest(name.text, table)}")
        parameters = table[name.text]
        terms = words(group.items[1:])
        if len(terms) != len(parameters):
            name.fail(f"{what} {name.text} takes {len(parameters)} terms, got {len(terms)}")
        for term, parameter in zip(terms, parameters, strict=True):
            self._check_term(term, parameter, variables, name.text)
        return Atom(name.text, tuple(term.text for term in terms))

    def _check_term(
        self, term: Word, parameter: Variable, variables: Mapping[str, Variable], of: str
    ) -> None:
        types = self.term_types(term, variables)
        wanted = set(parameter.types)
        if any(wanted & self.ancestors(kind) for kind in types):
            return
        # A variable of a wider type may still stand for objects that fit.
        if term.text[0] == "?" and any(set(types) & self.ancestors(kind) for kind in wanted):
            return
        term.fail(f"{term.text} is {a(types)}, but {of} takes {a(parameter.types)} there")

    def term_types(self, term: Word, variables: Mapping[str, Variable]) -> tuple[str, ...]:
        """Return the types of a variable or an object."""
        if term.text[0] == "?":
            if term.text not in variables:
                term.fail(f"unknown variable {term.text}{suggest(term.text, variables)}")
            return variables[term.text].types
        if term.text not in self.objects:
            term.fail(f"unknown object {term.text!r}{suggest(term.text, self.objects)}")
        return self.objects[term.text]


def words(nodes: Sequence[Node]) -> tuple[Word, ...]:
    """Return `nodes`, all of which must be words."""
    for node in nodes:
        if not isinstance(node, Word):
            node.fail("expected a name, found a list")
    return tuple(node for node in nodes if isinstance(node, Word))


def groups(nodes: Sequence[Node]) -> tuple[Group, ...]:
    """Return `nodes`, all of which must be lists."""
    for node in nodes:
        if not isinstance(node, Group):
            node.fail(f"expected a list in brackets, found {node.text!r}")
    return tuple(node for node in nodes if isinstance(node, Group))


def typed_list(nodes: Sequence[Node]) -> list[tuple[Word, tuple[Word, ...]]]:
    """Return the names of `a b - t c - (either t u) d`, each with its types; () where untyped."""
    found: list[tuple[Word, tuple[Word, ...]]] = []
    waiting: list[Word] = []
    position = 0
    while position < len(nodes):
        node = nodes[position]
        if not isinstance(node, Word):
            node.fail("expected a name, found a list")
        position += 1
        if node.text != "-":
            waiting.append(node)
            continue
        if not waiting or position == len(nodes):
            node.fail("expected names before '-' and a type after it")
        kind = nodes[position]
        position += 1
        if isinstance(kind, Word):
            types: tuple[Word, ...] = (kind,)
        elif kind.head().text == "either":
            types = words(kind.items[1:])
        else:
            kind.fail("expected a type or (either TYPE ...)")
        found += [(word, types) for word in waiting]
        waiting = []
    return found + [(word, ()) for word in waiting]


def variables_of(nodes: Sequence[Node], scope: Scope) -> tuple[Variable, ...]:
    """Return a typed list of variables."""
    found: dict[str, Variable] = {}
    for word, types in typed_list(nodes):
        if word.text[0] != "?":
            word.fail(f"expected a variable such as ?{word.text}, found {word.text!r}")
        if word.text in found:
            word.fail(f"variable {word.text} is declared twice")
        kinds = tuple(scope.check_type(kind) for kind in types) or (OBJECT,)
        found[word.text] = Variable(word.text, kinds)
    return tuple(found.values())


def suggest(name: str, known: Collection[str]) -> str:
    """Return a hint at the known name that is most like `name`, or nothing."""
    close = difflib.get_close_matches(name, list(known)[:5000], 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def a(types: Sequence[str]) -> str:
    """Return types as people say them."""
    return "a " + " or ".join(types)

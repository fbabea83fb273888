"""Reading a PDDL domain and a problem of it."""

from __future__ import annotations

from pathlib import Path

from tesuji.domains.logistics.pddl.formulas import (
    number_of,
    read_effects,
    read_expression,
    read_formula,
)
from tesuji.domains.logistics.pddl.reader import Group, Node, PddlError, Word, read
from tesuji.domains.logistics.pddl.scope import Scope, groups, typed_list, variables_of, words
from tesuji.domains.logistics.pddl.syntax import (
    EQUALS,
    OBJECT,
    Action,
    And,
    Atom,
    Expression,
    Formula,
    Task,
    Variable,
)
from tesuji.domains.logistics.text_files import read_text

SUPPORTED = {
    ":strips", ":typing", ":negative-preconditions", ":disjunctive-preconditions", ":equality",
    ":existential-preconditions", ":universal-preconditions", ":quantified-preconditions",
    ":conditional-effects", ":adl", ":fluents", ":numeric-fluents", ":action-costs",
}  # fmt: skip


def load_task(domain: str | Path, problem: str | Path) -> Task:
    """Read a domain file and a problem file.

    Raises:
        PddlError: a file that cannot be read, is not PDDL, names what is not declared, or needs
            what is not supported; it says where.
    """
    domain_text, problem_text = (read_text(path, PddlError) for path in (domain, problem))
    return parse_task(domain_text, problem_text, str(domain), str(problem))


def parse_task(
    domain_text: str, problem_text: str, domain_file: str = "domain", problem_file: str = "problem"
) -> Task:
    """Return the task that a domain's text and a problem's text describe; see `load_task`."""
    domain_name, sections = _define(read(domain_text, domain_file), "domain")
    scope = Scope()
    _read_requirements(sections)
    for section in _of(sections, ":types"):
        _read_types(section, scope)
    for section in _of(sections, ":constants"):
        _read_objects(section, scope)
    for section in _of(sections, ":predicates"):
        _declare(groups(section.items[1:]), scope, scope.predicates)
    for section in _of(sections, ":functions"):
        # The types of functions, all `number`, stand between them.
        found = [item for item in section.items[1:] if isinstance(item, Group)]
        _declare(tuple(found), scope, scope.functions)
    action_groups = _of(sections, ":action")

    problem = read(problem_text, problem_file)
    name, parts = _define(problem, "problem")
    wanted = words(_one(parts, ":domain", problem).items[1:])
    if len(wanted) != 1 or wanted[0].text != domain_name:
        written = wanted[0].text if wanted else ""
        problem.fail(f"the problem is of domain {written!r}, the domain file of {domain_name!r}")
    _read_requirements(parts)
    for section in _of(parts, ":objects"):
        _read_objects(section, scope)
    actions = tuple(_read_action(group, scope) for group in action_groups)
    init, numbers = _read_init(_one(parts, ":init", problem), scope)
    goals = _one(parts, ":goal", problem).items[1:]
    if len(goals) != 1:
        problem.fail(f":goal takes one condition, got {len(goals)}")
    return Task(
        name=name, domain=domain_name, supertypes=scope.supertypes, objects=scope.objects,
        predicates=scope.predicates, functions=scope.functions, actions=actions,
        init=init, numbers=numbers, goal=read_formula(goals[0], scope, {}),
        metric=_read_metric(parts, scope),
    )  # fmt: skip


def _define(group: Group, what: str) -> tuple[str, tuple[Group, ...]]:
    if group.head().text != "define" or len(group.items) < 2:
        group.fail(f"expected (define ({what} NAME) ...)")
    title = groups(group.items[1:2])[0]
    if title.head().text != what or len(title.items) != 2:
        title.fail(f"expected ({what} NAME); is this the other file of the two?")
    sections = groups(group.items[2:])
    for section in sections:
        head = section.head()
        if head.text in (":durative-action", ":derived", ":constraints"):
            head.fail(f"{head.text} is not supported")
        if head.text not in _SECTIONS[what]:
            head.fail(f"unknown section {head.text!r} of a {what}")
    return words(title.items[1:])[0].text, sections


_SECTIONS = {
    "domain": {":requirements", ":types", ":constants", ":predicates", ":functions", ":action"},
    "problem": {":domain", ":requirements", ":objects", ":init", ":goal", ":metric"},
}


def _of(sections: tuple[Group, ...], name: str) -> list[Group]:
    return [section for section in sections if section.head().text == name]


def _one(sections: tuple[Group, ...], name: str, within: Group) -> Group:
    found = _of(sections, name)
    if len(found) != 1:
        within.fail(f"expected one {name}, found {len(found)}")
    return found[0]


def _read_requirements(sections: tuple[Group, ...]) -> None:
    for section in _of(sections, ":requirements"):
        for word in words(section.items[1:]):
            if word.text not in SUPPORTED:
                word.fail(f"requirement {word.text} is not supported")


def _read_types(section: Group, scope: Scope) -> None:
    listed = typed_list(section.items[1:])
    for word, parents in listed:
        if len(parents) > 1:
            word.fail(f"type {word.text} has {len(parents)} parents; one is supported")
        if word.text == OBJECT:
            continue
        parent = parents[0].text if parents else OBJECT
        if scope.supertypes.get(word.text, OBJECT) not in (OBJECT, parent):
            word.fail(f"type {word.text} is declared twice, with different parents")
        scope.supertypes[word.text] = parent
    for word, parents in listed:
        for above in parents:
            # A parent that is named but not listed is a type all the same.
            if above.text != OBJECT:
                scope.supertypes.setdefault(above.text, OBJECT)
        if word.text != OBJECT and word.text in scope.ancestors(scope.supertypes[word.text]):
            word.fail(f"type {word.text} is its own ancestor")


def _read_objects(section: Group, scope: Scope) -> None:
    for word, types in typed_list(section.items[1:]):
        if word.text[0] == "?" or (number_of(word) is not None and "." in word.text):
            word.fail(f"{word.text!r} is not a name of an object")
        kinds = tuple(scope.check_type(kind) for kind in types) or (OBJECT,)
        if scope.objects.get(word.text, kinds) != kinds:
            word.fail(f"object {word.text} is declared twice, with different types")
        scope.objects[word.text] = kinds


def _declare(
    listed: tuple[Group, ...], scope: Scope, table: dict[str, tuple[Variable, ...]]
) -> None:
    for group in listed:
        name = group.head()
        if name.text in table and name.text != "total-cost":
            name.fail(f"{name.text} is declared twice")
        table[name.text] = tuple(
            Variable(word.text, tuple(scope.check_type(kind) for kind in types) or (OBJECT,))
            for word, types in typed_list(group.items[1:])
        )


def _read_action(group: Group, scope: Scope) -> Action:
    items = group.items[1:]
    if not items or not isinstance(items[0], Word):
        group.fail("expected (:action NAME ...)")
    parts: dict[str, Node] = {}
    for key, value in zip(items[1::2], items[2::2], strict=False):
        if not isinstance(key, Word) or key.text not in (":parameters", ":precondition", ":effect"):
            key.fail("expected :parameters, :precondition or :effect")
        parts[key.text] = value
    if len(items) % 2 == 0:
        items[-1].fail("nothing follows")
    listed = groups((parts[":parameters"],))[0].items if ":parameters" in parts else ()
    parameters = variables_of(listed, scope)
    known = {variable.name: variable for variable in parameters}
    precondition: Formula = And()
    if ":precondition" in parts:
        precondition = read_formula(parts[":precondition"], scope, known)
    effects = read_effects(parts[":effect"], scope, known) if ":effect" in parts else []
    return Action(items[0].text, parameters, precondition, tuple(effects))


def _read_init(section: Group, scope: Scope) -> tuple[frozenset[Atom], dict[Atom, float]]:
    atoms: set[Atom] = set()
    numbers: dict[Atom, float] = {}
    for group in groups(section.items[1:]):
        head = group.head().text
        if head == EQUALS:
            if len(group.items) != 3:
                group.fail("expected (= FLUENT NUMBER)")
            value = group.items[2]
            number = number_of(value) if isinstance(value, Word) else None
            if number is None:
                value.fail("expected a number")
            numbers[scope.fluent(group.items[1], {})] = number
        elif head == "not":
            scope.atom(groups(group.items[1:])[0], {})  # what is not said is false anyway
        else:
            atoms.add(scope.atom(group, {}))
    return frozenset(atoms), numbers


def _read_metric(parts: tuple[Group, ...], scope: Scope) -> Expression | None:
    for section in _of(parts, ":metric"):
        if len(section.items) != 3:
            section.fail("expected (:metric minimize EXPRESSION)")
        direction = words(section.items[1:2])[0]
        if direction.text != "minimize":
            direction.fail(f"only minimize is supported, found {direction.text!r}")
        return read_expression(section.items[2], scope, {})
    return None

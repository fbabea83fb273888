"""Objects of which the rules and the goal say the same, such as trucks of one fleet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from tesuji.domains.logistics.pddl.decoding import decoded
from tesuji.domains.logistics.pddl.finite_domain import FactNames, FiniteDomain
from tesuji.domains.logistics.pddl.invariants import mutex_groups
from tesuji.domains.logistics.pddl.operators import Operators
from tesuji.domains.logistics.pddl.ragged import Numbers64, Ragged, starts
from tesuji.domains.logistics.pddl.syntax import And, Atom, Formula, Not, Or, Quantified, Task


def fact_names(operators: Operators, variables: FiniteDomain) -> FactNames:
    """Return what the facts of a task say."""
    atoms = decoded(operators)
    facts = np.arange(len(variables.atom))
    predicate = np.where(variables.atom < 0, -1, atoms.predicate[variables.atom])
    own = -2 - facts
    return FactNames(
        np.where(predicate < 0, own, predicate),
        np.where(predicate[:, None] < 0, -1, atoms.terms[variables.atom]),
        _alike(operators),
        fact_groups(operators, variables),
    )


def fact_groups(operators: Operators, variables: FiniteDomain) -> Ragged:
    """Return groups of facts of which at most one holds, an atom and its negation left out."""
    codes = operators.codes
    fact = np.zeros(operators.num_atoms, np.int64)
    fact[variables.atom[variables.atom >= 0]] = np.flatnonzero(variables.atom >= 0)
    groups = [
        fact[group]
        for group in mutex_groups(operators)
        if not np.isin(-1 - codes[group], codes[group]).any()
    ]
    sizes = np.array([len(group) for group in groups], np.int64)
    return Ragged(starts(sizes), np.concatenate([np.zeros(0, np.int64), *groups]))


def _alike(operators: Operators) -> Numbers64:
    """Number objects by their types, the goal's apart, and what is always said of them."""
    grounder = operators.ground.grounder
    task: Task = grounder.task
    said: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for atom in task.init:
        if atom.name not in grounder.fluent:
            _note(said, atom, None)
    for atom, value in task.numbers.items():
        _note(said, atom, value)
    wanted = {term for atom in _atoms_of(task.goal) for term in atom.terms}
    numbers: dict[object, int] = {}
    found = []
    for name in grounder.objects:
        apart = name if name in wanted else None
        key = apart, task.objects[name], frozenset(said[name])
        found.append(numbers.setdefault(key, len(numbers)))
    return np.array(found, np.int64)


def _note(said: dict[str, set[tuple[object, ...]]], atom: Atom, value: float | None) -> None:
    for name in set(atom.terms):
        said[name].add((atom.name, *("" if t == name else t for t in atom.terms), value))


def _atoms_of(formula: Formula) -> Iterator[Atom]:
    match formula:
        case Atom():
            yield formula
        case Not(part) | Quantified(_, _, part):
            yield from _atoms_of(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _atoms_of(part)
        case _:
            return

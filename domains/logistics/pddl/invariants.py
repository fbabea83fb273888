"""Groups of atoms of which at most one holds, found from the schemas' ground instances.

A candidate says: of the atoms of these predicates that agree in these places, at most one holds
(Helmert 2009, section 5). It stands where no operator adds two of a group, or one without deleting
one that it requires. One that fails is tried again with a predicate more. Candidates are sought on
a sample of the operators; what is returned was checked on all.
"""

from __future__ import annotations

from collections import deque
from itertools import permutations
from typing import NamedTuple

import numpy as np

from tesuji.domains.logistics.pddl.decoding import DecodedAtoms, decoded
from tesuji.domains.logistics.pddl.operators import Operators
from tesuji.domains.logistics.pddl.ragged import Numbers64, is_in

MAX_CANDIDATES = 300
SAMPLE = 2000  # operators of each schema


class _Part(NamedTuple):
    predicate: int
    places: tuple[int, ...]  # where the group's objects stand, in the group's order


_Candidate = frozenset[_Part]


class _Pairs(NamedTuple):
    operator: Numbers64
    atom: Numbers64


def mutex_groups(task: Operators) -> list[Numbers64]:
    """Return groups of atoms of which exactly one or none holds in every reachable state."""
    atoms = decoded(task)
    adds, deletes = _changes(task)
    chosen = _sample(task)
    few_adds = _Pairs(*(column[is_in(adds.operator, chosen)] for column in adds))
    few_deletes = _Pairs(*(column[is_in(deletes.operator, chosen)] for column in deletes))
    waiting = deque(_first_candidates(task, atoms))
    seen = set(waiting)
    groups: list[Numbers64] = []
    while waiting:
        candidate = waiting.popleft()
        keys = _keys(candidate, atoms)
        failing = _unbalanced(keys, few_adds, few_deletes)
        if failing is None and _unbalanced(keys, adds, deletes) is None:
            groups += _instances(keys, task)
        elif failing is not None and failing[0] >= 0:
            for refined in _refine(candidate, *failing, few_deletes, atoms):
                if refined not in seen and len(seen) < MAX_CANDIDATES:
                    seen.add(refined)
                    waiting.append(refined)
    return groups + _twins(task)


def _changes(task: Operators) -> tuple[_Pairs, _Pairs]:
    """Return what operators make true, and what they require and make false for certain."""
    effects = task.effects
    size = max(1, task.num_atoms)
    required = task.before.owner() * size + task.before.values
    keys = effects.operator * size + effects.atom
    certain = effects.when.lengths() == 0
    needed = is_in(keys, required)
    adds = np.flatnonzero(effects.adds & ~needed)
    deletes = np.flatnonzero(~effects.adds & certain & needed)
    return (
        _Pairs(effects.operator[adds], effects.atom[adds]),
        _Pairs(effects.operator[deletes], effects.atom[deletes]),
    )


def _sample(task: Operators) -> Numbers64:
    block = task.origin[:, 0]
    order = np.argsort(block, kind="stable")
    first = np.searchsorted(block[order], block[order])
    rank = np.arange(len(block)) - first
    size = np.bincount(block, minlength=1)[block[order]]
    stride = np.maximum(1, size // SAMPLE)
    chosen: Numbers64 = order[rank % stride == 0]
    return chosen


def _first_candidates(task: Operators, atoms: DecodedAtoms) -> list[_Candidate]:
    found: list[_Candidate] = []
    for predicate in np.unique(atoms.predicate[atoms.predicate >= 0]).tolist():
        places = tuple(range(task.ground.grounder.arity[predicate]))
        found.append(frozenset([_Part(predicate, places)]))
        found += [
            frozenset([_Part(predicate, places[:i] + places[i + 1 :])]) for i in range(len(places))
        ]
    return found


def _keys(candidate: _Candidate, atoms: DecodedAtoms) -> Numbers64:
    """Return for each atom its group's number, -1 for those in none."""
    keys = np.full(len(atoms.predicate), -1, np.int64)
    for part in candidate:
        here = np.flatnonzero(atoms.predicate == part.predicate)
        number = np.zeros(len(here), np.int64)
        for place in part.places:
            number = number * atoms.base + atoms.terms[here, place]
        keys[here] = number
    return keys


def _unbalanced(keys: Numbers64, adds: _Pairs, deletes: _Pairs) -> tuple[int, int] | None:
    """Return None, an operator and group that gains an atom, or (-1, -1) if it gains two."""
    added = keys[adds.atom]
    groups, number = np.unique(keys, return_inverse=True)
    within = added >= 0
    pairs = adds.operator[within] * len(groups) + number[adds.atom[within]]
    distinct, counts = np.unique(pairs, return_counts=True)
    if (counts > 1).any():
        return -1, -1
    inside = keys[deletes.atom] >= 0
    paid = deletes.operator[inside] * len(groups) + number[deletes.atom[inside]]
    unpaid = distinct[~is_in(distinct, paid)]
    if not len(unpaid):
        return None
    operator, group = divmod(int(unpaid[0]), len(groups))
    return operator, int(groups[group])


def _refine(
    candidate: _Candidate, operator: int, key: int, deletes: _Pairs, atoms: DecodedAtoms
) -> list[_Candidate]:
    covered = {part.predicate for part in candidate}
    count = len(next(iter(candidate)).places)
    objects: list[int] = []
    for _ in range(count):
        key, last = divmod(key, atoms.base)
        objects.insert(0, last)
    found: list[_Candidate] = []
    for atom in deletes.atom[deletes.operator == operator].tolist():
        predicate = int(atoms.predicate[atom])
        terms = [term for term in atoms.terms[atom].tolist() if term >= 0]
        if predicate in covered or predicate < 0 or not count <= len(terms) <= count + 1:
            continue
        for places in permutations(range(len(terms)), count):
            if [terms[place] for place in places] == objects:
                found.append(candidate | {_Part(predicate, places)})
    return found


def _instances(keys: Numbers64, task: Operators) -> list[Numbers64]:
    order = np.argsort(keys, kind="stable")
    order = order[np.searchsorted(keys[order], 0) :]
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    groups = np.split(order, cuts)
    # One that begins with two true is no group; one that begins with none stays empty for ever.
    return [group for group in groups if len(group) > 1 and task.init[group].sum() == 1]


def _twins(task: Operators) -> list[Numbers64]:
    twins = np.flatnonzero(task.codes < 0)
    position = {code: atom for atom, code in enumerate(task.codes.tolist()) if code >= 0}
    codes = (-1 - task.codes[twins]).tolist()
    return [
        np.array([position[code], twin])
        for code, twin in zip(codes, twins.tolist(), strict=True)
        if code in position
    ]

"""Which objects the parameters of actions can ever stand for, from where atoms can come from.

An atom holds at first or some action adds it. What one effect can add is a box: for each place of
the predicate the objects that may stand there. Boxes and the parameters' domains are made larger in
turn until nothing changes (relaxed reachability, with boxes for sets of atoms). Where no box meets
an atom of a precondition, the atom holds at first or never, as if nothing ever added its predicate:
the place of a nut that cannot move, though `at` is said of people, who can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tesuji.domains.logistics.pddl.relations import BoolArray, IntArray
from tesuji.domains.logistics.pddl.schemas import Schema
from tesuji.domains.logistics.pddl.syntax import EQUALS, Atom

Box = tuple[BoolArray, ...]  # the objects at each place


@dataclass
class Narrowing:
    """What `narrow` finds.

    Attributes:
        index: the number of each object.
        tables: the rows of each predicate at first.
        boxes: of each predicate, what each effect can add to it.
        domains: of each schema, the objects that each parameter may be.
    """

    index: Mapping[str, int]
    tables: Mapping[str, IntArray]
    boxes: dict[str, dict[tuple[int, int], Box]]
    domains: list[list[BoolArray]]

    def is_from_start(self, atom: Atom, own: Mapping[str, BoolArray]) -> bool:
        """Return whether an atom over parameters with these domains holds at first or never."""
        return not self._met(atom, self._places(atom, own))

    def restricted(self, schema: Schema, types: Sequence[BoolArray]) -> dict[str, BoolArray]:
        """Return the domains of a schema's parameters, by what its precondition can find."""
        own = {v.name: mask.copy() for v, mask in zip(schema.parameters, types, strict=True)}
        for atom in schema.before.true:
            if atom.name == EQUALS:
                continue
            places = self._places(atom, own)
            rows = self.tables[atom.name]
            fits = np.ones(len(rows), np.bool_)
            for position, place in enumerate(places):
                fits &= place[rows[:, position]]
            met = self._met(atom, places)
            for position, term in enumerate(atom.terms):
                if term in own:
                    able = np.zeros_like(own[term])
                    able[rows[fits, position]] = True
                    for box in met:
                        able |= box[position]
                    own[term] &= able
        return own

    def add(self, which: tuple[int, int], atom: Atom, own: Mapping[str, BoolArray]) -> bool:
        """Let an effect add an atom over parameters with these domains; return if that is news."""
        box, known = self._places(atom, own), self.boxes[atom.name].get(which)
        if known is not None and all(map(np.array_equal, known, box)):
            return False
        self.boxes[atom.name][which] = box
        return True

    def _met(self, atom: Atom, places: Box) -> list[Box]:
        return [
            box
            for box in self.boxes[atom.name].values()
            if all((able & place).any() for able, place in zip(box, places, strict=True))
        ]

    def _places(self, atom: Atom, own: Mapping[str, BoolArray]) -> Box:
        return tuple(own[term] if term in own else self._only(term) for term in atom.terms)

    def _only(self, name: str) -> BoolArray:
        mask = np.zeros(len(self.index), np.bool_)
        mask[self.index[name]] = True
        return mask


def narrow(
    schemas: Sequence[Schema],
    types: Sequence[Sequence[BoolArray]],
    index: Mapping[str, int],
    tables: Mapping[str, IntArray],
) -> Narrowing:
    """Return the objects that each parameter may be.

    Args:
        schemas: of all actions.
        types: of each schema, the objects of its parameters' types.
        index: the number of each object.
        tables: the rows of each predicate at first.
    """
    found = Narrowing(index, tables, {name: {} for name in tables}, [])
    changed = True
    while changed:
        changed = False
        for number, (schema, allowed) in enumerate(zip(schemas, types, strict=True)):
            own = found.restricted(schema, allowed)
            if any(not domain.any() for domain in own.values()):
                continue
            for place, change in enumerate(schema.changes):
                if isinstance(change.what, Atom):
                    changed |= found.add((number, place), change.what, own)
    found.domains = [
        list(found.restricted(schema, allowed).values())
        for schema, allowed in zip(schemas, types, strict=True)
    ]
    return found

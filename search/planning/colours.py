"""Weisfeiler-Leman colours of a state's objects and atoms, kept up to date as the state changes.

Each object starts with a colour. In each round an atom's colour is a hash of what it says and of
its objects' colours, and an object's new colour is a hash of its old one and of the set of colours
of its atoms; an atom is counted while it holds, or if the goal speaks of it. A state's features are
how often each colour of an atom or object occurs in it (Chen, Trevizan & Thiebaux 2024, whose
colours tell apart how often a neighbour's colour occurs: `most` says up to how often here).

Colours are 64-bit hashes, equal in all problems of a domain whatever objects are called. A *model*
gives each colour a weight, a whole number, and a state is worth the sum: whole, so that the order
of changes does not matter. Only what a change reaches is hashed again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import Small
from tesuji.domains.logistics.pddl.object_graph import Hashes, ObjectGraph
from tesuji.search.planning.colour_kernels import empty
from tesuji.search.planning.colour_tables import fill_model

Bytes = npt.NDArray[np.uint8]


class Model(NamedTuple):
    """Weights of colours, as a hash table; a colour that is not in it weighs nothing."""

    colour: Hashes  # [M] 0 where empty, M a power of 2
    weight: npt.NDArray[np.int64]  # [M]


class Colours(NamedTuple):
    """The colours of one state; not for two threads at once. `L` rounds of atoms."""

    graph: ObjectGraph
    model: Model
    depth: int  # rounds: atoms, then objects, then atoms again, and so on
    most: int  # how many equal neighbours tell apart; 0 for all
    holds: Bytes  # [A]
    counted: Bytes  # [A] holds, or the goal speaks of it
    head: Small  # [O] of each object's atoms, counted ones: a linked list of places
    after: Small  # [P] places are those of `graph.argument`
    before: Small  # [P]
    owner: Small  # [P] the atom of each place
    object: Hashes  # [L + 1, O]
    around: Hashes  # [L + 1, O] the hash of an object's atoms
    term: Hashes  # [L + 1, A] colours of atoms
    value: npt.NDArray[np.int64]  # [1]
    size: npt.NDArray[np.int64]
    key: Hashes  # [H] how often an object has an atom of a colour
    often: Small  # [H]
    # What a change touched, and how it was before.
    slot: Small  # places of the table, plus 1, negative where the count fell
    old_object: Small  # [.] round * O + object
    old_colour: Hashes
    old_around: Hashes
    old_atom: Small  # [.] round * A + atom
    old_term: Hashes
    atom_mark: npt.NDArray[np.int64]  # [A]
    object_mark: npt.NDArray[np.int64]  # [O]
    queue: Small  # [A] atoms of a round
    touched: Small  # [O] objects of a round
    changed: Small  # [O] objects that the last round changed
    clock: npt.NDArray[np.int64]  # [1]


def make_model(colour: Hashes, weight: npt.NDArray[np.int64]) -> Model:
    """Return the hash table of a model's weights."""
    room = 16
    while room < 2 * len(colour) + 2:
        room *= 2
    model = Model(np.zeros(room, np.uint64), np.zeros(room, np.int64))
    fill_model(model, colour.astype(np.uint64), weight.astype(np.int64))
    return model


def make_colours(
    graph: ObjectGraph, model: Model, num_facts: int, depth: int, most: int
) -> Colours:
    """Return the colours of the empty state; `shift` and `load` bring others.

    Args:
        graph: of the task.
        model: weights of colours.
        num_facts: variables of the task, the most atoms that hold besides fixed ones.
        depth: rounds of colouring, of atoms and of objects in turn.
        most: equal neighbours that are told apart; 1 for sets, 0 for multisets.
    """
    rounds = (depth + 1) // 2
    objects, atoms, places = len(graph.colour), len(graph.kind), len(graph.argument)
    arity = np.diff(graph.start)
    widest = int(arity.max(initial=0))
    live = int(arity[graph.fixed].sum() + arity[graph.wanted].sum()) + num_facts * widest
    room = 1 << 10
    while most and room < 8 * rounds * live:
        room *= 2
    shape = rounds + 1
    touching = shape * (live + 64)

    def small(*sizes: int) -> Small:
        return np.zeros(sizes, np.int32)

    def wide(*sizes: int) -> Any:
        return np.zeros(sizes, np.uint64)

    colours = Colours(
        graph, model, depth, most, np.zeros(atoms, np.uint8), np.zeros(atoms, np.uint8),
        np.full(objects, -1, np.int32), small(places), small(places),
        np.repeat(np.arange(atoms, dtype=np.int32), arity), wide(shape, objects),
        wide(shape, objects), wide(shape, atoms), np.zeros(1, np.int64), np.zeros(4, np.int64),
        wide(room), small(room), small(2 * touching), small(shape * objects),
        wide(shape * objects), wide(shape * objects), small(shape * atoms), wide(shape * atoms),
        np.zeros(atoms, np.int64), np.zeros(objects, np.int64), small(atoms), small(objects),
        small(objects), np.zeros(1, np.int64),
    )  # fmt: skip
    empty(colours)
    return colours

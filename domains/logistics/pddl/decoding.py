"""What the numbers of atoms stand for: predicates and objects, as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tesuji.domains.logistics.pddl.operators import Operators
from tesuji.domains.logistics.pddl.ragged import Numbers64


class DecodedAtoms(NamedTuple):
    """Predicates and objects of atoms."""

    predicate: Numbers64  # [N], -1 for twins and what is of numbers
    terms: Numbers64  # [N, most places], -1 beyond the last
    base: int


def decoded(operators: Operators) -> DecodedAtoms:
    """Return what all atoms of a task say."""
    grounder = operators.ground.grounder
    offsets = np.array(list(grounder.offset.values()))
    atom = (operators.codes >= 0) & (operators.codes < grounder.fluents.limit)
    predicate = np.where(atom, np.searchsorted(offsets, operators.codes, "right") - 1, -1)
    rest = operators.codes - offsets[predicate]
    places = max(grounder.arity)
    arity = np.array(grounder.arity)[predicate]
    terms = np.full((len(operators.codes), places), -1, np.int64)
    for place in range(places - 1, -1, -1):
        here = arity > place
        terms[here, place] = rest[here] % grounder.base
        rest[here] //= grounder.base
    return DecodedAtoms(predicate, terms, grounder.base)

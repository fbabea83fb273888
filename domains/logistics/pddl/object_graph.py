"""A ground task as a graph of objects and atoms: what relational features are computed from.

Every atom joins the objects that it speaks of. Names do not count, but for the domain's constants:
what is told of predicates, types and constants are 64-bit hashes of their names, so that features
learned on one problem mean the same in another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain, Small
from tesuji.domains.logistics.pddl.operators import Operators
from tesuji.domains.logistics.pddl.ragged import Numbers64, starts
from tesuji.domains.logistics.pddl.syntax import Atom, Not, Task

Hashes = npt.NDArray[np.uint64]


class ObjectGraph(NamedTuple):
    """Objects, and atoms that join them."""

    colour: Hashes  # [O] of each object: its types, or its name if it is a constant
    kind: Hashes  # [A] of each atom: its predicate, and whether the goal wants it true or false
    start: Small  # [A + 1]
    argument: Small  # the objects of each atom
    wanted: npt.NDArray[np.bool_]  # [A] the goal speaks of it, so that it counts when false, too
    fixed: Small  # atoms that hold in every state
    fact_atom: Small  # [F] the atom of each fact, -1 for none


def make_object_graph(operators: Operators, variables: FiniteDomain) -> ObjectGraph:
    """Return the graph of a ground task."""
    ground = operators.ground
    grounder = ground.grounder
    task = grounder.task
    # The twin of an atom says nothing new where the atom itself is there.
    fact_code = np.where(variables.atom >= 0, operators.codes[variables.atom], 0)
    known = np.isin(-1 - fact_code, fact_code) & (fact_code < 0)
    speaks = (variables.atom >= 0) & ~known
    varying = np.unique(fact_code[speaks])
    fixed = np.setdiff1d(ground.init, np.where(varying < 0, -1 - varying, varying))
    codes = np.union1d(np.concatenate([varying, fixed]), ground.goal_true)
    codes = np.union1d(codes, ground.goal_false)
    plain = np.where(codes < 0, -1 - codes, codes)
    goal = np.isin(codes, ground.goal_true) + 2 * np.isin(codes, ground.goal_false)
    offsets = np.array(list(grounder.offset.values()), np.int64)
    predicate = np.searchsorted(offsets, plain, "right") - 1
    arity = np.array(grounder.arity, np.int64)[predicate]
    kinds = {
        (number, twin, aim): hash_text(f"{grounder.predicates[number]} {twin} {aim}")
        for number, twin, aim in set(
            zip(predicate.tolist(), (codes < 0).tolist(), goal.tolist(), strict=True)
        )
    }
    keys = zip(predicate.tolist(), (codes < 0).tolist(), goal.tolist(), strict=True)
    fact_atom = np.full(len(variables.atom), -1, np.int64)
    fact_atom[speaks] = np.searchsorted(codes, fact_code[speaks])
    return ObjectGraph(
        colour=_colours(task),
        kind=np.array([kinds[key] for key in keys], np.uint64),
        start=starts(arity).astype(np.int32),
        argument=_arguments(plain - offsets[predicate], arity, grounder.base),
        wanted=goal > 0,
        fixed=np.searchsorted(codes, fixed).astype(np.int32),
        fact_atom=fact_atom.astype(np.int32),
    )


def hash_text(text: str) -> int:
    """Return 64 bits of a text's hash."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _arguments(rest: Numbers64, arity: Numbers64, base: int) -> Small:
    """Return the digits of each atom's number, which are its objects, first to last."""
    first = starts(arity)
    found = np.zeros(int(first[-1]), np.int32)
    for place in range(int(arity.max(initial=0))):
        own = arity > place
        found[first[1:][own] - 1 - place] = rest[own] % base
        rest = rest // base
    return found


def _colours(task: Task) -> Hashes:
    constants = set(_constants(task))
    names = {
        name: f"constant {name}" if name in constants else f"type {' '.join(sorted(types))}"
        for name, types in task.objects.items()
    }
    hashes = {text: hash_text(text) for text in set(names.values())}
    return np.array([hashes[names[name]] for name in task.objects], np.uint64)


def _constants(task: Task) -> Iterator[str]:
    """Yield the objects that effects or preconditions name."""
    for action in task.actions:
        queue: list[object] = [action.precondition]
        for effect in action.effects:
            queue += [effect.change, effect.condition]
        while queue:
            part = queue.pop()
            if isinstance(part, Atom):
                yield from (term for term in part.terms if not term.startswith("?"))
            elif isinstance(part, Not) or hasattr(part, "part"):
                queue.append(part.part)
            elif hasattr(part, "parts"):
                queue += part.parts

"""Certificates of plans and of lower bounds of their cost, as JSON.

`tesuji.engine.plan_verification` says what they mean and checks them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.domains.logistics.pddl.invariants import mutex_groups
from tesuji.engine.planning import GroundTask, PlanAnswer
from tesuji.search.planning.proofs import BoundProof

FORMAT = "tesuji plan certificate"
VERSION = 1


def certificate(answer: PlanAnswer, domain: str, problem: str) -> dict[str, Any]:
    """Return the certificate of an answer: its plan, and the bound that its proof proves.

    Args:
        answer: what was found.
        domain: the text of the domain.
        problem: the text of the problem.
    """
    none = np.zeros((0, 2), np.int64)
    proof = answer.proof or BoundProof(0.0, 1, (), none, none[:, 0])
    grounded = answer.grounded
    unsolvable = not grounded.operators.solvable
    literals: dict[str, int] = {}

    def numbers(facts: Sequence[int]) -> list[int]:
        atoms = [int(grounded.variables.atom[fact]) for fact in facts if fact >= 0]
        names = [grounded.operators.atom_name(atom) for atom in atoms]
        return [literals.setdefault(name, len(literals)) for name in names]

    landmarks = [[weight, numbers(facts.tolist())] for facts, weight in proof.landmarks]
    potentials = [
        [int(weight), numbers(facts)]
        for facts, weight in zip(proof.features.tolist(), proof.weights, strict=True)
    ]
    limits = _limits(grounded)
    counted = [
        [limit.most, list(zip(numbers(facts), limit.weight[facts].tolist(), strict=True))]
        for limit in proof.limits
        for facts in [np.flatnonzero(limit.weight).tolist()]
    ]
    groups = [[limit, numbers(facts)] for limit, facts in _groups(grounded.variables, limits)]
    return {
        "format": FORMAT,
        "version": VERSION,
        "domain": domain,
        "problem": problem,
        "plan": None if answer.plan is None else [list(step) for step in answer.plan],
        "cost": None if answer.cost is None else repr(answer.cost),
        "bound": None if unsolvable else repr(proof.bound),
        "unit": proof.unit,
        "limits": [
            *([1, [[number, 1] for number in numbers(facts)]] for facts in limits),
            *counted,
        ],
        "groups": groups,
        "landmarks": landmarks,
        "potentials": potentials,
        "literals": list(literals),
    }


def _limits(grounded: GroundTask) -> list[list[int]]:
    """Return groups of facts of which at most one holds, an atom and its negation left out."""
    task, codes = grounded.variables, grounded.operators.codes
    fact = np.zeros(grounded.operators.num_atoms, np.int64)
    fact[task.atom[task.atom >= 0]] = np.flatnonzero(task.atom >= 0)
    return [
        fact[group].tolist()
        for group in mutex_groups(grounded.operators)
        if not np.isin(-1 - codes[group], codes[group]).any()
    ]


def _groups(task: FiniteDomain, limits: list[list[int]]) -> Iterator[tuple[int, list[int]]]:
    """Yield the facts of each variable that is a part of a limit, and which limit that is."""
    inside: dict[int, set[int]] = defaultdict(set)
    for number, facts in enumerate(limits):
        for fact in facts:
            inside[fact].add(number)
    for first, last in pairwise(task.first.tolist()):
        own = [fact for fact in range(first, last) if task.atom[fact] >= 0]
        common = set.intersection(*(inside[fact] for fact in own)) if len(own) > 1 else None
        if common:
            yield min(common), own

"""Certificates of plans and of lower bounds of their cost, as JSON.

`tesuji.engine.plan_verification` says what they mean and checks them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from tesuji.domains.logistics.pddl.alike import fact_groups
from tesuji.domains.logistics.pddl.finite_domain import FiniteDomain
from tesuji.engine.plan_bounds import best_proof
from tesuji.engine.planning import PlanAnswer
from tesuji.search.planning.proofs import BoundProof

FORMAT = "tesuji plan certificate"
VERSION = 1


def with_best_proof(answer: PlanAnswer, is_over: Callable[[], bool]) -> PlanAnswer:
    """Return the answer with a proof that can be written down, if only search proved its bound.

    Searching to the end proves without a file; a proof on paper may need more time.
    """
    grounded, proof = answer.grounded, answer.proof
    if not grounded.operators.solvable or (proof is not None and proof.bound >= answer.bound):
        return answer
    better = best_proof(grounded.operators, grounded.variables, is_over)
    return replace(answer, proof=better if proof is None or better.bound > proof.bound else proof)


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
    groups = fact_groups(grounded.operators, grounded.variables)
    limits = [facts.tolist() for facts in np.split(groups.values, groups.start[1:-1])]
    counted = [
        [limit.most, list(zip(numbers(facts), limit.weight[facts].tolist(), strict=True))]
        for limit in proof.limits
        for facts in [np.flatnonzero(limit.weight).tolist()]
    ]
    parts = [[limit, numbers(facts)] for limit, facts in _groups(grounded.variables, limits)]
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
        "groups": parts,
        "landmarks": landmarks,
        "potentials": potentials,
        "literals": list(literals),
    }


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

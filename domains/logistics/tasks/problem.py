"""Writing PDDL problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

Rng = np.random.Generator


def numbered(name: str, count: int) -> list[str]:
    """Return `name1` to `name<count>`."""
    return [f"{name}{number}" for number in range(1, count + 1)]


def pick(rng: Rng, items: Sequence[str]) -> str:
    """Return one item at random."""
    return items[int(rng.integers(len(items)))]


def shuffled(rng: Rng, items: Sequence[str]) -> list[str]:
    """Return the items in random order."""
    return [items[i] for i in rng.permutation(len(items))]


def random_tree(rng: Rng, items: Sequence[str], more: int = 0) -> list[tuple[str, str]]:
    """Return the edges of a random tree over `items`, and up to `more` edges besides."""
    edges = {(items[int(rng.integers(at))], items[at]) for at in range(1, len(items))}
    for _ in range(more if len(items) > 1 else 0):
        low, high = sorted(rng.choice(len(items), 2, replace=False))
        edges.add((items[low], items[high]))
    return sorted(edges)


def write_problem(
    domain: str, objects: Mapping[str, Sequence[str]], init: Iterable[str], goal: Iterable[str]
) -> str:
    """Return a problem as PDDL.

    Args:
        domain: its name.
        objects: of each type; the type `object` goes without saying.
        init: atoms without brackets, `at truck1 city2`.
        goal: likewise.
    """
    listed = [
        f"    {' '.join(names)}{'' if kind == 'object' else f' - {kind}'}"
        for kind, names in objects.items()
        if names
    ]
    return "\n".join(
        [
            f"(define (problem {domain}-random)",
            f"  (:domain {domain})",
            "  (:objects",
            *listed,
            "  )",
            "  (:init",
            *(f"    ({atom})" for atom in init),
            "  )",
            "  (:goal (and",
            *(f"    ({atom})" for atom in goal),
            "  )))",
            "",
        ]
    )

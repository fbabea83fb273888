"""Weisfeiler-Leman colours of a state computed anew in plain Python, the twin of the kernels."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tesuji.domains.logistics.pddl.object_graph import make_object_graph
from tesuji.engine.planning import GroundTask

WORD = (1 << 64) - 1
PLACE = 0x9E3779B97F4A7C15


def mix(bits: int) -> int:
    bits &= WORD
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & WORD
    return bits ^ (bits >> 31)


def colours_of(task: GroundTask, state: Any, depth: int, most: int) -> Counter[int]:
    """Return how often each colour of an atom or object occurs."""
    graph = make_object_graph(task.operators, task.variables)
    first = task.variables.first
    holds = {int(atom) for atom in graph.fixed}
    holds |= {int(graph.fact_atom[first[i] + int(value)]) for i, value in enumerate(state)} - {-1}
    counted = sorted(holds | {i for i, wanted in enumerate(graph.wanted) if wanted})
    terms = {a: graph.argument[graph.start[a] : graph.start[a + 1]].tolist() for a in counted}
    colour = [int(bits) for bits in graph.colour]
    found: Counter[int] = Counter()
    for turn in range(1, (depth + 1) // 2 + 1):
        around: list[Counter[int]] = [Counter() for _ in colour]
        for atom in counted:
            bits = mix(int(graph.kind[atom]) + 2 * turn + (atom in holds))
            for item in terms[atom]:
                bits = mix(bits + colour[item])
            found[bits] += 1
            for i, item in enumerate(terms[atom]):
                around[item][mix(bits + (i + 1) * PLACE)] += 1
        if 2 * turn <= depth:
            for item, seen in enumerate(around):
                total = sum(
                    mix(bits + (times if most else 0))
                    for bits, count in seen.items()
                    for times in range(min(count, most) if most else count)
                )
                colour[item] = mix(mix(colour[item] + turn) + total)
            found.update(colour)
    return found

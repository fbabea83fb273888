"""A proof in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tesuji.domains.proving.equality import DISTINCT, EQUALITY_AXIOMS

if TYPE_CHECKING:
    from tesuji.engine.theorems import TheoremAnswer

_MOST_NAMES = 12


def explanation(answer: TheoremAnswer) -> list[str]:
    """Return what was used and how long it took, in a few lines."""
    problem, clauses = answer.problem, answer.clauses
    assert problem is not None
    assert clauses is not None
    parents = Counter(clauses.clauses[each.clause].parent for each in answer.instances)
    goal = next((each.name for each in problem.formulas if each.role == "conjecture"), None)
    own = [each.name for each in problem.formulas if each.name in parents and each.name != goal]
    names = ", ".join(_times(name, parents[name]) for name in own[:_MOST_NAMES])
    if len(own) > _MOST_NAMES:
        names += f" and {len(own) - _MOST_NAMES} more"
    if goal is None or goal not in parents:
        first = f"{names or 'the formulas'} contradict each other"
    else:
        first = f"{goal} follows from {names or 'nothing else'}"
    special = [
        f"{_many(parents[key], 'instance')} of {what}"
        for key, what in ((EQUALITY_AXIOMS, "axioms of equality"), (DISTINCT, "inequalities"))
        if parents[key]
    ]
    used = len(own) + (goal in parents)
    counts = (
        f"{used} of {len(problem.formulas)} formulas, {_many(len(answer.instances), 'instance')}"
    )
    lines = [f"{first}.", f"Used: {', with '.join([counts, *special])}."]
    goals = answer.goals()
    if goals:
        kinds = Counter(each.kind for each in goals)
        lines.append(
            f"Tableau: {_many(len(goals), 'goal')}, depth {max(g.depth for g in goals) + 1}; "
            + ", ".join(_many(kinds[kind], kind) for kind in ("extension", "reduction", "lemma"))
            + "."
        )
    lines.append(
        f"Found by {answer.prover} after {_many(answer.inferences, 'inference')} in "
        f"{answer.seconds:.2f} CPU s; checked in {answer.check_seconds:.3f} s."
    )
    return lines


def _times(name: str, times: int) -> str:
    return name if times == 1 else f"{name} ({times} times)"


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

"""A proof in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tesuji.domains.proving.equality import DISTINCT, EQUALITY_AXIOMS
from tesuji.domains.proving.instances import Goal
from tesuji.engine.tableau_chart import literal_text, shortened

if TYPE_CHECKING:
    from tesuji.engine.theorems import TheoremAnswer

_MOST_NAMES, _MOST_CHOICES = 12, 3


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
    lines += _chosen(answer, goals)
    lines.append(
        f"Found by {answer.prover} after {_many(answer.inferences, 'inference')} in "
        f"{answer.seconds:.2f} CPU s; checked in {answer.check_seconds:.3f} s."
    )
    return lines


def _chosen(answer: TheoremAnswer, goals: Sequence[Goal]) -> list[str]:
    # Where the policy mattered: it led to steps that would not have been tried first.
    if not answer.choices:
        return []
    assert answer.clauses is not None
    first = sum(not each.rank for each in answer.choices)
    led = [each for each in answer.choices if each.rank < each.place]
    number = _many(len(answer.choices), "goal")
    lines = [
        f"Policy: of {number} with several steps it put the right one first at {first}, and "
        f"before its turn at {len(led)}" + (", most of all:" if led else ".")
    ]
    for each in sorted(led, key=lambda one: one.rank - one.place)[:_MOST_CHOICES]:
        goal, how = goals[each.goal], str(goals[each.goal].kind)
        if goal.kind == "extension":
            how = answer.clauses.clauses[goal.with_].name
        lines.append(
            f"  {shortened(literal_text(goal))} by {how}, in its turn {each.place + 1} of "
            f"{each.steps}, for the policy {each.rank + 1} ({each.prior:.0%})."
        )
    return lines


def _times(name: str, times: int) -> str:
    return name if times == 1 else f"{name} ({times} times)"


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

"""A problem that is learned from is searched: what that came to, and what it teaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tesuji.engine.theorem_policy import Theorem
from tesuji.search.proving.deepening import Deepening
from tesuji.search.proving.guided import Guided
from tesuji.search.proving.instance_tableaux import banked_clauses, instance_tableau
from tesuji.search.proving.lessons import Lesson, lesson
from tesuji.search.proving.outcomes import Outcomes

Search = Deepening | Guided
Searches = Callable[[Theorem], list[Search]]


class Attempt(NamedTuple):
    """What the searches of a problem came to.

    Attributes:
        proved: whether there is a proof, by a tableau or by instances.
        lesson: of a tableau; None without one.
        outcomes: of goals that were left.
        inferences: made.
    """

    proved: bool
    lesson: Lesson | None
    outcomes: tuple[Outcomes, ...]
    inferences: int


def attempt(theorem: Theorem, searches: list[Search], inferences: int) -> Attempt:
    """Search a problem in several ways, one after the other, until there is a tableau.

    Args:
        theorem: the problem.
        searches: of it; where SAT help proves it, its instances are made a tableau.
        inferences: of each.
    """
    matrix, names = theorem.matrix, theorem.names
    proved, taught, made, outcomes = False, None, 0, list[Outcomes]()
    for search in searches:
        found = search.run(inferences)
        made += search.inferences
        if isinstance(search, Guided):
            outcomes.append(search.outcomes)
        if found is not None and found.copies is not None:
            taught = lesson(matrix, names, search.tableau, search.start)
        elif found is not None and found.core:
            proved = True
            closed = instance_tableau(matrix, banked_clauses(search.bank, found.core))
            if closed is not None:
                taught = lesson(matrix, names, closed[1], closed[0])
        if taught is not None:
            return Attempt(True, taught, tuple(outcomes), made)
    return Attempt(proved, None, tuple(outcomes), made)

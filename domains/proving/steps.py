"""Steps from a tableau that is kept, in another that kernels change."""

from __future__ import annotations

from tesuji.domains.proving.actions import alternatives
from tesuji.domains.proving.tableau import (
    CELLS,
    NONE,
    OPEN,
    TRAIL,
    VARIABLES,
    begin,
    extend,
    is_irregular,
    lemma,
    reduce,
    take_lemma,
)
from tesuji.domains.proving.unification import forced_kernel, kernel

CLOSED = -1


@forced_kernel
def load(kept, tableau):  # type: ignore[no-untyped-def]
    """Make a tableau what another is, whose arrays hold no more than is used."""
    counts = kept.counts
    for at in range(len(counts)):
        tableau.counts[at] = counts[at]
    for at in range(counts[VARIABLES]):
        tableau.bound[at], tableau.copy[at] = kept.bound[at], kept.copy[at]
    for at in range(counts[TRAIL]):
        tableau.trail[at] = kept.trail[at]
    for at in range(counts[CELLS]):
        for place in range(kept.cells.shape[1]):
            tableau.cells[at, place] = kept.cells[at, place]


@kernel
def take_start(matrix, tableau, clause, option):  # type: ignore[no-untyped-def]
    """Begin with a clause; return how many `option`s follow, or CLOSED."""
    return _turn(matrix, tableau, option) if begin(matrix, tableau, clause) else 0


@kernel
def take_step(matrix, kept, tableau, code, option):  # type: ignore[no-untyped-def]
    """Close the first open goal by a literal, or by the goal `-1 - code` above it.

    Args:
        matrix: the clauses.
        kept: the tableau before.
        tableau: room, then the tableau after.
        code: the step.
        option: `[A]` the steps that can follow; what is more than these is left out.

    Returns:
        How many can follow, or CLOSED.
    """
    load(kept, tableau)
    goal, made = tableau.counts[OPEN], 0
    if code >= 0:
        made = extend(matrix, tableau, goal, code)
    else:
        made = reduce(matrix, tableau, goal, -1 - code)
    return _turn(matrix, tableau, option) if made == 1 else 0


@forced_kernel
def _turn(matrix, tableau, option):  # type: ignore[no-untyped-def]
    # Close goals by lemmas where that can be, then say what can close the next one.
    counts = tableau.counts
    while counts[OPEN] != NONE:
        goal = counts[OPEN]
        if is_irregular(matrix, tableau, goal):
            return 0
        left = lemma(matrix, tableau, goal)
        if left == NONE:
            end = alternatives(matrix, tableau, goal, option, 0)
            return len(option) if end == NONE else end
        take_lemma(tableau, goal, left)
    return CLOSED

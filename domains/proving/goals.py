"""What networks of connections read of a tableau: its open goals, and what can close the first.

    [steps, goals, size of each goal .., row of each step .., features of each goal ..]

The row of a step is that of its action (`features.py`), or NO_ROW where a start clause is chosen. A
goal's features are indices; the first open goal comes first. Goals beyond `MOST_GOALS`, or without
room, are only counted.
"""

from __future__ import annotations

import numpy as np

from tesuji.domains.proving.features import MOST, describe_goal
from tesuji.domains.proving.steps import load
from tesuji.domains.proving.tableau import LITERAL, NEXT, NONE, OPEN
from tesuji.domains.proving.unification import kernel

MOST_GOALS, MOST_STEPS, MOST_FEATURES = 16, 64, 1024
STEPS, GOALS, SIZES = 0, 1, 2
ROWS = SIZES + MOST_GOALS
FEATURES = ROWS + MOST_STEPS
GOALS_SIZE = FEATURES + MOST_FEATURES
NO_ROW = -1


@kernel
def observe_goals(matrix, names, kept, tableau, options, feature, seen):  # type: ignore[no-untyped-def]
    """Write into `seen` `[GOALS_SIZE]`, which is 0, what this module says.

    Args:
        matrix: the clauses.
        names: of the matrix.
        kept: the tableau.
        tableau: room.
        options: that close its first open goal.
        feature: `[MOST]` room.
        seen: what is written.
    """
    load(kept, tableau)
    goal, seen[STEPS], at = tableau.counts[OPEN], len(options), FEATURES
    for step in range(len(options)):
        code = options[step]
        if goal == NONE:
            code = NO_ROW
        elif code < 0:
            code = len(matrix.atom) + matrix.key[tableau.cells[-1 - code, LITERAL]]
        seen[ROWS + step] = code
    while goal != NONE:
        number = np.int64(seen[GOALS])
        seen[GOALS] += 1
        if number < MOST_GOALS and at + MOST <= len(seen):
            size = describe_goal(matrix, names, tableau, goal, feature)
            for place in range(size):
                seen[at + place] = feature[place]
            seen[SIZES + number] = size
            at += size
        goal = tableau.cells[goal, NEXT]


@kernel
def count_walks(matrix, names, kept, tableau, feature, seen):  # type: ignore[no-untyped-def]
    """Count the features of the first open goal, folded into `seen`."""
    load(kept, tableau)
    size = describe_goal(matrix, names, tableau, tableau.counts[OPEN], feature)
    for place in range(size):
        seen[feature[place] % len(seen)] += 1.0

"""Iterative deepening over connection tableaux, in the manner of leanCoP (Otten & Bibel 2003).

The search goes depth first and limits the depth of goals, which it raises step by step. Goals that
stand above themselves are given up (regularity), goals that were closed to the left are closed at
once (lemmas). With `cut`, a goal that is closed stays closed the way it is (restricted
backtracking, Otten 2010): much is found sooner, some no more. An *inference* is an extension, a
reduction or a lemma that was made.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.grounding import DUE, collect_due
from tesuji.domains.proving.matrix import Matrix, Small
from tesuji.domains.proving.tableau import (
    ABOVE,
    CELLS,
    DEPTH,
    LITERAL,
    NEXT,
    NONE,
    OPEN,
    TOO_LARGE,
    TRAIL,
    VARIABLES,
    begin,
    extend,
    is_irregular,
    lemma,
    make_tableau,
    reduce,
    take_lemma,
)
from tesuji.domains.proving.unification import kernel, undo
from tesuji.search.proving.rising import (
    CHOICES,
    EXHAUSTED,
    INFERENCES,
    LIMITED,
    PROVED,
    RUNNING,
    Rising,
)

GOAL, PARTNER, REDUCE, OLD_TRAIL, OLD_CELLS, OLD_VARIABLES = range(6)

_SLICE = 20_000  # inferences between two looks at the budget


class Choices(NamedTuple):
    """Where the search may turn back to; `D` at most."""

    rows: Small  # [D, 6]
    height: Small  # [G] how many choices there were when a goal's turn came
    progress: npt.NDArray[np.int64]  # [3] choices, inferences, whether the limit was in the way


@kernel
def _start(matrix, tableau, choices, clause):  # type: ignore[no-untyped-def]
    choices.progress[CHOICES] = 0
    return begin(matrix, tableau, clause) and _turn_to(matrix, tableau, choices, False)


@kernel
def _turn_to(matrix, tableau, choices, cut):  # type: ignore[no-untyped-def]
    # Open the next goal's choices; close it at once where a lemma does. False where it is hopeless.
    cells, counts, progress = tableau.cells, tableau.counts, choices.progress
    while counts[OPEN] != NONE:
        goal = counts[OPEN]
        choices.height[goal] = progress[CHOICES]
        if is_irregular(matrix, tableau, goal):
            return False
        left = lemma(matrix, tableau, goal)
        if left == NONE:
            at = progress[CHOICES]
            if at == len(choices.rows):
                progress[LIMITED] = 1
                return False
            row = choices.rows[at]
            key = matrix.key[cells[goal, LITERAL]]
            row[GOAL], row[REDUCE] = goal, cells[goal, ABOVE]
            row[PARTNER] = matrix.partner_first[key ^ 1]
            row[OLD_TRAIL], row[OLD_CELLS] = counts[TRAIL], counts[CELLS]
            row[OLD_VARIABLES] = counts[VARIABLES]
            progress[CHOICES] += 1
            return True
        take_lemma(tableau, goal, left)
        progress[INFERENCES] += 1
        if cut:
            forget(tableau, choices.height, progress, goal)
    return True


@kernel
def forget(tableau, height, progress, goal):  # type: ignore[no-untyped-def]
    """Give up the choices below a goal that is closed, and below those that it closes.

    Args:
        tableau: where the search is.
        height: `[G]` how many choices there were when a goal's turn came.
        progress: whose first is how many there are.
        goal: that is closed.
    """
    cells = tableau.cells
    while True:
        progress[CHOICES] = height[goal]
        above = cells[goal, ABOVE]
        if above == NONE or cells[goal, NEXT] != cells[above, NEXT]:
            return
        goal = above


@kernel
def search(matrix, tableau, choices, bank, limit, cut, inferences):  # type: ignore[no-untyped-def]
    """Go on until there is a proof, no choice is left, or so many inferences are made.

    Args:
        matrix: the clauses.
        tableau: where the search is.
        choices: what is left to try.
        bank: of instances that were met.
        limit: of the depth of goals.
        cut: whether closed goals stay as they are.
        inferences: at which to pause.
    """
    cells, counts, progress = tableau.cells, tableau.counts, choices.progress
    while progress[INFERENCES] < inferences:
        if progress[CHOICES] == 0:
            collect_due(matrix, tableau, bank)
            return EXHAUSTED
        row = choices.rows[progress[CHOICES] - 1]
        goal = row[GOAL]
        if counts[OPEN] != goal:
            collect_due(matrix, tableau, bank)
        undo(tableau.bound, tableau.trail, counts[TRAIL], row[OLD_TRAIL])
        counts[TRAIL], counts[CELLS] = row[OLD_TRAIL], row[OLD_CELLS]
        counts[VARIABLES], counts[OPEN] = row[OLD_VARIABLES], goal
        key = matrix.key[cells[goal, LITERAL]]
        made = 0
        above = row[REDUCE]
        while above != NONE and not made:
            if matrix.key[cells[above, LITERAL]] == key ^ 1:
                made = reduce(matrix, tableau, goal, above)
            above = cells[above, ABOVE]
        row[REDUCE] = above
        at, end = row[PARTNER], matrix.partner_first[(key ^ 1) + 1]
        while at < end and not made:
            literal = matrix.partner[at]
            at += 1
            clause = matrix.clause[literal]
            if cells[goal, DEPTH] >= limit and matrix.num_variables[clause]:
                progress[LIMITED] = 1
                continue
            made = extend(matrix, tableau, goal, literal)
            if made == TOO_LARGE:
                progress[LIMITED] = 1
                made = 0
        row[PARTNER] = at
        if not made:
            progress[CHOICES] -= 1
            continue
        progress[INFERENCES] += 1
        bank.counts[DUE] = 1
        if cut and counts[OPEN] == cells[goal, NEXT]:
            forget(tableau, choices.height, progress, goal)
        if counts[OPEN] != NONE:
            _turn_to(matrix, tableau, choices, cut)
        if counts[OPEN] == NONE:
            return PROVED
    return RUNNING


class Deepening(Rising):
    """Iterative deepening in the order of the clauses.

    Attributes:
        tableau: closed, where a proof was found.
    """

    def __init__(
        self, matrix: Matrix, cut: bool = True, goals: int = 1 << 14, sat_help: bool = False
    ) -> None:
        self._choices = Choices(
            np.zeros((goals, 6), np.int32), np.zeros(goals, np.int32), np.zeros(3, np.int64)
        )
        super().__init__(
            matrix, make_tableau(goals=goals), self._choices.progress, 1, cut, sat_help
        )

    def _begin(self, clause: int) -> bool:
        return bool(_start(self._matrix, self.tableau, self._choices, clause))

    def _search(self, inferences: int) -> int:
        found: int = search(
            self._matrix, self.tableau, self._choices, self.bank, self.limit, self._cut, inferences
        )
        return found

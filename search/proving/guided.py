"""Connection tableaux searched by a policy: iterative deepening over the price of a path.

A step costs what the policy thinks of it, `step - weight * log(prior)`, and the goals that it opens
lie that much deeper. The search goes depth first, the likeliest steps before the others, and limits
the depth, which it raises (Levin 1973; Orseau et al. 2018 search such prices best first). Where the
policy is sure it goes far; where it knows nothing, wide steps cost more than narrow ones.
Regularity, lemmas, cut and inferences are those of `deepening.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.actions import alternatives
from tesuji.domains.proving.features import MOST
from tesuji.domains.proving.grounding import DUE, collect_due
from tesuji.domains.proving.matrix import Matrix, Small
from tesuji.domains.proving.tableau import (
    ABOVE,
    CELLS,
    NEXT,
    NONE,
    OPEN,
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
from tesuji.domains.proving.unification import forced_kernel, kernel, undo
from tesuji.search.proving.deepening import forget
from tesuji.search.proving.outcomes import Outcomes, make_outcomes, note_outcome
from tesuji.search.proving.policy import Policy, Reals, price_options, read_goal
from tesuji.search.proving.prices import USUAL, Prices
from tesuji.search.proving.rising import (
    CHOICES,
    EXHAUSTED,
    INFERENCES,
    LIMITED,
    PROVED,
    RUNNING,
    Rising,
)

GOAL, NEXT_OPTION, END_OPTION, OLD_TRAIL, OLD_CELLS, OLD_VARIABLES = range(6)
FIRST_OPTION, CLOSED_BY = 6, 7


class Options(NamedTuple):
    """What is left to try; `D` choices, `O` options of all of them, `G` goals at most."""

    rows: Small  # [D, 8]
    height: Small  # [G] how many choices there were when a goal's turn came
    spent: Reals  # [G] depth of a goal
    option: Small  # [O] a literal, or -1 - a goal above
    price: Reals  # [O]
    progress: npt.NDArray[np.int64]  # [3] choices, inferences, whether the limit was in the way
    feature: Small  # [MOST] room
    hidden: Reals  # [H + D] room
    outcomes: Outcomes  # of goals that are left, where there is room


NO_OUTCOMES = make_outcomes(0)


@kernel
def _start(matrix, tableau, policy, options, clause, prices):  # type: ignore[no-untyped-def]
    options.progress[CHOICES] = 0
    if not begin(matrix, tableau, clause):
        return False
    options.spent[: tableau.counts[CELLS]] = 0
    return _turn_to(matrix, tableau, policy, options, False, prices)


@kernel
def _turn_to(matrix, tableau, policy, options, cut, prices):  # type: ignore[no-untyped-def]
    # Open the next goal's choices; close it at once where a lemma does. False where it is hopeless.
    counts, progress = tableau.counts, options.progress
    while counts[OPEN] != NONE:
        goal = counts[OPEN]
        at = progress[CHOICES]
        options.height[goal] = at
        if is_irregular(matrix, tableau, goal):
            return False
        left = lemma(matrix, tableau, goal)
        if left != NONE:
            take_lemma(tableau, goal, left)
            progress[INFERENCES] += 1
            _note_closed(tableau, options, goal, cut)
            continue
        first = options.rows[at - 1, END_OPTION] if at else 0
        end = NONE
        if at < len(options.rows):
            end = alternatives(matrix, tableau, goal, options.option, first)
        if end == NONE:
            progress[LIMITED] = 1
            return False
        if end == first:
            return False
        if end > first + 1:
            read_goal(matrix, tableau, policy, options, goal)
        price_options(matrix, tableau, policy, options, first, end, prices)
        row = options.rows[at]
        row[GOAL], row[NEXT_OPTION], row[END_OPTION] = goal, first, end
        row[OLD_TRAIL], row[OLD_CELLS] = counts[TRAIL], counts[CELLS]
        row[OLD_VARIABLES] = counts[VARIABLES]
        row[FIRST_OPTION], row[CLOSED_BY] = first, NONE
        progress[CHOICES] += 1
        return True
    return True


@forced_kernel
def _note_closed(tableau, options, closed, cut):  # type: ignore[no-untyped-def]
    # Note by which option a goal, and those above that it closes, were closed first. With `cut`,
    # that settles it.
    cells, progress, goal = tableau.cells, options.progress, closed
    while True:
        row = options.rows[options.height[goal]]
        mine = options.height[goal] < progress[CHOICES] and row[GOAL] == goal
        if mine and row[CLOSED_BY] == NONE:
            row[CLOSED_BY] = row[NEXT_OPTION] - 1
        above = cells[goal, ABOVE]
        if above == NONE or cells[goal, NEXT] != cells[above, NEXT]:
            break
        goal = above
    if cut:
        forget(tableau, options.height, progress, closed)


@forced_kernel
def _leave(matrix, tableau, policy, options):  # type: ignore[no-untyped-def]
    # Give up the newest choice, for good.
    options.progress[CHOICES] -= 1
    row = options.rows[options.progress[CHOICES]]
    first, closed = row[FIRST_OPTION], row[CLOSED_BY]
    if len(options.outcomes.options) and row[NEXT_OPTION] > first:
        option = options.option[first : row[END_OPTION]]
        chosen = NONE if closed == NONE else closed - first
        note_outcome(matrix, policy.names, tableau, options.outcomes, row[GOAL], option, chosen)


@kernel
def search(  # type: ignore[no-untyped-def]
    matrix, tableau, policy, options, bank, limit, cut, inferences, prices
):
    """Go on until there is a proof, no choice is left, or so many inferences are made.

    Args:
        matrix: the clauses.
        tableau: where the search is.
        policy: what it thinks of steps.
        options: what is left to try.
        bank: of instances that were met.
        limit: of the depth of goals.
        cut: whether closed goals stay as they are.
        inferences: at which to pause.
        prices: `[2]` of a step, and of a nat of surprise.
    """
    cells, counts, progress = tableau.cells, tableau.counts, options.progress
    while progress[INFERENCES] < inferences:
        if progress[CHOICES] == 0:
            collect_due(matrix, tableau, bank)
            return EXHAUSTED
        row = options.rows[progress[CHOICES] - 1]
        goal, at = row[GOAL], row[NEXT_OPTION]
        if counts[OPEN] != goal:
            collect_due(matrix, tableau, bank)
        undo(tableau.bound, tableau.trail, counts[TRAIL], row[OLD_TRAIL])
        counts[TRAIL], counts[CELLS] = row[OLD_TRAIL], row[OLD_CELLS]
        counts[VARIABLES], counts[OPEN] = row[OLD_VARIABLES], goal
        if at == row[END_OPTION]:
            _leave(matrix, tableau, policy, options)
            continue
        spent = options.spent[goal] + options.price[at]
        if spent > limit:  # and so would be those after it
            progress[LIMITED] = 1
            _leave(matrix, tableau, policy, options)
            continue
        row[NEXT_OPTION] = at + 1
        code = options.option[at]
        if code < 0:
            made = reduce(matrix, tableau, goal, -1 - code)
        else:
            made = extend(matrix, tableau, goal, code)
        if made <= 0:
            progress[LIMITED] = 1
            continue
        for cell in range(row[OLD_CELLS], counts[CELLS]):
            options.spent[cell] = spent
        progress[INFERENCES] += 1
        bank.counts[DUE] = 1
        if counts[OPEN] == cells[goal, NEXT]:
            _note_closed(tableau, options, goal, cut)
        if counts[OPEN] != NONE:
            _turn_to(matrix, tableau, policy, options, cut, prices)
        if counts[OPEN] == NONE:
            return PROVED
    return RUNNING


class Guided(Rising):
    """Iterative deepening over the prices of a policy.

    Attributes:
        tableau: closed, where a proof was found.
        outcomes: of goals that the search went back over.
    """

    def __init__(
        self, matrix: Matrix, policy: Policy, prices: Prices = USUAL, cut: bool = False,
        goals: int = 1 << 13, sat_help: bool = False, outcomes: Outcomes = NO_OUTCOMES,
    ) -> None:  # fmt: skip
        self._policy, self.outcomes = policy, outcomes
        self._prices = np.array((prices.step, prices.weight), np.float32)
        self._options = Options(
            np.zeros((goals, 8), np.int32), np.zeros(goals, np.int32), np.zeros(goals, np.float32),
            np.zeros(16 * goals, np.int32), np.zeros(16 * goals, np.float32),
            np.zeros(3, np.int64), np.zeros(MOST, np.int32),
            np.zeros(len(policy.bias) + len(policy.shift), np.float32), outcomes,
        )  # fmt: skip
        tableau = make_tableau(goals=goals)
        super().__init__(matrix, tableau, self._options.progress, prices.rise, cut, sat_help)

    def _begin(self, clause: int) -> bool:
        return bool(
            _start(self._matrix, self.tableau, self._policy, self._options, clause, self._prices)
        )

    def _search(self, inferences: int) -> int:
        found: int = search(
            self._matrix, self.tableau, self._policy, self._options, self.bank,
            self._limit, self._cut, inferences, self._prices,
        )  # fmt: skip
        return found

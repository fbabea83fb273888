"""What became of the goals that a search went back over: closed at some time, or given up.

Each goal that is left for good is an example for the chance to close; one that was closed is a
proof of a subgoal, and teaches a policy as any proof does (hindsight). Of many goals a sample is
kept, the same each time (reservoir sampling, Vitter 1985).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.proving.features import MOST, describe_goal, mix
from tesuji.domains.proving.matrix import Small
from tesuji.domains.proving.tableau import LITERAL, NONE
from tesuji.domains.proving.unification import kernel
from tesuji.search.proving.lessons import Lesson

GIVEN_UP, CLOSED = range(2)
_OPTIONS = 64  # of a goal; those with more are no example for a policy


class Outcomes(NamedTuple):
    """Goals that were given up, and goals that were closed; `M` of each at most."""

    feature: Small  # [2, M, MOST]
    size: Small  # [2, M]
    action: Small  # [M, 64] rows of a policy's `action`, for those that were closed
    options: Small  # [M, 2] how many actions, and which one closed it
    met: npt.NDArray[np.int64]  # [2] goals in all

    def goals(self, what: int) -> list[Small]:
        """Return the features of the goals that are kept."""
        kept = min(int(self.met[what]), len(self.options))
        return [self.feature[what, at, : self.size[what, at]] for at in range(kept)]

    def lesson(self) -> Lesson:
        """Return what closed those that were closed, where there was a choice."""
        goals = self.goals(CLOSED)
        taught = [at for at in range(len(goals)) if self.options[at, 0] > 1]
        counts = self.options[taught, 0]
        features = [goals[at] for at in taught]
        first = np.cumsum([0, *counts]).astype(np.int32)
        return Lesson(
            np.concatenate([np.zeros(0, np.int32), *features]),
            np.cumsum([0, *map(len, features)]).astype(np.int32),
            np.concatenate(
                [np.zeros(0, np.int32), *(self.action[at, : self.options[at, 0]] for at in taught)]
            ),
            first, first[:-1] + self.options[taught, 1], np.full(len(taught), NONE, np.int32),
        )  # fmt: skip


def make_outcomes(places: int) -> Outcomes:
    """Return room for so many goals of each kind; none are noted where it is 0."""
    return Outcomes(
        np.zeros((2, places, MOST), np.int32), np.zeros((2, places), np.int32),
        np.zeros((places, _OPTIONS), np.int32), np.zeros((places, 2), np.int32),
        np.zeros(2, np.int64),
    )  # fmt: skip


@kernel
def note_outcome(matrix, names, tableau, outcomes, goal, option, chosen):  # type: ignore[no-untyped-def]
    """Note what became of a goal, with the tableau as it was when the goal's turn came.

    Args:
        matrix: the clauses.
        names: of the matrix.
        tableau: where the search is.
        outcomes: where it is noted.
        goal: that the search leaves.
        option: the steps that could close it.
        chosen: place in `option` of the one that did, or NONE.
    """
    what = CLOSED if chosen >= 0 else GIVEN_UP
    at = outcomes.met[what]
    outcomes.met[what] = at + 1
    if at >= len(outcomes.options):
        at = mix(at & 0x7FFFFFFF, 1) % (at + 1)
        if at >= len(outcomes.options):
            return
    outcomes.size[what, at] = describe_goal(
        matrix, names, tableau, goal, outcomes.feature[what, at]
    )
    if what == GIVEN_UP:
        return
    count = len(option) if len(option) <= outcomes.action.shape[1] else 0
    outcomes.options[at, 0], outcomes.options[at, 1] = count, chosen
    for place in range(count):
        code = option[place]
        if code < 0:
            code = len(matrix.atom) + matrix.key[tableau.cells[-1 - code, LITERAL]]
        outcomes.action[at, place] = code

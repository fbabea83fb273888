"""What a proof teaches a policy: the steps that closed its goals, and what else there was to do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tesuji.domains.proving.actions import alternatives
from tesuji.domains.proving.features import MOST, Names, describe_goal
from tesuji.domains.proving.matrix import Matrix, Small
from tesuji.domains.proving.tableau import (
    BY_GOAL,
    BY_LEMMA,
    CELLS,
    CLOSED_BY,
    LITERAL,
    NONE,
    OPEN,
    WITH,
    Tableau,
    begin,
    extend,
    make_tableau,
    reduce,
    take_lemma,
)
from tesuji.domains.proving.unification import kernel

_MOST_OPTIONS = 1024  # of a goal, on average


class Lesson(NamedTuple):
    """The goals of a proof that were closed by one of several steps; `N` of them."""

    feature: Small  # of all goals
    feature_first: Small  # [N + 1]
    action: Small  # rows of a policy's `action`
    action_first: Small  # [N + 1]
    chosen: Small  # [N] place in `action`
    cell: Small  # [N] the goal's number in the tableau


def lesson(matrix: Matrix, names: Names, proof: Tableau, start: int) -> Lesson:
    """Return what a closed tableau teaches: it is built again, step by step."""
    cells = int(proof.counts[CELLS])
    tableau = make_tableau(goals=len(proof.cells))
    room = Lesson(
        np.zeros(cells * MOST, np.int32), np.zeros(cells + 1, np.int32),
        np.zeros(cells * _MOST_OPTIONS, np.int32), np.zeros(cells + 1, np.int32),
        np.zeros(cells, np.int32), np.zeros(cells, np.int32),
    )  # fmt: skip
    number = _teach(matrix, names, proof.cells, tableau, start, room)
    feature, action = room.feature_first[number], room.action_first[number]
    return Lesson(
        room.feature[:feature].copy(), room.feature_first[: number + 1].copy(),
        room.action[:action].copy(), room.action_first[: number + 1].copy(),
        room.chosen[:number].copy(), room.cell[:number].copy(),
    )  # fmt: skip


@kernel
def _teach(matrix, names, proof, tableau, start, room):  # type: ignore[no-untyped-def]
    counts, number = tableau.counts, 0
    begin(matrix, tableau, start)
    while counts[OPEN] != NONE:
        goal = counts[OPEN]
        by, other = proof[goal, CLOSED_BY], proof[goal, WITH]
        if by == BY_LEMMA:
            take_lemma(tableau, goal, other)
            continue
        wanted = -1 - other if by == BY_GOAL else by
        first = room.action_first[number]
        end = alternatives(matrix, tableau, goal, room.action, first)
        if end != NONE and end > first + 1:
            taken = NONE
            for at in range(first, end):
                code = room.action[at]
                if code == wanted:
                    taken = at
                if code < 0:
                    above = tableau.cells[-1 - code, LITERAL]
                    room.action[at] = len(matrix.atom) + matrix.key[above]
            if taken != NONE:  # a proof need not be in normal form
                at = room.feature_first[number]
                size = describe_goal(matrix, names, tableau, goal, room.feature[at : at + MOST])
                room.chosen[number], room.cell[number] = taken, goal
                number += 1
                room.feature_first[number], room.action_first[number] = at + size, end
        made = 0
        if by == BY_GOAL:
            made = reduce(matrix, tableau, goal, other)
        else:
            made = extend(matrix, tableau, goal, by)
        if made != 1:
            break
    return number

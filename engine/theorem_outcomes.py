"""What searches bring to learn from: proofs, and goals that were closed or given up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from tesuji.domains.proving.matrix import Small
from tesuji.nets.closing import ClosingExamples
from tesuji.search.proving.lessons import Lesson
from tesuji.search.proving.outcomes import CLOSED, GIVEN_UP, Outcomes
from tesuji.search.proving.policy import Chances, Reals


def closing_examples(left: Iterable[Outcomes], lessons: Iterable[Lesson]) -> ClosingExamples:
    """Return the goals that searches left, and those of proofs, which were closed."""
    closed: tuple[list[Small], ...] = [], []
    for outcomes in left:
        for what in (GIVEN_UP, CLOSED):
            closed[what].extend(outcomes.goals(what))
    for taught in lessons:
        closed[CLOSED].extend(np.split(taught.feature, taught.feature_first[1:-1]))
    goals = [*closed[GIVEN_UP], *closed[CLOSED]]
    labels = np.repeat(np.array([0, 1], np.float32), [len(each) for each in closed])
    return ClosingExamples(
        np.concatenate([np.zeros(0, np.int32), *goals]),
        np.cumsum([0, *map(len, goals)]).astype(np.int32), labels,
    )  # fmt: skip


def chances_of(tensors: Mapping[str, Reals]) -> Chances:
    """Return what a search takes of the weights of a `ConnectionNet`."""
    table, bias, weight, shift = (
        np.array(tensors[f"closing.{name}"])
        for name in ("goal.weight", "bias", "chance.weight", "chance.bias")
    )
    table[-1] = 0.0  # what means something in one problem only
    return Chances(table, bias, weight[0], shift)

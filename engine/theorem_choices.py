"""Where a policy mattered in a proof: the steps that it preferred to those that come first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tesuji.domains.proving.matrix import Matrix
from tesuji.domains.proving.tableau import Tableau
from tesuji.search.proving.lessons import lesson
from tesuji.search.proving.policy import Policy


class Choice(NamedTuple):
    """A goal that several steps could have closed.

    Attributes:
        goal: its number in the tableau.
        steps: how many there were.
        place: of the one that was taken, in the order in which they are found, from 0.
        rank: in the policy's order, from 0.
        prior: that the policy gave it.
    """

    goal: int
    steps: int
    place: int
    rank: int
    prior: float


def choices_of(matrix: Matrix, policy: Policy, tableau: Tableau, start: int) -> tuple[Choice, ...]:
    """Return the choices of a closed tableau that begins with clause `start`."""
    taught, found = lesson(matrix, policy.names, tableau, start), []
    for number, goal in enumerate(taught.cell.tolist()):
        first, end = taught.action_first[number : number + 2].tolist()
        seen = taught.feature[taught.feature_first[number] : taught.feature_first[number + 1]]
        hidden = np.maximum(policy.table[seen].sum(0) + policy.bias, 0.0)
        logits = policy.action[taught.action[first:end]] @ (hidden @ policy.query + policy.shift)
        place = int(taught.chosen[number]) - first
        weights = np.exp(logits - logits.max())
        found.append(
            Choice(
                goal, end - first, place, int((logits > logits[place]).sum()),
                float(weights[place] / weights.sum()),
            )
        )  # fmt: skip
    return tuple(found)

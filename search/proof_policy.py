"""What a policy adds to the numbers of moves near the root (df-pn+, Nagai 2002)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import BoolArray, Domain, State
from tesuji.search.base import Evaluator

MOST = 30  # a move that the policy all but excludes costs so much


def move_costs(
    domain: Domain, evaluator: Evaluator, state: State, legal: BoolArray, weight: float
) -> npt.NDArray[np.int32]:
    """Return the cost `[A]` of each legal move: `weight` for each halving of its probability."""
    observation = np.ascontiguousarray(domain.observe(state)[None], np.float32)
    logits = np.array(evaluator.evaluate(observation).logits[0], np.float64)
    best = logits[legal].max()
    halvings = np.where(legal, (best - logits) / np.log(2.0), 0.0)
    costs: npt.NDArray[np.int32] = np.minimum(weight * halvings, MOST).astype(np.int32)
    return costs

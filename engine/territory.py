"""Territory: who owns each cell at the end of a game, for the net to learn from all its positions.

A game of self-play is over when its root is proven, but who owns what shows only at its end, so a
proven game is played out by a quiet search before it is asked; rarely that search, too short to
find the proof again, gives the result away. Owners are seen by the first side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tesuji.domains.base import Domain, FloatArray
from tesuji.domains.compiled import CompiledDomain
from tesuji.domains.rows import step_rows
from tesuji.search.search import Search


class Territory(NamedTuple):
    """The end of a game, seen by the first side."""

    owners: FloatArray  # [H, W] in [-1, 1]
    lead: float


def count_cells(domain: Domain) -> int:
    """Return the cells of a domain with territory.

    Raises:
        ValueError: it has none, or actions that do not say how its symmetries move cells.
    """
    spec = domain.spec
    rng = np.random.default_rng(0)
    state, discount = domain.reset(), 1.0
    while discount != 0.0:
        action = int(rng.choice(np.flatnonzero(domain.legal(state))))
        state, _, discount = domain.step(state, action, int(rng.integers(2**63)))
    found = domain.ownership(state)
    if found is None:
        raise ValueError(
            f"{spec.name} has no territory to learn; set ownership_weight and lead_weight to 0"
        )
    shape = np.shape(found[0])
    if spec.policy_planes < 1 or spec.num_players != 2 or shape != spec.observation_shape[1:]:
        raise ValueError(
            f"{spec.name}: owners {shape} must lie on the cells {spec.observation_shape[1:]} "
            "of a game for two whose actions are cells"
        )
    return int(np.prod(shape))


class PlayOut:
    """Plays games to their ends.

    Args:
        search: what chooses the moves; quietly, whatever it is set to.
        simulations: simulations a move.
    """

    def __init__(self, domain: CompiledDomain, search: Search, simulations: int) -> None:
        self._domain, self._search, self._simulations = domain, search, simulations

    def __call__(
        self,
        rows: npt.NDArray[np.uint8],
        over: npt.NDArray[np.bool_],
        seeds: npt.NDArray[np.uint64],
    ) -> list[Territory]:
        """Return the territory of games that stand at `rows` `[B, S]`, which end there or later.

        Args:
            rows: positions; played on in place.
            over: `[B]` which of them are ends.
            seeds: `[B]` one a game.
        """
        domain = self._domain
        left = np.flatnonzero(~over)
        while len(left):
            now, keys = rows[left], seeds[left]
            count = np.full(len(left), self._simulations)
            found = self._search.run_rows(now, count, keys, np.ones(len(left), np.bool_))
            rewards, discounts = np.zeros(len(left)), np.zeros(len(left))
            step_rows(
                domain.kernels.addresses(), domain.instance, now, found.action, keys, rewards,
                discounts,
            )  # fmt: skip
            rows[left] = now
            left = left[discounts != 0.0]
        return [self._ask(row) for row in rows]

    def _ask(self, row: npt.NDArray[np.uint8]) -> Territory:
        found = self._domain.ownership(self._domain.state(row.copy()))
        if found is None:
            raise ValueError(f"{self._domain.spec.name} did not say who owns what at an end")
        return Territory(np.asarray(found[0], np.float32), float(found[1]))

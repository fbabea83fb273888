"""What raises the lower bound of a routing instance while routes are sought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tesuji.domains.logistics.routing.instance import RoutingInstance
from tesuji.search.routing.duality import Multipliers

_MOST_BOUNDED = 1500  # nodes of an instance whose linear program is solved


class Bound(Protocol):
    """What raises a lower bound round by round."""

    @property
    def best(self) -> Multipliers:
        """Return what proves most so far."""

    @property
    def done(self) -> bool:
        """Return whether no round will prove more."""

    def step(self, seconds: float) -> None:
        """Do one round."""


class _BestOf:
    """Bounds that are raised one after the other."""

    def __init__(self, bounds: Sequence[Bound]) -> None:
        self._bounds = bounds

    @property
    def best(self) -> Multipliers:
        return max((bound.best for bound in self._bounds), key=lambda best: best.bound)

    @property
    def done(self) -> bool:
        return all(bound.done for bound in self._bounds)

    def step(self, seconds: float) -> None:
        next(bound for bound in self._bounds if not bound.done).step(seconds)


def make_bound(instance: RoutingInstance, routes: Sequence[Sequence[int]]) -> Bound | None:
    """Return what raises a lower bound; None for large instances, or without the extra."""
    if instance.num_nodes > _MOST_BOUNDED:
        return None
    try:
        from tesuji.search.routing.bound import CutBound  # noqa: PLC0415
        from tesuji.search.routing.price_bound import PriceBound  # noqa: PLC0415
    except ImportError:  # the extra `logistics` is not installed
        return None
    # Prices know how routes fit into a day, cuts how loads fit into vehicles.
    return _BestOf([PriceBound(instance, routes), CutBound(instance, routes)])

"""How constraints stand in an episode in a grid, decided exactly, without the search's tables."""

from __future__ import annotations

from tesuji.search.symbolic.grid_constraints import GridConstraints, ToCome, Values


class GridMonitor:
    """Follows an episode.

    Args:
        constraints: to be kept.
        values: of the first state, as `look` tells them.
    """

    def __init__(self, constraints: GridConstraints, values: Values) -> None:
        self._constraints, self._steps = constraints, 0
        self._open = [
            each
            for each in constraints.to_come
            if constraints.acts(each.goal) or not constraints.holds(each.goal, values, 0)
        ]

    @property
    def unmet(self) -> tuple[str, ...]:
        """Return the names of those whose goal has not come."""
        return tuple(each.name for each in self._open)

    def advance(self, before: Values, action: int, after: Values) -> tuple[str, ...]:
        """Take note of a step; return the names of the constraints that it breaks."""
        self._steps += 1
        broken = [*self._constraints.broken(before, action, after)]
        still = []
        for each in self._open:
            if self._steps <= each.within and self._comes(each, before, action, after):
                if not self._by_action(each) and not self._kept(each, before, action, None):
                    broken.append(each.name)
                continue
            still.append(each)
            if not self._kept(each, before, action, after):
                broken.append(each.name)
        self._open = still
        return tuple(broken)

    def _by_action(self, each: ToCome) -> bool:
        return self._constraints.acts(each.goal)

    def _comes(self, each: ToCome, before: Values, action: int, after: Values) -> bool:
        values = before if self._by_action(each) else after
        return self._constraints.holds(each.goal, values, action)

    def _kept(self, each: ToCome, before: Values, action: int, after: Values | None) -> bool:
        """Return whether what must hold until the goal comes does, `after` too where given."""
        if each.hold is None:
            return True
        if self._by_action(each) or self._constraints.acts(each.hold):
            return self._constraints.holds(each.hold, before, action)
        return after is None or self._constraints.holds(each.hold, after, action)
